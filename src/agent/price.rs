//! PURE. What tokens cost, where a vendor reports tokens and no money.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::usage::Usage;

const BUILT_IN: &str = include_str!("prices.toml");

/// US dollars per million tokens of a model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TokenPrice {
    /// Input tokens.
    pub input: f64,
    /// Input tokens that come from a cache; `None`: as all others.
    pub cached_input: Option<f64>,
    /// Output tokens, thoughts included.
    pub output: f64,
}

/// The prices of models, by their names in lower case.
#[derive(Debug, Clone, PartialEq)]
pub struct PriceTable(BTreeMap<String, TokenPrice>);

#[derive(Deserialize)]
struct PriceFile {
    price: Vec<PriceRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PriceRow {
    model: String,
    input: f64,
    cached_input: Option<f64>,
    output: f64,
    /// The vendor's page that says so.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people, and a test"))]
    page: String,
    /// The day on which it was read.
    #[cfg_attr(not(test), expect(dead_code, reason = "for people, and a test"))]
    read: jiff::civil::Date,
}

static TABLE: LazyLock<PriceTable> = LazyLock::new(|| {
    let file: PriceFile = toml::from_str(BUILT_IN).expect("a test reads it");
    let price = |row: PriceRow| {
        let PriceRow { input, cached_input, output, .. } = row;
        (row.model, TokenPrice { input, cached_input, output })
    };
    PriceTable(file.price.into_iter().map(price).collect())
});

impl PriceTable {
    /// The known prices, with those of the user in place of or beside them.
    pub fn with<'a>(own: impl IntoIterator<Item = (&'a str, TokenPrice)>) -> Self {
        let mut all = TABLE.clone();
        all.0.extend(own.into_iter().map(|(model, price)| (model.to_lowercase(), price)));
        all
    }

    /// The price of a model, as a vendor or the user names it: also behind the name of a provider (`openai/gpt-5.1`), and
    /// with the date of a snapshot.
    #[must_use]
    pub fn of(&self, model: &str) -> Option<TokenPrice> {
        let whole = model.to_lowercase();
        let name = whole.rsplit('/').next().unwrap_or_default();
        let names = [whole.as_str(), name, without_date(name)];
        names.iter().find_map(|name| self.0.get(*name).copied())
    }

    /// The usage with an estimated cost, where its vendor reports tokens and no money and the price of the model is known.
    #[must_use]
    pub fn estimate(&self, model: Option<&str>, usage: Usage) -> Usage {
        let cost = model.and_then(|model| self.of(model)).and_then(|price| price.cost(&usage));
        match (usage.cost_usd, cost) {
            (None, Some(cost)) => Usage { cost_usd: Some(cost), cost_estimated: true, ..usage },
            _ => usage,
        }
    }
}

impl TokenPrice {
    fn cost(&self, usage: &Usage) -> Option<f64> {
        let (input, output) = (usage.input?, usage.output?);
        let cached = usage.cached_input.unwrap_or(0).min(input);
        let of_cache = self.cached_input.unwrap_or(self.input);
        #[expect(clippy::cast_precision_loss, reason = "no number of tokens is that large")]
        let cost = |tokens: u64, price: f64| tokens as f64 * price / 1e6;
        Some(cost(input - cached, self.input) + cost(cached, of_cache) + cost(output, self.output))
    }
}

/// `claude-opus-4-5-20251101` and `gpt-5.1-2025-11-13` without their dates.
fn without_date(name: &str) -> &str {
    let digits = |text: &str, many: usize| text.len() == many && text.bytes().all(|b| b.is_ascii_digit());
    let parts: Vec<&str> = name.rsplitn(4, '-').collect();
    match parts.as_slice() {
        [day, month, year, rest] if digits(day, 2) && digits(month, 2) && digits(year, 4) => rest,
        [date, _, ..] if digits(date, 8) => &name[..name.len() - 9],
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_dated_and_names_a_page_of_its_vendor() {
        let file: PriceFile = toml::from_str(BUILT_IN).unwrap();
        let mut names: Vec<_> = file.price.iter().map(|row| &row.model).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), file.price.len(), "a model has two rows");
        for row in &file.price {
            assert!(row.page.starts_with("https://") && row.read.year() >= 2026, "{}", row.model);
            assert!(row.cached_input.is_none_or(|cached| cached <= row.input), "{}", row.model);
            assert!(row.input < row.output && row.model == row.model.to_lowercase(), "{}", row.model);
        }
    }

    #[test]
    fn a_model_is_found_behind_a_provider_and_with_a_date() {
        for name in ["gpt-5.1", "GPT-5.1", "openai/gpt-5.1", "gpt-5.1-2025-11-13", "router/openai/gpt-5.1"] {
            assert_eq!(TABLE.of(name).map(|price| price.output), Some(10.0), "{name}");
        }
        assert_eq!(TABLE.of("claude-opus-4-5-20251101"), TABLE.of("claude-opus-4-5"));
        for name in ["", "gpt-5.1-codex", "gpt", "20251101", "-20251101", "my-model"] {
            assert_eq!(TABLE.of(name), None, "{name}");
        }
    }

    #[test]
    fn tokens_become_cost_only_where_no_vendor_says_it_and_the_price_is_known() {
        let usage = Usage {
            input: Some(1_000_000),
            cached_input: Some(400_000),
            output: Some(100_000),
            ..Usage::default()
        };
        let price = TokenPrice { input: 2.0, cached_input: Some(0.5), output: 10.0 };
        let table = PriceTable::with([("Mine", price), ("gpt-5.1", price)]);
        let estimated = table.estimate(Some("mine"), usage);
        assert!((estimated.cost_usd.unwrap() - 2.4).abs() < 1e-9 && estimated.cost_estimated);
        assert_eq!(table.of("gpt-5.1"), Some(price), "the user's price replaces the known one");
        let whole = TokenPrice { cached_input: None, ..price };
        assert!((whole.cost(&usage).unwrap() - 3.0).abs() < 1e-9);
        assert_eq!(table.estimate(Some("other"), usage), usage);
        assert_eq!(table.estimate(None, usage), usage);
        let stated = Usage { cost_usd: Some(7.0), ..usage };
        assert_eq!(table.estimate(Some("mine"), stated), stated);
        let half = Usage { output: None, ..usage };
        assert_eq!(table.estimate(Some("mine"), half), half);
    }
}
