//! PURE. What a run waits for, and whether it is to stop.

use std::collections::BTreeSet;

use super::event::Effect;
use crate::plan::Step;
use crate::report::notice::Notice;
use crate::state::Learned;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    No,
    AfterStep,
    Now,
    Terminate,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    /// Waiting for a plan.
    Planning,
    /// Waiting for an attempt.
    Running {
        unit: String,
    },
    /// Waiting for the verify commands of an attempt that reported success.
    Verifying {
        unit: String,
        learned: Box<Learned>,
        ticked: Option<BTreeSet<String>>,
    },
    /// Waiting for the checks of a done attempt, once more.
    Rechecking,
    /// Waiting for the commit of an attempt that is done.
    Committing(Box<DoneAttempt>),
    /// Waiting for the checks on the untouched tree.
    Baselining,
    /// Waiting for the agent that assigns units.
    Assigning,
    /// Waiting for the end of a pause.
    Sleeping,
    Over,
}

impl Phase {
    /// Whether it waits for something that is no step: a request to end after the step ends it.
    pub(super) fn is_between_steps(&self) -> bool {
        matches!(self, Self::Assigning | Self::Baselining)
    }
}

/// An attempt that is done, and what is to follow once its commit is made.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct DoneAttempt {
    pub(super) step: Box<Step>,
    /// The report of its end.
    pub(super) report: Notice,
    /// Reports of boxes that others ticked meanwhile.
    pub(super) foreign: Vec<Effect>,
}
