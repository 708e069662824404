//! PURE. What follows from an event: the state machine of a run.
//!
//! [`Machine::on`] takes an event and the time and gives effects, to be performed in order: save, then act, then
//! report. It never looks at the world, so every schedule of kills, failures and humans can be tried in a test.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::pacing;
use crate::attempt::record::CancelledBy;
use crate::config::{OnFailure, Retry};
use crate::plan::{Plan, SkipReason, Step};
use crate::state::{AttemptRecord, Outcome, SpecState, UnitStatus};
use crate::sys::signals::Interrupt;

/// What a run may do, apart from what each step says itself.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// Iterations of one run.
    pub max_iterations: u32,
    /// What follows when a unit has used up its attempts.
    pub on_failure: OnFailure,
    /// A random share up to this is added to each delay.
    pub jitter: Duration,
}

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// The run begins; all the rest of `Machine` is loaded.
    Begin {
        /// Ids whose boxes are ticked now.
        ticked: BTreeSet<String>,
    },
    /// The plan was made afresh, as asked for.
    Planned {
        /// The plan.
        plan: Box<Plan>,
        /// Ids whose boxes are ticked now.
        ticked: BTreeSet<String>,
        /// A random number between 0 and 1, for the jitter.
        share: f64,
    },
    /// The attempt that was started or adopted is over.
    Ended {
        /// How.
        outcome: Outcome,
    },
    /// A pause is over.
    Woke,
    /// Somebody asks for an end.
    Asked(Interrupt),
}

/// What to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Write the state; nothing after it happens if that fails.
    Save,
    /// Read tasks.md again, make the plan, and come back with [`Event::Planned`].
    Replan,
    /// Start an attempt of a step; its end comes back as [`Event::Ended`].
    Start {
        /// The step.
        step: Box<Step>,
        /// Number of the attempt.
        attempt: u32,
    },
    /// Look for the attempt that an earlier run left, and come back with its end as [`Event::Ended`].
    Recover {
        /// The unit.
        unit: String,
        /// Number of the attempt.
        attempt: u32,
    },
    /// End the agent now.
    Cancel,
    /// Tick these ids in tasks.md.
    Tick(Vec<String>),
    /// Pause, and come back with [`Event::Woke`].
    Sleep {
        /// Wall-clock time of its end.
        until: Timestamp,
        /// Why.
        why: Pause,
    },
    /// Tell the person, and the log.
    Report(Report),
    /// The run is over.
    Finish(End),
}

/// Why a run pauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pause {
    /// The delay between two steps.
    Delay,
    /// Before the next attempt of a unit.
    Backoff {
        /// The unit.
        unit: String,
    },
}

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Report {
    /// An attempt starts.
    Started {
        /// The unit.
        unit: String,
        /// Its title.
        title: String,
        /// Number of the attempt.
        attempt: u32,
        /// The iteration, from 1.
        iteration: u32,
        /// Steps that are left, this one included.
        left: usize,
    },
    /// An attempt ended.
    Ended {
        /// The unit.
        unit: String,
        /// Its title.
        title: String,
        /// Number of the attempt.
        attempt: u32,
        /// How.
        outcome: Outcome,
        /// How long it took.
        took: Duration,
        /// Attempts that are left, if it is tried again.
        left: Option<u32>,
    },
    /// Boxes were ticked that nobody here ticked.
    ForeignTicks(Vec<String>),
    /// The run will end after this step.
    Stopping,
    /// The agent is ended now.
    Ending,
}

/// Why a run is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Nothing is left to do.
    Complete,
    /// The iteration cap is reached and work is left.
    MaxIterations,
    /// An agent asked for a human.
    Halted {
        /// The unit.
        unit: String,
        /// Its question.
        question: String,
    },
    /// Units failed for good, or cannot be reached.
    Stuck {
        /// Failed for good.
        failed: Vec<String>,
        /// Not done because of others.
        blocked: Vec<String>,
    },
    /// The agent's program cannot be started.
    Unavailable {
        /// The unit.
        unit: String,
        /// Why.
        why: String,
    },
    /// Ctrl-C.
    Interrupted,
    /// TERM.
    Terminated,
    /// The terminal is gone; a working agent goes on by itself.
    HungUp,
}

