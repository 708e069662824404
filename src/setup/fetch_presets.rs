//! Fetches the presets that `extends` takes from repositories of git, and pins their commits.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::config::preset_lock::PresetLock;
use crate::config::{self, GitPreset, LoadRequest};
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::{GitError, Supervisor};
use crate::git::fetch::RemotePlace;
use crate::report::text::shell_word;
use crate::sys::archive::unpack_files;
use crate::sys::files;
use crate::sys::nofollow::{self, WHOLE_MAX};

/// Bytes of the largest file of a preset's folder that is kept: templates are smaller.
const FILE_MAX: u64 = 4_000_000;
/// Presets may name presets; so often new ones may appear.
const DEPTH: usize = 8;

/// What happened to a preset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchedPreset {
    /// What `extends` says.
    pub address: String,
    /// The commit that was pinned before.
    pub before: Option<String>,
    /// The commit that is pinned now. `None`: no file names the preset any more.
    pub now: Option<String>,
}

/// Fetches what is missing; `newest`: also looks whether a tag or branch has another commit now, and pins that.
/// `starting` gets each address before it is fetched.
pub fn fetch_presets(
    request: &LoadRequest,
    newest: bool,
    supervisor: &Supervisor,
    starting: &mut dyn FnMut(&str),
) -> Result<Vec<FetchedPreset>> {
    let mut done: BTreeMap<String, FetchedPreset> = BTreeMap::new();
    let mut locks: BTreeMap<PathBuf, PresetLock> = BTreeMap::new();
    for _ in 0..DEPTH {
        let found = config::git_presets(request);
        let new: Vec<_> = found.iter().filter(|preset| !done.contains_key(&key(preset))).collect();
        if new.is_empty() {
            break;
        }
        for preset in new {
            let lock = match locks.get_mut(&preset.lock) {
                Some(lock) => lock,
                None => locks.entry(preset.lock.clone()).or_insert(read_lock(&preset.lock)?),
            };
            let fetched = fetch(preset, newest, supervisor, starting)?;
            if let Some(commit) = fetched.now.as_deref().filter(|_| fetched.now != fetched.before) {
                lock.pin(&fetched.address, commit);
                write_lock(&preset.lock, lock)?;
            }
            done.insert(key(preset), fetched);
        }
    }
    let mut all: Vec<FetchedPreset> = done.into_values().collect();
    if newest {
        let used = config::git_presets(request);
        for (path, lock) in &mut locks {
            let is_used =
                |known: &str| used.iter().any(|p| p.lock == *path && p.address.to_string() == known);
            let gone = lock.keep(is_used);
            if !gone.is_empty() {
                write_lock(path, lock)?;
            }
            all.extend(gone.into_iter().map(|address| FetchedPreset { address, before: None, now: None }));
        }
    }
    Ok(all)
}

/// One address may be pinned in two lock files: the user's and the project's.
fn key(preset: &GitPreset) -> String {
    format!("{} {}", preset.address, preset.lock.display())
}

fn fetch(
    preset: &GitPreset,
    newest: bool,
    supervisor: &Supervisor,
    starting: &mut dyn FnMut(&str),
) -> Result<FetchedPreset> {
    let address = preset.address.to_string();
    let pinned = preset.commit.clone();
    if let (Some(commit), Some(folder), false) = (&pinned, preset.folder(), newest)
        && folder.is_dir()
    {
        return Ok(FetchedPreset { address, now: Some(commit.clone()), before: pinned });
    }
    starting(&address);
    let remote = RemotePlace { repository: &preset.repository.join("git"), url: &preset.address.url };
    let wanted = pinned.as_deref().filter(|_| !newest).unwrap_or(&preset.address.revision);
    let failed = |e| cannot_fetch(&address, &preset.address.url, &e);
    let commit = remote.fetch(wanted, supervisor).map_err(failed)?;
    let folder = preset.repository.join(&commit);
    if !folder.is_dir() {
        let archive = remote.archive(&commit, preset.address.folder(), supervisor).map_err(failed)?;
        unpack(&archive, &folder).map_err(|e| Error::io("writing", &folder, e))?;
    }
    Ok(FetchedPreset { address, before: pinned, now: Some(commit) })
}

/// The folder appears whole or not at all.
fn unpack(archive: &[u8], folder: &Path) -> io::Result<()> {
    let parent = folder.parent().unwrap_or(folder);
    let temp = tempfile::Builder::new().prefix(".new-").tempdir_in(parent)?;
    unpack_files(archive, temp.path(), FILE_MAX)?;
    match fs::rename(temp.path(), folder) {
        // another call was faster
        Err(_) if folder.is_dir() => Ok(()),
        renamed => renamed,
    }
}

fn cannot_fetch(address: &str, url: &str, error: &GitError) -> Error {
    let words = error.words();
    let error = Error::new(ErrorKind::Unavailable, format!("{address} cannot be fetched"));
    error.detail(format!("  {}", words.replace('\n', "\n  "))).hint(format!(
        "Look whether git reaches it by itself, without asking for a password: git ls-remote {}",
        shell_word(url)
    ))
}

fn read_lock(path: &Path) -> Result<PresetLock> {
    match nofollow::read(path, WHOLE_MAX) {
        Ok(bytes) => PresetLock::parse(&String::from_utf8_lossy(&bytes))
            .map_err(|why| Error::new(ErrorKind::Config, format!("{}: {why}", path.display()))),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(PresetLock::default()),
        Err(e) => Err(Error::io("reading", path, e)),
    }
}

fn write_lock(path: &Path, lock: &PresetLock) -> Result<()> {
    files::replace(path, lock.text().as_bytes(), 0o644)
}
