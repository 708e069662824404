//! PURE. What attempts came to: how many there were, how long they worked, and what they used. All outputs that show such a sum
//! ask here.

use std::time::Duration;

use jiff::Timestamp;

use super::attempt::AttemptRecord;
use super::spec_state::SpecState;
use super::spent::Spent;

/// The sums of attempts: those of a task, of a run, or of all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct AttemptSums {
    /// Attempts to do a task, without those that a limit ended or that never started.
    pub tries: usize,
    /// Reviews, counted in the same way.
    pub reviews: usize,
    /// Calls of agents that assigned tasks, counted in the same way.
    pub calls: usize,
    /// How long agents worked.
    pub worked: Duration,
    /// What the attempts that are over used.
    pub spent: Spent,
}

impl AttemptSums {
    /// The sums of these attempts. One that works has worked until now, one whose process is gone until its last sign of life.
    pub fn of<'a>(attempts: impl IntoIterator<Item = &'a AttemptRecord>, now: Timestamp) -> Self {
        let mut all = Self::default();
        for attempt in attempts {
            if attempt.is_try() {
                *(if attempt.role.is_work() { &mut all.tries } else { &mut all.reviews }) += 1;
            }
            if attempt.reached_agent() {
                let worked = attempt.until(now).duration_since(attempt.started_at);
                all.worked += Duration::try_from(worked).unwrap_or_default();
            }
            all.spent.add(attempt);
        }
        all
    }

    /// The sums of all attempts and calls of a spec that began at `from` or later.
    #[must_use]
    pub fn since(state: &SpecState, from: Timestamp, now: Timestamp) -> Self {
        let all = Self::of(state.asked_agents().filter(|attempt| attempt.started_at >= from), now);
        let calls = Self::of_calls(state, from, now).calls;
        Self { tries: all.tries - calls, calls, ..all }
    }

    /// The sums of the calls that began at `from` or later, without attempts.
    #[must_use]
    pub fn of_calls(state: &SpecState, from: Timestamp, now: Timestamp) -> Self {
        let all = Self::of(state.calls.iter().filter(|call| call.started_at >= from), now);
        Self { tries: 0, calls: all.tries, ..all }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Outcome;
    use super::super::testing::{at, attempt, limited};
    use super::*;
    use crate::agent::AttemptRole;

    #[test]
    fn a_limit_costs_time_and_no_attempt_and_a_review_counts_apart() {
        let mut review = attempt(2, Some(Outcome::Approved));
        review.role = AttemptRole::Review;
        let never = attempt(3, Some(Outcome::Unavailable { why: "gone".into() }));
        let works = attempt(4, None);
        let all = [attempt(1, Some(Outcome::Done)), review, never, works, attempt(5, Some(limited()))];
        let sums = AttemptSums::of(&all, at(30));
        assert_eq!((sums.tries, sums.reviews), (2, 1));
        assert_eq!(sums.worked, Duration::from_secs(60 + 60 + 30 + 60));
        assert_eq!(sums.spent, Spent::of(&all));
    }

    #[test]
    fn an_attempt_whose_process_is_gone_worked_until_its_last_sign() {
        let mut gone = attempt(1, None);
        gone.learned.over_at = Some(at(20));
        assert_eq!(AttemptSums::of([&gone], at(30)).worked, Duration::from_secs(20));
        assert_eq!(AttemptSums::of([&gone], at(7 * 3600)).worked, Duration::from_secs(20));
    }

    #[test]
    fn attempts_of_earlier_runs_are_left_out() {
        let mut state = SpecState::default();
        let mut later = attempt(2, Some(Outcome::Done));
        (later.started_at, later.ended_at) = (at(100), Some(at(101)));
        state.units.entry("1".into()).or_default().attempts = vec![attempt(1, Some(Outcome::Done)), later];
        let of = |from| AttemptSums::since(&state, from, at(200));
        assert_eq!((of(at(0)).tries, of(at(100)).tries), (2, 1));
        assert_eq!((of(at(0)).worked, of(at(100)).worked), (Duration::from_secs(61), Duration::from_secs(1)));
    }

    #[test]
    fn a_call_that_assigns_tasks_is_no_attempt_and_costs_as_much() {
        let mut state = SpecState::default();
        state.units.entry("1".into()).or_default().attempts = vec![attempt(1, Some(Outcome::Done))];
        let mut call = attempt(1, Some(Outcome::NoSignal));
        call.learned.usage = Some(crate::agent::Usage { input: Some(7), ..Default::default() });
        state.calls = vec![call];
        let sums = AttemptSums::since(&state, at(0), at(200));
        assert_eq!((sums.tries, sums.calls, sums.spent.usage.input), (1, 1, Some(7)));
        assert_eq!(sums.worked, Duration::from_secs(120));
        let calls = AttemptSums::of_calls(&state, at(0), at(200));
        assert_eq!((calls.tries, calls.calls, calls.worked), (0, 1, Duration::from_secs(60)));
    }
}
