//! PURE. Events as lines of text, for the terminal, the status line, the live view and the progress log.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::baseline;
use super::changes::{changed, listed};
use super::edit_text::{config_lines, tasks_line};
use super::end_text::{end_words, why_ended};
use super::events::EventKind;
use super::needs::{NeedRecord, ShownNeed, what};
use super::notice::{NextKind, Notice};
use super::text::{cut, plural, sanitise_line, sanitise_text};
use super::times::span;
use super::wait_text::{asked_entry, asked_event, waiting_line};
use crate::agent::question::question_line;
use crate::spec::compare_ids;
use crate::state::work_tree::AgentCommit;
use crate::state::{Answer, Changes, End, EndKind, NeedKind, Outcome, Remedy, ResumeReason};

/// A question in a line is cut to this many columns.
const QUESTION: usize = 200;

/// The sign for the outcome of an attempt.
#[must_use]
pub fn mark(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Done | Outcome::ForReview | Outcome::Approved => "✓",
        Outcome::Halted { .. } | Outcome::Limited { .. } => "‖",
        _ => "✗",
    }
}

/// The status line's text for a unit that failed and has no attempts left, while the run continues.
#[must_use]
pub fn failed_word(unit: &str) -> String {
    format!("✗ {} failed", sanitise_line(unit))
}

/// The status line's text for a unit that asks and is parked, while the run continues.
#[must_use]
pub fn parked_word(unit: &str) -> String {
    format!("‖ {} asks", sanitise_line(unit))
}

/// The status line's text for a run that is over, and whether to ring the bell: not if a person ended the run.
#[must_use]
pub fn last_word(end: &End, needs: &[ShownNeed], left: usize) -> (String, bool) {
    let word = match (end, needs.first()) {
        _ if end.is_by_hand() => "‖ stopped by you".to_owned(),
        (_, Some(need)) if need.kind == NeedKind::Question => {
            format!("‖ {} asks", need.task.as_deref().unwrap_or_default())
        }
        (_, Some(need)) if need.kind == NeedKind::FailedTask => {
            let failed = needs.iter().filter(|need| need.kind == NeedKind::FailedTask);
            let tasks: Vec<&str> = failed.filter_map(|need| need.task.as_deref()).collect();
            format!("✗ failed: {}", tasks.join(", "))
        }
        (End::Limited { who, remedy, .. }, _) => match remedy {
            Remedy::Login => format!("‖ {who} needs a login"),
            Remedy::Payment => format!("‖ {who} needs a payment"),
            Remedy::Rule => format!("‖ {who} is limited"),
        },
        (_, Some(need)) => format!("✗ {}", need.what),
        (End::MaxIterations, None) => format!("‖ out of iterations, {left} left"),
        (End::TryLater { reason, .. }, None) => format!("‖ {reason}, {left} left"),
        (End::TimeUp, None) => format!("‖ the time is up, {left} left"),
        (End::SelectionComplete { left }, None) => {
            format!("✓ selection complete, {} left", plural(*left, "task"))
        }
        (End::Complete, None) => "✓ all complete".to_owned(),
        (End::CommitsLost { .. }, None) => format!("! {}", end_words(end.kind(), &[])),
        (_, None) => format!("✗ {}", end.kind().label()),
    };
    (sanitise_line(&word), !end.is_by_hand())
}

