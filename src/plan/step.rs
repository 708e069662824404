//! The plan as values: its steps, the tasks that do not run, and notes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::agent::{AttemptRole, Format};
use crate::config::{Done, PrintsWhen, PromptBy, Retry, Timeouts};
use crate::spec::{Dialect, IgnoredLine, Task};

/// The id of the unit that is the review of the whole spec. No task has it, since ids begin with a letter or a digit.
pub const SPEC_REVIEW: &str = "@review";

/// What runs, in order, and what does not run, with reasons.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// Name of the spec.
    pub spec: String,
    /// The steps, in the order of work.
    pub steps: Vec<Step>,
    /// The step that follows all of them, if the whole spec is reviewed: it fixes what the review finds.
    pub spec_review: Option<Box<Step>>,
    /// The checks that come before all of them, if the configuration asks for that.
    pub baseline: Option<BaselineChecks>,
    /// The tasks that do not run, and why.
    pub skipped: Vec<SkippedTask>,
    /// Lines that look like tasks and are not.
    pub ignored: Vec<IgnoredLine>,
    /// Remarks on the file that are not errors, such as a ticked parent over open subtasks.
    pub notes: Vec<PlanNote>,
    /// The dialect that tasks.md was read as.
    pub dialect: Dialect,
    /// The evidence for the dialect, in words for users.
    pub dialect_reason: String,
    /// What of the file was read as what, in a sentence.
    pub reading: String,
    /// The waves of the dependency graph, with the ids as written.
    pub waves: Vec<Vec<String>>,
    /// The ids that tasks had when tasks.md was read last, by the ids that they have now.
    pub was: BTreeMap<String, String>,
    /// The file of the tasks, as the prompts name it.
    pub tasks_file: String,
    /// Existing files that every prompt names, as the caller gave them.
    pub inputs: Vec<String>,
    /// How many iterations the run may take.
    pub max_iterations: u32,
}

/// What a run tries before any agent works.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct BaselineChecks {
    /// The commands, each as a step, in the order in which the tasks have them.
    pub checks: Vec<Step>,
    /// Commands that only say something about a task, as the configuration has them.
    pub left_out: Vec<Vec<String>>,
}

/// A remark on a line of tasks.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanNote {
    /// Line, from 1.
    pub line: usize,
    /// The remark, in lower case and without a full stop.
    pub message: String,
}

impl Plan {
    /// The step of a unit.
    #[must_use]
    pub fn step_of(&self, unit: &str) -> Option<&Step> {
        self.steps.iter().chain(self.spec_review.as_deref()).find(|step| step.unit == unit)
    }

    /// The settings of all attempts of its steps, reviews included, each with the unit.
    pub fn all_settings(&self) -> impl Iterator<Item = (&str, &StepSettings)> {
        let steps = self.steps.iter().chain(self.spec_review.as_deref());
        steps.flat_map(|step| {
            let own = std::iter::once(&step.settings).chain(step.settings.review.as_deref());
            own.map(move |settings| (step.unit.as_str(), settings))
        })
    }
}

impl Step {
    /// A step that does no task of the spec.
    pub(super) fn without_task(unit: &str, title: &str, settings: StepSettings, window: String) -> Self {
        Self {
            role: AttemptRole::Work,
            unit: unit.to_owned(),
            title: title.to_owned(),
            task: None,
            group: None,
            above: Vec::new(),
            waves: Vec::new(),
            open: Vec::new(),
            completes: Vec::new(),
            after: Vec::new(),
            settings,
            window,
            reasons: Vec::new(),
            line: 0,
        }
    }

    /// The review of what the step did, if it is reviewed.
    #[must_use]
    pub fn for_review(&self) -> Option<Self> {
        let settings = self.settings.review.as_deref()?.clone();
        Some(Self { role: AttemptRole::Review, completes: Vec::new(), settings, ..self.clone() })
    }
}

