//! PURE. What a run knows of its checks before any agent works, and from when on that is over.

use super::attempt::AttemptRecord;
use super::baseline::FailedCheck;
use super::spec_state::SpecState;
use super::unit::UnitState;

impl SpecState {
    /// Whether the open run still has to look what the checks say. It does not where its agents have worked already, or an
    /// agent has left work that is not done: what fails then may be the agent's.
    #[must_use]
    pub fn needs_baseline(&self) -> bool {
        let Some(open) = self.run.open() else { return false };
        let is_known = self.baseline.as_ref().is_some_and(|b| b.run == open.began && b.ended.is_some());
        !is_known && open.iterations == 0 && self.unfinished_work().is_none()
    }

    /// Whether a run that begins now, or continues, looks what the checks say.
    #[must_use]
    pub fn next_run_needs_baseline(&self) -> bool {
        if self.run.is_open() { self.needs_baseline() } else { self.unfinished_work().is_none() }
    }

    /// A unit that is not done, and on which an agent has worked.
    #[must_use]
    pub fn unfinished_work(&self) -> Option<&str> {
        let unfinished =
            |unit: &UnitState| !unit.is_done() && unit.attempts.iter().any(AttemptRecord::reached_agent);
        // a task that got parts meanwhile is done with them, and its own attempt stays as it was
        let is_open = |id: &str| !self.completed.iter().any(|done| done == id);
        self.units_by_id().into_iter().find(|(id, unit)| is_open(id) && unfinished(unit)).map(|(id, _)| id)
    }

    /// The checks that failed before any agent worked, and since.
    pub fn known_failures(&self) -> impl Iterator<Item = &FailedCheck> {
        let known = self.baseline.as_ref().filter(|baseline| baseline.ended.is_some());
        known.into_iter().flat_map(|known| &known.failed).filter(|check| check.fixed_by.is_none())
    }

    /// All these commands have succeeded after a unit.
    pub fn checks_succeeded(&mut self, unit: &str, commands: &[Vec<String>]) {
        let failed = self.baseline.iter_mut().flat_map(|baseline| &mut baseline.failed);
        for check in failed.filter(|check| check.fixed_by.is_none() && commands.contains(&check.argv)) {
            check.fixed_by = Some(unit.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::baseline::BaselineRecord;
    use super::super::outcome::{CancelledBy, Outcome};
    use super::super::testing::{at, attempt};
    use super::super::unit::UnitStatus;
    use super::*;

    fn failed() -> FailedCheck {
        FailedCheck {
            argv: vec!["make".into()],
            command: "make".into(),
            how: "failed with exit code 2".into(),
            cause: None,
            tail: "no rule".into(),
            fixed_by: None,
        }
    }

    fn record() -> BaselineRecord {
        BaselineRecord {
            run: at(0),
            began: at(1),
            ended: Some(at(2)),
            before: None,
            commands: 1,
            failed: vec![failed()],
            left_out: Vec::new(),
            undone: Vec::new(),
        }
    }

    #[test]
    fn each_run_needs_one_baseline_unless_work_is_unfinished() {
        let mut state = SpecState::default();
        assert!(!state.needs_baseline(), "no run is open");
        state.begin_run(at(0), [].into());
        assert!(state.needs_baseline());
        state.baseline = Some(BaselineRecord { ended: None, ..record() });
        assert!(state.needs_baseline(), "a kill ended the last one");
        state.baseline = Some(record());
        assert!(!state.needs_baseline());
        state.baseline = Some(BaselineRecord { run: at(-9), ..record() });
        assert!(state.needs_baseline(), "it is that of an earlier run");
        let never = attempt(1, Some(Outcome::Cancelled { by: CancelledBy::NoOrchestrator }));
        state.units.insert("1".into(), UnitState { attempts: vec![never], ..UnitState::default() });
        assert!(state.needs_baseline());
        let worked = attempt(2, Some(Outcome::NoSignal));
        state.units.get_mut("1").unwrap().attempts.push(worked);
        assert_eq!((state.needs_baseline(), state.unfinished_work()), (false, Some("1")));
        state.completed.push("1".into());
        assert!(state.needs_baseline(), "its parts, which came later, are done");
        state.completed.clear();
        state.units.get_mut("1").unwrap().status = UnitStatus::Done;
        assert!(state.needs_baseline());
        state.run.open_mut().unwrap().iterations = 1;
        assert!(!state.needs_baseline(), "an agent of this run has worked");
    }

    #[test]
    fn a_failure_is_known_until_its_command_succeeds() {
        let mut state = SpecState { baseline: Some(record()), ..SpecState::default() };
        state.checks_succeeded("1", &[vec!["make".into(), "lint".into()]]);
        assert_eq!(state.known_failures().collect::<Vec<_>>(), [&failed()]);
        state.checks_succeeded("2", &[vec!["true".into()], vec!["make".into()]]);
        state.checks_succeeded("3", &[vec!["make".into()]]);
        assert_eq!(state.known_failures().count(), 0);
        assert_eq!(state.baseline.unwrap().failed[0].fixed_by.as_deref(), Some("2"));
    }
}
