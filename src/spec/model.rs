//! What a `tasks.md` says, as values.

use std::ops::Range;

use serde::Serialize;

/// The state that a task's own mark claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// `[ ]`, or no box at all.
    Todo,
    /// `[-]`: an agent works on it.
    InProgress,
    /// `[~]`: waiting in a queue.
    Queued,
    /// `[x]`, `[X]`, `[✓]`, `[✅]`.
    Done,
    /// `[!]`.
    Blocked,
    /// Given up on purpose.
    Skipped,
}

/// One entry of tasks.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The id as written, without separators: `2`, `2.1`, `T004`; made from the position where there is none.
    pub id: String,
    /// The first line's text without id, markers, bold and trailing comment.
    pub title: String,
    /// What the mark says.
    pub state: TaskState,
    /// The mark is `[~]` in a file that neither explains it nor is of Kiro: in progress, half verified or given up, only
    /// its author knows.
    pub doubtful: bool,
    /// Marked optional by Kiro's star (`- [ ]*`).
    pub optional: bool,
    /// Called optional by a word in its title only (`(optional)`), which promises less than the star: it is work.
    pub optional_by_text: bool,
    /// `[P]` or `(P)`: may run beside others; kept, though this tool runs nothing in parallel.
    pub parallel: bool,
    /// Id of the task above it.
    pub parent: Option<String>,
    /// Id of the [`Group`] it belongs to, where a heading and not a task makes the unit.
    pub group: Option<String>,
    /// Ids of tasks that come first, as far as they exist in this file.
    pub depends_on: Vec<String>,
    /// Ids that the dependency graph puts before it (`dependsOn` in a wave), as far as they exist in this file.
    pub after: Vec<String>,
    /// `_Requirements: 1.1_` and the like, in order, key without underscore and colon.
    pub metadata: Vec<(String, String)>,
    /// The lines that belong to it, as written, common indentation removed.
    pub details: String,
    /// Line of the task, from 1.
    pub line: usize,
    /// Bytes of its first line, without the line end.
    pub span: Range<usize>,
    /// Bytes between `[` and `]`, where it has a box.
    pub mark: Option<Range<usize>>,
}

/// A heading that makes one unit of the tasks below it: `## 1. Setup` over `1.1`, `1.2`, where no task `1` exists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Its number (`1`), or `section-1` where a task has that id already; unique among tasks and groups.
    pub id: String,
    /// The heading's text without number.
    pub title: String,
    /// Line of the heading, from 1.
    pub line: usize,
}

/// Why a line that looks like a task is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// A step or criterion inside a task; it is part of the task's details.
    Step,
    /// Inside a code fence.
    Fence,
    /// Inside an HTML comment.
    Comment,
    /// Inside a blockquote.
    Quote,
    /// Explains what the marks mean.
    Legend,
    /// In a section of criteria, checklists, progress notes or the like.
    Section,
    /// A numbered line in a file whose tasks have boxes or headings.
    Numbered,
    /// A box in a file whose tasks look different.
    Other,
}

/// A line that looks like a task but was not taken for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IgnoredLine {
    /// Line, from 1.
    pub line: usize,
    /// The line as written.
    pub text: String,
    /// The reason.
    pub why: Why,
}

/// The habits a file follows, told by evidence in it.
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
    /// Boxes with other ids, or none.
    #[default]
    Plain,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Kiro,
        Self::CcSdd,
        Self::SpecKit,
        Self::OpenSpec,
        Self::Headings,
        Self::Table,
        Self::Numbered,
        Self::Plain,
    ];

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
            Dialect::Plain => "plain",
        }
    }
}

/// How bad a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Nothing can run before it is mended.
    Error,
    /// Said, and passed over.
    Warning,
}

/// A remark on a place in tasks.md.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// A sentence in a user's words, lower case, no full stop.
    pub message: String,
    /// The place; line and column are counted from it.
    pub span: Range<usize>,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Short text beside the caret, may be empty.
    pub label: String,
    /// The way out, may be empty.
    pub hint: String,
}

/// A parsed tasks.md.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskFile {
    /// All tasks in document order.
    pub tasks: Vec<Task>,
    /// What looked like a task and was not taken.
    pub ignored: Vec<IgnoredLine>,
    /// Errors and warnings, in order of place.
    pub diagnostics: Vec<Diagnostic>,
    /// Headings that make units.
    pub groups: Vec<Group>,
    /// The dialect it was read as.
    pub dialect: Dialect,
    /// What told the dialect, in a user's words.
    pub dialect_reason: String,
    /// The waves of a `## Task Dependency Graph`, ids as written (of leaves, as a rule).
    pub waves: Vec<Vec<String>>,
    /// Line where the graph begins, from 1; 0 where there is none.
    pub waves_line: usize,
}

impl TaskFile {
    /// Whether something must be mended before anything runs.
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
