//! PURE. What follows from the end of an attempt.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::machine::{DoneAttempt, Effect, End, Machine, Next, Notice, Pause, Phase, Stop};
use crate::agent::AttemptRole;
use crate::config::{HistoryRule, UnchangedRule};
use crate::plan::Step;
use crate::state::outcome::CancelledBy;
use crate::state::{AttemptRecord, Learned, Outcome, ResumeReason, UnitState, UnitStatus};

/// After this many attempts in a row that did not count, the run ends, because something outside the task is wrong.
const UNSTARTED_LIMIT: u32 = 3;

/// How long a run waits for a program that worked and is gone.
const GONE_MOST: Duration = Duration::from_secs(60);
/// The first pause before it is looked for again, and the longest one.
const GONE_FIRST: Duration = Duration::from_secs(2);
const GONE_LONGEST: Duration = Duration::from_secs(15);

impl Machine {
    /// How many iterations the run has had.
    pub(super) fn iterations(&self) -> u32 {
        self.state.run.open().map_or(0, |run| run.iterations)
    }

    /// Adds or removes one iteration and returns their number.
    pub(super) fn count_iteration(&mut self, more: bool) -> u32 {
        let Some(run) = self.state.run.open_mut() else { return 0 };
        run.iterations = if more { run.iterations + 1 } else { run.iterations.saturating_sub(1) };
        run.iterations
    }

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
        let (outcome, learned) = self.judged(outcome, &id, step.as_deref(), learned);
        let blameless = self.blameless(&outcome);
        let Some(unit) = self.state.units.get_mut(&id) else { return self.replan() };
        let Some(record) = unit.attempts.last_mut() else { return self.replan() };
        record.outcome = Some(outcome.clone());
        let lost = !blameless && record.lost_its_session(&learned);
        let nudge = record.is_question();
        let limited = matches!(outcome, Outcome::Limited { .. });
        record.counts = !blameless && !nudge && !limited;
        let took = record.end(now, learned);
        record.learned.session_over |= lost;
        record.learned.asks = record.learned.asks.take().filter(|_| outcome == Outcome::NoSignal);
        let login_worked = record.learned.login_worked;
        let (attempt, role) = (record.number, record.role);
        let completes = record.completes.clone();
        let (backend, asked) = (record.backend.clone(), record.asked_model.clone());
        unit.status = UnitStatus::Todo;
        unit.count_usage(&self.policy.prices);
        let tries = unit.tries();
        self.state.keep_unheard_notes(&id);
        self.state.sum_up();
        let retry = step.as_ref().map(|step| &step.settings.retry);
        self.limited(now, (&backend, asked.as_deref()), &outcome, retry, login_worked);
        if blameless || limited {
            self.count_iteration(false);
        }
        if !matches!(outcome, Outcome::Unavailable { .. }) {
            self.gone = None;
        }
        self.unstarted = if blameless && self.gone.is_none() { self.unstarted + 1 } else { 0 };
        let mut next = Next::Plain;
        let mut end = None;
        match &outcome {
            Outcome::Done => {
                self.state.done(now, &id, &completes);
                self.await_commit(now, &id);
                self.pause = Some((step.as_ref().map_or(Duration::ZERO, |s| s.settings.delay), Pause::Delay));
            }
            Outcome::Halted { question } => {
                (next, end) = self.halted(now, &id, question, step.as_deref());
            }
            Outcome::Unavailable { .. } if self.waits_for_program(now, &backend) => {}
            Outcome::Unavailable { why } | Outcome::Unchecked { why, .. } => {
                end = Some(End::Unavailable { unit: id.clone(), reason: why.clone() });
            }
            _ if blameless => {
                if self.unstarted >= UNSTARTED_LIMIT && self.stop == Stop::No && !self.time_up {
                    let reason = format!("{UNSTARTED_LIMIT} attempts in a row did not start");
                    end = Some(End::Unavailable { unit: id.clone(), reason });
                }
            }
            // the next plan waits, or uses another backend
            Outcome::Limited { .. } => {}
            // the plan does not have the unit any more, so there is no retry policy to apply
            _ if step.is_none() => {}
            Outcome::ForReview => next = Next::Review,
            _ if role == AttemptRole::Review => (next, end) = self.reviewed(now, &id, step.as_deref()),
            Outcome::Unchanged => next = Next::Unchanged,
            Outcome::NoSignal if self.can_nudge(tries, step.as_deref()) => next = Next::Nudge,
            _ => (next, end) = self.unsuccessful(now, &id, tries, step.as_deref()),
        }
        if let Next::Attempts(left) = next
            && !nudge
            && role == AttemptRole::Work
            && self.state.units.get(&id).is_some_and(UnitState::lost_last_session)
        {
            // a new session needs no pause
            self.pause = None;
            next = Next::Afresh(left);
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
            // else the next run does both, once a person has decided where
            let to_tick = self.state.to_tick();
            if !to_tick.is_empty() {
                effects.push(Effect::Tick(to_tick));
            }
            let mut pending = self.state.pending_commits();
            // what follows its own commit comes after all others
            pending.sort_by_key(|unit| *unit == id);
            effects.extend(pending.into_iter().map(Effect::Keep));
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

    /// The outcome, with who ended the agent: its process knows that it got TERM, and the run knows why it sent that.
    fn ended_by(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Cancelled { by: CancelledBy::Terminate }
                if self.stop < Stop::Now
                    && (self.recovered && self.ended_before || self.time_up && self.policy.hard_stop) =>
            {
                Outcome::Cancelled { by: CancelledBy::TimeUp }
            }
            outcome => outcome,
        }
    }

