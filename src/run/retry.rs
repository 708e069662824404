//! PURE. What follows an attempt that did not succeed: whether it counts, and whether and when the unit is tried again.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::backoff;
use super::machine::{Assigned, DoneAttempt, Effect, End, Machine, Next, Notice, Pause, Phase, Stop};
use crate::config::{Batch, HaltOrSkip, RefusedRule};
use crate::plan::{Plan, Step};
use crate::state::outcome::{CancelledBy, REFUSED_COMMIT};
use crate::state::{
    AttemptRecord, Changes, CommitRefused, Learned, Outcome, ResumeReason, Resumption, TreeRecord, UnitState,
    UnitStatus,
};

/// How often in a row a verify command may fail in the same way before the run asks you.
const SAME_FAILURES: usize = 3;

impl Machine {
    /// The question to the user if a verify command keeps failing in the same way.
    fn stuck_at(&self, id: &str) -> Option<String> {
        let failures = self.state.units.get(id)?.same_failures();
        let last = self.state.units.get(id)?.last_outcome();
        let Some(Outcome::VerifyFailed { command, tail, cause }) = last else { return None };
        (failures >= SAME_FAILURES).then(|| {
            let why = cause.as_ref().map_or_else(String::new, |cause| format!(" ({cause})"));
            format!(
                "`{command}` failed {failures} times in the same way{why}; the agent does not get past it:\n{tail}"
            )
        })
    }

    /// The step whose verify commands must run before this outcome counts.
    pub(super) fn to_verify(&self, outcome: &Outcome) -> Option<Box<Step>> {
        let running = matches!(self.phase, Phase::Running { .. });
        let step = self.step.as_ref().filter(|step| running && !step.settings.verify.is_empty())?;
        (*outcome == Outcome::Done).then(|| step.clone())
    }

    /// Starts the verify commands. The state still says Running, so a run that resumes after a kill verifies again.
    pub(super) fn verify(
        &mut self,
        step: Box<Step>,
        learned: Learned,
        ticked: Option<BTreeSet<String>>,
    ) -> Vec<Effect> {
        let unit = step.unit.clone();
        let attempt = self.state.next_attempt(&unit) - 1;
        let report = Notice::Verifying { unit: unit.clone(), commands: step.settings.verify.len() };
        self.phase = Phase::Verifying { unit, learned: Box::new(learned), ticked };
        vec![Effect::Report(report), Effect::Verify { step, attempt }]
    }

    /// The verify commands are over, and with them the attempt.
    pub(super) fn verified(
        &mut self,
        now: Timestamp,
        failure: Option<Outcome>,
        after: Option<TreeRecord>,
    ) -> Vec<Effect> {
        if self.phase == Phase::Rechecking {
            return self.rechecked(now, failure.as_ref());
        }
        let Phase::Verifying { unit, mut learned, ticked } = self.phase.clone() else { return Vec::new() };
        learned.after = after.or(learned.after);
        if let Some(step) = self.step.as_ref().filter(|_| failure.is_none()) {
            self.state.checks_succeeded(&unit, &step.settings.verify);
        }
        self.phase = Phase::Running { unit };
        self.ended(now, failure.unwrap_or(Outcome::Done), *learned, ticked.as_ref())
    }

    /// The changes of a done unit were committed, or git refused the commit. Then the next plan ends the run, and the next
    /// run tries again: otherwise a later commit would contain them. A commit that was refused before is reported, because
    /// the end of its unit was reported by an earlier run.
    pub(super) fn kept(
        &mut self,
        now: Timestamp,
        unit: String,
        kept: Result<Option<Changes>, CommitRefused>,
    ) -> Vec<Effect> {
        if let Err(refused) = &kept {
            self.state.take_hook_changes(&unit, refused);
        }
        if let Phase::Committing(done) = &self.phase
            && done.step.unit == unit
        {
            let done = done.clone();
            return self.committed(now, *done, kept);
        }
        if let Err(CommitRefused { why, for_agent: true, .. }) = &kept
            && self.may_take_back(&unit)
            && !self.state.is_refused(&unit)
        {
            return self.open_refused(unit, why.clone());
        }
        let is_news = self.state.is_refused(&unit) && kept.is_ok();
        self.state.settle_commit(now, &unit, kept);
        let mut effects = vec![Effect::Save];
        if is_news {
            effects.push(Effect::Report(Notice::Committed { unit }));
        }
        effects
    }

