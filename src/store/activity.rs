//! What the running attempt does now, read from its folder.

use std::fs;

use jiff::Timestamp;

use super::spec_store::Store;
use super::{attempt_folder, lock};
use crate::agent::shell::command_line;
use crate::state::{AttemptRecord, SpecState};
use crate::store::attempt_dir::AttemptDir;

/// What an attempt does now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AtWork {
    /// The state says that it runs, and no process of it ever came.
    NotStarted,
    /// Its agent works.
    Agent,
    /// Its agent ended, and the commands that must succeed after it run.
    Verifying {
        /// Which one, from 1.
        number: usize,
        /// The command.
        command: String,
        /// Whether it is alive.
        alive: bool,
    },
    /// Its agent ended and left a result.
    Ended,
    /// Its process is gone without a result.
    Gone,
}

impl AtWork {
    /// Looks at the folder of an attempt.
    #[must_use]
    pub fn look(dir: &AttemptDir, record: &AttemptRecord) -> Self {
        if !attempt_folder::is_of(dir, record) {
            return Self::NotStarted;
        }
        if attempt_folder::alive(dir) {
            return Self::Agent;
        }
        if !dir.result().exists() {
            // taken as the first act of its process
            return if dir.lock().exists() { Self::Gone } else { Self::NotStarted };
        }
        let gates =
            || (1..).map(|number| (number, dir.verify(number))).take_while(|(_, gate)| gate.path().exists());
        // one behind it may have been left by an earlier look at the same attempt
        let alive = gates().find(|(_, gate)| attempt_folder::alive(gate));
        let (is_alive, gate) = (alive.is_some(), alive.or_else(|| gates().last()));
        gate.map_or(Self::Ended, |(number, gate)| Self::Verifying {
            number,
            command: attempt_folder::attempt(&gate).map(|gate| command_line(&gate.argv)).unwrap_or_default(),
            alive: is_alive,
        })
    }

    /// The word for programs.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::NotStarted => "not_started",
            Self::Agent => "working",
            Self::Verifying { .. } => "verifying",
            Self::Ended => "ended",
            Self::Gone => "gone",
        }
    }
}

/// When an attempt ended, as its result says; without one, the last time that a file of it changed, which was before its end. An
/// attempt that left no file never began.
#[must_use]
pub fn last_sign(dir: &AttemptDir, record: &AttemptRecord) -> Timestamp {
    if !attempt_folder::is_of(dir, record) {
        return record.started_at;
    }
    let result = attempt_folder::result(dir).map(|result| result.ended_at);
    let changed = || {
        let files = fs::read_dir(dir.path()).into_iter().flatten().flatten();
        let times = files.filter_map(|file| file.metadata().ok()?.modified().ok());
        times.max().and_then(|time| Timestamp::try_from(time).ok())
    };
    result.or_else(changed).unwrap_or(record.started_at).max(record.started_at)
}

/// Notes the last sign of life of the attempt that the state calls running, where neither a run nor a process of it is there any
/// more.
pub fn note_last_sign(store: &Store, state: &mut SpecState) {
    let Some((unit, attempt)) = state.running() else { return };
    let dir = store.attempt_dir(state.folder(unit), attempt.number);
    let works = matches!(AtWork::look(&dir, attempt), AtWork::Agent | AtWork::Verifying { alive: true, .. });
    let is_over = !works && lock::holder(&store.run_lock()).is_none();
    let (unit, at) = (unit.to_owned(), is_over.then(|| last_sign(&dir, attempt)));
    if let Some(attempt) = state.units.get_mut(&unit).and_then(|unit| unit.attempts.last_mut()) {
        attempt.learned.over_at = at;
    }
}
