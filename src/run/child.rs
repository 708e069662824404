//! The process that a run waits for: an attempt at a unit, or something that is started, watched and ended like one.

use std::collections::BTreeMap;
use std::time::Instant;

use super::event::BaselineResult;
use crate::config::DoneSignal;
use crate::plan::Step;
use crate::plan::assign::Assignment;
use crate::state::SpecState;
use crate::store::attempt_dir::AttemptDir;

/// The child that runs now. There is at most one.
pub(super) struct Child {
    pub(super) unit: String,
    pub(super) dir: AttemptDir,
    /// Id and start of its `__attempt` process, if they are known.
    pub(super) process: Option<(i32, u64)>,
    /// When it was started; `None`: by an earlier run.
    pub(super) since: Option<Instant>,
    pub(super) job: ChildJob,
}

/// What a child is for.
#[derive(Debug, Clone)]
pub(super) enum ChildJob {
    /// An agent works on a unit.
    Attempt {
        /// Whether its success needs a signal.
        signal: DoneSignal,
        /// The tasks whose boxes show that it is at work.
        live_ticks: Vec<String>,
        /// Of a review: the tree before it.
        reviews: Option<String>,
    },
    /// An agent assigns units to owners.
    Assignment(AssignmentCall),
    /// A check of the untouched tree runs.
    Baseline(Box<BaselineRun>),
    /// A verify command runs.
    Verification(Verification),
}

/// A question to an agent: who does these units?
#[derive(Debug, Clone)]
pub(super) struct AssignmentCall {
    pub(super) units: Vec<String>,
    /// Set for the second question: the usable part of the first answer.
    pub(super) before: Option<BTreeMap<String, Assignment>>,
    pub(super) state: SpecState,
}

/// The checks of the untouched tree, of which one runs.
#[derive(Debug, Clone)]
pub(super) struct BaselineRun {
    /// All of them, each as a step.
    pub(super) checks: Vec<Step>,
    /// The number of the folder that they are in.
    pub(super) number: u32,
    /// Index of the check that runs.
    pub(super) index: usize,
    /// What came of those before it.
    pub(super) result: BaselineResult,
    pub(super) state: Box<SpecState>,
}

/// The verify commands of an attempt, of which one runs.
#[derive(Debug, Clone)]
pub(super) struct Verification {
    pub(super) step: Box<Step>,
    pub(super) attempt: u32,
    /// Index of the command that runs.
    pub(super) index: usize,
    /// Number of tests that the commands before it ran.
    pub(super) tests: u64,
    pub(super) state: SpecState,
}
