//! PURE. What a run reports to a person while it works.

use std::time::Duration;

use crate::plan::assign::Assigned;
use crate::state::{Outcome, ResumeReason, WaitReason};

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An attempt starts.
    Started {
        /// The unit.
        unit: String,
        /// Its title.
        title: String,
        /// Number of the attempt.
        attempt: u32,
        /// Why it resumes a session, if it does.
        reason: Option<ResumeReason>,
        /// The iteration, from 1.
        iteration: u32,
        /// Steps that are left, this one included.
        left: usize,
    },
    /// An attempt ended.
    Ended {
        /// The unit.
        unit: String,
        /// Its title.
        title: String,
        /// Number of the attempt.
        attempt: u32,
        /// How.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
        /// What follows.
        next: Next,
    },
    /// An agent is asked who does what.
    Assigning {
        /// For how many units.
        units: usize,
        /// Who is asked.
        backend: String,
    },
    /// What it said.
    Assigned(Assigned),
    /// What must succeed is tried.
    Verifying {
        /// The unit.
        unit: String,
        /// How many commands.
        commands: usize,
    },
    /// The commit that a unit owed since an earlier run is made, or is owed no more.
    Committed {
        /// The unit.
        unit: String,
    },
    /// Boxes were ticked that nobody here ticked.
    ForeignTicks(Vec<String>),
    /// Boxes that are ticked and were not believed by an earlier run; nor are they by this one.
    Unconfirmed(Vec<String>),
    /// The run will end after this step.
    Stopping,
    /// The agent is ended now.
    Ending,
}

impl Notice {
    /// The unit of which something is over.
    #[must_use]
    pub fn unit(&self) -> Option<&str> {
        match self {
            Self::Ended { unit, .. } | Self::Committed { unit } => Some(unit),
            _ => None,
        }
    }
}

/// What follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Nothing that needs a word: its outcome says it.
    Plain,
    /// The unit is tried again; so many attempts are left.
    Attempts(u32),
    /// The agent is asked for its signal.
    Nudge,
    /// Its session could not go on: it begins afresh, and nothing was spent.
    Afresh,
    /// No attempt is left.
    Failed,
}

/// Why a run pauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// The delay between two steps.
    Delay,
    /// Before the next attempt of a unit.
    Backoff {
        /// The unit.
        unit: String,
    },
    /// A wait for more than the next step.
    Wait(WaitReason),
}

impl Pause {
    /// The reason in a word or two, for sums.
    #[must_use]
    pub fn reason(&self) -> String {
        match self {
            Self::Delay => "delay".to_owned(),
            Self::Backoff { .. } => "backoff".to_owned(),
            Self::Wait(reason) => reason.to_string(),
        }
    }
}
