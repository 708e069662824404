//! PURE. How a run ends: no step is left, or the user stops it.

use jiff::Timestamp;

use super::machine::{Effect, End, Machine, Notice, Phase, Stop};
use super::resume::ResumeRequest;
use crate::config::{HaltOrSkip, HistoryRule};
use crate::plan::{SkipReason, SkippedTask};
use crate::state::by_id::sorted;
use crate::state::needs::needs;
use crate::state::{DueTasks, SpecState};
use crate::sys::interrupt::Interrupt;

impl Machine {
    pub(super) fn not_committed(&self) -> Option<End> {
        self.state.refused_commit().map(|unit| End::NotCommitted { unit: unit.to_owned() })
    }

    /// Ends the run as it was asked to end, where git was stopped, so that there is no plan.
    pub(super) fn look_stopped(&mut self, now: Timestamp) -> Vec<Effect> {
        let asked = if self.stop == Stop::Terminate { End::Terminated } else { End::Interrupted };
        let end = self.not_committed().unwrap_or(asked);
        self.finish(now, end)
    }

    /// Ends the run. The end is saved before it is reported.
    pub(super) fn finish(&mut self, now: Timestamp, end: End) -> Vec<Effect> {
        self.phase = Phase::Over;
        let end = if self.lease_lost { End::TakenOver } else { end };
        self.state.end_run(now, end.clone(), true);
        vec![Effect::Save, Effect::Finish(end)]
    }

    /// The end of a run with nothing left to do, where its commits may not all be in the history of HEAD any more.
    pub(super) fn with_lost_commits(&mut self, end: End) -> End {
        let lost = std::mem::take(&mut self.lost);
        let new: Vec<&str> =
            lost.iter().filter(|one| !self.state.given_up.contains(*one)).map(String::as_str).collect();
        match end {
            _ if lost.is_empty() => end,
            End::Complete | End::SelectionComplete { .. }
                if self.policy.history == HistoryRule::Halt && !new.is_empty() =>
            {
                self.state.completed_at = None;
                let lost = new.join(", ");
                End::History {
                    unit: None,
                    reason: format!("commits of tasks are no longer in the history of HEAD: {lost}"),
                }
            }
            End::Complete => {
                self.state.completed_at = None;
                End::CommitsLost { lost }
            }
            end => end,
        }
    }

    pub(super) fn nothing_left(&mut self, now: Timestamp, skipped: &[SkippedTask]) -> End {
        let ids = |wanted: fn(&SkipReason) -> bool| -> Vec<String> {
            sorted(skipped.iter().filter(|s| wanted(&s.reason)).map(|s| &s.id))
        };
        // the first one that asked; the needs of the run's end list them all
        if let Some(question) = self.state.questions().first() {
            return End::Halted { unit: question.unit.to_owned() };
        }
        let failed = ids(|r| matches!(r, SkipReason::Failed));
        let blocked = ids(|r| matches!(r, SkipReason::Blocked { .. }));
        let humans = DueTasks::of(skipped, &self.state.entries).humans;
        if failed.is_empty() && !humans.is_empty() {
            return End::Human { tasks: humans };
        }
        if !failed.is_empty() || !blocked.is_empty() {
            return End::Stuck { failed, blocked };
        }
        let left = skipped.iter().filter(|s| !s.is_part() && s.reason == SkipReason::NotSelected).count();
        if left > 0 {
            return End::SelectionComplete { left };
        }
        self.state.completed_at.get_or_insert(now);
        End::Complete
    }

    /// The run does not begin before a person does something. What they ask with it is kept.
    pub(super) fn refused(
        &mut self,
        now: Timestamp,
        end: End,
        args: Vec<String>,
        unsaved: Option<&ResumeRequest>,
    ) -> Vec<Effect> {
        if let Some(request) = unsaved {
            request.keep(&mut self.state);
        }
        if self.policy.on_halt == HaltOrSkip::Halt && self.state.is_halted() {
            // the user must see its question first in any case
            return Vec::new();
        }
        let effects = self.finish(now, end);
        if let Some(over) = self.state.run.over_mut() {
            over.args = args;
        }
        effects
    }

    /// An error ends the run. Only what was saved is known to hold; where the state cannot be read, nothing is saved.
    pub(super) fn failed(
        &mut self,
        now: Timestamp,
        end: End,
        saved: Option<Box<SpecState>>,
        unsaved: Option<&ResumeRequest>,
    ) -> Vec<Effect> {
        self.phase = Phase::Over;
        let save = saved.is_some().then_some(Effect::Save);
        if let Some(saved) = saved {
            self.state = *saved;
        }
        if let Some(request) = unsaved {
            request.keep(&mut self.state);
        }
        self.state.end_run(now, end.clone(), false);
        save.into_iter().chain([Effect::Finish(end)]).collect()
    }

    /// A hook that must succeed failed after the end. It is itself the end, unless something else needs the user.
    pub(super) fn end_refused(&mut self, now: Timestamp, end: End) -> Vec<Effect> {
        if needs(&self.state).is_empty() { self.finish(now, end) } else { Vec::new() }
    }

