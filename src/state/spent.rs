//! PURE. What attempts used together, where vendors may not say it of all of them.

use serde::{Deserialize, Serialize};

use super::attempt::AttemptRecord;
use crate::agent::Usage;

/// The usage of several attempts. What is unknown of all of them is `None`. How many are unknown is counted, so that people
/// can see that a sum is a lower bound.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// Attempts and other calls of agents that are over, without those that never started or that a limit cut off.
    pub attempts: u32,
    /// What is known.
    #[serde(flatten)]
    pub usage: Usage,
    /// How many of the attempts have unknown tokens.
    #[serde(alias = "tokens_untold")]
    pub tokens_unknown: u32,
    /// How many of them have unknown cost.
    #[serde(alias = "cost_untold")]
    pub cost_unknown: u32,
}

impl Spent {
    /// What these attempts used.
    pub fn of<'a>(attempts: impl IntoIterator<Item = &'a AttemptRecord>) -> Self {
        let mut all = Self::default();
        for attempt in attempts {
            all.add(attempt);
        }
        all
    }

    /// What all of these used.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.attempts += part.attempts;
            all.tokens_unknown += part.tokens_unknown;
            all.cost_unknown += part.cost_unknown;
            all.usage.add(&part.usage);
        }
        all
    }

    /// Adds one attempt; one that runs or never started adds nothing.
    pub fn add(&mut self, attempt: &AttemptRecord) {
        if attempt.outcome.is_none() || !attempt.reached_agent() {
            return;
        }
        let usage = Usage { cumulative: false, ..attempt.learned.usage.unwrap_or_default() };
        self.usage.add(&usage);
        if attempt.is_try() {
            self.attempts += 1;
            self.tokens_unknown += u32::from(usage.tokens().is_none());
            self.cost_unknown += u32::from(usage.cost_usd.is_none());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Outcome;
    use super::super::testing::attempt;
    use super::*;

    fn used(outcome: Option<Outcome>, usage: Option<Usage>) -> AttemptRecord {
        let mut attempt = attempt(1, outcome);
        attempt.learned.usage = usage;
        attempt
    }

    #[test]
    fn unknown_usage_is_counted_and_never_zero() {
        let usage = Usage { input: Some(10), output: Some(2), cost_usd: Some(0.5), ..Usage::default() };
        let spent = Spent::of(&[
            used(Some(Outcome::Done), Some(usage)),
            used(Some(Outcome::Lost), None),
            used(Some(Outcome::NoSignal), Some(Usage { cost_usd: None, ..usage })),
        ]);
        assert_eq!((spent.attempts, spent.tokens_unknown, spent.cost_unknown), (3, 1, 2));
        assert_eq!((spent.usage.tokens(), spent.usage.cost_usd), (Some(24), Some(0.5)));
        let none = Spent::of(&[used(Some(Outcome::Done), None)]);
        assert_eq!((none.usage.tokens(), none.usage.cost_usd), (None, None));
        let json = serde_json::to_value(none).unwrap();
        assert_eq!((&json["input"], &json["cost_usd"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    }

    #[test]
    fn an_attempt_that_runs_or_never_started_adds_nothing() {
        let never = Outcome::Unavailable { why: "not installed".into() };
        let spent = Spent::of(&[used(None, None), used(Some(never), None)]);
        assert_eq!(spent, Spent::default());
    }

    #[test]
    fn a_limited_attempt_adds_what_it_used_and_is_not_counted() {
        let limited = || {
            Some(Outcome::Limited {
                limit: crate::agent::limit::LimitKind::RateLimited,
                why: "later".into(),
                until: None,
                model: None,
            })
        };
        let usage = Usage { input: Some(10), output: Some(2), ..Usage::default() };
        let spent = Spent::of(&[used(limited(), None), used(limited(), Some(usage))]);
        assert_eq!((spent.attempts, spent.tokens_unknown, spent.usage.tokens()), (0, 0, Some(12)));
    }
}
