//! Follows the output of a running agent.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::{Format, Reader};
use crate::report::view::Doing;
use crate::store::attempt_folder;
use crate::store::record::{AttemptDir, log_parts};

/// Bytes that are read at once. Of a longer piece, only the end is read.
const MOST: u64 = 2_000_000;
/// How many bytes of the end are read then.
const LAST: u64 = 64_000;

/// The output of an attempt, followed.
pub(super) struct AgentTail {
    dir: AttemptDir,
    format: Option<Format>,
    reader: Reader,
    doing: Doing,
    /// The inode of the file, and how far it is read.
    file: Option<(u64, u64)>,
    /// Something was not read, so sums are incomplete.
    skipped: bool,
}

impl AgentTail {
    pub(super) fn of(dir: AttemptDir) -> Self {
        Self {
            dir,
            format: None,
            reader: Reader::new(Format::Text),
            doing: Doing::default(),
            file: None,
            skipped: false,
        }
    }

    pub(super) fn dir(&self) -> &AttemptDir {
        &self.dir
    }

    pub(super) fn doing(&self) -> &Doing {
        &self.doing
    }

    /// Reads what is new.
    pub(super) fn read(&mut self) {
        self.doing.alive = attempt_folder::alive(&self.dir);
        if self.format.is_none() {
            let Some(attempt) = attempt_folder::attempt(&self.dir) else { return };
            self.format = Some(attempt.output);
            self.reader = Reader::new(attempt.output);
            let length = |ms: Option<u64>| ms.map(Duration::from_millis);
            self.doing.heard.root = format!("{}/", attempt.cwd.display());
            self.doing.total = length(attempt.deadlines.total_ms);
            self.doing.idle = length(attempt.deadlines.idle_ms);
            self.doing.first_output = length(attempt.deadlines.first_output_ms);
        }
        let path = self.current();
        let written = |path: &PathBuf| {
            let meta = fs::metadata(path).ok().filter(|m| m.len() > 0)?;
            Timestamp::try_from(meta.modified().ok()?).ok()
        };
        self.doing.last_output = written(&path).max(written(&self.dir.stderr()));
        // a failure may pass until the next time
        let _ = self.read_on(&path);
    }

    /// The part of the log that is written to.
    fn current(&self) -> PathBuf {
        let [whole, _, newer] = log_parts(&self.dir.output());
        if newer.exists() { newer } else { whole }
    }

    fn read_on(&mut self, path: &PathBuf) -> std::io::Result<()> {
        let mut file = File::open(path)?;
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
            self.reader = Reader::new(self.format.unwrap_or(Format::Text));
            self.doing.heard.gap();
        }
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(meta.len() - from).read_to_end(&mut bytes)?;
        self.file = Some((meta.ino(), from + bytes.len() as u64));
        let heard = &mut self.doing.heard;
        self.reader.feed(&bytes, &mut |event| heard.take(&event));
        if self.skipped && heard.usage.is_some_and(|usage| !usage.cumulative) {
            // a part of the sum would look like the whole
            heard.usage = None;
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
        assert!(tail.doing().last_output.is_none() && tail.doing().heard.lines().is_empty());
        let log = dir.path().join("output.jsonl");
        fs::write(&log, "one\ntwo").unwrap();
        tail.read();
        assert_eq!(tail.doing().heard.lines(), ["one", "two"]);
        assert!(tail.doing().last_output.is_some());
        fs::write(&log, "one\ntwo, and\nthree\n").unwrap();
        tail.read();
        assert_eq!(tail.doing().heard.lines(), ["one", "two, and", "three"]);
        let many = "x\n".repeat(3_000_000) + "last\n";
        fs::write(&log, "one\ntwo, and\nthree\n".to_owned() + &many).unwrap();
        tail.read();
        assert_eq!(tail.doing().heard.lines().last().unwrap(), "last");
        fs::write(dir.path().join("output.jsonl.2"), "turned\n").unwrap();
        tail.read();
        assert_eq!(tail.doing().heard.lines(), ["turned"]);
    }
}
