//! PURE. Tokens and cost of attempts as text.

use super::text::plural;
use super::times::span;
use crate::agent::{Usage, render};
use crate::state::{AttemptSums, Spent};

/// `1234 tokens in (56 cached), 78 out, $0.42`. Says `unknown` if no attempt states its usage, `at least` if only
/// some do; `None` if no attempt has ended yet.
#[must_use]
pub fn spent(spent: &Spent) -> Option<String> {
    if spent.attempts == 0 && spent.usage == Usage::default() {
        return None;
    }
    let mut usage = spent.usage;
    let cost = render::cost(&usage);
    usage.cost_usd = None;
    let at_least = |unknown: u32| if unknown > 0 { "at least " } else { "" };
    let tokens = render::spent(&usage).map(|text| format!("{}{text}", at_least(spent.tokens_unknown)));
    let cost = cost.map(|cost| format!("{}{cost}", at_least(spent.cost_unknown)));
    Some(match (tokens, cost) {
        (None, None) => "usage unknown".to_owned(),
        (tokens, cost) => format!(
            "{}, {}",
            tokens.unwrap_or_else(|| "tokens unknown".to_owned()),
            cost.unwrap_or_else(|| "cost unknown".to_owned())
        ),
    })
}

/// `3 attempts, 1 review, worked 5m, 1234 tokens in, 78 out, $0.42`. `None` if there was no attempt.
#[must_use]
pub fn sums_line(sums: &AttemptSums) -> Option<String> {
    let used = spent(&sums.spent);
    if used.is_none() && sums.tries + sums.reviews + sums.calls == 0 {
        return None;
    }
    let parts = [attempts(sums), format!("worked {}", span(sums.worked))].into_iter().chain(used);
    Some(parts.collect::<Vec<_>>().join(", "))
}

/// `3 attempts, 1 review, 2 calls to assign tasks`
#[must_use]
pub fn attempts(sums: &AttemptSums) -> String {
    let reviews = (sums.reviews > 0).then(|| plural(sums.reviews, "review"));
    let calls = (sums.calls > 0).then(|| format!("{} to assign tasks", plural(sums.calls, "call")));
    let parts = [plural(sums.tries, "attempt")].into_iter().chain(reviews).chain(calls);
    parts.collect::<Vec<_>>().join(", ")
}

/// `assigning tasks: 2 calls, 5s, 1234 tokens in, 78 out, $0.42`. `None` if no agent was asked to. `all` is what the whole spec
/// used.
#[must_use]
pub fn calls_line(calls: &AttemptSums, all: &Spent) -> Option<String> {
    let used = spent_of(&calls.spent, all).map_or_else(String::new, |used| format!(", {used}"));
    let count = plural(calls.calls, "call");
    (calls.calls > 0).then(|| format!("assigning tasks: {count}, {}{used}", span(calls.worked)))
}

/// As [`spent`], for one part of `sum`. `None` if all usage is unknown: then only the sum says so.
#[must_use]
pub fn spent_of(one: &Spent, sum: &Spent) -> Option<String> {
    if sum.usage == Usage::default() { None } else { spent(one) }
}

/// The number of tokens: `12.3k`, `at least 12.3k` if some attempts do not state theirs, `unknown` if none does.
#[must_use]
pub fn tokens(spent: &Spent) -> String {
    shown(spent.usage.tokens().map(render::tokens), spent.tokens_unknown == 0)
}

/// The cost: `$0.42`, `at least $0.42` or `unknown`, as for tokens; `≈$0.42` where it is estimated.
#[must_use]
pub fn cost(spent: &Spent) -> String {
    shown(render::cost(&spent.usage), spent.cost_unknown == 0)
}

/// Unknown is not zero.
fn shown(known: Option<String>, all: bool) -> String {
    match known {
        None => "unknown".to_owned(),
        Some(text) if all => text,
        Some(text) => format!("at least {text}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::Usage;

    #[test]
    fn unknown_usage_is_named_and_a_sum_with_gaps_is_a_lower_bound() {
        let usage = Usage { input: Some(1200), output: Some(34), ..Usage::default() };
        let all = Spent { attempts: 2, usage, tokens_unknown: 0, cost_unknown: 2 };
        assert_eq!(spent(&all).unwrap(), "1200 tokens in, 34 out, cost unknown");
        let some = Spent {
            usage: Usage { cost_usd: Some(0.42), ..usage },
            tokens_unknown: 1,
            cost_unknown: 1,
            ..all
        };
        assert_eq!(spent(&some).unwrap(), "at least 1200 tokens in, 34 out, at least $0.42");
        let money =
            Spent { usage: Usage { cost_usd: Some(2.0), ..Usage::default() }, cost_unknown: 0, ..all };
        assert_eq!(spent(&money).unwrap(), "tokens unknown, $2.00");
        assert_eq!(spent(&Spent { usage: Usage::default(), ..all }).unwrap(), "usage unknown");
        assert_eq!(spent(&Spent::default()), None);
    }

    #[test]
    fn usage_that_no_vendor_states_is_unknown_and_not_zero() {
        let usage =
            Usage { input: Some(24_000), output: Some(690), cost_usd: Some(0.84), ..Usage::default() };
        let known = Spent { attempts: 2, usage, ..Spent::default() };
        let shown = |spent: &Spent| (tokens(spent), cost(spent));
        assert_eq!(shown(&known), ("24.7k".into(), "$0.84".into()));
        let some = Spent { cost_unknown: 1, ..known };
        assert_eq!(shown(&some), ("24.7k".into(), "at least $0.84".into()));
        let about = Spent { usage: Usage { cost_estimated: true, ..usage }, ..some };
        assert_eq!(shown(&about).1, "at least ≈$0.84");
        assert!(super::spent(&about).unwrap().ends_with("at least ≈$0.84"));
        let none = Spent { attempts: 1, tokens_unknown: 1, cost_unknown: 1, ..Spent::default() };
        assert_eq!(shown(&none), ("unknown".into(), "unknown".into()));
    }
}
