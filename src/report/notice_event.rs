//! PURE. The event that a notice of a run becomes in the log.

use std::time::Duration;

use jiff::Timestamp;

use super::baseline;
use super::events::EventKind;
use super::notice::{NamedTask, Next, NextKind, Notice, Pause};
use crate::plan::assign::Assigned;
use crate::state::{AttemptRecord, SpecState, TakenRequest};

/// The event of what a person asked of a run.
fn of_request(taken: &TakenRequest) -> EventKind {
    match taken {
        TakenRequest::Paused(pause) => EventKind::Paused { until: pause.until, by: pause.by.clone() },
        TakenRequest::Skipped(ids) => EventKind::Skipped { ids: ids.clone() },
        TakenRequest::NotAnswered(unit) => EventKind::NotAnswered { unit: unit.clone() },
        TakenRequest::NotSkipped(ids) => EventKind::NotSkipped { ids: ids.clone() },
    }
}

/// The event of a notice; backend, model and usage are those of `state`.
#[must_use]
pub fn of_notice(notice: &Notice, state: &SpecState) -> EventKind {
    let attempt_of = |unit: &str, number: u32| -> Option<&AttemptRecord> {
        state.units.get(unit)?.attempts.iter().rev().find(|a| a.number == number)
    };
    match notice {
        Notice::Started { unit, title, attempt, tries, role, reason, iteration, left } => {
            EventKind::StepStarted {
                tries: *tries,
                role: *role,
                unit: unit.clone(),
                title: title.clone(),
                attempt: *attempt,
                backend: attempt_of(unit, *attempt).map(|a| a.backend.clone()),
                resumes: *reason,
                iteration: *iteration,
                left: *left,
            }
        }
        Notice::Ended { unit, title, attempt, outcome, took, next } => {
            let record = attempt_of(unit, *attempt);
            let (next, attempts_left) = match next {
                Next::Plain => (NextKind::Plain, None),
                Next::Attempts(n) => (NextKind::Again, Some(*n)),
                Next::Nudge => (NextKind::Nudge, None),
                Next::Unchanged => (NextKind::Unchanged, None),
                Next::Afresh(n) => (NextKind::Afresh, Some(*n)),
                Next::Review => (NextKind::Review, None),
                Next::Failed => (NextKind::Failed, None),
                Next::Parked => (NextKind::Parked, None),
            };
            EventKind::StepEnded {
                unit: unit.clone(),
                title: title.clone(),
                attempt: *attempt,
                backend: record.map(|a| a.backend.clone()),
                model: record.and_then(|a| a.learned.model.clone()),
                usage: record.and_then(|a| a.learned.usage),
                outcome: outcome.clone(),
                says: outcome.to_string(),
                took_ms: millis(*took),
                next,
                attempts_left,
                own_commits: record.map(|a| a.own_commits().to_vec()).unwrap_or_default(),
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
        Notice::Baselining { commands } => EventKind::Baselining { commands: *commands },
        Notice::Baseline(record) => baseline::event(record),
        Notice::Verifying { unit, commands } => {
            EventKind::Verifying { unit: unit.clone(), commands: *commands }
        }
        Notice::Answered(answer) => EventKind::Answered {
            unit: answer.unit.clone(),
            question: answer.question.clone(),
            answer: answer.answer.clone(),
            by: answer.by.clone(),
        },
        Notice::Noted(note) => EventKind::Noted {
            unit: note.unit.clone(),
            text: note.text.clone(),
            by: note.by.clone(),
            late: note.is_late(),
            said_to: note.given.filter(|_| note.said),
        },
        Notice::Asked(taken) => of_request(taken),
        Notice::Resumed => EventKind::Resumed,
        Notice::ConfigChanged(became) => EventKind::ConfigChanged { became: became.clone() },
        Notice::TasksChanged(edits) => EventKind::TasksChanged { edits: edits.clone() },
        Notice::ForeignTicks(ids) => EventKind::ForeignTicks { ids: ids.clone() },
        Notice::OpenedBoxes(ids) => EventKind::OpenedBoxes { ids: ids.clone() },
        Notice::RemovedTasks(tasks) => {
            let removed = |(id, title): &(String, String)| NamedTask { id: id.clone(), title: title.clone() };
            EventKind::RemovedTasks { tasks: tasks.iter().map(removed).collect() }
        }
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
        Notice::KeepsRunning => EventKind::KeepsRunning,
        Notice::Ending => EventKind::Ending,
    }
}

/// The event of a pause.
#[must_use]
pub fn of_pause(why: &Pause, until: Option<Timestamp>) -> EventKind {
    let unit = if let Pause::Backoff { unit } = why { Some(unit.clone()) } else { None };
    EventKind::Waiting { why: why.kind(), reason: why.reason(), unit, until }
}

pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).unwrap_or(u64::MAX)
}
