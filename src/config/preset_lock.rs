//! PURE. `seqorch.lock`: the commit of each preset that `extends` takes from a repository of git.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// The name of the file. It lies beside the file whose `extends` it pins.
pub const LOCK_FILE: &str = "seqorch.lock";

/// The commits, by address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PresetLock {
    commits: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LockText {
    #[serde(default)]
    preset: Vec<PresetEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PresetEntry {
    extends: String,
    commit: String,
}

impl PresetLock {
    /// Reads the text of the file. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let read: LockText = toml::from_str(text).map_err(|e| e.message().to_owned())?;
        let mut commits = BTreeMap::new();
        for PresetEntry { extends, commit } in read.preset {
            if !is_commit(&commit) {
                return Err(format!("{commit:?} is not the whole id of a commit"));
            }
            commits.insert(extends, commit);
        }
        Ok(Self { commits })
    }

    /// The commit of an address.
    #[must_use]
    pub fn commit(&self, address: &str) -> Option<&str> {
        self.commits.get(address).map(String::as_str)
    }

    /// Pins an address. Returns the commit that it had, where that was another one.
    pub fn pin(&mut self, address: &str, commit: &str) -> Option<String> {
        let old = self.commits.insert(address.to_owned(), commit.to_owned());
        old.filter(|old| old != commit)
    }

    /// Keeps only the addresses that are still used. Returns the others.
    pub fn keep(&mut self, used: impl Fn(&str) -> bool) -> Vec<String> {
        let gone: Vec<String> = self.commits.keys().filter(|known| !used(known)).cloned().collect();
        for known in &gone {
            self.commits.remove(known);
        }
        gone
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::from(
            "# The commits of presets that `extends` takes from repositories of git. Commit this file.\n\
             # `seqorch config update` pins newer ones.\n",
        );
        for (address, commit) in &self.commits {
            let quoted = |text: &str| toml::Value::from(text).to_string();
            let _ =
                write!(text, "\n[[preset]]\nextends = {}\ncommit = {}\n", quoted(address), quoted(commit));
        }
        text
    }
}

/// Whether this is the whole id of a commit, of SHA-1 or SHA-256.
fn is_commit(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_read_as_it_was_written() {
        let (old, new) = ("a".repeat(40), "b".repeat(40));
        let mut lock = PresetLock::default();
        assert_eq!(lock.pin("git+https://h/p@v1#x", &old), None);
        assert_eq!(lock.pin("git+https://h/p@v1#x", &old), None);
        assert_eq!(lock.pin("git+https://h/p@v1#x", &new), Some(old));
        lock.pin("git+https://h/q@v1#x", &new);
        let read = PresetLock::parse(&lock.text()).unwrap();
        assert_eq!(read, lock);
        assert_eq!(read.commit("git+https://h/p@v1#x"), Some(new.as_str()));
        assert_eq!(lock.keep(|known| known.contains("/p@")), ["git+https://h/q@v1#x"]);
        assert_eq!(lock.commit("git+https://h/q@v1#x"), None);
    }

    #[test]
    fn a_broken_lock_file_says_what_is_wrong() {
        for (text, why) in [
            ("[[preset]]\nextends = \"x\"\ncommit = \"v1\"\n", "whole id"),
            ("[[preset]]\nextends = \"x\"\n", "commit"),
            ("[[preset]\n", ""),
            ("[[presets]]\n", "presets"),
        ] {
            let error = PresetLock::parse(text).unwrap_err();
            assert!(error.contains(why) && !error.is_empty(), "{text}: {error}");
        }
    }
}
