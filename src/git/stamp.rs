//! Knows a changed file from the same one without reading it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// By this a changed file is known from the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    size: u64,
    inode: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl From<&fs::Metadata> for Stamp {
    fn from(data: &fs::Metadata) -> Self {
        Self {
            size: data.size(),
            inode: data.ino(),
            modified: (data.mtime(), data.mtime_nsec()),
            changed: (data.ctime(), data.ctime_nsec()),
        }
    }
}

impl Stamp {
    /// That of the file, or of the link, at a path; `None` where there is none.
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        fs::symlink_metadata(path).ok().map(|data| Self::from(&data))
    }

    /// That of what a link leads to.
    pub(super) fn of_target(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|data| Self::from(&data))
    }
}
