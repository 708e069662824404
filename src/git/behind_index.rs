//! Commits of ours that the user's index does not have yet, because another git holds its lock or was killed with it.
//!
//! Such a commit is made all the same: it needs no lock of the user's index. What is missing is noted next to the index and
//! done later. Until then, a person's next commit would take the work back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::call::GitError;
use super::change::{TreeChange, TreeEntry};
use super::diff::tree_of;
use super::files::{private_folder, remove, with_suffix, write_own};
use super::index_entries::index_info;
use super::made_commit::{LinkedCommit, NewCommit};
use super::path::RepoPath;
use super::patience::patiently;
use super::repository::Repository;
use super::snapshot::Snapshots;

/// Time that another git gets to free the index before a step; before a commit it had a minute.
const MOMENT: Duration = Duration::from_millis(300);

/// What the user's index does not have yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexBehind {
    /// The commits, oldest first.
    commits: Vec<LinkedCommit>,
    /// Why it could not be brought up to date, in git's words.
    why: String,
}

impl IndexBehind {
    /// What is the matter and what to do, as a sentence without a full stop.
    #[must_use]
    pub fn sentence(&self, repository: &Repository) -> String {
        let commits: Vec<String> =
            self.commits.iter().map(|one| one.commit.chars().take(9).collect()).collect();
        let lock = repository.index_lock();
        let fix = if fs::symlink_metadata(&lock).is_ok() {
            let lock = lock.strip_prefix(&repository.top).unwrap_or(&lock);
            format!("remove the lock {} where no git is at work", lock.display())
        } else {
            self.why.clone()
        };
        format!("committed as {}; the index is not brought up to date: {fix}", commits.join(", "))
    }
}

impl Repository {
    /// The lock of the user's index.
    pub(super) fn index_lock(&self) -> PathBuf {
        with_suffix(&self.index, ".lock")
    }

    fn behind_path(&self) -> PathBuf {
        self.git_dir.join("seqorch").join("index-behind.json")
    }

    /// What the user's index does not have yet of commits that are made.
    #[must_use]
    pub fn index_behind(&self) -> Option<IndexBehind> {
        serde_json::from_slice(&fs::read(self.behind_path()).ok()?).ok()
    }

    /// Waits about a minute, visibly, while another git holds the lock of the user's index. Whether it still does.
    pub(super) fn wait_for_index(&self) -> Result<bool, GitError> {
        let lock = self.index_lock();
        if fs::symlink_metadata(&lock).is_err() {
            return Ok(false);
        }
        if self.index_behind().is_some() {
            // an earlier commit has waited for it
            return Ok(true);
        }
        let shown = "git commit";
        let is_free = || {
            if fs::symlink_metadata(&lock).is_err() {
                return Ok(());
            }
            let words = format!("fatal: Unable to create '{}': File exists.", lock.display());
            Err(GitError::Failed { command: shown.to_owned(), code: Some(128), words })
        };
        match patiently(&self.supervisor, shown, is_free) {
            Err(error @ GitError::Stopped { .. }) => Err(error),
            waited => Ok(waited.is_err()),
        }
    }
}