/// The text of an event, mostly one line. `max_iterations` is that of the run, if it is known.
#[must_use]
pub fn line(what: &EventKind, max_iterations: Option<u32>, zone: &TimeZone) -> String {
    match what {
        EventKind::RunStarted { steps, .. } => format!("run started: {}", plural(steps.len(), "step")),
        EventKind::StepStarted { unit, title, tries, role, resumes, iteration, left, .. } => {
            let most = max_iterations.map_or_else(String::new, |n| format!("/{n}"));
            let again = if *tries > 1 { format!(", attempt {tries}") } else { String::new() };
            let resumes = resumes_words(*resumes);
            let (unit, title) = (sanitise_line(unit), sanitise_line(title));
            let left = plural(*left, "task");
            let what = if role.is_work() { "" } else { "review of " };
            format!("▶ {what}{unit} {title}  (iteration {iteration}{most}, {left} left{again}{resumes})")
        }
        EventKind::StepEnded { .. } => step_ended_line(what),
        EventKind::Waiting { why, reason, unit, until } => {
            waiting_line(*why, reason, unit.as_deref(), *until, zone)
        }
        EventKind::Assigning { units, backend } => {
            format!("… asking {} to assign {}", sanitise_line(backend), plural(*units, "task"))
        }
        EventKind::Assigned { found, missing, complaints, .. } => assigned_line(found, missing, complaints),
        EventKind::Baselining { commands } => baseline::begins(*commands),
        EventKind::Baseline { commands, failed, left_out, undone, .. } => {
            baseline::line(*commands, failed, left_out, undone)
        }
        EventKind::Verifying { unit, commands } => {
            format!(
                "… task {} says it is done; verifying with {}",
                sanitise_line(unit),
                plural(*commands, "command")
            )
        }
        EventKind::Answered { unit, answer, by, .. } => answered_line(unit, answer, by.as_deref()),
        EventKind::Noted { .. } => noted_line(what),
        EventKind::Paused { .. }
        | EventKind::Resumed
        | EventKind::Skipped { .. }
        | EventKind::NotAnswered { .. }
        | EventKind::NotSkipped { .. } => asked_event(what, zone),
        EventKind::ConfigChanged { became } => config_lines(became).join("\n"),
        EventKind::TasksChanged { edits } => tasks_line(edits),
        EventKind::ForeignTicks { ids } => format!(
            "! an agent ticked boxes outside its own task: {}; these tasks do not count as done and stay in the plan",
            sanitise_line(&ids.join(", "))
        ),
        EventKind::OpenedBoxes { ids } => format!(
            "! boxes of done tasks were opened during the run: {}; these tasks stay done (`seqorch mark ID todo` does one again)",
            sanitise_line(&ids.join(", "))
        ),
        EventKind::RemovedTasks { tasks } => {
            let all: Vec<String> = tasks.iter().map(|task| format!("{} ({})", task.id, task.title)).collect();
            format!(
                "! the agent removed open tasks that are not its own, or struck them out: {}; they are work again once you write them again",
                sanitise_line(&all.join(", "))
            )
        }
        EventKind::Unconfirmed { ids } => format!(
            "! ticked, but not done by seqorch: {}; these tasks still do not count as done and stay in the plan",
            sanitise_line(&ids.join(", "))
        ),
        EventKind::KeepsRunning => "the run continues after this step".to_owned(),
        EventKind::Stopping => "stopping after this step; press Ctrl-C again to end the agent now".to_owned(),
        EventKind::Ending => "ending the agent".to_owned(),
        EventKind::Committed { unit, commit, files, insertions, deletions } => {
            let changes = Changes {
                files: *files,
                insertions: *insertions,
                deletions: *deletions,
                commit: commit.clone(),
                ..Changes::default()
            };
            settled(unit, &changes)
        }
        EventKind::NeedsHuman { reason, needs, .. } => {
            format!("✗ {}", cut(&sanitise_line(&need(needs, reason)), QUESTION))
        }
        EventKind::Halted { unit, question, .. } => {
            format!("‖ task {} asks: {}", sanitise_line(unit), question_line(question, QUESTION))
        }
        EventKind::RunEnded { why, left, took_ms, needs, .. }
            if !needs.is_empty() && matches!(why, EndKind::Complete | EndKind::SelectionComplete) =>
        {
            let left = if *left > 0 { format!(", {left} left") } else { String::new() };
            let took = span(Duration::from_millis(*took_ms));
            format!("── nothing left to run, but something needs you{left}, after {took} ──")
        }
        EventKind::RunEnded { why, failed, left, took_ms, needs, .. } => {
            let left = if *left > 0 { format!(", {left} left") } else { String::new() };
            let why = why_ended(*why, failed, needs);
            format!("── {}{left}, after {} ──", sanitise_line(&why), span(Duration::from_millis(*took_ms)))
        }
        EventKind::Unknown => String::new(),
    }
}

