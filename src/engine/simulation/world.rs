//! One orchestrator's sight of the model, and its death at a given call.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::model::{Act, Attempt, Does, Life, Model};
use crate::attempt::record::CancelledBy;
use crate::engine::driver::{Ending, World};
use crate::engine::event::{Assigned, Event, Pause, Report};
use crate::engine::{Machine, place};
use crate::error::{Error, Kind, Result};
use crate::plan::{Plan, Step};
use crate::state::{Changes, Learned, Outcome, SpecState};
use crate::sys::signals::Interrupt;

/// An attempt without an orchestrator gives up after this many seconds.
const HANDSHAKE: i64 = 5;

/// One life of an orchestrator.
pub(super) struct Orchestrator<'a> {
    pub(super) model: &'a mut Model,
    /// The point at which it is killed.
    kill_at: Option<u32>,
    pub(super) points: u32,
    pub(super) dead: bool,
    /// Why it ends with an error, if that is as it should be.
    pub(super) excused: bool,
    save_failed: bool,
    pub(super) starts: u32,
    pub(super) asked: Vec<Interrupt>,
    pub(super) cancelled: bool,
    /// The end of a run was saved in this life.
    pub(super) over: bool,
    pub(super) current: Option<usize>,
    recovered: bool,
    first: Option<Step>,
    /// The last end that was told: the step's unit, when, how often the clock had jumped, the pause that must follow.
    last: Option<(String, i64, u32, i64)>,
    random: u32,
}

impl<'a> Orchestrator<'a> {
    pub(super) fn new(model: &'a mut Model, kill_at: Option<u32>) -> Self {
        model.alive = true;
        Self {
            model,
            kill_at,
            points: 0,
            dead: false,
            excused: false,
            save_failed: false,
            starts: 0,
            asked: Vec::new(),
            cancelled: false,
            over: false,
            current: None,
            recovered: false,
            first: None,
            last: None,
            random: 0,
        }
    }

    /// A point at which it may die.
    fn lives(&mut self) -> bool {
        if !self.dead {
            self.points += 1;
            self.dead = self.kill_at == Some(self.points);
            if self.dead {
                self.model.killed_over = self.model.attempts.iter().any(Attempt::lasts);
                self.model.note("the orchestrator is killed");
            }
        }
        !self.dead
    }

    fn point(&mut self) -> Result<()> {
        if self.lives() { Ok(()) } else { Err(Error::new(Kind::Internal, "killed")) }
    }

    fn excused(&mut self, what: &str) -> Error {
        self.excused = true;
        self.model.note(what);
        Error::new(Kind::Internal, what)
    }

    fn wrong(&mut self, what: impl Into<String>) {
        self.model.wrong(what);
    }

    /// Tells an end, and keeps what must follow from it.
    fn tell(&mut self, index: Option<usize>, unit: &str, outcome: Outcome) -> Event {
        let free = match &outcome {
            Outcome::Unavailable { .. }
            | Outcome::Limited { .. }
            | Outcome::Cancelled { by: CancelledBy::NoOrchestrator } => true,
            Outcome::Cancelled { by: CancelledBy::Terminate } if self.recovered => true,
            Outcome::Cancelled { .. } => self.cancelled,
            _ => false,
        };
        let limited = matches!(outcome, Outcome::Limited { .. });
        if let Some(index) = index {
            self.model.attempts[index].told = Some((outcome.clone(), free));
        }
        let run = &self.model.config.run;
        let retry = self.model.config.retry;
        let tries = self.model.tries(unit);
        let known = self.first.as_ref().is_some_and(|s| s.unit == unit);
        let pause = match outcome {
            _ if !known => std::time::Duration::ZERO,
            Outcome::Done => run.delay,
            _ if free => std::time::Duration::ZERO,
            _ if tries < retry.attempts => crate::engine::pacing::backoff(&retry, tries),
            _ => run.delay,
        };
        let pause = i64::try_from(pause.as_secs()).unwrap();
        // how long a limit is waited out is another rule's: nothing starts with what is limited
        self.last = (!limited).then(|| (unit.to_owned(), self.model.time, self.model.jumps, pause));
        Event::Ended { outcome, learned: Learned::default(), ticked: self.ticked().ok() }
    }

