//! The plan for programs. Later versions only add fields; a timeout that is off is `null`.

use std::time::Duration;

use serde_json::{Value, json};

use super::timeline::Timeline;
use crate::agent::redact::Redactor;
use crate::config::{DoneSignal, PromptBy, Timeouts};
use crate::plan::{Plan, SkipReason, SkippedTask, Step};
use crate::spec::{Diagnostic, Severity, Task, TaskFile};

/// The plan and the tasks that it was made from. Without a plan (tasks.md has errors), only the tasks and the errors.
/// `docs/json.md` lists the fields and says what they mean.
#[must_use]
pub fn json(plan: Option<&Plan>, tasks: &TaskFile, timeline: Option<&Timeline>) -> Value {
    let was = |id: &str| plan.and_then(|plan| plan.was.get(id));
    let with_was = |id: &str, mut value: Value| {
        if let Some(was) = was(id) {
            value["was"] = json!(was);
        }
        value
    };
    let steps = plan.into_iter().flat_map(|plan| &plan.steps).map(|one| with_was(&one.unit, step(one)));
    let steps: Vec<_> = steps.collect();
    let skipped = plan.into_iter().flat_map(|plan| &plan.skipped).map(|one| with_was(&one.id, skip(one)));
    let skipped: Vec<_> = skipped.collect();
    let notes = plan.map_or(&[][..], |plan| &plan.notes);
    let notes: Vec<_> =
        notes.iter().map(|note| json!({"line": note.line, "message": note.message})).collect();
    let of = |severity: Severity| -> Vec<Value> {
        tasks.diagnostics.iter().filter(|found| found.severity == severity).map(diagnostic).collect()
    };
    json!({
        "spec": plan.map(|plan| &plan.spec),
        "total_steps": steps.len(),
        "steps": steps,
        "skipped": skipped,
        "ignored_lines": tasks.ignored,
        "tasks": tasks.tasks.iter().map(|one| with_was(&one.id, task(one))).collect::<Vec<_>>(),
        "groups": tasks.groups,
        "waves": tasks.waves,
        "dialect": tasks.dialect.name(),
        "dialect_reason": tasks.dialect_reason,
        "reading": tasks.reading,
        "errors": of(Severity::Error),
        "warnings": of(Severity::Warning),
        "notes": notes,
        "baseline": plan.map(super::baseline::plan_json),
        "max_iterations": plan.map(|plan| plan.max_iterations),
        "timeline": super::timeline::json(timeline),
        "left": null,
        "uncounted_budgets": [],
    })
}

fn step(step: &Step) -> Value {
    json!({
        "id": step.unit,
        "title": step.title,
        "tasks": step.open.iter().map(|task| &task.id).collect::<Vec<_>>(),
        "completes": step.completes,
        "backend": step.settings.backend,
        "model": step.settings.model,
        "review": step.settings.review.as_deref().map(|review| json!({
            "backend": review.backend, "model": review.model, "argv": shown(&review.argv),
        })),
        "unassigned": step.settings.unassigned,
        "argv": shown(&step.settings.argv),
        "resume_argv": step.settings.resume_argv.as_deref().map(shown),
        "cwd": step.settings.cwd.to_string_lossy(),
        "window": step.window,
        "prompt_by": match step.settings.prompt_by {
            PromptBy::Stdin => "stdin",
            PromptBy::Arg => "arg",
            PromptBy::File => "file",
        },
        "output": step.settings.output,
        "timeouts": timeouts(step.settings.timeout),
        "retry": {
            "attempts": step.settings.retry.attempts,
            "backoff_s": seconds(step.settings.retry.backoff),
            "max_backoff_s": seconds(step.settings.retry.max_backoff),
        },
        "delay_s": seconds(step.settings.delay),
        "signal": match step.settings.done.signal {
            DoneSignal::Required => "required",
            DoneSignal::Optional => "optional",
        },
        "verify": step.settings.verify,
        "reasons": step.reasons,
        "after": step.after,
        "waves": step.waves,
        "line": step.line,
    })
}

fn timeouts(timeouts: Timeouts) -> Value {
    let deadline = |duration: Duration| if duration.is_zero() { Value::Null } else { seconds(duration) };
    json!({
        "task_s": deadline(timeouts.task),
        "idle_s": deadline(timeouts.idle),
        "first_output_s": deadline(timeouts.first_output),
        "grace_s": deadline(timeouts.grace),
    })
}

/// Whole seconds as an integer, others with a fraction.
fn seconds(duration: Duration) -> Value {
    if duration.subsec_nanos() == 0 { json!(duration.as_secs()) } else { json!(duration.as_secs_f64()) }
}