    /// Whether the agent of a unit gets what a hook of git says about its commit.
    pub(super) fn may_take_back(&self, unit: &str) -> bool {
        let is_pending = self.state.units.get(unit).is_some_and(|unit| unit.pending_commit.is_some());
        is_pending && self.policy.on_refused == RefusedRule::Retry
    }

    /// Opens the boxes of a unit whose commit was refused. The state is saved before and after, so that a run that is killed
    /// in between can be continued: a box that stays ticked would count as done, and an open one as a person's wish.
    fn open_refused(&mut self, unit: String, words: String) -> Vec<Effect> {
        let ids = self.state.open_refused(&unit);
        vec![Effect::Save, Effect::Untick { unit, ids, words }]
    }

    /// The boxes of a unit whose commit was refused are open: its attempt is a failed one.
    pub(super) fn unticked(&mut self, now: Timestamp, unit: &str, words: String) -> Vec<Effect> {
        match &self.phase {
            Phase::Committing(done) if done.step.unit == unit => {
                let done = done.clone();
                self.failed_by_refusal(now, *done, words)
            }
            _ => self.take_back(unit, words),
        }
    }

    /// A hook refused the commit of a unit whose run was killed before its first try, so no run has reported its end.
    fn take_back(&mut self, id: &str, words: String) -> Vec<Effect> {
        let outcome = Outcome::VerifyFailed { command: REFUSED_COMMIT.to_owned(), tail: words, cause: None };
        self.state.take_back(id, outcome.clone());
        let mut effects = vec![Effect::Save];
        if let Some(unit) = self.state.units.get(id)
            && let Some(last) = unit.attempts.last()
        {
            let took = last.ended_at.unwrap_or(last.started_at).duration_since(last.started_at);
            effects.push(Effect::Report(Notice::Ended {
                unit: id.to_owned(),
                title: unit.title.clone(),
                attempt: last.number,
                outcome,
                took: took.try_into().unwrap_or_default(),
                next: Next::Plain,
            }));
        }
        effects
    }

    /// Where a run was killed before it could say that a refused commit spent the last attempt of its unit, that is said now.
    pub(super) fn settle_refused(&mut self, now: Timestamp, plan: &Plan) -> Option<Vec<Effect>> {
        let is_spent = |step: &&Step| {
            let unit = self.state.units.get(&step.unit);
            unit.is_some_and(|unit| {
                let last = unit.work().next_back().and_then(|last| last.outcome.as_ref());
                last.is_some_and(Outcome::is_refused_commit)
                    && unit.status == UnitStatus::Todo
                    && unit.tries() >= step.settings.retry.attempts
            })
        };
        let step = plan.steps.iter().find(is_spent)?.clone();
        Some(self.give_up(now, &step, step.settings.retry.attempts))
    }

    /// A unit has no attempts left: the run ends, or continues with the others.
    fn give_up(&mut self, now: Timestamp, step: &Step, tries: u32) -> Vec<Effect> {
        match self.unsuccessful(now, &step.unit, tries, Some(step)).1 {
            Some(end) => self.finish(now, end),
            None => [Effect::Save].into_iter().chain(self.replan()).collect(),
        }
    }

    /// The commit of the attempt that has just ended was made, or refused. A refusal that its agent may be able to fix is a
    /// check that failed.
    fn committed(
        &mut self,
        now: Timestamp,
        done: DoneAttempt,
        kept: Result<Option<Changes>, CommitRefused>,
    ) -> Vec<Effect> {
        let DoneAttempt { step, report, foreign } = done;
        let id = step.unit.clone();
        let words =
            kept.as_ref().err().filter(|refused| refused.for_agent).map(|refused| refused.why.clone());
        if let Some(words) = words {
            return self.open_refused(id, words);
        }
        self.state.settle_commit(now, &id, kept);
        let report = [Effect::Save, Effect::Report(report)].into_iter().chain(foreign);
        report.chain(self.replan()).collect()
    }

