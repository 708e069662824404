//! PURE. How long the rest may take, as far as what is done can tell.

use std::time::Duration;

use crate::report::times::span;
use crate::state::SpecState;

/// The median of what done units took, all their attempts together, and how many there are; `None` where none is done.
pub(super) fn median(state: &SpecState) -> Option<(Duration, usize)> {
    let mut all: Vec<Duration> = state
        .units
        .values()
        .filter(|unit| unit.is_done())
        .map(|unit| {
            let ended = unit.attempts.iter().filter_map(|a| Some(a.ended_at?.duration_since(a.started_at)));
            ended.map(|took| Duration::try_from(took).unwrap_or_default()).sum::<Duration>()
        })
        // marked by hand, or done before anybody kept times
        .filter(|took| !took.is_zero())
        .collect();
    all.sort_unstable();
    let count = all.len();
    let middle = (*all.get(count.checked_sub(1)? / 2)? + *all.get(count / 2)?) / 2;
    Some((middle, count))
}

/// What is still to be done.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct RemainingWork {
    /// Units that are left, the running one included.
    pub(super) units: usize,
    /// Time that the running one has taken already.
    pub(super) gone: Duration,
    /// Pauses between the units.
    pub(super) pauses: Duration,
    /// What is left of a wait for something else.
    pub(super) wait: Duration,
}

/// `about 25m left, as 3 done tasks went`; a running unit that takes longer than most counts as nearly over.
pub(super) fn estimate(state: &SpecState, rest: RemainingWork) -> Option<String> {
    let (median, count) = median(state)?;
    let units = u32::try_from(rest.units).ok().filter(|n| *n > 0)?;
    let left = median.saturating_sub(rest.gone) + median * (units - 1) + rest.pauses + rest.wait;
    let tasks = if count == 1 { "1 done task".to_owned() } else { format!("{count} done tasks") };
    Some(format!("about {} left, as {tasks} went", rough(left)))
}

/// No more digits than a guess deserves.
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

    fn told(units: Vec<UnitState>, rest: RemainingWork) -> Option<String> {
        estimate(&state(units), rest)
    }

    #[test]
    fn nothing_is_said_where_nothing_is_known() {
        let rest = RemainingWork { units: 3, ..RemainingWork::default() };
        assert_eq!(told(Vec::new(), rest), None);
        // what failed says nothing of how long a success takes, what was marked by hand took no time
        let failed = UnitStatus::Failed { at: at(500), reason: "x".into() };
        let units = vec![unit(failed, &[500]), unit(UnitStatus::Done, &[])];
        assert_eq!(told(units, rest), None);
        assert_eq!(
            told(vec![unit(UnitStatus::Done, &[60])], RemainingWork::default()),
            None,
            "nothing is left"
        );
    }

    #[test]
    fn the_middle_counts_and_one_long_night_does_not() {
        use UnitStatus::Done;
        let units = || vec![unit(Done, &[60, 60]), unit(Done, &[100_000]), unit(Done, &[60])];
        assert_eq!(median(&state(units())), Some((Duration::from_secs(120), 3)));
        let two = state(vec![unit(Done, &[100]), unit(Done, &[200])]);
        assert_eq!(median(&two), Some((Duration::from_secs(150), 2)));
        let rest = RemainingWork { units: 3, gone: Duration::from_secs(60), ..RemainingWork::default() };
        assert_eq!(told(units(), rest).unwrap(), "about 5m left, as 3 done tasks went");
        // a running unit over its time is not a debt of the others
        let over = RemainingWork { gone: Duration::from_secs(9000), ..rest };
        assert_eq!(told(units(), over).unwrap(), "about 4m left, as 3 done tasks went");
    }

    #[test]
    fn pauses_and_waits_are_part_of_the_rest_and_it_is_rounded_up() {
        let rest = RemainingWork {
            units: 1,
            gone: Duration::ZERO,
            pauses: Duration::from_secs(30),
            wait: Duration::from_secs(3 * 3600),
        };
        let told = told(vec![unit(UnitStatus::Done, &[90])], rest).unwrap();
        assert_eq!(told, "about 3h 30m left, as 1 done task went");
        let roughly: Vec<_> = [0, 7, 12, 61, 3599].map(|s| rough(Duration::from_secs(s))).to_vec();
        assert_eq!(roughly, ["1s", "7s", "20s", "2m", "1h"]);
    }
}
