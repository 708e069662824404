//! What the configuration means: validated values that the rest of seqorch works with.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::backend::Backend;
use super::hooks::Hooks;
use super::limit::{Limit, Pace};
use super::tmux::Tmux;

/// The whole configuration, as resolved for one call.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// `[run]`
    pub run: Run,
    /// `[retry]`
    pub retry: Retry,
    /// `[timeout]`
    pub timeout: Timeouts,
    /// `[done]`
    pub done: Done,
    /// `[assign]`
    pub assign: Assign,
    /// `[limit]`
    pub limit: Limit,
    /// `[pace]`
    pub pace: Pace,
    /// `[prompt]`
    pub prompt: Prompt,
    /// `[tmux]`
    pub tmux: Tmux,
    /// `[tasks]`
    pub tasks: Tasks,
    /// `[verify]`
    pub verify: Verify,
    /// `[git]`
    pub git: Git,
    /// `[hooks]`
    pub hooks: Hooks,
    /// `[log]`
    pub log: Log,
    /// `[backend.NAME]`, built-in ones included.
    pub backends: BTreeMap<String, Backend>,
    /// `[[override]]`, in order; a later one wins.
    pub overrides: Vec<Override>,
}

/// `[run]`: the loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Folder below the project root that holds specs.
    pub spec_root: PathBuf,
    /// Name of the backend that works where nothing else is said.
    pub backend: String,
    /// Pause between two steps.
    pub delay: Duration,
    /// A random share up to this is added to each delay.
    pub jitter: Duration,
    /// How many iterations one run may take.
    pub max_iterations: u32,
    /// Where agents work; `None`: the project root.
    pub workdir: Option<PathBuf>,
    /// What one step covers.
    pub granularity: Granularity,
    /// Whether optional tasks are work.
    pub include_optional: bool,
    /// What follows when a unit has used up its attempts.
    pub on_failure: OnFailure,
}

/// What one step covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    /// A top-level task with all below it.
    Unit,
    /// One leaf.
    Task,
}

/// What follows when a unit has used up its attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// Stop: a human is needed.
    Halt,
    /// Go on with what does not depend on it.
    Skip,
}

/// `[retry]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts a unit may take, the first included.
    pub attempts: u32,
    /// Pause before the second attempt; doubles with each further one.
    pub backoff: Duration,
    /// Upper bound of the pause.
    pub max_backoff: Duration,
}

/// `[timeout]`; a zero duration turns the deadline off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// One attempt in all.
    pub task: Duration,
    /// Silence on stdout and stderr.
    pub idle: Duration,
    /// Time until the first byte.
    pub first_output: Duration,
    /// Between TERM and KILL.
    pub grace: Duration,
}

/// `[done] signal`: whether a step needs its signal to count as done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DoneSignal {
    /// The agent must say `TASK_DONE`.
    Required,
    /// Exit code 0 is enough.
    Optional,
}

/// `[done]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Whether a step needs its signal.
    pub signal: DoneSignal,
    /// How often an agent that ended without one is asked for it, in its own session.
    pub nudges: u32,
}

/// `[assign] mode`
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AssignMode {
    /// [`AssignMode::Agent`] if a backend for it is set, else [`AssignMode::Rules`].
    Auto,
    /// An agent is asked.
    Agent,
    /// Only the rules count.
    Rules,
    /// Nobody assigns.
    Off,
}

/// `[assign] batch`
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Batch {
    /// All open units in one call.
    All,
    /// Each unit before its turn.
    One,
}

/// `[assign]`: which agent does which task.
#[derive(Debug, Clone, PartialEq)]
pub struct Assign {
    /// Who decides; never [`AssignMode::Auto`].
    pub mode: AssignMode,
    /// The backend that is asked.
    pub backend: String,
    /// The agent of that backend that is asked.
    pub agent: Option<String>,
    /// How many are asked for at once.
    pub batch: Batch,
    /// Deadline of one call.
    pub timeout: Duration,
    /// From owner to backend.
    pub owners: BTreeMap<String, String>,
    /// Rules of a human, in order; a later one wins.
    pub rules: Vec<AssignRule>,
}

/// `[[assign.rule]]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssignRule {
    /// Ids or globs.
    pub tasks: Vec<String>,
    /// A regular expression on the title.
    pub title: Option<String>,
    /// The owner that the rule names, if it does.
    pub owner: Option<String>,
    /// The backend, either named or that of the owner.
    pub backend: String,
}