impl Snapshots<'_> {
    /// Notes that the user's index does not have this commit.
    pub(super) fn note_behind(&self, new: &NewCommit, why: &GitError) -> Result<(), GitError> {
        let repository = self.repository();
        let mut commits = repository.index_behind().map(|known| known.commits).unwrap_or_default();
        commits.push(LinkedCommit { parent: new.parent.clone(), commit: new.commit.clone() });
        commits.extend(new.later.iter().cloned());
        let behind = IndexBehind { commits, why: why.last_word() };
        let path = repository.behind_path();
        path.parent().map_or(Ok(()), private_folder)?;
        write_own(&path, &serde_json::to_vec(&behind).unwrap_or_default())
    }

    /// Brings the user's index up to date with what others committed on top of a commit of ours, as hooks do. What it has of
    /// that, or has otherwise, stays.
    pub(super) fn update_for_later(&self, new: &NewCommit) -> Result<(), GitError> {
        let later = IndexBehind { commits: new.later.clone(), why: String::new() };
        if later.commits.is_empty() {
            return Ok(());
        }
        let input = index_info(self.entries_behind(&later)?.iter());
        if input.is_empty() { Ok(()) } else { self.update_index_once(&input) }
    }

    /// Brings the user's index up to date with the commits that it does not have yet. What is still missing, if anything is.
    pub fn catch_up_index(&mut self) -> Result<Option<IndexBehind>, GitError> {
        let Some(behind) = self.repository().index_behind() else { return Ok(None) };
        let lock = self.repository().index_lock();
        let is_locked = || fs::symlink_metadata(&lock).is_ok();
        if is_locked() && (self.repository().supervisor.stops_within(MOMENT) || is_locked()) {
            return Ok(Some(behind));
        }
        let entries = self.entries_behind(&behind)?;
        let input = index_info(entries.iter());
        if !input.is_empty()
            && let Err(error) = self.update_index_once(&input)
        {
            return Ok(Some(IndexBehind { why: error.last_word(), ..behind }));
        }
        remove(&self.repository().behind_path())?;
        Ok(None)
    }

    /// The entries to write. A path that somebody staged otherwise meanwhile stays as it is staged.
    fn entries_behind(&self, behind: &IndexBehind) -> Result<BTreeMap<RepoPath, TreeEntry>, GitError> {
        let repository = self.repository();
        let mut wanted: BTreeMap<RepoPath, (Vec<TreeEntry>, TreeEntry)> = BTreeMap::new();
        for one in &behind.commits {
            // history that was rewritten since has an index of its own
            if !repository.is_ancestor(&one.commit, "HEAD")? {
                continue;
            }
            let Some(tree) = self.read_object(&one.commit)?.and_then(|object| tree_of(&object.bytes)) else {
                continue;
            };
            for TreeChange { path, before, after, .. } in
                self.all_changes_of_work_tree(one.parent.as_deref(), &tree)?
            {
                let entry = wanted.entry(path).or_insert_with(|| (Vec::new(), after.clone()));
                entry.0.push(before);
                entry.1 = after;
            }
        }
        let staged = self.staged_entries()?;
        let is_old = |path: &RepoPath, before: &[TreeEntry]| {
            before.iter().any(|entry| is_staged_as(&staged, path, entry))
        };
        Ok(wanted
            .into_iter()
            .filter(|(path, (before, _))| is_old(path, before))
            .map(|(path, (_, after))| (path, after))
            .collect())
    }

    /// The entries of a commit that the user's index gets. What somebody staged otherwise stays as it is, unless the file on disk
    /// is as the commit has it: then an agent had staged an earlier version.
    pub(super) fn entries_not_staged(
        &mut self,
        new: &NewCommit,
    ) -> Result<BTreeMap<RepoPath, TreeEntry>, GitError> {
        let staged = self.staged_entries()?;
        let is_as = |path: &RepoPath, entry: &TreeEntry| is_staged_as(&staged, path, entry);
        let is_staged =
            |change: &TreeChange| !is_as(&change.path, &change.before) && !is_as(&change.path, &change.after);
        let edited = if new.changes.iter().any(is_staged) {
            let now = self.take()?.tree;
            self.paths_unlike(Some(&new.commit), &now)?
        } else {
            BTreeSet::new()
        };
        let is_theirs = |change: &TreeChange| is_staged(change) && edited.contains(&change.path);
        let entries = new.changes.iter().filter(|change| !is_theirs(change));
        Ok(entries.map(|change| (change.path.clone(), change.after.clone())).collect())
    }

    /// What the user's index has, by path. A conflict is like none of them.
    pub(super) fn staged_entries(&self) -> Result<BTreeMap<RepoPath, TreeEntry>, GitError> {
        let repository = self.repository();
        let printed = repository.call(["ls-files", "-s", "-z"]).read(&repository.supervisor)?;
        // `MODE OBJECT STAGE\tPATH`
        let entry = |record: &[u8]| {
            let tab = record.iter().position(|b| *b == b'\t')?;
            let head = std::str::from_utf8(&record[..tab]).ok()?;
            let mut words = head.split(' ').map(str::to_owned);
            let (mode, object, stage) = (words.next()?, words.next()?, words.next()?);
            let object = if stage == "0" { object } else { String::new() };
            Some((RepoPath::new(&record[tab + 1..]), TreeEntry { mode, object }))
        };
        Ok(printed.split(|b| *b == 0).filter_map(entry).collect())
    }
}

