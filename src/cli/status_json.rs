//! `seqorch status --json`.

use std::time::Duration;

use serde_json::{Value, json};

use super::overview::Overview;
use super::spec_status::{RunningAttempt, SpecStatus};
use crate::report::needs;
use crate::report::spans::wait_length;
use crate::state::{self, ById, NeedKind, SpecState, counts, left};
use crate::store::activity::AtWork;

/// All that is known of the spec, and where the others stand, if `all` knows them.
pub(super) fn value(status: &SpecStatus<'_>, all: Option<&Overview>) -> Value {
    let SpecStatus { place, state, plan, .. } = status;
    let questions = state.questions();
    let question = questions.first();
    let mut value = json!({
        "spec": place.name,
        "state": (!status.is_unclear()).then(|| status.standing.word()),
        "tasks_error": status.trouble,
        "work_tree": status.tree,
        "run": status.holder,
        "running": status.running.as_ref().map(running),
        "completed": state.completed,
        "left": left(plan, state),
        "needs": needs::records(&place.typed, state),
        "counts": counts(plan, state),
        "halted": question.is_some(),
        "halted_task": question.map(|question| question.unit),
        "question": question.map(|question| question.text),
        "answers": state.answers,
        "decisions": state.all_decisions().collect::<Vec<_>>(),
        "notes": state.notes,
        "baseline": state.baseline,
        "not_committed": not_committed(state),
        "ended": last_end(state),
        "waiting_until": state.run.wait().and_then(|wait| wait.until),
        "waiting_for": state.run.wait().map(|wait| wait.reason.to_string()),
        "paused": state.pause,
        "config": state.run.open().and_then(|open| open.config.as_ref()),
        "times": state.run.times(),
        "waited_s": seconds(state.run.waited()),
        "waited_in_all_runs_s": seconds(status.waited.clone()),
        "limits": state.limits,
        "busy": status.busy,
        "lost_commits": status.lost.iter().map(|one| json!({ "unit": one.unit, "commit": one.commit })).collect::<Vec<_>>(),
        "model_limits": state.model_limits,
        "usage": state.usage,
        "calls": state.calls,
        "units": ById(&state.units),
    });
    if let Some(all) = all {
        value["specs"] = all.json();
    }
    if let Some(lease) = status.lease {
        value["lease"] = json!(lease);
    }
    value
}

fn running(RunningAttempt { unit, attempt, doing, checks }: &RunningAttempt) -> Value {
    let verifying = match doing {
        AtWork::Verifying { number, command, alive } => json!({
            "number": number, "of": checks.max(number), "command": command, "alive": alive,
        }),
        _ => json!(null),
    };
    json!({
        "unit": unit, "attempt": attempt.number, "role": attempt.role.word(), "backend": attempt.backend, "started_at": attempt.started_at,
        "alive": *doing == AtWork::Agent, "doing": doing.word(), "verifying": verifying,
    })
}

/// Waits for programs.
fn seconds<T: Into<String>>(waited: impl IntoIterator<Item = (T, Duration)>) -> Value {
    let parts = waited.into_iter().map(|(what, time)| (what.into(), json!(wait_length(time).as_secs())));
    Value::Object(parts.collect())
}

/// Units whose commit git refused, and why.
fn not_committed(state: &SpecState) -> Vec<Value> {
    let refused =
        state.units_by_id().into_iter().filter_map(|(id, unit)| Some((id, unit.refused_commit()?.0)));
    refused.map(|(unit, why)| json!({ "unit": unit, "why": why })).collect()
}

/// Why the last run ended, where that needs a person and no task says it.
fn last_end(state: &SpecState) -> Option<Value> {
    use NeedKind as K;
    let over = state.run.over()?;
    let of_units = [K::Question, K::FailedTask, K::PendingCommit];
    let need = state::needs(state).into_iter().find(|need| !of_units.contains(&need.kind))?;
    Some(json!({ "why": over.end.kind(), "unit": need.task, "reason": need.reason, "at": over.ended }))
}
