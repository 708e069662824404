//! Random numbers from the operating system. Nothing else in seqorch makes any.

use std::io;

/// 64 random bits, fit for secrets. An error if the system has no random source.
pub fn bits() -> io::Result<u64> {
    getrandom::u64().map_err(io::Error::from)
}

/// A random number from 0 up to, but not including, 1. One half if the system has no random source, since this only
/// spreads delays.
#[must_use]
pub fn fraction() -> f64 {
    bits().map_or(0.5, fraction_of)
}

fn fraction_of(bits: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit into the mantissa")]
    let (numerator, denominator) = ((bits >> 11) as f64, (1_u64 << 53) as f64);
    numerator / denominator
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fraction_is_at_least_zero_and_below_one() {
        assert!(fraction_of(0).abs() < f64::EPSILON);
        assert!((fraction_of(1 << 63) - 0.5).abs() < f64::EPSILON);
        assert!(fraction_of(u64::MAX) < 1.0);
    }

    #[test]
    fn two_draws_differ() {
        assert_ne!(bits().unwrap(), bits().unwrap());
    }
}
