//! The lines of `seqorch status`.

use std::io::Write;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::global::terminal_width;
use super::remote_view;
use super::spec_status::{RunningAttempt, SpecStatus};
use crate::fleet::lease::Lease;
use crate::report::baseline;
use crate::report::counts as report_counts;
use crate::report::edit_text::config_note_lines;
use crate::report::needs::{self, ShownNeed};
use crate::report::said::note_lines;
use crate::report::spans::{waited_line, waited_lines};
use crate::report::spent::{calls_line, sums_line};
use crate::report::task_lines::{StandingLine, near_task_lines, task_lines};
use crate::report::text::{sanitise_line, shell_word, wrap_lines};
use crate::report::theme::{self, BAD, BOLD, paint, style_of};
use crate::report::times::{busy_line, span};
use crate::report::wait_text::wait_lines;
use crate::run::recorded_commits::LostCommit;
use crate::run::run_texts::limit_lines;
use crate::state::{AttemptSums, SpecState, UnitState, counts};
use crate::store::activity::AtWork;

/// Writes where the spec stands.
pub(super) fn write(out: &mut impl Write, status: &SpecStatus<'_>) {
    let SpecStatus { place, state, plan, lease, .. } = status;
    let (now, runs_here) = (Timestamp::now(), status.holder.is_some());
    let needs = needs::shown(&place.typed, state);
    write_head(out, status, &needs);
    write_lines(out, lease.map(remote_view::lease_line));
    let runs_elsewhere = lease.is_some_and(Lease::is_held);
    let running = status.running.as_ref().filter(|_| !runs_elsewhere);
    write_lines(out, running.map(|running| at_work(&place.typed, state, running, runs_here)));
    write_lines(out, status.busy.as_ref().map(|busy| busy_line(&busy.command, busy.since, now)));
    write_waits(out, status);
    let checks = baseline::status_lines(state, runs_here, now);
    write_lines(out, config_note_lines(state).into_iter().chain(checks));
    // a pipe gets all of them
    let is_short = terminal_width().is_some() && !status.lists_all;
    let lines = if is_short { near_task_lines(state, plan) } else { task_lines(state, plan) };
    write_lines(out, lines.iter().map(StandingLine::painted));
    let calls = AttemptSums::of_calls(state, Timestamp::MIN, now);
    write_lines(out, calls_line(&calls, &state.usage));
    write_lines(out, [report_counts::line(&counts(plan, state))]);
    write_sums(out, state, &status.waited);
    write_answers(out, state);
    write_lines(out, note_lines(state));
    write_lost(out, &status.lost);
    write_needs(out, &needs);
}

/// Writes where the spec stands, its work tree, and its run.
fn write_head(out: &mut impl Write, of: &SpecStatus<'_>, needs: &[ShownNeed]) {
    let word = if of.is_unclear() { "can't be run" } else { of.standing.word() };
    let head = match needs::headline(needs) {
        None => word.to_owned(),
        Some(needed) if of.standing.needs_human() => needed,
        Some(needed) => format!("{word}, {needed}"),
    };
    let style = if of.is_unclear() { BAD } else { style_of(of.standing) };
    let _ = writeln!(out, "{}: {}", paint(BOLD, &sanitise_line(&of.place.name)), paint(style, &head));
    if let Some(trouble) = &of.trouble {
        let plan = sanitise_line(&format!("seqorch plan {}", shell_word(&of.place.typed)));
        let _ = writeln!(out, "  {}", sanitise_line(trouble));
        let _ = writeln!(out, "  fix the file; `{plan}` shows all that is wrong with it");
    }
    if let Some(tree) = &of.tree {
        let _ = writeln!(out, "  {tree}");
    }
    if let Some(holder) = &of.holder {
        let session = holder.session.as_deref().map_or_else(String::new, |s| format!(", tmux session {s}"));
        let _ = writeln!(out, "  run: process {} on {}{session}", holder.pid, holder.host);
    }
}

fn write_lines(out: &mut impl Write, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        let _ = writeln!(out, "  {line}");
    }
}

/// The line of an attempt that the state calls running. `held`: a run holds the lock.
fn at_work(
    spec: &str,
    state: &SpecState,
    RunningAttempt { unit, attempt, doing, checks }: &RunningAttempt,
    held: bool,
) -> String {
    let tries = state.units.get(unit).map_or(1, UnitState::shown_tries);
    let backend = sanitise_line(&attempt.backend);
    let who = format!("{} (attempt {tries}, {backend})", sanitise_line(unit));
    // no check follows a review
    let checks = if attempt.role.is_work() { *checks } else { 0 };
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
            let of = checks.max(*number);
            let command = sanitise_line(command);
            format!("verifying: {who} for {since}, command {number} of {of}: {command}")
        }
        (AtWork::Ended, true) if checks > 0 => format!("verifying: {who} for {since}"),
        (AtWork::Ended, true) => format!("{does}: {who} for {since}; its agent has just ended"),
        (AtWork::Verifying { .. } | AtWork::Ended, false) => {
            format!("ended: {who} left a result while no run was there, {run} takes it")
        }
        (AtWork::NotStarted, true) => format!("starting: {who} for {since}"),
        (AtWork::NotStarted, false) => format!("never started: {who}, {run} starts it again"),
        (AtWork::Gone, _) => format!("{does}: {who} for {since}; its process is gone"),
    }
}

/// Writes what the run waits for, which backends are limited, and how long it waited.
fn write_waits(out: &mut impl Write, status: &SpecStatus<'_>) {
    let (state, runs) = (&status.state, status.holder.is_some());
    write_lines(out, wait_lines(&status.place.typed, state, runs, Timestamp::now(), &TimeZone::system()));
    write_lines(out, limit_lines(state, status.config));
    let which = if runs { "this run" } else { "last run" };
    for line in waited_lines(&state.run.waited()) {
        let _ = writeln!(out, "  {which}: {line}");
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

/// Writes what all runs of the spec used and waited for.
fn write_sums(out: &mut impl Write, state: &SpecState, waited: &[(&'static str, Duration)]) {
    let sums = sums_line(&AttemptSums::since(state, Timestamp::MIN, Timestamp::now()));
    let sums: Vec<String> = sums.into_iter().chain(waited_line(waited)).collect();
    if !sums.is_empty() {
        let _ = writeln!(out, "  all runs: {}", sums.join("; "));
    }
}

fn write_lost(out: &mut impl Write, lost: &[LostCommit]) {
    if !lost.is_empty() {
        let names: Vec<String> = lost.iter().map(|one| sanitise_line(&one.to_string())).collect();
        let _ = writeln!(out, "  note: no longer in the history of HEAD: {}", names.join(", "));
    }
}

/// Prints what a person must do, broken at words.
fn write_needs(out: &mut impl Write, needs: &[ShownNeed]) {
    let mut text = Vec::new();
    let _ = needs::write(&mut text, needs);
    let text = String::from_utf8_lossy(&text);
    let text = terminal_width().map_or_else(|| text.to_string(), |columns| wrap_lines(&text, columns));
    let _ = write!(out, "{}", theme::text(&text));
}
