//! PURE. `[review]`: a second agent looks at what the first one calls done.

use std::path::PathBuf;

use crate::config::declare::{keys, words};
use crate::config::formats::{BackendName, Count, OptionValue};
use crate::config::key::{ConfigType, KeyShape, ValueError, ValueFormat};
use crate::config::tree::{TomlNode, TomlValue};

keys! {
    /// A review of done work by a second agent. Without review.backend there is none. A review is an attempt like any other:
    /// it takes an iteration, and limits, budgets, timeouts and logs are those of an attempt.
    #[derive(Eq)]
    pub struct Review {
        /// Backend of the agent that reviews. It runs with its arguments for permission = "read", if it has any.
        backend: Option<String> as Option<BackendName>, like = "codex", executes;
        /// Model of the agent that reviews. Unset: that of its backend.
        model: Option<String> as Option<OptionValue>, like = "large", inside;
        /// Reviews of one task that may ask for changes. After the last one, review.open says what follows.
        rounds: u32 as Count = 2, inside;
        /// What is reviewed: each task, after its checks (task); the whole spec, once all its tasks are done (end); or both.
        when: ReviewWhen = "task", inside;
        /// What follows where the last round still has findings: the task has failed (fail), or it is done, and the report
        /// has its findings (report).
        open: OpenFindings = "fail", loosens = "report";
        /// File with a template that replaces the built-in prompt of a review, relative to the project root. `seqorch config
        /// template --review` prints the built-in one.
        template: Option<PathBuf>, like = "review.md", outside;
    }
}

/// Whether a task is reviewed, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskReview {
    /// It is not.
    No,
    /// By `review.backend`.
    Yes,
    /// By this backend.
    By(String),
}

impl ConfigType for TaskReview {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        names_backend: true,
        schema: || serde_json::json!({ "anyOf": [{ "type": "boolean" }, { "type": "string", "pattern": "\\S" }] }),
        ..ValueFormat::of::<Self>("backend, true or false", "write it like \"codex\" or false")
    });

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        match &node.value {
            TomlValue::Bool(true) => Ok(Self::Yes),
            TomlValue::Bool(false) => Ok(Self::No),
            _ => BackendName::read(node).map(Self::By),
        }
    }
}

words! {
    /// What is reviewed.
    pub enum ReviewWhen {
        /// Each task.
        Task = "task",
        /// The whole spec.
        End = "end",
        /// Each task, and then the whole spec.
        Both = "both",
    }
}

words! {
    /// What follows where the last round of a review still has findings.
    pub enum OpenFindings {
        /// The task has failed.
        Fail = "fail",
        /// The task is done, and the report has the findings.
        Report = "report",
    }
}

impl Review {
    /// The backend that reviews each task, if one does.
    #[must_use]
    pub fn of_tasks(&self) -> Option<&str> {
        self.backend.as_deref().filter(|_| self.when != ReviewWhen::End)
    }

    /// The backend that reviews the whole spec, if one does.
    #[must_use]
    pub fn of_spec(&self) -> Option<&str> {
        self.backend.as_deref().filter(|_| self.when != ReviewWhen::Task)
    }
}
