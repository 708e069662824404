//! PURE. What the live view is made of.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::recent_output::RecentOutput;
use crate::plan::{Plan, UnitInfo};
use crate::report::events::{EventKind, EventRecord};
use crate::report::notice::PauseKind;
use crate::state::{AttemptRecord, SpecState};

/// Everything that the live view is made of.
#[derive(Debug, Clone, Copy)]
pub struct ViewSource<'a> {
    /// The spec.
    pub spec: &'a str,
    /// What a person types for it.
    pub typed: &'a str,
    /// Its current plan.
    pub plan: &'a Plan,
    /// Its units in document order.
    pub units: &'a [UnitInfo],
    /// Its state.
    pub state: &'a SpecState,
    /// The active run.
    pub run: Option<&'a LiveRun>,
    /// The attempt that runs according to the state.
    pub live: Option<&'a LiveAttempt>,
    /// The events of the last run from its `run_started` on, oldest first.
    pub events: &'a [EventRecord],
    /// The summary of the last run, once that is over.
    pub summary: Option<&'a str>,
    /// Its tasks.md can't be run now; `trouble` says why.
    pub has_bad_tasks: bool,
    /// Which file cannot be read now, and why; or which command takes long.
    pub trouble: Option<&'a str>,
    /// The current time.
    pub now: Timestamp,
    /// The zone of all times.
    pub zone: &'a TimeZone,
}

/// An active run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRun {
    /// Its process id.
    pub pid: u32,
    /// When it started.
    pub since: Timestamp,
}

/// What files and processes say about the running attempt; the rest is in the state.
#[derive(Debug, Default)]
pub struct LiveAttempt {
    /// Whether a process of it is alive.
    pub alive: bool,
    /// The longest time that it may take; `None`: no limit.
    pub total: Option<Duration>,
    /// The longest time without output.
    pub idle: Option<Duration>,
    /// The longest time before its first output.
    pub first_output: Option<Duration>,
    /// The time of its last output; `None`: none yet.
    pub last_output: Option<Timestamp>,
    /// Its last lines, and its usage.
    pub output: RecentOutput,
}

impl<'a> ViewSource<'a> {
    /// The unit that an agent works on, and its attempt.
    pub(super) fn running(&self) -> Option<(&'a str, &'a AttemptRecord)> {
        self.state.running()
    }

    /// The current pause of the run: kind, reason, end.
    pub(super) fn waiting(&self) -> Option<(PauseKind, &'a str, Option<Timestamp>)> {
        self.run?;
        let last = self.events.iter().rev().find_map(|record| match &record.kind {
            EventKind::Waiting { why, reason, until, .. } => Some(Some((*why, reason.as_str(), *until))),
            EventKind::StepStarted { .. }
            | EventKind::RunStarted { .. }
            | EventKind::Assigning { .. }
            | EventKind::Resumed => Some(None),
            _ => None,
        });
        // a pause that is over is not shown
        last.flatten().filter(|(_, _, until)| until.is_none_or(|until| until > self.now))
    }

    /// The steps of the active run; `None` if they are not known or there is no run.
    pub(super) fn asked_for(&self) -> Option<BTreeSet<&'a str>> {
        self.run?;
        self.events.iter().rev().find_map(|record| match &record.kind {
            EventKind::RunStarted { steps, .. } => Some(steps.iter().map(String::as_str).collect()),
            _ => None,
        })
    }
}

/// The time between two moments; zero if the clock was set back.
pub(super) fn since(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}
