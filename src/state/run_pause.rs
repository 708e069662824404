//! PURE. A pause that a person asked for: no step starts until it is over, in this run or in a later one.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A pause that a person asked for. It is no part of a run: a run that was killed has it when it continues, and a new run
/// begins with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPause {
    /// When the person asked for it.
    pub since: Timestamp,
    /// When it ends; `None`: a person has to end it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl RunPause {
    /// Whether it still holds back steps.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}
