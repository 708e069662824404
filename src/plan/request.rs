//! What a plan is made from.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::config::Config;
use crate::spec::TaskFile;

/// Everything that a plan depends on.
#[derive(Debug, Clone, Copy)]
pub struct PlanRequest<'a> {
    /// The spec.
    pub spec: SpecInfo<'a>,
    /// Its tasks.md.
    pub tasks: &'a TaskFile,
    /// The resolved configuration.
    pub config: &'a Config,
    /// What earlier runs did.
    pub progress: &'a Progress,
    /// The tasks that the user selected.
    pub selection: &'a Selection,
}

/// Where the spec is, and what agents read first.
#[derive(Debug, Clone, Copy)]
pub struct SpecInfo<'a> {
    /// Name of the spec.
    pub name: &'a str,
    /// Folder of the spec.
    pub dir: &'a Path,
    /// Its tasks.md, or the file that is the spec.
    pub tasks_path: &'a Path,
    /// Root of the project.
    pub root: &'a Path,
    /// Existing files that every prompt names, relative to the work dir or absolute.
    pub inputs: &'a [String],
}

/// What earlier runs and the user left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Progress {
    /// Ids that the state file calls completed.
    pub completed: BTreeSet<String>,
    /// Ids whose boxes were ticked before this run. Empty if boxes are not trusted.
    pub ticked: BTreeSet<String>,
    /// Ids that were done and whose boxes a person opened again.
    pub reopened: BTreeSet<String>,
    /// Units that failed in this run and have no attempts left.
    pub failed: BTreeSet<String>,
    /// Units that wait for an answer to their question.
    pub asking: BTreeSet<String>,
    /// Ids that the user marked as skipped.
    pub skipped: BTreeSet<String>,
    /// Owners that an agent chose, by unit.
    pub owners: BTreeMap<String, String>,
    /// Owners that the user chose, by unit.
    pub owners_by_hand: BTreeMap<String, String>,
    /// Backends that the user chose, by unit.
    pub backends_by_hand: BTreeMap<String, String>,
    /// Fallbacks of limited backends. The key is the backend and the model that a step requests from it (`None` is the
    /// agent's own choice).
    pub fallbacks: BTreeMap<(String, Option<String>), Fallback>,
}

/// The backend that takes over from a limited one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fallback {
    /// Name of the backend.
    pub backend: String,
    /// Why, as a fragment: `claude is limited until 03:00`.
    pub why: String,
}

/// The tasks that the user selected on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// Only these ids, or texts that name them; empty selects all.
    pub only: Vec<String>,
    /// Nothing that comes before this id in the plan; or a text that names it.
    pub from: Option<String>,
    /// Optional tasks run too.
    pub include_optional: bool,
}

impl Selection {
    /// Whether it names no task.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.only.is_empty() && self.from.is_none()
    }
}
