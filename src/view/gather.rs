//! Reads the files that the view shows, and reads them again when they have changed.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::event_log::EventLog;
use super::tail::AgentTail;
use super::watch::Watch;
use crate::plan::{self, Plan, UnitInfo};
use crate::project::current_plan::shown_plan;
use crate::report::events::{EventKind, EventRecord};
use crate::report::text::last_lines;
use crate::report::times::busy_line;
use crate::report::view::{LiveRun, ViewSource};
use crate::spec::TaskFile;
use crate::state::SpecState;
use crate::store::activity::note_last_sign;
use crate::store::busy_file::BusyFile;
use crate::store::lock;
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::process;

/// While limits hold, a new plan is made every this many seconds: a limit ends without a change of a file.
const PLAN_AGAIN: i64 = 10;

/// Inode, length and time of a file, which show a change; `None` if there is no file.
type FileStamp = Option<(u64, u64, i64, i64)>;

fn stamp(path: &Path) -> FileStamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec()))
}

/// The files as they were read last.
pub struct Gatherer<'a> {
    watch: Watch<'a>,
    state: SpecState,
    state_stamp: Option<FileStamp>,
    /// What people asked of the run, and it has not taken yet.
    asked_stamp: Option<FileStamp>,
    tasks: TaskFile,
    tasks_stamp: Option<FileStamp>,
    units: Vec<UnitInfo>,
    plan: Option<Plan>,
    planned_at: Timestamp,
    run: Option<LiveRun>,
    log: EventLog,
    tail: Option<AgentTail>,
    /// The command that the run waits for, as a line.
    busy: Option<String>,
    /// The summary of the last run, and the number of runs in the log when it was read.
    summary: Option<(usize, String)>,
    /// The last words of a run that an error ended.
    errors: Option<String>,
    /// Why the state (first) and tasks.md (second) cannot be read.
    trouble: [Option<String>; 2],
}

impl<'a> Gatherer<'a> {
    /// Nothing has been read yet.
    #[must_use]
    pub fn new(watch: Watch<'a>) -> Self {
        Self {
            watch,
            state: SpecState::default(),
            state_stamp: None,
            asked_stamp: None,
            tasks: TaskFile::default(),
            tasks_stamp: None,
            units: Vec::new(),
            plan: None,
            planned_at: Timestamp::UNIX_EPOCH,
            run: None,
            log: EventLog::default(),
            tail: None,
            busy: None,
            summary: None,
            errors: None,
            trouble: [None, None],
        }
    }

    /// Reads what has changed. A file that has not changed costs a `stat`.
    pub fn look(&mut self, now: Timestamp) {
        let Watch { place, config, store, .. } = self.watch;
        // the lock before the log: a run writes its end to the log before it frees the lock
        let holder = lock::holder(&store.run_lock());
        self.run = holder.map(|holder| LiveRun { pid: holder.pid, since: holder.started_at });
        self.log.read(&store.events_path());
        let busy = self.run.as_ref().and_then(|_| BusyFile::new(&store.folder()).look());
        self.busy = busy.map(|busy| busy_line(&busy.command, busy.since, now));
        let mut changed = false;
        let source = stamp(&store.state_path());
        let tasks = stamp(&place.tasks_path());
        let asked = stamp(store.request_box().folder());
        let is_old = self.state_stamp != Some(source) || self.asked_stamp != Some(asked);
        // the state has the ids of tasks.md
        if is_old || self.tasks_stamp != Some(tasks) {
            (self.state_stamp, self.asked_stamp) = (Some(source), Some(asked));
            match place.state(config) {
                Ok(state) => {
                    self.state = state;
                    self.trouble[0] = None;
                    changed = true;
                }
                Err(error) => self.trouble[0] = Some(error.to_string()),
            }
        }
        note_last_sign(store, &mut self.state);
        if self.tasks_stamp != Some(tasks) {
            self.tasks_stamp = Some(tasks);
            match place.shown_tasks() {
                Ok((tasks, trouble)) => {
                    // what was read before is better than the rest of a broken file
                    if trouble.is_none() || self.plan.is_none() {
                        self.units = plan::units(&tasks, config.run.granularity);
                        self.tasks = tasks;
                        changed = true;
                    }
                    self.trouble[1] = trouble;
                }
                Err(error) => self.trouble[1] = Some(error.to_string()),
            }
        }
        let old = self.state.all_limits().any(|(_, _, limited)| limited.holds(self.planned_at))
            && (now.as_second() - self.planned_at.as_second()).abs() >= PLAN_AGAIN;
        if changed || old || self.plan.is_none() {
            self.plan = Some(shown_plan(place, config, &self.tasks, &self.state, now));
            self.planned_at = now;
        }
        self.look_at_agent();
        self.look_at_end();
    }