/// The line for the end of an attempt.
fn step_ended_line(what: &EventKind) -> String {
    let EventKind::StepEnded { unit, outcome, says, took_ms, next, attempts_left, .. } = what else {
        return String::new();
    };
    let (unit, says) = (sanitise_line(unit), sanitise_line(says));
    let took = span(Duration::from_millis(*took_ms));
    if let (Outcome::Halted { question }, NextKind::Parked) = (outcome, next) {
        let question = question_line(question, QUESTION);
        return format!("‖ task {unit} asks, parked until you answer (ran {took}): {question}");
    }
    let (mark, next) = (mark(outcome), next_words(*next, *attempts_left));
    let took = if mark == "✓" { format!("in {took}") } else { format!("(ran {took})") };
    format!("{mark} task {unit} {says} {took}{next}")
}

/// Why an attempt resumes a session, as words behind its start.
fn resumes_words(reason: Option<ResumeReason>) -> &'static str {
    match reason {
        None => "",
        Some(ResumeReason::Nudge) => ", asked for its signal",
        Some(ResumeReason::Unchanged) => ", asked whether it is done",
        Some(ResumeReason::Answer) => ", continues with the answer",
        Some(ResumeReason::Retry | ResumeReason::Limit) => ", resumes its session",
    }
}

/// The line for the answer of a person.
fn answered_line(unit: &str, answer: &str, by: Option<&str>) -> String {
    let answer = cut(&sanitise_line(answer), QUESTION);
    format!("✎ {} answered task {}: {answer}", person(by), sanitise_line(unit))
}

/// The line for a note of a person, or for their words to an agent at work.
fn noted_line(what: &EventKind) -> String {
    let EventKind::Noted { unit, text, by, late, said_to } = what else { return String::new() };
    let (unit, text) = (sanitise_line(unit), cut(&sanitise_line(text), QUESTION));
    let by = person(by.as_deref());
    match (late, said_to) {
        (_, Some(_)) => format!("✎ {by} said to the agent of task {unit}: {text}"),
        (true, None) => format!("! the note for task {unit} came too late, the task is done: {text}"),
        (false, None) => format!("✎ {by} wrote a note for task {unit}, and its next prompt has it: {text}"),
    }
}

/// Who said something, as the beginning of a sentence.
fn person(by: Option<&str>) -> String {
    by.map_or_else(|| "someone".to_owned(), sanitise_line)
}

/// What follows an attempt, as words behind its end.
fn next_words(next: NextKind, attempts_left: Option<u32>) -> String {
    let attempts = |n: u32| plural(usize::try_from(n).unwrap_or(usize::MAX), "attempt");
    match (next, attempts_left) {
        (NextKind::Again, Some(n)) => format!("; {} left", attempts(n)),
        (NextKind::Nudge, _) => "; asking for its signal".to_owned(),
        (NextKind::Unchanged, _) => "; asking whether that is right".to_owned(),
        (NextKind::Afresh, left) => {
            let left = left.map_or_else(String::new, |n| format!(", {} left", attempts(n)));
            format!("; its session cannot continue, the next one starts from the beginning{left}")
        }
        (NextKind::Review, _) => "; a review follows".to_owned(),
        (NextKind::Failed, _) => "; no attempts left".to_owned(),
        (NextKind::Parked, _) => "; parked until you answer".to_owned(),
        (NextKind::Plain, _) | (NextKind::Again, None) => String::new(),
    }
}

/// What you must do, in a sentence; the caller removes escape sequences.
pub(super) fn need(needs: &[NeedRecord], reason: &str) -> String {
    match needs.first().filter(|need| need.task.is_some()) {
        Some(need) if need.kind == NeedKind::Question => {
            format!("{}: {}", what(need.kind, need.task.as_deref()), question_line(&need.reason, QUESTION))
        }
        Some(need) => format!("{}: {}", what(need.kind, need.task.as_deref()), need.reason),
        None => reason.to_owned(),
    }
}

/// How a pending commit was settled.
fn settled(unit: &str, changes: &Changes) -> String {
    let what = if changes.commit.is_some() { "committed" } else { "needs no commit any more" };
    format!("✓ task {} {what}: {}", sanitise_line(unit), changed(changes))
}

