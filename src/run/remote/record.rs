//! What a clone keeps of its pushes to the ref of a spec, and the lock of the process that pushes there.

use std::fs::File;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{files, nofollow};

/// Objects that are remembered.
const REMEMBERED: usize = 8;
/// Bytes that a record may have.
const RECORD_MAX: u64 = 64_000;

/// The objects that runs of this clone pushed last, or tried to push. If the remote has one of them, no other machine was at
/// work since.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct MadeObjects {
    made: Vec<String>,
}

/// The record of a spec in a clone, which one process has at a time.
#[derive(Debug)]
pub(super) struct CloneRecord {
    path: PathBuf,
    content: MadeObjects,
    _lock: File,
}

impl CloneRecord {
    /// Takes the record of the spec with this key. `common`: git's folder that all work trees share.
    pub(super) fn take(common: &Path, key: &str) -> Result<Self> {
        let folder = common.join("seqorch").join(".remote");
        files::create_private_dir(&folder)?;
        let lock = files::open_private_file(&folder.join(format!("{key}.lock")))?;
        lock.try_lock().map_err(|_| {
            Error::new(ErrorKind::Locked, "another process of this clone works on the spec right now")
                .hint("See `seqorch status`, or wait for its end.")
        })?;
        let path = folder.join(format!("{key}.json"));
        let read = nofollow::read(&path, RECORD_MAX).ok();
        // a broken record only costs the time until the lease ends
        let content = read.and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Ok(Self { path, content, _lock: lock })
    }

    /// The objects.
    pub(super) fn made(&self) -> &[String] {
        &self.content.made
    }

    /// Remembers an object before it is pushed.
    pub(super) fn add(&mut self, object: &str) -> Result<()> {
        if self.content.made.iter().any(|made| made == object) {
            return Ok(());
        }
        self.content.made.push(object.to_owned());
        let many = self.content.made.len();
        self.content.made.drain(..many.saturating_sub(REMEMBERED));
        let bytes = serde_json::to_vec(&self.content).unwrap_or_default();
        files::replace(&self.path, &bytes, 0o600)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_remembers_its_last_objects_and_lets_one_process_push() {
        let dir = tempfile::tempdir().unwrap();
        let root = std::fs::canonicalize(dir.path()).unwrap();
        let mut record = CloneRecord::take(&root, "a").unwrap();
        assert_eq!(CloneRecord::take(&root, "a").unwrap_err().kind(), ErrorKind::Locked);
        for number in 0..20 {
            record.add(&number.to_string()).unwrap();
        }
        drop(record);
        let record = CloneRecord::take(&root, "a").unwrap();
        assert_eq!(record.made().first().map(String::as_str), Some("12"));
        assert_eq!(record.made().len(), REMEMBERED);
        std::fs::write(root.join("seqorch/.remote/b.json"), "{").unwrap();
        assert!(CloneRecord::take(&root, "b").unwrap().made().is_empty());
    }
}
