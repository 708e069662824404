//! PURE. The spans of the report's timeline: attempts, waits and checks.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::events::{EventKind, EventRecord};
use super::notice::PauseKind;
use super::text::{plural, sanitise_line};
use super::times::span;
use crate::state::{AttemptRecord, Outcome, SpecState};

/// What happened in a span: an attempt with its outcome, a wait, or checks. In the page these are names of classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SpanKind {
    /// An attempt that did its task.
    Done,
    /// An attempt that did not.
    Failed,
    /// An attempt that asked a question.
    Halted,
    /// An attempt that met a limit.
    Limited,
    /// An attempt that was ended from outside, or that never started.
    Stopped,
    /// An attempt that is not over.
    Running,
    /// A wait for the end of a limit.
    Limit,
    /// A wait for a rule of `[pace]`.
    Pace,
    /// A wait for a person: their answer, the end of their talk or their pause, what only they can do between two runs.
    Person,
    /// A wait between steps and attempts.
    Pause,
    /// Checks.
    Verify,
}

impl SpanKind {
    pub(super) const ALL: [Self; 11] = [
        Self::Done,
        Self::Failed,
        Self::Halted,
        Self::Limited,
        Self::Stopped,
        Self::Running,
        Self::Limit,
        Self::Pace,
        Self::Person,
        Self::Pause,
        Self::Verify,
    ];

    /// That of an attempt with this outcome.
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done | Outcome::ForReview | Outcome::Approved => Self::Done,
            Outcome::Halted { .. } => Self::Halted,
            Outcome::Limited { .. } => Self::Limited,
            Outcome::Cancelled { .. } => Self::Stopped,
            _ => Self::Failed,
        }
    }
}

/// How the label of a wait begins; what is waited for follows.
const WAITED: &str = "waited: ";

/// The kinds that are waits, with their names in the sum of waits.
const WAITS: [(SpanKind, &str); 4] = [
    (SpanKind::Limit, "limits"),
    (SpanKind::Pace, "pace"),
    (SpanKind::Person, "you"),
    (SpanKind::Pause, "pauses"),
];

/// A span of time in which one thing happened.
pub(super) struct TimelineSpan {
    pub(super) unit: String,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) kind: SpanKind,
    pub(super) label: String,
}

impl TimelineSpan {
    pub(super) fn length(&self) -> Duration {
        self.until.duration_since(self.from).try_into().unwrap_or_default()
    }
}

/// The spans of all attempts.
pub(super) fn attempts(state: &SpecState, now: Timestamp) -> Vec<TimelineSpan> {
    let one = |unit: &str, attempt: &AttemptRecord| {
        let (kind, says) = match &attempt.outcome {
            None => (SpanKind::Running, "running".to_owned()),
            Some(outcome) => (SpanKind::of(outcome), outcome.to_string()),
        };
        let what = if attempt.role.is_work() { "attempt" } else { "review" };
        TimelineSpan {
            unit: unit.to_owned(),
            from: attempt.started_at,
            until: attempt.until(now),
            kind,
            label: sanitise_line(&format!("{} {} with {}: {says}", what, attempt.number, attempt.backend)),
        }
    };
    state
        .units_by_id()
        .into_iter()
        .flat_map(|(id, unit)| unit.attempts.iter().map(move |a| one(id, a)))
        .collect()
}

/// The spans of calls that assigned tasks.
pub(super) fn calls(state: &SpecState, now: Timestamp) -> impl Iterator<Item = TimelineSpan> {
    state.calls.iter().map(move |call| TimelineSpan {
        unit: String::new(),
        from: call.started_at,
        until: call.until(now),
        kind: call.outcome.as_ref().map_or(SpanKind::Running, SpanKind::of),
        label: sanitise_line(&format!("{} assigned tasks", call.backend)),
    })
}

/// The spans of waits and checks. The state does not have them, so they come from the event log: each lasts until the next
/// event.
pub(super) fn pauses(events: &[EventRecord], now: Timestamp) -> Vec<TimelineSpan> {
    let mut found = Vec::new();
    for (index, record) in events.iter().enumerate() {
        let next = events.get(index + 1).map(|next| next.at);
        match &record.kind {
            EventKind::Waiting { why, reason, unit, until } => found.push(TimelineSpan {
                unit: unit.clone().unwrap_or_default(),
                from: record.at,
                until: next.unwrap_or(now).min(until.unwrap_or(Timestamp::MAX)).max(record.at),
                kind: match why {
                    PauseKind::Limit => SpanKind::Limit,
                    PauseKind::Pace => SpanKind::Pace,
                    PauseKind::Ask | PauseKind::Talk | PauseKind::Pause => SpanKind::Person,
                    PauseKind::Delay | PauseKind::Backoff | PauseKind::Program | PauseKind::Begin => {
                        SpanKind::Pause
                    }
                },
                label: sanitise_line(&format!("{WAITED}{reason}")),
            }),
            EventKind::Baselining { commands } => found.push(TimelineSpan {
                unit: String::new(),
                from: record.at,
                until: next.unwrap_or(now).max(record.at),
                kind: SpanKind::Verify,
                label: format!("tried {} before any agent worked", plural(*commands, "command")),
            }),
            EventKind::Verifying { unit, commands } => found.push(TimelineSpan {
                unit: unit.clone(),
                from: record.at,
                until: next.unwrap_or(now).max(record.at),
                kind: SpanKind::Verify,
                label: format!("verified with {}", plural(*commands, "command")),
            }),
            _ => {}
        }
    }
    found
}

