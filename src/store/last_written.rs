//! The state file as this process wrote it last: as long as it is the same, it is not parsed before the next write.

use std::sync::{Arc, Mutex};

use super::state_file::StateFile;

/// The bytes and what they say, if anything was written.
#[derive(Debug, Clone, Default)]
pub(super) struct LastWritten(Arc<Mutex<Option<WrittenFile>>>);

#[derive(Debug)]
struct WrittenFile {
    bytes: Vec<u8>,
    file: StateFile,
}

impl LastWritten {
    /// The file with these bytes, if they were written last.
    pub(super) fn take(&self, bytes: &[u8]) -> Option<StateFile> {
        let written = self.0.lock().ok()?.take();
        written.filter(|written| written.bytes == bytes).map(|written| written.file)
    }

    /// Notes what was written.
    pub(super) fn keep(&self, bytes: Vec<u8>, file: StateFile) {
        if let Ok(mut written) = self.0.lock() {
            *written = Some(WrittenFile { bytes, file });
        }
    }
}
