//! Tokens and money that an agent used.

use serde::{Deserialize, Serialize};

/// Tokens and money. A field is `None` if the vendor does not report it. It is never 0 for that reason.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Input tokens, cached ones included.
    pub input: Option<u64>,
    /// The part of `input` that came from a cache.
    pub cached_input: Option<u64>,
    /// Output tokens, thoughts included.
    pub output: Option<u64>,
    /// The part of `output` that was thoughts.
    pub reasoning: Option<u64>,
    /// US dollars, as the vendor calculates them.
    pub cost_usd: Option<f64>,
    /// Whether `cost_usd`, or a part of it, is an estimate from a table of prices.
    #[serde(skip_serializing_if = "is_false")]
    pub cost_estimated: bool,
    /// Whether this is the session's total since its beginning. A resumed session then includes its earlier runs.
    pub cumulative: bool,
}

impl Usage {
    /// Adds an amount, or replaces everything by a new session total.
    pub fn add(&mut self, more: &Self) {
        if more.cumulative {
            *self = *more;
            return;
        }
        self.input = sum(self.input, more.input);
        self.cached_input = sum(self.cached_input, more.cached_input);
        self.output = sum(self.output, more.output);
        self.reasoning = sum(self.reasoning, more.reasoning);
        self.cost_usd = match (self.cost_usd, more.cost_usd) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
        self.cost_estimated |= more.cost_estimated;
    }

    /// A session total less an earlier total of the same session. An amount that is not a total stays as it is.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        if !self.cumulative {
            return *self;
        }
        let less = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then.unwrap_or(0)));
        Self {
            input: less(self.input, before.input),
            cached_input: less(self.cached_input, before.cached_input),
            output: less(self.output, before.output),
            reasoning: less(self.reasoning, before.reasoning),
            cost_usd: self.cost_usd.map(|now| (now - before.cost_usd.unwrap_or(0.0)).max(0.0)),
            cost_estimated: self.cost_estimated,
            cumulative: false,
        }
    }

    /// Input plus output tokens, if both are known.
    #[must_use]
    pub fn tokens(&self) -> Option<u64> {
        Some(self.input?.saturating_add(self.output?))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_add_up_and_unreported_ones_stay_unknown() {
        let mut all = Usage::default();
        all.add(&Usage { input: Some(10), output: Some(2), ..Usage::default() });
        all.add(&Usage { input: Some(5), cost_usd: Some(0.5), ..Usage::default() });
        assert_eq!((all.input, all.output, all.cached_input), (Some(15), Some(2), None));
        assert_eq!((all.cost_usd, all.tokens()), (Some(0.5), Some(17)));
        assert_eq!(Usage::default().tokens(), None);
    }

    #[test]
    fn a_total_replaces_amounts_and_a_run_is_a_difference_of_totals() {
        let total = |n| Usage { input: Some(n), cumulative: true, ..Usage::default() };
        let mut all = total(123);
        all.add(&total(246));
        assert_eq!(all, total(246));
        let run = all.since(&total(123));
        assert_eq!((run.input, run.output, run.cumulative), (Some(123), None, false));
    }
}
