//! The lock file of an attempt's folder: held while anything of the attempt is alive, and it names its holder.

use std::fs::File;
use std::io::{Seek, Write};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::attempt_dir::AttemptDir;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{files, process};

/// Who works in an attempt's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptHolder {
    /// The attempt's own process.
    pub pid: i32,
    /// Start of that process in clock ticks since boot. Together with the pid it identifies the process.
    pub started: u64,
    /// The agent, which leads its own session.
    pub agent: Option<i32>,
}

/// A lock that this process took.
#[derive(Debug)]
pub struct AttemptLock(File);

impl AttemptLock {
    /// Takes the lock and writes down this process as the holder.
    pub fn take(dir: &AttemptDir) -> Result<Self> {
        let file = files::open_private_file(&dir.lock())?;
        // `status` and its like hold the lock for an instant while they look
        for _ in 0..20 {
            if file.try_lock().is_ok() {
                let mut lock = Self(file);
                lock.note(None);
                return Ok(lock);
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err(Error::new(ErrorKind::Locked, format!("another process works in {}", dir.path().display())))
    }

    /// Writes down the agent. One write of a fixed length, so that a reader never sees half of it.
    pub fn note(&mut self, agent: Option<i32>) {
        let pid = process::own_pid();
        let holder =
            AttemptHolder { pid, started: process::start_time(pid), agent: agent.filter(|pid| *pid > 0) };
        if let Ok(text) = serde_json::to_string(&holder) {
            let _ = self.0.rewind().and_then(|()| self.0.write_all(format!("{text:<128}").as_bytes()));
        }
    }

    /// Lets children inherit the lock: it stays held while anything of the attempt is alive.
    pub fn share_with_children(&self) {
        files::share_with_children(&self.0);
    }

    /// Frees the lock, even if a process that the agent left running still has its descriptor.
    pub fn free(self) {
        let _ = self.0.unlock();
    }
}
