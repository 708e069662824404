//! Which specs have a work tree of their own, and where it is: a file for each in git's folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::git_folder::{GitFolder, HeadPlace, head_of, places};
use super::lock::{self, Holder};
use super::spec_folder::folder_name;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{files, nofollow};

/// The folder of the records, in git's common folder.
const RECORDS: &str = "seqorch/.trees";

/// What the file of the right to make a tree ends with.
const MAKING: &str = "lock";
/// Tries to lock a file at which others look.
const LOOKS: usize = 100;

/// Bytes that a record may have.
const RECORD_MAX: u64 = 64_000;

/// The work tree of one spec.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpecTree {
    /// Its top, absolute and without links.
    pub top: PathBuf,
    /// The branch that was made for it.
    pub branch: String,
    /// The spec in it, relative to its top: a folder, or a file.
    #[serde(default)]
    pub spec: PathBuf,
    /// How far it is made.
    pub stage: TreeStage,
    /// What was copied to it.
    #[serde(default)]
    pub copied: Vec<String>,
    /// The commands that prepared it.
    #[serde(default)]
    pub commands: Vec<Vec<String>>,
    /// The remote that has the spec's lease and state, since a run of this clone took the lease there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote: Option<String>,
}

impl SpecTree {
    /// The branch that is checked out in it now; `None`: HEAD is on none. Somebody may have gone to another one.
    #[must_use]
    pub fn branch_now(&self) -> Option<String> {
        match head_of(&self.top) {
            Some(HeadPlace::Branch(branch)) => Some(branch),
            Some(HeadPlace::Detached) => None,
            None => Some(self.branch.clone()),
        }
    }
}

/// How far a work tree is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TreeStage {
    /// Git began to make it.
    Begun,
    /// Git has made it; it is not prepared.
    Made,
    /// It is prepared.
    Ready,
}

/// The place where it is written down which work tree a spec has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpecTreeRecord {
    /// The top of the work tree in which the spec was named.
    pub here: PathBuf,
    /// The spec, relative to the top.
    pub spec: PathBuf,
    common: PathBuf,
    file: PathBuf,
}

impl SpecTreeRecord {
    /// That of the spec at `spec`, its folder or its file, in a project at `root`. All work trees of a repository share it.
    /// `None` where the spec is in no repository.
    #[must_use]
    pub fn of(root: &Path, spec: &Path) -> Option<Self> {
        let GitFolder { common, top, .. } = GitFolder::find(root)?;
        let spec = spec.strip_prefix(&top).ok()?.to_owned();
        let file = common.join(RECORDS).join(format!("{}.json", folder_name(&spec.to_string_lossy())));
        Some(Self { here: top, spec, common, file })
    }

    /// Those of all specs of the repository that have a work tree which is there, in the order of their names.
    #[must_use]
    pub fn all(root: &Path) -> Vec<(Self, SpecTree)> {
        let Some(GitFolder { common, top, .. }) = GitFolder::find(root) else { return Vec::new() };
        let entries = fs::read_dir(common.join(RECORDS)).into_iter().flatten().flatten();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        files.sort();
        let of_file = |file: PathBuf| {
            let named = Self { here: top.clone(), spec: PathBuf::new(), common: common.clone(), file };
            let spec = named.read()?.spec;
            // an agent may have written the file
            let is_inside = spec.components().all(|part| matches!(part, Component::Normal(_)));
            let record =
                Self::of(&top, &top.join(&spec)).filter(|record| is_inside && record.file == named.file)?;
            let tree = record.existing()?;
            Some((record, tree))
        };
        files.into_iter().filter_map(of_file).collect()
    }

    /// What is written down, whether or not the tree is there.
    #[must_use]
    pub fn read(&self) -> Option<SpecTree> {
        serde_json::from_slice(&nofollow::read(&self.file, RECORD_MAX).ok()?).ok()
    }

    /// The work tree that git has made, if it is there and belongs to this repository: an agent may have written the file.
    #[must_use]
    pub fn existing(&self) -> Option<SpecTree> {
        let tree = self.read().filter(|tree| tree.stage != TreeStage::Begun)?;
        self.has(&tree.top).then_some(tree)
    }

