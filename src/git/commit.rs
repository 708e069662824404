//! Commits exactly the paths of a task. The user's index, and what else is in the work tree, stay as they are.
//!
//! The commit is made from a copy of the private index in which every path beyond the task's is HEAD's entry. It is a
//! plain `git commit` with the user's hooks and signing. Afterwards the user's index gets the new entries of the paths
//! that the commit changed; after a refusal it was never touched.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::call::{GitCall, GitError, one_line};
use super::change::{TreeChange, TreeEntry, parse};
use super::path::RepoPath;
use super::snapshot::Snapshots;
use crate::error::{Error, ErrorKind};

/// What to commit.
#[derive(Debug, Clone)]
pub struct CommitRequest<'a> {
    /// The tree that has the task's paths as they are to be committed.
    pub tree: &'a str,
    /// The task's paths.
    pub paths: &'a BTreeSet<RepoPath>,
    /// Those of them that are to be committed as they are after these changes, which the tree does not have.
    pub also: &'a [TreeChange],
    /// The commit that HEAD was at the last snapshot; `None` before the first one.
    pub head: Option<&'a str>,
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
    },
    /// HEAD has the task's paths already, as where the agent committed by itself.
    Nothing,
}

/// Why there is no commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitError {
    /// A merge, rebase … is in progress, and a commit would conclude or disturb it.
    InProgress(&'static str),
    /// A hook refused, or git did; its own words.
    Refused(GitError),
    /// A call before or after the commit itself failed.
    Failed(GitError),
}

impl From<GitError> for CommitError {
    fn from(error: GitError) -> Self {
        Self::Failed(error)
    }
}

/// How often a commit is made anew because HEAD moved under it.
const MOVED_TRIES: usize = 3;

impl From<CommitError> for Error {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::InProgress(what) => {
                Self::new(ErrorKind::Human, format!("a {what} is in progress, and a commit would end it"))
                    .hint("Finish or abort it.")
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
        let refused = match self.try_commit(request) {
            Ok(outcome) => return self.with_tree(outcome, request),
            Err(CommitError::Refused(error @ GitError::Failed { .. })) => error,
            Err(error) => return Err(error),
        };
        let now = self.take()?;
        let changed = self.changes(request.tree, &now.tree)?;
        if !changed.iter().any(|change| request.paths.contains(&change.path)) {
            return Err(CommitError::Refused(refused));
        }
        let head = now.head.commit.as_deref();
        let again = CommitRequest { tree: &now.tree, head, also: &[], ..request.clone() };
        let outcome = self.try_commit(&again)?;
        self.with_tree(outcome, &again)
    }

    fn with_tree(
        &mut self,
        outcome: CommitOutcome,
        request: &CommitRequest<'_>,
    ) -> Result<(CommitOutcome, String), CommitError> {
        let tree = request.tree.to_owned();
        if outcome == CommitOutcome::Nothing || self.held_tree() != Some(request.tree) {
            return Ok((outcome, tree));
        }
        let now = self.take()?;
        let is_of_task = |change: &TreeChange| request.paths.contains(&change.path);
        let formatted = self.changes(&tree, &now.tree)?.iter().any(is_of_task);
        Ok((outcome, if formatted { now.tree } else { tree }))
    }

    fn try_commit(&self, request: &CommitRequest<'_>) -> Result<CommitOutcome, CommitError> {
        if let Some(made) = self.finish_started(request)? {
            return Ok(made);
        }
        if let Some(what) = self.repository().in_progress()? {
            return Err(CommitError::InProgress(what));
        }
        let mut head = request.head.map(str::to_owned);
        for _ in 0..MOVED_TRIES {
            let based = CommitRequest { head: head.as_deref(), ..request.clone() };
            let Some(new) = self.make(&based)? else { return Ok(CommitOutcome::Nothing) };
            if new.parent == head {
                return Ok(self.finish(new, request.paths)?);
            }
            // somebody committed since the last snapshot, and this commit would revert that
            let Some(parent) = &new.parent else { break };
            let message = "seqorch: HEAD had moved";
            self.repository().ask(["update-ref", "-m", message, "HEAD", parent, &new.commit])?;
            head = new.parent;
        }
        Err(CommitError::Failed(GitError::Unusable {
            why: "HEAD moves faster than a commit can be made".to_owned(),
        }))
    }

