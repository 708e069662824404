//! PURE. The report of the last run, or of all runs, as data. `page` renders it as markdown or HTML.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::baseline::{ShownCheck, shown_checks};
use super::changes::{NO_FILES, listed};
use super::counts;
use super::end_text::end_words;
use super::events::{EventKind, EventRecord};
use super::limits::task_outcome;
use super::needs::{ShownNeed, shown};
use super::patch::{PatchLine, diffstat, patch_lines};
use super::reasons::{findings, reason};
use super::said::{SaidWords, said_for};
use super::spans::{SpanKind, TimelineSpan, attempts, calls, pauses, person_waits, waited};
use super::spent::{self, calls_line};
use super::task_lines::{OPEN_FINDINGS, commit_words};
use super::text::{diff_command, logs_command, plural, sanitise_line, sanitise_text};
use super::time_scale::{TimeScale, TimelineBar, clock};
use super::times::span;
use super::work_tree::ShownTree;
use crate::git::FileChange;
use crate::state::{
    AttemptSums, Counts, End, EndKind, Outcome, SpecState, StandingTask, UnitStatus, WorkStanding, needs,
};

/// Runs with a longer pause between them belong to different reports.
const LONGEST_PAUSE: Duration = Duration::from_secs(8 * 3600);
/// Shown characters of an agent's final message.
const MESSAGE_LENGTH: usize = 1200;

/// The data that a report is made from.
pub struct ReportSource<'a> {
    /// The spec.
    pub spec: &'a str,
    /// What a person types for it.
    pub typed: &'a str,
    /// Its state.
    pub state: &'a SpecState,
    /// The ids and titles of tasks.md, in its order.
    pub units: &'a [(String, String)],
    /// The counts of the tasks.
    pub counts: Counts,
    /// The event log.
    pub events: &'a [EventRecord],
    /// The final message of an attempt of a unit, if it is still kept.
    pub words: &'a dyn Fn(&str, u32) -> Option<String>,
    /// The tasks of the plan, and where each stands.
    pub standings: &'a [StandingTask<'a>],
    /// The changes of a unit, as git prints them; `None` where they are not wanted or not known.
    pub patch: &'a dyn Fn(&str) -> Option<String>,
    /// The files that a unit changed; empty if git does not know them any more.
    pub files: &'a dyn Fn(&str) -> Vec<FileChange>,
    /// The current time: it ends what still runs.
    pub now: Timestamp,
    /// The zone of all times.
    pub zone: &'a TimeZone,
    /// The work tree of the spec's own.
    pub work_tree: Option<ShownTree>,
    /// Report on all runs, not only on the last one.
    pub all: bool,
}

/// A report. No text in it has escape sequences.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// The spec.
    pub spec: String,
    /// `all complete`, `needs you`, `3 tasks left`
    pub headline: String,
    /// When the first attempt or wait began.
    pub from: String,
    /// When the last one ended.
    pub until: String,
    /// The work tree of the spec's own, if it has one.
    pub work_tree: Option<ShownTree>,
    /// What you must do.
    pub needs: Vec<ShownNeed>,
    /// Checks that failed before any agent worked.
    pub failed_before: Vec<ShownCheck>,
    /// Units that had an attempt, in the order of tasks.md.
    pub rows: Vec<TaskRow>,
    /// The tasks that are to do: id and title, in the order of the plan.
    pub left: Vec<(String, String)>,
    /// Names and values of the totals.
    pub totals: Vec<(&'static str, String)>,
    /// Waits that belong to no unit.
    pub pauses: Vec<TimelineBar>,
    /// The marks of the time axis: position as a share of the width, and text.
    pub ticks: Vec<(f64, String)>,
}

