//! The messages that are not delivered yet, a file for each, in the folder of a spec.

use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::address::MessageChannel;
use super::message::Message;
use crate::error::{Error, ErrorKind, Result};
use crate::store::entry_box::{BoxEntry, EntryBox};
use crate::sys::{files, nofollow};

/// Bytes that the list of known needs may have.
const KNOWN_MAX: u64 = 1_000_000;

/// A message on its way to one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// Its name; a message that is put in again has the same.
    pub id: String,
    /// Where it goes.
    pub channel: MessageChannel,
    /// What it says.
    pub message: Message,
    /// How often its delivery was tried.
    pub tries: u32,
    /// Why the last try failed.
    pub failure: Option<String>,
    /// It is not tried again.
    pub given_up: bool,
}

impl BoxEntry for Posted {
    fn id(&self) -> &str {
        &self.id
    }

    fn at(&self) -> Timestamp {
        self.message.at
    }
}

/// The folder of the messages.
#[derive(Debug, Clone)]
pub struct Outbox {
    entries: EntryBox<Posted>,
}

impl Outbox {
    /// The messages in this folder, which may not be there.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { entries: EntryBox::new(folder) }
    }

    /// The messages in the folder of a spec.
    #[must_use]
    pub fn of_spec(folder: &Path) -> Self {
        Self::new(folder.join(".messages"))
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.entries.folder()
    }

    /// The messages, oldest first.
    #[must_use]
    pub fn messages(&self) -> Vec<Posted> {
        self.entries.entries()
    }

    /// Those that are still to be delivered.
    #[must_use]
    pub fn waiting(&self) -> Vec<Posted> {
        self.messages().into_iter().filter(|posted| !posted.given_up).collect()
    }

    /// Puts a message in.
    pub fn put(&self, posted: &Posted) -> Result<()> {
        self.entries.put(posted)
    }

    /// Writes what became of a try. Makes no folder: where it is gone, a person forgot the spec.
    pub fn note(&self, posted: &Posted) -> Result<()> {
        let bytes = serde_json::to_vec(posted)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing what became of a message").caused_by(e))?;
        files::write_unsynced(&self.folder().join(format!("{}.json", posted.id)), &bytes, 0o600)
    }

    /// Removes a message.
    pub fn remove(&self, id: &str) {
        self.entries.remove(std::iter::once(id));
    }

    /// The needs that a person knows of.
    #[must_use]
    pub fn known(&self) -> BTreeSet<String> {
        let bytes = nofollow::read_regular(&self.known_path(), KNOWN_MAX).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes the needs that a person knows of.
    pub fn set_known(&self, known: &BTreeSet<String>) -> Result<()> {
        files::create_private_dir(self.folder())?;
        let bytes = serde_json::to_vec(known)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing the needs that are known").caused_by(e))?;
        files::replace(&self.known_path(), &bytes, 0o600)
    }

    fn known_path(&self) -> PathBuf {
        self.folder().join("known")
    }

    /// Waits until this process is the only one that delivers, and the one that was started last: it has the newest
    /// addresses. `None`: a newer one is there.
    #[must_use]
    pub fn take_over(&self, me: &str) -> Option<File> {
        files::replace(&self.newest_path(), me.as_bytes(), 0o600).ok()?;
        let lock = files::open_private_file(&self.folder().join("lock")).ok()?;
        lock.lock().ok()?;
        self.is_newest(me).then_some(lock)
    }

    /// Whether no newer process delivers.
    #[must_use]
    pub fn is_newest(&self, me: &str) -> bool {
        nofollow::read_regular(&self.newest_path(), 1000).is_ok_and(|name| name == me.as_bytes())
    }

    fn newest_path(&self) -> PathBuf {
        self.folder().join("newest")
    }
}
