//! PURE. `[hooks]`: whom to call, and when.

use std::collections::BTreeMap;
use std::time::Duration;

use super::schema::{Entry, Kind, Node, entry, leaf};

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
    /// Whether the run waits for each, and ends where one fails; else they run beside it.
    pub required: bool,
}

/// What a file may hold of it.
pub(super) const HOOKS: Entry = entry(
    "hooks",
    Node::Table(&[
        leaf("run_start", Kind::Texts, "Program and arguments, run when a run begins."),
        leaf("step_start", Kind::Texts, "The same before each attempt."),
        leaf("step_end", Kind::Texts, "The same after each attempt."),
        leaf("halt", Kind::Texts, "The same when a human is needed."),
        leaf("limit", Kind::Texts, "The same when a limit makes the run wait."),
        leaf("run_end", Kind::Texts, "The same when a run is over."),
        leaf("timeout", Kind::Duration, "Deadline of each call; it is ended then."),
        leaf(
            "required",
            Kind::Bool,
            "Whether the run waits for each, and ends where one fails; else they run beside it, and a failure is told.",
        ),
    ]),
    "Programs of yours that hear of events: facts are in SEQORCH_* variables, and as JSON on standard input.",
);
