//! PURE. Why a run is over, and the exit code that says so.

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
