//! What a `tasks.md` says, as values.

use std::ops::Range;

use serde::Serialize;

/// The state that a task's own mark claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
    /// Marked optional (`- [ ]*`, `[optional]`, `(optional)`).
    pub optional: bool,
    /// Id of the task above it.
    pub parent: Option<String>,
    /// The heading that groups it, where the heading (not a task) makes the unit.
    pub group: Option<String>,
    /// Ids of tasks that come first, as far as they exist in this file.
    pub depends_on: Vec<String>,
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

/// A line that looks like a task but was not taken for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct IgnoredLine {
    /// Line, from 1.
    pub line: usize,
    /// The line as written.
    pub text: String,
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
