//! The look at the work tree with which an attempt ends. Where the next attempt begins at once, it serves as the look before it.

use jiff::{SignedDuration, Timestamp};

use crate::state::TreeRecord;
use crate::store::attempt_result::AttemptResult;

/// How old it may be. What a person edits meanwhile counts as the next agent's work, so it is not longer than a look takes in
/// a large tree.
const AGE_MAX: SignedDuration = SignedDuration::from_millis(200);

/// A look at the work tree, with its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct LastLook {
    at: Timestamp,
    tree: TreeRecord,
}

impl LastLook {
    /// The look of an attempt that has ended. None where it could not look, or where HEAD has moved.
    pub(super) fn of(facts: &AttemptResult) -> Option<Self> {
        let tree = facts.after.clone().filter(|tree| tree.history.is_none())?;
        Some(Self { at: facts.ended_at, tree })
    }

    /// What it saw, if it is young enough.
    pub(super) fn still_true(self, now: Timestamp) -> Option<TreeRecord> {
        let age = now.duration_since(self.at);
        (!age.is_negative() && age < AGE_MAX).then_some(self.tree)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_true_for_a_moment_and_never_after_a_clock_that_was_set_back() {
        let at: Timestamp = "2026-11-30T22:00:00Z".parse().unwrap();
        let seen = TreeRecord { tree: "tree".to_owned(), ..TreeRecord::default() };
        let mut facts = AttemptResult { after: Some(seen.clone()), ..AttemptResult::begun(at) };
        facts.ended_at = at;
        let after = |ms| LastLook::of(&facts).unwrap().still_true(at + SignedDuration::from_millis(ms));
        assert_eq!(after(0), Some(seen.clone()));
        assert_eq!(after(199), Some(seen));
        assert_eq!(after(200), None);
        assert_eq!(after(-1), None);
    }
}
