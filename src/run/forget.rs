//! Removes what is kept of a spec's runs: snapshots, results, logs and the copy of the state.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::project::SpecPlace;
use crate::state::SpecState;
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::lock::{Holder, RunLock};
use crate::store::spec_folder::of_gone_specs;
use crate::store::spec_store::state_copy;

/// What is kept of a spec's runs.
#[derive(Debug)]
pub struct KeptFiles {
    /// The folders.
    pub folders: Vec<PathBuf>,
    /// Attempts with their logs and results.
    pub attempts: usize,
    /// Bytes of all files.
    pub bytes: u64,
    /// Tasks whose changes only the snapshots have: their commits are pending.
    pub pending: Vec<String>,
}

/// What is kept; no folder: nothing.
pub fn kept(place: &SpecPlace) -> Result<KeptFiles> {
    let store = place.store();
    let state = store.load()?;
    let folders: Vec<PathBuf> = store.folders().into_iter().filter(|folder| folder.exists()).collect();
    let bytes = folders.iter().map(|folder| size(folder)).sum();
    let pending = state.pending_commits();
    Ok(KeptFiles { attempts: store.attempt_dirs().len(), folders, bytes, pending })
}

/// What is kept of a spec that is not there any more, as a person names it: by its name, or by where it was.
#[must_use]
pub fn kept_of_gone_spec(root: &Path, asked: &Path) -> Option<KeptFiles> {
    // a spec that is a file has its name without the ending
    let name = |was: &Path| match was.extension() {
        Some(end) if end == "md" => was.with_extension(""),
        _ => was.to_owned(),
    };
    let mut found = of_gone_specs(root);
    found.retain(|(was, _)| was.ends_with(asked) || name(was).ends_with(asked));
    if found.is_empty() {
        return None;
    }
    let pending = |(was, folder): &(PathBuf, PathBuf)| {
        let name = name(was).file_name()?.to_string_lossy().into_owned();
        Some(state_copy(folder)?.specs.get(&name)?.pending_commits())
    };
    let pending = found.iter().filter_map(pending).flatten().collect();
    let folders: Vec<PathBuf> = found.into_iter().map(|(_, folder)| folder).collect();
    let bytes = folders.iter().map(|folder| size(folder)).sum();
    let attempts = attempt_folder::all_in(&folders).len();
    Some(KeptFiles { folders, attempts, bytes, pending })
}

/// Removes what is kept of a spec that is not there any more.
pub fn forget_gone_spec(kept: &KeptFiles) -> Result<()> {
    refuse_at_work(&attempt_folder::all_in(&kept.folders))?;
    remove(&kept.folders)
}

/// Removes it, unless something works on the spec.
pub fn forget(place: &SpecPlace) -> Result<()> {
    let store = place.store();
    if store.folders().iter().all(|folder| !folder.exists()) {
        return Ok(());
    }
    let store = store.prepared()?;
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.path(), Timestamp::now()))?;
    refuse_at_work(&store.attempt_dirs())?;
    // first the state: what it names must be there
    let mut state = store.load()?;
    if state != SpecState::default() {
        without_snapshots(&mut state);
        store.save(&state)?;
    }
    remove(&store.folders())
}

fn refuse_at_work(attempts: &[AttemptDir]) -> Result<()> {
    let Some(dir) = attempts.iter().find(|dir| attempt_folder::alive(dir)) else { return Ok(()) };
    let text = format!("an agent is still at work in {}", dir.path().display());
    Err(Error::new(ErrorKind::Locked, text).hint("End it with `seqorch stop --now`."))
}

fn remove(folders: &[PathBuf]) -> Result<()> {
    for folder in folders {
        match fs::remove_dir_all(folder) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::io("removing", folder, e));
            }
            _ => {}
        }
        // goes only when it is empty
        let _ = folder.parent().map(fs::remove_dir);
    }
    Ok(())
}

fn without_snapshots(state: &mut SpecState) {
    for unit in state.units.values_mut() {
        unit.before = None;
        unit.undone = None;
        unit.pending_commit = None;
        unit.talks.clear();
        if unit.changes.as_ref().is_some_and(|changes| changes.commit.is_none() || changes.commit_differs) {
            unit.changes = None;
        }
        for attempt in &mut unit.attempts {
            attempt.before = None;
            attempt.learned.after = None;
        }
    }
}

/// Bytes of all files below a folder.
fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size_of = |entry: fs::DirEntry| match entry.metadata() {
        Ok(data) if data.is_dir() => size(&entry.path()),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    entries.map(size_of).sum()
}