/// One unit of the report.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TaskRow {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// How its last attempt ended.
    pub outcome: String,
    /// `done`, `halted`, `limited`, `failed`, `stopped`, `running`
    pub kind: SpanKind,
    /// Number of attempts, without reviews.
    pub attempts: usize,
    /// Number of reviews.
    pub reviews: usize,
    /// Why attempts did not do it, in their order: `attempt 1: failed with exit code 3`.
    pub reasons: Vec<String>,
    /// The command that shows its log.
    pub log: String,
    /// The command that shows its changes; empty where there are none.
    pub diff: String,
    /// The lines of its changes with what each is, for the page.
    pub patch: Vec<PatchLine>,
    /// Time of all attempts together.
    pub took: String,
    /// Tokens; `unknown` if the vendor does not state them.
    pub tokens: String,
    /// US dollars; `unknown` if the vendor does not state them.
    pub cost: String,
    /// Changed files and lines; empty if git does not know them.
    pub changes: String,
    /// Its commit.
    pub commit: String,
    /// Commits that its agent made itself, oldest first.
    pub own_commits: Vec<String>,
    /// Its changed files: path, and added and removed lines.
    pub files: Vec<(String, String)>,
    /// What it left that is in no snapshot and no commit: path and reason.
    pub left_out: Vec<(String, String)>,
    /// What people decided and wrote for it.
    pub said: Vec<SaidWords>,
    /// The final message of its agent.
    pub words: String,
    /// Its bars on the timeline.
    pub bars: Vec<TimelineBar>,
}

/// Makes the report; `None` if there was no attempt yet, and nothing is needed before the first one.
#[must_use]
pub fn run_report(s: &ReportSource<'_>) -> Option<RunReport> {
    let (from, until, spans) = reported_time(s).or_else(|| ended_without_attempt(s))?;
    let units: BTreeMap<&str, &str> =
        s.units.iter().map(|(id, title)| (id.as_str(), title.as_str())).collect();
    // a unit that is not in tasks.md any more comes last
    let known = s.state.units_by_id().into_iter().map(|(id, _)| id);
    let gone = known.filter(|id| !units.contains_key(id));
    let order: Vec<&str> = s.units.iter().map(|(id, _)| id.as_str()).chain(gone).collect();
    let scale = TimeScale { from, length: until.duration_since(from).as_secs_f64().max(0.001) };
    let rows: Vec<TaskRow> = order
        .iter()
        .filter_map(|id| row(s, id, units.get(id).copied().unwrap_or_default(), from, &spans, &scale))
        .collect();
    let needs = shown(s.typed, s.state);
    let headline = if !needs.is_empty() {
        "needs you".to_owned()
    } else if let Some((_, attempt)) =
        s.state.running().filter(|(_, attempt)| attempt.learned.over_at.is_none())
    {
        attempt.role.doing().to_owned()
    } else if let Some(End::CommitsLost { lost }) = s.state.run.over().map(|over| &over.end) {
        format!("{}: {}", end_words(EndKind::CommitsLost, &[]), sanitise_line(&lost.join(", ")))
    } else if s.counts.todo == 0 {
        "all complete".to_owned()
    } else {
        format!("{} left", plural(s.counts.todo, "task"))
    };
    Some(RunReport {
        spec: sanitise_line(s.spec),
        headline,
        from: clock(from, s.zone, "%Y-%m-%d %H:%M %:z"),
        until: clock(until, s.zone, "%Y-%m-%d %H:%M %:z"),
        work_tree: s.work_tree.clone(),
        needs,
        failed_before: shown_checks(s.state),
        left: s
            .standings
            .iter()
            .filter(|task| task.stands.is_left())
            .map(|task| (sanitise_line(task.id), sanitise_line(units.get(task.id).unwrap_or(&""))))
            .collect(),
        totals: totals(s, (from, until), &spans),
        rows,
        pauses: spans.iter().filter(|span| span.unit.is_empty()).map(|span| scale.bar(span)).collect(),
        ticks: scale.ticks(s.zone),
    })
}

/// The time of a run that could not begin with a task, and needs a person.
fn ended_without_attempt(s: &ReportSource<'_>) -> Option<(Timestamp, Timestamp, Vec<TimelineSpan>)> {
    let over = s.state.run.over().filter(|_| !needs(s.state).is_empty())?;
    Some((over.began, over.ended, Vec::new()))
}

