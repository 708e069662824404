//! PURE. Estimates the remaining time from the tasks that are done.

use std::time::Duration;

use crate::report::text::plural;
use crate::report::times::span;
use crate::state::SpecState;

/// The median time of done units (all their attempts together), and their number; `None` if no unit is done.
pub(super) fn median(state: &SpecState) -> Option<(Duration, usize)> {
    let mut all: Vec<Duration> = state
        .units
        .values()
        .filter(|unit| unit.is_done())
        .map(|unit| {
            let ended = unit.attempts.iter().filter_map(|a| Some(a.ended_at?.duration_since(a.started_at)));
            ended.map(|took| Duration::try_from(took).unwrap_or_default()).sum::<Duration>()
        })
        // a unit without a recorded time was marked as done by a person
        .filter(|took| !took.is_zero())
        .collect();
    all.sort_unstable();
    let count = all.len();
    let middle = (*all.get(count.checked_sub(1)? / 2)? + *all.get(count / 2)?) / 2;
    Some((middle, count))
}

/// The work that remains.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RemainingWork {
    /// Units to do, with the running one.
    pub(super) units: usize,
    /// How long the running unit has run already.
    pub(super) gone: Duration,
    /// Pauses between the units.
    pub(super) pauses: Duration,
    /// The rest of the current wait.
    pub(super) wait: Duration,
}

/// `about 25m left (median of 3 tasks)`. A running unit that takes longer than the median counts as nearly over.
pub(super) fn estimate(state: &SpecState, rest: RemainingWork) -> Option<String> {
    let (median, count) = median(state)?;
    let units = u32::try_from(rest.units).ok().filter(|n| *n > 0)?;
    let left = median.saturating_sub(rest.gone) + median * (units - 1) + rest.pauses + rest.wait;
    Some(format!("about {} left (median of {})", rough(left), plural(count, "task")))
}

/// Rounds up: an estimate has no exact seconds.
fn rough(left: Duration) -> String {
    let seconds = left.as_secs();
    let step = match seconds {
        0..10 => 1,
        10..60 => 10,
        60..600 => 60,
        600..7200 => 300,
        7200..86_400 => 1800,
        _ => 7200,
    };
    span(Duration::from_secs((seconds.max(1)).div_ceil(step) * step))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{at, attempt};
    use super::*;
    use crate::state::{AttemptRecord, Outcome, UnitState, UnitStatus};

    fn unit(status: UnitStatus, seconds: &[i64]) -> UnitState {
        let attempts = seconds.iter().map(|s| AttemptRecord {
            ended_at: Some(at(*s)),
            outcome: Some(Outcome::Done),
            ..attempt(1, 0)
        });
        UnitState { status, attempts: attempts.collect(), ..UnitState::default() }
    }

    fn state(units: Vec<UnitState>) -> SpecState {
        let units = units.into_iter().enumerate().map(|(n, u)| (n.to_string(), u)).collect();
        SpecState { units, ..SpecState::default() }
    }

    fn estimated(units: Vec<UnitState>, rest: RemainingWork) -> Option<String> {
        estimate(&state(units), rest)
    }

    #[test]
    fn without_done_tasks_there_is_no_estimate() {
        let rest = RemainingWork { units: 3, ..RemainingWork::default() };
        assert_eq!(estimated(Vec::new(), rest), None);
        // a failed task does not show how long success takes, and a task that a person marked took no time
        let failed = UnitStatus::Failed { at: at(500), reason: "x".into() };
        let units = vec![unit(failed, &[500]), unit(UnitStatus::Done, &[])];
        assert_eq!(estimated(units, rest), None);
        assert_eq!(
            estimated(vec![unit(UnitStatus::Done, &[60])], RemainingWork::default()),
            None,
            "nothing is left"
        );
    }

    #[test]
    fn one_very_long_task_does_not_change_the_estimate() {
        use UnitStatus::Done;
        let units = || vec![unit(Done, &[60, 60]), unit(Done, &[100_000]), unit(Done, &[60])];
        assert_eq!(median(&state(units())), Some((Duration::from_secs(120), 3)));
        let two = state(vec![unit(Done, &[100]), unit(Done, &[200])]);
        assert_eq!(median(&two), Some((Duration::from_secs(150), 2)));
        let rest = RemainingWork { units: 3, gone: Duration::from_secs(60), ..RemainingWork::default() };
        assert_eq!(estimated(units(), rest).unwrap(), "about 5m left (median of 3 tasks)");
        // a running unit that takes too long does not shorten the time of the others
        let over = RemainingWork { gone: Duration::from_secs(9000), ..rest };
        assert_eq!(estimated(units(), over).unwrap(), "about 4m left (median of 3 tasks)");
    }

    #[test]
    fn an_estimate_has_pauses_and_waits_and_is_rounded_up() {
        let rest = RemainingWork {
            units: 1,
            gone: Duration::ZERO,
            pauses: Duration::from_secs(30),
            wait: Duration::from_secs(3 * 3600),
        };
        let text = estimated(vec![unit(UnitStatus::Done, &[90])], rest).unwrap();
        assert_eq!(text, "about 3h 30m left (median of 1 task)");
        let roughly: Vec<_> = [0, 7, 12, 61, 3599].map(|s| rough(Duration::from_secs(s))).to_vec();
        assert_eq!(roughly, ["1s", "7s", "20s", "2m", "1h"]);
    }
}
