//! PURE. What the checks said before any agent worked.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What the checks said of the tree before any agent worked on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BaselineRecord {
    /// When the run began that they belong to.
    pub run: Timestamp,
    /// When they began.
    pub began: Timestamp,
    /// When they were over; `None`: they are at work, or were stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    /// The tree before them, where snapshots are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// Number of commands; once they are over, of those that ran to their end.
    pub commands: usize,
    /// Those that failed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedCheck>,
    /// Those that did not run to their end, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOutCheck>,
    /// Files that they changed, and that were put back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<String>,
}

/// A check that failed before any agent worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCheck {
    /// The command as the configuration has it.
    pub argv: Vec<String>,
    /// The command, for people.
    pub command: String,
    /// How it ended: `failed with exit code 2`.
    pub how: String,
    /// The line of its whole output that names the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The end of what it printed; may be empty.
    pub tail: String,
    /// The unit after which it succeeded for the first time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fixed_by: Option<String>,
}

/// A check of which nothing is known before any agent works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutCheck {
    /// The command, for people.
    pub command: String,
    /// Why, as a clause.
    pub why: String,
}