    /// Reads what a run that is over has left.
    fn look_at_end(&mut self) {
        if !self.has_ended() {
            self.summary = None;
        } else if self.summary.as_ref().is_none_or(|(runs, _)| *runs != self.log.runs) {
            let text = nofollow::read(&self.watch.store.summary_path(), WHOLE_MAX);
            self.summary = text.ok().map(|text| (self.log.runs, String::from_utf8_lossy(&text).into_owned()));
        }
        let over = self.watch.errors.filter(|_| self.run.is_none() && !self.has_ended());
        self.errors = over.and_then(|path| {
            let text = nofollow::read(path, WHOLE_MAX).ok()?;
            let text = last_lines(&String::from_utf8_lossy(&text), 4);
            (!text.is_empty()).then(|| text.replace('\n', " · "))
        });
    }

    fn has_ended(&self) -> bool {
        matches!(self.log.records().last(), Some(EventRecord { kind: EventKind::RunEnded { .. }, .. }))
    }

    fn look_at_agent(&mut self) {
        let Some((unit, attempt)) = self.state.running() else {
            self.tail = None;
            return;
        };
        let dir = self.watch.store.attempt_dir(self.state.folder(unit), attempt.number);
        if self.tail.as_ref().is_none_or(|tail| *tail.dir() != dir) {
            self.tail = Some(AgentTail::of(dir));
        }
        if let Some(tail) = &mut self.tail {
            tail.read();
        }
    }

    /// The data of the view.
    ///
    /// # Panics
    ///
    /// Where nothing was looked at before.
    pub fn source<'b>(&'b self, now: Timestamp, zone: &'b TimeZone) -> ViewSource<'b> {
        ViewSource {
            spec: &self.watch.place.name,
            typed: &self.watch.place.typed,
            plan: self.plan.as_ref().expect("`look` is called first"),
            units: &self.units,
            state: &self.state,
            run: self.run.as_ref(),
            live: self.tail.as_ref().map(AgentTail::live),
            events: self.events(),
            summary: self.summary(),
            has_bad_tasks: self.trouble[1].is_some(),
            trouble: self
                .trouble
                .iter()
                .flatten()
                .chain(&self.busy)
                .chain(&self.errors)
                .next()
                .map(String::as_str),
            now,
            zone,
        }
    }

    /// The events of the active run, or else of the last one.
    pub(super) fn events(&self) -> &[EventRecord] {
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

    /// Whether the run of this window has written its end, or was killed and left no agent running.
    pub(super) fn is_over(&self) -> bool {
        let Some(of_run) = self.watch.of_run else { return false };
        let ended = matches!(
            self.log.records().last(),
            Some(EventRecord { kind: EventKind::RunEnded { .. }, .. })
        ) && matches!(self.log.records().first(), Some(EventRecord { at, kind: EventKind::RunStarted { pid, .. }, .. })
                if *pid == of_run.pid && *at >= of_run.since);
        // as of the last reading, so that the last view shows the same
        let alive = self.tail.as_ref().is_some_and(|tail| tail.live().alive);
        // a run that has not taken the lock yet is not over
        let lives = || process::is_alive(of_run.pid.cast_signed());
        ended || (!self.is_held() && !alive && !lives())
    }

    /// The summary of the last run, once it has ended.
    pub(super) fn summary(&self) -> Option<&str> {
        self.summary.as_ref().map(|(_, text)| text.as_str())
    }

    /// Whether neither a run nor an agent works, so that little changes.
    pub(super) fn is_still(&self) -> bool {
        !self.is_held() && !self.tail.as_ref().is_some_and(|tail| tail.live().alive)
    }

    /// The events that were read.
    pub(super) fn log(&self) -> &EventLog {
        &self.log
    }
}