    /// The new commit; `None` where HEAD has the task's paths already.
    fn make(&self, request: &CommitRequest<'_>) -> Result<Option<NewCommit>, CommitError> {
        // before: what HEAD has; after: what the tree has
        let mut differs = self.changes_of_work_tree(request.head, request.tree)?;
        for also in request.also {
            match differs.iter_mut().find(|change| change.path == also.path) {
                Some(change) => change.after = also.after.clone(),
                None => differs.push(also.clone()),
            }
        }
        differs.retain(|change| change.before != change.after);
        let (ours, others): (Vec<&TreeChange>, Vec<&TreeChange>) =
            differs.iter().partition(|change| request.paths.contains(&change.path));
        if ours.is_empty() {
            return Ok(None);
        }
        self.link_objects(&ours)?;
        let index = self.commit_index(request, &others)?;
        self.note_started(request)?;
        let done = self.commit_from(&index.0, request);
        drop(index);
        let new = match done {
            Ok(()) => self.new_commit()?,
            // git may have been ended after it had made the commit
            Err(error) => match self.new_commit() {
                Ok(new)
                    if new.parent.as_deref() == request.head && Some(new.commit.as_str()) != request.head =>
                {
                    new
                }
                _ => {
                    self.forget_started()?;
                    return Err(error);
                }
            },
        };
        Ok(Some(new))
    }

    /// Brings the user's index up to date with the commit.
    pub(super) fn finish(
        &self,
        new: NewCommit,
        paths: &BTreeSet<RepoPath>,
    ) -> Result<CommitOutcome, GitError> {
        self.update_user_index(&new.changes)?;
        self.forget_started()?;
        let beyond = new.changes.into_iter().map(|change| change.path).filter(|path| !paths.contains(path));
        Ok(CommitOutcome::New { commit: new.commit, beyond: beyond.collect() })
    }

    /// The commit that was just made, and what it changed.
    pub(super) fn new_commit(&self) -> Result<NewCommit, GitError> {
        let args = [
            "log",
            "-1",
            "--root",
            "--format=%H %P",
            "-z",
            "--raw",
            "--numstat",
            "--no-abbrev",
            "--no-renames",
            "--no-ext-diff",
            "--ignore-submodules=none",
        ];
        let printed = self.call(args).run(&self.repository().supervisor)?;
        let unusable = || GitError::Unusable { why: "git log prints an unknown format".to_owned() };
        let end = printed.iter().position(|b| *b == 0).unwrap_or(printed.len());
        let head = String::from_utf8_lossy(&printed[..end]).into_owned();
        // a line break stands between the header and the list
        let rest = printed.get(end + 1..).unwrap_or_default();
        let rest = rest.strip_prefix(b"\n").unwrap_or(rest);
        let mut words = head.split_whitespace().map(str::to_owned);
        let commit = words.next().ok_or_else(unusable)?;
        let changes = parse(rest).ok_or_else(unusable)?;
        Ok(NewCommit { commit, parent: words.next(), changes })
    }

