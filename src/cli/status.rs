//! `seqorch status`: shows the progress of a spec.

use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::Global;
use super::global::{Fitting, terminal_width};
use super::overview::{Overview, Unnamed, spec_for};
use super::project::{Project, warn_of_lost_tree};
use super::remote_view;
use super::report::shown_tree;
use super::status_head::{StatusHead, write_head};
use crate::agent::sanitise::harmless;
use crate::config::HistoryRule;
use crate::error::Result;
use crate::fleet::lease::Lease;
use crate::git::call::Supervisor;
use crate::plan::Selection;
use crate::project::SpecPlace;
use crate::report::baseline;
use crate::report::counts as report_counts;
use crate::report::edit_text::config_note_lines;
use crate::report::events;
use crate::report::needs::{self, ShownNeed};
use crate::report::said::note_lines;
use crate::report::spans::{waited_line, waits_of_all_runs};
use crate::report::spent::{calls_line, sums_line};
use crate::report::task_lines::{StandingLine, near_task_lines, task_lines};
use crate::report::text::{sanitise_line, shell_word, wrap_lines};
use crate::report::theme;
use crate::report::times::{busy_line, span};
use crate::report::view::Standing;
use crate::report::wait_text::wait_lines;
use crate::run::recorded_commits::{LostCommit, lost_commits};
use crate::run::run_repository::RunRepository;
use crate::run::run_texts::limit_lines;
use crate::state::{self, AttemptRecord, AttemptSums, ById, NeedKind, SpecState, UnitState, counts, left};
use crate::store::activity::AtWork;
use crate::store::busy_file::BusyFile;
use crate::store::lock;
use crate::store::spec_store::Store;
use crate::sys::nofollow::{self, WHOLE_MAX};

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    spec: Option<PathBuf>,
    /// Print one JSON object instead; with --watch one per event.
    #[arg(long)]
    json: bool,
    /// Show it as a remote has it [default: remote.name, or origin].
    #[arg(long, value_name = "NAME", num_args = 0..=1, require_equals = true, default_missing_value = "", conflicts_with = "watch")]
    remote: Option<String>,
    /// Show it live. Without a terminal (in a pipe, in CI), print one line per event until the run ends.
    #[arg(short, long)]
    watch: bool,
}

pub(super) fn status(global: &Global, args: &StatusArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let asked = args.spec.as_deref();
    if args.watch {
        let spec = spec_for(&project, asked, Unnamed::Shows)?;
        let place = project.place(&spec, Selection::default())?;
        super::watch::watch(global, &project, &place, None, None, args.json)?;
        return Ok(0);
    }
    if let Some(remote) = &args.remote {
        let place = project.place(&project.spec(asked)?, Selection::default())?;
        let shown = remote_view::look(&project, &place, remote)?;
        return of_spec(&project, &shown.place, args.json, None, Some(&shown.lease));
    }
    let Some(all) = Overview::unnamed(&project, asked) else {
        let place = project.place(&project.spec(asked)?, Selection::default())?;
        warn_of_lost_tree(&place);
        return of_spec(&project, &place, args.json, None, None);
    };
    let first = all.first();
    if !args.json {
        let mut out = anstream::stdout();
        let _ = all.write(&mut out, first, usize::MAX);
        let _ = match first {
            Some(_) => writeln!(out),
            None => writeln!(out, "\nNone of them ever ran. Start one with: seqorch run {}", all.example()),
        };
    }
    match first.and_then(|first| first.place.as_ref()) {
        Some(place) => {
            warn_of_lost_tree(place);
            of_spec(&project, place, args.json, Some(&all), None)
        }
        None if args.json => {
            let value = json!({ "spec": null, "specs": all.json() });
            let _ = writeln!(anstream::stdout(), "{}", harmless(&format!("{value:#}")));
            Ok(0)
        }
        None => Ok(0),
    }
}