/// `[prompt]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// A template file that replaces the built-in one, absolute.
    pub template: Option<PathBuf>,
    /// Files or globs named to the agent beside the spec's own, relative to the work dir.
    pub inputs: Vec<String>,
    /// Skills that the agent must use.
    pub skills: Vec<Skill>,
    /// Further rules, a sentence each.
    pub rules: Vec<String>,
}

/// A skill and when it must be used.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Skill {
    /// Its name.
    pub name: String,
    /// When it applies.
    pub when: String,
}

/// `[tasks] tick`: when the box in tasks.md is ticked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tick {
    /// When a unit is done.
    Done,
    /// `[-]` while it runs, too.
    Live,
    /// Never.
    Off,
}

/// `[tasks] dialect`: how tasks.md is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TasksDialect {
    /// As the file itself tells.
    Auto,
    /// `- [ ] 1. Title` over `1.1`.
    Kiro,
    /// Kiro's layout as cc-sdd writes it.
    CcSdd,
    /// `- [ ] T001 Title`.
    SpecKit,
    /// `## 1. Section` over `- [ ] 1.1 Title`.
    #[serde(rename = "openspec")]
    OpenSpec,
    /// `### Task 1.1: Title`.
    Headings,
    /// Rows of a table.
    Table,
    /// `1. Title` without boxes.
    Numbered,
    /// Boxes with ids of their own form, or none.
    Plain,
}

/// `[tasks]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tasks {
    /// Whether a box that was ticked before the run means done.
    pub trust_checkboxes: bool,
    /// When boxes are ticked.
    pub tick: Tick,
    /// How the file is read.
    pub dialect: TasksDialect,
}

/// `[verify]`: what must hold before a step counts as done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify {
    /// Programs with arguments, run one after another until one fails.
    pub commands: Vec<Vec<String>>,
    /// Deadline of each.
    pub timeout: Duration,
    /// Tests that they must have run in all; 0: not looked at.
    pub min_tests: u32,
}

/// `[git] commit`
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Commit {
    /// Nothing is committed.
    Off,
    /// Each done step is one commit.
    Step,
}

/// `[git] dirty`: what a run does about changes that were there before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dirty {
    /// It does not start.
    Refuse,
    /// It leaves those files out of every commit.
    Allow,
}

/// `[git]`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// Whether steps are committed.
    pub commit: Commit,
    /// What about changes from before.
    pub dirty: Dirty,
    /// Message with `{spec}`, `{id}`, `{title}`, `{agent}`, `{attempts}`.
    pub message: String,
    /// Whether the tree is kept before each step.
    pub snapshot: bool,
}

/// `[log]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Log {
    /// Megabytes (of 1,000,000 bytes) kept of one attempt's stdout: half from its beginning, half from its end.
    pub max_mb: u32,
    /// How long the folders of a done task's attempts are kept; zero: for ever.
    pub keep: Duration,
}

/// `[[override]]`: other settings for some tasks.
#[derive(Debug, Clone, PartialEq)]
pub struct Override {
    /// Ids or globs (`4.*`).
    pub tasks: Vec<String>,
    /// Another backend.
    pub backend: Option<String>,
    /// Another model.
    pub model: Option<String>,
    /// Other deadlines.
    pub timeout: PartialTimeouts,
    /// Another retry policy.
    pub retry: PartialRetry,
    /// Text added to the prompt.
    pub prompt: Option<String>,
    /// Other verify commands.
    pub verify: Option<Vec<Vec<String>>>,
}

/// Deadlines of an override; `None` leaves the common one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartialTimeouts {
    /// See [`Timeouts::task`].
    pub task: Option<Duration>,
    /// See [`Timeouts::idle`].
    pub idle: Option<Duration>,
    /// See [`Timeouts::first_output`].
    pub first_output: Option<Duration>,
    /// See [`Timeouts::grace`].
    pub grace: Option<Duration>,
}

/// Retry policy of an override; `None` leaves the common one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PartialRetry {
    /// See [`Retry::attempts`].
    pub attempts: Option<u32>,
    /// See [`Retry::backoff`].
    pub backoff: Option<Duration>,
    /// See [`Retry::max_backoff`].
    pub max_backoff: Option<Duration>,
}