impl End {
    /// The process exit code.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Complete => 0,
            Self::MaxIterations => 1,
            Self::Halted { .. } | Self::Stuck { .. } => 2,
            Self::Unavailable { .. } => 69,
            Self::Interrupted => 130,
            Self::Terminated | Self::HungUp => 143,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stop {
    No,
    AfterStep,
    Now,
    Terminate,
}

#[derive(Debug, Clone)]
enum Phase {
    /// Waiting for a plan.
    Planning,
    /// Waiting for an attempt.
    Running {
        unit: String,
    },
    /// Waiting for the time.
    Sleeping,
    Over,
}

/// A run of one spec.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What is saved.
    pub state: SpecState,
    policy: Policy,
    phase: Phase,
    stop: Stop,
    pause: Option<(Duration, Pause)>,
    /// Attempts of this run that count, by unit.
    tries: BTreeMap<String, u32>,
    failed: BTreeSet<String>,
    /// The step that runs, once it is known.
    step: Option<Box<Step>>,
    /// Attempts in a row that never came to their start.
    unstarted: u32,
}

/// Ends that nobody is to blame for may follow each other this often before a human must look.
const UNSTARTED_LIMIT: u32 = 3;

impl Machine {
    /// A run that has not begun.
    #[must_use]
    pub fn new(state: SpecState, policy: Policy) -> Self {
        Self {
            state,
            policy,
            phase: Phase::Planning,
            stop: Stop::No,
            pause: None,
            tries: BTreeMap::new(),
            failed: BTreeSet::new(),
            step: None,
            unstarted: 0,
        }
    }

    /// Units that failed for good in this run.
    #[must_use]
    pub fn failed(&self) -> &BTreeSet<String> {
        &self.failed
    }

    /// Ids whose boxes count as done: ticked before this run, and not by an agent outside its own unit.
    #[must_use]
    pub fn trusted_ticks(&self) -> BTreeSet<String> {
        let before = self.state.ticked_before.clone().unwrap_or_default();
        before.difference(&self.state.unconfirmed).cloned().collect()
    }

    /// What follows from `event`.
    pub fn on(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        match event {
            Event::Begin { ticked } => self.begin(now, &ticked),
            Event::Planned { plan, ticked, share } => self.planned(now, *plan, &ticked, share),
            Event::Ended { outcome } => self.ended(now, outcome),
            Event::Woke => {
                self.pause = None;
                self.phase = Phase::Planning;
                vec![Effect::Replan]
            }
            Event::Asked(what) => self.asked(what),
        }
    }

    fn begin(&mut self, now: Timestamp, ticked: &BTreeSet<String>) -> Vec<Effect> {
        let state = &mut self.state;
        if state.halted {
            let unit = state.halted_task.clone().unwrap_or_default();
            let question = state.question.clone().unwrap_or_default();
            self.phase = Phase::Over;
            return vec![Effect::Finish(End::Halted { unit, question })];
        }
        state.started_at.get_or_insert(now);
        // what a run that was killed believed stays believed, and no more
        state.ticked_before.get_or_insert_with(|| ticked.clone());
        state.unconfirmed.retain(|id| ticked.contains(id));
        for unit in state.units.values_mut() {
            if unit.status == UnitStatus::Failed {
                unit.status = UnitStatus::Todo;
            }
        }
        let to_tick: Vec<String> = state.units.values().flat_map(|u| u.to_tick.clone()).collect();
        let running = state.running().map(|(unit, record)| (unit.to_owned(), record.number));
        let mut effects = vec![Effect::Save];
        if !to_tick.is_empty() {
            effects.push(Effect::Tick(to_tick));
        }
        if let Some((unit, attempt)) = running {
            effects.push(Effect::Recover { unit: unit.clone(), attempt });
            self.phase = Phase::Running { unit };
        } else {
            self.phase = Phase::Planning;
            effects.push(Effect::Replan);
        }
        effects
    }

    /// The step that an adopted attempt belongs to, so that its end is judged as it was meant.
    pub fn adopt(&mut self, step: Option<Box<Step>>) {
        self.step = step;
    }

