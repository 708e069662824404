//! Changes in the work tree that are not the agents': which files have them when a run begins, and what follows.

use super::ownership::{Ownership, has_only_marks};
use super::run_repository::RunRepository;
use crate::config::Dirty;
use crate::error::{Error, ErrorKind, Result};
use crate::git::change::TreeChange;
use crate::project::SpecPlace;
use crate::project::spec_place::{TASKS_FILE, locate};
use crate::state::{SpecState, TreeRecord};
use crate::store::spec_store::Store;

/// Files that others changed before a run begins.
pub(super) struct DirtyFiles {
    /// Those that must be committed or stashed before a step starts.
    pub(super) refused: Vec<String>,
    /// Whether the run may begin in spite of them: a pending commit comes first, which needs none of them.
    pub(super) may_begin: bool,
}

impl DirtyFiles {
    /// Nothing is dirty.
    pub(super) fn none() -> Self {
        Self { refused: Vec::new(), may_begin: true }
    }

    /// Finds the uncommitted files that are not the agents'. Agents left the others, in units of this or of another spec that
    /// are not done or not committed; they stay out of the commits of all other units. A run that continues after a kill, or
    /// takes over a working agent, was checked when it began.
    pub(super) fn find(
        repository: &RunRepository,
        now: &TreeRecord,
        rule: Dirty,
        place: &SpecPlace,
        state: &SpecState,
    ) -> Result<Self> {
        if rule == Dirty::Allow || state.run.is_open() || state.running().is_some() {
            return Ok(Self::none());
        }
        let trees = repository.trees();
        let dirty = trees.changes_of_work_tree(now.commit.as_deref(), &now.tree)?;
        let tasks = trees.path_of(&place.tasks_path());
        let ownership = Ownership::of(&trees, state, tasks.as_ref())?;
        // `mark` sets them, and the next commit of a task has them
        let only_marks = tasks.as_ref().map_or(Ok(false), |tasks| has_only_marks(&trees, now, tasks))?;
        let is_marks = |change: &TreeChange| only_marks && Some(&change.path) == tasks.as_ref();
        let is_others = |change: &TreeChange| !ownership.is_agents(change, state) && !is_marks(change);
        let mut others: Vec<TreeChange> = dirty.into_iter().filter(is_others).collect();
        if !others.is_empty() {
            drop_of_siblings(&mut others, repository, place);
        }
        let refused: Vec<String> = others.iter().map(|change| change.path.to_string()).collect();
        let may_begin = refused.is_empty() || !state.pending_commits().is_empty();
        Ok(Self { refused, may_begin })
    }

    /// The error of commits without a repository.
    pub(super) fn no_repository() -> Error {
        Error::new(ErrorKind::Config, "git.commit = \"step\": this is not a git repository")
            .hint("Run `git init`, or set git.commit = \"off\".")
    }

    /// The error of a run that may not begin.
    pub(super) fn refusal(&self) -> Error {
        let shown: Vec<String> = self.refused.iter().take(10).map(|path| format!("  {path}")).collect();
        let more = self.refused.len() - shown.len();
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        Error::new(
            ErrorKind::Human,
            "the work tree has changes, and git.commit = \"step\" would mix them with the agents'",
        )
        .detail(shown.join("\n") + &more)
        .hint("Commit or stash them, or set git.dirty = \"allow\": then they stay out of every commit.")
    }
}

/// Leaves out what agents of other specs of this work tree have left: a queue continues after a question or a failure.
fn drop_of_siblings(others: &mut Vec<TreeChange>, repository: &RunRepository, place: &SpecPlace) {
    for (spec, key) in place.store().siblings() {
        if others.is_empty() {
            return;
        }
        let Ok(location) = locate(&spec, &place.root) else { continue };
        let store = Store::new(&place.root, &spec, &location.name).using_git(place.keeps_in_git);
        // what cannot be read explains nothing
        let Ok(state) = store.load() else { continue };
        let repository = repository.of_spec(&key);
        let trees = repository.trees();
        let tasks = if spec.is_dir() { spec.join(TASKS_FILE) } else { spec };
        if let Ok(ownership) = Ownership::of(&trees, &state, trees.path_of(&tasks).as_ref()) {
            others.retain(|change| !ownership.is_agents(change, &state));
        }
    }
}
