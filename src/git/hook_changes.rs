//! What a hook of git changed in the work tree although it refused the commit.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;

use super::call::GitError;
use super::files::write_own;
use super::path::RepoPath;
use super::snapshot::Snapshots;

/// A moment by the clock of the file system: seconds and nanoseconds.
pub type FileTime = (i64, i64);

impl Snapshots<'_> {
    /// The moment that files get which are written from here on.
    pub fn file_time(&self) -> Result<FileTime, GitError> {
        let path = self.folder().join("clock");
        write_own(&path, b"")?;
        let failed = |e| GitError::Unusable { why: format!("reading the time of {}: {e}", path.display()) };
        fs::symlink_metadata(&path).map(|data| (data.ctime(), data.ctime_nsec())).map_err(failed)
    }

    /// The tree `left` with what the hooks of a refused commit changed. `asked`: the tree that was to be committed, with these
    /// `paths`; `since`: the moment before the commit. `None` where they changed nothing.
    ///
    /// A path of the task counts whenever it changed, another one if its file was written since. So a file that a person
    /// changed before the commit stays the person's.
    pub fn with_hook_changes(
        &mut self,
        left: &str,
        (asked, paths): (&str, &BTreeSet<RepoPath>),
        since: FileTime,
    ) -> Result<Option<String>, GitError> {
        let now = self.take()?.tree;
        let mut changed = self.changes(asked, &now)?;
        changed.retain(|change| paths.contains(&change.path) || self.is_written_since(&change.path, since));
        if changed.is_empty() { Ok(None) } else { self.tree_with(left, &changed).map(Some) }
    }

    fn is_written_since(&self, path: &RepoPath, since: FileTime) -> bool {
        fs::symlink_metadata(self.at(path)).is_ok_and(|data| (data.ctime(), data.ctime_nsec()) >= since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{paths, repository};

    #[test]
    fn what_a_person_changed_before_a_hook_is_not_the_hooks() {
        let (_dir, repo) = repository();
        let write = |name: &str, text: &str| fs::write(repo.top.join(name), text).unwrap();
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        write("made", "raw");
        let left = snapshots.take().unwrap().tree;
        write("mine", "a person's");
        // file systems have clocks of some milliseconds
        let written = fs::symlink_metadata(repo.top.join("mine")).unwrap();
        let mut since = snapshots.file_time().unwrap();
        while since <= (written.ctime(), written.ctime_nsec()) {
            since = snapshots.file_time().unwrap();
        }
        let own = paths(&["made"]);
        assert_eq!(snapshots.with_hook_changes(&left, (&left, &own), since), Ok(None));
        write("made", "formatted");
        write("first", "formatted, too");
        write("lint.log", "bad");
        let tree = snapshots.with_hook_changes(&left, (&left, &own), since).unwrap().unwrap();
        let changed = snapshots.changes(&left, &tree).unwrap();
        let changed: Vec<String> = changed.iter().map(|change| change.path.to_string()).collect();
        assert_eq!(changed, ["first", "lint.log", "made"]);
    }
}
