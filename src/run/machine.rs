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
pub(super) use super::phase::{DoneAttempt, Phase, Stop};
use super::resume::ResumeRequest;
use crate::config::HaltOrSkip;
pub use crate::plan::assign::Assigned;
use crate::plan::{Plan, SPEC_REVIEW, Step};
pub use crate::report::notice::{Next, Notice, Pause, TaskEdits};
pub use crate::state::End;
use crate::state::by_id::sorted;
use crate::state::{
    AttemptRecord, Learned, SeenTasks, SpecState, TreeRecord, UnitState, UnitStatus, WaitReason, counts,
};
use crate::sys::interrupt::Interrupt;

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
    pub(super) tree: Option<TreeRecord>,
    /// Commits of tasks that are not in the history of HEAD any more.
    pub(super) lost: Vec<String>,
    /// What the user's index does not have yet of commits that are made.
    pub(super) behind: Option<String>,
    /// Units that an agent was asked to assign. It is asked once in a run.
    pub(super) asked_for: BTreeSet<String>,
    /// How many attempts in a row ended without counting.
    pub(super) unstarted: u32,
    /// The program of the step is gone: since when, and when it is looked for again.
    pub(super) gone: Option<(Timestamp, Timestamp)>,
    /// Done tasks whose boxes were opened while the run was at work, still to be reported.
    pub(super) opened: Vec<String>,
    /// Open tasks that an agent removed, still to be reported.
    pub(super) removed: Vec<(String, String)>,
    /// How tasks.md changed, still to be reported.
    pub(super) edits: TaskEdits,
    /// The time is up after which no step starts.
    pub(super) time_up: bool,
    /// An earlier run asked the agent that works to end, since its time was up.
    pub(super) ended_before: bool,
    /// A person talks to an agent, as of the last plan.
    pub(super) talk: Option<WaitReason>,
    /// The unit that a person wants run next.
    pub(super) confirmed: Option<String>,
    /// Another machine has the lease of the spec.
    pub(super) lease_lost: bool,
}

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
            lost: Vec::new(),
            behind: None,
            asked_for: BTreeSet::new(),
            unstarted: 0,
            gone: None,
            opened: Vec::new(),
            removed: Vec::new(),
            edits: TaskEdits::default(),
            time_up: false,
            ended_before: false,
            talk: None,
            confirmed: None,
            lease_lost: false,
        }
    }

    /// Whether the user stopped this run, so that no other spec begins after it.
    #[must_use]
    pub fn asked_to_stop(&self) -> bool {
        self.stop > Stop::No
    }

    /// Handles an event and returns the effects to perform.
    pub fn on(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        let pending = self.state.notes.iter().filter(|note| note.is_pending());
        let pending: Vec<String> = pending.map(|note| note.id.clone()).collect();
        let mut effects = self.handle(now, event);
        self.report_late(&pending, &mut effects);
        effects
    }

    fn handle(&mut self, now: Timestamp, event: Event) -> Vec<Effect> {
        match event {
            Event::Begin { seen, start } => self.begin(now, &seen, start),
            Event::Planned { plan, seen, tree, lost, behind, talk, share, notes } => {
                self.talk = talk;
                self.tree = tree;
                self.lost = lost;
                self.behind = behind;
                let mut changed = self.follow(&seen, true);
                if self.behind.is_none() {
                    changed |= self.state.index_is_up_to_date();
                }
                let mut effects = self.take_notes(notes);
                effects.extend(self.planned(now, &plan, &seen.ticked(), share));
                if changed && !effects.contains(&Effect::Save) {
                    // a later reading compares tasks.md with what is saved
                    effects.insert(0, Effect::Save);
                }
                effects
            }
            Event::Ended { outcome, learned, seen } => {
                match &seen {
                    Some(seen) => _ = self.follow(seen, true),
                    None => self.state.forget_boxes(),
                }
                let ticked = seen.map(|seen| seen.ticked());
                match self.to_verify(&outcome) {
                    Some(step) => self.verify(step, learned, ticked),
                    None => self.ended(now, outcome, learned, ticked.as_ref()),
                }
            }
            Event::Recovered { step } => {
                // so that its end is judged by the settings of its step
                self.step = self.running_step(step);
                Vec::new()
            }
            Event::Baselined(result) => self.baselined(now, result),
            Event::Verified { failure, after } => self.verified(now, failure, after),
            Event::Unticked { unit, words } => self.unticked(now, &unit, words),
            Event::Ticked(ids) => {
                // the next save has it; a kill before it only ticks them once more
                self.state.ticked(&ids);
                Vec::new()
            }
            Event::Kept { unit, kept } => self.kept(now, unit, kept),
            Event::ReportFailed(notice) => self.report_failed(now, &notice),
            Event::Assigned { assigned, calls } => self.assigned(now, assigned, calls),
            Event::Refused { end, args, unsaved } => self.refused(now, end, args, unsaved.as_ref()),
            Event::Failed { end, saved, unsaved } => self.failed(now, end, saved, unsaved.as_ref()),
            Event::EndRefused { end } => self.end_refused(now, end),
            Event::Confirmed { unit } => self.confirmed(now, unit),
            Event::Woke if self.phase == Phase::Sleeping => {
                self.pause = None;
                self.stop_waiting(now);
                self.replan()
            }
            // the pause has ended already
            Event::Woke => Vec::new(),
            Event::LookStopped => self.look_stopped(now),
            Event::Requested(requests) => self.requested(&requests),
            Event::Configured { policy, became } => {
                self.configured(now, policy.map(|policy| *policy), became)
            }
            Event::Renamed { names, again } => self.renamed(&names, again),
            Event::Unchecked(step) => self.check_again(step),
            Event::Diverged { reason } => self.diverged(now, reason),
            Event::LimitsSeen(accounts) => self.limits_seen(now, &accounts),
            Event::TimeUp => self.time_is_up(now),
            Event::Asked(Interrupt::TryNow) => self.try_now(now),
            Event::Asked(what) => self.asked(now, what),
        }
    }

    fn begin(&mut self, now: Timestamp, seen: &SeenTasks, start: RunStart) -> Vec<Effect> {
        // what a person settled in tasks.md asks nothing any more; while an agent of an earlier run was at work, it may have
        // opened a box
        let changed = self.follow(seen, self.state.running().is_some());
        // a run shows what changes while it works
        self.edits = TaskEdits::default();
        let answered = self.state.answers.len();
        self.state.given_up.extend(start.given_up);
        let at_once = start.resume == Some(ResumeRequest::ForgetLimits);
        let resumes = start.resume.is_some_and(|request| request.apply(&mut self.state, &start.left_out));
        let decided = self.state.answers[answered..].iter().cloned().map(Notice::Answered);
        let decided: Vec<Effect> = decided.map(Effect::Report).collect();
        if self.policy.on_halt == HaltOrSkip::Halt
            && let Some(question) = self.state.questions().first()
        {
            let unit = question.unit.to_owned();
            self.phase = Phase::Over;
            let end = [Effect::Finish(End::Halted { unit })];
            let save = (resumes || changed).then_some(Effect::Save);
            return save.into_iter().chain(decided).chain(end).collect();
        }
        let ticked = seen.ticked();
        let state = &mut self.state;
        // no run begins before a person trusts them
        state.trust_changes();
        state.started_at.get_or_insert(now);
        if !state.run.is_open() {
            state.begin_run(now, ticked.clone());
            state.retry_failed(&start.left_out);
        }
        if let Some(run) = state.run.open_mut() {
            // a box that is open now was opened since: an agent may tick it before the next look
            run.believed.retain(|id| ticked.contains(id));
            (run.only, run.from, run.config) = (start.only, start.from, None);
            run.tree = run.tree.take().or(start.tree);
            self.ended_before = std::mem::take(&mut run.ends_agent);
            if let Some(work) = start.work {
                (run.args, run.times) = (work.args, work.times);
            }
        }
        if at_once {
            self.begin_now();
        }
        let state = &mut self.state;
        let alarm = state.run.times().until.map(Effect::Alarm);
        self.dirty = start.dirty;
        state.unconfirmed.retain(|id| ticked.contains(id));
        let (to_tick, pending) = (state.to_tick(), state.pending_commits());
        let running = state.running().map(|(unit, record)| (unit.to_owned(), record.number));
        let doubted = sorted(&state.unconfirmed);
        let mut effects = vec![Effect::Save];
        effects.extend(alarm);
        effects.extend(decided);
        if !to_tick.is_empty() {
            effects.push(Effect::Tick(to_tick));
        }
        effects.extend(pending.into_iter().map(Effect::Keep));
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

    fn planned(&mut self, now: Timestamp, plan: &Plan, ticked: &BTreeSet<String>, share: f64) -> Vec<Effect> {
        self.state.forget_removed(plan);
        self.state.note_due(&plan.skipped);
        let mut effects = self.report_foreign_ticks(ticked, &[]);
        if let Some(settled) = self.settle_unreviewed(now, plan).or_else(|| self.settle_refused(now, plan)) {
            effects.extend(settled);
            return effects;
        }
        let left = counts(plan, &self.state).todo.max(1);
        let next = self.next_step(plan);
        let end = match (&next, self.stop) {
            _ if self.state.refused_commit().is_some() => self.not_committed(),
            // the next agent, and the next commit of a person, would work on an index without it
            _ if self.behind.is_some() => self.behind.take().map(|reason| End::IndexBehind { reason }),
            (None, _) => {
                let end = self.nothing_left(now, &plan.skipped);
                Some(self.with_lost_commits(end))
            }
            _ if !self.dirty.is_empty() => Some(End::Dirty { files: std::mem::take(&mut self.dirty) }),
            (_, Stop::Terminate) => Some(End::Terminated),
            (_, Stop::AfterStep | Stop::Now) => Some(End::Interrupted),
            _ if self.is_time_up(now) => Some(End::TimeUp),
            _ if self.iterations() >= self.policy.max_iterations => Some(End::MaxIterations),
            _ => None,
        };
        if let Some(end) = end {
            effects.extend(self.finish(now, end));
            return effects;
        }
        if let Some(waiting) = self.hold(now).or_else(|| self.begin_baseline(now, plan)) {
            effects.extend(waiting);
            return effects;
        }
        let Some(step) = next else { return effects };
        if let Some(asking) = self.assign_first(now, plan, &step) {
            effects.extend(asking);
            return effects;
        }
        if let Some(over) = self.give_up_spent(now, &step) {
            effects.extend(over);
            return effects;
        }
        if let Some(waiting) = self.wait_out(now, &step, share) {
            effects.extend(waiting);
            return effects;
        }
        if let Some(waiting) = self.keep_pace(now, &step, &step.settings.backend) {
            effects.extend(waiting);
            return effects;
        }
        if let Some((_, until)) = self.gone.filter(|(_, until)| *until > now) {
            let program = step.settings.argv.first().cloned().unwrap_or_default();
            effects.extend(self.wait_for(now, Some(until), WaitReason::Program { program }));
            return effects;
        }
        if let Some(asking) = self.ask_first(now, &step) {
            effects.extend(asking);
            return effects;
        }
        if let Some((length, why)) = self.pause.take().map(|pause| self.length_before(&step, pause, share))
            && !length.is_zero()
        {
            self.pause = Some((length, why.clone()));
            self.phase = Phase::Sleeping;
            let until = Some(now.saturating_add(length).unwrap_or(Timestamp::MAX));
            effects.push(Effect::Sleep { until, why });
            return effects;
        }
        effects.extend(self.start(now, step, left));
        effects
    }

    fn start(&mut self, now: Timestamp, mut step: Step, left: usize) -> Vec<Effect> {
        step.settings.login_check =
            step.settings.login_check.filter(|_| self.is_refused(&step.settings.backend));
        self.confirmed = None;
        let attempt = self.state.next_attempt(&step.unit);
        let folder = if attempt == 1 { self.state.new_folder(&step.unit) } else { None };
        self.tried(&step.settings.backend, step.settings.model.as_deref());
        // a run that was killed in a wait may resume after its end
        self.count_wait(now);
        let iteration = self.count_iteration(true);
        self.state.completed_at = None;
        let cwd = step.settings.cwd.to_string_lossy().into_owned();
        let resumes = self.resumption(&step);
        let reason = resumes.as_ref().map(|resumes| resumes.reason);
        let unit = self.state.units.entry(step.unit.clone()).or_default();
        unit.status = UnitStatus::Running;
        unit.findings = unit.findings.take().filter(|_| step.unit == SPEC_REVIEW && step.role.is_work());
        unit.folder = folder.or(unit.folder.take());
        unit.title.clone_from(&step.title);
        unit.begin_series(self.tree.as_ref(), attempt);
        unit.attempts.push(AttemptRecord {
            number: attempt,
            role: step.role,
            backend: step.settings.backend.clone(),
            started_at: now,
            ended_at: None,
            outcome: None,
            completes: step.completes.clone(),
            counts: true,
            resumes,
            asked_model: step.settings.model.clone(),
            cwd,
            before: self.tree.take(),
            learned: Learned::default(),
        });
        if step.role.is_work() {
            self.state.give_notes(&step.unit, attempt);
        }
        self.phase = Phase::Running { unit: step.unit.clone() };
        self.recovered = false;
        let tries = self.state.units.get(&step.unit).map_or(1, UnitState::shown_tries);
        let report = Notice::Started {
            tries,
            role: step.role,
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
}