/// The times between a run that ended because it needed a person, and the next run.
pub(super) fn person_waits(events: &[EventRecord]) -> Vec<TimelineSpan> {
    let mut found = Vec::new();
    let mut ended = None;
    for record in events {
        match &record.kind {
            EventKind::RunEnded { needs, unit, .. } if !needs.is_empty() => {
                ended = Some((record.at, unit.clone().unwrap_or_default()));
            }
            EventKind::RunEnded { .. } => ended = None,
            EventKind::RunStarted { .. } => {
                found.extend(ended.take().map(|(from, unit)| TimelineSpan {
                    unit,
                    from,
                    until: record.at.max(from),
                    kind: SpanKind::Person,
                    label: "waited for you".to_owned(),
                }));
            }
            _ => {}
        }
    }
    found
}

/// What all runs of a spec waited for, and how long: what `report --all` has among its totals. What was not waited for is not in
/// it.
#[must_use]
pub fn waits_of_all_runs(events: &[EventRecord], now: Timestamp) -> Vec<(&'static str, Duration)> {
    let spans: Vec<TimelineSpan> = pauses(events, now).into_iter().chain(person_waits(events)).collect();
    let sums = sums(&spans).into_iter().filter(|(time, _)| is_long(*time));
    sums.map(|(time, what)| (what, time)).collect()
}

/// Whether a person means this wait: less than a second is none.
fn is_long(wait: Duration) -> bool {
    wait.as_secs() > 0
}

/// The length of a wait as every output has it: rounded to whole seconds, so that the same wait has one length.
#[must_use]
pub fn wait_length(wait: Duration) -> Duration {
    Duration::from_secs(wait.saturating_add(Duration::from_millis(500)).as_secs())
}

/// `waited 3s for fake: quota used up`, a line for each reason.
pub fn waited_lines(waits: &BTreeMap<String, Duration>) -> impl Iterator<Item = String> {
    let long = waits.iter().filter(|(_, wait)| is_long(**wait));
    long.map(|(reason, wait)| format!("waited {} for {}", span(wait_length(*wait)), sanitise_line(reason)))
}

/// `waited 12s: 10s for limits, 2s for pauses`; `None` where nothing was waited for.
#[must_use]
pub fn waited_line(waits: &[(&'static str, Duration)]) -> Option<String> {
    let parts: Vec<_> = waits.iter().map(|(what, time)| (*time, *what)).collect();
    (!parts.is_empty()).then(|| format!("waited {}", waited_text(&parts)))
}

/// The length of the waits of each kind.
fn sums(spans: &[TimelineSpan]) -> Vec<(Duration, &'static str)> {
    let of =
        |kind: SpanKind| spans.iter().filter(|b| b.kind == kind).map(TimelineSpan::length).sum::<Duration>();
    WAITS.iter().map(|(kind, what)| (of(*kind), *what)).filter(|(time, _)| !time.is_zero()).collect()
}

/// The sum of all waits: `12s: 10s for limits of claude, 2s for pauses`.
pub(super) fn waited(spans: &[TimelineSpan]) -> String {
    let limits = spans.iter().filter(|span| span.kind == SpanKind::Limit);
    // the reason begins with who is limited
    let who: BTreeSet<&str> =
        limits.filter_map(|span| Some(span.label.strip_prefix(WAITED)?.split_once(": ")?.0)).collect();
    let who = who.into_iter().collect::<Vec<_>>().join(", ");
    let named = sums(spans).into_iter().map(|(time, what)| match what {
        "limits" if !who.is_empty() => (time, format!("{what} of {who}")),
        _ => (time, what.to_owned()),
    });
    waited_text(&named.collect::<Vec<_>>())
}

/// The parts and their sum. From one second on both are in whole seconds, so that the parts make up the sum.
fn waited_text<T: Display>(parts: &[(Duration, T)]) -> String {
    let all: Duration = parts.iter().map(|(time, _)| *time).sum();
    let rounded = |time: Duration| match all.as_secs() {
        0 => time,
        _ => wait_length(time),
    };
    let parts = parts.iter().map(|(time, what)| (rounded(*time), what)).filter(|(time, _)| !time.is_zero());
    let parts: Vec<_> = parts.collect();
    if parts.is_empty() {
        return span(all);
    }
    let all = parts.iter().map(|(time, _)| *time).sum();
    let parts: Vec<_> = parts.iter().map(|(time, what)| format!("{} for {what}", span(*time))).collect();
    format!("{}: {}", span(all), parts.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_wait_make_up_its_sum_and_say_whose_limit_it_was() {
        let wait = |kind, label: &str, from: i64, until: i64| TimelineSpan {
            unit: String::new(),
            from: Timestamp::from_millisecond(from).unwrap(),
            until: Timestamp::from_millisecond(until).unwrap(),
            kind,
            label: label.to_owned(),
        };
        let limit = wait(SpanKind::Limit, "waited: mine: quota used up", 0, 908);
        let pause = |millis| wait(SpanKind::Pause, "waited: the next step", 0, millis);
        assert_eq!(waited(&[limit, pause(999)]), "2s: 1s for limits of mine, 1s for pauses");
        assert_eq!(waited(&[pause(340)]), "340 ms: 340 ms for pauses");
        assert_eq!(waited(&[]), "0s");
    }

    #[test]
    fn a_wait_has_the_same_length_alone_and_in_a_sum() {
        let of = |millis| Duration::from_millis(millis);
        let alone = [("fake".to_owned(), of(2600)), ("pace".to_owned(), of(999))].into();
        assert_eq!(waited_lines(&alone).collect::<Vec<_>>(), ["waited 3s for fake"]);
        assert_eq!(waited_line(&[("limits", of(2600))]).unwrap(), "waited 3s: 3s for limits");
    }
}
