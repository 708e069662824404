//! The command of git or tmux that a run waits for, so that other processes can name it.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::sys::command::CommandWatch;
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::{files, process};

/// `busy.json` in the folder of a spec.
#[derive(Debug, Clone)]
pub struct BusyFile(PathBuf);

/// A command that takes longer than a moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusyCommand {
    /// The command, as people read it.
    pub command: String,
    /// Since when it was known to take long.
    pub since: Timestamp,
    /// The process that waits for it.
    pid: i32,
}

impl BusyFile {
    /// The file in the folder of a spec.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self(folder.join("busy.json"))
    }

    /// The command that is waited for now.
    #[must_use]
    pub fn look(&self) -> Option<BusyCommand> {
        let busy: BusyCommand = serde_json::from_slice(&nofollow::read(&self.0, WHOLE_MAX).ok()?).ok()?;
        process::is_alive(busy.pid).then_some(busy)
    }
}

impl CommandWatch for BusyFile {
    fn slow(&self, command: &str) {
        let busy =
            BusyCommand { command: command.to_owned(), since: Timestamp::now(), pid: process::own_pid() };
        // it is only for those who look
        let _ = files::write_private(&self.0, &serde_json::to_vec(&busy).unwrap_or_default());
    }

    fn over(&self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_while_it_is_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let file = BusyFile::new(dir.path());
        assert_eq!(file.look(), None);
        file.slow("git commit");
        assert_eq!(file.look().unwrap().command, "git commit");
        file.over();
        assert_eq!(file.look(), None);
    }
}