/// Prints the progress of one spec; with `--json` also where the others stand, if `all` knows them.
/// `lease`: that of a spec on a remote.
fn of_spec(
    project: &Project,
    place: &SpecPlace,
    as_json: bool,
    all: Option<&Overview>,
    lease: Option<&Lease>,
) -> Result<u8> {
    let store = place.store();
    let mut state = project.state_of(place, lease)?;
    // an older version did not
    state.sum_up();
    let (tasks, trouble) = place.shown_tasks()?;
    let plan = super::plan::current(place, &project.loaded.config, &tasks, &state);
    let holder = lock::holder(&store.run_lock());
    let running = state.running().map(|(unit, attempt)| {
        let doing = AtWork::look(&store.attempt_dir(state.folder(unit), attempt.number), attempt);
        (unit.to_owned(), attempt.clone(), doing)
    });
    let alive = running.as_ref().is_some_and(|(.., doing)| *doing == AtWork::Agent);
    // the commands of [verify] that follow this attempt
    let commands = running.as_ref().map_or(0, |(unit, ..)| {
        plan.steps.iter().find(|step| step.unit == *unit).map_or(0, |step| step.settings.verify.len())
    });
    let runs_elsewhere = lease.is_some_and(Lease::is_held);
    let standing = Standing::of(holder.is_some() || runs_elsewhere, &state, &plan, alive);
    // with a tasks.md that can't be read, nothing says that a spec rests or is complete
    let is_unclear = trouble.is_some() && matches!(standing, Standing::Idle | Standing::Complete);
    let word = (!is_unclear).then(|| standing.word());
    let counts = counts(&plan, &state);
    let questions = state.questions();
    let question = questions.first().copied();
    let lost = lost(project, place, &state);
    let busy = BusyFile::new(&store.folder()).look().filter(|_| holder.is_some());
    let tree = shown_tree(place);
    let waited = waits(&store);
    let mut out = anstream::stdout();
    if as_json {
        let mut value = json!({
            "spec": place.name,
            "state": word,
            "tasks_error": trouble,
            "work_tree": tree,
            "run": holder,
            "running": running.as_ref().map(|(unit, attempt, doing)| running_json(unit, attempt, doing, commands)),
            "completed": state.completed,
            "left": left(&plan, &state),
            "needs": needs::records(&place.typed, &state),
            "counts": counts,
            "halted": question.is_some(),
            "halted_task": question.map(|question| question.unit),
            "question": question.map(|question| question.text),
            "answers": state.answers,
            "decisions": state.all_decisions().collect::<Vec<_>>(),
            "notes": state.notes,
            "baseline": state.baseline,
            "not_committed": not_committed(&state),
            "ended": last_end(&state),
            "waiting_until": state.run.wait().and_then(|wait| wait.until),
            "waiting_for": state.run.wait().map(|wait| wait.reason.to_string()),
            "paused": state.pause,
            "config": state.run.open().and_then(|open| open.config.as_ref()),
            "times": state.run.times(),
            "waited_s": state.run.waited_s(),
            "waited_in_all_runs_s": seconds(&waited),
            "limits": state.limits,
            "busy": busy,
            "lost_commits": lost.iter().map(|one| json!({ "unit": one.unit, "commit": one.commit })).collect::<Vec<_>>(),
            "model_limits": state.model_limits,
            "usage": state.usage,
            "calls": state.calls,
            "units": ById(&state.units),
        });
        if let Some(all) = all {
            value["specs"] = all.json();
        }
        if let Some(lease) = lease {
            value["lease"] = json!(lease);
        }
        let _ = writeln!(out, "{}", harmless(&format!("{value:#}")));
        return Ok(0);
    }
    let needs = needs::shown(&place.typed, &state);
    let mut out = Fitting(out);
    let head = StatusHead::new(place, standing, is_unclear, trouble.as_deref());
    write_head(&mut out, &head, &needs, (tree.as_ref(), holder.as_ref()));
    write_lines(&mut out, lease.map(remote_view::lease_line));
    if let Some((unit, attempt, doing)) = running.as_ref().filter(|_| !runs_elsewhere) {
        let line = at_work(&place.typed, &state, (unit, attempt), doing, commands, holder.is_some());
        let _ = writeln!(out, "  {line}");
    }
    write_lines(&mut out, busy.map(|busy| busy_line(&busy.command, busy.since, Timestamp::now())));
    let limits = limit_lines(&state, &project.loaded.config);
    write_waits(&mut out, &place.typed, &state, &limits, holder.is_some());
    let checks = baseline::status_lines(&state, holder.is_some(), Timestamp::now());
    write_lines(&mut out, config_note_lines(&state).into_iter().chain(checks));
    // a pipe gets all of them
    let is_short = terminal_width().is_some() && project.verbosity == 0;
    let lines = if is_short { near_task_lines(&state, &plan) } else { task_lines(&state, &plan) };
    write_lines(&mut out, lines.iter().map(StandingLine::painted));
    let calls = AttemptSums::of_calls(&state, Timestamp::MIN, Timestamp::now());
    write_lines(&mut out, calls_line(&calls, &state.usage));
    let _ = writeln!(out, "  {}", report_counts::line(&counts));
    write_sums(&mut out, &state, &waited);
    write_answers(&mut out, &state);
    write_lines(&mut out, note_lines(&state));
    write_lost(&mut out, &lost);
    write_needs(&mut out, &place.typed, &needs);
    Ok(0)
}

