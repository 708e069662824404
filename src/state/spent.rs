//! PURE. What attempts used together, where some may never have told.

use serde::{Deserialize, Serialize};

use super::model::{AttemptRecord, SpecState};
use super::outcome::Outcome;
use crate::agent::Usage;
use crate::state::outcome::CancelledBy;

/// The usage of several attempts. What none of them told is `None`, and how many did not tell is counted, so that a sum
/// that is too small can be seen to be one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Spent {
    /// Attempts that are over, those left out that never started.
    pub attempts: u32,
    /// What is known.
    #[serde(flatten)]
    pub usage: Usage,
    /// How many of the attempts did not tell their tokens.
    pub tokens_untold: u32,
    /// How many of them did not tell their cost.
    pub cost_untold: u32,
}

impl Spent {
    /// What these attempts used.
    pub fn of<'a>(attempts: impl IntoIterator<Item = &'a AttemptRecord>) -> Self {
        let mut all = Self::default();
        for attempt in attempts {
            all.take(attempt);
        }
        all
    }

    /// What all of these used.
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for part in parts {
            all.attempts += part.attempts;
            all.tokens_untold += part.tokens_untold;
            all.cost_untold += part.cost_untold;
            all.usage.add(&part.usage);
        }
        all
    }

    /// Takes in one attempt more; one that runs or never started is not there yet.
    pub fn take(&mut self, attempt: &AttemptRecord) {
        let never = |outcome: &Outcome| {
            matches!(
                outcome,
                Outcome::Unavailable { .. } | Outcome::Cancelled { by: CancelledBy::NoOrchestrator }
            )
        };
        if attempt.outcome.as_ref().is_none_or(never) {
            return;
        }
        let usage = Usage { cumulative: false, ..attempt.learned.usage.unwrap_or_default() };
        self.attempts += 1;
        self.tokens_untold += u32::from(usage.tokens().is_none());
        self.cost_untold += u32::from(usage.cost_usd.is_none());
        self.usage.add(&usage);
    }
}

impl SpecState {
    /// Sums up anew what each unit and all of them used.
    pub fn sum_up(&mut self) {
        for unit in self.units.values_mut() {
            unit.usage = Spent::of(&unit.attempts);
        }
        self.usage = Spent::sum(self.units.values().map(|unit| &unit.usage));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Learned, UnitState};

    fn attempt(outcome: Option<Outcome>, usage: Option<Usage>) -> AttemptRecord {
        AttemptRecord {
            number: 1,
            backend: "codex".into(),
            started_at: jiff::Timestamp::UNIX_EPOCH,
            ended_at: None,
            outcome,
            completes: Vec::new(),
            counts: true,
            goes_on: None,
            asked_model: None,
            cwd: String::new(),
            learned: Learned { usage, ..Learned::default() },
        }
    }

    #[test]
    fn what_was_not_told_is_counted_and_never_zero() {
        let usage = Usage { input: Some(10), output: Some(2), cost_usd: Some(0.5), ..Usage::default() };
        let spent = Spent::of(&[
            attempt(Some(Outcome::Done), Some(usage)),
            attempt(Some(Outcome::Lost), None),
            attempt(Some(Outcome::NoSignal), Some(Usage { cost_usd: None, ..usage })),
        ]);
        assert_eq!((spent.attempts, spent.tokens_untold, spent.cost_untold), (3, 1, 2));
        assert_eq!((spent.usage.tokens(), spent.usage.cost_usd), (Some(24), Some(0.5)));
        let none = Spent::of(&[attempt(Some(Outcome::Done), None)]);
        assert_eq!((none.usage.tokens(), none.usage.cost_usd), (None, None));
        let json = serde_json::to_value(none).unwrap();
        assert_eq!((&json["input"], &json["cost_usd"]), (&serde_json::Value::Null, &serde_json::Value::Null));
    }

    #[test]
    fn what_runs_or_never_started_is_not_summed_up() {
        let never = Outcome::Unavailable { why: "not installed".into() };
        let spent = Spent::of(&[attempt(None, None), attempt(Some(never), None)]);
        assert_eq!(spent, Spent::default());
    }

    #[test]
    fn a_unit_and_the_spec_have_sums_of_their_own() {
        let usage = Usage { input: Some(10), output: Some(2), ..Usage::default() };
        let unit = UnitState {
            attempts: vec![attempt(Some(Outcome::Done), Some(usage)); 2],
            ..UnitState::default()
        };
        let mut state = SpecState::default();
        state.units.insert("1".into(), unit.clone());
        state.units.insert("2".into(), unit);
        state.sum_up();
        assert_eq!(state.units["1"].usage.usage.input, Some(20));
        assert_eq!((state.usage.usage.input, state.usage.attempts), (Some(40), 4));
    }
}
