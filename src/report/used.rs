//! PURE. Tokens and money of several attempts, of which some vendors say nothing.

use crate::agent::Usage;
use crate::agent::render;

/// What is known of all, and whether something is not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Used {
    tokens: Option<u64>,
    cost: Option<f64>,
    all_tokens: bool,
    all_cost: bool,
}

impl Used {
    /// The sum; `None` is an attempt of which nothing is known.
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

    /// `12.3k`, `at least 12.3k` where some say nothing, `unknown` where all do.
    #[must_use]
    pub fn tokens(&self) -> String {
        told(self.tokens.map(render::tokens), self.all_tokens)
    }

    /// `$0.42`, likewise.
    #[must_use]
    pub fn cost(&self) -> String {
        told(self.cost.map(|n| if n < 0.1 { format!("${n:.4}") } else { format!("${n:.2}") }), self.all_cost)
    }
}

/// What is not known is never a zero.
fn told(known: Option<String>, all: bool) -> String {
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
    fn what_a_vendor_does_not_say_is_unknown_and_never_zero() {
        let known =
            Usage { input: Some(12_000), output: Some(345), cost_usd: Some(0.42), ..Usage::default() };
        let no_cost = Usage { cost_usd: None, ..known };
        let told = |all: &[Option<&Usage>]| {
            let used = Used::of(all.iter().copied());
            (used.tokens(), used.cost())
        };
        assert_eq!(told(&[Some(&known), Some(&known)]), ("24.7k".into(), "$0.84".into()));
        assert_eq!(told(&[Some(&known), Some(&no_cost)]), ("24.7k".into(), "at least $0.42".into()));
        assert_eq!(told(&[None]), ("unknown".into(), "unknown".into()));
    }
}
