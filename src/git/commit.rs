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
use super::diff::{Change, Entry, parse};
use super::path::RepoPath;
use super::snapshot::Snapshots;

/// What to commit.
#[derive(Debug, Clone)]
pub struct CommitRequest<'a> {
    /// The tree that has the task's paths as they are to be committed.
    pub tree: &'a str,
    /// The task's paths.
    pub paths: &'a BTreeSet<RepoPath>,
    /// The commit that HEAD was at the last snapshot; `None` before the first one.
    pub head: Option<&'a str>,
    /// The whole message.
    pub message: &'a str,
    /// How long git may take, hooks and signing included.
    pub deadline: Duration,
}

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Committed {
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

impl Snapshots<'_> {
    /// Makes the commit.
    pub fn commit(&self, request: &CommitRequest<'_>) -> Result<Committed, CommitError> {
        let repository = self.repository();
        if let Some(what) = repository.in_progress()? {
            return Err(CommitError::InProgress(what));
        }
        let base = request.head.unwrap_or_else(|| empty_tree(request.tree));
        // before: what HEAD has; after: what the tree has
        let differs = self.changes(base, request.tree)?;
        let (ours, others): (Vec<&Change>, Vec<&Change>) =
            differs.iter().partition(|change| request.paths.contains(&change.path));
        if ours.is_empty() {
            return Ok(Committed::Nothing);
        }
        self.link_objects(&ours)?;
        let index = self.commit_index(request.tree, &others)?;
        let done = self.commit_from(&index.0, request);
        drop(index);
        done?;
        let NewCommit { commit, parent, changes } = self.new_commit()?;
        if parent.as_deref() != request.head {
            return Err(CommitError::Failed(GitError::Unusable {
                why: format!("HEAD moved while {commit} was made: compare it with its parent"),
            }));
        }
        self.update_user_index(&changes)?;
        let beyond = changes.into_iter().map(|change| change.path).filter(|path| !request.paths.contains(path));
        Ok(Committed::New { commit, beyond: beyond.collect() })
    }

    /// The commit that was just made, and what it changed.
    fn new_commit(&self) -> Result<NewCommit, GitError> {
        let args =
            ["log", "-1", "--root", "--format=%H %P", "-z", "--raw", "--numstat", "--no-abbrev", "--no-renames", "--no-ext-diff"];
        let printed = self.call(args).run(&self.repository().supervisor)?;
        let unusable = || GitError::Unusable { why: "git log prints what nobody can read".to_owned() };
        let end = printed.iter().position(|b| *b == 0).unwrap_or(printed.len());
        let head = String::from_utf8_lossy(&printed[..end]).into_owned();
        let mut words = head.split_whitespace().map(str::to_owned);
        let commit = words.next().ok_or_else(unusable)?;
        let changes = parse(&printed[end..]).ok_or_else(unusable)?;
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
    fn link_objects(&self, changes: &[&Change]) -> Result<(), GitError> {
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
    fn commit_index(&self, tree: &str, others: &[&Change]) -> Result<TemporaryIndex, GitError> {
        let path = self.folder().join("commit-index");
        for old in [path.clone(), with_suffix(&path, ".lock")] {
            let _ = fs::remove_file(old);
        }
        let index = TemporaryIndex(path);
        let failed = |e: io::Error| GitError::Unusable { why: format!("writing {}: {e}", index.0.display()) };
        copy_with_time(&self.index(), &index.0).map_err(failed)?;
        let held = self.held_tree().unwrap_or(tree);
        // the private index has moved on where a commit waited
        let moved = self.changes(tree, held)?;
        let back = moved.iter().map(|change| (&change.path, &change.before));
        self.write_entries(&index.0, back)?;
        self.write_entries(&index.0, others.iter().map(|change| (&change.path, &change.before)))?;
        Ok(index)
    }

    fn write_entries<'e>(
        &self,
        index: &Path,
        entries: impl Iterator<Item = (&'e RepoPath, &'e Entry)>,
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
    fn update_user_index(&self, made: &[Change]) -> Result<(), GitError> {
        let input = index_info(made.iter().map(|change| (&change.path, &change.after)));
        let repository = self.repository();
        repository.call(UPDATE).stdin(&input).run_patiently(&repository.supervisor).map(drop)
    }
}

/// Writes entries into an index, removals first.
const UPDATE: [&str; 6] = ["update-index", "-z", "--add", "--remove", "--replace", "--index-info"];

/// What `git commit` made.
struct NewCommit {
    commit: String,
    parent: Option<String>,
    changes: Vec<Change>,
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
fn index_info<'a>(entries: impl Iterator<Item = (&'a RepoPath, &'a Entry)>) -> Vec<u8> {
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

/// The tree without entries, in a repository whose names are as long as this one.
fn empty_tree(like: &str) -> &'static str {
    if like.len() == 64 {
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321"
    } else {
        "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    }
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
