//! PURE. `[run]`, `[retry]`, `[timeout]` and `[done]`: how a run goes through the tasks of a spec.

use std::path::PathBuf;
use std::time::Duration;

use crate::config::declare::{keys, words};
use crate::config::formats::{BackendName, Count, CountOrZero, OptionValue};

keys! {
    /// How a run goes through the tasks of a spec.
    pub struct RunSettings {
        /// Folder that holds the specs, relative to the project root.
        spec_root: PathBuf = ".kiro/specs", outside;
        /// Backend that does every task for which no other backend is set.
        backend: String as BackendName = "opencode", flag = "--backend", inside;
        /// Model that run.backend uses. Unset: that of its section, or the agent's own choice.
        model: Option<String> as Option<OptionValue>, like = "large", flag = "--model", inside;
        /// Pause between two steps.
        delay: Duration = "15s", flag = "--delay", inside;
        /// Random extra pause, up to this long, that is added to each delay.
        jitter: Duration = "0s", inside;
        /// Iterations that one run may take. Each attempt takes one.
        max_iterations: u32 as Count = 50, flag = "--max-iterations", inside;
        /// Folder in which agents work, relative to the project root. Unset: the project root.
        workdir: Option<PathBuf>, like = "app", flag = "--workdir", outside;
        /// What one step covers: a top-level task with all tasks below it (unit), or one task that has no tasks below
        /// it (task).
        granularity: Granularity = "unit", inside;
        /// Whether to run optional tasks, too.
        include_optional: bool = false, flag = "--include-optional", inside;
        /// What happens when a unit has no attempts left: the run stops (halt), or it continues with the units that do
        /// not depend on this one (skip).
        on_failure: HaltOrSkip = "halt", inside;
        /// What happens when an agent asks a question: the run stops (halt), or the task is parked with its question and
        /// the run continues with the units that do not depend on it (skip). It ends with 2 in both cases.
        on_halt: HaltOrSkip = "halt", flag = "--on-halt", inside;
        /// Whether an agent that works is ended when the time of the run is up (--until, --for). Its task is tried again in
        /// the next run, and the attempt does not count. Else the agent finishes its task.
        hard_stop: bool = false, inside;
        /// Whether a run keeps the machine from falling asleep by itself (systemd-inhibit, caffeinate).
        keep_awake: bool = true, inside;
    }
}

words! {
    /// What one step covers.
    pub enum Granularity {
        /// A top-level task with all below it.
        Unit = "unit",
        /// One task that has none below it.
        Task = "task",
    }
}

words! {
    /// What happens to a run when a unit cannot continue.
    pub enum HaltOrSkip {
        /// The run stops, and needs you.
        Halt = "halt",
        /// The run continues with what does not depend on the unit.
        Skip = "skip",
    }
}

keys! {
    /// How a failed attempt is repeated.
    #[derive(Copy, Eq)]
    pub struct Retry {
        /// Attempts that a unit may take in all, the first one included.
        attempts: u32 as Count = 3, inside;
        /// Pause before the second attempt. It doubles before each further one.
        backoff: Duration = "30s", inside;
        /// Longest pause before an attempt.
        max_backoff: Duration = "10m", inside;
    }
    pub struct PartialRetry = partial Retry;
}

keys! {
    /// Deadlines of an attempt. "0s" turns a deadline off.
    #[derive(Copy, Eq)]
    pub struct Timeouts {
        /// Longest time that one attempt may take.
        task: Duration = "2h", inside;
        /// Longest time that an agent may print nothing after its first output.
        idle: Duration = "30m", inside;
        /// Longest time until an agent prints its first output.
        first_output: Duration = "10m", inside;
        /// Time that an agent gets to end after it is asked to. It is killed after that.
        grace: Duration = "10s", inside;
    }
    pub struct PartialTimeouts = partial Timeouts;
}

keys! {
    /// When a step counts as done.
    #[derive(Copy, Eq)]
    pub struct Done {
        /// Whether an agent must print its signal TASK_DONE for its step to count as done (required), or exit code 0
        /// is enough (optional).
        signal: DoneSignal = "required", inside;
        /// How often an agent that ended without a signal is asked for one, in its own session.
        nudges: u32 as CountOrZero = 1, inside;
        /// What follows when an agent says that its task is done and the task changed no file: the agent is asked once, in
        /// its own session, with that fact (ask), or it is believed (accept). It is asked only where its CLI can resume a
        /// session and git.snapshot is true.
        unchanged: UnchangedRule = "ask", inside;
    }
    pub struct PartialDone = partial Done;
}

words! {
    /// What follows when a task is said to be done and changed no file.
    pub enum UnchangedRule {
        /// The agent is asked once.
        Ask = "ask",
        /// The agent is believed.
        Accept = "accept",
    }
}

words! {
    /// Whether a step needs its signal to count as done.
    pub enum DoneSignal {
        /// The agent must print `TASK_DONE`.
        Required = "required",
        /// Exit code 0 is enough.
        Optional = "optional",
    }
}
