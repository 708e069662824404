//! The locks that a run holds: that of its spec and that of the work tree. An agent may remove their files.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::patience::{Turn, take_turn};
use super::run_repository::RunRepository;
use super::work_tree;
use crate::error::{ErrorKind, Result};
use crate::git::work_tree_lock::WorkTreeLock;
use crate::store::lock::{Holder, RunLock};

/// The locks, held until they are dropped.
pub(super) struct RunLocks {
    pub(super) spec: RunLock,
    /// Its file.
    pub(super) path: PathBuf,
    pub(super) holder: Holder,
    /// That of the work tree, where the run needs its files.
    pub(super) work_tree: Option<OwnedWorkTree>,
}

/// Takes the lock of the spec. With `waits`, waits until the run ends that has it; `stopped` says, at most after the given time,
/// whether somebody ends the wait.
pub(super) fn spec_lock(
    path: &Path,
    holder: &Holder,
    waits: bool,
    stopped: &dyn Fn(Duration) -> bool,
) -> Result<RunLock> {
    take_turn(stopped, || match RunLock::take(path, holder) {
        Err(error) if waits && error.kind() == ErrorKind::Locked => {
            Ok(Turn::Busy { who: "another run".to_owned(), does: format!("has the spec: {error}") })
        }
        taken => taken.map(Turn::Ours),
    })
}

/// The work tree that a run has to itself.
pub(super) struct OwnedWorkTree {
    pub(super) lock: WorkTreeLock,
    pub(super) repository: RunRepository,
    /// The spec, as a person types it.
    pub(super) typed: String,
}

impl RunLocks {
    /// Writes down who holds the lock of the spec.
    pub(super) fn note(&self) -> Result<()> {
        self.spec.note(&self.path, &self.holder)
    }

    /// Takes them anew where somebody removed their files. An error where another run was faster.
    pub(super) fn renew(&mut self) -> Result<()> {
        self.spec.renew(&self.path, &self.holder)?;
        if let Some(owned) = self.work_tree.as_mut().filter(|owned| !owned.lock.is_in_place()) {
            owned.lock = work_tree::lock(&owned.typed, false, &owned.repository, &|_| false)?;
        }
        Ok(())
    }
}
