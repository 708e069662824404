//! PURE. A note: words of a person for the agent of one task.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Words of a person for the agent of a task. Each prompt of the task has them until the task is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// A name of its own, so that it is taken once.
    pub id: String,
    /// The unit.
    pub unit: String,
    /// The title of the unit when it was written.
    #[serde(default)]
    pub title: String,
    /// What the person wrote.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// Who.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The first attempt whose agent got it; `None`: it is pending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub given: Option<u32>,
    /// The agent got it while it worked, and not with a prompt.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub said: bool,
    /// Its task was done since, so no further prompt has it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

impl Note {
    /// Whether no agent got it yet, and a prompt still can have it.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.given.is_none() && !self.over
    }

    /// Whether its task was done before an agent got it.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.given.is_none() && self.over
    }
}
