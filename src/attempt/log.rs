//! The log of an agent's output, byte for byte, up to a limit.
//!
//! The first file takes half of the limit. After that, two files of a quarter each take turns. So the beginning and the
//! end are kept, however much comes between.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::store::attempt_dir::log_parts;
use crate::sys::files;

/// A log that is open for writing.
#[derive(Debug)]
pub(super) struct OutputLog {
    parts: [PathBuf; 3],
    file: File,
    /// Bytes that still fit into `file`.
    room: u64,
    /// Size of the files that take turns.
    turn_bytes: u64,
    error: Option<String>,
}

impl OutputLog {
    pub(super) fn create(path: &Path, max_bytes: u64) -> Result<Self> {
        let file = files::create_private_file(path)?;
        let room = (max_bytes / 2).max(1);
        Ok(Self { parts: log_parts(path), file, room, turn_bytes: (max_bytes / 4).max(1), error: None })
    }

    /// Appends to the log. After a failed write (a full disk) nothing more is written, and the result says so: the agent
    /// continues.
    pub(super) fn write(&mut self, mut bytes: &[u8]) {
        while self.error.is_none() && !bytes.is_empty() {
            let fits = usize::try_from(self.room).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(fits);
            let written = self.file.write_all(now).and_then(|()| {
                self.room -= fits as u64;
                if later.is_empty() { Ok(()) } else { self.next_file() }
            });
            if let Err(e) = written {
                self.error = Some(format!("writing the log: {e}"));
            }
            bytes = later;
        }
    }

    fn next_file(&mut self) -> io::Result<()> {
        let [_, older, newer] = &self.parts;
        files::rename(newer, older)?;
        self.file = files::create_private_file(newer).map_err(io::Error::other)?;
        self.room = self.turn_bytes;
        Ok(())
    }

    /// Why the log is not complete.
    pub(super) fn error(self) -> Option<String> {
        self.error
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn logged(max: u64, pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = OutputLog::create(&path, max).unwrap();
        for piece in pieces {
            log.write(piece);
        }
        assert_eq!(log.error(), None);
        let [a, b, c] = log_parts(&path).map(|part| fs::read(part).unwrap_or_default());
        (a, b, c)
    }

    #[test]
    fn a_short_log_is_kept_whole_and_in_order() {
        let (a, b, c) = logged(16, &[b"abcdef", b"ghij", b"klmnop"]);
        assert_eq!([a, b, c].concat(), b"abcdefghijklmnop");
    }

    #[test]
    fn a_long_log_keeps_its_beginning_and_its_end() {
        let (a, b, c) = logged(8, &[b"abcdefghijklmnopqrstuvwxyz"]);
        assert_eq!((a.as_slice(), b.as_slice(), c.as_slice()), (&b"abcd"[..], &b"wx"[..], &b"yz"[..]));
    }
}
