//! What a `tasks.md` says, as values: tasks, groups, ignored lines, diagnostics.

use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;

/// The state that a task's mark stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// `[ ]`, or no box at all.
    #[default]
    Todo,
    /// `[-]`: somebody works on it.
    InProgress,
    /// `[~]` in Kiro's files: it waits in a queue.
    Queued,
    /// `[x]`, `[X]`, `[✓]`, `[✅]`.
    Done,
    /// `[!]`.
    Blocked,
    /// Given up on purpose.
    Skipped,
}

/// One entry of tasks.md.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Task {
    /// The id as written, without separators: `2`, `2.1`, `T004`. A task without an id gets one from its position.
    pub id: String,
    /// The file gives no id, so this one comes from the task's place. It says nothing once the file has changed.
    pub placed_id: bool,
    /// The headings above the task, outermost first, with ` › ` between them; empty where there are none.
    pub section: Arc<str>,
    /// The text of the first line without id, markers, bold signs and comments.
    pub title: String,
    /// The state that the mark stands for.
    pub state: TaskState,
    /// Kiro's star (`- [ ]*`) makes the task optional.
    pub optional: bool,
    /// Only a word in the title, such as `(optional)`, calls the task optional. That promises less than the star, so the
    /// task runs.
    pub optional_by_text: bool,
    /// `[P]` or `(P)`: the task may run at the same time as others. Kept for readers; seqorch runs one task at a time.
    pub parallel: bool,
    /// Id of the task above it.
    pub parent: Option<String>,
    /// Id of the [`TaskGroup`] it belongs to, where a heading and not a task makes the unit.
    pub group: Option<String>,
    /// Ids that the task itself says must come first. Only ids of this file.
    pub depends_on: Vec<String>,
    /// Ids that the dependency graph says must come first (`dependsOn` in a wave). Only ids of this file.
    pub after: Vec<String>,
    /// Pairs like `_Requirements: 1.1_`, in order. The key has no underscore and no colon.
    pub metadata: Vec<(String, String)>,
    /// The lines that belong to the task, as written, without their common indentation.
    pub details: String,
    /// Line of the task, from 1.
    pub line: usize,
    /// Bytes of its first line, without the line end.
    pub span: Range<usize>,
    /// Bytes between `[` and `]`, where it has a box; in a list of values, the bytes of the value that says its state.
    pub mark: Option<Range<usize>>,
    /// The same of the boxes below a heading that is done when all of them are ticked.
    pub steps: Vec<Range<usize>>,
    /// Lines of its section that belong to no task, cut after a screenful: what the section says about all of them.
    pub around: Arc<str>,
    /// Only a person can do it, as `(human)` or `(manual)` in its title or the file's own form says.
    pub human: bool,
}

/// A heading that makes one unit of the tasks below it: `## 1. Setup` over `1.1`, `1.2`, where no task `1` exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskGroup {
    /// The heading's number (`1`), or `section-1` where a task already has that id. Unique among tasks and groups.
    pub id: String,
    /// The heading's text without the number.
    pub title: String,
    /// Line of the heading, from 1.
    pub line: usize,
}

/// Why a line that looks like a task is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum IgnoredReason {
    /// A step or a criterion inside a task; it stays in the task's details.
    Step,
    /// Inside a code fence.
    Fence,
    /// Inside an HTML comment.
    Comment,
    /// Inside a blockquote.
    Quote,
    /// Explains what the marks mean.
    Legend,
    /// Repeats a task that another box or heading stands for.
    Tracker,
    /// In a section of criteria, checklists, progress notes and so on.
    Section,
    /// A numbered line in a file whose tasks have boxes or headings.
    Numbered,
    /// A box in a file whose tasks look different.
    Other,
}

/// A line that looks like a task and is not one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IgnoredLine {
    /// Line, from 1.
    pub line: usize,
    /// The line as written.
    pub text: String,
    /// Why it is not a task.
    pub why: IgnoredReason,
}

