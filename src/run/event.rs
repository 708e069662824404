//! PURE. What a run is told, and what it says: the words between the decider and the driver.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::resume::ResumeRequest;
use crate::config::{Batch, Config, Limit, OnFailure, Pace};
use crate::plan::assign::Assigned;
use crate::plan::{Plan, Step};
use crate::report::notice::{Notice, Pause};
use crate::state::{End, Learned, Outcome};
use crate::sys::interrupt::Interrupt;

/// What a run may do, apart from what each step says itself.
#[derive(Debug, Clone)]
pub struct Policy {
    /// Iterations of one run.
    pub max_iterations: u32,
    /// What follows when a unit has used up its attempts.
    pub on_failure: OnFailure,
    /// A random share up to this is added to each delay.
    pub jitter: Duration,
    /// How many units are assigned at once.
    pub batch: Batch,
    /// What follows when a backend is limited.
    pub limit: Limit,
    /// The models that backends ask for, where the configuration says one.
    pub models: BTreeMap<String, String>,
    /// When steps may start.
    pub pace: Pace,
    /// The local zone.
    pub zone: TimeZone,
}

impl Policy {
    /// What the configuration says.
    #[must_use]
    pub fn of(config: &Config, zone: TimeZone) -> Self {
        let models = config.backends.iter();
        Self {
            max_iterations: config.run.max_iterations,
            on_failure: config.run.on_failure,
            jitter: config.run.jitter,
            batch: config.assign.batch,
            limit: config.limit.clone(),
            models: models.filter_map(|(name, b)| Some((name.clone(), b.model.clone()?))).collect(),
            pace: config.pace.clone(),
            zone,
        }
    }
}

/// What a run is given at its beginning.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunStart {
    /// Where there is work: what it is given for that. `None`: it has what the run before had.
    pub work: Option<WorkStart>,
    /// Files with changes of others, over which no step may start.
    pub dirty: Vec<String>,
    /// How it resumes an earlier run. It was applied to a copy of the state before, so it fits.
    pub resume: Option<ResumeRequest>,
}

/// What a run is given for its work.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkStart {
    /// The options that it was given: what to do and how.
    pub args: Vec<String>,
    /// Files with changes that are not the agents'; `None`: those that the state knows.
    pub dirty_before: Option<BTreeSet<String>>,
    /// New trees before units, by unit: they have what others changed since the last run.
    pub trees_before: BTreeMap<String, String>,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins, or one that was killed continues.
    Begin {
        /// Ids whose boxes are ticked now.
        ticked: BTreeSet<String>,
        /// What it is given.
        start: RunStart,
    },
    /// The plan was made afresh, as asked for.
    Planned {
        /// The plan.
        plan: Box<Plan>,
        /// Ids whose boxes are ticked now.
        ticked: BTreeSet<String>,
        /// The tree of all files as it is now, where it is kept.
        tree: Option<String>,
        /// A random number between 0 and 1, for the jitter.
        share: f64,
    },
    /// The attempt that was started or adopted is over.
    Ended {
        /// How.
        outcome: Outcome,
        /// What else is known of it.
        learned: Learned,
        /// Ids whose boxes are ticked now, before anybody else touches them; `None` where tasks.md cannot be read.
        ticked: Option<BTreeSet<String>>,
    },
    /// The agent that was asked who does what has answered, or never will.
    Assigned(Assigned),
    /// The commands that must succeed are over.
    Verified {
        /// Absent: all succeeded.
        failure: Option<Outcome>,
    },
    /// A pause is over.
    Woke,
    /// Somebody asks for an end.
    Asked(Interrupt),
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write the state; nothing after it happens if that fails.
    Save,
    /// Read tasks.md again, make the plan, and come back with [`Event::Planned`].
    Replan,
    /// Start an attempt of a step; its end comes back as [`Event::Ended`].
    Start {
        /// The step.
        step: Box<Step>,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Look for the attempt that an earlier run left, and come back with its end as [`Event::Ended`].
    Recover {
        /// The unit.
        unit: String,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Ask the assigning agent for these units; the answer comes back as [`Event::Assigned`].
    Assign(Vec<String>),
    /// Look at what a done unit changed, and commit it where that is wanted.
    Keep(String),
    /// Run the commands that must succeed; their end comes back as [`Event::Verified`].
    Verify {
        /// The step.
        step: Box<Step>,
        /// Number of the attempt that said it is done.
        attempt: u32,
    },
    /// End the agent now.
    Cancel,
    /// Tick these ids in tasks.md.
    Tick(Vec<String>),
    /// Pause, and come back with [`Event::Woke`].
    Sleep {
        /// Wall-clock time of its end.
        until: Timestamp,
        /// Why.
        why: Pause,
    },
    /// Tell the person, and the log.
    Report(Notice),
    /// The run is over.
    Finish(End),
}
