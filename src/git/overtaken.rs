//! What people committed of a task's files since its agent worked. History has that already, and no commit of ours takes it
//! back.

use std::collections::{BTreeMap, BTreeSet};

use super::call::GitError;
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
        let Some(head) = head.filter(|head| request.base != Some(head)) else { return Ok(none) };
        let object = self.read_object(head)?;
        let Some(tree) = object.and_then(|object| tree_of(&object.bytes)) else { return Ok(none) };
        let since = self.touched_since(request.base, head, &tree)?;
        let left: BTreeMap<RepoPath, TreeEntry> = self.entries_unlike(&tree, request.tree)?;
        let is_touched = |path: &&RepoPath| since.iter().any(|other| other.is_in_way_of(path));
        let overtaken = request.paths.iter().filter(|path| left.contains_key(*path)).filter(is_touched);
        let mut overtaken: BTreeSet<RepoPath> = overtaken.cloned().collect();
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

    /// The paths that commits between `base` and `head` changed, also where a later one took that back.
    fn touched_since(
        &self,
        base: Option<&str>,
        head: &str,
        tree: &str,
    ) -> Result<BTreeSet<RepoPath>, GitError> {
        let mut touched = self.paths_unlike(base, tree)?;
        let range = match base {
            Some(base) if !self.repository().is_ancestor(base, head)? => return Ok(touched),
            Some(base) => format!("{base}..{head}"),
            None => head.to_owned(),
        };
        let args = ["log", "--format=", "--name-only", "--no-renames", "-z", "--root", "-c", &range];
        let listed = self.repository().call(args).read(&self.repository().supervisor)?;
        touched.extend(listed.split(|b| *b == 0).filter(|name| !name.is_empty()).map(RepoPath::new));
        Ok(touched)
    }

    /// Writes the task's files that are on disk as HEAD has them, as after a stash: else the next task would begin without
    /// them.
    pub(super) fn write_missing(
        &mut self,
        request: &CommitRequest<'_>,
        paths: &BTreeSet<RepoPath>,
    ) -> Result<(), GitError> {
        let now = self.take()?.tree;
        let edited = self.paths_unlike(request.head, &now)?;
        let is_missing =
            |path: &RepoPath| paths.contains(path) && !edited.iter().any(|other| other.is_in_way_of(path));
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for change in self.changes_of_work_tree(request.head, request.tree)? {
            // the files of a submodule belong to another repository
            if is_missing(&change.path) && !change.before.is_submodule() && !change.after.is_submodule() {
                let list = if change.after.exists() { &mut there } else { &mut gone };
                list.push(change.path);
            }
        }
        self.write_files(request.tree, &there, &gone)
    }

    /// What the second tree has at the paths at which it is not as the first one.
    fn entries_unlike(&self, first: &str, second: &str) -> Result<BTreeMap<RepoPath, TreeEntry>, GitError> {
        let changes = self.changes(first, second)?;
        Ok(changes.into_iter().map(|change| (change.path, change.after)).collect())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::git::commit::CommitOutcome;
    use crate::git::snapshot::Snapshot;
    use crate::git::testing::{
        commit_between, git, hook, last_commit, late_commit_between, repository, status, step, unborn,
    };

    /// A task that adds a line to `first` and makes `made`: what is there before and after it.
    fn work(snapshots: &mut Snapshots<'_>, top: &Path) -> (Snapshot, Snapshot) {
        let before = snapshots.take().unwrap();
        fs::write(top.join("first"), "first\nagent\n").unwrap();
        fs::write(top.join("made"), "x\n").unwrap();
        (before, snapshots.take().unwrap())
    }

    /// That task; then a person does this.
    fn after(person: impl FnOnce(&Path)) -> (Result<CommitOutcome, CommitError>, Vec<String>, Vec<String>) {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let (before, after) = work(&mut snapshots, top);
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
    fn a_folder_that_a_person_committed_in_the_place_of_a_file_stays() {
        let (done, last, status) = after(|top| {
            fs::remove_file(top.join("made")).unwrap();
            fs::create_dir(top.join("made")).unwrap();
            fs::write(top.join("made/x"), "person\n").unwrap();
            git(top, &["add", "made"]);
            git(top, &["commit", "-qm", "mine", "made"]);
        });
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((last, status), (vec!["M\tfirst".to_owned()], Vec::new()));
    }

    #[test]
    fn a_file_that_a_person_committed_and_renamed_is_not_made_again() {
        let (done, last, status) = after(|top| {
            git(top, &["add", "made"]);
            git(top, &["commit", "-qm", "mine", "made"]);
            git(top, &["mv", "made", "renamed"]);
            git(top, &["commit", "-qm", "renamed", "made", "renamed"]);
        });
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((last, status), (vec!["M\tfirst".to_owned()], Vec::new()));
    }

    #[test]
    fn what_a_person_committed_first_of_all_stays() {
        let (_dir, repo) = unborn();
        let top = &repo.top;
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let before = snapshots.take().unwrap();
        for name in ["made", "more"] {
            fs::write(top.join(name), "agent\n").unwrap();
        }
        let after = snapshots.take().unwrap();
        fs::write(top.join("made"), "agent\nperson\n").unwrap();
        git(top, &["add", "made"]);
        git(top, &["commit", "-qm", "mine"]);
        let done = commit_between(&mut snapshots, &before, &after);
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((last_commit(top), status(top)), (vec!["A\tmore".to_owned()], Vec::new()));
        assert_eq!(git(top, &["show", "HEAD:made"]), "agent\nperson");
    }

    #[test]
    fn files_that_a_stash_took_are_there_after_their_commit() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let (before, after) = work(&mut snapshots, top);
        git(top, &["stash", "-q", "-u"]);
        fs::write(top.join("mine"), "person\n").unwrap();
        let done = late_commit_between(&mut snapshots, &before, &after);
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!(status(top), ["?? mine"]);
        assert_eq!(fs::read_to_string(top.join("first")).unwrap(), "first\nagent\n");
    }

    #[test]
    fn a_merge_of_a_person_takes_nothing_out_of_a_late_commit() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        git(top, &["branch", "side"]);
        fs::write(top.join("first"), "first\nolder\n").unwrap();
        git(top, &["commit", "-qam", "older"]);
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let before = snapshots.take().unwrap();
        fs::write(top.join("first"), "first\nolder\nagent\n").unwrap();
        let after = snapshots.take().unwrap();
        git(top, &["stash", "-q"]);
        git(top, &["switch", "-q", "side"]);
        fs::write(top.join("theirs"), "x\n").unwrap();
        git(top, &["add", "theirs"]);
        git(top, &["commit", "-qm", "theirs"]);
        git(top, &["switch", "-q", "main"]);
        git(top, &["merge", "-q", "--no-edit", "side"]);
        let done = late_commit_between(&mut snapshots, &before, &after);
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((last_commit(top), status(top)), (vec!["M\tfirst".to_owned()], Vec::new()));
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
