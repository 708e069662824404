//! PURE. What is known of a limited backend.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::limit::Kind;

/// A backend that said: later. It is forgotten with its first attempt that is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limited {
    /// What kind of limit.
    pub kind: Kind,
    /// The vendor's words.
    pub why: String,
    /// Since when it is limited, without a success between.
    pub since: Timestamp,
    /// No try before; `None`: a human must do something first.
    pub until: Option<Timestamp>,
    /// Whether the vendor stated that time; else it is ours.
    pub stated: bool,
    /// Attempts in a row that it refused.
    pub tries: u32,
}

impl Limited {
    /// Whether nothing is to be tried yet.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}
