//! PURE. People pushed to the branch of a spec: what was made again on top of that is checked again, before it is published.

use jiff::Timestamp;

use super::machine::{Effect, End, Machine, Notice, Phase, Stop};
use crate::plan::Step;
use crate::state::Outcome;

impl Machine {
    /// Commits have other names now. `again`: the step of the last one, and the attempt whose checks succeeded without what
    /// people pushed.
    pub(super) fn renamed(
        &mut self,
        names: &[(String, String)],
        again: Option<(Box<Step>, u32)>,
    ) -> Vec<Effect> {
        self.state.rename_commits(names);
        match again.filter(|(step, _)| !step.settings.verify.is_empty()) {
            None => self.saved_and_replanned(),
            again => self.check_again(again),
        }
    }

    /// Runs the checks of a done task once more. `None`: it has no step any more.
    pub(super) fn check_again(&mut self, again: Option<(Box<Step>, u32)>) -> Vec<Effect> {
        let Some((step, attempt)) = again.filter(|(step, _)| !step.settings.verify.is_empty()) else {
            self.state.checked_again();
            return self.saved_and_replanned();
        };
        // a run that is to end at once has no time for them: the next one runs them
        self.state.must_check_again(&step.unit);
        if self.stop >= Stop::Now {
            return self.saved_and_replanned();
        }
        let report = Notice::Verifying { unit: step.unit.clone(), commands: step.settings.verify.len() };
        self.phase = Phase::Rechecking;
        vec![Effect::Save, Effect::Report(report), Effect::Verify { step, attempt }]
    }

    /// The checks are over that were run once more.
    pub(super) fn rechecked(&mut self, now: Timestamp, failure: Option<&Outcome>) -> Vec<Effect> {
        match failure {
            // the next run runs them
            Some(Outcome::Cancelled { .. }) => self.replan(),
            None => {
                self.state.checked_again();
                self.saved_and_replanned()
            }
            Some(failure) => {
                let reason = format!("with what people pushed to the branch, its last task is {failure}");
                self.diverged(now, reason)
            }
        }
    }

    /// A person must decide about the branch, and has the result of the checks.
    pub(super) fn diverged(&mut self, now: Timestamp, reason: String) -> Vec<Effect> {
        self.state.checked_again();
        self.finish(now, End::Branch { reason })
    }

    fn saved_and_replanned(&mut self) -> Vec<Effect> {
        [vec![Effect::Save], self.replan()].concat()
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::super::event::{Event, Policy};
    use super::*;
    use crate::config::Config;
    use crate::plan::testing::PlanCase;
    use crate::state::testing::at;
    use crate::state::{Changes, SpecState, UnitStatus};

    fn done() -> Machine {
        let mut state = SpecState::default();
        state.begin_run(at(0), [].into());
        let unit = state.units.entry("1".into()).or_default();
        unit.status = UnitStatus::Done;
        unit.changes = Some(Changes { commit: Some("old".into()), ..Changes::default() });
        Machine::new(state, Policy::of(&Config::default(), TimeZone::UTC))
    }

    fn renamed(verify: &[&str]) -> Event {
        let mut step = PlanCase::new("1").plan().steps.remove(0);
        step.settings.verify = verify.iter().map(|word| vec![(*word).to_owned()]).collect();
        Event::Renamed { names: vec![("old".into(), "new".into())], again: Some((Box::new(step), 1)) }
    }

    fn failed() -> Outcome {
        Outcome::VerifyFailed { command: "make".into(), tail: "exit code 2".into(), cause: None }
    }

    #[test]
    fn without_checks_the_run_continues_at_once() {
        let mut machine = done();
        assert_eq!(machine.on(at(1), renamed(&[])), [Effect::Save, Effect::Replan]);
        assert_eq!(machine.state.units["1"].changes.as_ref().unwrap().commit.as_deref(), Some("new"));
    }

    #[test]
    fn what_was_made_again_is_checked_before_the_run_continues() {
        let mut machine = done();
        let effects = machine.on(at(1), renamed(&["make"]));
        assert!(matches!(effects.last(), Some(Effect::Verify { attempt: 1, .. })), "{effects:?}");
        let passed = Event::Verified { failure: None, after: None };
        assert_eq!(machine.state.unchecked(), Some("1"), "a kill must not skip them");
        assert_eq!(machine.on(at(2), passed), [Effect::Save, Effect::Replan]);
        assert_eq!(machine.state.unchecked(), None);
        machine.on(at(3), renamed(&["make"]));
        let effects = machine.on(at(4), Event::Verified { failure: Some(failed()), after: None });
        let Some(Effect::Finish(End::Branch { reason })) = effects.last() else { panic!("{effects:?}") };
        assert!(reason.contains("`make` does not succeed"), "{reason}");
        assert_eq!(machine.state.unchecked(), None, "a person knows");
    }

    #[test]
    fn a_stop_ends_the_checks_and_then_the_run() {
        use crate::state::outcome::CancelledBy;
        use crate::sys::interrupt::Interrupt;
        let mut machine = done();
        machine.on(at(1), renamed(&["make"]));
        let effects = machine.on(at(2), Event::Asked(Interrupt::Terminate));
        assert!(effects.contains(&Effect::Cancel), "{effects:?}");
        let over = Outcome::Cancelled { by: CancelledBy::Terminate };
        let effects = machine.on(at(3), Event::Verified { failure: Some(over), after: None });
        assert_eq!((effects.as_slice(), machine.state.unchecked()), ([Effect::Replan].as_slice(), Some("1")));
        // the same before they began
        let mut machine = done();
        machine.on(at(1), Event::Asked(Interrupt::Terminate));
        assert_eq!(machine.on(at(2), renamed(&["make"])), [Effect::Save, Effect::Replan]);
        assert_eq!(machine.state.unchecked(), Some("1"));
    }

    #[test]
    fn the_next_run_begins_with_the_checks_that_are_left() {
        let left = || {
            let mut machine = done();
            machine.state.must_check_again("1");
            machine
        };
        let Event::Renamed { again, .. } = renamed(&["make"]) else { unreachable!() };
        let mut machine = left();
        let effects = machine.on(at(1), Event::Unchecked(again.clone()));
        assert!(matches!(effects.last(), Some(Effect::Verify { attempt: 1, .. })), "{effects:?}");
        let effects = machine.on(at(2), Event::Verified { failure: Some(failed()), after: None });
        assert!(matches!(effects.last(), Some(Effect::Finish(End::Branch { .. }))), "{effects:?}");
        // its task is gone, or has no checks any more
        let Event::Renamed { again: without, .. } = renamed(&[]) else { unreachable!() };
        for step in [None, without] {
            let mut machine = left();
            assert_eq!(machine.on(at(1), Event::Unchecked(step)), [Effect::Save, Effect::Replan]);
            assert_eq!(machine.state.unchecked(), None);
        }
    }
}
