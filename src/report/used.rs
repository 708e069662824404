//! PURE. The sum of tokens and cost over several attempts, some of which may be unknown.

use crate::agent::render;
use crate::state::Spent;

/// `12.3k`, `at least 12.3k` where it is unknown of some attempts, `unknown` where it is of all.
#[must_use]
pub fn tokens(spent: &Spent) -> String {
    shown(spent.usage.tokens().map(render::tokens), spent.tokens_unknown == 0)
}

/// `$0.42`, likewise.
#[must_use]
pub fn cost(spent: &Spent) -> String {
    let dollars = |n: f64| if n < 0.1 { format!("${n:.4}") } else { format!("${n:.2}") };
    shown(spent.usage.cost_usd.map(dollars), spent.cost_unknown == 0)
}

/// What is not known is never a zero.
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
    fn what_a_vendor_does_not_say_is_unknown_and_never_zero() {
        let usage =
            Usage { input: Some(24_000), output: Some(690), cost_usd: Some(0.84), ..Usage::default() };
        let known = Spent { attempts: 2, usage, ..Spent::default() };
        let shown = |spent: &Spent| (tokens(spent), cost(spent));
        assert_eq!(shown(&known), ("24.7k".into(), "$0.84".into()));
        let some = Spent { cost_unknown: 1, ..known };
        assert_eq!(shown(&some), ("24.7k".into(), "at least $0.84".into()));
        let none = Spent { attempts: 1, tokens_unknown: 1, cost_unknown: 1, ..Spent::default() };
        assert_eq!(shown(&none), ("unknown".into(), "unknown".into()));
    }
}