    /// What the end of an attempt means for its unit.
    fn judged(
        &self,
        outcome: Outcome,
        id: &str,
        step: Option<&Step>,
        learned: Learned,
    ) -> (Outcome, Learned) {
        let (outcome, learned) = self.answered_by_silence(self.ended_by(outcome), id, learned);
        (self.questioned(outcome, id, step, &learned), learned)
    }

    /// The outcome, where the session that was asked whether a task without changes is done cannot answer: then the first
    /// answer counts, as it would have where no session can be resumed.
    fn answered_by_silence(&self, outcome: Outcome, id: &str, mut learned: Learned) -> (Outcome, Learned) {
        let last = self.state.units.get(id).and_then(|unit| unit.attempts.last());
        let resumes = last.and_then(|attempt| attempt.resumes.as_ref());
        let was_asked = resumes.is_some_and(|resumes| resumes.reason == ResumeReason::Unchanged);
        let is_dead =
            matches!(outcome, Outcome::Failed { .. } | Outcome::NoSignal | Outcome::Signaled { .. })
                && (learned.session_over || !learned.worked);
        if was_asked && is_dead {
            learned.unchanged = true;
            return (Outcome::Done, learned);
        }
        (outcome, learned)
    }

    /// The outcome, unless the agent is asked about it, or asks itself.
    fn questioned(&self, outcome: Outcome, id: &str, step: Option<&Step>, learned: &Learned) -> Outcome {
        match outcome {
            Outcome::Done if learned.unchanged && self.asks_about_nothing(id, step, learned) => {
                Outcome::Unchanged
            }
            Outcome::Done if Self::is_reviewed(step) => Outcome::ForReview,
            Outcome::NoSignal => match self.asks_in_prose(id, learned) {
                Some(question) => Outcome::Halted { question },
                None => Outcome::NoSignal,
            },
            outcome => outcome,
        }
    }

    /// Whether the run waits for a program that cannot be started: it worked in this run, and an update takes its time.
    fn waits_for_program(&mut self, now: Timestamp, backend: &str) -> bool {
        let began = self.state.run.open().map_or(now, |run| run.began);
        let attempts = self.state.units.values().flat_map(|unit| &unit.attempts);
        let worked = attempts
            .filter(|a| a.backend == backend && a.started_at >= began)
            .any(AttemptRecord::reached_agent);
        let since = self.gone.map_or(now, |(since, _)| since);
        let passed = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        let left = GONE_MOST.saturating_sub(passed);
        if !worked || left.is_zero() || self.stop != Stop::No {
            return false;
        }
        let pause = GONE_FIRST.max(passed).min(GONE_LONGEST).min(left);
        self.gone = Some((since, now.saturating_add(pause).unwrap_or(Timestamp::MAX)));
        true
    }

    /// The question of an agent that twice in a row ended without a signal and asked instead. It would only ask again.
    fn asks_in_prose(&self, id: &str, learned: &Learned) -> Option<String> {
        let mut earlier = self.state.units.get(id)?.work().rev().skip(1);
        let before = earlier.find(|a| a.reached_agent() && !a.is_limited())?;
        if before.outcome != Some(Outcome::NoSignal) {
            return None;
        }
        learned.asks.clone().or_else(|| before.learned.asks.clone())
    }

    /// Whether the agent is asked about a task that it calls done and that changed no file: once, and only where its answer
    /// can come from the same session.
    fn asks_about_nothing(&self, id: &str, step: Option<&Step>, learned: &Learned) -> bool {
        let Some((step, unit)) = step.zip(self.state.units.get(id)) else { return false };
        let since = unit.attempts.iter().rev().take_while(|a| a.outcome != Some(Outcome::Done));
        let asked = since.filter(|a| a.outcome == Some(Outcome::Unchanged)).count() > 0;
        let last = unit.attempts.last().and_then(|attempt| attempt.resumes.as_ref());
        let session = learned.session.as_deref().or(last.map(|resumes| resumes.session.as_str()));
        step.settings.done.unchanged == UnchangedRule::Ask
            && step.settings.resume_argv.is_some()
            && session.is_some_and(|session| !unit.session_is_over(session))
            && !asked
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
