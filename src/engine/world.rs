//! The real world of a run: files, windows, processes, clock and signals.

use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use rustix::process::{Pid, Signal, kill_process};

use super::decide::{Event, Machine, Pause, Report};
use super::driver::World;
use super::launch::{self, Launcher, Request};
use super::place::{Place, make_plan, progress, ticked};
use super::prepare::{Preparation, Prepared};
use super::verdict::judge;
use crate::attempt::record::{AttemptDir, CancelledBy};
use crate::config::{Config, DoneSignal, Tick};
use crate::error::{Error, Kind, Result};
use crate::plan::{Plan, Step};
use crate::report::live;
use crate::report::summary::UnitLine;
use crate::spec;
use crate::state::store::Store;
use crate::state::{Outcome, SpecState};
use crate::sys::clock::Clock;
use crate::sys::signals::{self, Interrupt};
use crate::sys::{files, process};

enum Heard {
    Over,
    Asked(Interrupt),
}

struct Current {
    unit: String,
    dir: AttemptDir,
    pid: Option<i32>,
    signal: DoneSignal,
    live_ticks: Vec<String>,
}

/// The real one.
pub struct RealWorld<'a> {
    place: &'a Place,
    config: &'a Config,
    store: &'a Store,
    clock: &'a dyn Clock,
    launcher: Launcher,
    env: Vec<(OsString, OsString)>,
    out: Box<dyn Write>,
    interactive: bool,
    heard: Receiver<Heard>,
    tell: Sender<Heard>,
    current: Option<Current>,
    plan: Option<Plan>,
    began: Instant,
    units: Vec<UnitLine>,
}

impl<'a> RealWorld<'a> {
    /// Starts to listen for signals; `out` and the main window get a line per event.
    pub fn new(
        place: &'a Place,
        config: &'a Config,
        store: &'a Store,
        clock: &'a dyn Clock,
        launcher: Launcher,
        out: Box<dyn Write>,
    ) -> Result<Self> {
        let (tell, heard) = channel();
        let asked = tell.clone();
        signals::watch(move |what| {
            let _ = asked.send(Heard::Asked(what));
        })
        .map_err(|e| Error::new(Kind::Internal, "catching signals").caused_by(e))?;
        Ok(Self {
            place,
            config,
            store,
            clock,
            launcher,
            env: std::env::vars_os().collect(),
            out,
            interactive: io::stdout().is_terminal(),
            heard,
            tell,
            current: None,
            plan: None,
            began: Instant::now(),
            units: Vec::new(),
        })
    }

    /// Units that this run worked on, the last plan, and the time since the start.
    #[must_use]
    pub fn outcome(&self) -> (&[UnitLine], Option<&Plan>, Duration) {
        (&self.units, self.plan.as_ref(), self.began.elapsed())
    }

    /// A line for whoever watches. A terminal that is gone is no reason to stop.
    pub fn say(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}").and_then(|()| self.out.flush());
        self.launcher.say(&format!("{text}\n"));
    }

    fn watch_over(&self) -> impl FnOnce() + Send + 'static {
        let tell = self.tell.clone();
        move || {
            let _ = tell.send(Heard::Over);
        }
    }

    /// The end of the attempt that was waited for, judged.
    fn conclude(&mut self) -> Event {
        let Some(current) = self.current.take() else { return Event::Woke };
        let outcome =
            launch::result(&current.dir).map_or(Outcome::Lost, |facts| judge(&facts, current.signal));
        if outcome != Outcome::Done && !current.live_ticks.is_empty() {
            self.set_marks(&current.live_ticks, ' ');
        }
        // the pid may be somebody else's from here on
        Event::Ended { outcome, ticked: self.ticked().ok() }
    }

    fn set_marks(&mut self, ids: &[String], mark: char) -> Vec<String> {
        let path = self.place.tasks_path();
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let flip = || -> Result<()> {
            let source = fs::read_to_string(&path).map_err(|e| Error::io("reading", &path, e))?;
            let (changed, _) = spec::tick_as(&source, self.place.dialect, &ids, mark);
            if changed == source {
                return Ok(());
            }
            files::replace(&path, changed.as_bytes(), 0o644)
        };
        match flip() {
            Ok(()) => ids.iter().map(|id| (*id).to_owned()).collect(),
            Err(e) => {
                let text = format!(
                    "! the boxes of {} could not be ticked:\n{}",
                    ids.join(", "),
                    e.render().trim_end()
                );
                self.say(&text);
                Vec::new()
            }
        }
    }

    fn note(&mut self, report: &Report) {
        let Report::Ended { unit, title, outcome, took, .. } = report else { return };
        match self.units.iter_mut().find(|u| u.id == *unit) {
            Some(line) => {
                line.outcome = outcome.clone();
                line.attempts += 1;
                line.took += *took;
            }
            None => self.units.push(UnitLine {
                id: unit.clone(),
                title: title.clone(),
                outcome: outcome.clone(),
                attempts: 1,
                took: *took,
            }),
        }
    }
}

