//! PURE. What follows from an event: the state machine of a run.
//!
//! [`Machine::on`] takes an event and the time and gives effects, to be performed in order: save, then act, then
//! report. It never looks at the world, so every schedule of kills, failures and humans can be tried in a test.
//!
//! A run is over when its end is decided (`SpecState::over`), not when its process is gone: one that was killed, or whose
//! terminal was closed over a working agent, is the same run when it goes on. So all that it counts is in the state.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

pub use super::event::{Effect, Event, Policy, RunStart};
pub use crate::plan::assign::Assigned;
use crate::plan::{Plan, Step};
pub use crate::report::notice::{Next, Notice, Pause};
pub use crate::state::End;
use crate::state::{AttemptRecord, Learned, Outcome, SpecState, UnitStatus};
use crate::sys::interrupt::Interrupt;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stop {
    No,
    AfterStep,
    Now,
    Terminate,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Phase {
    /// Waiting for a plan.
    Planning,
    /// Waiting for an attempt.
    Running {
        unit: String,
    },
    /// Waiting for the commands that must succeed after an attempt that says it is done.
    Verifying {
        unit: String,
        learned: Box<Learned>,
        ticked: Option<BTreeSet<String>>,
    },
    /// Waiting for the agent that says who does what.
    Assigning,
    /// Waiting for the time.
    Sleeping,
    Over,
}

/// A run of one spec.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What is saved.
    pub state: SpecState,
    pub(super) policy: Policy,
    pub(super) phase: Phase,
    pub(super) stop: Stop,
    pub(super) pause: Option<(Duration, Pause)>,
    /// The step that runs, once it is known.
    pub(super) step: Option<Box<Step>>,
    /// The attempt that runs was started by a run before this process.
    pub(super) recovered: bool,
    /// Files that a human must see to before a step starts.
    pub(super) dirty: Vec<String>,
    /// The tree of all files when the plan was made.
    pub(super) tree: Option<String>,
    /// Units that an agent was asked about: once in a run.
    pub(super) asked_for: BTreeSet<String>,
    /// Attempts in a row that never came to their start.
    pub(super) unstarted: u32,
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
            step: None,
            recovered: false,
            dirty: Vec::new(),
            tree: None,
            asked_for: BTreeSet::new(),
            unstarted: 0,
        }
    }

    /// Whether somebody asked for an end of this run, so that no other spec is to be begun after it.
    #[must_use]
    pub fn asked_to_stop(&self) -> bool {
        self.stop > Stop::No
    }

    /// What follows from `event`.
    pub fn on(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        match event {
            Event::Begin { ticked, start } => self.begin(now, &ticked, start),
            Event::Planned { plan, ticked, tree, share } => {
                self.tree = tree;
                self.planned(now, *plan, &ticked, share)
            }
            Event::Ended { outcome, learned, ticked } => match self.to_verify(&outcome) {
                Some(step) => self.verify(step, learned, ticked),
                None => self.ended(now, outcome, learned, ticked.as_ref()),
            },
            Event::Verified { failure } => self.verified(now, failure),
            Event::Assigned(assigned) => self.assigned(now, assigned),
            Event::Woke if self.phase == Phase::Sleeping => {
                self.pause = None;
                self.stop_waiting(now);
                self.replan()
            }
            // a wait that nobody waits for any more
            Event::Woke => Vec::new(),
            Event::Asked(Interrupt::TryNow) => self.try_now(now),
            Event::Asked(what) => self.asked(now, what),
        }
    }

    fn begin(&mut self, now: Timestamp, ticked: &BTreeSet<String>, start: RunStart) -> Vec<Effect> {
        let state = &mut self.state;
        let resumes = start.resume.is_some_and(|request| request.apply(state));
        if let Some(question) = state.questions().first() {
            let unit = question.unit.to_owned();
            self.phase = Phase::Over;
            let end = [Effect::Finish(End::Halted { unit })];
            return resumes.then_some(Effect::Save).into_iter().chain(end).collect();
        }
        state.started_at.get_or_insert(now);
        if !state.run.is_open() {
            state.begin_run(now, ticked.clone());
        }
        if let (Some(run), Some(work)) = (state.run.open_mut(), start.work) {
            run.args = work.args;
            run.dirty_before = work.dirty_before.unwrap_or_else(|| std::mem::take(&mut run.dirty_before));
            run.left_as = None;
            let trees = work.trees_before.into_iter();
            trees.for_each(|(unit, tree)| state.units.entry(unit).or_default().before = Some(tree));
        }
        self.dirty = start.dirty;
        state.unconfirmed.retain(|id| ticked.contains(id));
        let (to_tick, pending) = (state.to_tick(), state.pending_commits());
        let running = state.running().map(|(unit, record)| (unit.to_owned(), record.number));
        let doubted: Vec<String> = state.unconfirmed.iter().cloned().collect();
        let mut effects = vec![Effect::Save];
        if !to_tick.is_empty() {
            effects.push(Effect::Tick(to_tick));
        }
        effects.extend(keeping(pending));
        if !doubted.is_empty() {
            effects.push(Effect::Report(Notice::Unconfirmed(doubted)));
        }
        if let Some((unit, attempt)) = running {
            effects.push(Effect::Recover { unit: unit.clone(), attempt });
            self.recovered = true;
            self.phase = Phase::Running { unit };
        } else {
            effects.extend(self.replan());
        }
        effects
    }

    pub(super) fn replan(&mut self) -> Vec<Effect> {
        self.phase = Phase::Planning;
        vec![Effect::Replan]
    }

    /// The step that an adopted attempt belongs to, so that its end is judged as it was meant.
    pub fn adopt(&mut self, step: Option<Box<Step>>) {
        self.step = step;
    }

    fn planned(&mut self, now: Timestamp, plan: Plan, ticked: &BTreeSet<String>, share: f64) -> Vec<Effect> {
        self.state.forget_removed(&plan);
        let mut effects = self.disbelieve(ticked, &[]);
        let left = plan.steps.len();
        let end = match (plan.steps.first(), self.stop) {
            _ if self.state.refused_commit().is_some() => self.not_committed(),
            (None, _) => Some(self.nothing_left(now, &plan.skipped)),
            _ if !self.dirty.is_empty() => Some(End::Dirty { files: std::mem::take(&mut self.dirty) }),
            (_, Stop::Terminate) => Some(End::Terminated),
            (_, Stop::AfterStep | Stop::Now) => Some(End::Interrupted),
            _ if self.iterations() >= self.policy.max_iterations => Some(End::MaxIterations),
            _ => None,
        };
        if let Some(end) = end {
            effects.extend(self.finish(now, end));
            return effects;
        }
        let units = self.to_assign(&plan.steps);
        if !units.is_empty() {
            self.phase = Phase::Assigning;
            self.asked_for.extend(units.iter().cloned());
            effects.push(Effect::Assign(units));
            return effects;
        }
        let Some(step) = plan.steps.into_iter().next() else { return effects };
        if let Some(waiting) = self.wait_out(now, &step, share) {
            effects.extend(waiting);
            return effects;
        }
        if let Some(waiting) = self.keep_pace(now, &step) {
            effects.extend(waiting);
            return effects;
        }
        if let Some((length, why)) = self.pause.take().map(|pause| self.length_before(&step, pause, share))
            && !length.is_zero()
        {
            self.pause = Some((length, why.clone()));
            self.phase = Phase::Sleeping;
            effects.push(Effect::Sleep { until: now.saturating_add(length).unwrap_or(Timestamp::MAX), why });
            return effects;
        }
        effects.extend(self.start(now, step, left));
        effects
    }

    fn start(&mut self, now: Timestamp, step: Step, left: usize) -> Vec<Effect> {
        let attempt = self.state.next_attempt(&step.unit);
        self.tried(&step.settings.backend, step.settings.model.as_deref());
        // whoever was killed in a wait and comes back after its end waits no longer
        self.count_wait(now);
        let iteration = self.count_iteration(true);
        self.state.completed_at = None;
        let cwd = step.settings.cwd.to_string_lossy().into_owned();
        let can = step.settings.resume_argv.is_some();
        let resumes = self
            .state
            .session_for(&step.unit, &step.settings.backend, &cwd, step.settings.done.nudges)
            .filter(|_| can);
        let reason = resumes.as_ref().map(|resumes| resumes.reason);
        let unit = self.state.units.entry(step.unit.clone()).or_default();
        unit.status = UnitStatus::Running;
        unit.title.clone_from(&step.title);
        if unit.before.is_none() || unit.changes.take().is_some() {
            unit.before = self.tree.take();
        }
        unit.attempts.push(AttemptRecord {
            number: attempt,
            backend: step.settings.backend.clone(),
            started_at: now,
            ended_at: None,
            outcome: None,
            completes: step.completes.clone(),
            counts: true,
            resumes,
            asked_model: step.settings.model.clone(),
            cwd,
            learned: Learned::default(),
        });
        self.phase = Phase::Running { unit: step.unit.clone() };
        self.recovered = false;
        let report = Notice::Started {
            unit: step.unit.clone(),
            title: step.title.clone(),
            attempt,
            reason,
            iteration,
            left,
        };
        let step = Box::new(step);
        self.step = Some(step.clone());
        vec![Effect::Save, Effect::Report(report), Effect::Start { step, attempt }]
    }

    /// Boxes ticked since the run began, by neither us nor a human before it, are told and not believed; those in
    /// `own` may be ticked by the agent that just worked, and until its unit is done they prove nothing.
    fn disbelieve(&mut self, ticked: &BTreeSet<String>, own: &[String]) -> Vec<Effect> {
        let mut strange = self.state.doubt(ticked);
        strange.retain(|id| !own.contains(id));
        if strange.is_empty() { Vec::new() } else { vec![Effect::Report(Notice::ForeignTicks(strange))] }
    }

    pub(super) fn ended(
        &mut self,
        now: Timestamp,
        outcome: Outcome,
        learned: Learned,
        ticked: Option<&BTreeSet<String>>,
    ) -> Vec<Effect> {
        let Phase::Running { unit: id } = self.phase.clone() else { return Vec::new() };
        let step = self.step.take();
        let blameless = self.blameless(&outcome);
        let Some(unit) = self.state.units.get_mut(&id) else { return self.replan() };
        let Some(record) = unit.attempts.last_mut() else { return self.replan() };
        record.ended_at = Some(now);
        record.outcome = Some(outcome.clone());
        let afresh = !blameless && record.lost_its_session(&learned);
        let nudge = record.is_nudge();
        let limited = matches!(outcome, Outcome::Limited { .. });
        record.counts = !blameless && !afresh && !nudge && !limited;
        record.learned = learned;
        let (session, total) = (record.learned.session.clone(), record.learned.session_total);
        // it works in the session that it resumed, also where it never said so
        record.learned.session =
            record.learned.session.take().or(record.resumes.as_ref().map(|resumes| resumes.session.clone()));
        if afresh {
            record.learned.session = None;
        }
        let attempt = record.number;
        let completes = record.completes.clone();
        let (backend, asked) = (record.backend.clone(), record.asked_model.clone());
        let took = now.duration_since(record.started_at).try_into().unwrap_or(Duration::ZERO);
        unit.status = UnitStatus::Todo;
        unit.count_once(session.as_deref(), total);
        let tries = unit.tries();
        self.state.sum_up();
        self.limited(now, (&backend, asked.as_deref()), &outcome, step.as_ref().map(|s| &s.settings.retry));
        if blameless || afresh || limited {
            self.count_iteration(false);
        }
        self.unstarted = if blameless { self.unstarted + 1 } else { 0 };
        let mut next = Next::Plain;
        let mut end = None;
        match &outcome {
            Outcome::Done => {
                self.state.done(now, &id, &completes);
                self.pause = Some((step.as_ref().map_or(Duration::ZERO, |s| s.settings.delay), Pause::Delay));
            }
            Outcome::Halted { question } => {
                self.state.halt(now, &id, question);
                end = Some(End::Halted { unit: id.clone() });
            }
            Outcome::Unavailable { why } => {
                end = Some(End::Unavailable { unit: id.clone(), reason: why.clone() });
            }
            _ if blameless => {
                if self.unstarted >= UNSTARTED_LIMIT && self.stop == Stop::No {
                    let reason = format!("{UNSTARTED_LIMIT} attempts in a row never came to their start");
                    end = Some(End::Unavailable { unit: id.clone(), reason });
                }
            }
            // the next plan waits, or has another backend
            Outcome::Limited { .. } => {}
            // at once, with the full prompt: the attempt that this one begins in its place counts, and has no session to
            // go on in. A nudge has no place to take: what it was to nudge has counted already
            _ if afresh && !nudge => next = Next::Afresh,
            // not in the plan any more: whoever puts it back there says how often it may be tried
            _ if step.is_none() => {}
            Outcome::NoSignal if self.can_nudge(&id, tries, step.as_deref()) => next = Next::Nudge,
            _ => (next, end) = self.unsuccessful(now, &id, tries, step.as_deref()),
        }
        let foreign = ticked.map(|ticked| self.disbelieve(ticked, &completes)).unwrap_or_default();
        if let Some(end) = &end {
            self.phase = Phase::Over;
            // in the same save as the outcome: after a kill here the next run is a new one
            self.state.end_run(now, end.clone(), ticked.is_some());
        }
        let mut effects = vec![Effect::Save];
        let to_tick = self.state.to_tick();
        if !to_tick.is_empty() {
            effects.push(Effect::Tick(to_tick));
        }
        effects.extend(keeping(self.state.pending_commits()));
        let title = step.map(|s| s.title).unwrap_or_default();
        effects.push(Effect::Report(Notice::Ended { unit: id, title, attempt, outcome, took, next }));
        effects.extend(foreign);
        match end {
            Some(end) => effects.extend([Effect::Save, Effect::Finish(end)]),
            None => effects.extend(self.replan()),
        }
        effects
    }

    /// The boxes of these ids are ticked on disk, or cannot be.
    pub fn ticked(&mut self, ids: &[String]) {
        self.state.ticked(ids);
    }

    pub(super) fn finish(&mut self, now: Timestamp, end: End) -> Vec<Effect> {
        self.phase = Phase::Over;
        self.state.end_run(now, end.clone(), true);
        vec![Effect::Save, Effect::Finish(end)]
    }

    fn iterations(&self) -> u32 {
        self.state.run.open().map_or(0, |run| run.iterations)
    }

    /// One iteration more, or one less; gives how many there are.
    fn count_iteration(&mut self, more: bool) -> u32 {
        let Some(run) = self.state.run.open_mut() else { return 0 };
        run.iterations = if more { run.iterations + 1 } else { run.iterations.saturating_sub(1) };
        run.iterations
    }
}

/// What these done units changed is looked at, and what comes of it is saved.
fn keeping(units: Vec<String>) -> Vec<Effect> {
    let save = if units.is_empty() { None } else { Some(Effect::Save) };
    units.into_iter().map(Effect::Keep).chain(save).collect()
}
