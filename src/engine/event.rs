//! PURE. What a run is told, and what it says: the words between the decider and the driver.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::agent::limit;
use crate::config::{Batch, Config, Limit, OnFailure, Pace};
use crate::plan::assign::Assignment;
use crate::plan::{Plan, Step};
use crate::state::{Learned, Outcome, Reason};
use crate::sys::signals::Interrupt;

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

/// What happened.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time")]
pub enum Event {
    /// The run begins; all the rest of `Machine` is loaded.
    Begin {
        /// Ids whose boxes are ticked now.
        ticked: BTreeSet<String>,
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
    Report(Report),
    /// The run is over.
    Finish(End),
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
    /// Until a rule of `[pace]` lets the next step start.
    Pace {
        /// The rule.
        rule: String,
    },
    /// Until a limit ends.
    Limit {
        /// The backend that is tried then, and its model where only that is limited.
        backend: String,
        /// What kind of limit.
        kind: limit::Kind,
    },
}

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// An attempt starts.
    Started {
        /// The unit.
        unit: String,
        /// Its title.
        title: String,
        /// Number of the attempt.
        attempt: u32,
        /// Why it goes on in a session, if it does.
        reason: Option<Reason>,
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

impl Report {
    /// The unit of which something is over.
    pub(super) fn unit(&self) -> Option<&str> {
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

/// Who does what, as an agent was asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assigned {
    /// Who was asked.
    pub by: String,
    /// What can be used.
    pub found: BTreeMap<String, Assignment>,
    /// Units that go to the default backend, since nothing usable was said of them.
    pub missing: Vec<String>,
    /// Why they do.
    pub complaints: Vec<String>,
}

impl Assigned {
    /// What was found, as the state keeps it.
    pub fn entries(&self) -> impl Iterator<Item = (String, serde_json::Value)> {
        let value = |one| serde_json::to_value(one).unwrap_or_default();
        self.found.iter().map(move |(unit, one)| (unit.clone(), value(one)))
    }
}

/// Why a run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Nothing is left to do.
    Complete,
    /// The iteration cap is reached and work is left.
    MaxIterations,
    /// An agent asked for a human.
    Halted {
        /// The unit.
        unit: String,
        /// Its question.
        question: String,
    },
    /// Units failed for good, or cannot be reached.
    Stuck {
        /// Failed for good.
        failed: Vec<String>,
        /// Not done because of others.
        blocked: Vec<String>,
    },
    /// A done unit could not be committed.
    NotCommitted {
        /// The unit.
        unit: String,
        /// Why.
        why: String,
    },
    /// A human's files have changes, and commits would mix them with the agents': what was owed is committed, and no
    /// step starts.
    Dirty {
        /// The files.
        files: Vec<String>,
    },
    /// The agent's program cannot be started.
    Unavailable {
        /// The unit.
        unit: String,
        /// Why.
        why: String,
    },
    /// A backend is limited, and there is nothing to wait for.
    Limited {
        /// The unit that is next.
        unit: String,
        /// The backend, and its model where only that is limited.
        backend: String,
        /// The vendor's words, and why nobody waits.
        why: String,
    },
    /// Ctrl-C.
    Interrupted,
    /// TERM.
    Terminated,
    /// The terminal is gone; a working agent goes on by itself.
    HungUp,
}

impl End {
    /// The process exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::MaxIterations => 1,
            Self::Halted { .. }
            | Self::Stuck { .. }
            | Self::NotCommitted { .. }
            | Self::Dirty { .. }
            | Self::Limited { .. } => 2,
            Self::Unavailable { .. } => 69,
            Self::Interrupted => 130,
            Self::Terminated | Self::HungUp => 143,
        }
    }
}
