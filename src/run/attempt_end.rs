//! PURE. What follows from the end of an attempt.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::machine::{DoneAttempt, Effect, End, Machine, Next, Notice, Pause, Phase, Stop, keep_effects};
use crate::config::HistoryRule;
use crate::state::outcome::CancelledBy;
use crate::state::{Learned, Outcome, UnitStatus};

/// After this many attempts in a row that did not count, the run ends, because something outside the task is wrong.
const UNSTARTED_LIMIT: u32 = 3;

impl Machine {
    /// The attempt that runs is over. Records its outcome and decides what is next for its unit and for the run.
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
        let moved = self.left_history(&id).filter(|_| end.is_none());
        end = end.or(moved);
        let foreign = ticked.map(|ticked| self.report_foreign_ticks(ticked, &completes)).unwrap_or_default();
        if let Some(end) = &end {
            self.phase = Phase::Over;
            // in the same save as the outcome, so that after a kill the next run is a new one
            self.state.end_run(now, end.clone(), ticked.is_some());
        }
        let mut effects = vec![Effect::Save];
        if !matches!(end, Some(End::History { .. })) {
            // else the next run does both, once a human has decided where
            let to_tick = self.state.to_tick();
            if !to_tick.is_empty() {
                effects.push(Effect::Tick(to_tick));
            }
            let mut pending = self.state.pending_commits();
            // what follows its own commit comes after all others
            pending.sort_by_key(|unit| *unit == id);
            effects.extend(keep_effects(pending));
        }
        let title = step.as_ref().map(|s| s.title.clone()).unwrap_or_default();
        let report = Notice::Ended { unit: id.clone(), title, attempt, outcome, took, next };
        if let Some(step) = step.filter(|_| end.is_none() && self.may_take_back(&id)) {
            // what follows depends on the commit
            self.phase = Phase::Committing(Box::new(DoneAttempt { step, report, foreign }));
            return effects;
        }
        effects.push(Effect::Report(report));
        effects.extend(foreign);
        match end {
            Some(end) => effects.extend([Effect::Save, Effect::Finish(end)]),
            None => effects.extend(self.replan()),
        }
        effects
    }

    /// The end of the run, if the last attempt of a unit left commits behind and the configuration wants to halt then.
    fn left_history(&self, id: &str) -> Option<End> {
        let attempt = self.state.units.get(id)?.attempts.last()?;
        let change = attempt.learned.after.as_ref()?.history.as_ref()?;
        let halts = self.policy.history == HistoryRule::Halt && change.leaves_commits();
        halts.then(|| End::History { unit: Some(id.to_owned()), reason: change.to_string() })
    }

    /// The run ends with the error of a report. If the report was that of a start, the attempt that the state calls
    /// running will never start. If a kill prevents this save, the next run finds that out.
    pub(super) fn report_failed(&mut self, now: Timestamp, notice: &Notice) -> Vec<Effect> {
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
}
