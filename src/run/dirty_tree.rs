//! Changes in the work tree that are not the agents': which files have them when a run begins, and what follows.

use std::path::Path;

use super::ownership::{Ownership, has_only_marks};
use super::run_repository::RunRepository;
use crate::config::Dirty;
use crate::error::{Error, ErrorKind, Result};
use crate::git::path::RepoPath;
use crate::state::{SpecState, TreeRecord};

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

    /// Finds the uncommitted files that are not the agents'. Agents left the others, in units that are not done or not
    /// committed. A run that continues after a kill, or takes over a working agent, was checked when it began.
    pub(super) fn find(
        repository: &RunRepository,
        now: &TreeRecord,
        rule: Dirty,
        tasks: &Path,
        state: &SpecState,
    ) -> Result<Self> {
        if rule == Dirty::Allow || state.run.is_open() || state.running().is_some() {
            return Ok(Self::none());
        }
        let trees = repository.trees();
        let dirty = trees.changes_of_work_tree(now.commit.as_deref(), &now.tree)?;
        let tasks = trees.path_of(tasks);
        let ownership = Ownership::of(&trees, state, tasks.as_ref())?;
        // `mark` sets them, and the next commit of a task has them
        let only_marks = tasks.as_ref().map_or(Ok(false), |tasks| has_only_marks(&trees, now, tasks))?;
        let is_marks = |path: &RepoPath| only_marks && Some(path) == tasks.as_ref();
        let others = dirty.into_iter().filter(|one| !ownership.is_agents(one, state) && !is_marks(&one.path));
        let refused: Vec<String> = others.map(|change| change.path.to_string()).collect();
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