/// The spans of the reported time, with its start and end.
fn reported_time(s: &ReportSource<'_>) -> Option<(Timestamp, Timestamp, Vec<TimelineSpan>)> {
    let mut spans = attempts(s.state, s.now);
    if !spans.is_empty() {
        spans.extend(calls(s.state, s.now));
    }
    spans.extend(pauses(s.events, s.now));
    spans.sort_by_key(|span| span.from);
    let mut first = 0;
    if !s.all {
        let mut until = spans.first()?.until;
        for (index, span) in spans.iter().enumerate() {
            if Duration::try_from(span.from.duration_since(until)).is_ok_and(|gap| gap > LONGEST_PAUSE) {
                first = index;
            }
            until = until.max(span.until);
        }
    }
    let mut spans = spans.split_off(first);
    let until = spans.iter().map(|span| span.until).max()?;
    let from = spans.first()?.from;
    // a long wait for a person separates reports, so these come last
    spans.extend(person_waits(s.events).into_iter().filter(|wait| wait.from >= from && wait.until <= until));
    spans.sort_by_key(|span| span.from);
    Some((from, until, spans))
}

fn row(
    s: &ReportSource<'_>,
    id: &str,
    title: &str,
    from: Timestamp,
    spans: &[TimelineSpan],
    scale: &TimeScale,
) -> Option<TaskRow> {
    let unit = s.state.units.get(id)?;
    let title = if title.is_empty() { &unit.title } else { title };
    let attempts: Vec<_> = unit.attempts.iter().filter(|a| a.started_at >= from).collect();
    let last = attempts.last()?;
    let stands = s.standings.iter().find(|task| task.id == id).map(|task| task.stands);
    // where a person settled it, its last attempt does not say where it stands
    let settled = match stands {
        Some(WorkStanding::Done) if !unit.is_done() => Some(("done", SpanKind::Done)),
        Some(WorkStanding::Skipped) if !unit.is_done() => Some(("skipped", SpanKind::Stopped)),
        _ => None,
    };
    let kind = match (&unit.status, &last.outcome) {
        (_, None) => SpanKind::Running,
        _ if settled.is_some() => settled.map_or(SpanKind::Done, |(_, kind)| kind),
        (UnitStatus::Done, _) => SpanKind::Done,
        (UnitStatus::Halted { .. }, _) => SpanKind::Halted,
        (_, Some(outcome)) => SpanKind::of(outcome),
    };
    let sums = AttemptSums::of(attempts.iter().copied(), s.now);
    let limits = attempts.iter().filter(|a| matches!(a.outcome, Some(Outcome::Limited { .. }))).count();
    let changes = unit.changes.as_ref();
    let words = Some(last).filter(|a| a.reached_agent()).and_then(|a| (s.words)(id, a.number));
    let mut words = words.map_or_else(String::new, |text| shorten(&sanitise_text(&text)));
    let mut denied: Vec<String> = Vec::new();
    for call in attempts.iter().flat_map(|attempt| &attempt.learned.denied) {
        let call = sanitise_line(call);
        if !denied.contains(&call) {
            denied.push(call);
        }
    }
    if !denied.is_empty() {
        words = format!("Refused, because no human was there to allow it: {}\n\n{words}", denied.join("; "));
    }
    if let Some(findings) = findings(unit) {
        words = format!("{findings}\n\n{words}");
    }
    Some(TaskRow {
        id: sanitise_line(id),
        title: sanitise_line(title),
        outcome: match &last.outcome {
            None => last.role.doing().to_owned(),
            Some(outcome) => match commit_words(unit) {
                Some(commit) => format!("done, {commit}"),
                None if stands.is_some_and(|stands| s.state.is_done_in_part(id, stands)) => {
                    "done in part".to_owned()
                }
                None if unit.has_open_findings() => OPEN_FINDINGS.to_owned(),
                None if *outcome == Outcome::Done && limits > 0 => {
                    format!("done, after {}", plural(limits, "limit"))
                }
                None => match settled {
                    Some((words, _)) => format!("{words}, last attempt: {}", task_outcome(outcome)),
                    None => task_outcome(outcome),
                },
            },
        },
        kind,
        attempts: sums.tries,
        reviews: sums.reviews,
        reasons: attempts
            .iter()
            .filter(|a| a.is_try())
            .filter_map(|a| {
                reason(a).map(|why| {
                    format!("{} {}: {why}", if a.role.is_work() { "attempt" } else { "review" }, a.number)
                })
            })
            .collect(),
        log: logs_command(s.typed, id),
        diff: if changes.is_some_and(|c| !c.unchanged) { diff_command(s.typed, id) } else { String::new() },
        patch: (s.patch)(id).map_or_else(Vec::new, |text| patch_lines(&text)),
        took: span(sums.worked),
        tokens: spent::tokens(&sums.spent),
        cost: spent::cost(&sums.spent),
        changes: changes.map_or_else(String::new, |c| {
            if c.unchanged {
                return NO_FILES.to_owned();
            }
            format!(
                "{} +{} -{}",
                plural(usize::try_from(c.files).unwrap_or(usize::MAX), "file"),
                c.insertions,
                c.deletions
            )
        }),
        commit: changes
            .and_then(|c| c.commit.as_deref())
            .map_or_else(String::new, |id| sanitise_line(id).chars().take(9).collect()),
        own_commits: attempts.iter().flat_map(|a| a.own_commits()).map(listed).collect(),
        files: diffstat(&(s.files)(id)),
        left_out: unit
            .left_out()
            .iter()
            .map(|one| (sanitise_line(&one.path), sanitise_line(&one.why)))
            .collect(),
        said: said_for(s.state, id, s.zone),
        words,
        bars: spans.iter().filter(|b| b.unit == id).map(|b| scale.bar(b)).collect(),
    })
}

