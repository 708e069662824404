//! PURE. `[hooks]`: programs that are called when something happens.

use std::time::Duration;

use crate::config::declare::keys;
use crate::config::formats::HookCommand;

keys! {
    /// Programs of yours that are called when something happens. A program gets the facts in SEQORCH_* variables, and as
    /// JSON on standard input.
    #[derive(Eq)]
    pub struct Hooks {
        /// Program and arguments that are called when a run begins.
        run_start: Vec<String> as HookCommand = [], executes;
        /// Program and arguments that are called before each attempt.
        step_start: Vec<String> as HookCommand = [], executes;
        /// Program and arguments that are called after each attempt.
        step_end: Vec<String> as HookCommand = [], executes;
        /// Program and arguments that are called when a run needs you.
        halt: Vec<String> as HookCommand = [], executes;
        /// Program and arguments that are called when a limit makes a run wait.
        limit: Vec<String> as HookCommand = [], executes;
        /// Program and arguments that are called when a run is over.
        run_end: Vec<String> as HookCommand = [], executes;
        /// Longest time that one call of a hook may take. The program is ended after that.
        timeout: Duration = "1m", inside;
        /// Whether a run waits for each hook, and ends if a hook fails. If not, hooks work while the run continues, and a
        /// failure is only reported.
        required: bool = false, inside;
    }
}

/// What a hook is called for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HookEvent {
    /// A run begins.
    RunStart,
    /// An attempt is about to start.
    StepStart,
    /// An attempt ended.
    StepEnd,
    /// The run needs you.
    Halt,
    /// A limit makes the run wait.
    Limit,
    /// A run is over.
    RunEnd,
}

impl HookEvent {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::RunStart, Self::StepStart, Self::StepEnd, Self::Halt, Self::Limit, Self::RunEnd];

    /// The key of its hook.
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

impl Hooks {
    /// Program and arguments for this event; `None` if it has no hook.
    #[must_use]
    pub fn argv(&self, event: HookEvent) -> Option<&[String]> {
        let argv = match event {
            HookEvent::RunStart => &self.run_start,
            HookEvent::StepStart => &self.step_start,
            HookEvent::StepEnd => &self.step_end,
            HookEvent::Halt => &self.halt,
            HookEvent::Limit => &self.limit,
            HookEvent::RunEnd => &self.run_end,
        };
        Some(argv.as_slice()).filter(|argv| !argv.is_empty())
    }
}
