//! PURE. Which deadline comes next: pure arithmetic on durations since the start.
//!
//! The durations come from a monotonic clock that stops while the machine sleeps, so a closed laptop does not time out an
//! agent.

use std::time::Duration;

use crate::state::outcome::TimedOut;
use crate::store::attempt_file::Deadlines;

/// When an attempt printed its last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastOutput {
    /// It has not printed anything.
    Never,
    /// This long after the start.
    At(Duration),
}

/// The next deadline, as time since the start, and its kind. `None` if none is set.
#[must_use]
pub fn next(deadlines: &Deadlines, last: LastOutput) -> Option<(Duration, TimedOut)> {
    let ms = Duration::from_millis;
    let total = deadlines.total_ms.map(|t| (ms(t), TimedOut::Total));
    let silence = match last {
        LastOutput::Never => {
            let first = deadlines.first_output_ms.map(|t| (ms(t), TimedOut::FirstOutput));
            let idle = deadlines.idle_ms.map(|t| (ms(t), TimedOut::Idle));
            [first, idle].into_iter().flatten().min_by_key(|(at, _)| *at)
        }
        LastOutput::At(at) => deadlines.idle_ms.map(|t| (at + ms(t), TimedOut::Idle)),
    };
    [total, silence].into_iter().flatten().min_by_key(|(at, _)| *at)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Deadlines =
        Deadlines { total_ms: Some(100), idle_ms: Some(30), first_output_ms: Some(10), grace_ms: 1 };

    #[test]
    fn silence_from_the_start_meets_the_first_output_deadline() {
        assert_eq!(next(&ALL, LastOutput::Never), Some((Duration::from_millis(10), TimedOut::FirstOutput)));
    }

    #[test]
    fn output_moves_the_idle_deadline_but_never_the_total_one() {
        let at = |ms| LastOutput::At(Duration::from_millis(ms));
        assert_eq!(next(&ALL, at(20)), Some((Duration::from_millis(50), TimedOut::Idle)));
        assert_eq!(next(&ALL, at(90)), Some((Duration::from_millis(100), TimedOut::Total)));
    }

    #[test]
    fn without_deadlines_none_comes_next() {
        let none = Deadlines { total_ms: None, idle_ms: None, first_output_ms: None, grace_ms: 1 };
        assert_eq!(next(&none, LastOutput::Never), None);
    }
}
