//! PURE. The usage of attempts as text.

use crate::agent::{Usage, render};
use crate::state::Spent;

/// `1234 tokens in (56 cached), 78 out, $0.42`. Says `unknown` where no attempt states its usage and `at least` where only
/// some do; `None` where no attempt has ended yet.
#[must_use]
pub fn spent(spent: &Spent) -> Option<String> {
    if spent.attempts == 0 && spent.usage == Usage::default() {
        return None;
    }
    let mut usage = spent.usage;
    let cost = usage.cost_usd.take();
    let at_least = |unknown: u32| if unknown > 0 { "at least " } else { "" };
    let tokens = render::spent(&usage).map(|text| format!("{}{text}", at_least(spent.tokens_unknown)));
    let cost = cost.map(|cost| format!("{}{}", at_least(spent.cost_unknown), render::dollars(cost)));
    Some(match (tokens, cost) {
        (None, None) => "usage unknown".to_owned(),
        (tokens, cost) => format!(
            "{}, {}",
            tokens.unwrap_or_else(|| "tokens unknown".to_owned()),
            cost.unwrap_or_else(|| "cost unknown".to_owned())
        ),
    })
}

/// As [`spent`], for one part of `sum`. `None` where all usage is unknown: then the sum says so once.
#[must_use]
pub fn spent_of(one: &Spent, sum: &Spent) -> Option<String> {
    if sum.usage == Usage::default() { None } else { spent(one) }
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
}
