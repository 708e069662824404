//! Writes entries into the private indexes and into that of the user.

use std::collections::BTreeMap;
use std::path::Path;

use super::call::GitError;
use super::change::TreeEntry;
use super::files::{remove, with_suffix};
use super::path::RepoPath;
use super::snapshot::Snapshots;

/// Writes entries into an index, removals first.
const UPDATE: [&str; 6] = ["update-index", "-z", "--add", "--remove", "--replace", "--index-info"];

impl Snapshots<'_> {
    /// Writes entries into an index of ours.
    pub(super) fn write_entries<'e>(
        &self,
        index: &Path,
        entries: impl Iterator<Item = (&'e RepoPath, &'e TreeEntry)>,
    ) -> Result<(), GitError> {
        let input = index_info(entries);
        if input.is_empty() {
            return Ok(());
        }
        let call = self.call(UPDATE).env("GIT_INDEX_FILE", index).stdin(&input);
        let mop_up = || remove(&with_suffix(index, ".lock"));
        call.run_stubbornly(&self.repository().supervisor, mop_up).map(drop)
    }

    /// The user's index gets these entries.
    pub(super) fn update_user_index(
        &self,
        entries: &BTreeMap<RepoPath, TreeEntry>,
        is_locked: bool,
    ) -> Result<(), GitError> {
        let input = index_info(entries.iter());
        if input.is_empty() {
            return Ok(());
        }
        let repository = self.repository();
        if is_locked {
            return self.update_index_once(&input);
        }
        let call = repository.call(UPDATE).stdin(&input);
        call.run_stubbornly(&repository.supervisor, || self.remove_left_locks()).map(drop)
    }

    /// Writes entries into the user's index, without waiting for its lock.
    pub(super) fn update_index_once(&self, input: &[u8]) -> Result<(), GitError> {
        let repository = self.repository();
        repository.call(UPDATE).stdin(input).run(&repository.supervisor).map(drop)
    }
}

/// Entries as `update-index -z --index-info` reads them, removals first: a file may stand where a folder was.
pub(super) fn index_info<'a>(entries: impl Iterator<Item = (&'a RepoPath, &'a TreeEntry)>) -> Vec<u8> {
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
