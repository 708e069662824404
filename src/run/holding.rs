//! PURE. What holds back the next step for a while, and ends with a time or with a person: a wait, a pause, the time to begin,
//! and the time after which no step starts.
//!
//! What a person asks of a run at work comes as [`Event::Requested`](super::event::Event::Requested), before the next step or
//! in a wait.

use jiff::Timestamp;

use super::machine::{Effect, End, Machine, Notice, Pause, Phase, Stop};
use crate::plan::Step;
use crate::state::{PersonRequest, Wait, WaitReason};

/// The end of a limit that is over. It is this early so that a clock that is set back does not bring the limit back.
pub(super) const DUE: Timestamp = Timestamp::UNIX_EPOCH;

impl Machine {
    /// Waits until that time, or until a person ends the wait.
    pub(super) fn wait_for(
        &mut self,
        now: Timestamp,
        until: Option<Timestamp>,
        reason: WaitReason,
    ) -> Vec<Effect> {
        // after a kill the run continues the same wait
        if self.state.run.wait().is_none_or(|wait| wait.reason != reason) {
            self.count_wait(now);
        }
        if let Some(run) = self.state.run.open_mut() {
            let since = run.wait.as_ref().map_or(now, |wait| wait.since);
            run.wait = Some(Wait { since, until, reason: reason.clone() });
        }
        self.phase = Phase::Sleeping;
        vec![Effect::Save, Effect::Sleep { until, why: Pause::Wait(reason) }]
    }

    /// Waits until that time before `step`; or ends the run where `limit.wait` is false, since a machine that waits costs as
    /// much as one that works.
    pub(super) fn wait_or_end(
        &mut self,
        now: Timestamp,
        step: &Step,
        until: Timestamp,
        reason: WaitReason,
    ) -> Vec<Effect> {
        if self.policy.limit.wait {
            return self.wait_for(now, Some(until), reason);
        }
        self.count_wait(now);
        self.finish(now, End::TryLater { unit: step.unit.clone(), reason: reason.to_string(), until })
    }

    /// Adds the time of the wait to the sum for its reason, and ends it.
    pub(super) fn count_wait(&mut self, now: Timestamp) {
        let Some(run) = self.state.run.open_mut() else { return };
        let Some(wait) = run.wait.take() else { return };
        let end = wait.until.map_or(now, |until| now.min(until));
        let waited = u64::try_from(end.duration_since(wait.since).as_millis()).unwrap_or(0);
        *run.waited_ms.entry(wait.reason.in_sums()).or_default() += waited;
    }

    /// A wait is over, or the user has ended it. What it was for is over, too.
    pub(super) fn stop_waiting(&mut self, now: Timestamp) {
        let wait = self.state.run.wait().cloned();
        self.count_wait(now);
        let Some(Wait { until, reason, .. }) = wait else { return };
        match reason {
            WaitReason::Pause { .. } => self.state.pause = None,
            WaitReason::Begin => self.begin_now(),
            WaitReason::Limit { .. }
            | WaitReason::Program { .. }
            | WaitReason::Pace { .. }
            | WaitReason::Ask { .. }
            | WaitReason::Talk { .. } => {}
        }
        let Some(until) = until else { return };
        for limited in self.state.all_limits_mut().filter(|l| l.until.is_some_and(|at| at <= until)) {
            limited.until = Some(DUE);
        }
    }

    /// The time to begin has come.
    pub(super) fn begin_now(&mut self) {
        if let Some(run) = self.state.run.open_mut() {
            run.times.not_before = None;
        }
    }

    /// The user wants no more waiting: the next step starts at once, with any backend.
    pub(super) fn try_now(&mut self, now: Timestamp) -> Vec<Effect> {
        if self.phase == Phase::Over {
            return Vec::new();
        }
        let waits = self.phase == Phase::Sleeping && self.state.run.waits_for_person();
        self.state.forget_limits();
        let mut effects = vec![Effect::Save];
        if self.state.pause.take().is_some() {
            effects.push(Effect::Report(Notice::Resumed));
        }
        self.begin_now();
        if waits {
            self.stop_waiting(now);
            effects.extend(self.replan());
        }
        effects
    }

    /// Whether no step may start any more.
    pub(super) fn is_time_up(&self, now: Timestamp) -> bool {
        self.time_up || self.state.run.times().is_up(now)
    }

    /// The time is up after which no step starts.
    pub(super) fn time_is_up(&mut self, now: Timestamp) -> Vec<Effect> {
        self.time_up = true;
        match self.phase {
            Phase::Sleeping => {
                self.pause = None;
                self.count_wait(now);
                self.replan()
            }
            Phase::Running { .. } | Phase::Verifying { .. }
                if self.policy.hard_stop && self.stop < Stop::Now =>
            {
                if let Some(run) = self.state.run.open_mut() {
                    run.ends_agent = true;
                }
                // a run that continues after a kill must not take it for a person's wish
                vec![Effect::Save, Effect::Report(Notice::Ending), Effect::Cancel]
            }
            // no step follows that could use what they say
            Phase::Baselining => vec![Effect::Cancel],
            _ => Vec::new(),
        }
    }

    /// The effects instead of a step, where a person holds back all steps.
    pub(super) fn hold(&mut self, now: Timestamp) -> Option<Vec<Effect>> {
        self.state.end_pause_that_is_over(now);
        if let Some(talk) = self.talk.take() {
            return Some(self.wait_for(now, None, talk));
        }
        if let Some(pause) = &self.state.pause {
            let (until, by) = (pause.until, pause.by.clone());
            return Some(self.wait_for(now, until, WaitReason::Pause { by }));
        }
        let at = self.state.run.times().not_before.filter(|at| *at > now)?;
        Some(self.wait_for(now, Some(at), WaitReason::Begin))
    }

    /// Does what people asked of the run. No attempt is at work: these requests are looked for between two steps.
    pub(super) fn requested(&mut self, requests: &[PersonRequest]) -> Vec<Effect> {
        let answered = self.state.answers.len();
        let taken: Vec<_> = requests.iter().flat_map(|request| self.state.take_request(request)).collect();
        let ids = requests.iter().map(|request| request.id.clone()).collect();
        let mut effects = vec![Effect::Save, Effect::Taken(ids)];
        effects.extend(taken.into_iter().map(|taken| Effect::Report(Notice::Asked(taken))));
        let answers = self.state.answers[answered..].iter().cloned();
        effects.extend(answers.map(|answer| Effect::Report(Notice::Answered(answer))));
        let waits = self.phase == Phase::Sleeping && self.state.run.wait().is_some();
        // the pause between two steps continues, and its end plans again
        if waits || self.phase == Phase::Planning {
            effects.extend(self.replan());
        }
        effects
    }
}
