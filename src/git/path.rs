//! PURE. Paths inside a repository: bytes all the way, as git has them.

use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// A path from the top of the work tree. It need not be UTF-8.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Vec<u8>);

impl RepoPath {
    /// The path that git printed.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For the file system, below the top of the work tree.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.0))
    }

    /// Whether not both of them can be files, or they are the same one.
    #[must_use]
    pub fn is_in_way_of(&self, other: &Self) -> bool {
        let is_below = |deep: &Self, high: &Self| {
            deep.0.strip_prefix(high.0.as_slice()).is_some_and(|rest| rest.is_empty() || rest[0] == b'/')
        };
        is_below(self, other) || is_below(other, self)
    }

    /// Whether it names one of the files that seqorch itself writes into the project, which are no work of an agent.
    #[must_use]
    pub fn is_of_seqorch(&self) -> bool {
        let name = self.0.rsplit(|b| *b == b'/').next().unwrap_or_default();
        let state = name.starts_with(b"SEQUENTIAL_STATE") && name.ends_with(b".json");
        let private = self.0.split(|b| *b == b'/').any(|folder| folder == b".seqorch");
        state || name == b"SEQUENTIAL_PROGRESS.md" || private
    }
}

impl fmt::Display for RepoPath {
    /// As people read it: bytes that are not UTF-8 are written as `\xNN`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            f.write_str(chunk.valid())?;
            for byte in chunk.invalid() {
                write!(f, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.to_string())
    }
}

/// The lines that git printed, as paths of the file system.
pub(super) fn path_lines(bytes: &[u8]) -> Vec<PathBuf> {
    let text = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    text.split(|b| *b == b'\n').map(|line| PathBuf::from(OsStr::from_bytes(line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_shown_escaped() {
        assert_eq!(RepoPath::new(&b"a/\xff.txt"[..]).to_string(), "a/\\xff.txt");
        assert_eq!(RepoPath::new("ä b").to_string(), "ä b");
    }

    #[test]
    fn a_file_is_in_the_way_of_a_folder_of_its_name() {
        for (one, other, expected) in [
            ("d", "d", true),
            ("d", "d/x", true),
            ("a/d/x", "a/d", true),
            ("d", "dx", false),
            ("d/x", "d/y", false),
        ] {
            assert_eq!(RepoPath::new(one).is_in_way_of(&RepoPath::new(other)), expected, "{one} {other}");
        }
    }

    #[test]
    fn files_of_seqorch_are_known_by_their_names() {
        let ours = |path: &str| RepoPath::new(path).is_of_seqorch();
        assert!(ours(".kiro/specs/SEQUENTIAL_STATE.json") && ours("SEQUENTIAL_STATE.python.json"));
        assert!(ours("SEQUENTIAL_PROGRESS.md") && ours(".seqorch/demo/events.jsonl"));
        assert!(!ours("src/SEQUENTIAL.md") && !ours("seqorch.toml"));
    }
}
