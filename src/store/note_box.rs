//! The box that takes notes for a run at work: a file for each, since only the run writes the state then.

use std::fs;
use std::path::PathBuf;

use crate::error::{Error, ErrorKind, Result};
use crate::state::Note;
use crate::sys::{files, nofollow};

/// Bytes that the text of a note may have.
pub const NOTE_MAX: usize = 64_000;
/// Bytes that the file of a note may have: JSON takes up to six for one.
const FILE_MAX: u64 = 6 * NOTE_MAX as u64 + 10_000;
/// Notes that are taken at once.
const MOST: usize = 1000;

/// `.notes` in the folder of a spec.
#[derive(Debug, Clone)]
pub struct NoteBox(PathBuf);

impl NoteBox {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Puts a note into it.
    pub fn put(&self, note: &Note) -> Result<()> {
        files::create_private_dir(&self.0)?;
        let bytes = serde_json::to_vec(note)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing a note").caused_by(e))?;
        files::replace(&self.0.join(format!("{}.json", note.id)), &bytes, 0o600)
    }

    /// The notes in it, oldest first. What is not a note is passed over.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        let entries = fs::read_dir(&self.0).into_iter().flatten().flatten();
        let files =
            entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|e| e == "json"));
        let read = |path: PathBuf| {
            let note: Note = serde_json::from_slice(&nofollow::read_regular(&path, FILE_MAX).ok()?).ok()?;
            // the name of its file is the only one that can be removed later
            (path.file_stem()?.to_str()? == note.id).then_some(note)
        };
        let mut notes: Vec<Note> = files.take(MOST).filter_map(read).collect();
        notes.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        notes
    }

    /// Removes these notes: the state has them.
    pub fn remove<'a>(&self, notes: impl Iterator<Item = &'a Note>) {
        if !self.0.exists() {
            return;
        }
        for note in notes {
            let _ = fs::remove_file(self.0.join(format!("{}.json", note.id)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notes_are_read_in_their_order_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let folder = NoteBox::new(dir.path().join(".notes"));
        assert_eq!(folder.notes(), []);
        let note = |id: &str, second: i64| Note {
            id: id.into(),
            unit: "1".into(),
            title: String::new(),
            text: "x".into(),
            at: jiff::Timestamp::from_second(second).unwrap(),
            by: None,
            given: None,
            over: false,
        };
        folder.put(&note("a", 2)).unwrap();
        folder.put(&note("b", 1)).unwrap();
        fs::write(dir.path().join(".notes/c.json"), "{").unwrap();
        fs::write(dir.path().join(".notes/d.json"), serde_json::to_vec(&note("../a", 1)).unwrap()).unwrap();
        let ids: Vec<String> = folder.notes().into_iter().map(|note| note.id).collect();
        assert_eq!(ids, ["b", "a"]);
        folder.remove([note("a", 2)].iter());
        assert_eq!(folder.notes().len(), 1);
    }
}
