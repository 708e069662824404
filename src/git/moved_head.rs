//! Where HEAD was moved between the end of an agent's work and its commit: what of the work is left to commit, and on disk.

use std::collections::BTreeSet;

use super::call::GitError;
use super::diff::tree_of;
use super::path::RepoPath;
use super::snapshot::Snapshots;

/// What an agent left.
#[derive(Debug, Clone, Copy)]
pub struct FinishedWork<'a> {
    /// The commit that HEAD was before its work.
    pub before: Option<&'a str>,
    /// The commit that HEAD was after it.
    pub after: Option<&'a str>,
    /// The tree of all files after it.
    pub tree: &'a str,
}

impl Snapshots<'_> {
    /// The commit on which the agent changed its paths `own`. Where HEAD was moved since, this also does two things:
    ///
    /// - it takes paths out of `own` that the agent only took back to an older commit, as a reset does;
    /// - it writes files again that the move of HEAD took away from disk.
    pub fn follow_head(
        &mut self,
        work: &FinishedWork<'_>,
        own: &mut BTreeSet<RepoPath>,
    ) -> Result<Option<String>, GitError> {
        let head = self.head_commit()?;
        let (Some(now), true) = (head.as_deref(), work.after != head.as_deref()) else { return Ok(head) };
        let is_beneath = |old: Option<&str>, new: &str| match old {
            Some(old) => self.repository().is_ancestor(old, new),
            None => Ok(true),
        };
        let base = if is_beneath(work.after, now)? { work.after } else { work.before };
        if let (Some(before), Some(after)) = (work.before, work.after)
            && !is_beneath(Some(before), after)?
            && let Some(common) = self.repository().common_commit(before, after)?
        {
            let differs = self.paths_unlike(&common, work.tree)?;
            own.retain(|path| differs.contains(path));
        }
        let moved = match base.filter(|base| *base != now) {
            Some(base) => self.paths_unlike(base, now)?,
            None => BTreeSet::new(),
        };
        let files = self.take()?.tree;
        let on_disk = self.paths_unlike(now, &files)?;
        let is_missing =
            |path: &RepoPath| own.contains(path) && !on_disk.contains(path) && !moved.contains(path);
        let (mut there, mut gone) = (Vec::new(), Vec::new());
        for change in self.changes_of_work_tree(Some(now), work.tree)? {
            // the files of a submodule belong to another repository
            if is_missing(&change.path) && !change.after.is_submodule() {
                let list = if change.after.exists() { &mut there } else { &mut gone };
                list.push(change.path);
            }
        }
        self.write_files(work.tree, &there, &gone)?;
        Ok(base.map(str::to_owned))
    }

    /// The paths at which a commit, or a tree, is not as another one.
    fn paths_unlike(&self, commit: &str, other: &str) -> Result<BTreeSet<RepoPath>, GitError> {
        let other = match self.read_object(other)? {
            Some(object) => tree_of(&object.bytes).unwrap_or_else(|| other.to_owned()),
            None => other.to_owned(),
        };
        match self.changes_of_work_tree(Some(commit), &other) {
            // history was rewritten, and git forgot it
            Err(error) if error.is_missing_object() => Ok(BTreeSet::new()),
            changes => Ok(changes?.into_iter().map(|change| change.path).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::git::commit::{CommitOutcome, CommitRequest};
    use crate::git::testing::{git, last_commit, repository, status};

    /// A repository with two commits, an agent that works in it, and a person who finds the way back. The last commit, the status, and
    /// what `first` holds in it.
    fn after(
        agent: impl FnOnce(&Path),
        person: impl FnOnce(&Path, &str),
    ) -> (Vec<String>, Vec<String>, String) {
        let (_dir, repo) = repository();
        let top = &repo.top;
        fs::write(top.join("one"), "1\n").unwrap();
        fs::write(top.join("first"), "first\none\n").unwrap();
        git(top, &["add", "."]);
        git(top, &["commit", "-qm", "one"]);
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let before = snapshots.take().unwrap();
        agent(top);
        fs::write(top.join("two"), "2\n").unwrap();
        let left = snapshots.take().unwrap();
        let old = before.head.commit.clone().unwrap();
        person(top, &old);
        let changes = snapshots.changes(&before.tree, &left.tree).unwrap();
        let mut own: BTreeSet<RepoPath> = changes.into_iter().map(|change| change.path).collect();
        let after = left.head.commit.as_deref();
        let work = FinishedWork { before: Some(&old), after, tree: &left.tree };
        let base = snapshots.follow_head(&work, &mut own).unwrap();
        let head = snapshots.head_commit().unwrap();
        let request = CommitRequest {
            tree: &left.tree,
            paths: &own,
            head: head.as_deref(),
            base: base.as_deref(),
            message: "two\n",
            deadline: std::time::Duration::from_secs(30),
        };
        let done = snapshots.commit(&request).unwrap().0;
        assert!(matches!(done, CommitOutcome::New { .. }), "{done:?}");
        (last_commit(top), status(top), git(top, &["show", "HEAD:first"]))
    }

    fn back(top: &Path, old: &str) {
        git(top, &["reset", "-q", "--keep", old]);
    }

    #[test]
    fn the_way_back_from_a_reset_keeps_the_commits_before_it() {
        let reset = |top: &Path| drop(git(top, &["reset", "-q", "--hard", "HEAD~1"]));
        let (last, status, first) = after(reset, back);
        assert_eq!((last, status, first.as_str()), (vec!["A\ttwo".to_owned()], Vec::new(), "first\none"));
    }

    #[test]
    fn the_way_back_from_another_branch_keeps_the_work() {
        let branch = |top: &Path| {
            git(top, &["switch", "-qc", "feature"]);
            fs::write(top.join("first"), "first\none\ntwo\n").unwrap();
            fs::write(top.join("two"), "2\n").unwrap();
            fs::remove_file(top.join("one")).unwrap();
            git(top, &["add", "-A"]);
            git(top, &["commit", "-qm", "work"]);
        };
        let (last, status, first) = after(branch, |top, _| drop(git(top, &["switch", "-q", "-"])));
        let expected = ["M\tfirst", "D\tone", "A\ttwo"].map(str::to_owned).to_vec();
        assert_eq!((last, status, first.as_str()), (expected, Vec::new(), "first\none\ntwo"));
    }

    #[test]
    fn the_way_back_from_an_amended_commit_keeps_both() {
        let amend = |top: &Path| {
            fs::write(top.join("two"), "2\n").unwrap();
            git(top, &["add", "two"]);
            git(top, &["commit", "-q", "--amend", "--no-edit"]);
        };
        let (last, status, first) = after(amend, back);
        assert_eq!((last, status, first.as_str()), (vec!["A\ttwo".to_owned()], Vec::new(), "first\none"));
    }
}
