//! A log that people read in the work tree, with a copy where `git clean` does not reach.

use std::fs;
use std::path::PathBuf;

use crate::error::Result;
use crate::sys::files;

/// A file that is only appended to. During a run it is written again where somebody removes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptLog {
    path: PathBuf,
    copy: Option<PathBuf>,
    /// The mode of a new file.
    mode: u32,
}

impl KeptLog {
    pub(super) fn new(path: PathBuf, copy: Option<PathBuf>, mode: u32) -> Self {
        Self { path, copy, mode }
    }

    /// Brings the copy up to date when a run begins. What a person removed before stays removed, unless the run
    /// `resumes`.
    pub(super) fn watch(&self, resumes: bool) {
        let Some(copy) = &self.copy else { return };
        let length = |path: &PathBuf| fs::metadata(path).map(|data| data.len()).ok();
        match length(&self.path) {
            Some(long) if length(copy) != Some(long) => drop(files::copy(&self.path, copy, self.mode)),
            None if !resumes => drop(fs::remove_file(copy)),
            _ => {}
        }
    }

    /// Appends to the log; a new one begins with `head`.
    pub fn append(&self, head: &str, text: &str) -> Result<()> {
        let is_new = !self.path.exists();
        let mut restored = false;
        if let Some(copy) = self.copy.as_ref().filter(|copy| is_new && copy.exists()) {
            if let Some(folder) = self.path.parent() {
                files::create_private_dir(folder)?;
            }
            restored = files::copy(copy, &self.path, self.mode).is_ok();
        }
        let entry = if is_new && !restored { format!("{head}{text}") } else { text.to_owned() };
        files::append(&self.path, entry.as_bytes(), self.mode)?;
        match &self.copy {
            Some(copy) => files::append(copy, entry.as_bytes(), self.mode),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_is_removed_during_a_run_is_written_again() {
        let dir = tempfile::tempdir().unwrap();
        let (path, copy) = (dir.path().join("work/log"), dir.path().join("copy"));
        fs::create_dir(dir.path().join("work")).unwrap();
        let log = KeptLog::new(path.clone(), Some(copy), 0o600);
        log.watch(false);
        log.append("head\n", "one\n").unwrap();
        fs::remove_dir_all(dir.path().join("work")).unwrap();
        log.append("head\n", "two\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "head\none\ntwo\n");
        fs::remove_file(&path).unwrap();
        log.watch(false);
        log.append("head\n", "three\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "head\nthree\n", "removed between two runs");
    }
}