fn write_lines(out: &mut impl Write, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

/// What all runs of the spec waited for.
fn waits(store: &Store) -> Vec<(&'static str, Duration)> {
    let log = nofollow::read(&store.events_path(), WHOLE_MAX).unwrap_or_default();
    waits_of_all_runs(&events::read(&String::from_utf8_lossy(&log)), Timestamp::now())
}

/// Waits for programs.
fn seconds(waited: &[(&'static str, Duration)]) -> Value {
    let parts = waited.iter().map(|(what, time)| ((*what).to_owned(), json!(time.as_secs())));
    Value::Object(parts.collect())
}

/// Writes what all runs of the spec used and waited for.
fn write_sums(out: &mut impl Write, state: &SpecState, waited: &[(&'static str, Duration)]) {
    let sums = sums_line(&AttemptSums::since(state, Timestamp::MIN, Timestamp::now()));
    let sums: Vec<String> = sums.into_iter().chain(waited_line(waited)).collect();
    if !sums.is_empty() {
        let _ = writeln!(out, "  all runs: {}", sums.join("; "));
    }
}

/// Prints what a person must do, broken at words.
fn write_needs(out: &mut impl Write, typed: &str, needs: &[ShownNeed]) {
    let mut text = Vec::new();
    let _ = needs::write(&mut text, typed, needs);
    let text = String::from_utf8_lossy(&text);
    let text = terminal_width().map_or_else(|| text.to_string(), |columns| wrap_lines(&text, columns));
    let _ = write!(out, "{}", theme::text(&text));
}

/// The attempt that runs. `commands` is the number of the commands of verify that follow it.
fn running_json(unit: &str, attempt: &AttemptRecord, doing: &AtWork, commands: usize) -> Value {
    let verifying = match doing {
        AtWork::Verifying { number, command, alive } => json!({
            "number": number, "of": commands.max(*number), "command": command, "alive": alive,
        }),
        _ => json!(null),
    };
    json!({
        "unit": unit, "attempt": attempt.number, "role": attempt.role.word(), "backend": attempt.backend, "started_at": attempt.started_at,
        "alive": *doing == AtWork::Agent, "doing": doing.word(), "verifying": verifying,
    })
}

/// Recorded commits that are not in the history of HEAD any more: a person may rewrite it.
fn lost(project: &Project, place: &SpecPlace, state: &SpecState) -> Vec<LostCommit> {
    let config = &project.loaded.config;
    if config.git.history == HistoryRule::Off {
        return Vec::new();
    }
    // where git does not answer, there is nothing to note
    let found = RunRepository::of_run(place, config, &Supervisor::default()).ok().flatten();
    found.and_then(|found| lost_commits(found.repository(), state).ok()).unwrap_or_default()
}

fn write_lost(out: &mut impl Write, lost: &[LostCommit]) {
    if !lost.is_empty() {
        let names: Vec<String> = lost.iter().map(|one| sanitise_line(&one.to_string())).collect();
        let _ = writeln!(out, "  note: no longer in the history of HEAD: {}", names.join(", "));
    }
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

/// The line of the attempt that the state calls running. `commands` is the number of commands that must succeed after it;
/// `held`: a run holds the lock.
fn at_work(
    spec: &str,
    state: &SpecState,
    (unit, attempt): (&str, &AttemptRecord),
    doing: &AtWork,
    commands: usize,
    held: bool,
) -> String {
    let tries = state.units.get(unit).map_or(1, UnitState::shown_tries);
    let backend = sanitise_line(&attempt.backend);
    let who = format!("{} (attempt {tries}, {backend})", sanitise_line(unit));
    // no check follows a review
    let commands = if attempt.role.is_work() { commands } else { 0 };
    let does = attempt.role.doing();
    let run = format!("`seqorch run {} --retry`", sanitise_line(&shell_word(spec)));
    let since = Timestamp::now().duration_since(attempt.started_at).try_into().unwrap_or_default();
    let since = span(since);
    match (doing, held) {
        (AtWork::Agent, true) => format!("{does}: {who} for {since}"),
        (AtWork::Agent, false) => {
            format!("{does}: {who} for {since}; no run watches it, {run} takes it over")
        }
        (AtWork::Verifying { number, command, .. }, true) => {
            let of = commands.max(*number);
            let command = sanitise_line(command);
            format!("verifying: {who} for {since}, command {number} of {of}: {command}")
        }
        (AtWork::Ended, true) if commands > 0 => format!("verifying: {who} for {since}"),
        (AtWork::Ended, true) => format!("{does}: {who} for {since}; its agent has just ended"),
        (AtWork::Verifying { .. } | AtWork::Ended, false) => {
            format!("ended: {who} left a result while no run was there, {run} takes it")
        }
        (AtWork::NotStarted, true) => format!("starting: {who} for {since}"),
        (AtWork::NotStarted, false) => format!("never started: {who}, {run} starts it again"),
        (AtWork::Gone, _) => format!("{does}: {who} for {since}; its process is gone"),
    }
}

/// Writes the answers. Each is in the prompts of its task until the task is done.
fn write_answers(out: &mut impl Write, state: &SpecState) {
    for answer in &state.answers {
        let (id, said) = (sanitise_line(&answer.unit), sanitise_line(&answer.answer));
        let unit = state.units.get(&answer.unit);
        let last = unit.and_then(|unit| unit.attempts.last()).map(|attempt| attempt.number);
        let is_new = answer.attempt >= last && !unit.is_some_and(UnitState::is_halted);
        let _ = if is_new {
            writeln!(out, "  the answer to task {id} goes into its next prompt: {said}")
        } else {
            writeln!(out, "  decided for task {id}: {} {said}", sanitise_line(&answer.question))
        };
    }
    for one in &state.decisions {
        let (id, said) = (sanitise_line(&one.unit), sanitise_line(&one.answer));
        let _ = writeln!(out, "  decided for task {id}: {} {said}", sanitise_line(&one.question));
    }
}

/// Writes what the run waits for, which backends are limited, and how long it waited.
/// `runs`: a run is active.
fn write_waits(out: &mut impl Write, spec: &str, state: &SpecState, limits: &[String], runs: bool) {
    for line in wait_lines(spec, state, runs, Timestamp::now(), &TimeZone::system()) {
        let _ = writeln!(out, "  {line}");
    }
    for line in limits {
        let _ = writeln!(out, "  {line}");
    }
    let which = if runs { "this run" } else { "last run" };
    for (reason, seconds) in state.run.waited_s().iter().filter(|(_, seconds)| **seconds > 0) {
        let waited = Duration::from_secs(*seconds);
        let _ = writeln!(out, "  {which}: waited {} for {}", span(waited), sanitise_line(reason));
    }
}
