//! The linear plan as values.

use std::path::PathBuf;
use std::time::Duration;

use crate::agent::Format;
use crate::config::{Done, PromptBy, Retry, Timeouts};
use crate::spec::{Dialect, IgnoredLine, Task};

/// What will run, in order, and what will not, with reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The spec's name.
    pub spec: String,
    /// What is dispatched, one after another.
    pub steps: Vec<Step>,
    /// What is not, and why.
    pub skipped: Vec<Skipped>,
    /// Lines that look like tasks but are none.
    pub ignored: Vec<IgnoredLine>,
    /// Notes on the file that are no diagnostics (a ticked parent over open leaves).
    pub notes: Vec<Note>,
    /// The dialect that tasks.md was read as, and what told it.
    pub dialect: Dialect,
    /// In a user's words.
    pub dialect_reason: String,
    /// The waves of the dependency graph, ids as written.
    pub waves: Vec<Vec<String>>,
    /// Existing files that every prompt names, as the caller gave them.
    pub inputs: Vec<String>,
    /// How many iterations the run may take.
    pub max_iterations: u32,
}

/// A remark on a line of tasks.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// Line, from 1.
    pub line: usize,
    /// The sentence.
    pub message: String,
}

/// One entry of the plan: a unit with everything resolved for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The unit's id.
    pub unit: String,
    /// Its title.
    pub title: String,
    /// The unit's own task (absent where a heading makes the unit).
    pub task: Option<Task>,
    /// The open leaves that the agent is told to do, in order (the unit itself where it has no children).
    pub open: Vec<Task>,
    /// Tasks above the open leaves, other than the unit's own, outermost first: what they say holds for the leaves too.
    pub above: Vec<Task>,
    /// Ids that count as completed when the step is done, document order.
    pub completes: Vec<String>,
    /// Units that had to come first.
    pub after: Vec<String>,
    /// Waves of the dependency graph that its open leaves are in, from 1.
    pub waves: Vec<usize>,
    /// Name of the backend.
    pub backend: String,
    /// Program and arguments; `{prompt}` and `{prompt_file}` are filled in at dispatch.
    pub argv: Vec<String>,
    /// The same for going on in the session `{session}`, which is filled in at dispatch; `None`: the CLI cannot.
    pub resume_argv: Option<Vec<String>>,
    /// The model that was asked for; `None`: the CLI's own choice.
    pub model: Option<String>,
    /// Whether an agent still has to say who does it.
    pub unassigned: bool,
    /// How the prompt gets there.
    pub prompt_by: PromptBy,
    /// What the agent prints.
    pub output: Format,
    /// Extra environment.
    pub env: Vec<(String, String)>,
    /// Variables taken away.
    pub env_remove: Vec<String>,
    /// Where the agent works, absolute.
    pub cwd: PathBuf,
    /// Name of the tmux window.
    pub window: String,
    /// Deadlines.
    pub timeout: Timeouts,
    /// Retry policy.
    pub retry: Retry,
    /// Whether the signal is needed, and how often it is asked for.
    pub done: Done,
    /// What must succeed after the agent said that it is done: programs with arguments.
    pub verify: Vec<Vec<String>>,
    /// Pause after it.
    pub delay: Duration,
    /// Text that an override adds to the prompt.
    pub extra_prompt: Option<String>,
    /// Why it is in the plan, in order of weight.
    pub reasons: Vec<String>,
    /// Line in tasks.md.
    pub line: usize,
}

/// A unit (or an optional task inside one) that does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Why.
    pub reason: SkipReason,
}

/// Why something does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// The state file says that it is completed.
    Completed,
    /// Its box was ticked before the run.
    Ticked,
    /// It is optional and was not asked for.
    Optional,
    /// `--only` or `--from` leaves it out.
    NotSelected,
    /// What it depends on failed, is skipped or is not selected.
    Blocked {
        /// The ids in the way.
        on: Vec<String>,
    },
    /// It failed for good in this run.
    Failed,
    /// A human marked it (`[!]`, skipped).
    Marked(String),
}
