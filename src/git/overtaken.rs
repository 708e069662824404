//! What people committed of a task's files since its agent worked. History has that already, and no commit of ours takes it
//! back.

use std::collections::{BTreeMap, BTreeSet};

use super::change::TreeEntry;
use super::commit::{CommitError, CommitRequest};
use super::diff::tree_of;
use super::path::RepoPath;
use super::snapshot::Snapshots;

impl Snapshots<'_> {
    /// Paths of the task that somebody committed between the request's base and `head`, as they are on disk now: no commit has
    /// to take them. An error names those that are neither as that commit nor as the task left them.
    pub(super) fn committed_by_others(
        &mut self,
        request: &CommitRequest<'_>,
        head: Option<&str>,
    ) -> Result<BTreeSet<RepoPath>, CommitError> {
        let none = BTreeSet::new();
        let (Some(base), Some(head)) = (request.base, head) else { return Ok(none) };
        if base == head {
            return Ok(none);
        }
        let object = self.read_object(head)?;
        let Some(tree) = object.and_then(|object| tree_of(&object.bytes)) else { return Ok(none) };
        let since = match self.changes_of_work_tree(Some(base), &tree) {
            // history was rewritten, and git forgot the base
            Err(error) if error.is_missing_object() => return Ok(none),
            since => since?,
        };
        let since: BTreeSet<RepoPath> = since.into_iter().map(|change| change.path).collect();
        let left: BTreeMap<RepoPath, TreeEntry> = self.entries_unlike(&tree, request.tree)?;
        let mut overtaken: BTreeSet<RepoPath> = request.paths.intersection(&since).cloned().collect();
        overtaken.retain(|path| left.contains_key(path));
        if overtaken.is_empty() {
            return Ok(none);
        }
        let now = self.take()?.tree;
        let now = self.entries_unlike(&tree, &now)?;
        let is_unclear = |path: &RepoPath| now.get(path).is_some_and(|entry| left.get(path) != Some(entry));
        let unclear: Vec<RepoPath> = overtaken.iter().filter(|path| is_unclear(path)).cloned().collect();
        if !unclear.is_empty() {
            return Err(CommitError::Overtaken(unclear));
        }
        overtaken.retain(|path| !now.contains_key(path));
        Ok(overtaken)
    }

    /// What the second tree has at the paths at which it is not as the first one.
    fn entries_unlike(
        &self,
        first: &str,
        second: &str,
    ) -> Result<BTreeMap<RepoPath, TreeEntry>, CommitError> {
        let changes = self.changes(first, second)?;
        Ok(changes.into_iter().map(|change| (change.path, change.after)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::commit::CommitOutcome;
    use crate::git::testing::{commit_between, git, hook, last_commit, repository, status, step};

    /// A task that adds a line to `first` and makes `made`; then a person does this.
    fn after(
        person: impl FnOnce(&std::path::Path),
    ) -> (Result<CommitOutcome, CommitError>, Vec<String>, Vec<String>) {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let before = snapshots.take().unwrap();
        fs::write(top.join("first"), "first\nagent\n").unwrap();
        fs::write(top.join("made"), "x\n").unwrap();
        let after = snapshots.take().unwrap();
        person(top);
        let done = commit_between(&mut snapshots, &before, &after);
        (done, last_commit(top), status(top))
    }

    #[test]
    fn what_a_person_committed_of_a_tasks_file_stays() {
        let (done, last, status) = after(|top| {
            fs::write(top.join("first"), "first\nagent\nperson\n").unwrap();
            git(top, &["commit", "-qm", "mine", "first"]);
        });
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((last, status), (vec!["A\tmade".to_owned()], Vec::new()));
    }

    #[test]
    fn a_file_that_a_person_committed_and_changed_again_is_theirs_to_settle() {
        let (done, ..) = after(|top| {
            fs::write(top.join("first"), "first\nagent\nperson\n").unwrap();
            git(top, &["commit", "-qm", "mine", "first"]);
            fs::write(top.join("first"), "first\nagent\nperson\nmore\n").unwrap();
        });
        assert_eq!(done, Err(CommitError::Overtaken(vec![RepoPath::new("first")])));
    }

    #[test]
    fn a_commit_of_another_file_changes_nothing() {
        let (done, last, status) = after(|top| {
            fs::write(top.join("other"), "person\n").unwrap();
            git(top, &["add", "other"]);
            git(top, &["commit", "-qm", "mine", "other"]);
        });
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((last, status), (vec!["M\tfirst".to_owned(), "A\tmade".to_owned()], Vec::new()));
    }

    #[test]
    fn what_a_person_commits_of_a_tasks_file_while_a_hook_runs_stays() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let script = "[ -e .git/once ] && exit 0\ntouch .git/once\nunset GIT_INDEX_FILE\n\
                      echo person >> first; git commit -qm mine first";
        hook(top, "pre-commit", script);
        let done = step(&repo, |top| {
            fs::write(top.join("first"), "first\nagent\n").unwrap();
            fs::write(top.join("made"), "x\n").unwrap();
        });
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((last_commit(top), status(top)), (vec!["A\tmade".to_owned()], Vec::new()));
        assert_eq!(git(top, &["show", "HEAD:first"]), "first\nagent\nperson");
    }
}