impl World for RealWorld<'_> {
    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn random(&mut self) -> f64 {
        // the hasher's keys are random per call; good enough to spread delays
        use std::hash::{BuildHasher, Hasher};
        let bits = std::hash::RandomState::new().build_hasher().finish() >> 11;
        #[expect(clippy::cast_precision_loss, reason = "53 bits fit into the mantissa")]
        let share = bits as f64 / (1_u64 << 53) as f64;
        share
    }

    fn save(&mut self, state: &SpecState) -> Result<()> {
        self.store.save(state)
    }

    fn ticked(&mut self) -> Result<BTreeSet<String>> {
        if !self.config.tasks.trust_checkboxes {
            return Ok(BTreeSet::new());
        }
        Ok(ticked(&self.place.good_tasks()?.1))
    }

    fn plan(&mut self, machine: &Machine) -> Result<(Plan, BTreeSet<String>)> {
        let (_, tasks) = self.place.good_tasks()?;
        let boxes = if self.config.tasks.trust_checkboxes { ticked(&tasks) } else { BTreeSet::new() };
        let trusted = machine.state.trusted_ticks(&boxes);
        let plan =
            make_plan(self.place, self.config, &tasks, &progress(&machine.state, trusted, machine.failed()));
        self.plan = Some(plan.clone());
        Ok((plan, boxes))
    }

    fn start(&mut self, step: &Step, attempt: u32, state: &SpecState) -> Result<Option<Outcome>> {
        let path = self.env.iter().find(|(n, _)| n == OsStr::new("PATH")).map(|(_, v)| v.as_os_str());
        if process::find_program(OsStr::new(&step.argv[0]), path, &step.cwd).is_none() {
            let why = format!("{} is not there any more", step.argv[0]);
            return Ok(Some(Outcome::Unavailable { why }));
        }
        let Some(plan) = &self.plan else { return Err(Error::new(Kind::Internal, "a step without a plan")) };
        let Prepared { dir, token, env } = Prepared::make(&Preparation {
            config: self.config,
            store: self.store,
            plan,
            step,
            attempt,
            state,
            socket: self.launcher.socket(),
            env: &self.env,
            now: self.clock.now(),
        })?;
        let live_ticks: Vec<String> = match self.config.tasks.tick {
            Tick::Live => step.open.iter().map(|t| t.id.clone()).collect(),
            Tick::Done | Tick::Off => Vec::new(),
        };
        if !live_ticks.is_empty() {
            self.set_marks(&live_ticks, '-');
        }
        let launched = self.launcher.launch(Request {
            dir: &dir,
            token: &token,
            window: &step.window,
            unit: &step.unit,
            cwd: &step.cwd,
            env: &env,
        })?;
        let over = self.watch_over();
        self.current = Some(Current {
            unit: step.unit.clone(),
            dir: dir.clone(),
            pid: Some(launched.pid),
            signal: step.signal,
            live_ticks,
        });
        launched.wait(&dir, over);
        Ok(None)
    }

    fn recover(
        &mut self,
        unit: &str,
        attempt: u32,
        step: Option<&Step>,
        _state: &SpecState,
    ) -> Result<Option<Outcome>> {
        let dir = self.store.attempt_dir(unit, attempt);
        let signal = step.map_or(self.config.done, |s| s.signal);
        if launch::alive(&dir) {
            self.say(&format!(
                "● task {unit}, attempt {attempt}, of an earlier run is still at work: taking it over"
            ));
            let pid = launch::holder(&dir).map(|h| h.pid);
            self.current = Some(Current {
                unit: unit.to_owned(),
                dir: dir.clone(),
                pid,
                signal,
                live_ticks: Vec::new(),
            });
            launch::wait_for_adopted(&dir, self.watch_over());
            return Ok(None);
        }
        let outcome = match launch::result(&dir) {
            Some(facts) => {
                self.say(&format!(
                    "● task {unit}, attempt {attempt}, ended while no run was there: taking its result"
                ));
                judge(&facts, signal)
            }
            // the lock is made by `__attempt` as its first act
            None if !dir.lock().exists() => Outcome::Cancelled { by: CancelledBy::NoOrchestrator },
            None => {
                launch::settle(&dir);
                Outcome::Lost
            }
        };
        Ok(Some(outcome))
    }

    fn cancel(&mut self) {
        if let Some(pid) = self.current.as_ref().and_then(|c| c.pid).and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
    }

    fn tick(&mut self, ids: &[String]) -> Vec<String> {
        if self.config.tasks.tick == Tick::Off {
            return ids.to_vec();
        }
        self.set_marks(ids, 'x')
    }

    fn report(&mut self, report: &Report, _state: &SpecState) -> Result<()> {
        self.note(report);
        let line = live::line(report, self.config.run.max_iterations);
        self.say(&line);
        if let Report::Ended { unit, outcome, .. } = report {
            if !matches!(outcome, Outcome::Done | Outcome::Halted { .. }) {
                let last = self.units.iter().find(|u| u.id == *unit).map(|_| unit.clone());
                if let Some(unit) = last {
                    self.say(&format!("  its output: seqorch logs {unit}"));
                }
            }
            if let Some(entry) = live::progress_entry(report, self.clock.now(), &TimeZone::system()) {
                self.store.progress(&entry)?;
            }
        }
        Ok(())
    }

    fn next(&mut self, pause: Option<(Timestamp, &Pause)>) -> Event {
        let began = Instant::now();
        let length = pause.map_or(Duration::ZERO, |(until, _)| self.time_to(until));
        if let Some((_, why)) = pause
            && !length.is_zero()
            && !self.interactive
        {
            self.say(&format!("  {} in {}", live::pause(why), live::span(round_up(length))));
        }
        loop {
            let limit = match pause {
                None => None,
                Some((until, why)) => {
                    // a wall clock that is set back must not make a short pause last for hours
                    let left = self.time_to(until).min(length.saturating_sub(began.elapsed()));
                    if left.is_zero() {
                        self.countdown(None);
                        return Event::Woke;
                    }
                    if self.interactive {
                        self.countdown(Some(&format!(
                            "  {} in {}",
                            live::pause(why),
                            live::span(round_up(left))
                        )));
                    }
                    // the wall clock may jump (a laptop wakes up), so look at it now and then
                    let longest =
                        if self.interactive { Duration::from_secs(1) } else { Duration::from_secs(30) };
                    Some(left.min(longest))
                }
            };
            let heard = match limit {
                None => self.heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(limit) => self.heard.recv_timeout(limit),
            };
            match heard {
                Ok(Heard::Over) => return self.conclude(),
                Ok(Heard::Asked(what)) => {
                    self.countdown(None);
                    return Event::Asked(what);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Event::Asked(Interrupt::Terminate),
            }
        }
    }
}

impl RealWorld<'_> {
    fn time_to(&self, until: Timestamp) -> Duration {
        until.duration_since(self.clock.now()).try_into().unwrap_or(Duration::ZERO)
    }

    /// Shows a line that the next one replaces; `None` wipes it.
    fn countdown(&mut self, text: Option<&str>) {
        if self.interactive {
            let line = format!("\r\x1b[K{}", text.unwrap_or_default());
            let _ = write!(self.out, "{line}").and_then(|()| self.out.flush());
            self.launcher.say(&line);
        }
    }

    /// The unit that an agent works on right now.
    #[must_use]
    pub fn working_on(&self) -> Option<&str> {
        self.current.as_ref().map(|c| c.unit.as_str())
    }
}

fn round_up(left: Duration) -> Duration {
    if left.subsec_millis() > 0 { Duration::from_secs(left.as_secs() + 1) } else { left }
}
