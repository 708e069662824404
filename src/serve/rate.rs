//! PURE. How many requests are served in a time.

use std::time::Duration;

/// Lets so many requests pass at once, and then so many in each second.
#[derive(Debug, Clone)]
pub(super) struct TokenBucket {
    most: f64,
    per_second: f64,
    left: f64,
    /// When `left` was right, since some fixed moment.
    at: Duration,
}

impl TokenBucket {
    pub(super) fn new(most: u32, per_second: u32) -> Self {
        let most = f64::from(most);
        Self { most, per_second: f64::from(per_second), left: most, at: Duration::ZERO }
    }

    /// Whether one more request may pass `now`: a time since the same moment as before.
    pub(super) fn passes(&mut self, now: Duration) -> bool {
        let gone = now.saturating_sub(self.at).as_secs_f64();
        self.left = (self.left + gone * self.per_second).min(self.most);
        self.at = self.at.max(now);
        let passes = self.left >= 1.0;
        if passes {
            self.left -= 1.0;
        }
        passes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_passes_and_then_so_many_a_second() {
        let mut bucket = TokenBucket::new(3, 2);
        let mut at = |ms| bucket.passes(Duration::from_millis(ms));
        assert_eq!([at(0), at(0), at(0), at(0)], [true, true, true, false]);
        assert_eq!([at(400), at(500), at(500)], [false, true, false]);
        assert_eq!([at(60_000), at(60_000), at(60_000), at(60_000)], [true, true, true, false]);
        assert!(!at(0), "a clock that is set back gives nothing");
    }
}
