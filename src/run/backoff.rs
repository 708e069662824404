//! PURE. How long to pause.

use std::time::Duration;

use crate::config::Retry;

/// The delay plus a random part of the jitter; `share` is between 0 and 1.
#[must_use]
pub fn delay(delay: Duration, jitter: Duration, share: f64) -> Duration {
    delay.saturating_add(jitter.mul_f64(share.clamp(0.0, 1.0)))
}

/// The pause after failure number `failed`, counted from 1. It doubles each time, up to `max_backoff`.
#[must_use]
pub fn backoff(retry: &Retry, failed: u32) -> Duration {
    let doublings = failed.saturating_sub(1).min(31);
    retry.backoff.saturating_mul(1 << doublings).min(retry.max_backoff)
}

/// What is left of a pause. It ends at a wall-clock time, so the hours in which the machine sleeps count. `waited` is
/// measured by a monotonic clock and never exceeds `length`, so a wall clock that is set back does not prolong the pause.
#[must_use]
pub fn left(to_end: Duration, length: Duration, waited: Duration) -> Duration {
    to_end.min(length.saturating_sub(waited))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_backoff_doubles_up_to_its_bound() {
        let retry =
            Retry { attempts: 9, backoff: Duration::from_secs(30), max_backoff: Duration::from_secs(100) };
        let pauses: Vec<u64> = (1..=4).map(|n| backoff(&retry, n).as_secs()).collect();
        assert_eq!(pauses, [30, 60, 100, 100]);
        assert_eq!(backoff(&retry, u32::MAX).as_secs(), 100);
    }

    #[test]
    fn jitter_only_adds() {
        let s = Duration::from_secs;
        assert_eq!(delay(s(15), s(10), 0.0), s(15));
        assert_eq!(delay(s(15), s(10), 0.5), s(20));
        assert_eq!(delay(s(15), s(10), 7.0), s(25));
    }

    #[test]
    fn a_pause_ends_by_the_clock_that_is_further() {
        let s = Duration::from_secs;
        assert_eq!(left(s(60), s(100), s(40)), s(60));
        // the machine slept for hours, or the clock was set forward
        assert_eq!(left(s(0), s(100), s(40)), s(0));
        // the clock was set back by hours
        assert_eq!(left(s(36_060), s(100), s(40)), s(60));
        assert_eq!(left(s(36_060), s(100), s(101)), s(0));
    }
}