    /// The attempt that has just ended counts as one whose check failed.
    fn failed_by_refusal(&mut self, now: Timestamp, done: DoneAttempt, words: String) -> Vec<Effect> {
        let DoneAttempt { step, report, foreign } = done;
        let Notice::Ended { title, attempt, took, .. } = report else { return self.replan() };
        let id = step.unit.clone();
        let outcome = Outcome::VerifyFailed { command: REFUSED_COMMIT.to_owned(), tail: words, cause: None };
        self.state.take_back(&id, outcome.clone());
        let tries = self.state.units.get(&id).map_or(0, UnitState::tries);
        let (next, end) = self.unsuccessful(now, &id, tries, Some(&step));
        let report = Notice::Ended { unit: id, title, attempt, outcome, took, next };
        let mut effects = Vec::new();
        if let Some(end) = &end {
            self.phase = Phase::Over;
            self.state.end_run(now, end.clone(), true);
        }
        effects.extend([Effect::Save, Effect::Report(report)]);
        effects.extend(foreign);
        match end {
            Some(end) => effects.extend([Effect::Save, Effect::Finish(end)]),
            None => effects.extend(self.replan()),
        }
        effects
    }

    /// The effects instead of a step, where an agent says first who does it.
    pub(super) fn assign_first(&mut self, now: Timestamp, plan: &Plan, step: &Step) -> Option<Vec<Effect>> {
        let units = self.to_assign(&plan.steps);
        if units.is_empty() {
            return None;
        }
        let backend = self.policy.assigns.clone();
        if let Some(waiting) = self.keep_pace(now, step, &backend) {
            return Some(waiting);
        }
        self.phase = Phase::Assigning;
        self.asked_for.extend(units.iter().cloned());
        Some(vec![Effect::Assign(units)])
    }

    /// The units that an agent must assign before the first step can start.
    fn to_assign(&self, steps: &[Step]) -> Vec<String> {
        let open = |step: &&Step| step.settings.unassigned && !self.asked_for.contains(&step.unit);
        match (steps.first().filter(open), self.policy.batch) {
            (None, _) => Vec::new(),
            (Some(step), Batch::One) => vec![step.unit.clone()],
            (Some(_), Batch::All) => steps.iter().filter(open).map(|step| step.unit.clone()).collect(),
        }
    }

    /// Saves the answer before it is used. The next run asks again for what is missing.
    pub(super) fn assigned(
        &mut self,
        now: Timestamp,
        assigned: Assigned,
        calls: Vec<AttemptRecord>,
    ) -> Vec<Effect> {
        if self.phase != Phase::Assigning {
            return Vec::new();
        }
        // they are paid, whatever becomes of the answer
        self.state.count_calls(calls);
        let mut effects = vec![Effect::Save];
        if self.stop == Stop::No {
            self.state.assign(now, &assigned.by, assigned.entries(), &assigned.missing);
            effects.push(Effect::Report(Notice::Assigned(assigned)));
        }
        effects.extend(self.replan());
        effects
    }

    /// The pause before `step`. A backoff only holds for its own unit; before another one there is the usual delay.
    pub(super) fn length_before(
        &self,
        step: &Step,
        pause: (Duration, Pause),
        share: f64,
    ) -> (Duration, Pause) {
        let length = match pause {
            (length, Pause::Backoff { unit }) if unit == step.unit => {
                return (length, Pause::Backoff { unit });
            }
            (_, Pause::Backoff { .. }) => step.settings.delay,
            (length, Pause::Delay | Pause::Wait(_)) => length,
        };
        (backoff::delay(length, self.policy.jitter, share), Pause::Delay)
    }

