//! PURE. The content of the live view, independent of the screen's size.

use crate::plan::{Plan, SkipReason};
use crate::state::EndKind;
use crate::state::{NeedKind, SpecState, needs};

/// The state of a spec in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A run works on it.
    Running,
    /// A question waits for an answer.
    Halted,
    /// Git refused the commit of a done task.
    Uncommitted,
    /// Something else needs you.
    NeedsHuman,
    /// All tasks are done.
    Complete,
    /// All tasks are done, and commits of them are not in the history of HEAD.
    CommitsLost,
    /// An agent works without a run.
    Orphaned,
    /// Nothing runs, and tasks are left.
    Idle,
}

impl Standing {
    /// The state of a spec. `held`: a run has its lock; `alive`: the running attempt has a living process.
    #[must_use]
    pub fn of(held: bool, state: &SpecState, plan: &Plan, alive: bool) -> Self {
        let settled = |reason: &SkipReason| {
            use SkipReason as R;
            matches!(reason, R::Completed | R::Ticked | R::Optional | R::Marked(_))
        };
        match needs(state).first().map(|need| need.kind) {
            _ if held => Self::Running,
            Some(NeedKind::Question) => Self::Halted,
            _ if alive => Self::Orphaned,
            Some(NeedKind::PendingCommit) => Self::Uncommitted,
            Some(_) => Self::NeedsHuman,
            None if plan.steps.is_empty() && plan.skipped.iter().all(|s| settled(&s.reason)) => {
                match state.run.over().map(|over| over.end.kind()) {
                    Some(EndKind::CommitsLost) => Self::CommitsLost,
                    _ => Self::Complete,
                }
            }
            None => Self::Idle,
        }
    }

    /// Whether it needs you before it can continue.
    #[must_use]
    pub fn needs_human(self) -> bool {
        matches!(self, Self::Halted | Self::Uncommitted | Self::NeedsHuman)
    }

    /// Whether it says that nothing is to be done now. With a tasks.md that can't be run, nothing says that.
    #[must_use]
    pub fn rests(self) -> bool {
        matches!(self, Self::Idle | Self::Complete)
    }

    /// The word for people.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Uncommitted => "not committed",
            Self::NeedsHuman => "needs you",
            Self::CommitsLost => "done, but commits are not in the history of HEAD",
            _ => self.word(),
        }
    }

    /// The word, as in `status --json`.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Halted => "halted",
            Self::Uncommitted => "uncommitted",
            Self::NeedsHuman => "needs_human",
            Self::Complete => "complete",
            Self::CommitsLost => "commits_lost",
            Self::Orphaned => "orphaned",
            Self::Idle => "idle",
        }
    }
}

/// The content of the live view. No text in it has escape sequences or line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The spec.
    pub spec: String,
    /// Its state.
    pub standing: Standing,
    /// Its state in words, also that a run is stopping.
    pub word: String,
    /// Its run waits before the next step.
    pub waits: bool,
    /// Its run was asked to stop after this step.
    pub stopping: bool,
    /// A person asked for a pause, which is not over.
    pub paused: bool,
    /// The current time of day.
    pub clock: String,
    /// Units that are done.
    pub done: usize,
    /// All units, also skipped ones: as in the counts.
    pub total: usize,
    /// The estimated remaining time; `None` if it is not known.
    pub estimate: Option<String>,
    /// What the run took so far: time, tokens and cost; and the backend and model of all tasks, if they share them.
    pub totals: String,
    /// The units: first the finished ones, then the running one, those to do, and the skipped ones.
    pub rows: Vec<ViewRow>,
    /// The row that should stay visible.
    pub focus: usize,
    /// What happens now, or what you must do.
    pub panel: Panel,
    /// The last events of the run, oldest first: time and text.
    pub recent: Vec<(String, String)>,
}

/// One unit of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRow {
    /// Its state.
    pub mark: TaskMark,
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Whether an agent has worked on it.
    pub ran: bool,
    /// Why it is skipped, or what went wrong; may be empty.
    pub remark: String,
    /// Its backend, and its model if the agent named it; empty where all tasks share them.
    pub who: String,
    /// Number of attempts.
    pub tries: usize,
    /// Time of all attempts; empty if there is none.
    pub took: String,
    /// Tokens and cost of all attempts; empty if they are unknown.
    pub used: String,
}

/// The state of a unit in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskMark {
    /// Done.
    Done,
    /// An agent works on it.
    Running,
    /// It is next, and the run waits.
    Waiting,
    /// Its agent asked a question.
    Halted,
    /// It failed, no attempts left.
    Failed,
    /// It comes next.
    Next,
    /// It comes later.
    Todo,
    /// To do, but not in this run.
    Deferred,
    /// Skipped: optional, or marked by a person.
    Skipped,
}

impl TaskMark {
    /// Its sign, one column wide.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Running => "▶",
            Self::Waiting => "…",
            Self::Halted => "‖",
            Self::Failed => "✗",
            Self::Next => "›",
            Self::Todo | Self::Deferred => "·",
            Self::Skipped => "–",
        }
    }

    /// Its word, at most eight columns wide.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Halted => "halted",
            Self::Failed => "failed",
            Self::Next => "next",
            Self::Todo | Self::Deferred => "",
            Self::Skipped => "skipped",
        }
    }
}

/// The part of the view below the list: what happens now, or what you must do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Panel {
    /// Its heading.
    pub title: String,
    /// Lines before the body; they are always shown.
    pub head: Vec<PanelLine>,
    /// Text of an agent; it is cut if there is no room.
    pub body: Vec<String>,
    /// What stands for the body where it has no room, if that is not a part of it by its place: the question itself.
    pub brief: Vec<String>,
    /// What stays of the body if it is cut.
    pub keeps: KeptPart,
    /// Lines after the body; they are always shown: the commands to type.
    pub foot: Vec<PanelLine>,
    /// The summary of a run that is over, if there is room for it.
    pub summary: Vec<String>,
}

/// What stays of a text that has no room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum KeptPart {
    /// Its beginning; `…` says that more follows.
    #[default]
    Start,
    /// Its end; `…` says that more comes before.
    End,
    /// Its end, of a text that grows: everyone knows that more came before.
    Latest,
}

/// A line of a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelLine {
    /// Its look.
    pub tone: Tone,
    /// Its text.
    pub text: String,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Normal text.
    Plain,
    /// A command to type.
    Command,
    /// Something is wrong, or needs you.
    Warning,
}

impl PanelLine {
    pub(super) fn plain(text: impl Into<String>) -> Self {
        Self { tone: Tone::Plain, text: text.into() }
    }

    pub(super) fn command(text: impl Into<String>) -> Self {
        Self { tone: Tone::Command, text: text.into() }
    }

    pub(super) fn warning(text: impl Into<String>) -> Self {
        Self { tone: Tone::Warning, text: text.into() }
    }
}

/// The rows of the list that are on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VisibleRows {
    /// The first row on the screen.
    pub top: usize,
    /// Number of rows on the screen.
    pub shown: usize,
    /// Number of all rows.
    pub rows: usize,
}