    pub(super) fn asked(&mut self, now: Timestamp, what: Interrupt) -> Vec<Effect> {
        let running =
            matches!(self.phase, Phase::Running { .. } | Phase::Verifying { .. } | Phase::Rechecking)
                || self.phase.is_between_steps();
        let asked = match what {
            Interrupt::HangUp if running => {
                self.phase = Phase::Over;
                return vec![Effect::Save, Effect::Finish(End::HungUp)];
            }
            Interrupt::HangUp => {
                self.count_wait(now);
                return self.finish(now, End::HungUp);
            }
            Interrupt::LeaseLost => {
                self.lease_lost = true;
                Stop::Terminate
            }
            Interrupt::Terminate => Stop::Terminate,
            Interrupt::AfterStep => Stop::AfterStep,
            Interrupt::KeepRunning if self.stop == Stop::AfterStep && !self.phase.is_between_steps() => {
                self.stop = Stop::No;
                return if running { vec![Effect::Report(Notice::KeepsRunning)] } else { Vec::new() };
            }
            Interrupt::TryNow | Interrupt::KeepRunning | Interrupt::Look => return Vec::new(),
            Interrupt::Interrupt if self.stop == Stop::No && !self.policy.is_job => Stop::AfterStep,
            Interrupt::Interrupt => Stop::Now,
        };
        if asked <= self.stop {
            return Vec::new();
        }
        let before = std::mem::replace(&mut self.stop, asked);
        if !running {
            self.count_wait(now);
        }
        match (running, asked) {
            (false, Stop::Terminate) => self.finish(now, End::Terminated),
            (false, _) if self.phase == Phase::Sleeping => self.finish(now, End::Interrupted),
            (false, Stop::Now) if self.phase == Phase::Planning => self.finish(now, End::Interrupted),
            (false, _) => Vec::new(),
            (true, Stop::AfterStep) if self.phase.is_between_steps() => vec![Effect::Cancel],
            (true, Stop::AfterStep) => vec![Effect::Report(Notice::Stopping)],
            // the agent has its signal already
            (true, _) if before >= Stop::Now || before > Stop::No && self.phase.is_between_steps() => {
                Vec::new()
            }
            (true, _) => vec![Effect::Report(Notice::Ending), Effect::Cancel],
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::event::{Event, Policy};
    use super::*;
    use crate::config::Config;
    use crate::state::testing::at;

    fn machine(state: SpecState) -> Machine {
        Machine::new(state, Policy::of(&Config::default(), TimeZone::UTC))
    }

    fn running() -> SpecState {
        let mut state = SpecState::default();
        state.begin_run(at(0), [].into());
        state
    }

    fn error() -> End {
        End::Error { reason: "the disk is full".into(), exit_code: 70 }
    }

    #[test]
    fn an_error_ends_the_run_with_the_state_that_was_saved() {
        let mut asked = running();
        asked.halt(at(1), "1", "A or B?");
        let mut machine = machine(running());
        machine.state.completed.push("never saved".into());
        let unsaved = ResumeRequest::answer("1", "A");
        let event = Event::Failed { end: error(), saved: Some(Box::new(asked)), unsaved: Some(unsaved) };
        assert_eq!(machine.on(at(2), event), [Effect::Save, Effect::Finish(error())]);
        assert_eq!(machine.state.completed, [""; 0]);
        assert_eq!(machine.state.answers_for("1").count(), 1, "the answer is kept");
        assert_eq!(machine.state.run.over().unwrap().end, error());
    }

    #[test]
    fn nothing_is_saved_over_a_state_that_cannot_be_read() {
        let event = Event::Failed { end: error(), saved: None, unsaved: None };
        assert_eq!(machine(running()).on(at(2), event), [Effect::Finish(error())]);
    }

    #[test]
    fn changes_of_others_end_a_run_before_it_begins_unless_a_question_waits() {
        let end = || End::Dirty { files: vec!["a".into()] };
        let refused = |unsaved| Event::Refused { end: end(), args: vec!["--only=1".into()], unsaved };
        let mut free = machine(SpecState::default());
        assert_eq!(free.on(at(1), refused(None)), [Effect::Save, Effect::Finish(end())]);
        assert_eq!(free.state.run.args(), ["--only=1"]);
        let mut halted = SpecState::default();
        halted.halt(at(0), "1", "A or B?");
        assert_eq!(machine(halted.clone()).on(at(1), refused(None)), []);
        let mut answered = machine(halted);
        let answer = Some(ResumeRequest::answer("1", "A"));
        assert_eq!(answered.on(at(1), refused(answer)), [Effect::Save, Effect::Finish(end())]);
        assert_eq!(answered.state.answers_for("1").count(), 1, "the answer is kept");
    }

    #[test]
    fn a_hook_that_fails_after_the_end_is_the_end_unless_a_need_is_left() {
        let failed = || End::HookFailed { reason: "no".into() };
        let event = || Event::EndRefused { end: failed() };
        let mut state = running();
        state.end_run(at(1), End::Complete, true);
        let mut complete = machine(state.clone());
        assert_eq!(complete.on(at(2), event()), [Effect::Save, Effect::Finish(failed())]);
        assert_eq!(complete.state.run.over().unwrap().end, failed());
        state.halt(at(1), "1", "A or B?");
        assert_eq!(machine(state).on(at(2), event()), []);
    }
}