    /// Whether an end counts neither as an attempt nor as an iteration: the agent never worked, its work could not be
    /// checked, or the run or the end of the tmux session ended it. After a recovery the sender of a TERM is unknown; most
    /// likely it was the earlier run.
    pub(super) fn blameless(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Unavailable { .. }
            | Outcome::Unchecked { .. }
            | Outcome::Cancelled {
                by: CancelledBy::NoOrchestrator | CancelledBy::SessionEnd | CancelledBy::TimeUp,
            } => true,
            Outcome::Cancelled { by: CancelledBy::Terminate } if self.recovered => true,
            Outcome::Cancelled { .. } => self.stop >= Stop::Now || self.time_up && self.policy.hard_stop,
            _ => false,
        }
    }

    /// The session that the next attempt of a step resumes.
    pub(super) fn resumption(&self, step: &Step) -> Option<Resumption> {
        step.settings.resume_argv.as_ref()?;
        let cwd = step.settings.cwd.to_string_lossy();
        let (backend, nudges) = (&step.settings.backend, step.settings.done.nudges);
        self.state.session_for(&step.unit, step.role, backend, &cwd, nudges)
    }

    /// A unit without attempts left stays open for a question to its agent. Where that question cannot be asked any more,
    /// because another backend took over or the session is gone, the unit has failed: one more attempt would be one beyond
    /// the policy.
    pub(super) fn give_up_spent(&mut self, now: Timestamp, step: &Step) -> Option<Vec<Effect>> {
        let unit = self.state.units.get(&step.unit).filter(|_| step.role.is_work())?;
        let tries = unit.tries();
        let last = unit.work().rev().find(|attempt| attempt.reached_agent())?;
        let free = self.resumption(step).is_some_and(|resumes| {
            matches!(resumes.reason, ResumeReason::Nudge | ResumeReason::Unchanged | ResumeReason::Answer)
        });
        if tries < step.settings.retry.attempts || free || self.state.is_answered(&step.unit, last) {
            return None;
        }
        Some(self.give_up(now, step, tries))
    }

    /// Whether the agent that just ended can be asked for its signal.
    pub(super) fn can_nudge(&self, tries: u32, step: Option<&Step>) -> bool {
        step.is_some_and(|step| {
            tries <= step.settings.retry.attempts
                && self.resumption(step).is_some_and(|resumes| resumes.reason == ResumeReason::Nudge)
        })
    }

    /// What is next for a unit that asks a person: the end of the run, or it is parked and the run continues.
    pub(super) fn halted(
        &mut self,
        now: Timestamp,
        id: &str,
        question: &str,
        step: Option<&Step>,
    ) -> (Next, Option<End>) {
        self.state.halt(now, id, question);
        if self.policy.on_halt == HaltOrSkip::Halt {
            return (Next::Plain, Some(End::Halted { unit: id.to_owned() }));
        }
        self.pause = Some((step.map_or(Duration::ZERO, |step| step.settings.delay), Pause::Delay));
        (Next::Parked, None)
    }

    /// What is next for a unit after an attempt that did not succeed, and the end of the run if this ends it.
    pub(super) fn unsuccessful(
        &mut self,
        now: Timestamp,
        id: &str,
        tries: u32,
        step: Option<&Step>,
    ) -> (Next, Option<End>) {
        let Some(step) = step else { return (Next::Plain, None) };
        if tries < step.settings.retry.attempts {
            if let Some(question) = self.stuck_at(id) {
                return self.halted(now, id, &question, Some(step));
            }
            let backoff = backoff::backoff(&step.settings.retry, tries);
            self.pause = Some((backoff, Pause::Backoff { unit: id.to_owned() }));
            return (Next::Attempts(step.settings.retry.attempts - tries), None);
        }
        if let Some(unit) = self.state.units.get_mut(id) {
            let reason = unit.last_outcome().map_or_else(String::new, Outcome::to_string);
            unit.status = UnitStatus::Failed { at: now, reason };
        }
        self.pause = Some((step.settings.delay, Pause::Delay));
        let halt = self.policy.on_failure == HaltOrSkip::Halt;
        (Next::Failed, halt.then(|| End::Stuck { failed: vec![id.to_owned()], blocked: Vec::new() }))
    }
}
