//! Follows the output of a running agent.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::{Format, StreamReader};
use crate::report::view::LiveAttempt;
use crate::store::attempt_dir::{AttemptDir, log_parts};
use crate::store::attempt_folder;
use crate::sys::nofollow;

/// At most this many bytes are read at once. Of more, only the end is read.
const MOST: u64 = 2_000_000;
/// Number of bytes at the end that are read then.
const LAST: u64 = 64_000;

/// Follows the output of an attempt.
pub(super) struct AgentTail {
    dir: AttemptDir,
    format: Option<Format>,
    reader: StreamReader,
    live: LiveAttempt,
    /// The inode of the file, and the number of bytes that are read.
    file: Option<(u64, u64)>,
    /// Whether output was skipped, so that the usage is incomplete.
    skipped: bool,
}

impl AgentTail {
    pub(super) fn of(dir: AttemptDir) -> Self {
        Self {
            dir,
            format: None,
            reader: StreamReader::new(Format::Text),
            live: LiveAttempt::default(),
            file: None,
            skipped: false,
        }
    }

    pub(super) fn dir(&self) -> &AttemptDir {
        &self.dir
    }

    pub(super) fn live(&self) -> &LiveAttempt {
        &self.live
    }

    /// Reads what was added.
    pub(super) fn read(&mut self) {
        self.live.alive = attempt_folder::alive(&self.dir);
        if self.format.is_none() {
            let Some(attempt) = attempt_folder::attempt(&self.dir) else { return };
            self.format = Some(attempt.output);
            self.reader = StreamReader::new(attempt.output);
            let length = |ms: Option<u64>| ms.map(Duration::from_millis);
            self.live.output.root = format!("{}/", attempt.cwd.display());
            self.live.total = length(attempt.deadlines.total_ms);
            self.live.idle = length(attempt.deadlines.idle_ms);
            self.live.first_output = length(attempt.deadlines.first_output_ms);
        }
        let path = self.current();
        let written = |path: &PathBuf| {
            let meta = fs::metadata(path).ok().filter(|m| m.len() > 0)?;
            Timestamp::try_from(meta.modified().ok()?).ok()
        };
        self.live.last_output = written(&path).max(written(&self.dir.stderr()));
        // an error may be gone at the next reading
        let _ = self.read_on(&path);
    }

    /// The file of the log that the agent writes to now.
    fn current(&self) -> PathBuf {
        let [whole, _, newer] = log_parts(&self.dir.output());
        if newer.exists() { newer } else { whole }
    }

    fn read_on(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = nofollow::open(path)?;
        let meta = file.metadata()?;
        let (mut from, known) = match self.file {
            Some((inode, at)) if inode == meta.ino() && at <= meta.len() => (at, true),
            other => (0, other.is_none()),
        };
        if meta.len() == from && known {
            return Ok(());
        }
        if meta.len() - from > MOST || !known {
            from = meta.len().saturating_sub(LAST).max(if known { from } else { 0 });
            self.skipped = true;
            self.reader = StreamReader::new(self.format.unwrap_or(Format::Text));
            self.live.output.gap();
        }
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(meta.len() - from).read_to_end(&mut bytes)?;
        self.file = Some((meta.ino(), from + bytes.len() as u64));
        let output = &mut self.live.output;
        if self.format == Some(Format::Text) {
            output.show_open(String::new());
        }
        self.reader.feed(&bytes, &mut |event| output.take(&event));
        if self.format == Some(Format::Text) {
            output.show_open(self.reader.open_line());
        }
        if self.skipped && output.usage.is_some_and(|usage| !usage.cumulative) {
            // an incomplete sum would look complete
            output.usage = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(dir: &tempfile::TempDir) -> AgentTail {
        let mut tail = AgentTail::of(AttemptDir::new(dir.path()));
        tail.format = Some(Format::Text);
        tail
    }

    #[test]
    fn output_is_followed_over_long_pieces_and_a_new_log_file() {
        let dir = tempfile::tempdir().unwrap();
        let mut tail = tail(&dir);
        tail.read();
        assert!(tail.live().last_output.is_none() && tail.live().output.lines().is_empty());
        let log = dir.path().join("output.jsonl");
        fs::write(&log, "one\ntwo").unwrap();
        tail.read();
        assert_eq!(tail.live().output.lines(), ["one", "two"]);
        assert!(tail.live().last_output.is_some());
        fs::write(&log, "one\ntwo, and\nthree\n").unwrap();
        tail.read();
        assert_eq!(tail.live().output.lines(), ["one", "two, and", "three"]);
        let many = "x\n".repeat(3_000_000) + "last\n";
        fs::write(&log, "one\ntwo, and\nthree\n".to_owned() + &many).unwrap();
        tail.read();
        assert_eq!(tail.live().output.lines().last().unwrap(), "last");
        fs::write(dir.path().join("output.jsonl.2"), "turned\n").unwrap();
        tail.read();
        assert_eq!(tail.live().output.lines(), ["turned"]);
    }
}
