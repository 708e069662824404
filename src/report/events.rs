//! PURE. What happens in a run as records for programs: one JSON object a line, in `events.jsonl` of the spec's folder
//! and on stdout of `seqorch run --json`.
//!
//! Every line is `{"v":1,"at":"2026-01-02T03:04:05Z","event":"…",…}`. `v` is [`VERSION`]: it grows when a field
//! changes its meaning or goes away. New events and new fields may come at any time, so a reader passes over what it
//! does not know. Times are RFC 3339 in UTC, lengths are whole milliseconds, ids are those of tasks.md. Text of agents
//! and of tasks.md is as they wrote it: a reader that shows it makes it harmless itself.
//!
//! The log is for reading; nothing is decided by it. The state file says what is done.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::needs::NeedRecord;
use super::notice::{Next, Notice, Pause};
use crate::agent::Usage;
use crate::plan::assign::Assigned;
use crate::state::{AttemptRecord, Outcome, SpecState, WaitReason};

/// Version of the records.
pub const VERSION: u32 = 1;

/// One line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// [`VERSION`].
    pub v: u32,
    /// When it happened.
    pub at: Timestamp,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A run begins, or goes on after its orchestrator was gone.
    RunStarted {
        /// The spec.
        spec: String,
        /// The orchestrator's process.
        pid: u32,
        /// Units that are to be done, in order.
        steps: Vec<String>,
    },
    /// An attempt starts.
    StepStarted {
        /// The unit.
        unit: String,
        /// Its title.
        title: String,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// Who works.
        backend: Option<String>,
        /// Why it resumes a session: `nudge`, `retry`, `answer`, `limit`; null: it begins a new one.
        #[serde(rename = "goes_on")]
        resumes: Option<String>,
        /// The iteration of the run, from 1.
        iteration: u32,
        /// Steps that are left, this one included.
        left: usize,
    },
    /// An attempt ended.
    StepEnded {
        /// The unit.
        unit: String,
        /// Its title; may be empty where an attempt of an earlier run was taken over.
        title: String,
        /// Number of the attempt.
        attempt: u32,
        /// Who worked.
        backend: Option<String>,
        /// The model that it said it was.
        model: Option<String>,
        /// Tokens and cost, as far as its vendor says; null: unknown.
        usage: Option<Usage>,
        /// How, as the state file has it: `{"kind":"done"}`, `{"kind":"failed","code":1}`, …
        outcome: Value,
        /// The same as a sentence.
        says: String,
        /// How long it took.
        took_ms: u64,
        /// `plain`, `again`, `nudge`, `afresh`, `failed`.
        next: String,
        /// Attempts that the unit has left, where `next` is `again`.
        attempts_left: Option<u32>,
    },
    /// Nothing runs for a while.
    Waiting {
        /// `delay` between two steps, `backoff` before the next attempt, `limit` until a backend may be tried
        /// again, `pace` until a rule of yours lets the next step start.
        why: String,
        /// The same, with the backend and its kind of limit.
        #[serde(default)]
        reason: String,
        /// The unit that waits, where it is one.
        unit: Option<String>,
        /// When it ends.
        until: Timestamp,
    },
    /// An agent is asked who does what.
    Assigning {
        /// For how many units.
        units: usize,
        /// Who is asked.
        backend: String,
    },
    /// What it said.
    Assigned {
        /// Who was asked.
        by: String,
        /// `{type, owner_agent}` by unit.
        found: Value,
        /// Units that go to the default backend.
        missing: Vec<String>,
        /// Why they do.
        complaints: Vec<String>,
    },
    /// What must succeed is tried.
    Verifying {
        /// The unit that says it is done.
        unit: String,
        /// How many commands.
        commands: usize,
    },
    /// Boxes were ticked that nobody here ticked; they are not believed.
    ForeignTicks {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Boxes that an earlier run did not believe are still ticked, and still not believed.
    Unconfirmed {
        /// Their ids.
        ids: Vec<String>,
    },
    /// The run will end after this step.
    Stopping,
    /// The agent is ended now.
    Ending,
    /// What could not be committed at the end of an earlier run is settled.
    Committed {
        /// The unit.
        unit: String,
        /// The commit; null: nothing was left to commit, or commits are not wanted any more.
        commit: Option<String>,
        /// Files that the unit changed.
        files: u64,
        /// Lines that came.
        insertions: u64,
        /// Lines that went.
        deletions: u64,
    },
    /// An agent asks for a human. The run's end follows.
    Halted {
        /// The unit that asks.
        unit: String,
        /// What it asks.
        question: String,
        /// Everything that a human must do, as `status --json` has it.
        #[serde(default)]
        needs: Vec<NeedRecord>,
    },
    /// A human is needed, and no agent asked for one. The run's end follows.
    NeedsHuman {
        /// The unit that it is about, the first of them, where it is one.
        unit: Option<String>,
        /// The run's end in one word, as `run_ended` has it.
        why: String,
        /// What is the matter; git's own words where a commit was refused.
        reason: String,
        /// Everything that a human must do, as `status --json` has it.
        #[serde(default)]
        needs: Vec<NeedRecord>,
    },
    /// The run is over.
    RunEnded {
        /// The spec.
        spec: String,
        /// `complete`, `selection_complete`, `max_iterations`, `halted`, `stuck`, `not_committed`, `dirty`, `limited`, `unavailable`,
        /// `interrupted`, `terminated`, `error`, `hung_up`; in the last case a working agent goes on by itself.
        why: String,
        /// Exit code of the process, where it runs no other spec after this one.
        exit_code: u8,
        /// The unit that a human is needed for, the first of them; null: none is.
        #[serde(default)]
        unit: Option<String>,
        /// What a human is needed for: the question, or what is the matter; null: none is.
        #[serde(default)]
        reason: Option<String>,
        /// Units that failed and have no attempts left.
        failed: Vec<String>,
        /// Units that are not done because of others.
        blocked: Vec<String>,
        /// Steps that are still in the plan.
        left: usize,
        /// How long it took.
        took_ms: u64,
        /// Changed files; null where git is not there to tell.
        changes: Option<Vec<Changed>>,
        /// Everything that a human must do, as `status --json` has it.
        #[serde(default)]
        needs: Vec<NeedRecord>,
    },
    /// An event of a newer program; readers pass over it.
    #[serde(other)]
    Unknown,
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Its path in the repository.
    pub path: String,
    /// Lines added; null for a binary file.
    pub insertions: Option<u64>,
    /// Lines taken away; null for a binary file.
    pub deletions: Option<u64>,
}

