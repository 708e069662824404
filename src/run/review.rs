//! PURE. Reviews: when one is due, and what follows from its verdict.

use jiff::Timestamp;

use super::backoff::backoff;
use super::machine::{Effect, End, Machine, Next, Pause};
use crate::agent::AttemptRole;
use crate::config::{HaltOrSkip, OpenFindings};
use crate::plan::{Plan, SPEC_REVIEW, SkipReason, Step};
use crate::state::outcome::REVIEW;
use crate::state::{AttemptRecord, Outcome, UnitState, UnitStatus};

impl Machine {
    /// The step that comes next: a review that is due, else the first step of the plan, else what the review of the whole
    /// spec needs.
    pub(super) fn next_step(&self, plan: &Plan) -> Option<Step> {
        let due = |step: &&Step| self.awaits_review(&step.unit);
        if let Some(step) = plan.steps.iter().find(due) {
            return step.for_review();
        }
        plan.steps.first().cloned().or_else(|| self.spec_review(plan))
    }

    fn awaits_review(&self, unit: &str) -> bool {
        self.state.units.get(unit).is_some_and(UnitState::awaits_review)
    }

    /// The step of the attempt that runs, of the step of its unit.
    pub(super) fn running_step(&self, step: Option<Box<Step>>) -> Option<Box<Step>> {
        match self.state.running().map(|(_, record)| record.role) {
            Some(AttemptRole::Review) => step?.for_review().map(Box::new),
            _ => step,
        }
    }

    /// Where a review was switched off while it was due, what its agent called done is done.
    pub(super) fn settle_unreviewed(&mut self, now: Timestamp, plan: &Plan) -> Option<Vec<Effect>> {
        let due = |step: &&Step| step.settings.review.is_none() && self.awaits_review(&step.unit);
        let unit = plan.steps.iter().find(due)?.unit.clone();
        self.approve(now, &unit);
        let (to_tick, pending) = (self.state.to_tick(), self.state.pending_commits());
        let tick = (!to_tick.is_empty()).then_some(Effect::Tick(to_tick));
        let effects = [Effect::Save].into_iter().chain(tick).chain(pending.into_iter().map(Effect::Keep));
        Some(effects.chain(self.replan()).collect())
    }

    /// The next step of the review of the whole spec, once all its tasks are done: the review, and then, where it wants
    /// changes, one step that makes them. `None`: nothing was done since the last one.
    fn spec_review(&self, plan: &Plan) -> Option<Step> {
        let fix = plan.spec_review.as_deref()?;
        let settled = |reason: &SkipReason| {
            matches!(
                reason,
                SkipReason::Completed | SkipReason::Ticked | SkipReason::Optional | SkipReason::Marked(_)
            )
        };
        if !plan.skipped.iter().all(|skipped| skipped.is_part() || settled(&skipped.reason)) {
            return None;
        }
        let others = self.state.units.iter().filter(|(id, _)| id.as_str() != SPEC_REVIEW);
        let ended = others.flat_map(|(_, unit)| unit.work()).filter(|a| a.outcome == Some(Outcome::Done));
        let done = ended.filter_map(|attempt| attempt.ended_at).max()?;
        let unit = self.state.units.get(SPEC_REVIEW);
        if unit.is_some_and(UnitState::is_failed) {
            return None;
        }
        // what an earlier review said is about an earlier state of the spec
        let since = |attempt: &&AttemptRecord| attempt.started_at >= done;
        let mine: Vec<&AttemptRecord> = unit.iter().flat_map(|unit| &unit.attempts).filter(since).collect();
        if mine.is_empty() {
            return fix.for_review();
        }
        match unit {
            Some(unit) if unit.is_done() => None,
            Some(unit) if unit.findings.is_some() => {
                let mut fix = fix.clone();
                fix.settings.review = None;
                Some(fix)
            }
            _ => fix.for_review(),
        }
    }

