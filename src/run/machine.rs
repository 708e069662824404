//! PURE. What follows from an event: the state machine of a run.
//!
//! [`Machine::on`] takes an event and the time and returns effects, in the order in which they must be performed: save,
//! then act, then report. It never reads the world, so a test can try every order of kills, failures and user actions.
//!
//! A run is over when its end is decided (`SpecState::over`), not when its process ends. A run that was killed, or whose
//! terminal was closed while an agent worked, is the same run when it resumes. So everything that it counts is in the
//! state.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

pub use super::event::{Effect, Event, Policy, RunStart};
pub use crate::plan::assign::Assigned;
use crate::plan::{Plan, Step};
pub use crate::report::notice::{Next, Notice, Pause};
pub use crate::state::End;
use crate::state::outcome::CancelledBy;
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
    /// Waiting for the verify commands of an attempt that reported success.
    Verifying {
        unit: String,
        learned: Box<Learned>,
        ticked: Option<BTreeSet<String>>,
    },
    /// Waiting for the agent that assigns units.
    Assigning,
    /// Waiting for the end of a pause.
    Sleeping,
    Over,
}

/// A run of one spec.
#[derive(Debug, Clone)]
pub struct Machine {
    /// The state that [`Effect::Save`] writes.
    pub state: SpecState,
    pub(super) policy: Policy,
    pub(super) phase: Phase,
    pub(super) stop: Stop,
    pub(super) pause: Option<(Duration, Pause)>,
    /// The step that runs, if it is known.
    pub(super) step: Option<Box<Step>>,
    /// An earlier process started the attempt that runs.
    pub(super) recovered: bool,
    /// Files with changes of others; no step starts before the user has dealt with them.
    pub(super) dirty: Vec<String>,
    /// The snapshot from the time of the last plan.
    pub(super) tree: Option<String>,
    /// Units that an agent was asked to assign. It is asked once in a run.
    pub(super) asked_for: BTreeSet<String>,
    /// How many attempts in a row ended without counting.
    pub(super) unstarted: u32,
}

/// After this many attempts in a row that did not count, the run ends, because something outside the task is wrong.
const UNSTARTED_LIMIT: u32 = 3;

impl Machine {
    /// A machine whose run has not begun.
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

    /// Whether the user stopped this run, so that no other spec begins after it.
    #[must_use]
    pub fn asked_to_stop(&self) -> bool {
        self.stop > Stop::No
    }

    /// Handles an event and returns the effects to perform.
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
            Event::Recovered { step } => {
                // so that its end is judged by the settings of its step
                self.step = step;
                Vec::new()
            }
            Event::Verified { failure } => self.verified(now, failure),
            Event::Ticked(ids) => {
                // the next save has it; a kill before it only ticks them once more
                self.state.ticked(&ids);
                Vec::new()
            }
            Event::Kept { unit, kept } => self.kept(now, unit, kept),
            Event::ReportFailed(notice) => self.report_failed(now, &notice),
            Event::Assigned(assigned) => self.assigned(now, assigned),
            Event::Woke if self.phase == Phase::Sleeping => {
                self.pause = None;
                self.stop_waiting(now);
                self.replan()
            }
            // the pause has ended already
            Event::Woke => Vec::new(),
            Event::Asked(Interrupt::TryNow) => self.try_now(now),
            Event::Asked(what) => self.asked(now, what),
        }
    }

    fn begin(&mut self, now: Timestamp, ticked: &BTreeSet<String>, start: RunStart) -> Vec<Effect> {
        let state = &mut self.state;
        if let Some(question) = state.questions().first() {
            let unit = question.unit.to_owned();
            self.phase = Phase::Over;
            return vec![Effect::Finish(End::Halted { unit })];
        }
        state.started_at.get_or_insert(now);
        if !state.run.is_open() {
            state.begin_run(now, ticked.clone());
        }
        if let (Some(run), Some(work)) = (state.run.open_mut(), start.work) {
            run.args = work.args;
            run.dirty_before = work.dirty_before.unwrap_or_else(|| std::mem::take(&mut run.dirty_before));
            run.left_as = None;
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

    fn planned(&mut self, now: Timestamp, plan: Plan, ticked: &BTreeSet<String>, share: f64) -> Vec<Effect> {
        self.state.forget_removed(&plan);
        let mut effects = self.report_foreign_ticks(ticked, &[]);
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
        // a run that was killed in a wait may resume after its end
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

    /// Reports boxes that were ticked since the run began, and not by it. They do not count as done. The agent that just
    /// worked may tick those in `own`; they are not reported.
    fn report_foreign_ticks(&mut self, ticked: &BTreeSet<String>, own: &[String]) -> Vec<Effect> {
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
        // it works in the session that it resumed, even if its output does not name the session
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
                    let reason = format!("{UNSTARTED_LIMIT} attempts in a row did not start");
                    end = Some(End::Unavailable { unit: id.clone(), reason });
                }
            }
            // the next plan waits, or uses another backend
            Outcome::Limited { .. } => {}
            // the next attempt takes its place at once, with the full prompt and without a session, and counts. A nudge is
            // not replaced, because the attempt before it has counted already
            _ if afresh && !nudge => next = Next::Afresh,
            // the plan does not have the unit any more, so there is no retry policy to apply
            _ if step.is_none() => {}
            Outcome::NoSignal if self.can_nudge(&id, tries, step.as_deref()) => next = Next::Nudge,
            _ => (next, end) = self.unsuccessful(now, &id, tries, step.as_deref()),
        }
        let foreign = ticked.map(|ticked| self.report_foreign_ticks(ticked, &completes)).unwrap_or_default();
        if let Some(end) = &end {
            self.phase = Phase::Over;
            // in the same save as the outcome, so that after a kill the next run is a new one
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

    /// The run ends with the error of a report. If the report was that of a start, the attempt that the state calls
    /// running will never start. If a kill prevents this save, the next run finds that out.
    fn report_failed(&mut self, now: Timestamp, notice: &Notice) -> Vec<Effect> {
        let mut effects = Vec::new();
        if matches!(notice, Notice::Started { .. }) {
            let outcome = Outcome::Cancelled { by: CancelledBy::NoOrchestrator };
            // only what it changes in the state is wanted: nothing else may happen after the error
            let _ = self.ended(now, outcome, Learned::default(), None);
            effects.push(Effect::Save);
        }
        self.phase = Phase::Over;
        effects
    }

    pub(super) fn finish(&mut self, now: Timestamp, end: End) -> Vec<Effect> {
        self.phase = Phase::Over;
        self.state.end_run(now, end.clone(), true);
        vec![Effect::Save, Effect::Finish(end)]
    }

    fn iterations(&self) -> u32 {
        self.state.run.open().map_or(0, |run| run.iterations)
    }

    /// Adds or removes one iteration and returns their number.
    fn count_iteration(&mut self, more: bool) -> u32 {
        let Some(run) = self.state.run.open_mut() else { return 0 };
        run.iterations = if more { run.iterations + 1 } else { run.iterations.saturating_sub(1) };
        run.iterations
    }
}

/// Has the changes of these done units counted and committed.
fn keeping(units: Vec<String>) -> impl Iterator<Item = Effect> {
    units.into_iter().map(Effect::Keep)
}
