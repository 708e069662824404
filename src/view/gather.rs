//! Reads what the view is made of, and reads again what has changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::tail::Tail;
use super::{Watch, summary_path};
use crate::config::Commit;
use crate::plan::{self, Plan, UnitInfo};
use crate::project::current_plan::current_plan;
use crate::report::events::{self, Record, What};
use crate::report::view::{LiveRun, Seen};
use crate::spec::TaskFile;
use crate::state::SpecState;
use crate::store::lock;
use crate::sys::process;

/// So often a plan is made anew that depends on limits which end.
const PLAN_AGAIN: i64 = 10;

/// By what a change of a file shows; `None`: it is not there.
type Stamp = Option<(u64, u64, i64, i64)>;

fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// What is known, as it was last looked at.
pub(super) struct Gatherer<'a> {
    watch: Watch<'a>,
    state: SpecState,
    state_stamp: Option<Stamp>,
    tasks: TaskFile,
    tasks_stamp: Option<Stamp>,
    units: Vec<UnitInfo>,
    plan: Option<Plan>,
    planned_at: Timestamp,
    run: Option<LiveRun>,
    log: EventLog,
    tail: Option<Tail>,
    /// Why the state, or tasks.md, cannot be read.
    trouble: [Option<String>; 2],
}

impl<'a> Gatherer<'a> {
    pub(super) fn new(watch: Watch<'a>) -> Self {
        Self {
            watch,
            state: SpecState::default(),
            state_stamp: None,
            tasks: TaskFile::default(),
            tasks_stamp: None,
            units: Vec::new(),
            plan: None,
            planned_at: Timestamp::UNIX_EPOCH,
            run: None,
            log: EventLog::default(),
            tail: None,
            trouble: [None, None],
        }
    }

    /// Looks at everything; what has not changed costs a `stat`.
    pub(super) fn look(&mut self, now: Timestamp) {
        let Watch { place, config, store, .. } = self.watch;
        // the lock before the log: whoever frees it has written its end before
        let holder = lock::holder(&store.run_lock());
        self.run = holder.map(|holder| LiveRun { pid: holder.pid, since: holder.started_at });
        self.log.read(&store.events_path());
        let mut changed = false;
        let seen = stamp(&store.state_path());
        if self.state_stamp != Some(seen) {
            self.state_stamp = Some(seen);
            match store.load() {
                Ok(state) => {
                    self.state = state;
                    self.state.sum_up();
                    if config.git.commit == Commit::Off {
                        self.state.without_commits();
                    }
                    self.trouble[0] = None;
                    changed = true;
                }
                Err(error) => self.trouble[0] = Some(error.to_string()),
            }
        }
        let seen = stamp(&place.tasks_path());
        if self.tasks_stamp != Some(seen) {
            self.tasks_stamp = Some(seen);
            match place.good_tasks() {
                Ok((_, tasks)) => {
                    self.units = plan::units(&tasks, config.run.granularity);
                    self.tasks = tasks;
                    self.trouble[1] = None;
                    changed = true;
                }
                Err(error) => self.trouble[1] = Some(error.to_string()),
            }
        }
        // limits end without a word
        let old = self.state.all_limits().any(|(_, _, limited)| limited.holds(self.planned_at))
            && (now.as_second() - self.planned_at.as_second()).abs() >= PLAN_AGAIN;
        if changed || old || self.plan.is_none() {
            self.plan = Some(current_plan(place, config, &self.tasks, &self.state, now));
            self.planned_at = now;
        }
        self.look_at_agent();
    }

    fn look_at_agent(&mut self) {
        let Some((unit, attempt)) = self.state.running() else {
            self.tail = None;
            return;
        };
        let dir = self.watch.store.attempt_dir(unit, attempt.number);
        if self.tail.as_ref().is_none_or(|tail| *tail.dir() != dir) {
            self.tail = Some(Tail::of(dir));
        }
        if let Some(tail) = &mut self.tail {
            tail.read();
        }
    }

