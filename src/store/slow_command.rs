//! The command that a run waits for, for as long as it takes: `status` names it.

use std::fs;
use std::io;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::files;

/// A command that takes longer than a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlowCommand {
    /// The command, as people read it.
    pub command: String,
    /// When that was noticed.
    pub since: Timestamp,
}

impl SlowCommand {
    /// The command that a run waits for now, if there is one. Only while a run is there: a killed one leaves the file.
    #[must_use]
    pub fn read(path: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(path).ok()?).ok()
    }

    /// Writes it for other programs.
    pub fn write(&self, path: &Path) -> Result<()> {
        let bytes = serde_json::to_vec(self)
            .map_err(|e| Error::new(ErrorKind::Internal, "writing a command").caused_by(e))?;
        files::replace(path, &bytes, 0o600)
    }

    /// Removes what was written.
    pub fn remove(path: &Path) -> Result<()> {
        match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(Error::io("removing", path, e)),
            _ => Ok(()),
        }
    }
}
