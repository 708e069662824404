//! PURE. The sum of tokens and cost over several attempts, some of which may be unknown.

use crate::agent::event::Usage;
use crate::agent::render;

/// A sum, and whether it is complete.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Used {
    tokens: Option<u64>,
    cost: Option<f64>,
    all_tokens: bool,
    all_cost: bool,
}

impl Used {
    /// Sums up attempts; `None` is an attempt with unknown usage.
    pub fn of<'a>(all: impl Iterator<Item = Option<&'a Usage>>) -> Self {
        let mut sum = Self { tokens: None, cost: None, all_tokens: true, all_cost: true };
        for one in all {
            match one.and_then(Usage::tokens) {
                Some(n) => sum.tokens = Some(sum.tokens.unwrap_or(0).saturating_add(n)),
                None => sum.all_tokens = false,
            }
            match one.and_then(|u| u.cost_usd) {
                Some(n) => sum.cost = Some(sum.cost.unwrap_or(0.0) + n),
                None => sum.all_cost = false,
            }
        }
        sum
    }

    /// `12.3k`; `at least 12.3k` where some attempts are unknown; `unknown` where all are.
    #[must_use]
    pub fn tokens(&self) -> String {
        known_sum(self.tokens.map(render::tokens), self.all_tokens)
    }

    /// `$0.42`, likewise.
    #[must_use]
    pub fn cost(&self) -> String {
        known_sum(
            self.cost.map(|n| if n < 0.1 { format!("${n:.4}") } else { format!("${n:.2}") }),
            self.all_cost,
        )
    }
}

/// An unknown sum is never shown as zero.
fn known_sum(known: Option<String>, all: bool) -> String {
    match known {
        None => "unknown".to_owned(),
        Some(text) if all => text,
        Some(text) => format!("at least {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_that_a_vendor_does_not_state_is_unknown_not_zero() {
        let known =
            Usage { input: Some(12_000), output: Some(345), cost_usd: Some(0.42), ..Usage::default() };
        let no_cost = Usage { cost_usd: None, ..known };
        let sum = |all: &[Option<&Usage>]| {
            let used = Used::of(all.iter().copied());
            (used.tokens(), used.cost())
        };
        assert_eq!(sum(&[Some(&known), Some(&known)]), ("24.7k".into(), "$0.84".into()));
        assert_eq!(sum(&[Some(&known), Some(&no_cost)]), ("24.7k".into(), "at least $0.42".into()));
        assert_eq!(sum(&[None]), ("unknown".into(), "unknown".into()));
    }
}
