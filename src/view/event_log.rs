//! Follows the event log of a spec.

use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use crate::report::events::{self, EventKind, EventRecord};
use crate::sys::nofollow;

/// The events of the last run.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    /// Number of bytes that are read.
    offset: u64,
    /// An incomplete last line.
    part: Vec<u8>,
    records: Vec<EventRecord>,
    /// Number of runs in the log, so that a reader notices when the records are those of a new run.
    pub(super) runs: usize,
}

impl EventLog {
    pub(super) fn records(&self) -> &[EventRecord] {
        &self.records
    }

    /// Reads what was added.
    pub(super) fn read(&mut self, path: &Path) {
        let Ok(mut file) = nofollow::open(path) else { return };
        let Ok(length) = file.metadata().map(|m| m.len()) else { return };
        if length == self.offset {
            return;
        }
        if length < self.offset {
            // the log was replaced
            *self = Self { runs: self.runs, ..Self::default() };
        }
        let mut bytes = std::mem::take(&mut self.part);
        if file.seek(SeekFrom::Start(self.offset)).is_err() {
            return;
        }
        let Ok(count) = file.read_to_end(&mut bytes) else { return };
        self.offset += count as u64;
        let whole = bytes.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        self.part = bytes.split_off(whole);
        for record in events::read(&String::from_utf8_lossy(&bytes)) {
            if matches!(record.kind, EventKind::RunStarted { .. }) {
                self.records.clear();
                self.runs += 1;
            }
            self.records.push(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;

    use jiff::Timestamp;

    use super::*;

    fn started(pid: u32) -> String {
        let what = EventKind::RunStarted { spec: "login".into(), pid, steps: vec!["1".into()] };
        EventRecord::new(Timestamp::UNIX_EPOCH, what).line()
    }

    #[test]
    fn the_log_is_followed_and_keeps_only_the_last_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut log = EventLog::default();
        log.read(&path);
        let mut file = fs::File::create(&path).unwrap();
        let stopping = EventRecord::new(Timestamp::UNIX_EPOCH, EventKind::Stopping).line();
        let (first, second) = stopping.split_at(9);
        file.write_all((started(1) + &stopping + &started(2) + first).as_bytes()).unwrap();
        log.read(&path);
        assert_eq!((log.records().len(), log.runs), (1, 2), "an incomplete line is not an event");
        file.write_all(second.as_bytes()).unwrap();
        log.read(&path);
        assert_eq!(log.records().len(), 2);
        fs::write(&path, started(3)).unwrap();
        log.read(&path);
        assert!(matches!(log.records(), [EventRecord { kind: EventKind::RunStarted { pid: 3, .. }, .. }]));
    }
}
