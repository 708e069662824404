//! Sees that files have changed, without reading them.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::project::SpecPlace;
use crate::store::lock;

/// Inode, length and time of each file, and the process that holds each lock: these differ where something has changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FileStamps {
    files: Vec<Option<(u64, u64, i64, i64)>>,
    holders: Vec<Option<u32>>,
}

impl FileStamps {
    pub(super) fn add(&mut self, path: &Path) {
        let meta = fs::metadata(path).ok();
        self.files.push(meta.map(|meta| (meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec())));
    }

    /// Adds what says where a spec stands.
    pub(super) fn add_spec(&mut self, place: &SpecPlace) {
        let store = place.store();
        for path in [store.state_path(), place.tasks_path(), store.events_path()] {
            self.add(&path);
        }
        self.add(store.request_box().folder());
        self.holders.push(lock::holder(&store.run_lock()).map(|holder| holder.pid));
    }
}