impl EventRecord {
    /// An event at a moment.
    #[must_use]
    pub fn new(at: Timestamp, kind: EventKind) -> Self {
        Self { v: VERSION, at, kind }
    }

    /// The line, its end included.
    #[must_use]
    pub fn line(&self) -> String {
        // nothing in a record can fail to be JSON: no map with keys that are no text, no foreign type
        let mut line = serde_json::to_string(self).unwrap_or_default();
        line.push('\n');
        line
    }
}

/// Reads a log. Lines that are not whole (the last one, after a power cut) or not known are left out.
#[must_use]
pub fn read(log: &str) -> Vec<EventRecord> {
    log.lines()
        .filter_map(|line| serde_json::from_str::<EventRecord>(line).ok())
        .filter(|record| record.v == VERSION && record.kind != EventKind::Unknown)
        .collect()
}

/// What a report is for programs; `state` tells who works.
#[must_use]
pub fn of_report(report: &Notice, state: &SpecState) -> EventKind {
    let attempt_of = |unit: &str, number: u32| -> Option<&AttemptRecord> {
        state.units.get(unit)?.attempts.iter().rev().find(|a| a.number == number)
    };
    match report {
        Notice::Started { unit, title, attempt, reason, iteration, left } => EventKind::StepStarted {
            unit: unit.clone(),
            title: title.clone(),
            attempt: *attempt,
            backend: attempt_of(unit, *attempt).map(|a| a.backend.clone()),
            resumes: reason.map(|r| r.word().to_owned()),
            iteration: *iteration,
            left: *left,
        },
        Notice::Ended { unit, title, attempt, outcome, took, next } => {
            let record = attempt_of(unit, *attempt);
            let (next, attempts_left) = match next {
                Next::Plain => ("plain", None),
                Next::Attempts(n) => ("again", Some(*n)),
                Next::Nudge => ("nudge", None),
                Next::Afresh => ("afresh", None),
                Next::Failed => ("failed", None),
            };
            EventKind::StepEnded {
                unit: unit.clone(),
                title: title.clone(),
                attempt: *attempt,
                backend: record.map(|a| a.backend.clone()),
                model: record.and_then(|a| a.learned.model.clone()),
                usage: record.and_then(|a| a.learned.usage),
                outcome: as_value(outcome),
                says: outcome.to_string(),
                took_ms: millis(*took),
                next: next.to_owned(),
                attempts_left,
            }
        }
        Notice::Assigning { units, backend } => {
            EventKind::Assigning { units: *units, backend: backend.clone() }
        }
        Notice::Assigned(Assigned { by, found, missing, complaints }) => EventKind::Assigned {
            by: by.clone(),
            found: serde_json::to_value(found).unwrap_or_default(),
            missing: missing.clone(),
            complaints: complaints.clone(),
        },
        Notice::Verifying { unit, commands } => {
            EventKind::Verifying { unit: unit.clone(), commands: *commands }
        }
        Notice::ForeignTicks(ids) => EventKind::ForeignTicks { ids: ids.clone() },
        Notice::Unconfirmed(ids) => EventKind::Unconfirmed { ids: ids.clone() },
        Notice::Committed { unit } => {
            let changes = state.units.get(unit).and_then(|known| known.changes.clone()).unwrap_or_default();
            EventKind::Committed {
                unit: unit.clone(),
                commit: changes.commit,
                files: changes.files,
                insertions: changes.insertions,
                deletions: changes.deletions,
            }
        }
        Notice::Stopping => EventKind::Stopping,
        Notice::Ending => EventKind::Ending,
    }
}

