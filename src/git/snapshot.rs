//! The tree of all files, made without touching the user's index, refs or objects.
//!
//! A snapshot is a tree that `git write-tree` makes from a private index. The index and the objects lie in a folder of
//! their own below git's folder, so `git log --all`, `gc`, `fsck` and `push --mirror` of a user never meet them, and to
//! forget them is to remove a folder. A look that finds nothing new costs one process, one that does costs three.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::call::{GitCall, GitError, one_line};
use super::change::TreeChange;
use super::path::RepoPath;
use super::repository::Repository;
use super::stamp::Stamp;
use super::status::{Head, WorkTreeStatus};

/// Settings of the calls on the private index.
const SETTINGS: [&str; 16] = [
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

/// A path that no snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The path, as people read it.
    pub path: String,
    /// Why: a sentence, or git's words.
    pub why: String,
}

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
    /// Differences that were asked for before: trees do not change.
    pub(super) compared: RefCell<HashMap<(String, String), Vec<TreeChange>>>,
}

/// What is remembered from one snapshot to the next, also by another process: `memory.json` next to the private index.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct SnapshotMemory {
    /// The tree that the private index holds.
    tree: Option<String>,
    /// The user's index when its names were compared last.
    user_index: Option<Stamp>,
    /// Paths that git could not take, by path; tried again when the file changes.
    refused: BTreeMap<String, RefusedPath>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct RefusedPath {
    stamp: Option<Stamp>,
    why: String,
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
        let memory = fs::read(new.folder.join("memory.json")).ok();
        match memory.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            Some(memory) if new.index().exists() => {
                // its owner is gone: a run has one process at a time on it
                remove(&new.folder.join("index.lock"))?;
                new.memory = memory;
            }
            _ => new.restart()?,
        }
        Ok(new)
    }

    /// Only to compare trees: nothing is written.
    #[must_use]
    pub fn open(repository: &'a Repository, key: &str, max_file: u64) -> Self {
        let folder = repository.private_folder(key);
        Self { repository, folder, max_file, memory: SnapshotMemory::default(), compared: RefCell::default() }
    }

    fn restart(&mut self) -> Result<(), GitError> {
        private_folder(&self.objects())?;
        for name in ["index", "index.lock", "memory.json", "commit-index", "commit-index.lock"] {
            remove(&self.folder.join(name))?;
        }
        // before the copy: what is staged meanwhile is seen at the first look
        self.memory =
            SnapshotMemory { user_index: Stamp::of(&self.repository.index), ..SnapshotMemory::default() };
        self.copy_user_index()?;
        // makes the file where the user has none yet
        self.call(["update-index", "--index-version", "4", "--untracked-cache"])
            .run(&self.repository.supervisor)
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
        self.folder.join("index")
    }

    /// The tree that the private index holds.
    pub(super) fn held_tree(&self) -> Option<&str> {
        self.memory.tree.as_deref()
    }

    /// The repository.
    pub(super) fn repository(&self) -> &Repository {
        self.repository
    }

    /// Variables under which a call sees the private index and the objects of snapshots.
    fn env(&self) -> Vec<(&'static str, OsString)> {
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

    pub(super) fn call<const N: usize>(&self, args: [&str; N]) -> GitCall<'_> {
        self.repository.call(SETTINGS.iter().copied().chain(args)).envs(self.env())
    }

    /// The tree of all files now.
    pub fn take(&mut self) -> Result<Snapshot, GitError> {
        match self.look() {
            // `git gc` pruned an object that only the private index still had
            Err(GitError::Failed { words, .. }) if words.contains("invalid object") => {
                self.restart()?;
                self.look()
            }
            taken => taken,
        }
    }

    fn look(&mut self) -> Result<Snapshot, GitError> {
        // a submodule costs a process of its own, so it is asked for only where there may be one
        let submodules = if self.repository.top.join(".gitmodules").exists() { "none" } else { "dirty" };
        let submodules = format!("--ignore-submodules={submodules}");
        let args =
            ["status", "--porcelain=v2", "-z", "--branch", "--no-ahead-behind", "--no-renames", &submodules];
        let printed = self.call(args).run_patiently(&self.repository.supervisor)?;
        let status = WorkTreeStatus::parse(&printed);
        let old = self.memory.clone();
        let user_index = Stamp::of(&self.repository.index);
        let is_same = user_index == self.memory.user_index;
        let (mut add, mut forget) = if is_same { Default::default() } else { self.user_index_changes()? };
        let mut left_out: Vec<LeftOut> = Vec::new();
        let mut leave = |path: &RepoPath, why: &str| {
            left_out.push(LeftOut { path: path.to_string(), why: why.to_owned() });
        };
        for path in &status.nested {
            leave(path, "a git repository of its own; commit inside it, or add it as a submodule");
        }
        for path in &status.edited_submodules {
            leave(path, "edits inside a submodule; commit inside it");
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
        if self.memory.tree.is_none() || !add.is_empty() || !forget.is_empty() {
            self.update(&add, &forget, &mut refused)?;
            let tree = one_line(&self.call(["write-tree"]).run_patiently(&self.repository.supervisor)?);
            self.memory.tree = Some(tree);
        }
        left_out
            .extend(refused.iter().map(|(path, one)| LeftOut { path: path.clone(), why: one.why.clone() }));
        self.memory.refused = refused;
        self.memory.user_index = user_index;
        if old != self.memory || !self.folder.join("memory.json").exists() {
            self.remember()?;
        }
        let tree = self.memory.tree.clone().unwrap_or_default();
        Ok(Snapshot { tree, head: status.head, left_out })
    }

    /// Whether the path is in the user's index.
    fn is_tracked_by_user(&self, path: &RepoPath) -> Result<bool, GitError> {
        let call = self.repository.call(["ls-files", "-z", "--"]).arg(path.as_path());
        let listed = call.env("GIT_LITERAL_PATHSPECS", "1").run(&self.repository.supervisor)?;
        Ok(!listed.is_empty())
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

    /// Takes the paths into the private index as they are now. What git cannot take goes into `refused`.
    fn update(
        &self,
        add: &BTreeSet<RepoPath>,
        forget: &BTreeSet<RepoPath>,
        refused: &mut BTreeMap<String, RefusedPath>,
    ) -> Result<(), GitError> {
        if !forget.is_empty() {
            self.feed(&["--force-remove"], forget.iter())?;
        }
        // removals first: a file may stand where a folder was
        let (gone, there): (Vec<_>, Vec<_>) =
            add.iter().partition(|path| fs::symlink_metadata(self.at(path)).is_err());
        let behind = there.iter().any(|path| self.is_behind_link(path));
        let paths: Vec<&RepoPath> = gone.into_iter().chain(there).collect();
        if paths.is_empty() {
            return Ok(());
        }
        if behind {
            // git does not look behind a link that took the place of a folder
            let (hidden, plain): (Vec<&RepoPath>, Vec<&RepoPath>) =
                paths.into_iter().partition(|path| self.is_behind_link(path));
            self.feed(&["--force-remove"], hidden.into_iter())?;
            return self.add(&plain, refused);
        }
        self.add(&paths, refused)
    }

    fn is_behind_link(&self, path: &RepoPath) -> bool {
        let folders = path.as_path().ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        folders.into_iter().any(|folder| self.repository.top.join(folder).is_symlink())
    }

    /// Adds paths; where git refuses, halves the list until the refused one is found.
    fn add(&self, paths: &[&RepoPath], refused: &mut BTreeMap<String, RefusedPath>) -> Result<(), GitError> {
        if paths.is_empty() {
            return Ok(());
        }
        let words = match self.feed(&["--add", "--remove", "--replace"], paths.iter().copied()) {
            Ok(()) => return Ok(()),
            Err(GitError::Failed { words, .. }) => words,
            Err(error) => return Err(error),
        };
        if let [path] = paths {
            let stamp = Stamp::of(&self.at(path));
            let why = reason(&words);
            refused.insert(path.to_string(), RefusedPath { stamp, why });
            return Ok(());
        }
        let (one, other) = paths.split_at(paths.len() / 2);
        self.add(one, refused)?;
        self.add(other, refused)
    }

    fn feed<'p>(&self, how: &[&str], paths: impl Iterator<Item = &'p RepoPath>) -> Result<(), GitError> {
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.bytes());
            input.push(0);
        }
        let args = SETTINGS.iter().chain(&["update-index", "-z"]).chain(how).chain(&["--stdin"]);
        let call = self.repository.call(args).envs(self.env()).stdin(&input);
        call.run_patiently(&self.repository.supervisor).map(drop)
    }

    /// Copies the user's index with its time in nanoseconds: by that git knows which files may have changed in the
    /// moment in which they were staged.
    fn copy_user_index(&self) -> Result<(), GitError> {
        let from = &self.repository.index;
        let failed = |e: io::Error| GitError::Unusable { why: format!("copying {}: {e}", from.display()) };
        let mut source = match File::open(from) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(e) => return Err(failed(e)),
        };
        let mut copy = File::create(self.index()).map_err(failed)?;
        io::copy(&mut source, &mut copy).map_err(failed)?;
        let modified = source.metadata().and_then(|data| data.modified()).map_err(failed)?;
        copy.set_modified(modified).map_err(failed)
    }

    fn remember(&self) -> Result<(), GitError> {
        let bytes = serde_json::to_vec(&self.memory).unwrap_or_default();
        let path = self.folder.join("memory.json");
        fs::write(&path, bytes)
            .map_err(|e| GitError::Unusable { why: format!("writing {}: {e}", path.display()) })
    }
}

pub(super) fn private_folder(path: &Path) -> Result<(), GitError> {
    fs::create_dir_all(path)
        .map_err(|e| GitError::Unusable { why: format!("making {}: {e}", path.display()) })
}

fn remove(path: &Path) -> Result<(), GitError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(GitError::Unusable { why: format!("removing {}: {e}", path.display()) })
        }
        _ => Ok(()),
    }
}

/// The line of git's words that says most: its last one names the path again, or only that it gives up.
fn reason(words: &str) -> String {
    let mut lines = words.lines().filter(|line| !line.starts_with("fatal: Unable to process path"));
    let fatal = lines.clone().find(|line| line.starts_with("fatal: "));
    let line = fatal.or_else(|| lines.next()).unwrap_or(words);
    line.trim_start_matches("error: ").trim_start_matches("fatal: ").to_owned()
}