    /// Whether the folder is the top of a work tree that git linked to this repository.
    #[must_use]
    pub fn has(&self, top: &Path) -> bool {
        let Some((found, git_dir, common)) = places(top) else { return false };
        let knows_it = fs::read_to_string(git_dir.join("gitdir")).ok().and_then(|path| {
            let dot = git_dir.join(path.trim_end_matches('\n'));
            fs::canonicalize(dot.parent()?).ok()
        });
        found == top && common == self.common && knows_it.as_deref() == Some(top)
    }

    /// Writes down where the tree is.
    pub fn write(&self, tree: &SpecTree) -> Result<()> {
        self.make_folder()?;
        let text = serde_json::to_vec_pretty(tree)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing where the work tree is").caused_by(e))?;
        files::replace(&self.file, &text, 0o600)
    }

    /// Forgets the tree.
    pub fn remove(&self) -> Result<()> {
        match fs::remove_file(&self.file) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("removing", &self.file, e)),
            _ => Ok(()),
        }
    }

    /// The right to make or to remove the tree, until it is dropped; an error where another process has it.
    pub fn lock(&self) -> Result<File> {
        self.try_lock()?.ok_or_else(|| {
            Error::new(ErrorKind::Locked, "another run makes or removes the work tree of this spec right now")
                .hint("Wait for its end, and type the command again; `run --wait` waits for it.")
        })
    }

    /// As [`Self::lock`]; `None` where another process has it.
    pub fn try_lock(&self) -> Result<Option<File>> {
        self.try_lock_of(MAKING)
    }

    /// Writes down which process makes the tree, while it has the right to.
    pub fn note_maker(&self, mut lock: &File, maker: &Holder) -> Result<()> {
        let text = serde_json::to_vec(maker).unwrap_or_default();
        lock.write_all(&text).map_err(|e| Error::io("writing", &self.file.with_extension(MAKING), e))
    }

    /// The process that makes or prepares the tree right now.
    #[must_use]
    pub fn maker(&self) -> Option<Holder> {
        lock::holder(&self.file.with_extension(MAKING))
    }

    /// The right to prepare the tree. The commands that do it hold it, too, also where their run is killed. `None` where one
    /// of them is still at work.
    pub fn try_setup_lock(&self) -> Result<Option<SetupLock>> {
        Ok(self.try_lock_of("setup")?.map(SetupLock))
    }

    fn try_lock_of(&self, extension: &str) -> Result<Option<File>> {
        self.make_folder()?;
        let path = self.file.with_extension(extension);
        let file = files::open_private_file(&path)?;
        for _ in 0..LOOKS {
            match file.try_lock() {
                Ok(()) => {
                    // the process that had it before makes nothing now
                    file.set_len(0).map_err(|e| Error::io("writing", &path, e))?;
                    return Ok(Some(file));
                }
                // `status` looks at it for an instant, and lets others look, too
                Err(TryLockError::WouldBlock) if file.try_lock_shared().is_ok() => {
                    let _ = file.unlock();
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(why)) => return Err(Error::io("locking", &path, why)),
            }
        }
        Ok(None)
    }

    fn make_folder(&self) -> Result<()> {
        self.file.parent().map_or(Ok(()), files::create_private_dir)
    }
}

/// The right to prepare a tree.
#[derive(Debug)]
pub struct SetupLock(File);

impl SetupLock {
    /// The file that a command holds.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.0
    }
}