/// What a pause is.
#[must_use]
pub fn of_pause(why: &Pause, until: Timestamp) -> EventKind {
    let reason = why.reason();
    let (why, unit) = match why {
        Pause::Delay => ("delay", None),
        Pause::Backoff { unit } => ("backoff", Some(unit.clone())),
        Pause::Wait(WaitReason::Limit { .. }) => ("limit", None),
        Pause::Wait(WaitReason::Pace { .. }) => ("pace", None),
    };
    EventKind::Waiting { why: why.to_owned(), reason, unit, until }
}

fn as_value(outcome: &Outcome) -> Value {
    serde_json::to_value(outcome).unwrap_or_default()
}

pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    #[test]
    fn a_line_reads_as_documented_and_comes_back_the_same() {
        let report = Notice::Started {
            unit: "1".into(),
            title: "Log in".into(),
            attempt: 2,
            reason: None,
            iteration: 3,
            left: 4,
        };
        let record = EventRecord::new(at(), of_report(&report, &SpecState::default()));
        assert_eq!(
            record.line(),
            "{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"step_started\",\"unit\":\"1\",\
             \"title\":\"Log in\",\"attempt\":2,\"backend\":null,\"goes_on\":null,\"iteration\":3,\"left\":4}\n"
        );
        assert_eq!(read(&record.line()), [record]);
    }

    #[test]
    fn a_torn_line_an_unknown_event_and_a_newer_version_are_passed_over() {
        let good = EventRecord::new(at(), EventKind::Stopping).line();
        let log = format!(
            "{good}{{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"party\",\"x\":1}}\n{}{{\"v\":1,\"at\"",
            good.replace("\"v\":1", "\"v\":2")
        );
        assert_eq!(read(&log).len(), 1);
    }

    #[test]
    fn the_end_of_a_run_that_an_older_version_wrote_is_read() {
        let old = "{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"run_ended\",\"spec\":\"s\",\"why\":\"stuck\",\
                   \"exit_code\":2,\"failed\":[\"1\"],\"blocked\":[],\"left\":1,\"took_ms\":1,\"changes\":null}\n";
        assert!(matches!(&read(old)[0].kind, EventKind::RunEnded { unit: None, .. }));
    }

    #[test]
    fn a_fact_is_one_line_whatever_the_agent_wrote() {
        let question = "a\x1b]0;x\x07\0b\nc".into();
        let what = EventKind::Halted { unit: "1".into(), question, needs: Vec::new() };
        assert_eq!(what.facts().last().unwrap().1, "ab c");
    }
}