/// The tool whose habits a file follows. Evidence in the file decides, unless `tasks.dialect` names one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// `- [ ] 1. Title` with `1.1` below and `_Requirements: …_`.
    Kiro,
    /// Kiro's layout with `(P)`, `_Boundary:_`, `_Depends:_`.
    CcSdd,
    /// `- [ ] T001 [P] [US1] Title`.
    SpecKit,
    /// `## 1. Setup` over `- [ ] 1.1 Title`.
    #[serde(rename = "openspec")]
    OpenSpec,
    /// `### Task 1.1: Title`.
    Headings,
    /// Rows of a table with an id column.
    Table,
    /// `1. Title` without boxes.
    Numbered,
    /// `#### Task Group 1: Name` over `- [ ] 1.0 Title`, with `**Dependencies:**` in between.
    AgentOs,
    /// A story: `## Tasks / Subtasks` with `- [ ] Task 1: Title (AC: 1)`, and what reviews found.
    Bmad,
    /// `<task>` elements of a plan, or the phases of a roadmap.
    Gsd,
    /// `## Progress` of a living document, or its `## Task Breakdown`.
    ExecPlan,
    /// `- [ ] Task: Title` below `## Phase 1`, with commits behind.
    Conductor,
    /// `## Checklist` with `- [ ] Step 1: Title` over `## Step 1: Title`.
    Pdd,
    /// Columns of a board: `## In Progress`, `## Done`.
    Kanban,
    /// `### Task 1: Title` or `### Iteration 1: Title` over boxes.
    Ralphex,
    /// `### Task 1: Title` over `- [ ] **Step 1: Title**`.
    Superpowers,
    /// Plans of stages: `INCEPTION`, `CONSTRUCTION`, `OPERATIONS`.
    AiDlc,
    /// `todos:` in the head of the file.
    Todos,
    /// `### Milestone 1: Title` without boxes.
    Milestones,
    /// A prd.json: `userStories` with `passes`.
    PrdJson,
    /// Taskmaster's tasks.json: `tasks` with `status`.
    Taskmaster,
    /// Boxes with other ids, or none.
    #[default]
    Plain,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::Kiro,
        Self::CcSdd,
        Self::SpecKit,
        Self::OpenSpec,
        Self::Headings,
        Self::Table,
        Self::Numbered,
        Self::AgentOs,
        Self::Bmad,
        Self::Gsd,
        Self::ExecPlan,
        Self::Conductor,
        Self::Pdd,
        Self::Kanban,
        Self::Ralphex,
        Self::Superpowers,
        Self::AiDlc,
        Self::Todos,
        Self::Milestones,
        Self::PrdJson,
        Self::Taskmaster,
        Self::Plain,
    ];

    /// Whether it says which lines are tasks. The dialect of a tool does not: its files come in several forms.
    #[must_use]
    pub(crate) const fn names_form(self) -> bool {
        matches!(
            self,
            Self::Kiro
                | Self::CcSdd
                | Self::SpecKit
                | Self::OpenSpec
                | Self::Headings
                | Self::Table
                | Self::Numbered
                | Self::Milestones
                | Self::Plain
        )
    }

    /// Its name in the configuration and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Dialect::Kiro => "kiro",
            Dialect::CcSdd => "cc-sdd",
            Dialect::SpecKit => "spec-kit",
            Dialect::OpenSpec => "openspec",
            Dialect::Headings => "headings",
            Dialect::Table => "table",
            Dialect::Numbered => "numbered",
            Dialect::AgentOs => "agent-os",
            Dialect::Bmad => "bmad",
            Dialect::Gsd => "gsd",
            Dialect::ExecPlan => "exec-plan",
            Dialect::Conductor => "conductor",
            Dialect::Pdd => "pdd",
            Dialect::Kanban => "kanban",
            Dialect::Ralphex => "ralphex",
            Dialect::Superpowers => "superpowers",
            Dialect::AiDlc => "ai-dlc",
            Dialect::Todos => "todos",
            Dialect::Milestones => "milestones",
            Dialect::PrdJson => "prd-json",
            Dialect::Taskmaster => "taskmaster",
            Dialect::Plain => "plain",
        }
    }
}

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing runs before it is fixed.
    Error,
    /// It is reported, and the run starts all the same.
    Warning,
}

/// An error or a warning about one place in tasks.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A sentence for users, in lower case and without a full stop.
    pub message: String,
    /// The place as bytes of the file.
    pub span: Range<usize>,
    /// Line of the place, from 1.
    pub line: usize,
    /// Column of the place in characters, from 1.
    pub column: usize,
    /// Short text next to the caret; may be empty.
    pub label: String,
    /// How to fix it; may be empty.
    pub hint: String,
}

/// A parsed tasks.md.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFile {
    /// All tasks in document order.
    pub tasks: Vec<Task>,
    /// Lines that look like tasks and are not.
    pub ignored: Vec<IgnoredLine>,
    /// Errors and warnings, in document order.
    pub diagnostics: Vec<Diagnostic>,
    /// Headings that make units.
    pub groups: Vec<TaskGroup>,
    /// The dialect that the file was read as.
    pub dialect: Dialect,
    /// The evidence for the dialect, in words for users.
    pub dialect_reason: String,
    /// The waves of a `## Task Dependency Graph`, with the ids as written. Usually the ids are those of leaves.
    pub waves: Vec<Vec<String>>,
    /// Line where the graph begins, from 1; 0 if the file has no graph.
    pub waves_line: usize,
    /// What was read as what, as a sentence for users: "12 tasks from ## Tasks; 4 boxes under 'Acceptance' are not tasks".
    pub reading: String,
    /// The tasks are boxes of sections of criteria, since the file has no others.
    pub last_resort: bool,
}

impl TaskFile {
    /// Whether something must be fixed before anything runs.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(|d| d.severity == Severity::Error)
    }

    /// The task with this id.
    #[must_use]
    pub fn task(&self, id: &str) -> Option<&Task> {
        self.tasks.iter().find(|t| t.id == id)
    }
}