    /// The commit that HEAD is; `None` before the first one.
    pub fn head_commit(&self) -> Result<Option<String>, GitError> {
        let repository = self.repository();
        match repository.call(["rev-parse", "--verify", "--quiet", "HEAD"]).run(&repository.supervisor) {
            Ok(printed) => Ok(Some(one_line(&printed))),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Puts the contents of changed paths among the objects of the repository; `git commit` writes the trees.
    fn link_objects(&self, changes: &[&TreeChange]) -> Result<(), GitError> {
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

    /// An index with the task's paths as the tree has them, and all others as HEAD has them.
    fn commit_index(
        &self,
        request: &CommitRequest<'_>,
        others: &[&TreeChange],
    ) -> Result<TemporaryIndex, GitError> {
        let path = self.folder().join("commit-index");
        for old in [path.clone(), with_suffix(&path, ".lock")] {
            let _ = fs::remove_file(old);
        }
        let index = TemporaryIndex(path);
        let failed = |e: io::Error| GitError::Unusable { why: format!("writing {}: {e}", index.0.display()) };
        copy_with_time(&self.index(), &index.0).map_err(failed)?;
        let held = self.held_tree().unwrap_or(request.tree);
        // the private index has moved on where a commit waited
        let moved = self.changes(request.tree, held)?;
        let back = moved.iter().map(|change| (&change.path, &change.before));
        self.write_entries(&index.0, back)?;
        self.write_entries(&index.0, others.iter().map(|change| (&change.path, &change.before)))?;
        self.write_entries(&index.0, request.also.iter().map(|change| (&change.path, &change.after)))?;
        Ok(index)
    }

    pub(super) fn write_entries<'e>(
        &self,
        index: &Path,
        entries: impl Iterator<Item = (&'e RepoPath, &'e TreeEntry)>,
    ) -> Result<(), GitError> {
        let input = index_info(entries);
        if input.is_empty() {
            return Ok(());
        }
        let repository = self.repository();
        self.call(UPDATE).env("GIT_INDEX_FILE", index).stdin(&input).run(&repository.supervisor).map(drop)
    }

    fn commit_from(&self, index: &Path, request: &CommitRequest<'_>) -> Result<(), CommitError> {
        let repository = self.repository();
        let args = ["commit", "--quiet", "--cleanup=verbatim", "--file=-"];
        let call = GitCall::as_typed(&repository.top, args, request.deadline)
            .env("GIT_INDEX_FILE", index)
            .stdin(request.message.as_bytes());
        call.run_patiently(&repository.supervisor).map(drop).map_err(|error| match error {
            error @ (GitError::Stopped { .. } | GitError::NotStarted { .. }) => CommitError::Failed(error),
            error => CommitError::Refused(error),
        })
    }

    /// The user's index gets the entries that the commit changed.
    fn update_user_index(&self, made: &[TreeChange]) -> Result<(), GitError> {
        let input = index_info(made.iter().map(|change| (&change.path, &change.after)));
        let repository = self.repository();
        repository.call(UPDATE).stdin(&input).run_patiently(&repository.supervisor).map(drop)
    }
}

/// Writes entries into an index, removals first.
const UPDATE: [&str; 6] = ["update-index", "-z", "--add", "--remove", "--replace", "--index-info"];

/// What `git commit` made.
pub(super) struct NewCommit {
    pub(super) commit: String,
    pub(super) parent: Option<String>,
    changes: Vec<TreeChange>,
}

/// An index that is removed with this value.
struct TemporaryIndex(PathBuf);

impl Drop for TemporaryIndex {
    fn drop(&mut self) {
        for path in [self.0.clone(), with_suffix(&self.0, ".lock")] {
            let _ = fs::remove_file(path);
        }
    }
}

/// Entries as `update-index -z --index-info` reads them, removals first: a file may stand where a folder was.
fn index_info<'a>(entries: impl Iterator<Item = (&'a RepoPath, &'a TreeEntry)>) -> Vec<u8> {
    let mut entries: Vec<_> = entries.collect();
    entries.sort_by_key(|(_, entry)| entry.exists());
    let mut input = Vec::new();
    for (path, entry) in entries {
        let mode = if entry.exists() { entry.mode.as_str() } else { "0" };
        input.extend_from_slice(format!("{mode} {}\t", entry.object).as_bytes());
        input.extend_from_slice(path.bytes());
        input.push(0);
    }
    input
}

fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // another file system, or one without links: whole or not there, as git itself does it
        Err(_) => {
            let folder = to.parent().unwrap_or(to);
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            io::copy(&mut fs::File::open(from)?, &mut file)?;
            file.as_file().set_permissions(fs::metadata(from)?.permissions())?;
            file.as_file().sync_all()?;
            file.persist(to).map(drop).map_err(|e| e.error)
        }
    }
}

fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = fs::File::open(from)?;
    let mut copy = fs::File::create(to)?;
    io::copy(&mut source, &mut copy)?;
    copy.set_modified(source.metadata()?.modified()?)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}
