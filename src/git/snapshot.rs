//! The tree of all files, made without touching the user's index, refs or objects.
//!
//! A snapshot is a tree that `git write-tree` makes from a private index. The index and the objects lie in a folder of
//! their own below git's folder, so `git log --all`, `gc`, `fsck` and `push --mirror` of a user never meet them, and to
//! forget them is to remove a folder. A look that finds nothing new costs one process, one that does costs three.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::call::{GitCall, GitError, one_line};
use super::files::{copy_with_time, private_folder, remove, with_suffix, write_own};
use super::helpers::GitHelpers;
use super::left_out::{LeftOut, SpecialFiles};
use super::path::RepoPath;
use super::patience::{again_if_killed, patiently};
use super::repository::Repository;
use super::stamp::Stamp;
use super::status::{Head, WorkTreeStatus};
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::random;

/// Settings of the calls on the private index.
pub(super) const SETTINGS: [&str; 16] = [
    "-c",
    "core.untrackedCache=true",
    "-c",
    "core.splitIndex=false",
    "-c",
    "core.fsyncMethod=writeout-only",
    "-c",
    "index.skipHash=true",
    "-c",
    "status.showUntrackedFiles=all",
    "-c",
    // a large file is a loose object, too, so that it can be linked into the repository
    "core.bigFileThreshold=1023g",
    "-c",
    "status.relativePaths=false",
    "-c",
    "advice.addEmbeddedRepo=false",
];

/// The tree of all files at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Git's name of the tree.
    pub tree: String,
    /// Where HEAD was.
    pub head: Head,
    /// What is not in the tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
}

/// Where the snapshots of a spec lie, and what both sides of an attempt need to make the next one.
#[derive(Debug)]
pub struct Snapshots<'a> {
    repository: &'a Repository,
    folder: PathBuf,
    /// Untracked files that are larger are left out. Bytes; 0: no limit.
    max_file: u64,
    memory: SnapshotMemory,
    helpers: GitHelpers,
}

/// What is remembered from one snapshot to the next, also by another process: `memory.json` next to the private index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SnapshotMemory {
    /// The name of the private index. Each start takes another one: a git of a killed run may still write the old one.
    #[serde(default)]
    index: String,
    /// The tree that the private index holds.
    tree: Option<String>,
    /// The user's index when its names were compared last.
    user_index: Option<Stamp>,
    /// Paths that git could not take, by path; tried again when the file changes.
    refused: BTreeMap<String, RefusedPath>,
    /// The folders of submodules, as far as a start saw them.
    #[serde(default)]
    submodules: BTreeSet<String>,
    /// What the last search for special files found; `None`: there was none yet.
    #[serde(default)]
    special: Option<SpecialFiles>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefusedPath {
    pub(super) stamp: Option<Stamp>,
    pub(super) why: String,
}

impl<'a> Snapshots<'a> {
    /// Starts afresh, as a run does: what an earlier run's private index held may be cut off. Objects are kept.
    pub fn begin(repository: &'a Repository, key: &str, max_file: u64) -> Result<Self, GitError> {
        let mut new = Self::open(repository, key, max_file);
        new.restart()?;
        Ok(new)
    }

    /// Continues with the private index of the run, as its attempt does.
    pub fn resume(repository: &'a Repository, key: &str, max_file: u64) -> Result<Self, GitError> {
        let mut new = Self::open(repository, key, max_file);
        let memory = nofollow::read(&new.folder.join("memory.json"), WHOLE_MAX).ok();
        match memory.and_then(|bytes| serde_json::from_slice::<SnapshotMemory>(&bytes).ok()) {
            Some(memory) if !memory.index.is_empty() && new.folder.join(&memory.index).exists() => {
                new.memory = memory;
                new.unlock()?;
            }
            _ => new.restart()?,
        }
        Ok(new)
    }

    /// Only to compare trees: nothing is written.
    #[must_use]
    pub fn open(repository: &'a Repository, key: &str, max_file: u64) -> Self {
        let folder = repository.private_folder(key);
        Self {
            repository,
            folder,
            max_file,
            memory: SnapshotMemory::default(),
            helpers: GitHelpers::default(),
        }
    }

    /// Uses the helpers of the run.
    #[must_use]
    pub fn with_helpers(self, helpers: &GitHelpers) -> Self {
        Self { helpers: helpers.clone(), ..self }
    }

    fn restart(&mut self) -> Result<(), GitError> {
        self.helpers.end();
        private_folder(&self.objects())?;
        self.forget_memory()?;
        self.remove_indexes()?;
        self.remove_old_commit_files()?;
        // before the copy: what is staged meanwhile is seen at the first look
        let number =
            random::bits().map_err(|e| GitError::Unusable { why: format!("a random number: {e}") })?;
        self.memory = SnapshotMemory {
            index: format!("index-{number:016x}"),
            user_index: Stamp::of(&self.repository.index),
            submodules: self.submodules()?,
            ..SnapshotMemory::default()
        };
        self.copy_user_index()?;
        // makes the file where the user has none yet
        self.call(["update-index", "--index-version", "4", "--untracked-cache"])
            .run_stubbornly(&self.repository.supervisor, || self.unlock())
            .map(drop)
    }

