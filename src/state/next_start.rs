//! PURE. When a run of a spec can continue, as schedulers ask it.

use jiff::Timestamp;

use super::needs::{NeedKind, needs};
use super::spec_state::SpecState;

/// When a run of a spec can start its next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NextStart {
    /// At once.
    Now,
    /// At this time, which is later than now.
    At(Timestamp),
    /// Never: nothing is left that an agent does.
    Done,
    /// Once a person did something.
    Needed,
}

impl NextStart {
    /// Finds it. `has_steps`: a plan of now has steps. `skips`: a run continues beside questions and failed tasks.
    #[must_use]
    pub fn of(state: &SpecState, has_steps: bool, skips: bool, now: Timestamp) -> Self {
        let is_beside =
            |kind| matches!(kind, NeedKind::Question | NeedKind::FailedTask | NeedKind::HumanTask);
        let needs = needs(state);
        let blocks = needs.iter().any(|need| !(skips && is_beside(need.kind)));
        if blocks || !has_steps {
            return if needs.is_empty() { Self::Done } else { Self::Needed };
        }
        let pause = state.pause.as_ref().filter(|pause| pause.holds(now));
        let wait = state.run.wait();
        if pause.is_some_and(|pause| pause.until.is_none()) || wait.is_some_and(|wait| wait.until.is_none()) {
            return Self::Needed;
        }
        let ended = state.run.over().and_then(|over| over.end.resume_at());
        let ends = [pause.and_then(|pause| pause.until), wait.and_then(|wait| wait.until), ended];
        let last = ends.into_iter().flatten().max().filter(|at| *at > now);
        last.map_or(Self::Now, Self::At)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{at, in_need};
    use crate::state::{End, Wait, WaitReason};

    fn next(state: &SpecState, now: i64) -> NextStart {
        NextStart::of(state, true, false, at(now))
    }

    #[test]
    fn a_spec_without_work_is_done_unless_a_person_is_needed() {
        let state = SpecState::default();
        assert_eq!(NextStart::of(&state, false, false, at(0)), NextStart::Done);
        assert_eq!(next(&state, 0), NextStart::Now);
        let asks = in_need(NeedKind::Question, "A or B?");
        assert_eq!(NextStart::of(&asks, false, true, at(9)), NextStart::Needed);
        assert_eq!(next(&asks, 9), NextStart::Needed);
        assert_eq!(NextStart::of(&asks, true, true, at(9)), NextStart::Now, "other tasks are left");
        let refused = in_need(NeedKind::Login, "401");
        assert_eq!(NextStart::of(&refused, true, true, at(9)), NextStart::Needed);
    }

    #[test]
    fn the_end_of_a_run_that_would_have_waited_says_when() {
        let mut state = SpecState::default();
        state.begin_run(at(0), [].into());
        state.end_run(
            at(1),
            End::TryLater { unit: "1".into(), reason: "a limit".into(), until: at(100) },
            true,
        );
        assert_eq!(next(&state, 5), NextStart::At(at(100)));
        assert_eq!(next(&state, 100), NextStart::Now);
    }

    #[test]
    fn a_run_that_waits_says_until_when_or_that_a_person_ends_it() {
        let mut state = SpecState::default();
        state.begin_run(at(0), [].into());
        let mut wait = |until| {
            let reason = WaitReason::Pause { by: None };
            state.run.open_mut().unwrap().wait = Some(Wait { since: at(0), until, reason });
            next(&state, 5)
        };
        assert_eq!(wait(Some(at(60))), NextStart::At(at(60)));
        assert_eq!(wait(None), NextStart::Needed);
    }
}
