//! PURE. `[hooks]`: whom to call, and when.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a hook hears of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    /// A run begins.
    RunStart,
    /// An attempt is about to start.
    StepStart,
    /// An attempt ended.
    StepEnd,
    /// A human is needed.
    Halt,
    /// A limit makes the run wait.
    Limit,
    /// A run is over.
    RunEnd,
}

impl HookEvent {
    /// As the configuration names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::RunStart => "run_start",
            Self::StepStart => "step_start",
            Self::StepEnd => "step_end",
            Self::Halt => "halt",
            Self::Limit => "limit",
            Self::RunEnd => "run_end",
        }
    }
}

/// `[hooks]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hooks {
    /// Program and arguments per event.
    pub argv: BTreeMap<HookEvent, Vec<String>>,
    /// Deadline of a call.
    pub timeout: Duration,
    /// Whether a failure ends the run.
    pub required: bool,
}