    /// The folder that holds the index and the objects.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The objects of the snapshots.
    #[must_use]
    pub fn objects(&self) -> PathBuf {
        self.folder.join("objects")
    }

    /// The private index.
    pub(super) fn index(&self) -> PathBuf {
        // where trees are only compared there is none
        self.folder.join(if self.memory.index.is_empty() { "index" } else { &self.memory.index })
    }

    /// The tree that the private index holds.
    pub(super) fn held_tree(&self) -> Option<&str> {
        self.memory.tree.as_deref()
    }

    /// Git processes that answer questions.
    pub(super) fn helpers(&self) -> &GitHelpers {
        &self.helpers
    }

    /// The repository.
    pub(super) fn repository(&self) -> &Repository {
        self.repository
    }

    /// Variables under which a call sees the private index and the objects of snapshots.
    pub(super) fn env(&self) -> Vec<(&'static str, OsString)> {
        if !self.objects().exists() {
            // git takes a repository without its folder of objects for none
            return Vec::new();
        }
        let mut env = self.repository.with_objects_of(&self.objects()).to_vec();
        env.push(("GIT_INDEX_FILE", self.index().into_os_string()));
        // the private index keeps what it learned of files; the user's is never written
        env.push(("GIT_OPTIONAL_LOCKS", "1".into()));
        env
    }