    /// What follows the review of a unit, whose outcome is saved already.
    pub(super) fn reviewed(&mut self, now: Timestamp, id: &str, step: Option<&Step>) -> (Next, Option<End>) {
        let Some((unit, step)) = self.state.units.get(id).zip(step) else { return (Next::Plain, None) };
        let Some(outcome) = unit.attempts.last().and_then(|attempt| attempt.outcome.clone()) else {
            return (Next::Plain, None);
        };
        match outcome {
            Outcome::Approved => {
                self.approve(now, id);
                self.pause = Some((step.settings.delay, Pause::Delay));
                (Next::Plain, None)
            }
            Outcome::ChangesWanted { findings } => self.wants_changes(now, id, step, findings),
            outcome => {
                let same = |a: &&AttemptRecord| a.is_try() && a.outcome.as_ref() == Some(&Outcome::NoVerdict);
                let silent = unit.last_reviews().filter(same).count();
                let failed = unit.last_reviews().filter(|a| a.counts || a.is_nudge()).count();
                let failed = u32::try_from(failed).unwrap_or(u32::MAX);
                if outcome == Outcome::NoVerdict && silent < 2 {
                    return (Next::Nudge, None);
                }
                if outcome != Outcome::NoVerdict && failed < step.settings.retry.attempts {
                    let length = backoff(&step.settings.retry, failed);
                    self.pause = Some((length, Pause::Backoff { unit: id.to_owned() }));
                    return (Next::Attempts(step.settings.retry.attempts - failed), None);
                }
                let why = match outcome {
                    Outcome::NoVerdict => "there is no verdict".to_owned(),
                    outcome => format!("there is no verdict: the review {outcome}"),
                };
                self.leave_open(now, id, step, why)
            }
        }
    }

    fn wants_changes(
        &mut self,
        now: Timestamp,
        id: &str,
        step: &Step,
        findings: String,
    ) -> (Next, Option<End>) {
        if id == SPEC_REVIEW {
            if let Some(unit) = self.state.units.get_mut(id) {
                unit.findings = Some(findings);
            }
            return (Next::Plain, None);
        }
        let rounds = self.state.units.get(id).map_or(0, UnitState::rounds);
        if rounds >= self.policy.review.rounds {
            return self.leave_open(now, id, step, findings);
        }
        self.fail_review(id, &findings);
        let tries = self.state.units.get(id).map_or(0, UnitState::tries);
        self.unsuccessful(now, id, tries, Some(step))
    }

    /// What the agent of a unit called done failed a check: the review.
    fn fail_review(&mut self, id: &str, findings: &str) {
        if let Some(last) = self.state.units.get_mut(id).and_then(UnitState::last_work_mut) {
            let (command, tail) = (REVIEW.to_owned(), findings.to_owned());
            last.outcome = Some(Outcome::VerifyFailed { command, tail, cause: None });
            last.counts = true;
        }
    }

    /// What a unit's agent called done is done.
    fn approve(&mut self, now: Timestamp, unit: &str) {
        self.state.approve(now, unit);
        self.await_commit(now, unit);
    }

    /// A unit is done now: it is committed, if units are.
    pub(super) fn await_commit(&mut self, now: Timestamp, unit: &str) {
        if self.policy.commits {
            self.state.await_commit(now, unit);
        }
    }

    /// Findings that stay open: the task has failed, or it is done and its findings are in the report.
    fn leave_open(&mut self, now: Timestamp, id: &str, step: &Step, findings: String) -> (Next, Option<End>) {
        self.pause = Some((step.settings.delay, Pause::Delay));
        if id != SPEC_REVIEW && self.policy.review.open == OpenFindings::Fail {
            self.fail_review(id, &findings);
            if let Some(unit) = self.state.units.get_mut(id) {
                let reason = unit.last_outcome().map_or_else(String::new, Outcome::to_string);
                unit.status = UnitStatus::Failed { at: now, reason };
            }
            let halt = self.policy.on_failure == HaltOrSkip::Halt;
            let end = halt.then(|| End::Stuck { failed: vec![id.to_owned()], blocked: Vec::new() });
            return (Next::Failed, end);
        }
        self.approve(now, id);
        if let Some(unit) = self.state.units.get_mut(id) {
            unit.findings = Some(findings);
        }
        (Next::Plain, None)
    }

    /// Whether what the agent of a step calls done is reviewed before it counts.
    pub(super) fn is_reviewed(step: Option<&Step>) -> bool {
        step.is_some_and(|step| step.role == AttemptRole::Work && step.settings.review.is_some())
    }
}
