//! A box that takes what people write for a run at work: a file for each entry, since only the run writes the state then.

use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, ErrorKind, Result};
use crate::state::{AskedChange, Note, PersonRequest};
use crate::sys::{files, nofollow};

/// Bytes that the text of a note may have.
pub const NOTE_MAX: usize = 64_000;
/// Bytes that the file of an entry may have: JSON takes up to six for one.
const FILE_MAX: u64 = 6 * NOTE_MAX as u64 + 10_000;
/// Entries that are taken at once.
const MOST: usize = 1000;

/// What can be put into a box.
pub trait BoxEntry: Serialize + DeserializeOwned {
    /// Its name, which no other entry has.
    fn id(&self) -> &str;
    /// When it was written.
    fn at(&self) -> Timestamp;
}

impl BoxEntry for Note {
    fn id(&self) -> &str {
        &self.id
    }

    fn at(&self) -> Timestamp {
        self.at
    }
}

impl BoxEntry for PersonRequest {
    fn id(&self) -> &str {
        &self.id
    }

    fn at(&self) -> Timestamp {
        self.at
    }
}

/// A folder with the entries, in the folder of a spec.
#[derive(Debug, Clone)]
pub struct EntryBox<T> {
    folder: PathBuf,
    of: PhantomData<T>,
}

impl<T: BoxEntry> EntryBox<T> {
    /// The entries in this folder, which may not be there.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, of: PhantomData }
    }

    /// The folder. It may not be there.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Puts an entry into it.
    pub fn put(&self, entry: &T) -> Result<()> {
        files::create_private_dir(&self.folder)?;
        let bytes = serde_json::to_vec(entry)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing what a run is to take").caused_by(e))?;
        files::replace(&self.folder.join(format!("{}.json", entry.id())), &bytes, 0o600)
    }

    /// The entries in it, oldest first. What is none is passed over.
    #[must_use]
    pub fn entries(&self) -> Vec<T> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let files =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        let read = |path: PathBuf| {
            let entry: T = serde_json::from_slice(&nofollow::read_regular(&path, FILE_MAX).ok()?).ok()?;
            // the name of its file is the only one that can be removed later
            (path.file_stem()?.to_str()? == entry.id()).then_some(entry)
        };
        let mut entries: Vec<T> = files.take(MOST).filter_map(read).collect();
        entries.sort_by(|a, b| (a.at(), a.id()).cmp(&(b.at(), b.id())));
        entries
    }

    /// Removes the entries with these names: the state has them.
    pub fn remove<'a>(&self, ids: impl Iterator<Item = &'a str>) {
        if !self.folder.exists() {
            return;
        }
        for id in ids {
            let _ = fs::remove_file(self.folder.join(format!("{id}.json")));
        }
    }
}

impl EntryBox<PersonRequest> {
    /// Removes the pauses that no run took yet.
    pub fn forget_pauses(&self) {
        let mut asked = self.entries();
        asked.retain(|request| matches!(request.asks, AskedChange::Pause { .. }));
        self.remove(asked.iter().map(|request| request.id.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_in_their_order_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = EntryBox::<Note>::new(dir.path().join(".notes"));
        assert_eq!(folder.entries(), []);
        let note = |id: &str, second: i64| Note {
            id: id.into(),
            unit: "1".into(),
            title: String::new(),
            text: "x".into(),
            at: jiff::Timestamp::from_second(second).unwrap(),
            by: None,
            given: None,
            said: false,
            over: false,
        };
        folder.put(&note("a", 2)).unwrap();
        folder.put(&note("b", 1)).unwrap();
        fs::write(dir.path().join(".notes/c.json"), "{").unwrap();
        fs::write(dir.path().join(".notes/d.json"), serde_json::to_vec(&note("../a", 1)).unwrap()).unwrap();
        let ids: Vec<String> = folder.entries().into_iter().map(|note| note.id).collect();
        assert_eq!(ids, ["b", "a"]);
        folder.remove(["a"].into_iter());
        assert_eq!(folder.entries().len(), 1);
    }
}
