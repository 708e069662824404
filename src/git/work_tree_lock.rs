//! One run at a time owns a work tree whose changes it watches.

use std::fs::{self, File};
use std::io::{self, Read, Seek, Write};
use std::path::PathBuf;

use super::repository::Repository;
use crate::sys::files;

/// The lock, held until it is dropped or its process dies.
#[derive(Debug)]
pub struct WorkTreeLock {
    file: File,
    path: PathBuf,
}

/// The run that has a work tree.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WorkTreeOwner {
    /// The process.
    pub pid: u32,
    /// The spec, as a person types it.
    pub spec: String,
}

/// The answer to a try.
#[derive(Debug)]
pub enum LockAnswer {
    /// It is ours.
    Ours(WorkTreeLock),
    /// Another run has it; `None` where its name cannot be read.
    Busy(Option<WorkTreeOwner>),
}

impl WorkTreeLock {
    /// Whether its file is still there: an agent may remove git's folder.
    #[must_use]
    pub fn is_in_place(&self) -> bool {
        files::is_same_file(&self.file, &self.path)
    }

    /// Takes the lock of this work tree, or returns who has it.
    pub fn try_take(repository: &Repository, owner: &WorkTreeOwner) -> io::Result<LockAnswer> {
        let folder = repository.git_dir.join("seqorch");
        fs::create_dir_all(&folder)?;
        let path = folder.join("work-tree.lock");
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&path)?;
        match file.try_lock() {
            Ok(()) => {
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