    fn planned(&mut self, now: Timestamp, plan: Plan, ticked: &BTreeSet<String>, share: f64) -> Vec<Effect> {
        let mut effects = self.disbelieve(ticked);
        let left = plan.steps.len();
        let Some(step) = plan.steps.into_iter().next() else {
            effects.extend(self.nothing_left(now, &plan.skipped));
            return effects;
        };
        if self.stop > Stop::No {
            effects.extend(self.finish(if self.stop == Stop::Terminate {
                End::Terminated
            } else {
                End::Interrupted
            }));
            return effects;
        }
        if self.state.iterations >= self.policy.max_iterations {
            effects.extend(self.finish(End::MaxIterations));
            return effects;
        }
        if let Some((mut length, why)) = self.pause.clone() {
            if why == Pause::Delay {
                length = pacing::delay(length, self.policy.jitter, share);
            }
            if !length.is_zero() {
                self.phase = Phase::Sleeping;
                effects.push(Effect::Sleep { until: now.saturating_add(length).unwrap_or(now), why });
                return effects;
            }
            self.pause = None;
        }
        effects.extend(self.start(now, step, left));
        effects
    }

    fn start(&mut self, now: Timestamp, step: Step, left: usize) -> Vec<Effect> {
        let attempt = self.state.next_attempt(&step.unit);
        self.state.iterations += 1;
        let unit = self.state.units.entry(step.unit.clone()).or_default();
        unit.status = UnitStatus::Running;
        unit.attempts.push(AttemptRecord {
            number: attempt,
            backend: step.backend.clone(),
            started_at: now,
            ended_at: None,
            outcome: None,
            completes: step.completes.clone(),
            counts: true,
        });
        self.phase = Phase::Running { unit: step.unit.clone() };
        let report = Report::Started {
            unit: step.unit.clone(),
            title: step.title.clone(),
            attempt,
            iteration: self.state.iterations,
            left,
        };
        let step = Box::new(step);
        self.step = Some(step.clone());
        vec![Effect::Save, Effect::Report(report), Effect::Start { step, attempt }]
    }

    /// Boxes ticked since the run began, by neither us nor a human before it, are told and not believed.
    fn disbelieve(&mut self, ticked: &BTreeSet<String>) -> Vec<Effect> {
        let state = &mut self.state;
        let before = state.ticked_before.clone().unwrap_or_default();
        let foreign: Vec<String> = ticked
            .iter()
            .filter(|id| !before.contains(*id) && !state.completed.contains(*id))
            .filter(|id| !state.unconfirmed.contains(*id))
            .cloned()
            .collect();
        state.unconfirmed.extend(foreign.iter().cloned());
        // an agent may tick the boxes of the unit it was given; until that is done, they prove nothing
        let own = |id: &String| {
            state.units.values().any(|u| u.attempts.last().is_some_and(|a| a.completes.contains(id)))
        };
        let strange: Vec<String> = foreign.into_iter().filter(|id| !own(id)).collect();
        if strange.is_empty() { Vec::new() } else { vec![Effect::Report(Report::ForeignTicks(strange))] }
    }

    fn nothing_left(&mut self, now: Timestamp, skipped: &[crate::plan::Skipped]) -> Vec<Effect> {
        let ids = |wanted: fn(&SkipReason) -> bool| -> Vec<String> {
            skipped.iter().filter(|s| wanted(&s.reason)).map(|s| s.id.clone()).collect()
        };
        let failed = ids(|r| matches!(r, SkipReason::Failed));
        let blocked = ids(|r| matches!(r, SkipReason::Blocked { .. }));
        if !failed.is_empty() || !blocked.is_empty() {
            return self.finish(End::Stuck { failed, blocked });
        }
        if ids(|r| matches!(r, SkipReason::NotSelected)).is_empty() {
            self.state.completed_at.get_or_insert(now);
        }
        self.finish(End::Complete)
    }

