//! PURE. What a run reports while it works.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::agent::AttemptRole;
use crate::plan::assign::Assigned;
use crate::state::{
    Answer, BaselineRecord, ConfigOutcome, Note, Outcome, ResumeReason, TakenRequest, WaitReason,
};

/// Something that the state machine of a run reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// An attempt starts.
    Started {
        /// How many tries people count, this one included: without those that a limit ended.
        tries: usize,
        /// What the attempt is for.
        role: AttemptRole,
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
        /// Number of steps that are left, this one included.
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
        /// Its outcome.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
        /// What follows.
        next: Next,
    },
    /// An agent is asked to assign tasks.
    Assigning {
        /// Number of units.
        units: usize,
        /// The backend that is asked.
        backend: String,
    },
    /// Its assignments.
    Assigned(Assigned),
    /// The checks of the untouched tree run.
    Baselining {
        /// Number of commands.
        commands: usize,
    },
    /// What the checks said before any agent worked.
    Baseline(Box<BaselineRecord>),
    /// The commands of `[verify]` run.
    Verifying {
        /// The unit.
        unit: String,
        /// Number of commands.
        commands: usize,
    },
    /// A pending commit of an earlier run was made, or is not needed any more.
    Committed {
        /// The unit.
        unit: String,
    },
    /// A person answered a question.
    Answered(Answer),
    /// A person wrote a note for the agent of a task, or the task was done before an agent got it.
    Noted(Box<Note>),
    /// A person asked something of the run, and this came of it.
    Asked(TakenRequest),
    /// A person ended the pause.
    Resumed,
    /// Configuration files changed while the run was at work, and this became of it.
    ConfigChanged(ConfigOutcome),
    /// tasks.md changed while the run was at work.
    TasksChanged(TaskEdits),
    /// Someone else ticked these boxes during the run.
    ForeignTicks(Vec<String>),
    /// Someone opened the boxes of these done tasks during the run. They stay done.
    OpenedBoxes(Vec<String>),
    /// An agent removed these open tasks, or gave them up: their ids and titles.
    RemovedTasks(Vec<(String, String)>),
    /// These boxes are ticked, but no run has confirmed their tasks, so they do not count as done.
    Unconfirmed(Vec<String>),
    /// The run will end after this step.
    Stopping,
    /// The run will not end after this step, though it was asked to.
    KeepsRunning,
    /// The run ends the agent now.
    Ending,
}

/// How the tasks in tasks.md changed while a run was at work: ids and titles.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskEdits {
    /// New tasks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub added: Vec<NamedTask>,
    /// Tasks that are not there any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub removed: Vec<NamedTask>,
    /// Tasks with another text, and their text now.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reworded: Vec<NamedTask>,
}

impl TaskEdits {
    /// Whether nothing changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A task in an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedTask {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
}

impl Notice {
    /// The unit of an attempt that ended or of a commit; `None` for other notices.
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
    /// What the outcome says; nothing to add.
    Plain,
    /// Another attempt; this many are left.
    Attempts(u32),
    /// The agent is asked for its missing signal.
    Nudge,
    /// The agent is asked whether its task is done, since it changed no file.
    Unchanged,
    /// Its session cannot continue: the unit starts again in a new one. This many attempts are left.
    Afresh(u32),
    /// A review of what it did.
    Review,
    /// No attempt is left.
    Failed,
    /// It waits for an answer, and the run continues without it.
    Parked,
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

/// What kind of thing follows an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NextKind {
    /// Nothing special.
    Plain,
    /// Another attempt.
    Again,
    /// The agent is asked for its signal.
    Nudge,
    /// The agent is asked whether it is done, since no file has changed.
    Unchanged,
    /// A new session.
    Afresh,
    /// A review.
    Review,
    /// Nothing: no attempts are left.
    Failed,
    /// Nothing before a person answers.
    Parked,
}

/// What kind of pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseKind {
    /// Between two steps.
    Delay,
    /// Before the next attempt.
    Backoff,
    /// Until a limited backend may be tried again.
    Limit,
    /// Until a program that is gone is looked for again.
    Program,
    /// Until a rule of `[pace]` lets the next step start.
    Pace,
    /// Until the time that a person set for the first step.
    Begin,
    /// Until a person says whether to run a task.
    Ask,
    /// Until a person leaves the session of an agent.
    Talk,
    /// Until a pause that a person asked for is over.
    Pause,
}

impl Pause {
    /// What kind of pause it is.
    #[must_use]
    pub fn kind(&self) -> PauseKind {
        match self {
            Self::Delay => PauseKind::Delay,
            Self::Backoff { .. } => PauseKind::Backoff,
            Self::Wait(WaitReason::Limit { .. }) => PauseKind::Limit,
            Self::Wait(WaitReason::Program { .. }) => PauseKind::Program,
            Self::Wait(WaitReason::Pace { .. }) => PauseKind::Pace,
            Self::Wait(WaitReason::Begin) => PauseKind::Begin,
            Self::Wait(WaitReason::Ask { .. }) => PauseKind::Ask,
            Self::Wait(WaitReason::Talk { .. }) => PauseKind::Talk,
            Self::Wait(WaitReason::Pause { .. }) => PauseKind::Pause,
        }
    }

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