fn assigned_line(found: &Value, missing: &[String], complaints: &[String]) -> String {
    let mut by_owner: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (unit, one) in found.as_object().into_iter().flatten() {
        by_owner.entry(one["owner_agent"].as_str().unwrap_or_default()).or_default().push(unit);
    }
    for units in by_owner.values_mut() {
        units.sort_by(|a, b| compare_ids(a, b));
    }
    let mut lines: Vec<String> = by_owner
        .iter()
        .map(|(owner, units)| format!("  {}: {}", sanitise_line(owner), sanitise_line(&units.join(", "))))
        .collect();
    if !missing.is_empty() {
        let units = sanitise_line(&missing.join(", "));
        lines.push(format!(
            "! no usable assignment for {units}; the default backend is used, and the next run asks again"
        ));
        lines.extend(complaints.iter().map(|c| format!("    {}", sanitise_line(c))));
    }
    lines.join("\n")
}

/// The entry of the progress log for a notice; `None` if it gets none. `changes` are those of its unit, if git knows them,
/// and `own` the commits that the agent made itself.
#[must_use]
pub fn progress_entry(
    report: &Notice,
    changes: Option<&Changes>,
    own: &[AgentCommit],
    at: Timestamp,
    zone: &TimeZone,
) -> Option<String> {
    let time = at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S %:z");
    if let (Notice::Committed { unit }, Some(changes)) = (report, changes) {
        let status = if changes.commit.is_some() { "committed" } else { "needs no commit any more" };
        return Some(format!(
            "\n## Task {}\n- **Status:** {status}\n- **Time:** {time}\n- **Changes:** {}\n",
            sanitise_line(unit),
            changed(changes)
        ));
    }
    match report {
        Notice::Answered(Answer { unit, question, answer, by, .. }) => {
            return Some(said_entry(
                unit,
                "answered",
                by.as_deref(),
                &time.to_string(),
                &[("Question", question), ("Answer", answer)],
            ));
        }
        Notice::Baseline(record) => return Some(baseline::entry(record, &time.to_string())),
        Notice::Asked(taken) => return Some(asked_entry(taken, at, zone)),
        Notice::ConfigChanged(became) => return Some(changed_entry(&config_lines(became).join("\n"), &time)),
        Notice::TasksChanged(edits) => return Some(changed_entry(&tasks_line(edits), &time)),
        Notice::Noted(note) => {
            let what = match note {
                note if note.is_late() => "a note came too late",
                note if note.said => "said to its agent",
                _ => "a note",
            };
            let by = note.by.as_deref();
            return Some(said_entry(&note.unit, what, by, &time.to_string(), &[("Note", &note.text)]));
        }
        _ => {}
    }
    let Notice::Ended { unit, title, attempt, outcome, took, .. } = report else { return None };
    let mut entry = format!(
        "\n## Task {} - {}\n- **Status:** {}\n- **Attempt:** {attempt}\n- **Time:** {time}\n- **Took:** {}\n",
        sanitise_line(unit),
        sanitise_line(title),
        sanitise_line(&outcome.to_string()),
        span(*took)
    );
    if let Some(changes) = changes.filter(|_| *outcome == Outcome::Done) {
        let _ = writeln!(entry, "- **Changes:** {}", changed(changes));
    }
    for commit in own {
        let _ = writeln!(entry, "- **Commit of the agent:** {}", listed(commit));
    }
    if let Outcome::Halted { question } = outcome {
        entry.push_str("- **Question:**\n");
        for line in sanitise_text(question).lines() {
            let _ = writeln!(entry, "  > {line}");
        }
    }
    Some(entry)
}

/// The entry of the progress log for files that changed.
fn changed_entry(lines: &str, time: &impl std::fmt::Display) -> String {
    let lines = lines.split_once(' ').map_or(lines, |(_, words)| words);
    format!("\n**Changed:** {lines} ({time})\n")
}

/// The entry of the progress log for words of a person.
fn said_entry(unit: &str, what: &str, by: Option<&str>, time: &str, texts: &[(&str, &str)]) -> String {
    let mut entry = format!("\n## Task {}\n- **Status:** {what}\n- **Time:** {time}\n", sanitise_line(unit));
    if let Some(by) = by {
        let _ = writeln!(entry, "- **By:** {}", sanitise_line(by));
    }
    for (name, text) in texts {
        let _ = writeln!(entry, "- **{name}:**");
        for line in sanitise_text(text).lines() {
            let _ = writeln!(entry, "  > {line}");
        }
    }
    entry
}

#[cfg(test)]
#[path = "event_text_tests.rs"]
mod tests;
