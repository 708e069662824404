//! PURE. Budgets of `[pace]` that cannot be kept, because a backend does not say what it uses.

use std::collections::BTreeSet;

use super::step::Plan;
use crate::config::{Backend, Config, ModelPrice, UsageReport};

/// A budget that does not count what a backend uses.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct UncountedBudget {
    /// The key: `pace.tokens`.
    pub key: &'static str,
    /// The backend.
    pub backend: String,
    /// What the backend does not say, in words.
    pub why: String,
}

impl std::fmt::Display for UncountedBudget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { key, backend, why } = self;
        write!(f, "{key} does not count what {backend} uses: {why}")
    }
}

/// What people can do about it.
pub const BUDGET_REMEDY: &str = "Remove the key, use another backend, give the model and its price (model, [[price]]), \
     or set pace.unknown_usage = \"allow\" to run without that budget.";

/// The budgets that do not count what the steps of a plan, who takes over from them, or who assigns them, use.
#[must_use]
pub fn uncounted(config: &Config, plan: &Plan) -> Vec<UncountedBudget> {
    let steps = plan.all_settings().map(|(_, own)| (own.backend.as_str(), own.model.as_deref()));
    let steps = steps.filter(|_| !plan.steps.is_empty());
    let model = |name: &String| config.backends.get(name).and_then(|backend| backend.model.as_deref());
    let fallback = config.limit.fallback.iter().filter(|_| !plan.steps.is_empty());
    let fallback = fallback.map(|name| (name.as_str(), model(name)));
    // the agent that assigns tasks is asked first, and chooses among all owners
    let is_asked = plan.steps.iter().any(|step| step.settings.unassigned);
    let assign = std::iter::once(&config.assign.backend).chain(config.assign.owners.values());
    let assign = assign.filter(|_| is_asked).map(|name| (name.as_str(), model(name)));
    let asked: BTreeSet<_> = steps.chain(fallback).chain(assign).collect();
    asked.into_iter().flat_map(|(name, model)| uncounted_of(config, name, model)).collect()
}

/// The budgets that do not count what one backend uses with this model.
#[must_use]
pub fn uncounted_of(config: &Config, name: &str, model: Option<&str>) -> Vec<UncountedBudget> {
    let Some(backend) = config.backends.get(name) else { return Vec::new() };
    let report = backend.usage_report(name);
    let tokens = config.pace.tokens.filter(|_| report == UsageReport::Nothing);
    let tokens = tokens.map(|_| ("pace.tokens", "it reports no tokens".to_owned()));
    let cost = config.pace.max_cost_usd.and_then(|_| unknown_cost(config, backend, name, model));
    let cost = cost.map(|why| ("pace.max_cost_usd", why));
    let found = tokens.into_iter().chain(cost);
    found.map(|(key, why)| UncountedBudget { key, backend: name.to_owned(), why }).collect()
}

fn unknown_cost(config: &Config, backend: &Backend, name: &str, model: Option<&str>) -> Option<String> {
    match (backend.usage_report(name), model) {
        (UsageReport::Cost, _) => None,
        (UsageReport::Nothing, _) => Some("it reports neither tokens nor cost".to_owned()),
        (UsageReport::Tokens, None) => {
            Some("it reports tokens and no cost, and no model is set whose price is known".to_owned())
        }
        (UsageReport::Tokens, Some(model)) => ModelPrice::table(&config.prices)
            .of(model)
            .is_none()
            .then(|| format!("it reports tokens and no cost, and the price of {model} is not known")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::agent::Format;
    use crate::config::{AssignMode, TokenBudget};
    use crate::plan::testing::{PlanCase, backend};

    fn keys(case: &PlanCase) -> Vec<String> {
        uncounted(&case.config, &case.plan()).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_budget_counts_only_what_a_backend_reports_or_prices_say() {
        let mut case = PlanCase::new("1\n2");
        let agent =
            |case: &mut PlanCase, output| case.config.backends.get_mut("agent").unwrap().output = output;
        agent(&mut case, Format::Text);
        assert_eq!(keys(&case), [""; 0], "no budget, no complaint");
        case.config.pace.max_cost_usd = Some(2.0);
        case.config.pace.tokens = Some(TokenBudget { tokens: 1000, per: Duration::from_secs(3600) });
        assert_eq!(
            keys(&case),
            [
                "pace.max_cost_usd does not count what agent uses: it reports neither tokens nor cost",
                "pace.tokens does not count what agent uses: it reports no tokens",
            ]
            .into_iter()
            .rev()
            .collect::<Vec<_>>()
        );
        agent(&mut case, Format::Claude);
        assert_eq!(keys(&case), [""; 0]);
        agent(&mut case, Format::Codex);
        assert!(keys(&case)[0].contains("no model is set"), "{:?}", keys(&case));
        for (model, known) in [("gpt-5.1", true), ("mine", false)] {
            case.config.backends.get_mut("agent").unwrap().model = Some(model.to_owned());
            assert_eq!(keys(&case).is_empty(), known, "{model}: {:?}", keys(&case));
        }
        let own = ModelPrice { model: "mine".to_owned(), input: 1.0, cached_input: None, output: 2.0 };
        case.config.prices = vec![own];
        assert_eq!(keys(&case), [""; 0]);
        agent(&mut case, Format::Text);
    }

    #[test]
    fn a_budget_sees_who_assigns_tasks_and_who_may_get_them() {
        let mut case = PlanCase::new("1");
        case.config.backends.get_mut("agent").unwrap().output = Format::Claude;
        case.config.pace.tokens = Some(TokenBudget { tokens: 1000, per: Duration::from_secs(3600) });
        for name in ["asked", "chosen"] {
            case.config.backends.insert(name.to_owned(), backend(name, &[]));
        }
        case.config.assign.owners = [("ui".to_owned(), "chosen".to_owned())].into();
        case.config.assign.backend = "asked".to_owned();
        assert_eq!(keys(&case), [""; 0], "no agent is asked");
        case.config.assign.mode = AssignMode::Agent;
        let uncounted = |name| format!("pace.tokens does not count what {name} uses: it reports no tokens");
        assert_eq!(keys(&case), ["asked", "chosen"].map(uncounted));
        case.progress.owners.insert("1".into(), "ui".into());
        assert_eq!(keys(&case), ["chosen"].map(uncounted), "it is assigned already");
    }
}
