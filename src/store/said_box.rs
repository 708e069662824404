//! What people say to an agent at work: a file for each of their words, in the folder of its attempt. The first to rename
//! the file has it: the process of the attempt, or the person's own command, which then makes a note of it.

use std::fs;
use std::path::PathBuf;

use super::attempt_dir::AttemptDir;
use super::entry_box::EntryBox;
use crate::error::Result;
use crate::state::Note;
use crate::sys::nofollow;

/// The words for one attempt.
#[derive(Debug, Clone)]
pub struct SaidBox {
    words: EntryBox<Note>,
}

impl SaidBox {
    /// That of an attempt.
    #[must_use]
    pub fn of(dir: &AttemptDir) -> Self {
        Self { words: EntryBox::new(dir.said()) }
    }

    /// Puts words into it.
    pub fn put(&self, words: &Note) -> Result<()> {
        self.words.put(words)
    }

    /// Words that are not taken yet, oldest first.
    #[must_use]
    pub fn waiting(&self) -> Vec<Note> {
        if self.words.folder().exists() { self.words.entries() } else { Vec::new() }
    }

    /// Takes words, for the agent. `false`: another one has them.
    #[must_use]
    pub fn take(&self, id: &str) -> bool {
        fs::rename(self.file(id), self.taken(id)).is_ok()
    }

    /// Gives words back that did not reach the agent.
    pub fn give_back(&self, id: &str) {
        let _ = fs::rename(self.taken(id), self.file(id));
    }

    /// Whether the agent has these words.
    #[must_use]
    pub fn has_taken(&self, id: &str) -> bool {
        self.taken(id).exists()
    }

    /// Takes words back that no agent took. `false`: the agent has them.
    #[must_use]
    pub fn withdraw(&self, id: &str) -> bool {
        fs::remove_file(self.file(id)).is_ok() || !self.has_taken(id)
    }

    /// The words that the agent has, oldest first.
    #[must_use]
    pub fn taken_words(&self) -> Vec<Note> {
        let entries = fs::read_dir(self.words.folder()).into_iter().flatten().flatten();
        let files = entries.map(|entry| entry.path());
        let files = files.filter(|path| path.extension().is_some_and(|end| end == "taken"));
        let read = |path: PathBuf| serde_json::from_slice(&nofollow::read(&path, FILE_MAX).ok()?).ok();
        let mut words: Vec<Note> = files.filter_map(read).collect();
        words.sort_by(|a, b| (a.at, &a.id).cmp(&(b.at, &b.id)));
        words
    }

    fn file(&self, id: &str) -> PathBuf {
        self.words.folder().join(format!("{id}.json"))
    }

    fn taken(&self, id: &str) -> PathBuf {
        self.words.folder().join(format!("{id}.taken"))
    }
}

/// Bytes that a file may have.
const FILE_MAX: u64 = 1_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_either_taken_or_withdrawn() {
        let dir = tempfile::tempdir().unwrap();
        let said = SaidBox::of(&AttemptDir::new(dir.path()));
        assert_eq!(said.waiting(), []);
        let words = |id: &str| Note {
            id: id.into(),
            unit: "1".into(),
            title: String::new(),
            text: "x".into(),
            at: jiff::Timestamp::UNIX_EPOCH,
            by: None,
            given: None,
            said: false,
            over: false,
        };
        said.put(&words("a")).unwrap();
        said.put(&words("b")).unwrap();
        assert!(said.take("a") && !said.take("a") && !said.withdraw("a"));
        assert!(said.has_taken("a") && !said.has_taken("b"));
        assert_eq!(said.taken_words().len(), 1);
        said.give_back("a");
        assert_eq!(said.waiting().len(), 2);
        assert!(said.withdraw("a") && said.withdraw("b"));
        assert!(said.waiting().is_empty() && said.taken_words().is_empty());
    }
}
