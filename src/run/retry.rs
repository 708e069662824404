//! PURE. What follows an attempt that did not succeed: whose fault it was, whether the unit is tried again, and when.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::backoff;
use super::machine::{Assigned, Effect, End, Machine, Next, Notice, Pause, Phase, Stop};
use crate::config::{Batch, OnFailure};
use crate::plan::Step;
use crate::state::outcome::CancelledBy;
use crate::state::{Changes, CommitRefused, Learned, Outcome, ResumeReason, UnitStatus};

/// The same failure of a verify command in a row after which a human must look.
const SAME_FAILURES: usize = 3;

impl Machine {
    /// What a human must look at where one command fails in the same way over and over.
    fn stuck_at(&self, id: &str) -> Option<String> {
        let failures = self.state.units.get(id)?.same_failures();
        let Some(Outcome::VerifyFailed { command, tail }) = self.state.units.get(id)?.last_outcome() else {
            return None;
        };
        (failures >= SAME_FAILURES).then(|| {
            format!(
                "`{command}` failed {failures} times in the same way; the agent does not get past it:\n{tail}"
            )
        })
    }

    /// The step whose commands must succeed before this outcome is believed.
    pub(super) fn to_verify(&self, outcome: &Outcome) -> Option<Box<Step>> {
        let running = matches!(self.phase, Phase::Running { .. });
        let step = self.step.as_ref().filter(|step| running && !step.settings.verify.is_empty())?;
        (*outcome == Outcome::Done).then(|| step.clone())
    }

    /// The state still says Running: whoever goes on after a kill here verifies again.
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

    /// The gate is over: now the attempt is.
    pub(super) fn verified(&mut self, now: Timestamp, failure: Option<Outcome>) -> Vec<Effect> {
        let Phase::Verifying { unit, learned, ticked } = self.phase.clone() else { return Vec::new() };
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
        let is_news = self.state.is_refused(&unit) && kept.is_ok();
        self.state.settle_commit(now, &unit, kept);
        let mut effects = vec![Effect::Save];
        if is_news {
            effects.push(Effect::Report(Notice::Committed { unit }));
        }
        effects
    }

    /// The units that an agent must be asked about before the first step can start.
    pub(super) fn to_assign(&self, steps: &[Step]) -> Vec<String> {
        let open = |step: &&Step| step.settings.unassigned && !self.asked_for.contains(&step.unit);
        match (steps.first().filter(open), self.policy.batch) {
            (None, _) => Vec::new(),
            (Some(step), Batch::One) => vec![step.unit.clone()],
            (Some(_), Batch::All) => steps.iter().filter(open).map(|step| step.unit.clone()).collect(),
        }
    }

    /// What was said is saved before it is used; what was not is asked for again by the next run.
    pub(super) fn assigned(&mut self, now: Timestamp, assigned: Assigned) -> Vec<Effect> {
        if self.phase != Phase::Assigning {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.stop == Stop::No {
            self.state.assign(now, &assigned.by, assigned.entries(), &assigned.missing);
            effects.extend([Effect::Save, Effect::Report(Notice::Assigned(assigned))]);
        }
        effects.extend(self.replan());
        effects
    }

    /// The pause before `step`: nobody waits for the retry of a unit that is not next any more.
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

    /// Whether an end spends neither an attempt nor an iteration: the agent never worked, or was ended because the run
    /// was. After a recovery nobody knows whose TERM it was; most likely that of the run that is gone.
    pub(super) fn blameless(&self, outcome: &Outcome) -> bool {
        match outcome {
            Outcome::Unavailable { .. } | Outcome::Cancelled { by: CancelledBy::NoOrchestrator } => true,
            Outcome::Cancelled { by: CancelledBy::Terminate } if self.recovered => true,
            Outcome::Cancelled { .. } => self.stop >= Stop::Now,
            _ => false,
        }
    }

    /// Whether the agent that just ended can be asked for its signal. A try beyond the policy (what took the place of a
    /// nudge that a limit cut off) is not asked again, or the two could follow each other without end.
    pub(super) fn can_nudge(&self, id: &str, tries: u32, step: Option<&Step>) -> bool {
        step.is_some_and(|step| {
            let cwd = step.settings.cwd.to_string_lossy();
            let resumes = self.state.session_for(id, &step.settings.backend, &cwd, step.settings.done.nudges);
            step.settings.resume_argv.is_some()
                && tries <= step.settings.retry.attempts
                && resumes.is_some_and(|resumes| resumes.reason == ResumeReason::Nudge)
        })
    }

    /// The attempts that are left to a unit after one that did not succeed, and the end of the run if it demands one.
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
                self.state.halt(now, id, &question);
                return (Next::Plain, Some(End::Halted { unit: id.to_owned() }));
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
        let halt = self.policy.on_failure == OnFailure::Halt;
        (Next::Failed, halt.then(|| End::Stuck { failed: vec![id.to_owned()], blocked: Vec::new() }))
    }
}