    /// What was seen, for the view.
    pub(super) fn seen<'b>(&'b self, now: Timestamp, zone: &'b TimeZone) -> Seen<'b> {
        Seen {
            spec: &self.watch.place.name,
            typed: &self.watch.place.typed,
            plan: self.plan.as_ref().expect("a look comes before"),
            units: &self.units,
            state: &self.state,
            run: self.run.as_ref(),
            doing: self.tail.as_ref().map(Tail::doing),
            events: self.events(),
            trouble: self.trouble.iter().flatten().next().map(String::as_str),
            now,
            zone,
        }
    }

    /// What the last run told; nothing yet where the one that lives has not begun to.
    pub(super) fn events(&self) -> &[Record] {
        let began = self.log.records.first().map(|record| record.at);
        // its clock may have been set back since it took the lock
        let slack = Duration::from_secs(1);
        match (&self.run, began) {
            (Some(run), Some(began)) if began + slack < run.since => &[],
            _ => &self.log.records,
        }
    }

    /// Whether a run works on the spec.
    pub(super) fn is_held(&self) -> bool {
        self.run.is_some()
    }

    /// Whether the run whose window this is has said its end; or is gone, and nobody works any more.
    pub(super) fn is_over(&self) -> bool {
        let Some(of_run) = self.watch.of_run else { return false };
        let ended = matches!(self.log.records.last(), Some(Record { what: What::RunEnded { .. }, .. }))
            && matches!(self.log.records.first(), Some(Record { at, what: What::RunStarted { pid, .. }, .. })
                if *pid == of_run.pid && *at >= of_run.since);
        // as it was seen, so that what is shown last is what this was decided by
        let alive = self.tail.as_ref().is_some_and(|tail| tail.doing().alive);
        // one that has not taken the spec yet is not over
        let lives = || process::is_alive(of_run.pid.cast_signed());
        ended || (!self.is_held() && !alive && !lives())
    }

    /// The summary of the last run, where that has one.
    pub(super) fn summary(&self) -> Option<String> {
        matches!(self.log.records.last(), Some(Record { what: What::RunEnded { .. }, .. }))
            .then(|| fs::read_to_string(summary_path(self.watch.store)).ok())
            .flatten()
    }

    /// The events that were read.
    pub(super) fn log(&self) -> &EventLog {
        &self.log
    }
}

/// The events of the last run.
#[derive(Debug, Default)]
pub(super) struct EventLog {
    /// Bytes that were read.
    offset: u64,
    /// A line that has not ended.
    part: Vec<u8>,
    records: Vec<Record>,
    /// Runs that began, so that a reader sees when the records are others'.
    pub(super) runs: usize,
}

impl EventLog {
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    fn read(&mut self, path: &Path) {
        use std::io::{Read, Seek, SeekFrom};
        let Ok(mut file) = fs::File::open(path) else { return };
        let Ok(length) = file.metadata().map(|m| m.len()) else { return };
        if length == self.offset {
            return;
        }
        if length < self.offset {
            // another log stands in its place
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
            if matches!(record.what, What::RunStarted { .. }) {
                self.records.clear();
                self.runs += 1;
            }
            self.records.push(record);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn started(pid: u32) -> String {
        let what = What::RunStarted { spec: "login".into(), pid, steps: vec!["1".into()] };
        Record::new(Timestamp::UNIX_EPOCH, what).line()
    }

    #[test]
    fn the_log_is_read_on_from_where_it_ended_and_holds_the_last_run_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("events.jsonl");
        let mut log = EventLog::default();
        log.read(&path);
        let mut file = fs::File::create(&path).unwrap();
        let stopping = Record::new(Timestamp::UNIX_EPOCH, What::Stopping).line();
        let (first, second) = stopping.split_at(9);
        file.write_all((started(1) + &stopping + &started(2) + first).as_bytes()).unwrap();
        log.read(&path);
        assert_eq!((log.records().len(), log.runs), (1, 2), "a line that has not ended waits");
        file.write_all(second.as_bytes()).unwrap();
        log.read(&path);
        assert_eq!(log.records().len(), 2);
        fs::write(&path, started(3)).unwrap();
        log.read(&path);
        assert!(matches!(log.records(), [Record { what: What::RunStarted { pid: 3, .. }, .. }]));
    }
}
