//! A commit in the middle of which seqorch or git may be killed: it is noted on disk, so that it is finished, and not made
//! twice or by two at a time.

use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use super::call::GitError;
use super::commit::{CommitOutcome, CommitRequest};
use super::files::{remove, with_suffix, write_own};
use super::snapshot::Snapshots;
use super::stamp::Stamp;
use super::user_index::UserIndex;
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::process;

/// Pause between two looks whether a git of an earlier run has ended.
const AGAIN: Duration = Duration::from_millis(50);
/// A wait that takes longer is named to the person.
const UNNOTICED: Duration = Duration::from_secs(2);
/// Git holds the locks that it takes at its end for milliseconds.
const ABANDONED: Duration = Duration::from_secs(1);

/// The commit that is about to be made, noted before git starts: seqorch or git may be killed at any moment. The note
/// stays until the next commit, because the state may not have been saved that names this one.
#[derive(Debug, Serialize, Deserialize)]
struct StartedCommit {
    head: Option<String>,
    message: String,
    #[serde(default)]
    tree: String,
    /// The tree that was asked for. `tree` is a later one where a hook changed files and refused.
    #[serde(default)]
    asked: String,
    /// Git's name of it, once the user's index knows it, too.
    #[serde(default)]
    made: Option<String>,
}

