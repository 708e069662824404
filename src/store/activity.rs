//! What the running attempt does now, read from its folder.

use super::attempt_folder;
use crate::agent::shell::command_line;
use crate::state::AttemptRecord;
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
