//! PURE. Where a task stands. Counts, the lines of `status`, the report and the live view all ask here, so they agree with each
//! other and with the needs.

use super::spec_state::SpecState;
use super::unit::{UnitState, UnitStatus};
use crate::plan::{Plan, SkipReason, SkippedTask, Step};

/// Where a task stands. A task that needs a person is nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkStanding {
    /// Completed, or ticked before.
    Done,
    /// An attempt of it runs.
    Running,
    /// Its agent asks a person.
    Asks,
    /// It failed, and no attempts are left.
    Failed,
    /// A step of the plan does it.
    Todo,
    /// Not done, and no step does it now: it is blocked, not selected, or for a person.
    Deferred,
    /// Optional and not asked for, or marked to be left out.
    Skipped,
}

/// A task of a plan, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StandingTask<'a> {
    /// Its id.
    pub id: &'a str,
    /// Where it stands.
    pub stands: WorkStanding,
    /// Why the plan has no step for it; `None`: it has one.
    pub reason: Option<&'a SkipReason>,
}

impl WorkStanding {
    /// Where the task of a step stands. It may be done since the plan was made, with all that the step completes.
    #[must_use]
    pub fn of_step(state: &SpecState, step: &Step) -> Self {
        match Self::of(state, &step.unit, None) {
            Self::Done if !step.completes.iter().all(|id| state.has_completed(id)) => Self::Todo,
            stands => stands,
        }
    }

    /// Where a task stands for which the plan has no step.
    #[must_use]
    pub fn of_skipped(state: &SpecState, skipped: &SkippedTask) -> Self {
        Self::of(state, &skipped.id, Some(&skipped.reason))
    }

    /// Where a task stands that the plan does not have.
    #[must_use]
    pub fn of_unplanned(state: &SpecState, id: &str) -> Self {
        Self::of(state, id, None)
    }

    fn of(state: &SpecState, id: &str, reason: Option<&SkipReason>) -> Self {
        let unit = state.units.get(id);
        match (unit.map(|unit| &unit.status), reason) {
            (Some(UnitStatus::Halted { .. }), _) | (_, Some(SkipReason::Asks)) => Self::Asks,
            (Some(UnitStatus::Failed { .. }), _) | (_, Some(SkipReason::Failed)) => Self::Failed,
            (Some(UnitStatus::Running), _) if !unit.is_some_and(UnitState::was_cut_off) => Self::Running,
            // a run that is stopped during a commit makes no new plan
            (_, None) if state.has_completed(id) => Self::Done,
            (_, None) => Self::Todo,
            (_, Some(SkipReason::Completed | SkipReason::Ticked)) => Self::Done,
            (_, Some(SkipReason::Optional | SkipReason::Marked(_))) => Self::Skipped,
            (_, Some(SkipReason::Blocked { .. } | SkipReason::NotSelected | SkipReason::Human)) => {
                Self::Deferred
            }
        }
    }

    /// Whether it counts as to do.
    #[must_use]
    pub fn is_left(self) -> bool {
        matches!(self, Self::Running | Self::Todo | Self::Deferred)
    }
}

impl SpecState {
    /// Whether a task was done, and its box was not opened since.
    fn has_completed(&self, id: &str) -> bool {
        self.completed.iter().any(|done| done == id) && !self.reopened.contains(id)
    }

    /// Whether an attempt did a part of the task, and the rest is left. `stands`: where the task stands.
    #[must_use]
    pub fn is_done_in_part(&self, id: &str, stands: WorkStanding) -> bool {
        stands.is_left() && self.units.get(id).is_some_and(super::unit::UnitState::is_done)
    }
}

/// The tasks of a plan: first its steps in their order, then the others. Subtasks of a task that is given to an agent as a whole
/// are left out.
pub fn standings<'a>(plan: &'a Plan, state: &'a SpecState) -> impl Iterator<Item = StandingTask<'a>> {
    let planned = plan.steps.iter().map(|step| StandingTask {
        id: &step.unit,
        stands: WorkStanding::of_step(state, step),
        reason: None,
    });
    let skipped = plan.skipped.iter().filter(|skipped| !skipped.is_part()).map(|skipped| StandingTask {
        id: &skipped.id,
        stands: WorkStanding::of_skipped(state, skipped),
        reason: Some(&skipped.reason),
    });
    planned.chain(skipped)
}

#[cfg(test)]
mod tests {
    use super::super::testing::at;
    use super::*;
    use crate::plan::testing::PlanCase;

    #[test]
    fn what_needs_a_person_is_nothing_else_whatever_the_plan_says() {
        let blocked = SkipReason::Blocked { on: vec!["1".into()] };
        let reasons = [
            None,
            Some(SkipReason::Completed),
            Some(SkipReason::Ticked),
            Some(SkipReason::Optional),
            Some(SkipReason::NotSelected),
            Some(blocked),
            Some(SkipReason::Human),
            Some(SkipReason::Marked("`[!]`".into())),
        ];
        let failed = UnitStatus::Failed { at: at(0), reason: "x".into() };
        let halted = UnitStatus::Halted { at: at(0), question: "x".into() };
        for (status, stands) in [(failed, WorkStanding::Failed), (halted, WorkStanding::Asks)] {
            let mut state = SpecState::default();
            state.units.entry("2".into()).or_default().status = status;
            for reason in &reasons {
                assert_eq!(WorkStanding::of(&state, "2", reason.as_ref()), stands, "{reason:?}");
            }
        }
    }

    #[test]
    fn a_done_unit_with_a_new_part_is_to_do_until_that_is_done() {
        let case = PlanCase::new("1\n2\n  2.1\n  2.2").completed(&["2", "2.1"]);
        let mut state = SpecState { completed: vec!["2".into(), "2.1".into()], ..SpecState::default() };
        let plan = case.plan();
        let stands = |state: &SpecState| standings(&plan, state).find(|task| task.id == "2").unwrap().stands;
        assert_eq!(stands(&state), WorkStanding::Todo);
        state.completed.push("2.2".into());
        assert_eq!(stands(&state), WorkStanding::Done);
    }

    #[test]
    fn a_unit_with_an_open_part_is_done_in_part_and_to_do() {
        let case = PlanCase::new("1\n2\n  2.1\n  2.2").completed(&["2.1"]);
        let mut state = SpecState { completed: vec!["2.1".into()], ..SpecState::default() };
        state.units.entry("2".into()).or_default().status = UnitStatus::Done;
        let plan = case.plan();
        let all: Vec<_> = standings(&plan, &state).map(|task| (task.id, task.stands)).collect();
        assert_eq!(all, [("1", WorkStanding::Todo), ("2", WorkStanding::Todo)]);
        assert!(state.is_done_in_part("2", WorkStanding::Todo));
        assert!(!state.is_done_in_part("1", WorkStanding::Todo));
        assert!(!state.is_done_in_part("2", WorkStanding::Done));
    }
}