impl Snapshots<'_> {
    /// The turn to make a commit: a lock that git inherits. Where seqorch is killed, its git still works, perhaps in a
    /// long hook, and must find its index; the next run waits for it.
    pub(super) fn commit_turn(&self, limit: Duration) -> Result<File, GitError> {
        let path = self.folder().join("commit.lock");
        let failed = |e| GitError::Unusable { why: format!("locking {}: {e}", path.display()) };
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(failed)?;
        let shown = "git commit of an earlier run";
        let (start, mut reported) = (Instant::now(), None);
        let taken = loop {
            match file.try_lock() {
                Ok(()) => break Ok(()),
                Err(TryLockError::Error(error)) => break Err(failed(error)),
                Err(TryLockError::WouldBlock) => {}
            }
            if start.elapsed() >= limit {
                break Err(GitError::TimedOut { command: shown.into(), after: limit, words: String::new() });
            }
            if reported.is_none() && start.elapsed() >= UNNOTICED {
                reported = self.repository().supervisor.watch.as_ref();
                if let Some(watch) = reported {
                    watch.slow(shown);
                }
            }
            if self.repository().supervisor.stops_within(AGAIN) {
                break Err(GitError::Stopped { command: shown.to_owned() });
            }
        };
        if let Some(watch) = reported {
            watch.over();
        }
        taken.map(|()| file)
    }

    /// Waits for the turn to make a commit, with a private index whose tree is known.
    pub(super) fn begin_commit(&mut self, limit: Duration) -> Result<File, GitError> {
        let turn = self.commit_turn(limit)?;
        if self.held_tree().is_none() {
            // a kill cost the private index; what the new one holds is known after a look
            self.take()?;
        }
        Ok(turn)
    }

    /// Finishes the commit that was being made when seqorch was killed, if there is one.
    pub fn finish_left_commit(&mut self, deadline: Duration) -> Result<(), GitError> {
        if !self.started_path().exists() {
            return Ok(());
        }
        let _turn = self.begin_commit(deadline)?;
        // no commit is asked for, so the noted one is another one
        let paths = BTreeSet::new();
        let (tree, message) = ("", "");
        let any =
            CommitRequest { tree, paths: &paths, head: None, base: None, is_late: true, message, deadline };
        self.finish_started(&any, tree).map(drop)
    }

    /// Finishes a commit in the middle of which seqorch was killed. The outcome and its tree, if it is the wanted one.
    pub(super) fn finish_started(
        &mut self,
        request: &CommitRequest<'_>,
        asked: &str,
    ) -> Result<Option<(CommitOutcome, String)>, GitError> {
        let Ok(bytes) = nofollow::read(&self.started_path(), WHOLE_MAX) else { return Ok(None) };
        let Ok(started) = serde_json::from_slice::<StartedCommit>(&bytes) else {
            // cut off while it was written: git was not started yet
            return self.forget_started().map(|()| None);
        };
        if let Some(commit) = started.made {
            let is_same = started.message == request.message && started.asked == asked;
            // an older commit of the same changes may have been undone since
            let is_there = is_same
                && self.repository().is_ancestor(&commit, "HEAD")?
                && self.is_as_in(&commit, request)?;
            let outcome = CommitOutcome::New { commit, beyond: Vec::new(), left: Vec::new(), note: None };
            return Ok(is_there.then_some((outcome, started.tree)));
        }
        self.remove_left_locks()?;
        let its_own = CommitRequest {
            head: started.head.as_deref(),
            tree: &started.tree,
            message: &started.message,
            ..request.clone()
        };
        let Some(new) = self.own_commit(&its_own, false)? else {
            return self.forget_started().map(|()| None);
        };
        if self.takes_others_back(&new, &its_own)? {
            // nothing more can be done for it, whatever comes of this
            self.forget_started()?;
            return self.take_off(&new).map(|_| None);
        }
        // whatever a person staged since stays staged
        let outcome = self.finish(new, &its_own, &started.asked, &UserIndex::TOUCHED);
        Ok((started.message == request.message).then_some((outcome, started.tree)))
    }

    /// Whether HEAD has the task's paths as this commit has them.
    fn is_as_in(&self, commit: &str, request: &CommitRequest<'_>) -> Result<bool, GitError> {
        let changed = self.paths_between(Some(commit), "HEAD")?;
        Ok(!request.paths.iter().any(|path| changed.contains(path)))
    }

    fn started_path(&self) -> PathBuf {
        self.folder().join("commit.json")
    }

    /// The index that a commit is made from.
    pub(super) fn commit_index(&self) -> PathBuf {
        self.folder().join("commit-index")
    }

    /// The file with its message.
    pub(super) fn commit_message(&self) -> PathBuf {
        self.folder().join("commit-message")
    }

    pub(super) fn note_started(&self, request: &CommitRequest<'_>, asked: &str) -> Result<(), GitError> {
        self.write_note(request, asked, None)
    }

    /// Notes that the commit is made and that nothing is left to do for it.
    pub(super) fn note_made(
        &self,
        request: &CommitRequest<'_>,
        asked: &str,
        commit: &str,
    ) -> Result<(), GitError> {
        self.remove_commit_files()?;
        self.write_note(request, asked, Some(commit))
    }

    fn write_note(
        &self,
        request: &CommitRequest<'_>,
        asked: &str,
        made: Option<&str>,
    ) -> Result<(), GitError> {
        let started = StartedCommit {
            head: request.head.map(str::to_owned),
            message: request.message.to_owned(),
            tree: request.tree.to_owned(),
            asked: asked.to_owned(),
            made: made.map(str::to_owned),
        };
        let bytes = serde_json::to_vec(&started).unwrap_or_default();
        write_own(&self.started_path(), &bytes)
    }

    pub(super) fn forget_started(&self) -> Result<(), GitError> {
        self.remove_commit_files()?;
        remove(&self.started_path())
    }

    pub(super) fn remove_commit_files(&self) -> Result<(), GitError> {
        let index = self.commit_index();
        for path in [with_suffix(&index, ".lock"), index, self.commit_message()] {
            remove(&path)?;
        }
        Ok(())
    }

    /// Removes what a killed run left, unless its git still works with it.
    pub(super) fn remove_old_commit_files(&self) -> Result<(), GitError> {
        match self.commit_turn(Duration::ZERO) {
            Ok(_turn) => self.remove_commit_files(),
            Err(_) => Ok(()),
        }
    }

    /// Removes the locks that a git of ours left in the repository because it was killed in the middle of a commit: they
    /// came after its note, no process has them open, and they stay as they are.
    pub(super) fn remove_left_locks(&self) -> Result<(), GitError> {
        let modified = |path: &Path| fs::symlink_metadata(path).and_then(|data| data.modified()).ok();
        let Some(since) = modified(&self.started_path()) else { return Ok(()) };
        let is_later = |at: SystemTime| at >= since;
        let locks = self.locks_of_a_commit().into_iter().filter(|path| modified(path).is_some_and(is_later));
        let left: Vec<(PathBuf, Option<Stamp>)> =
            locks.map(|path| (path.clone(), Stamp::of(&path))).collect();
        if left.is_empty() {
            return Ok(());
        }
        if self.repository().supervisor.stops_within(ABANDONED) {
            return Err(GitError::Stopped { command: "git commit".to_owned() });
        }
        for (path, stamp) in left {
            if stamp.is_some() && Stamp::of(&path) == stamp && !process::is_open(&path) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// The files that git locks for a commit and for the user's index.
    fn locks_of_a_commit(&self) -> Vec<PathBuf> {
        let repository = self.repository();
        let mut locked = vec![
            repository.index.clone(),
            repository.git_dir.join("HEAD"),
            repository.common_dir.join("packed-refs"),
            repository.common_dir.join("reftable/tables.list"),
        ];
        let head = fs::read_to_string(repository.git_dir.join("HEAD")).unwrap_or_default();
        if let Some(branch) = head.strip_prefix("ref: ") {
            locked.push(repository.common_dir.join(branch.trim_end()));
        }
        locked.into_iter().map(|path| with_suffix(&path, ".lock")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::commit::CommitError;
    use crate::git::snapshot::Snapshot;
    use crate::git::testing::{
        commit_between, git, hook, last_commit, late_commit_between, repository, status,
    };

    /// Makes `made` and commits it: what is there before and after that work.
    fn committed(snapshots: &mut Snapshots<'_>, top: &Path) -> (Snapshot, Snapshot) {
        let before = snapshots.take().unwrap();
        fs::write(top.join("made"), "x\n").unwrap();
        let after = snapshots.take().unwrap();
        late_commit_between(snapshots, &before, &after).unwrap();
        (before, after)
    }

    /// A commit of `made`, noted as if seqorch had been killed before it knew of it; what a person does then; and what the next run
    /// finds.
    fn after_a_kill(person: impl FnOnce(&Path)) -> (Result<CommitOutcome, CommitError>, String, Vec<String>) {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let (before, after) = committed(&mut snapshots, top);
        let note = fs::read(snapshots.started_path()).unwrap();
        let mut note: StartedCommit = serde_json::from_slice(&note).unwrap();
        note.made = None;
        fs::write(snapshots.started_path(), serde_json::to_vec(&note).unwrap()).unwrap();
        git(top, &["reset", "-q"]);
        person(top);
        let mut later = Snapshots::begin(&repo, "test", 0).unwrap();
        let done = late_commit_between(&mut later, &before, &after);
        (done, git(top, &["log", "--format=%s"]).replace('\n', " "), status(top))
    }

    /// A commit that a person makes on the first one, in another work tree.
    fn upstream(top: &Path) {
        git(top, &["worktree", "add", "-q", "-b", "up", "../up", "HEAD~1"]);
        let up = top.join("../up");
        fs::write(up.join("theirs"), "x\n").unwrap();
        git(&up, &["add", "theirs"]);
        git(&up, &["commit", "-qm", "theirs"]);
        git(top, &["worktree", "remove", "--force", "../up"]);
    }

    #[test]
    fn a_commit_that_a_person_rebased_stays_the_tasks() {
        let (done, log, status) = after_a_kill(|top| {
            upstream(top);
            git(top, &["rebase", "-q", "up"]);
        });
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((log.as_str(), status), ("the step theirs first", Vec::new()));
    }

    #[test]
    fn a_commit_under_one_of_a_person_stays_where_the_history_was_rewritten() {
        let (done, log, status) = after_a_kill(|top| {
            git(top, &["commit", "-q", "--allow-empty", "-m", "mine"]);
            git(top, &["checkout", "-q", "--orphan", "new", "main~2"]);
            git(top, &["commit", "-qm", "reworded"]);
            git(top, &["cherry-pick", "--allow-empty", "main~1", "main"]);
        });
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!((log.as_str(), status), ("mine the step reworded", Vec::new()));
    }

    #[test]
    fn what_a_person_staged_after_a_kill_stays_staged() {
        let (done, _, status) = after_a_kill(|top| {
            git(top, &["read-tree", "HEAD~1"]);
            fs::write(top.join("made"), "staged\n").unwrap();
            git(top, &["add", "made"]);
            fs::write(top.join("made"), "on disk\n").unwrap();
        });
        assert!(matches!(done, Ok(CommitOutcome::New { .. })), "{done:?}");
        assert_eq!(status, ["MM made"]);
    }

    #[test]
    fn a_commit_of_a_person_that_has_more_is_not_the_tasks() {
        let (done, log, _) = after_a_kill(|top| {
            git(top, &["reset", "-q", "--soft", "HEAD~1"]);
            fs::write(top.join("mine"), "x\n").unwrap();
            git(top, &["add", "mine", "made"]);
            git(top, &["commit", "-qm", "all of mine"]);
        });
        assert_eq!((done, log.as_str()), (Ok(CommitOutcome::Nothing), "all of mine first"));
    }

    #[test]
    fn an_older_commit_of_the_same_is_not_the_one_that_is_asked_for() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let (before, after) = committed(&mut snapshots, top);
        git(top, &["revert", "--no-edit", "HEAD"]);
        fs::write(top.join("made"), "x\n").unwrap();
        snapshots.take().unwrap();
        let done = late_commit_between(&mut snapshots, &before, &after).unwrap();
        let CommitOutcome::New { commit, .. } = done else { panic!("{done:?}") };
        assert_eq!(
            (git(top, &["rev-parse", "HEAD"]), last_commit(top)),
            (commit, vec!["A\tmade".to_owned()])
        );
    }

    #[test]
    fn a_commit_from_which_a_hook_took_a_file_is_not_made_twice() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        hook(top, "pre-commit", "git rm -q --cached secret");
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let before = snapshots.take().unwrap();
        for name in ["made", "secret"] {
            fs::write(top.join(name), "x\n").unwrap();
        }
        let after = snapshots.take().unwrap();
        let first = commit_between(&mut snapshots, &before, &after).unwrap();
        let CommitOutcome::New { commit, .. } = first else { panic!("{first:?}") };
        // a kill before the state knew of the commit: it is asked for again
        let mut later = Snapshots::begin(&repo, "test", 0).unwrap();
        let again = commit_between(&mut later, &before, &after).unwrap();
        assert!(matches!(&again, CommitOutcome::New { commit: same, .. } if *same == commit), "{again:?}");
        assert_eq!(git(top, &["rev-list", "--count", "HEAD"]), "2");
    }
}