fn totals(
    s: &ReportSource<'_>,
    (from, until): (Timestamp, Timestamp),
    spans: &[TimelineSpan],
) -> Vec<(&'static str, String)> {
    let tried: Vec<_> =
        s.state.units.values().filter(|unit| unit.attempts.iter().any(|a| a.started_at >= from)).collect();
    let sum = |of: fn(&&TimelineSpan) -> bool| -> Duration {
        spans.iter().filter(of).map(TimelineSpan::length).sum()
    };
    let sums = AttemptSums::since(s.state, from, s.now);
    let reviews = (sums.reviews > 0).then(|| ("reviews", sums.reviews.to_string()));
    let calls = AttemptSums::of_calls(s.state, from, s.now);
    let calls = calls_line(&calls, &sums.spent).and_then(|line| Some(line.split_once(": ")?.1.to_owned()));
    let calls = calls.map(|line| ("assigning tasks", line));
    let mut found = vec![
        ("tasks", counts::line(&s.counts)),
        ("attempts", sums.tries.to_string()),
        ("from start to end", span(until.duration_since(from).try_into().unwrap_or_default())),
        ("worked", span(sums.worked)),
        ("waited", waited(spans)),
        ("verified", span(sum(|b| b.kind == SpanKind::Verify))),
        ("tokens", spent::tokens(&sums.spent)),
        ("cost", spent::cost(&sums.spent)),
    ];
    found.splice(2..2, reviews.into_iter().chain(calls));
    let changes: Vec<_> = tried.iter().filter_map(|unit| unit.changes.as_ref()).collect();
    if !changes.is_empty() {
        let insertions: u64 = changes.iter().map(|c| c.insertions).sum();
        let deletions: u64 = changes.iter().map(|c| c.deletions).sum();
        found.push(("changes", format!("+{insertions} -{deletions} lines")));
    }
    if let Some(why) = not_pushed(s.events) {
        found.push(("not pushed", sanitise_line(why)));
    }
    found
}

/// Why the commits of the last run are not pushed.
fn not_pushed(events: &[EventRecord]) -> Option<&str> {
    events.iter().rev().find_map(|event| match &event.kind {
        EventKind::RunEnded { not_pushed, .. } => Some(not_pushed.as_deref()),
        _ => None,
    })?
}

/// The end of a text: agents put what matters last.
fn shorten(text: &str) -> String {
    let text = text.trim();
    let skip = text.chars().count().saturating_sub(MESSAGE_LENGTH);
    let end: String = text.chars().skip(skip).collect();
    if skip == 0 { end } else { format!("…{end}") }
}

#[cfg(test)]
#[path = "run_report_tests.rs"]
mod tests;
