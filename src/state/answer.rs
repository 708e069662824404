//! PURE. An answer of a person to a question of an agent.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a person answered to a halted unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The unit.
    pub unit: String,
    /// What the agent asked.
    pub question: String,
    /// What the person answered; may be empty.
    pub answer: String,
    /// The attempt that asked; `None` where the Python tool asked, which has no attempts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// Who answered, as their system names them; `None`: an older version kept no name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Timestamp>,
}
