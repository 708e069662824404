//! Commits exactly the paths of a task. The user's index, and what else is in the work tree, stay as they are.
//!
//! The commit is made from a copy of the private index in which every path beyond the task's is HEAD's entry. It is a
//! plain `git commit` with the user's hooks and signing. Afterwards the user's index gets the new entries of the paths
//! that the commit changed; after a refusal it was never touched.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::time::Duration;

use super::call::{GitCall, GitError};
use super::change::{TreeChange, TreeEntry};
use super::files::{copy_with_time, link_or_copy, write_own};
use super::made_commit::NewCommit;
use super::operation::GitOperation;
use super::path::RepoPath;
use super::patience::patiently;
use super::snapshot::Snapshots;
use super::stamp::Stamp;
use super::user_index::UserIndex;
use crate::error::{Error, ErrorKind};

/// What to commit.
#[derive(Debug, Clone)]
pub struct CommitRequest<'a> {
    /// The tree that has the task's paths as they are to be committed.
    pub tree: &'a str,
    /// The task's paths.
    pub paths: &'a BTreeSet<RepoPath>,
    /// The commit that HEAD was at the last snapshot; `None` before the first one.
    pub head: Option<&'a str>,
    /// The commit on which the task changed its paths; `None` before the first one. What was committed since is not taken back.
    pub base: Option<&'a str>,
    /// Time has passed since the work: people may have taken its files off the disk, or staged others.
    pub is_late: bool,
    /// The whole message.
    pub message: &'a str,
    /// How long git may take, hooks and signing included.
    pub deadline: Duration,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitOutcome {
    /// There is a new commit.
    New {
        /// Git's name of it.
        commit: String,
        /// Paths beyond the task's that a hook added to it.
        beyond: Vec<RepoPath>,
        /// Paths of the task that it does not have as they are now: a hook took them out, or changed them afterwards.
        left: Vec<RepoPath>,
        /// How the call ended that made it, where that was no success.
        note: Option<String>,
    },
    /// HEAD has the task's paths already, as where the agent committed by itself.
    Nothing,
}

/// Why there is no commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitError {
    /// A merge, rebase … is in progress, and a commit would conclude or disturb it.
    InProgress(GitOperation),
    /// A hook refused, or git did; its own words.
    Refused(GitError),
    /// Somebody committed these paths of the task since, and now they are neither as in that commit nor as the task left them.
    Overtaken(Vec<RepoPath>),
    /// Git made it, and a hook or a person took it off the branch before it was done.
    TakenBack {
        /// The commit that HEAD is now.
        head: Option<String>,
    },
    /// A call before or after the commit itself failed.
    Failed(GitError),
}

impl From<GitError> for CommitError {
    fn from(error: GitError) -> Self {
        Self::Failed(error)
    }
}

/// How often a commit is tried whose git is killed each time, as by a system without memory: that refuses nothing.
const KILLED_TRIES: usize = 8;
/// How often a commit is made anew because HEAD moved under it.
const MOVED_TRIES: usize = 3;

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::InProgress(what) => {
                let text = format!("a {} is in progress, and a commit would end it", what.name());
                Self::new(ErrorKind::Human, text)
                    .hint(format!("Finish it, or abort it: git {}", what.abort()))
            }
            CommitError::Overtaken(paths) => {
                let paths: Vec<String> = paths.iter().map(|path| format!("  {path}")).collect();
                let text = "files of the task were committed by somebody else since, and were changed again";
                Self::new(ErrorKind::Human, text)
                    .detail(paths.join("\n"))
                    .hint("Commit them as they should be, or take your changes back; the rest of the task is committed then.")
            }
            CommitError::TakenBack { head } => {
                let head = head.map_or_else(String::new, |head| format!("; HEAD is at {head:.9}"));
                let text =
                    format!("git made the commit, but a hook of git or a person took it back at once{head}");
                Self::new(ErrorKind::Human, text).hint("See what `git reflog` and your hooks say.")
            }
            CommitError::Refused(GitError::Failed { words, code, .. }) if words.trim().is_empty() => {
                let how = code.map_or_else(|| "it was killed".to_owned(), |code| format!("exit code {code}"));
                Self::new(ErrorKind::Human, format!("git commit failed ({how}) and said nothing")).hint(
                    "A hook of git may refuse without a word: try it with `git commit`, and see .git/hooks.",
                )
            }
            CommitError::Refused(GitError::Failed { words, .. }) => {
                Self::new(ErrorKind::Human, "git commit failed")
                    .detail(format!("  {}", words.trim().replace('\n', "\n  ")))
            }
            CommitError::Refused(error) | CommitError::Failed(error) => error.into(),
        }
    }
}

