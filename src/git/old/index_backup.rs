//! The user's index, saved before a commit that may be refused.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::repository::index_file;

/// The bytes of the index before and after a task's files were added to it.
pub(super) struct IndexBackup {
    path: PathBuf,
    before: Vec<u8>,
    /// When git wrote `before`. Git compares this time with those of the files to know which of them to read.
    written: SystemTime,
    after: Vec<u8>,
}

impl IndexBackup {
    /// Saves the index; `None` if there is none yet.
    pub(super) fn take(top: &Path) -> Option<Self> {
        let path = index_file(top)?.canonicalize().ok()?;
        let before = fs::read(&path).ok()?;
        let written = path.metadata().and_then(|data| data.modified()).ok()?;
        Some(Self { path, before, written, after: Vec::new() })
    }

    /// Notes the index with the task's files in it.
    pub(super) fn note_changes(mut self) -> Self {
        self.after = fs::read(&self.path).unwrap_or_default();
        self
    }

    /// Restores the index and returns whether it did. It does not if another git process is changing the index or has
    /// changed it since, because that change would be lost.
    pub(super) fn restore(&self) -> bool {
        let mut lock = self.path.clone().into_os_string();
        lock.push(".lock");
        let lock = PathBuf::from(lock);
        // as git does it: the lock file becomes the new index
        let Ok(mut file) = File::options().write(true).create_new(true).open(&lock) else { return false };
        let mut write = || -> io::Result<bool> {
            if fs::read(&self.path)? != self.after {
                return Ok(false);
            }
            file.write_all(&self.before)?;
            file.set_permissions(self.path.metadata()?.permissions())?;
            file.set_modified(self.written)?;
            file.sync_all()?;
            fs::rename(&lock, &self.path).map(|()| true)
        };
        let restored = write().unwrap_or(false);
        if !restored {
            let _ = fs::remove_file(&lock);
        }
        restored
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::old::runner::run;
    use crate::git::old::testing::repo;

    #[test]
    fn an_index_that_another_git_changes_or_changed_is_not_restored() {
        let dir = repo();
        let at = dir.path();
        for name in ["f", "made", "theirs"] {
            fs::write(at.join(name), "x").unwrap();
        }
        run(at, &["add", "f"]).unwrap();
        let backup = || {
            let backup = IndexBackup::take(at).unwrap();
            run(at, &["add", "made"]).unwrap();
            backup.note_changes()
        };
        let (path, lock) = (at.join(".git/index"), at.join(".git/index.lock"));
        let busy = backup();
        fs::write(&lock, "").unwrap();
        assert!(!busy.restore() && lock.exists(), "the lock belongs to another process");
        fs::remove_file(&lock).unwrap();
        assert!(busy.restore() && fs::read(&path).unwrap() == busy.before);
        let outdated = backup();
        run(at, &["add", "theirs"]).unwrap();
        assert!(!outdated.restore() && !lock.exists());
        assert_eq!(run(at, &["ls-files"]).unwrap(), "f\nmade\ntheirs");
    }
}