/// One step of the plan: a unit with its open tasks and its settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// What its attempt is for.
    pub role: AttemptRole,
    /// Id of the unit.
    pub unit: String,
    /// Title of the unit.
    pub title: String,
    /// The unit's own task; `None` where a heading makes the unit.
    pub task: Option<Task>,
    /// The heading that makes the unit or stands above it.
    pub group: Option<String>,
    /// The open leaves that the agent works on, in order; the unit itself if it has no children.
    pub open: Vec<Task>,
    /// Tasks between the unit and the open leaves, outermost first. What they say holds for the leaves too.
    pub above: Vec<Task>,
    /// Ids that count as completed when the step is done, in document order.
    pub completes: Vec<String>,
    /// Units that had to come first.
    pub after: Vec<String>,
    /// The waves of the dependency graph that the open leaves are in, from 1.
    pub waves: Vec<usize>,
    /// What the step runs with.
    pub settings: StepSettings,
    /// Name of the tmux window.
    pub window: String,
    /// Why the step is in the plan and runs as it does, most important first.
    pub reasons: Vec<String>,
    /// Line in tasks.md.
    pub line: usize,
}

/// What a step runs with: the configuration with the overrides and the assignment of the unit applied.
#[derive(Debug, Clone, PartialEq)]
pub struct StepSettings {
    /// Name of the backend.
    pub backend: String,
    /// Program and arguments. The dispatch fills in `{prompt}` and `{prompt_file}`.
    pub argv: Vec<String>,
    /// The same for resuming the session `{session}`, which the dispatch fills in; `None` if the agent cannot resume.
    pub resume_argv: Option<Vec<String>>,
    /// Program and arguments that end with 0 while the agent is logged in. A run asks them only after a refused login.
    pub login_check: Option<Vec<String>>,
    /// The requested model; `None` leaves the choice to the agent.
    pub model: Option<String>,
    /// An agent still has to choose the owner of the unit.
    pub unassigned: bool,
    /// How the prompt reaches the agent.
    pub prompt_by: PromptBy,
    /// The agent gets what people say while it works.
    pub takes_words: bool,
    /// What the agent prints.
    pub output: Format,
    /// Whether the agent prints while it works.
    pub prints: PrintsWhen,
    /// Variables added to the environment.
    pub env: Vec<(String, String)>,
    /// Variables removed from the environment.
    pub env_remove: Vec<String>,
    /// The folder that the agent works in, absolute.
    pub cwd: PathBuf,
    /// The deadlines of an attempt.
    pub timeout: Timeouts,
    /// How often and when a failed attempt is retried.
    pub retry: Retry,
    /// Whether the signal is required, and how often the agent is nudged for it.
    pub done: Done,
    /// Commands that must succeed after the agent says that it is done.
    pub verify: Vec<Vec<String>>,
    /// What a review of it runs with; `None`: it is not reviewed.
    pub review: Option<Box<StepSettings>>,
    /// Pause after the step.
    pub delay: Duration,
    /// Text that an override adds to the prompt.
    pub extra_prompt: Option<String>,
}

/// A unit, or an optional task inside one, that does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedTask {
    /// Id of the unit or task.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The unit that it is a part of, where the plan lists it beside that; `None`: it is a unit.
    pub part_of: Option<String>,
    /// Why it does not run.
    pub reason: SkipReason,
}

impl SkippedTask {
    /// Whether it is a part of a unit.
    #[must_use]
    pub fn is_part(&self) -> bool {
        self.part_of.is_some()
    }
}

/// Why something does not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SkipReason {
    /// The state file says that it is completed.
    Completed,
    /// Its box was ticked before the run.
    Ticked,
    /// It is optional and was not requested.
    Optional,
    /// `--only` or `--from` leaves it out.
    NotSelected,
    /// What it depends on failed, is skipped or is not selected.
    Blocked {
        /// The ids that block it.
        on: Vec<String>,
    },
    /// It failed in this run and has no attempts left.
    Failed,
    /// It asked a question, and waits for the answer.
    Asks,
    /// Only a person does it, and it is their turn.
    Human,
    /// Its mark keeps it out (`[!]`, skipped); the text says which.
    Marked(String),
}
