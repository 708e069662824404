//! Reads the files that the view shows, and reads them again where they have changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::event_log::EventLog;
use super::tail::AgentTail;
use super::watch::Watch;
use crate::config::Commit;
use crate::plan::{self, Plan, UnitInfo};
use crate::project::current_plan::current_plan;
use crate::report::events::{Record, What};
use crate::report::view::{LiveRun, Seen};
use crate::spec::TaskFile;
use crate::state::SpecState;
use crate::store::lock;
use crate::sys::process;

/// How often, in seconds, a plan is made again while limits hold: they end without a change of a file.
const PLAN_AGAIN: i64 = 10;

/// Inode, length and time of a file, which show a change; `None` where there is no file.
type FileStamp = Option<(u64, u64, i64, i64)>;

fn stamp(path: &Path) -> FileStamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// What was read last.
pub(super) struct Gatherer<'a> {
    watch: Watch<'a>,
    state: SpecState,
    state_stamp: Option<FileStamp>,
    tasks: TaskFile,
    tasks_stamp: Option<FileStamp>,
    units: Vec<UnitInfo>,
    plan: Option<Plan>,
    planned_at: Timestamp,
    run: Option<LiveRun>,
    log: EventLog,
    tail: Option<AgentTail>,
    /// Why the state and tasks.md cannot be read.
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

    /// Reads what has changed. A file that has not changed costs a `stat`.
    pub(super) fn look(&mut self, now: Timestamp) {
        let Watch { place, config, store, .. } = self.watch;
        // the lock before the log: a run writes its end to the log before it frees the lock
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
            self.tail = Some(AgentTail::of(dir));
        }
        if let Some(tail) = &mut self.tail {
            tail.read();
        }
    }

    /// What was read, for the view.
    pub(super) fn seen<'b>(&'b self, now: Timestamp, zone: &'b TimeZone) -> Seen<'b> {
        Seen {
            spec: &self.watch.place.name,
            typed: &self.watch.place.typed,
            plan: self.plan.as_ref().expect("`look` is called first"),
            units: &self.units,
            state: &self.state,
            run: self.run.as_ref(),
            doing: self.tail.as_ref().map(AgentTail::doing),
            events: self.events(),
            trouble: self.trouble.iter().flatten().next().map(String::as_str),
            now,
            zone,
        }
    }

    /// The events of the active run, or else of the last one.
    pub(super) fn events(&self) -> &[Record] {
        let began = self.log.records().first().map(|record| record.at);
        // the clock may have been set back since the run took the lock
        let slack = Duration::from_secs(1);
        match (&self.run, began) {
            (Some(run), Some(began)) if began + slack < run.since => &[],
            _ => self.log.records(),
        }
    }

    /// Whether a run is active.
    pub(super) fn is_held(&self) -> bool {
        self.run.is_some()
    }

    /// Whether the run whose window this is has written its end, or is gone with no agent left running.
    pub(super) fn is_over(&self) -> bool {
        let Some(of_run) = self.watch.of_run else { return false };
        let ended = matches!(self.log.records().last(), Some(Record { what: What::RunEnded { .. }, .. }))
            && matches!(self.log.records().first(), Some(Record { at, what: What::RunStarted { pid, .. }, .. })
                if *pid == of_run.pid && *at >= of_run.since);
        // from the last look, so that the last view shows what this is based on
        let alive = self.tail.as_ref().is_some_and(|tail| tail.doing().alive);
        // a run that has not taken the lock yet is not over
        let lives = || process::is_alive(of_run.pid.cast_signed());
        ended || (!self.is_held() && !alive && !lives())
    }

    /// The summary of the last run, once it has ended.
    pub(super) fn summary(&self) -> Option<String> {
        matches!(self.log.records().last(), Some(Record { what: What::RunEnded { .. }, .. }))
            .then(|| fs::read_to_string(self.watch.store.summary_path()).ok())
            .flatten()
    }

    /// The events that were read.
    pub(super) fn log(&self) -> &EventLog {
        &self.log
    }
}
