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
    /// Once a run ends that works on it now. Its end is not known.
    AfterRun,
    /// Never: nothing is left that an agent does.
    Done,
    /// Once a person did something.
    Needed,
}

/// What is left to do, and which needs a run continues beside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LeftWork {
    /// A plan of now has steps.
    pub has_steps: bool,
    /// Some of them wait neither for a failed task nor for an answer.
    pub has_other_steps: bool,
    /// A run continues beside questions.
    pub skips_questions: bool,
    /// A run continues beside failed tasks.
    pub skips_failures: bool,
}

impl NextStart {
    /// Finds it.
    #[must_use]
    pub fn of(state: &SpecState, left: LeftWork, now: Timestamp) -> Self {
        let ended = state.run.over().and_then(|over| over.end.resume_at());
        let is_beside = |kind| match kind {
            // a run that would have waited had more to do, whatever had failed
            NeedKind::Question => left.skips_questions || ended.is_some(),
            NeedKind::FailedTask => left.skips_failures || ended.is_some(),
            NeedKind::HumanTask | NeedKind::Blocked => true,
            _ => false,
        };
        let needs = needs(state);
        let blocks = needs.iter().any(|need| !is_beside(need.kind));
        // any run tries a failed task again, but that alone is no reason to start one
        let waits = needs.iter().any(|need| !matches!(need.kind, NeedKind::HumanTask | NeedKind::Blocked));
        let has_steps = if waits { left.has_other_steps } else { left.has_steps };
        if blocks || !has_steps {
            return if needs.is_empty() { Self::Done } else { Self::Needed };
        }
        let pause = state.pause.as_ref().filter(|pause| pause.holds(now));
        let wait = state.run.wait();
        if pause.is_some_and(|pause| pause.until.is_none()) || wait.is_some_and(|wait| wait.until.is_none()) {
            return Self::Needed;
        }
        let ends = [pause.and_then(|pause| pause.until), wait.and_then(|wait| wait.until), ended];
        let last = ends.into_iter().flatten().max().filter(|at| *at > now);
        last.map_or(Self::Now, Self::At)
    }

    /// The same while a run works on the spec. `until`: when its lease ends; `None`: it has none, it is on this machine.
    #[must_use]
    pub fn beside_run(self, until: Option<Timestamp>) -> Self {
        match (self, until) {
            (Self::Now, None) => Self::AfterRun,
            (Self::Now, Some(until)) => Self::At(until),
            (Self::At(at), Some(until)) => Self::At(at.max(until)),
            (next, _) => next,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{at, in_need};
    use crate::state::{End, Wait, WaitReason};

    const STEPS: LeftWork =
        LeftWork { has_steps: true, has_other_steps: true, skips_questions: false, skips_failures: false };
    const SKIPS: LeftWork = LeftWork { skips_questions: true, skips_failures: true, ..STEPS };

    fn next(state: &SpecState, now: i64) -> NextStart {
        NextStart::of(state, STEPS, at(now))
    }

    #[test]
    fn a_spec_without_work_is_done_unless_a_person_is_needed() {
        let state = SpecState::default();
        assert_eq!(NextStart::of(&state, LeftWork::default(), at(0)), NextStart::Done);
        assert_eq!(next(&state, 0), NextStart::Now);
        let asks = in_need(NeedKind::Question, "A or B?");
        assert_eq!(next(&asks, 9), NextStart::Needed);
        assert_eq!(NextStart::of(&asks, SKIPS, at(9)), NextStart::Now, "other tasks are left");
        let none_beside = LeftWork { has_other_steps: false, ..SKIPS };
        assert_eq!(NextStart::of(&asks, none_beside, at(9)), NextStart::Needed);
        let refused = in_need(NeedKind::Login, "401");
        assert_eq!(NextStart::of(&refused, SKIPS, at(9)), NextStart::Needed);
    }

    #[test]
    fn each_need_is_passed_over_only_where_its_own_rule_says_so() {
        let asks = in_need(NeedKind::Question, "A or B?");
        let failed = in_need(NeedKind::FailedTask, "exit 1");
        let questions = LeftWork { skips_questions: true, ..STEPS };
        let failures = LeftWork { skips_failures: true, ..STEPS };
        let of = |state, left| NextStart::of(state, left, at(9));
        assert_eq!((of(&asks, questions), of(&failed, questions)), (NextStart::Now, NextStart::Needed));
        assert_eq!((of(&asks, failures), of(&failed, failures)), (NextStart::Needed, NextStart::Now));
        let only_it = LeftWork { has_other_steps: false, ..failures };
        assert_eq!(of(&failed, only_it), NextStart::Needed, "no scheduler tries it again for ever");
    }

    #[test]
    fn a_run_that_would_have_waited_had_more_to_do_beside_a_failed_task() {
        let mut state = in_need(NeedKind::FailedTask, "exit 1");
        let until = at(100);
        state.end_run(at(1), End::TryLater { unit: "9".into(), reason: "a limit".into(), until }, true);
        assert_eq!(next(&state, 5), NextStart::At(until));
        assert_eq!(next(&state, 100), NextStart::Now);
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
    fn no_run_starts_beside_one_that_works() {
        let (soon, late) = (at(10), at(99));
        assert_eq!(NextStart::Now.beside_run(Some(soon)), NextStart::At(soon));
        assert_eq!(NextStart::At(late).beside_run(Some(soon)), NextStart::At(late));
        assert_eq!(NextStart::At(soon).beside_run(Some(late)), NextStart::At(late));
        assert_eq!(NextStart::Now.beside_run(None), NextStart::AfterRun);
        assert_eq!(NextStart::At(late).beside_run(None), NextStart::At(late), "it waits until then");
        for next in [NextStart::Done, NextStart::Needed] {
            assert_eq!((next.beside_run(None), next.beside_run(Some(late))), (next, next));
        }
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