    pub(super) fn call<'s>(&self, args: impl IntoIterator<Item = &'s str>) -> GitCall<'_> {
        self.repository.call(SETTINGS.iter().copied().chain(args)).envs(self.env())
    }

    /// The tree of all files now.
    pub fn take(&mut self) -> Result<Snapshot, GitError> {
        self.take_with(None, false)
    }

    /// The same after an attempt, which may have left files that no look shows.
    pub fn take_and_search(&mut self) -> Result<Snapshot, GitError> {
        self.take_with(None, true)
    }

    /// The same. Where nothing changed but the boxes of this file, the private index stays as it is.
    pub fn take_with_boxes(&mut self, boxes: Option<&RepoPath>) -> Result<Snapshot, GitError> {
        self.take_with(boxes, false)
    }

    fn take_with(&mut self, boxes: Option<&RepoPath>, searches: bool) -> Result<Snapshot, GitError> {
        match self.look(boxes, searches) {
            // `git gc` pruned an object that only the private index still had
            Err(GitError::Failed { words, .. }) if words.contains("invalid object") => {
                self.restart()?;
                self.look(boxes, searches)
            }
            taken => taken.inspect_err(|_| self.remove_temp_objects()),
        }
    }

    fn look(&mut self, boxes: Option<&RepoPath>, searches: bool) -> Result<Snapshot, GitError> {
        // a submodule costs a process of its own, so it is asked for only where there may be one
        let may_have = !self.memory.submodules.is_empty() || self.repository.top.join(".gitmodules").exists();
        let submodules = format!("--ignore-submodules={}", if may_have { "none" } else { "dirty" });
        let args =
            ["status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--no-renames", &submodules];
        let call = self.call(args);
        let supervisor = &self.repository.supervisor;
        let run = || patiently(supervisor, &call.shown(), || call.run_with_warnings(supervisor));
        let (printed, warnings) = again_if_killed(run, || self.unlock())?;
        let status = WorkTreeStatus::parse(&printed);
        let old = self.memory.clone();
        let user_index = Stamp::of(&self.repository.index);
        let is_same = user_index == self.memory.user_index;
        let (mut add, mut forget) = if is_same { Default::default() } else { self.user_index_changes()? };
        let mut left_out: Vec<LeftOut> = Vec::new();
        let mut leave = |path: &RepoPath, why: &str| {
            left_out.push(LeftOut { path: path.to_string(), why: why.to_owned() });
        };
        // one that the user's index has as a submodule is added as that
        for path in status.nested.iter().filter(|path| !add.contains(*path)) {
            leave(path, "a git repository of its own; commit inside it, or add it as a submodule");
        }
        for path in &status.edited_submodules {
            leave(path, "edits inside a submodule; commit inside it");
        }
        for (path, why) in unreadable_folders(&warnings) {
            leave(&RepoPath::new(path), why);
        }
        let mut refused = BTreeMap::new();
        let forced = add.clone();
        let tracked = status.changed.into_iter().map(|path| (path, false));
        let new = status.untracked.into_iter().map(|path| (path, true));
        for (path, is_new) in tracked.chain(new) {
            if !forced.contains(&path)
                && let Some(why) = self.too_large(&path)
                && (is_new || !self.is_tracked_by_user(&path)?)
            {
                leave(&path, &why);
                if !is_new {
                    forget.insert(path);
                }
                continue;
            }
            match self.memory.refused.get(&path.to_string()) {
                Some(known) if known.stamp.is_some() && known.stamp == Stamp::of(&self.at(&path)) => {
                    refused.insert(path.to_string(), known.clone());
                }
                _ => {
                    add.insert(path);
                }
            }
        }
        forget.retain(|path| !add.contains(path));
        let ticked = match (boxes, &self.memory.tree) {
            (Some(boxes), Some(tree)) if forget.is_empty() && add.len() == 1 && add.contains(boxes) => {
                self.with_ticked_boxes(tree, boxes)?
            }
            _ => None,
        };
        if ticked.is_none() && (self.memory.tree.is_none() || !add.is_empty() || !forget.is_empty()) {
            self.forget_memory()?;
            self.update(&add, &forget, &mut refused)?;
            let call = self.call(["write-tree"]);
            let tree = one_line(&call.run_stubbornly(&self.repository.supervisor, || self.unlock())?);
            self.memory.tree = Some(tree);
        }
        left_out
            .extend(refused.iter().map(|(path, one)| LeftOut { path: path.clone(), why: one.why.clone() }));
        let special = match old.special.clone() {
            Some(known) if !searches => known,
            known => self.special_files(known.as_ref())?,
        };
        // where one took the place of a tracked file, git said so
        let is_new = |one: &&LeftOut| left_out.iter().all(|other| other.path != one.path);
        let more: Vec<LeftOut> = special.left_out.iter().filter(is_new).cloned().collect();
        left_out.extend(more);
        self.memory.special = Some(special);
        self.memory.refused = refused;
        self.memory.user_index = user_index;
        if old != self.memory || !self.folder.join("memory.json").exists() {
            self.remember()?;
        }
        let tree = ticked.or_else(|| self.memory.tree.clone()).unwrap_or_default();
        Ok(Snapshot { tree, head: status.head, left_out })
    }

    /// The folders of submodules, as far as the start saw them.
    pub(super) fn known_submodules(&self) -> &BTreeSet<String> {
        &self.memory.submodules
    }

    /// The user's index as the last look found it.
    pub(super) fn user_index_stamp(&self) -> Option<Stamp> {
        self.memory.user_index
    }

    /// Notes that the user's index is as an update of ours left it, if it was as we knew it before.
    pub(super) fn note_own_update(&mut self, before: Option<Stamp>) -> Result<(), GitError> {
        if before != self.memory.user_index {
            return Ok(());
        }
        self.memory.user_index = Stamp::of(&self.repository.index);
        self.remember()
    }

    /// The path of a file in the repository; `None` if it is not in the work tree.
    #[must_use]
    pub fn path_of(&self, file: &Path) -> Option<RepoPath> {
        let file = fs::canonicalize(file).ok()?;
        let top = fs::canonicalize(&self.repository.top).ok()?;
        Some(RepoPath::new(file.strip_prefix(top).ok()?.as_os_str().as_bytes()))
    }

    pub(super) fn at(&self, path: &RepoPath) -> PathBuf {
        self.repository.top.join(path.as_path())
    }

    fn too_large(&self, path: &RepoPath) -> Option<String> {
        let data = fs::symlink_metadata(self.at(path)).ok()?;
        (self.max_file > 0 && data.is_file() && data.len() > self.max_file)
            .then(|| format!("{} MB, above git.max_file", data.len() / 1_000_000))
    }

    /// Removes the lock of the private index that a git left that was killed: a run has one process at a time on it.
    pub(super) fn unlock(&self) -> Result<(), GitError> {
        remove(&with_suffix(&self.index(), ".lock"))
    }

    /// Deletes memory.json before the private index changes; after a kill in between it would name the old tree.
    fn forget_memory(&self) -> Result<(), GitError> {
        remove(&self.folder.join("memory.json"))
    }

    /// Removes the private indexes of all starts.
    fn remove_indexes(&self) -> Result<(), GitError> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let is_index =
            |path: &PathBuf| path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"index"));
        entries.map(|entry| entry.path()).filter(is_index).try_for_each(|path| remove(&path))
    }

    /// Copies the user's index, if there is one.
    fn copy_user_index(&self) -> Result<(), GitError> {
        let from = &self.repository.index;
        match copy_with_time(from, &self.index()) {
            Err(e) if e.kind() == io::ErrorKind::NotFound && !from.exists() => Ok(()),
            copied => {
                copied.map_err(|e| GitError::Unusable { why: format!("copying {}: {e}", from.display()) })
            }
        }
    }

    fn remember(&self) -> Result<(), GitError> {
        let bytes = serde_json::to_vec(&self.memory).unwrap_or_default();
        write_own(&self.folder.join("memory.json"), &bytes)
    }
}

/// Folders that `git status` could not look into, and why.
fn unreadable_folders(warnings: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = warnings.lines().filter_map(|line| line.strip_prefix("warning: could not open directory '"));
    lines.filter_map(|line| line.rsplit_once("/': "))
}
