//! Puts back what a reviewer changed: it may only look.

use std::collections::BTreeSet;
use std::path::Path;

use super::run_repository::RunRepository;
use super::world::RealWorld;
use crate::git::call::GitError;
use crate::git::path::RepoPath;
use crate::git::restore::RestoreOutcome;
use crate::report::text::sanitise_line;
use crate::state::work_tree::{AgentCommit, HistoryChange};
use crate::state::{Learned, Outcome, SpecState, TreeRecord};

impl RealWorld<'_> {
    /// Undoes what lies between the tree before a review and the one after it. A kill in the middle does no harm: the attempt
    /// is still running in the state, so the next run does it again.
    pub(super) fn undo_review(&mut self, before: Option<&str>, learned: &mut Learned) {
        let (Some(before), Some(record)) = (before, learned.after.as_mut()) else { return };
        let Some(repository) = &self.repository else { return };
        let mut undone_commits = Vec::new();
        if let Some(HistoryChange::Commits { commits }) = &mut record.history {
            let commits = std::mem::take(commits);
            record.history = match repository.repository().remove_commits(&ids(&commits)) {
                Ok(()) => {
                    undone_commits = commits.iter().map(|one| format!("commit {:.9}", one.id)).collect();
                    None
                }
                // somebody else committed meanwhile, or there is nothing to go back to
                Err(_) => Some(HistoryChange::ByReviewer { commits }),
            };
        }
        let (after, history) = (record.tree.clone(), record.history.clone());
        match put_back(repository, &self.place.tasks_path(), before, &after) {
            Ok(undone) if undone.is_empty() && undone_commits.is_empty() => {}
            Ok(undone) => {
                learned.undone = undone_commits.into_iter().chain(undone).collect();
                let now = self.look_again().map(|now| TreeRecord { history, ..now });
                learned.after = now.or(learned.after.take());
            }
            Err(why) => self.say(&format!("! what the reviewer changed stays: {why}")),
        }
    }

    /// Names the files that a reviewer changed and that were put back, and what it wants.
    pub(super) fn say_review(&mut self, state: &SpecState, unit: &str, attempt: u32) {
        let Some(record) = state.attempt(unit, attempt) else { return };
        if !record.learned.undone.is_empty() {
            let files = record.learned.undone.join(", ");
            self.say(&format!("! what the reviewer changed was put back: {files}"));
        }
        if let Some(Outcome::ChangesWanted { findings }) = &record.outcome {
            for line in findings.lines() {
                self.say(&format!("    {}", sanitise_line(line)));
            }
        }
    }
}

fn ids(commits: &[AgentCommit]) -> Vec<&str> {
    commits.iter().map(|commit| commit.id.as_str()).collect()
}

/// Undoes what lies between two trees, but for the boxes of `tasks`. Returns the paths. The error says why nothing was undone.
pub(super) fn put_back(
    repository: &RunRepository,
    tasks: &Path,
    before: &str,
    after: &str,
) -> Result<Vec<String>, String> {
    let words = |error: GitError| error.words();
    let mut snapshots = repository.snapshots().map_err(words)?;
    let tasks = snapshots.path_of(tasks);
    let changed = snapshots.changes(before, after).map_err(words)?;
    if changed.iter().all(|change| Some(&change.path) == tasks.as_ref()) {
        return Ok(Vec::new());
    }
    let leave: BTreeSet<_> = tasks.into_iter().collect();
    let shown =
        |paths: &[RepoPath]| paths.iter().map(|path| sanitise_line(&path.to_string())).collect::<Vec<_>>();
    match snapshots.restore(before, after, &leave).map_err(words)? {
        RestoreOutcome::Done(paths) => {
            // a lock of another git is no reason to leave the files as they were
            if let Err(error) = snapshots.unstage(before, after, &paths) {
                return Err(format!("the files are as before, but not the index: {}", words(error)));
            }
            Ok(shown(&paths))
        }
        RestoreOutcome::ChangedSince(paths) => {
            Err(format!("changed again since: {}", shown(&paths).join(", ")))
        }
    }
}