fn skip(skipped: &SkippedTask) -> Value {
    let mut value = json!({
        "id": skipped.id,
        "title": skipped.title,
        "reason": match skipped.reason {
            SkipReason::Completed | SkipReason::Ticked => "done",
            SkipReason::Optional => "optional",
            SkipReason::NotSelected => "not_selected",
            SkipReason::Blocked { .. } => "blocked",
            SkipReason::Failed => "failed",
            SkipReason::Asks => "asks",
            SkipReason::Human => "human",
            SkipReason::Marked(_) => "marked",
        },
        "detail": super::plan::why_skipped(&skipped.reason),
    });
    if let SkipReason::Blocked { on } = &skipped.reason {
        value["on"] = json!(on);
    }
    value
}

fn task(task: &Task) -> Value {
    json!({
        "id": task.id,
        "title": task.title,
        "state": task.state,
        "optional": task.optional,
        "optional_by_text": task.optional_by_text,
        "parallel": task.parallel,
        "parent": task.parent,
        "group": task.group,
        "depends_on": task.depends_on,
        "line": task.line,
    })
}

fn diagnostic(found: &Diagnostic) -> Value {
    json!({"line": found.line, "column": found.column, "message": found.message})
}

/// Arguments, without what looks like a secret.
fn shown(argv: &[String]) -> Vec<String> {
    Redactor::default().redact_argv(argv)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::PlanCase;

    #[test]
    fn a_step_has_all_facts_of_its_attempt() {
        let mut case = PlanCase::new("1\n  1.1 x\n  1.2\n2 <1");
        case.config.timeout.idle = Duration::ZERO;
        case.config.run.delay = Duration::from_millis(1500);
        let value = json(Some(&case.plan()), &case.tasks, None);
        let expected = json!({
            "id": "1", "title": "Do 1", "tasks": ["1.2"], "completes": ["1", "1.2"],
            "backend": "agent", "model": null, "review": null, "unassigned": false, "resume_argv": null, "verify": [], "argv": ["agent", "-p"], "cwd": "/project", "window": "task-1",
            "prompt_by": "stdin", "output": "text",
            "timeouts": {"task_s": 7200, "idle_s": null, "first_output_s": 600, "grace_s": 10},
            "retry": {"attempts": 3, "backoff_s": 30, "max_backoff_s": 600},
            "delay_s": 1.5, "signal": "required", "reasons": ["1 of 2 subtasks open"], "after": [], "waves": [],
            "line": 1,
        });
        assert_eq!(value["steps"][0], expected);
        assert_eq!(value["steps"][1]["after"], json!(["1"]));
        assert_eq!((&value["total_steps"], &value["max_iterations"]), (&json!(2), &json!(50)));
        assert_eq!(value["spec"], "demo");
    }

    #[test]
    fn a_skipped_task_has_its_reason() {
        let case =
            PlanCase::new("1\n2 x\n3 *\n4 !\n5 <4\n6\n7").completed(&["1"]).failed(&["6"]).only(&["5", "6"]);
        let value = json(Some(&case.plan()), &case.tasks, None);
        let reasons: Vec<_> = value["skipped"].as_array().unwrap().iter().map(|s| &s["reason"]).collect();
        assert_eq!(reasons, ["done", "done", "optional", "marked", "blocked", "failed", "not_selected"]);
        assert_eq!(value["skipped"][4]["on"], json!(["4"]));
        assert_eq!(value["skipped"][0].get("on"), None);
        assert_eq!(value["skipped"][1]["detail"], "its box was ticked before this run");
    }

    #[test]
    fn tasks_and_errors_are_printed_without_a_plan() {
        let mut case = PlanCase::new("1\n  1.1 * -");
        case.tasks.diagnostics.push(Diagnostic {
            severity: Severity::Error,
            message: "the id `1` is used twice".into(),
            span: 0..1,
            line: 3,
            column: 7,
            label: String::new(),
            hint: String::new(),
        });
        let value = json(None, &case.tasks, None);
        assert_eq!(value["errors"], json!([{"line": 3, "column": 7, "message": "the id `1` is used twice"}]));
        assert_eq!(
            value["tasks"][1],
            json!({
                "id": "1.1", "title": "Do 1.1", "state": "in_progress", "optional": true, "optional_by_text": false,
                "parallel": false, "parent": "1", "group": null, "depends_on": [], "line": 2,
            })
        );
        assert_eq!((&value["steps"], &value["spec"]), (&json!([]), &Value::Null));
    }
}
