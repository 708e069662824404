//! Restores the files that a step changed to what they were before it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::behind_index::is_staged_as;
use super::call::GitError;
use super::change::{TreeChange, TreeEntry};
use super::index_entries::index_info;
use super::path::RepoPath;
use super::snapshot::Snapshots;

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RestoreOutcome {
    /// These paths are as they were before the step.
    Done(Vec<RepoPath>),
    /// These paths changed again after the step, so nothing was touched.
    ChangedSince(Vec<RepoPath>),
}

/// What is to be restored.
#[derive(Debug)]
pub struct RestorePlan {
    before: String,
    step: Vec<TreeChange>,
    /// The paths that changed again after the step.
    pub changed_since: Vec<RepoPath>,
}

impl Snapshots<'_> {
    /// Restores what lies between two trees, except for the paths to leave alone. Refuses where a path differs between
    /// `after` and now.
    pub fn restore(
        &mut self,
        before: &str,
        after: &str,
        leave: &BTreeSet<RepoPath>,
    ) -> Result<RestoreOutcome, GitError> {
        let plan = self.plan_restore(before, after, leave)?;
        if plan.changed_since.is_empty() {
            return self.perform_restore(plan).map(RestoreOutcome::Done);
        }
        Ok(RestoreOutcome::ChangedSince(plan.changed_since))
    }

    /// What has to be written to restore what lies between two trees, except for the paths to leave alone.
    pub fn plan_restore(
        &mut self,
        before: &str,
        after: &str,
        leave: &BTreeSet<RepoPath>,
    ) -> Result<RestorePlan, GitError> {
        let now = self.take()?;
        let step = self.changes(before, after)?;
        // the files of a submodule belong to another repository
        let is_ours = |change: &TreeChange| !change.before.is_submodule() && !change.after.is_submodule();
        let step: Vec<_> =
            step.into_iter().filter(|change| is_ours(change) && !leave.contains(&change.path)).collect();
        let since = self.changes(after, &now.tree)?;
        let since: BTreeMap<&RepoPath, &TreeEntry> =
            since.iter().map(|change| (&change.path, &change.after)).collect();
        // a path that is already as before was restored by a call that something cut off, or by a person
        let touched =
            |change: &&TreeChange| since.get(&change.path).is_some_and(|now| **now != change.before);
        let changed_since = step.iter().filter(touched).map(|change| change.path.clone()).collect();
        Ok(RestorePlan { before: before.to_owned(), step, changed_since })
    }

    /// Writes what was planned, whatever the files hold now. The paths that are as before the step then.
    pub fn perform_restore(&self, plan: RestorePlan) -> Result<Vec<RepoPath>, GitError> {
        let RestorePlan { before, step, .. } = plan;
        let paths = |exists: bool| -> Vec<RepoPath> {
            let those = step.iter().filter(|change| change.before.exists() == exists);
            those.map(|change| change.path.clone()).collect()
        };
        self.write_files(&before, &paths(true), &paths(false))?;
        Ok(step.into_iter().map(|change| change.path).collect())
    }

    /// Writes these files as a tree has them, and removes those in `gone`.
    pub(super) fn write_files(
        &self,
        tree: &str,
        paths: &[RepoPath],
        gone: &[RepoPath],
    ) -> Result<(), GitError> {
        let top = self.repository().top.clone();
        for path in gone {
            let path = top.join(path.as_path());
            match fs::remove_file(&path) {
                Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                    return Err(GitError::Unusable { why: format!("removing {}: {e}", path.display()) });
                }
                _ => {}
            }
            // folders that held nothing else go with it, as git does it
            let mut folder = path.parent();
            while let Some(empty) = folder.filter(|folder| *folder != top && fs::remove_dir(folder).is_ok()) {
                folder = empty.parent();
            }
        }
        let input = paths.iter().flat_map(|path| [path.bytes(), b"\0"].concat()).collect::<Vec<u8>>();
        if !input.is_empty() {
            let source = format!("--source={tree}");
            let args = ["restore", "--worktree", &source, "--pathspec-from-file=-", "--pathspec-file-nul"];
            self.call(args)
                .env("GIT_LITERAL_PATHSPECS", "1")
                .stdin(&input)
                .run_patiently(&self.repository().supervisor)?;
        }
        Ok(())
    }

    /// Takes restored paths out of the user's index where it has them as they were between: they were staged then. They are then
    /// as HEAD has them.
    pub fn unstage(&self, before: &str, after: &str, paths: &[RepoPath]) -> Result<(), GitError> {
        let head = self.head_commit()?;
        let dirty = self.changes_of_work_tree(head.as_deref(), before)?;
        let of_head: BTreeMap<&RepoPath, &TreeEntry> =
            dirty.iter().map(|change| (&change.path, &change.before)).collect();
        let staged = self.staged_entries()?;
        let step = self.changes(before, after)?;
        let is_staged = |change: &&TreeChange| is_staged_as(&staged, &change.path, &change.after);
        let restored = step.iter().filter(|change| paths.contains(&change.path)).filter(is_staged);
        // a path that was clean before is in HEAD as it was then
        let entries = restored
            .map(|change| (&change.path, of_head.get(&change.path).copied().unwrap_or(&change.before)));
        let input = index_info(entries.filter(|(path, entry)| staged.get(*path) != Some(*entry)));
        if input.is_empty() { Ok(()) } else { self.update_index_once(&input) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository, status};

    #[test]
    fn what_was_staged_between_two_trees_is_unstaged_with_them() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        fs::write(top.join("second"), "mine\n").unwrap();
        git(top, &["add", "second"]);
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let before = snapshots.take().unwrap().tree;
        fs::write(top.join("first"), "changed\n").unwrap();
        fs::write(top.join("new"), "x\n").unwrap();
        git(top, &["add", "first", "new"]);
        let after = snapshots.take().unwrap().tree;
        let RestoreOutcome::Done(paths) = snapshots.restore(&before, &after, &BTreeSet::new()).unwrap()
        else {
            panic!("nothing changed since")
        };
        snapshots.unstage(&before, &after, &paths).unwrap();
        assert_eq!(status(top), ["A  second"], "what was staged before stays");
    }
}
