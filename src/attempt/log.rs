//! The log of an agent's output, byte for byte, with an upper bound.
//!
//! Up to the bound it is one file. Beyond half of it, what comes goes into two files of a quarter each that take
//! turns, so that the beginning and the end are kept, whatever comes between.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::store::record::log_parts;
use crate::sys::files;

/// A log that is being written.
#[derive(Debug)]
pub(super) struct Log {
    parts: [PathBuf; 3],
    file: File,
    /// Bytes that still fit into `file`.
    room: u64,
    /// Size of each of the files that take turns.
    turn: u64,
    error: Option<String>,
}

impl Log {
    pub(super) fn create(path: &Path, max_bytes: u64) -> Result<Self> {
        let file = files::create_private_file(path)?;
        let room = (max_bytes / 2).max(1);
        Ok(Self { parts: log_parts(path), file, room, turn: (max_bytes / 4).max(1), error: None })
    }

    /// Appends. What cannot be written (a full disk) is lost from here on, and said at the end: the agent goes on.
    pub(super) fn write(&mut self, mut bytes: &[u8]) {
        while self.error.is_none() && !bytes.is_empty() {
            let fits = usize::try_from(self.room).unwrap_or(usize::MAX).min(bytes.len());
            let (now, later) = bytes.split_at(fits);
            let written = self.file.write_all(now).and_then(|()| {
                self.room -= fits as u64;
                if later.is_empty() { Ok(()) } else { self.turn() }
            });
            if let Err(e) = written {
                self.error = Some(format!("writing the log: {e}"));
            }
            bytes = later;
        }
    }

    fn turn(&mut self) -> io::Result<()> {
        let [_, older, newer] = &self.parts;
        match fs::rename(newer, older) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        self.file = files::create_private_file(newer).map_err(io::Error::other)?;
        self.room = self.turn;
        Ok(())
    }

    pub(super) fn error(self) -> Option<String> {
        self.error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logged(max: u64, pieces: &[&[u8]]) -> (Vec<u8>, Vec<u8>, Vec<u8>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = Log::create(&path, max).unwrap();
        for piece in pieces {
            log.write(piece);
        }
        assert_eq!(log.error(), None);
        let [a, b, c] = log_parts(&path).map(|part| fs::read(part).unwrap_or_default());
        (a, b, c)
    }

    #[test]
    fn what_fits_is_kept_whole_in_order() {
        let (a, b, c) = logged(16, &[b"abcdef", b"ghij", b"klmnop"]);
        assert_eq!([a, b, c].concat(), b"abcdefghijklmnop");
    }

    #[test]
    fn beginning_and_end_are_kept_of_what_does_not_fit() {
        let (a, b, c) = logged(8, &[b"abcdefghijklmnopqrstuvwxyz"]);
        assert_eq!((a.as_slice(), b.as_slice(), c.as_slice()), (&b"abcd"[..], &b"wx"[..], &b"yz"[..]));
    }
}
