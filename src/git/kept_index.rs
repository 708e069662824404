//! The index of a human, kept over a commit that may be refused.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The index as a human had it before a step's files came into it.
pub(super) struct KeptIndex {
    path: PathBuf,
    before: Vec<u8>,
    /// When git wrote it: by that it knows which of the files to look into.
    written: SystemTime,
    /// As it is with the step's files.
    with_ours: Vec<u8>,
}

impl KeptIndex {
    /// `None` where there is none yet.
    pub(super) fn of(top: &Path) -> Option<Self> {
        let path = super::index(top)?.canonicalize().ok()?;
        let before = fs::read(&path).ok()?;
        let written = path.metadata().and_then(|data| data.modified()).ok()?;
        Some(Self { path, before, written, with_ours: Vec::new() })
    }

    /// The step's files are in it now.
    pub(super) fn changed(mut self) -> Self {
        self.with_ours = fs::read(&self.path).unwrap_or_default();
        self
    }

    /// As git itself does it, with the lock that is the new index. Not where another program of git is at it, or was since:
    /// that one's work would be lost. Gives whether it was done.
    pub(super) fn put_back(&self) -> bool {
        let mut lock = self.path.clone().into_os_string();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        let Ok(mut file) = File::options().write(true).create_new(true).open(&lock) else { return false };
        let mut write = || -> io::Result<bool> {
            if fs::read(&self.path)? != self.with_ours {
                return Ok(false);
            }
            file.write_all(&self.before)?;
            file.set_permissions(self.path.metadata()?.permissions())?;
            file.set_modified(self.written)?;
            file.sync_all()?;
            fs::rename(&lock, &self.path).map(|()| true)
        };
        let done = write().unwrap_or(false);
        if !done {
            let _ = fs::remove_file(&lock);
        }
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::git;

    #[test]
    fn an_index_at_which_another_git_is_or_was_is_not_put_back() {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path();
        git(at, None, &["init", "-q"]).unwrap();
        for name in ["f", "made", "theirs"] {
            fs::write(at.join(name), "x").unwrap();
        }
        git(at, None, &["add", "f"]).unwrap();
        let kept = || {
            let kept = KeptIndex::of(at).unwrap();
            git(at, None, &["add", "made"]).unwrap();
            kept.changed()
        };
        let (path, lock) = (at.join(".git/index"), at.join(".git/index.lock"));
        let busy = kept();
        fs::write(&lock, "").unwrap();
        assert!(!busy.put_back() && lock.exists(), "that lock is somebody else's");
        fs::remove_file(&lock).unwrap();
        assert!(busy.put_back() && fs::read(&path).unwrap() == busy.before);
        let old = kept();
        git(at, None, &["add", "theirs"]).unwrap();
        assert!(!old.put_back() && !lock.exists());
        assert_eq!(git(at, None, &["ls-files"]).unwrap(), "f\nmade\ntheirs");
    }
}
