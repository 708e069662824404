//! PURE. `run --ask`: a person is asked before each task.

use jiff::Timestamp;

use super::machine::{Effect, Machine, Phase};
use crate::plan::Step;
use crate::state::{ResumeReason, WaitReason};

impl Machine {
    /// The effects instead of a step that a person has not confirmed yet. What only continues an attempt, and a review of it,
    /// needs no new answer.
    pub(super) fn ask_first(&mut self, now: Timestamp, step: &Step) -> Option<Vec<Effect>> {
        use ResumeReason as R;
        let continues = self
            .resumption(step)
            .is_some_and(|resumes| matches!(resumes.reason, R::Nudge | R::Unchanged | R::Limit));
        let is_known = self.confirmed.as_ref() == Some(&step.unit);
        if !self.policy.ask || !step.role.is_work() || continues || is_known {
            return None;
        }
        let (unit, title) = (step.unit.clone(), step.title.clone());
        Some(self.wait_for(now, None, WaitReason::Ask { unit, title }))
    }

    /// A person wants this unit run. What the plan says of it now decides, for they may have thought for long.
    pub(super) fn confirmed(&mut self, now: Timestamp, unit: String) -> Vec<Effect> {
        if self.phase != Phase::Sleeping {
            return Vec::new();
        }
        self.confirmed = Some(unit);
        // no pause is needed behind a pause of a person
        self.pause = None;
        self.count_wait(now);
        self.replan()
    }
}