    fn check_pause(&mut self, step: &Step) {
        let Some((unit, since, jumps, pause)) = self.last.take() else { return };
        let delay = i64::try_from(self.model.config.run.delay.as_secs()).unwrap();
        let jitter = i64::try_from(self.model.config.run.jitter.as_secs()).unwrap();
        let waited = self.model.time - since;
        let least = if unit == step.unit { pause } else { pause.min(delay) };
        let most = pause.max(delay) + jitter;
        if jumps == self.model.jumps && !(least..=most).contains(&waited) {
            self.wrong(format!("{waited}s between {unit} and {}, not {least} to {most}", step.unit));
        }
    }
}

impl World for Orchestrator<'_> {
    fn now(&self) -> Timestamp {
        self.model.now()
    }

    fn random(&mut self) -> f64 {
        self.random += 1;
        f64::from(self.random % 4) / 4.0
    }

    fn save(&mut self, state: &SpecState) -> Result<()> {
        self.point()?;
        if self.save_failed {
            self.wrong("saved after a save that failed");
        }
        self.model.saves += 1;
        if self.model.full.contains(&self.model.saves) {
            self.save_failed = true;
            return Err(self.excused("disk full"));
        }
        self.model.check_save(state);
        let text = serde_json::to_string_pretty(state).unwrap();
        if serde_json::from_str::<SpecState>(&text).ok().as_ref() != Some(state) {
            self.wrong("the state changes on its way through the file");
        }
        self.model.disk = Some(text);
        self.model.kept = self.model.seen.clone();
        if !state.open_run() && !self.over {
            self.over = true;
            self.model.run += 1;
        }
        self.point()
    }

    fn ticked(&mut self) -> Result<BTreeSet<String>> {
        self.point()?;
        if self.model.broken {
            return Err(self.excused("tasks.md cannot be read"));
        }
        Ok(self.model.look())
    }

    fn plan(&mut self, machine: &Machine) -> Result<(Plan, BTreeSet<String>)> {
        self.point()?;
        if self.model.broken {
            return Err(self.excused("tasks.md cannot be read"));
        }
        let boxes = self.model.look();
        let trusted = machine.state.trusted_ticks(&boxes);
        let plan = self.model.plan(&place::progress(
            &machine.state,
            trusted,
            machine.failed(),
            &self.model.config,
            self.model.now(),
        ));
        self.first = plan.steps.first().cloned();
        Ok((plan, boxes))
    }

    fn start(&mut self, step: &Step, attempt: u32, _: &SpecState) -> Result<Option<Ending>> {
        self.point()?;
        self.starts += 1;
        if self.first.as_ref() != Some(step) {
            self.wrong(format!("{} is not the first step of the plan", step.unit));
        }
        if self.save_failed || self.over {
            self.wrong("started after a save that failed, or after the end");
        }
        self.model.check_start(step, attempt);
        self.check_pause(step);
        self.recovered = false;
        self.model.note(format!("dispatch of {}, attempt {attempt}", step.unit));
        let act = self.model.script.pop_front().unwrap_or_else(|| Act::of(Does::Ends(Outcome::Done), 60));
        if matches!(act.does, Does::NotThere) {
            let Event::Ended { outcome, .. } =
                self.tell(None, &step.unit, Outcome::Unavailable { why: "gone".to_owned() })
            else {
                unreachable!()
            };
            return Ok(Some((outcome, Learned::default())));
        }
        let index = self.model.attempts.len();
        self.model.attempts.push(Attempt {
            unit: step.unit.clone(),
            number: attempt,
            completes: step.completes.clone(),
            act: act.clone(),
            life: Life::Folder,
            agent: false,
            run: self.model.run,
            told: None,
        });
        self.point()?;
        let outcome = match act.does {
            Does::Ends(outcome) => outcome,
            Does::NoHandshake | Does::NotThere => return Err(self.excused("no handshake")),
            Does::LateHandshake => Outcome::Cancelled { by: CancelledBy::NoOrchestrator },
        };
        let gives_up = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
        self.model.attempts[index].life = Life::Until(self.model.time + HANDSHAKE, gives_up.clone());
        self.point()?;
        if outcome == gives_up {
            if act.after > 100 {
                return Err(self.excused("no handshake in time"));
            }
        } else {
            self.model.check_alone();
            self.model.attempts[index].agent = true;
            self.model.attempts[index].life = Life::Until(self.model.time + act.after, outcome);
        }
        self.current = Some(index);
        self.point()?;
        Ok(None)
    }

    fn recover(
        &mut self,
        unit: &str,
        attempt: u32,
        step: Option<&Step>,
        _: &SpecState,
    ) -> Result<Option<Ending>> {
        self.point()?;
        self.recovered = true;
        self.first = step.cloned();
        let index = self.model.attempts.iter().position(|a| a.unit == unit && a.number == attempt);
        let life = index.map(|i| self.model.attempts[i].life.clone());
        let outcome = match life {
            None | Some(Life::Folder) => Outcome::Cancelled { by: CancelledBy::NoOrchestrator },
            Some(Life::Until(..)) => {
                self.model.note(format!("adopts attempt {attempt} of {unit}"));
                self.current = index;
                self.point()?;
                return Ok(None);
            }
            Some(Life::Over(result)) => result.unwrap_or(Outcome::Lost),
        };
        self.model.note(format!("recovers attempt {attempt} of {unit}: {outcome}"));
        self.tell(index, unit, outcome.clone());
        self.point()?;
        Ok(Some((outcome, Learned::default())))
    }

    fn assign(&mut self, units: &[String], _: &SpecState) -> Result<Option<Assigned>> {
        self.point()?;
        Ok(Some(Assigned { missing: units.to_vec(), ..Assigned::default() }))
    }

    fn verify(&mut self, _: &Step, _: u32, _: &SpecState) -> Result<Option<Outcome>> {
        unreachable!("no scenario has commands that must succeed")
    }

    fn tree(&mut self) -> Option<String> {
        None
    }

    fn keep(&mut self, _: &str, _: &SpecState) -> std::result::Result<Option<Changes>, String> {
        Ok(None)
    }

    fn cancel(&mut self) {
        if self.lives() {
            let times = |what| self.asked.iter().filter(|a| **a == what).count();
            let (ctrl_c, after) = (times(Interrupt::Interrupt), times(Interrupt::AfterStep));
            if times(Interrupt::Terminate) == 0 && ctrl_c < 2 && (ctrl_c == 0 || after == 0) {
                self.wrong("ends an agent that was to finish its step");
            }
            self.cancelled = true;
            if let Some(index) = self.current {
                self.model.terminate(index, 3);
            }
            self.lives();
        }
    }

    fn tick(&mut self, ids: &[String]) -> Vec<String> {
        if !self.lives() {
            return Vec::new();
        }
        let done = self.model.load().completed;
        if let Some(id) = ids.iter().find(|id| !done.contains(id)) {
            self.wrong(format!("ticks {id}, which is not saved as completed"));
        }
        self.model.mark(ids, 'x');
        self.lives();
        ids.to_vec()
    }

    fn report(&mut self, report: &Report, _: &SpecState) -> Result<()> {
        self.point()?;
        if let Report::ForeignTicks(ids) | Report::Unconfirmed(ids) = report {
            self.model.note(format!("{report:?}"));
            self.model.reported.extend(ids.iter().cloned());
        }
        self.point()
    }

    fn next(&mut self, pause: Option<(Timestamp, &Pause)>) -> Event {
        if matches!(pause, Some((_, Pause::Limit { .. } | Pause::Pace { .. }))) {
            // how long these are is not the delay's rule
            self.last = None;
        }
        loop {
            if !self.lives() {
                return Event::Asked(Interrupt::HangUp);
            }
            if let Some(signal) = self.model.signals.pop_front() {
                self.asked.push(signal);
                return Event::Asked(signal);
            }
            if let Some(index) = self.current
                && let Life::Over(result) = self.model.attempts[index].life.clone()
            {
                self.current = None;
                let unit = self.model.attempts[index].unit.clone();
                return self.tell(Some(index), &unit, result.unwrap_or(Outcome::Lost));
            }
            let left = pause.map(|(until, _)| until.as_second() - self.model.now().as_second());
            if left.is_some_and(|left| left <= 0) {
                return Event::Woke;
            }
            if !self.model.step(left.map_or(i64::MAX, |left| self.model.time + left)) {
                self.wrong("waits for ever");
                self.dead = true;
            }
        }
    }
}
