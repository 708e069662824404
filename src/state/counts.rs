//! PURE. How many tasks of a plan are done, failed, halted, to do and skipped.

use serde::Serialize;

use super::spec_state::SpecState;
use super::standing::{WorkStanding, standings};
use crate::plan::Plan;

/// Tasks by where they stand, each counted once: done, failed, halted, to do and skipped make up all. Subtasks of a task
/// that is given to an agent as a whole are not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// All tasks.
    pub all: usize,
    /// Completed, or ticked before.
    pub done: usize,
    /// Failed, no attempts left.
    pub failed: usize,
    /// Their agent asked a person.
    pub halted: usize,
    /// Everything else: a task that runs, is blocked or is not selected counts here, too.
    pub todo: usize,
    /// Optional and not asked for, or marked to be skipped.
    pub skipped: usize,
}

/// Counts the tasks of a plan.
#[must_use]
pub fn counts(plan: &Plan, state: &SpecState) -> Counts {
    let mut counts = Counts::default();
    for task in standings(plan, state) {
        counts.all += 1;
        *match task.stands {
            WorkStanding::Done => &mut counts.done,
            WorkStanding::Failed => &mut counts.failed,
            WorkStanding::Asks => &mut counts.halted,
            WorkStanding::Running | WorkStanding::Todo | WorkStanding::Deferred => &mut counts.todo,
            WorkStanding::Skipped => &mut counts.skipped,
        } += 1;
    }
    counts
}

/// The tasks that count as to do: first the steps of the plan in their order.
#[must_use]
pub fn left<'a>(plan: &'a Plan, state: &'a SpecState) -> Vec<&'a str> {
    standings(plan, state).filter(|task| task.stands.is_left()).map(|task| task.id).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::super::unit::UnitStatus;
    use super::*;
    use crate::plan::testing::PlanCase;

    fn counted(case: &PlanCase, state: &SpecState) -> Counts {
        let counts = counts(&case.plan(), state);
        let Counts { all, done, failed, halted, todo, skipped } = counts;
        assert_eq!(done + failed + halted + todo + skipped, all, "{counts:?}");
        counts
    }

    #[test]
    fn every_task_is_counted_once() {
        let case = PlanCase::new("1\n2\n  2.1\n  2.2 *\n3\n4 *\n5\n6").completed(&["1"]);
        let mut state = SpecState::default();
        state.halt(at(0), "2", "Which?");
        let status = UnitStatus::Failed { at: at(0), reason: "x".into() };
        state.units.entry("3".into()).or_default().status = status;
        state.units.entry("5".into()).or_default().status = UnitStatus::Running;
        let all = Counts { all: 6, done: 1, failed: 1, halted: 1, todo: 2, skipped: 1 };
        assert_eq!(counted(&case, &state), all);
    }

    #[test]
    fn a_task_that_is_done_since_the_plan_was_made_is_done() {
        let case = PlanCase::new("1\n2");
        let mut state = SpecState { completed: vec!["1".into()], ..SpecState::default() };
        assert_eq!(counted(&case, &state), Counts { all: 2, done: 1, todo: 1, ..Counts::default() });
        state.reopened.insert("1".into());
        assert_eq!(counted(&case, &state).todo, 2);
    }

    #[test]
    fn a_blocked_or_unselected_task_is_to_do() {
        let mut case = PlanCase::new("1\n2 <1\n3");
        case.progress.skipped.insert("1".into());
        let counts = counted(&case, &SpecState::default());
        assert_eq!((counts.skipped, counts.todo), (1, 2));
        let mut case = PlanCase::new("1\n2\n3");
        case.selection.only = vec!["2".into()];
        let counts = counted(&case, &SpecState::default());
        assert_eq!((counts.all, counts.todo), (3, 3));
    }
}
