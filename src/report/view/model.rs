//! PURE. What the live view shows, before it has a size.

use crate::plan::{Plan, SkipReason};
use crate::state::{NeedKind, SpecState, needs};

/// Where a spec stands, in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A run works on it.
    Running,
    /// A question waits for an answer.
    Halted,
    /// Git refused the commit of a done task.
    Uncommitted,
    /// A human must do something else.
    NeedsHuman,
    /// Nothing is left.
    Complete,
    /// An agent works, and no run watches it.
    Orphaned,
    /// Nobody works, and something is left.
    Idle,
}

impl Standing {
    /// `held`: somebody has the run lock; `alive`: the attempt that runs by the state has a living process.
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
                Self::Complete
            }
            None => Self::Idle,
        }
    }

    /// Whether nothing happens before a human has done something.
    #[must_use]
    pub fn needs_human(self) -> bool {
        matches!(self, Self::Halted | Self::Uncommitted | Self::NeedsHuman)
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Halted => "halted",
            Self::Uncommitted => "uncommitted",
            Self::NeedsHuman => "needs_human",
            Self::Complete => "complete",
            Self::Orphaned => "orphaned",
            Self::Idle => "idle",
        }
    }
}

/// What is shown, every text of it harmless and without line ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The spec.
    pub spec: String,
    /// Where it stands.
    pub standing: Standing,
    /// The same in words, with what was asked of the run.
    pub word: String,
    /// The time of day.
    pub clock: String,
    /// Units that are done.
    pub done: usize,
    /// Units that are done or to be done.
    pub total: usize,
    /// What remains, where past attempts tell: `about 12m left`.
    pub estimate: Option<String>,
    /// Units: what is over, what runs, what comes, what is left out.
    pub rows: Vec<ViewRow>,
    /// The row to keep in sight.
    pub focus: usize,
    /// What goes on right now, or what must be done.
    pub panel: Panel,
    /// What happened in this run, oldest first: time and words.
    pub recent: Vec<(String, String)>,
}

/// One unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewRow {
    /// What became of it.
    pub mark: TaskMark,
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Why it is left out, or what went wrong; may be empty.
    pub remark: String,
    /// Its backend, and its model where the agent named it.
    pub who: String,
    /// Attempts.
    pub tries: usize,
    /// Time of all of them; may be empty.
    pub took: String,
    /// Tokens and cost of all of them, as far as told; may be empty.
    pub used: String,
}

/// What became of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskMark {
    /// Done.
    Done,
    /// An agent works on it.
    Running,
    /// It is next, and waits.
    Waiting,
    /// Its agent asked for a human.
    Halted,
    /// It failed, and no attempt is left.
    Failed,
    /// It comes next.
    Next,
    /// It comes later.
    Todo,
    /// It is left out.
    Skipped,
}

impl TaskMark {
    /// One column.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Done => "✓",
            Self::Running => "▶",
            Self::Waiting => "…",
            Self::Halted => "‖",
            Self::Failed => "✗",
            Self::Next => "›",
            Self::Todo => "·",
            Self::Skipped => "–",
        }
    }

    /// The word, at most eight columns.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Halted => "halted",
            Self::Failed => "failed",
            Self::Next => "next",
            Self::Todo => "",
            Self::Skipped => "skipped",
        }
    }
}

/// What goes on, in more words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Panel {
    /// Its heading.
    pub title: String,
    /// Lines that always show.
    pub head: Vec<PanelLine>,
    /// Words of an agent: they give way where there is no room.
    pub body: Vec<String>,
    /// Whether the end of the body says more than its beginning.
    pub tail: bool,
    /// Lines after it that always show: what to type.
    pub foot: Vec<PanelLine>,
}

/// A line of a panel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PanelLine {
    /// How it looks.
    pub tone: Tone,
    /// What it says.
    pub text: String,
}

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// As most do.
    Plain,
    /// Something to type.
    Command,
    /// Something is wrong, or a human is needed.
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

/// What of the list was on the screen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VisibleRows {
    /// The first row that is shown.
    pub top: usize,
    /// How many are.
    pub shown: usize,
    /// How many there are.
    pub rows: usize,
}
