//! PURE. What an agent is asked for.

use serde::{Deserialize, Serialize};

/// What an attempt is for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptRole {
    /// To do the task.
    #[default]
    Work,
    /// To review what was done.
    Review,
}

impl AttemptRole {
    /// The word for programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Work => "work",
            Self::Review => "review",
        }
    }

    /// What an agent in this role does, in words for people.
    #[must_use]
    pub fn doing(self) -> &'static str {
        match self {
            Self::Work => "at work",
            Self::Review => "reviewing",
        }
    }

    /// Whether it is to do the task.
    #[must_use]
    pub fn is_work(&self) -> bool {
        *self == Self::Work
    }
}
