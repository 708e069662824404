//! PURE. The spans of the report's timeline: attempts, waits and checks.

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
    /// An attempt that is not over.
    Running,
    /// A wait for the end of a limit.
    Limit,
    /// A wait for a rule of `[pace]`.
    Pace,
    /// A wait between steps and attempts.
    Pause,
    /// Checks.
    Verify,
}

impl SpanKind {
    pub(super) const ALL: [Self; 9] = [
        Self::Done,
        Self::Failed,
        Self::Halted,
        Self::Limited,
        Self::Running,
        Self::Limit,
        Self::Pace,
        Self::Pause,
        Self::Verify,
    ];

    /// That of an attempt with this outcome.
    pub(super) fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done | Outcome::ForReview | Outcome::Approved => Self::Done,
            Outcome::Halted { .. } => Self::Halted,
            Outcome::Limited { .. } => Self::Limited,
            _ => Self::Failed,
        }
    }
}

/// The kinds that are waits, with their names in the sum of waits.
const WAITS: [(SpanKind, &str); 3] =
    [(SpanKind::Limit, "limits"), (SpanKind::Pace, "pace"), (SpanKind::Pause, "pauses")];

/// A span of time in which one thing happened.
pub(super) struct TimelineSpan {
    pub(super) unit: String,
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
    pub(super) kind: SpanKind,
    pub(super) label: String,
    /// Whether an agent worked: true for an attempt that started.
    pub(super) at_work: bool,
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
            until: attempt.ended_at.unwrap_or(now).max(attempt.started_at),
            kind,
            label: sanitise_line(&format!("{} {} with {}: {says}", what, attempt.number, attempt.backend)),
            at_work: attempt.reached_agent(),
        }
    };
    state
        .units_by_id()
        .into_iter()
        .flat_map(|(id, unit)| unit.attempts.iter().map(move |a| one(id, a)))
        .collect()
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
                    PauseKind::Delay
                    | PauseKind::Backoff
                    | PauseKind::Program
                    | PauseKind::Begin
                    | PauseKind::Ask
                    | PauseKind::Talk
                    | PauseKind::Pause => SpanKind::Pause,
                },
                label: sanitise_line(&format!("waited: {reason}")),
                at_work: false,
            }),
            EventKind::Baselining { commands } => found.push(TimelineSpan {
                unit: String::new(),
                from: record.at,
                until: next.unwrap_or(now).max(record.at),
                kind: SpanKind::Verify,
                label: format!("tried {} before any agent worked", plural(*commands, "command")),
                at_work: false,
            }),
            EventKind::Verifying { unit, commands } => found.push(TimelineSpan {
                unit: unit.clone(),
                from: record.at,
                until: next.unwrap_or(now).max(record.at),
                kind: SpanKind::Verify,
                label: format!("verified with {}", plural(*commands, "command")),
                at_work: false,
            }),
            _ => {}
        }
    }
    found
}

/// The sum of all waits: `12s: 10s for limits, 2s for pauses`.
pub(super) fn waited(spans: &[TimelineSpan]) -> String {
    let of =
        |kind: SpanKind| spans.iter().filter(|b| b.kind == kind).map(TimelineSpan::length).sum::<Duration>();
    let parts: Vec<(Duration, &str)> =
        WAITS.iter().map(|(kind, what)| (of(*kind), *what)).filter(|(time, _)| !time.is_zero()).collect();
    let all = span(parts.iter().map(|(time, _)| *time).sum());
    let parts: Vec<_> = parts.iter().map(|(time, what)| format!("{} for {what}", span(*time))).collect();
    if parts.is_empty() { all } else { format!("{all}: {}", parts.join(", ")) }
}