impl Snapshots<'_> {
    /// Makes the commit. Where a hook changed files of the task and refused, the files are taken again and the commit is
    /// tried once more. The tree comes with the outcome that has the files as they are after the commit: a hook may have
    /// formatted them.
    pub fn commit(&mut self, request: &CommitRequest<'_>) -> Result<(CommitOutcome, String), CommitError> {
        let others = self.committed_by_others(request, request.head)?;
        let paths = request.paths.difference(&others).cloned().collect();
        let request = &CommitRequest { paths: &paths, ..request.clone() };
        if request.is_late {
            self.write_missing(request, &paths)?;
        }
        let stamps = self.stamps(request.paths);
        let refused = match self.try_commit(request, request.tree) {
            Ok((outcome, tree)) => return Ok(self.with_tree(outcome, tree, request.paths, &stamps)),
            Err(CommitError::Refused(error @ GitError::Failed { .. })) => error,
            Err(error) => return Err(error),
        };
        let now = self.take()?;
        let changed = self.changes(request.tree, &now.tree)?;
        if !changed.iter().any(|change| request.paths.contains(&change.path)) {
            return Err(CommitError::Refused(refused));
        }
        let head = now.head.commit.as_deref();
        let again = CommitRequest { tree: &now.tree, head, ..request.clone() };
        let stamps = self.stamps(request.paths);
        let (outcome, tree) = self.try_commit(&again, request.tree)?;
        Ok(self.with_tree(outcome, tree, request.paths, &stamps))
    }

    /// By these it is known whether a hook wrote files of the task.
    fn stamps(&self, paths: &BTreeSet<RepoPath>) -> Vec<Option<Stamp>> {
        paths.iter().map(|path| Stamp::of(&self.at(path))).collect()
    }

    fn with_tree(
        &mut self,
        outcome: CommitOutcome,
        tree: String,
        paths: &BTreeSet<RepoPath>,
        stamps: &[Option<Stamp>],
    ) -> (CommitOutcome, String) {
        let CommitOutcome::New { commit, beyond, note, .. } = outcome else { return (outcome, tree) };
        let is_of_task = |change: &TreeChange| paths.contains(&change.path);
        let mut look = || -> Result<Option<String>, GitError> {
            if self.stamps(paths) == stamps {
                return Ok(None);
            }
            let now = self.take()?.tree;
            let changed = self.changes(&tree, &now)?.iter().any(is_of_task);
            Ok(changed.then_some(now))
        };
        // the commit is made, whatever a look says
        let formatted = look().unwrap_or(None);
        let tree = formatted.unwrap_or(tree);
        let left = self.changes_of_work_tree(Some(&commit), &tree).unwrap_or_default();
        let left = left.into_iter().filter(is_of_task).map(|change| change.path).collect();
        (CommitOutcome::New { commit, beyond, left, note }, tree)
    }

    /// One try, and the tree that it took. `asked`: the tree of the first try.
    fn try_commit(
        &mut self,
        request: &CommitRequest<'_>,
        asked: &str,
    ) -> Result<(CommitOutcome, String), CommitError> {
        let turn = self.begin_commit(request.deadline)?;
        if let Some(made) = self.finish_started(request, asked)? {
            return Ok(made);
        }
        let tree = request.tree.to_owned();
        let operation = self.repository().operation()?;
        if let Some(operation) = operation.filter(|operation| operation.is_disturbed_by_a_commit()) {
            return Err(CommitError::InProgress(operation));
        }
        let index = UserIndex {
            is_locked: self.repository().wait_for_index()?,
            known: self.user_index_stamp().filter(|_| !request.is_late),
        };
        // a commit that was finished, or taken off, has moved it
        let mut head = self.head_commit()?;
        let mut made = None;
        for _ in 0..MOVED_TRIES {
            let others = self.committed_by_others(request, head.as_deref())?;
            let paths = request.paths.difference(&others).cloned().collect();
            let based = CommitRequest { head: head.as_deref(), paths: &paths, ..request.clone() };
            let new = match self.make(&based, asked, &turn)? {
                Making::Made(new) => new,
                Making::Nothing => return Ok((made.unwrap_or(CommitOutcome::Nothing), tree)),
                Making::HeadMoved => {
                    head = self.head_commit()?;
                    continue;
                }
            };
            if self.takes_others_back(&new, &based)? {
                // somebody committed since git began it
                head = Some(self.take_off(&new)?);
                continue;
            }
            let undone = self.undone_by(&new, request)?;
            let outcome = self.finish(new, request, asked, &index);
            if undone.is_none() {
                return Ok((outcome, tree));
            }
            (head, made) = (undone, Some(outcome));
        }
        Err(CommitError::Failed(GitError::Unusable {
            why: "HEAD moves faster than a commit can be made".to_owned(),
        }))
    }

    /// Has git make the commit.
    fn make(&self, request: &CommitRequest<'_>, asked: &str, turn: &File) -> Result<Making, CommitError> {
        // before: what HEAD has; after: what the tree has
        let mut ours = self.changes_of_work_tree(request.head, request.tree)?;
        ours.retain(|change| request.paths.contains(&change.path));
        if ours.is_empty() {
            return Ok(Making::Nothing);
        }
        self.link_objects(&ours)?;
        for last in (1..=KILLED_TRIES).map(|n| n == KILLED_TRIES) {
            self.write_commit_index(request, &ours)?;
            self.note_started(request, asked)?;
            let error = match self.commit_from(request, turn) {
                Ok(()) => {
                    if let Some(new) = self.own_commit(request, true)? {
                        return Ok(Making::Made(new));
                    }
                    self.forget_started()?;
                    return Err(CommitError::TakenBack { head: self.head_commit()? });
                }
                Err(error) => error,
            };
            // git may have been ended after it had made the commit
            match self.own_commit(request, false) {
                Ok(Some(new)) => {
                    let (CommitError::Refused(ended) | CommitError::Failed(ended)) = error else {
                        return Ok(Making::Made(new));
                    };
                    return Ok(Making::Made(NewCommit { ended: Some(ended), ..new }));
                }
                Ok(None) => {}
                // it is not known whether it is made, so the note stays for the next run
                Err(_) => return Err(error),
            }
            let CommitError::Refused(refused) = &error else {
                self.forget_started()?;
                return Err(error);
            };
            if is_behind_head(refused) {
                return Ok(Making::HeadMoved);
            }
            if last || !refused.was_killed() {
                self.forget_started()?;
                return Err(error);
            }
            self.remove_left_locks()?;
        }
        Ok(Making::Nothing)
    }

    /// The commit that HEAD is; `None` before the first one.
    pub fn head_commit(&self) -> Result<Option<String>, GitError> {
        Ok(self.read_object("HEAD")?.map(|head| head.id))
    }

    /// Puts the contents of changed paths among the objects of the repository; `git commit` writes the trees.
    fn link_objects(&self, changes: &[TreeChange]) -> Result<(), GitError> {
        for entry in changes.iter().map(|change| &change.after).filter(|e| e.exists() && !e.is_submodule()) {
            let (folder, name) = entry.object.split_at(2);
            let (from, to) = (self.objects().join(folder).join(name), self.repository().objects.join(folder));
            if !from.exists() {
                // the repository has it already
                continue;
            }
            let failed = |e: io::Error| GitError::Unusable {
                why: format!("writing the object {} to {}: {e}", entry.object, to.display()),
            };
            fs::create_dir_all(&to).map_err(failed)?;
            link_or_copy(&from, &to.join(name)).map_err(failed)?;
        }
        Ok(())
    }

    /// Writes an index with the task's paths as the tree has them, and all others as HEAD has them.
    fn write_commit_index(&self, request: &CommitRequest<'_>, ours: &[TreeChange]) -> Result<(), GitError> {
        self.remove_commit_files()?;
        let index = self.commit_index();
        let failed = |e: io::Error| GitError::Unusable { why: format!("writing {}: {e}", index.display()) };
        copy_with_time(&self.index(), &index).map_err(failed)?;
        // what the copy has beyond HEAD goes back, and the task's paths come
        let held = self.held_tree().unwrap_or(request.tree);
        let has = self.all_changes_of_work_tree(request.head, held)?;
        let mut entries: BTreeMap<&RepoPath, (&TreeEntry, &TreeEntry)> =
            has.iter().map(|change| (&change.path, (&change.after, &change.before))).collect();
        for change in ours {
            entries.entry(&change.path).or_insert((&change.before, &change.after)).1 = &change.after;
        }
        let new = entries.into_iter().filter(|(_, (has, wanted))| has != wanted);
        self.write_entries(&index, new.map(|(path, (_, wanted))| (path, wanted)))
    }

    fn commit_from(&self, request: &CommitRequest<'_>, turn: &File) -> Result<(), CommitError> {
        let repository = self.repository();
        let message = self.commit_message();
        write_own(&message, request.message.as_bytes())?;
        let args = ["commit", "--quiet", "--cleanup=verbatim", "--file"];
        // held until the commit is made
        let hooks = repository.hooks_of_start()?;
        let path = hooks.as_ref().map(|(_, path)| path.to_string_lossy().into_owned());
        let call = GitCall::as_typed(&repository.top, args, request.deadline)
            .overriding(repository.overrides())
            .overriding(path.map(|path| ("core.hooksPath".to_owned(), path)))
            .arg(&message)
            .env("GIT_INDEX_FILE", self.commit_index())
            .holding(turn);
        let run = || match call.run(&repository.supervisor) {
            // the same call once more would take back what somebody committed meanwhile
            Err(error) if is_behind_head(&error) => Ok(Err(error)),
            done => done.map(Ok),
        };
        let done = patiently(&repository.supervisor, &call.shown(), run);
        done.unwrap_or_else(Err).map(drop).map_err(|error| match error {
            error @ (GitError::Stopped { .. } | GitError::NotStarted { .. }) => CommitError::Failed(error),
            error => CommitError::Refused(error),
        })
    }
}

/// What became of a call of `git commit`.
enum Making {
    /// The new commit.
    Made(NewCommit),
    /// HEAD has the task's paths already.
    Nothing,
    /// Somebody committed while a hook ran, and git made no commit.
    HeadMoved,
}

/// Whether git found at its end that HEAD is not the commit any more that it began with.
fn is_behind_head(error: &GitError) -> bool {
    let GitError::Failed { words, .. } = error else { return false };
    words.contains("cannot lock ref 'HEAD': is at ")
}
