//! PURE. What the steps of a plan may use, from what done tasks used.

use std::fmt;

use serde::Serialize;

use super::text::plural;
use crate::agent::{PriceTable, Usage, render};
use crate::plan::Plan;
use crate::state::{SpecState, UnitState};

/// An estimate of what the steps of a plan use.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftCost {
    /// Tokens, in and out.
    pub tokens: u64,
    /// US dollars; `None` where the cost of no done task is known.
    pub cost_usd: Option<f64>,
    /// Number of done tasks that it is made from.
    pub tasks: usize,
    /// Whether those are tasks of other specs of the project.
    pub of_other_specs: bool,
}

impl fmt::Display for LeftCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cost = self.cost_usd.map_or_else(String::new, |cost| format!(", ≈{}", render::dollars(cost)));
        let (tokens, tasks) = (render::tokens(self.tokens), plural(self.tasks, "done task"));
        let whose = if self.of_other_specs { " of other specs" } else { "" };
        write!(f, "What is left may use ≈{tokens} tokens{cost}, judged by {tasks}{whose}")
    }
}

/// What a done task used with all its attempts.
struct UsedByTask<'a> {
    backend: &'a str,
    tokens: u64,
    cost: Option<f64>,
}

/// Estimates what the steps use: each as much as the done tasks in `states` on average, those of its own backend where
/// there are any. `None` where no done task says what it used, or nothing is left.
#[must_use]
pub fn left_cost(
    plan: &Plan,
    states: &[SpecState],
    prices: &PriceTable,
    of_other_specs: bool,
) -> Option<LeftCost> {
    let units = states.iter().flat_map(|state| state.units.values()).filter(|unit| unit.is_done());
    let used: Vec<UsedByTask<'_>> = units.filter_map(|unit| used(unit, prices)).collect();
    if used.is_empty() || plan.steps.is_empty() {
        return None;
    }
    let (mut tokens, mut cost_usd) = (0.0, Some(0.0));
    for step in &plan.steps {
        let own: Vec<&UsedByTask<'_>> =
            used.iter().filter(|task| task.backend == step.settings.backend).collect();
        let like = if own.is_empty() { used.iter().collect() } else { own };
        #[expect(clippy::cast_precision_loss, reason = "no number of tokens is that large")]
        let of_step = mean(like.iter().map(|task| task.tokens as f64));
        tokens += of_step.unwrap_or(0.0);
        cost_usd = cost_usd.zip(mean(like.iter().filter_map(|task| task.cost))).map(|(sum, one)| sum + one);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of means of tokens")]
    let tokens = tokens.round() as u64;
    Some(LeftCost { tokens, cost_usd, tasks: used.len(), of_other_specs })
}

/// What a done task used; `None` if it is not known of all its attempts.
fn used<'a>(unit: &'a UnitState, prices: &PriceTable) -> Option<UsedByTask<'a>> {
    let mut all = Usage::default();
    let (mut known, mut tries) = (true, 0);
    for attempt in unit.attempts.iter().filter(|attempt| attempt.is_try() && attempt.outcome.is_some()) {
        let model = attempt.learned.model.as_deref().or(attempt.asked_model.as_deref());
        let usage = prices.estimate(model, attempt.learned.usage?);
        known &= usage.cost_usd.is_some();
        tries += 1;
        all.add(&Usage { cumulative: false, ..usage });
    }
    let backend = unit.attempts.last()?.backend.as_str();
    let tokens = all.tokens().filter(|_| tries > 0)?;
    Some(UsedByTask { backend, tokens, cost: all.cost_usd.filter(|_| known) })
}

fn mean(all: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = all.fold((0.0, 0.0), |(sum, count), one| (sum + one, count + 1.0));
    (count > 0.0).then(|| sum / count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ModelPrice;
    use crate::plan::testing::PlanCase;
    use crate::state::testing::attempt;
    use crate::state::{Outcome, UnitStatus};

    /// The tokens and the cost of an attempt.
    type Used = (u64, Option<f64>);

    fn state(done: &[(&str, &[Used])]) -> SpecState {
        let mut state = SpecState::default();
        for (id, attempts) in done {
            let unit = state.units.entry((*id).to_owned()).or_default();
            unit.status = UnitStatus::Done;
            for (number, (tokens, cost_usd)) in (1..).zip(*attempts) {
                let mut one = attempt(number, Some(Outcome::Done));
                let usage =
                    Usage { input: Some(*tokens), output: Some(0), cost_usd: *cost_usd, ..Usage::default() };
                one.learned.usage = Some(usage);
                unit.attempts.push(one);
            }
        }
        state
    }

    fn said(plan: &Plan, state: &SpecState) -> Option<String> {
        let left = left_cost(plan, std::slice::from_ref(state), &ModelPrice::table(&[]), false);
        left.map(|left| left.to_string())
    }

    #[test]
    fn what_is_left_uses_what_done_tasks_used_on_average() {
        let plan = PlanCase::new("1\n2\n3").plan();
        let done = state(&[("8", &[(1000, Some(0.5)), (3000, Some(1.5))]), ("9", &[(2000, Some(1.0))])]);
        let text = "What is left may use ≈9000 tokens, ≈$4.50, judged by 2 done tasks";
        assert_eq!(said(&plan, &done).as_deref(), Some(text));
        let tokens_only = state(&[("8", &[(1000, None)])]);
        assert_eq!(
            said(&plan, &tokens_only).unwrap(),
            "What is left may use ≈3000 tokens, judged by 1 done task"
        );
        let left = left_cost(&plan, &[done], &ModelPrice::table(&[]), true).unwrap();
        assert!(left.to_string().ends_with("judged by 2 done tasks of other specs"));
    }

    #[test]
    fn nothing_is_said_where_nothing_is_known() {
        let plan = PlanCase::new("1").plan();
        assert_eq!(said(&plan, &SpecState::default()), None);
        let mut silent = state(&[("8", &[(1000, None)])]);
        silent.units.get_mut("8").unwrap().attempts[0].learned.usage = None;
        assert_eq!(said(&plan, &silent), None);
        let mut failed = state(&[("8", &[(1000, None)])]);
        failed.units.get_mut("8").unwrap().status = UnitStatus::Todo;
        assert_eq!(said(&plan, &failed), None);
        assert_eq!(said(&PlanCase::new("1 x").plan(), &state(&[("8", &[(1000, None)])])), None);
    }

    #[test]
    fn tokens_of_a_model_with_a_known_price_become_cost() {
        let mut done = state(&[("8", &[(1_000_000, None)])]);
        done.units.get_mut("8").unwrap().attempts[0].asked_model = Some("gpt-5.1".into());
        let text = "What is left may use ≈1.0M tokens, ≈$1.25, judged by 1 done task";
        assert_eq!(said(&PlanCase::new("1").plan(), &done).as_deref(), Some(text));
    }
}
