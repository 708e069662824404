//! Follows what a working agent prints.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::agent::{Format, StreamReader};
use crate::report::view::Doing;
use crate::store::attempt_dir::{AttemptDir, log_parts};
use crate::store::attempt_folder;

/// Bytes that are read in one look; whoever prints more is followed in leaps.
const MOST: u64 = 2_000_000;
/// Bytes before the end that are read after a leap.
const LAST: u64 = 64_000;

/// An attempt that is being followed.
pub(super) struct Tail {
    dir: AttemptDir,
    format: Option<Format>,
    reader: StreamReader,
    doing: Doing,
    /// The file that is read, by its inode, and how far.
    file: Option<(u64, u64)>,
    /// Something was leapt over, so sums are not whole.
    leapt: bool,
}

impl Tail {
    pub(super) fn of(dir: AttemptDir) -> Self {
        Self {
            dir,
            format: None,
            reader: StreamReader::new(Format::Text),
            doing: Doing::default(),
            file: None,
            leapt: false,
        }
    }

    pub(super) fn dir(&self) -> &AttemptDir {
        &self.dir
    }

    pub(super) fn doing(&self) -> &Doing {
        &self.doing
    }

    /// Reads what came since the last time.
    pub(super) fn read(&mut self) {
        self.doing.alive = attempt_folder::alive(&self.dir);
        if self.format.is_none() {
            let Some(attempt) = attempt_folder::attempt(&self.dir) else { return };
            self.format = Some(attempt.output);
            self.reader = StreamReader::new(attempt.output);
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
        // what cannot be read now may be so at the next look
        let _ = self.read_on(&path);
    }

    /// The log's last part: the one that is written.
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
            self.leapt = true;
            self.reader = StreamReader::new(self.format.unwrap_or(Format::Text));
            self.doing.heard.gap();
        }
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(meta.len() - from).read_to_end(&mut bytes)?;
        self.file = Some((meta.ino(), from + bytes.len() as u64));
        let heard = &mut self.doing.heard;
        self.reader.feed(&bytes, &mut |event| heard.take(&event));
        if self.leapt && heard.usage.is_some_and(|usage| !usage.cumulative) {
            // a part of the sum would look like all of it
            heard.usage = None;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tail(dir: &tempfile::TempDir) -> Tail {
        let mut tail = Tail::of(AttemptDir::new(dir.path()));
        tail.format = Some(Format::Text);
        tail
    }

    #[test]
    fn what_is_printed_is_followed_over_leaps_and_turns_of_the_log() {
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
