//! PURE. Why a run is over, and the exit code that says so.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Why a run is over. What a person must do then is [`needs`](super::needs::needs).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum End {
    /// Nothing is left to do.
    Complete,
    /// All tasks that were selected are done, and others are left.
    SelectionComplete {
        /// How many.
        left: usize,
    },
    /// The iteration cap is reached and work is left.
    MaxIterations,
    /// The time that a person set is up, and work is left.
    TimeUp,
    /// An agent asked a person.
    Halted {
        /// The unit.
        unit: String,
    },
    /// What is left failed, or depends on tasks that are not done.
    Stuck {
        /// Units that failed and have no attempts left.
        failed: Vec<String>,
        /// Units that depend on others that are not done.
        blocked: Vec<String>,
    },
    /// What is left is for a person, or depends on it.
    Human {
        /// The tasks whose turn it is.
        tasks: Vec<String>,
    },
    /// Git refused the commit of a done unit.
    NotCommitted {
        /// The unit.
        unit: String,
    },
    /// A person's files have changes, and commits would mix them with the agents'. Pending commits are made, and no step
    /// starts.
    Dirty {
        /// The files.
        files: Vec<String>,
    },
    /// An agent rewrote history or went to another branch, or commits of tasks are not in the history of HEAD any more.
    History {
        /// The unit, where it was an agent.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unit: Option<String>,
        /// What happened, and how to get back.
        reason: String,
    },
    /// What people or the remote did with the branch of the spec keeps commits of this run from it, or a check fails since.
    Branch {
        /// What happened, and where the commits are.
        reason: String,
    },
    /// Commits are made that the index of the user does not have yet: a person's next commit would take them back.
    IndexBehind {
        /// Which commits, and what to do.
        reason: String,
    },
    /// All tasks are done, but commits of them are not in the history of HEAD, and that is no need.
    CommitsLost {
        /// The commits with their tasks, as people read them.
        lost: Vec<String>,
    },
    /// The agent's program cannot be started.
    Unavailable {
        /// The unit.
        unit: String,
        /// Why.
        reason: String,
    },
    /// A limit that the run does not wait for.
    Limited {
        /// The unit that is next.
        unit: String,
        /// Who is limited: the backend, and its model where only that is; or the run, where it has cost enough.
        who: String,
        /// The vendor's words, and why the run does not wait.
        reason: String,
        /// What ends the limit.
        remedy: Remedy,
    },
    /// A limit or a rule of `[pace]` that ends by itself, where the configuration does not let a machine wait for it.
    TryLater {
        /// The unit that is next.
        unit: String,
        /// What it would wait for.
        reason: String,
        /// When a run can continue.
        until: Timestamp,
    },
    /// A hook that must succeed failed.
    HookFailed {
        /// Which one, and how.
        reason: String,
    },
    /// An error.
    Error {
        /// The error in one line.
        reason: String,
        /// Its exit code.
        exit_code: u8,
    },
    /// The lease of the spec on the remote is lost: another machine works on it, or may.
    TakenOver,
    /// Ctrl-C.
    Interrupted,
    /// TERM.
    Terminated,
    /// The terminal is gone; a working agent continues without it.
    HungUp,
}

/// What ends a limit that a run does not wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Remedy {
    /// A person logs in.
    Login,
    /// A person pays.
    Payment,
    /// A rule of the configuration ended the run: a person runs it again later, or changes the rule.
    Rule,
}

/// Why a run is over, without what belongs to it: `why` of `run_ended`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the variants of `End` say it")]
pub enum EndKind {
    Complete,
    SelectionComplete,
    MaxIterations,
    TimeUp,
    Halted,
    Stuck,
    Human,
    NotCommitted,
    Dirty,
    History,
    Branch,
    IndexBehind,
    CommitsLost,
    Unavailable,
    Limited,
    TryLater,
    /// Also a hook that must succeed and failed.
    Error,
    TakenOver,
    Interrupted,
    Terminated,
    HungUp,
}

impl EndKind {
    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::SelectionComplete => "selection_complete",
            Self::MaxIterations => "max_iterations",
            Self::TimeUp => "time_up",
            Self::Halted => "halted",
            Self::Stuck => "stuck",
            Self::Human => "human",
            Self::NotCommitted => "not_committed",
            Self::Dirty => "dirty",
            Self::History => "history",
            Self::Branch => "branch",
            Self::IndexBehind => "index_behind",
            Self::CommitsLost => "commits_lost",
            Self::Unavailable => "unavailable",
            Self::Limited => "limited",
            Self::TryLater => "try_later",
            Self::Error => "error",
            Self::TakenOver => "taken_over",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
            Self::HungUp => "hung_up",
        }
    }

    /// The word for people, where no sentence is made for it.
    #[must_use]
    pub fn label(self) -> String {
        self.word().replace('_', " ")
    }
}

impl End {
    /// Why, without what belongs to it.
    #[must_use]
    pub fn kind(&self) -> EndKind {
        match self {
            Self::Complete => EndKind::Complete,
            Self::SelectionComplete { .. } => EndKind::SelectionComplete,
            Self::MaxIterations => EndKind::MaxIterations,
            Self::TimeUp => EndKind::TimeUp,
            Self::Halted { .. } => EndKind::Halted,
            Self::Stuck { .. } => EndKind::Stuck,
            Self::Human { .. } => EndKind::Human,
            Self::NotCommitted { .. } => EndKind::NotCommitted,
            Self::Dirty { .. } => EndKind::Dirty,
            Self::History { .. } => EndKind::History,
            Self::Branch { .. } => EndKind::Branch,
            Self::IndexBehind { .. } => EndKind::IndexBehind,
            Self::CommitsLost { .. } => EndKind::CommitsLost,
            Self::Unavailable { .. } => EndKind::Unavailable,
            Self::Limited { .. } => EndKind::Limited,
            Self::TryLater { .. } => EndKind::TryLater,
            Self::HookFailed { .. } | Self::Error { .. } => EndKind::Error,
            Self::TakenOver => EndKind::TakenOver,
            Self::Interrupted => EndKind::Interrupted,
            Self::Terminated => EndKind::Terminated,
            Self::HungUp => EndKind::HungUp,
        }
    }

    /// The tasks that it names, to be renamed.
    pub(super) fn tasks_mut(&mut self) -> Vec<&mut String> {
        match self {
            Self::Halted { unit }
            | Self::NotCommitted { unit }
            | Self::Unavailable { unit, .. }
            | Self::Limited { unit, .. }
            | Self::TryLater { unit, .. } => vec![unit],
            Self::History { unit, .. } => unit.iter_mut().collect(),
            Self::Human { tasks } => tasks.iter_mut().collect(),
            Self::Stuck { failed, blocked } => failed.iter_mut().chain(blocked).collect(),
            Self::Complete
            | Self::SelectionComplete { .. }
            | Self::MaxIterations
            | Self::TimeUp
            | Self::Dirty { .. }
            | Self::Branch { .. }
            | Self::IndexBehind { .. }
            | Self::CommitsLost { .. }
            | Self::HookFailed { .. }
            | Self::Error { .. }
            | Self::TakenOver
            | Self::Interrupted
            | Self::Terminated
            | Self::HungUp => Vec::new(),
        }
    }

    /// When a run can continue, where this one ended because it would have waited.
    #[must_use]
    pub fn resume_at(&self) -> Option<Timestamp> {
        match self {
            Self::TryLater { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// Whether the user ended it. Such an end is not reported as a need.
    #[must_use]
    pub fn is_by_hand(&self) -> bool {
        matches!(self, Self::Interrupted | Self::Terminated | Self::HungUp)
    }
}
