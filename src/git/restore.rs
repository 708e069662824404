//! Restores the files that a step changed to what they were before it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::call::GitError;
use super::change::{TreeChange, TreeEntry};
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

impl Snapshots<'_> {
    /// Restores what lies between two trees, except for the paths to leave alone. Refuses where a path differs between
    /// `after` and now.
    pub fn restore(
        &mut self,
        before: &str,
        after: &str,
        leave: &BTreeSet<RepoPath>,
    ) -> Result<RestoreOutcome, GitError> {
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
        let touched: Vec<RepoPath> = step.iter().filter(touched).map(|change| change.path.clone()).collect();
        if !touched.is_empty() {
            return Ok(RestoreOutcome::ChangedSince(touched));
        }
        let top = self.repository().top.clone();
        for change in step.iter().filter(|change| !change.before.exists()) {
            let path = top.join(change.path.as_path());
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
        let back: Vec<&RepoPath> =
            step.iter().filter(|change| change.before.exists()).map(|change| &change.path).collect();
        if !back.is_empty() {
            let input = back.iter().flat_map(|path| [path.bytes(), b"\0"].concat()).collect::<Vec<u8>>();
            let source = format!("--source={before}");
            let args = ["restore", "--worktree", &source, "--pathspec-from-file=-", "--pathspec-file-nul"];
            self.call(args)
                .env("GIT_LITERAL_PATHSPECS", "1")
                .stdin(&input)
                .run_patiently(&self.repository().supervisor)?;
        }
        Ok(RestoreOutcome::Done(step.into_iter().map(|change| change.path).collect()))
    }
}
