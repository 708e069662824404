//! PURE. What became of configuration files that changed while a run was at work.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::ChangedSetting;

/// What became of configuration files that changed, and when the run saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigNote {
    /// When.
    pub at: Timestamp,
    /// What became of them.
    #[serde(flatten)]
    pub became: ConfigOutcome,
}

/// What became of configuration files that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "configuration", rename_all = "snake_case")]
pub enum ConfigOutcome {
    /// The next step has these settings, as far as they do not wait for the next run.
    Taken {
        /// What differs.
        settings: Vec<ChangedSetting>,
    },
    /// They say again what the run has.
    Restored,
    /// A person has to trust it first. The run keeps what it had.
    NotTrusted {
        /// What is not trusted, a line each.
        settings: Vec<String>,
        /// The command that trusts it.
        command: String,
    },
    /// It cannot be used. The run keeps what it had.
    Broken {
        /// What is wrong, with file and line.
        problems: Vec<String>,
    },
}