    fn ended(&mut self, now: Timestamp, outcome: Outcome) -> Vec<Effect> {
        let Phase::Running { unit: id } = self.phase.clone() else { return Vec::new() };
        let step = self.step.take();
        let mut done_ids = Vec::new();
        let Some(unit) = self.state.units.get_mut(&id) else { return Vec::new() };
        let Some(record) = unit.attempts.last_mut() else { return Vec::new() };
        record.ended_at = Some(now);
        record.outcome = Some(outcome.clone());
        let attempt = record.number;
        let took = now.duration_since(record.started_at).try_into().unwrap_or(Duration::ZERO);
        let blameless = matches!(outcome, Outcome::Unavailable { .. })
            || outcome == Outcome::Cancelled { by: CancelledBy::NoOrchestrator }
            || (matches!(outcome, Outcome::Cancelled { .. }) && self.stop >= Stop::Now);
        if blameless {
            record.counts = false;
            self.state.iterations = self.state.iterations.saturating_sub(1);
        }
        unit.status = UnitStatus::Todo;
        let retry = step
            .as_ref()
            .map_or(Retry { attempts: 1, backoff: Duration::ZERO, max_backoff: Duration::ZERO }, |s| s.retry);
        let title = step.as_ref().map(|s| s.title.clone()).unwrap_or_default();
        let mut left = None;
        let mut finish = None;
        match &outcome {
            Outcome::Done => {
                unit.status = UnitStatus::Done;
                done_ids.clone_from(&record.completes);
                unit.to_tick.clone_from(&done_ids);
                self.state.complete(&done_ids);
                let delay = step.as_ref().map_or(Duration::ZERO, |s| s.delay);
                self.pause = Some((delay, Pause::Delay));
                self.unstarted = 0;
            }
            Outcome::Halted { question } => {
                unit.status = UnitStatus::Halted;
                self.state.halted = true;
                self.state.halted_at = Some(now);
                self.state.halted_task = Some(id.clone());
                self.state.question = Some(question.clone());
                finish = Some(End::Halted { unit: id.clone(), question: question.clone() });
            }
            Outcome::Unavailable { why } => {
                finish = Some(End::Unavailable { unit: id.clone(), why: why.clone() });
            }
            _ if blameless => {
                self.unstarted += 1;
                if self.unstarted >= UNSTARTED_LIMIT && self.stop == Stop::No {
                    let why = format!("{UNSTARTED_LIMIT} attempts in a row never came to their start");
                    finish = Some(End::Unavailable { unit: id.clone(), why });
                }
            }
            _ => {
                let tries = self.tries.entry(id.clone()).or_default();
                *tries += 1;
                if *tries < retry.attempts {
                    left = Some(retry.attempts - *tries);
                    self.pause = Some((pacing::backoff(&retry, *tries), Pause::Backoff { unit: id.clone() }));
                } else {
                    unit.status = UnitStatus::Failed;
                    self.failed.insert(id.clone());
                    let delay = step.as_ref().map_or(Duration::ZERO, |s| s.delay);
                    self.pause = Some((delay, Pause::Delay));
                    if self.policy.on_failure == OnFailure::Halt && step.is_some() {
                        finish = Some(End::Stuck { failed: vec![id.clone()], blocked: Vec::new() });
                    }
                }
            }
        }
        let mut effects = vec![Effect::Save];
        if !done_ids.is_empty() {
            effects.push(Effect::Tick(done_ids));
        }
        effects.push(Effect::Report(Report::Ended { unit: id, title, attempt, outcome, took, left }));
        if let Some(end) = finish {
            effects.extend(self.finish(end));
        } else {
            self.phase = Phase::Planning;
            effects.push(Effect::Replan);
        }
        effects
    }

    /// The boxes of these ids are ticked on disk, or cannot be.
    pub fn ticked(&mut self, ids: &[String]) {
        for unit in self.state.units.values_mut() {
            unit.to_tick.retain(|id| !ids.contains(id));
        }
    }

    fn asked(&mut self, what: Interrupt) -> Vec<Effect> {
        let running = matches!(self.phase, Phase::Running { .. });
        let asked = match what {
            Interrupt::HangUp => {
                self.phase = Phase::Over;
                return vec![Effect::Save, Effect::Finish(End::HungUp)];
            }
            Interrupt::Terminate => Stop::Terminate,
            Interrupt::Interrupt if self.stop == Stop::No => Stop::AfterStep,
            Interrupt::Interrupt => Stop::Now,
        };
        if asked <= self.stop {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.stop, asked);
        match (running, asked) {
            (false, Stop::Terminate) => self.finish(End::Terminated),
            (false, _) if matches!(self.phase, Phase::Sleeping) => self.finish(End::Interrupted),
            (false, _) => Vec::new(),
            (true, Stop::AfterStep) => vec![Effect::Report(Report::Stopping)],
            // the agent was told to end already
            (true, _) if before >= Stop::Now => Vec::new(),
            (true, _) => vec![Effect::Report(Report::Ending), Effect::Cancel],
        }
    }

    /// An orderly end: what the run believed of boxes, and its count, are over with it.
    fn finish(&mut self, end: End) -> Vec<Effect> {
        self.phase = Phase::Over;
        self.state.ticked_before = None;
        self.state.iterations = 0;
        vec![Effect::Save, Effect::Finish(end)]
    }
}