impl Drop for SetupLock {
    fn drop(&mut self) {
        // a server that a command started may have the file open for ever
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with a linked work tree, as far as its files say it.
    fn trees() -> (tempfile::TempDir, SpecTreeRecord, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        let (main, linked) = (root.join("main"), root.join("linked"));
        let git_dir = main.join(".git/worktrees/linked");
        for folder in [main.join(".git/objects"), main.join("specs/a"), git_dir.clone(), linked.clone()] {
            fs::create_dir_all(folder).unwrap();
        }
        fs::write(main.join(".git/HEAD"), "ref: refs/heads/main\n").unwrap();
        fs::write(git_dir.join("commondir"), "../..\n").unwrap();
        fs::write(git_dir.join("gitdir"), format!("{}\n", linked.join(".git").display())).unwrap();
        fs::write(linked.join(".git"), format!("gitdir: {}\n", git_dir.display())).unwrap();
        let record = SpecTreeRecord::of(&main, &main.join("specs/a")).unwrap();
        (dir, record, linked)
    }

    fn made(top: &Path, stage: TreeStage) -> SpecTree {
        let (branch, spec) = ("seqorch/a".to_owned(), "specs/a".into());
        let (copied, commands, remote) = (Vec::new(), Vec::new(), None);
        SpecTree { top: top.to_owned(), branch, spec, stage, copied, commands, remote }
    }

    #[test]
    fn a_tree_is_known_in_all_work_trees_once_it_is_made() {
        let (_dir, record, linked) = trees();
        assert_eq!(record.existing(), None);
        record.write(&made(&linked, TreeStage::Begun)).unwrap();
        assert_eq!(record.existing(), None);
        let tree = made(&linked, TreeStage::Ready);
        record.write(&tree).unwrap();
        assert_eq!(record.existing().as_ref(), Some(&tree));
        let there = SpecTreeRecord::of(&linked, &linked.join("specs/a")).unwrap();
        assert_eq!(there.existing(), Some(tree.clone()));
        assert_eq!(SpecTreeRecord::all(&record.here), [(record.clone(), tree)]);
        record.remove().unwrap();
        assert_eq!(there.read(), None);
    }

    #[test]
    fn a_tree_knows_the_branch_that_somebody_went_to() {
        let (_dir, record, linked) = trees();
        let tree = made(&linked, TreeStage::Ready);
        assert_eq!(tree.branch_now().as_deref(), Some("seqorch/a"), "no file says it");
        let head = record.common.join("worktrees/linked/HEAD");
        for (text, branch) in [
            ("ref: refs/heads/mine/x\n", Some("mine/x")),
            ("0123456789012345678901234567890123456789\n", None),
            ("ref: refs/heads/.invalid\n", Some("seqorch/a")),
        ] {
            fs::write(&head, text).unwrap();
            assert_eq!(tree.branch_now().as_deref(), branch, "{text}");
        }
    }

    #[test]
    fn a_record_that_names_another_spec_counts_for_none() {
        let (_dir, record, linked) = trees();
        for other in ["specs/b", "../main/specs/a", "/specs/a", ""] {
            record.write(&SpecTree { spec: other.into(), ..made(&linked, TreeStage::Ready) }).unwrap();
            assert_eq!(SpecTreeRecord::all(&record.here), [], "{other}");
        }
    }

    #[test]
    fn a_folder_that_git_did_not_link_is_no_tree() {
        let (dir, record, linked) = trees();
        let other = fs::canonicalize(dir.path()).unwrap().join("other");
        fs::create_dir(&other).unwrap();
        fs::copy(linked.join(".git"), other.join(".git")).unwrap();
        record.write(&made(&other, TreeStage::Made)).unwrap();
        assert_eq!(record.existing(), None);
        record.write(&made(&record.here.clone(), TreeStage::Made)).unwrap();
        assert_eq!(record.existing(), None, "the checkout itself");
        fs::remove_dir_all(&linked).unwrap();
        record.write(&made(&linked, TreeStage::Made)).unwrap();
        assert_eq!(record.existing(), None, "removed by hand");
    }

    #[test]
    fn only_one_process_makes_a_tree() {
        let (_dir, record, _) = trees();
        let held = record.lock().unwrap();
        assert_eq!(record.lock().unwrap_err().kind(), ErrorKind::Locked);
        drop(held);
        // a program that another test starts right now has it as well, until it begins
        let start = std::time::Instant::now();
        while record.lock().is_err() {
            assert!(start.elapsed() < Duration::from_secs(10), "it stays taken");
        }
    }
}
