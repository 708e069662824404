//! PURE. What the live view is made of.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::recent_output::RecentOutput;
use crate::plan::{Plan, UnitInfo};
use crate::report::events::{EventKind, EventRecord};
use crate::state::{AttemptRecord, SpecState};

/// All that is looked at.
#[derive(Debug, Clone, Copy)]
pub struct ViewSource<'a> {
    /// The spec.
    pub spec: &'a str,
    /// What a person types for it.
    pub typed: &'a str,
    /// Its plan as things stand.
    pub plan: &'a Plan,
    /// Its units in document order.
    pub units: &'a [UnitInfo],
    /// Its state.
    pub state: &'a SpecState,
    /// The run that works on it.
    pub run: Option<&'a LiveRun>,
    /// The attempt that runs by the state.
    pub live: Option<&'a LiveAttempt>,
    /// What the last run told, oldest first, its `run_started` included.
    pub events: &'a [EventRecord],
    /// What cannot be read right now, in a user's words.
    pub trouble: Option<&'a str>,
    /// Now.
    pub now: Timestamp,
    /// In which zone times are told.
    pub zone: &'a TimeZone,
}

/// A run that lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveRun {
    /// Its process.
    pub pid: u32,
    /// Since when.
    pub since: Timestamp,
}

/// What is known of the attempt that runs, beside the state.
#[derive(Debug, Default)]
pub struct LiveAttempt {
    /// Whether anything of it lives.
    pub alive: bool,
    /// What it may take in all; `None`: as long as it wants.
    pub total: Option<Duration>,
    /// How long it may be silent.
    pub idle: Option<Duration>,
    /// When it must have said something.
    pub first_output: Option<Duration>,
    /// When it printed last; `None`: not yet.
    pub last_output: Option<Timestamp>,
    /// What it said and used.
    pub output: RecentOutput,
}

impl<'a> ViewSource<'a> {
    /// The unit that an agent works on, and the attempt.
    pub(super) fn running(&self) -> Option<(&'a str, &'a AttemptRecord)> {
        self.state.running()
    }

    /// The pause that the run is in: why, the words for it, until when.
    pub(super) fn waiting(&self) -> Option<(&'a str, &'a str, Timestamp)> {
        self.run?;
        let last = self.events.iter().rev().find_map(|record| match &record.kind {
            EventKind::Waiting { why, reason, until, .. } => {
                Some(Some((why.as_str(), reason.as_str(), *until)))
            }
            EventKind::StepStarted { .. } | EventKind::RunStarted { .. } | EventKind::Assigning { .. } => {
                Some(None)
            }
            _ => None,
        });
        // a pause that is over is not worth a word
        last.flatten().filter(|(_, _, until)| *until > self.now)
    }

    /// Steps that the living run set out to do; `None` where that is not known, or nobody runs.
    pub(super) fn asked_for(&self) -> Option<BTreeSet<&'a str>> {
        self.run?;
        self.events.iter().rev().find_map(|record| match &record.kind {
            EventKind::RunStarted { steps, .. } => Some(steps.iter().map(String::as_str).collect()),
            _ => None,
        })
    }
}

/// From one moment to a later one; nothing where the clock was set back.
pub(super) fn since(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}