/// Whether the user's index, with these entries, has a path as this one; an entry that does not exist is none.
pub(super) fn is_staged_as(
    staged: &BTreeMap<RepoPath, TreeEntry>,
    path: &RepoPath,
    entry: &TreeEntry,
) -> bool {
    staged.get(path).map_or(!entry.exists(), |found| found == entry)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::git::call::Supervisor;
    use crate::git::testing::{git, hook, repository, status, step};
    use crate::sys::command::CommandWatch;
    use crate::sys::stop_flag::StopFlag;

    /// Ends what takes long.
    struct ImpatientPerson(StopFlag);

    impl CommandWatch for ImpatientPerson {
        fn slow(&self, _: &str) {
            self.0.raise();
        }
        fn over(&self) {}
    }

    /// A repository with a commit of `made` whose user's index lacks it: another git took the lock meanwhile, and the wait
    /// for it was ended.
    fn behind() -> (tempfile::TempDir, Repository) {
        let (dir, mut repo) = repository();
        let stop = StopFlag::new().unwrap();
        let watch = Arc::new(ImpatientPerson(stop.clone()));
        repo.supervisor = Supervisor { stop: Some(stop), watch: Some(watch) };
        hook(&repo.top, "post-commit", "touch .git/index.lock");
        let done = step(&repo, |top| fs::write(top.join("made"), "x").unwrap());
        assert!(done.is_ok(), "the commit is made: {done:?}");
        repo.supervisor = Supervisor::default();
        (dir, repo)
    }

    #[test]
    #[ignore = "slow"]
    fn a_commit_that_the_index_lacks_comes_into_it_later() {
        let (_dir, repo) = behind();
        let top = &repo.top;
        assert_eq!(status(top), ["D  made", "?? made"], "a person's commit would remove it");
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let left = snapshots.catch_up_index().unwrap().expect("the lock is still there");
        let head = git(top, &["rev-parse", "HEAD"]);
        let sentence = left.sentence(&repo);
        assert!(
            sentence.starts_with(&format!("committed as {}; the index is not", &head[..9])),
            "{sentence}"
        );
        assert!(sentence.contains("remove the lock .git/index.lock"), "{sentence}");
        fs::remove_file(repo.index_lock()).unwrap();
        assert_eq!(snapshots.catch_up_index().unwrap(), None);
        assert!(status(top).is_empty() && repo.index_behind().is_none(), "{:?}", status(top));
    }

    #[test]
    #[ignore = "slow"]
    fn what_a_person_staged_or_reset_meanwhile_stays() {
        let (_dir, repo) = behind();
        let top = &repo.top;
        fs::remove_file(repo.index_lock()).unwrap();
        fs::write(top.join("made"), "staged").unwrap();
        git(top, &["add", "made"]);
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        assert_eq!(snapshots.catch_up_index().unwrap(), None);
        assert_eq!(git(top, &["show", ":made"]), "staged");
        let (_dir, repo) = behind();
        fs::remove_file(repo.index_lock()).unwrap();
        git(&repo.top, &["reset", "-q", "--soft", "HEAD~1"]);
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        assert_eq!(snapshots.catch_up_index().unwrap(), None);
        assert_eq!(status(&repo.top), ["?? made"]);
    }
}
