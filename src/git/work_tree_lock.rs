//! One run at a time owns a work tree whose changes it watches.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::repository::Repository;
use crate::sys::files;

/// The lock, held until it is dropped or its process dies.
#[derive(Debug)]
pub struct WorkTreeLock {
    file: File,
    path: PathBuf,
}

/// The run, or the talk of a person to an agent, that has a work tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WorkTreeOwner {
    /// The process.
    pub pid: u32,
    /// The spec, as a person types it.
    pub spec: String,
    /// It is a talk.
    #[serde(default)]
    pub talk: bool,
}

/// The answer to a try.
#[derive(Debug)]
pub enum LockAnswer {
    /// It is ours.
    Ours(WorkTreeLock),
    /// Another run has it; `None` where its name cannot be read.
    Busy(Option<WorkTreeOwner>),
    /// No run has it, but an agent of another spec is at work in it; `None` where its name cannot be read.
    AgentAtWork(Option<AgentAtWork>),
}

/// An attempt that is at work in a work tree, also where its run was killed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct AgentAtWork {
    /// The attempt's process.
    pub pid: u32,
    /// The spec.
    pub spec: String,
    /// The name of the spec's folder in that of git.
    pub key: String,
}

impl AgentAtWork {
    /// Notes in git's folder of a work tree that this attempt is at work there, as long as the file stays open.
    pub fn enter(&self, git_dir: &Path) -> io::Result<File> {
        let mut file = open(git_dir, AGENT)?;
        // a check runs beside what an attempt left running
        file.try_lock_shared()?;
        file.set_len(0)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        Ok(file)
    }

    /// The answer to a run of the spec `key` where the agent of another one is at work.
    fn other_than(key: &str, git_dir: &Path) -> io::Result<Option<LockAnswer>> {
        let file = open(git_dir, AGENT)?;
        match file.try_lock() {
            Ok(()) => return Ok(None),
            Err(fs::TryLockError::WouldBlock) => {}
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        let mut text = String::new();
        file.take(4096).read_to_string(&mut text)?;
        let agent: Option<Self> = serde_json::from_str(&text).ok();
        let is_own = agent.as_ref().is_some_and(|agent| agent.key == key);
        Ok((!is_own).then_some(LockAnswer::AgentAtWork(agent)))
    }
}

/// Held by a run.
const RUN: &str = "work-tree.lock";
/// Held by an attempt and all that it starts.
const AGENT: &str = "agent.lock";

fn open(git_dir: &Path, name: &str) -> io::Result<File> {
    let folder = git_dir.join("seqorch");
    fs::create_dir_all(&folder)?;
    File::options().read(true).write(true).create(true).truncate(false).open(folder.join(name))
}

impl WorkTreeLock {
    /// Whether its file is still there: an agent may remove git's folder.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        files::is_same_file(&self.file, &self.path)
    }

    /// Takes the lock of this work tree, or returns who has it. `key`: the name of the owner's folder in that of git; its own
    /// agent may be at work.
    pub fn try_take(repository: &Repository, owner: &WorkTreeOwner, key: &str) -> io::Result<LockAnswer> {
        let path = repository.git_dir.join("seqorch").join(RUN);
        let mut file = open(&repository.git_dir, RUN)?;
        match file.try_lock() {
            Ok(()) => {
                if let Some(busy) = AgentAtWork::other_than(key, &repository.git_dir)? {
                    return Ok(busy);
                }
                file.set_len(0)?;
                file.rewind()?;
                file.write_all(&serde_json::to_vec(owner)?)?;
                Ok(LockAnswer::Ours(Self { file, path }))
            }
            Err(fs::TryLockError::WouldBlock) => {
                let mut text = String::new();
                file.take(4096).read_to_string(&mut text)?;
                Ok(LockAnswer::Busy(serde_json::from_str(&text).ok()))
            }
            Err(fs::TryLockError::Error(error)) => Err(error),
        }
    }
}
