//! PURE. `[[price]]`: what the tokens of a model cost.

use serde_json::json;

use crate::agent::{PriceTable, TokenPrice};
use crate::config::declare::keys;
use crate::config::key::{ConfigType, KeyShape, ValueError, ValueFormat};
use crate::config::tree::{TomlNode, TomlValue};

keys! {
    /// The price of a model whose agent reports tokens and no cost. seqorch knows the prices of some models; a table for such
    /// a model replaces them. A cost that is made from prices is shown with ≈.
    pub struct ModelPrice {
        /// Name of the model, as its vendor names it.
        model: String, required, like = "my-model", inside;
        /// US dollars per million input tokens.
        input: f64 as PriceAmount, required, like = 1.25, inside;
        /// US dollars per million input tokens that come from a cache. Unset: as all input tokens.
        cached_input: Option<f64> as Option<PriceAmount>, like = 0.125, inside;
        /// US dollars per million output tokens.
        output: f64 as PriceAmount, required, like = 10.0, inside;
    }
}

impl ModelPrice {
    /// The known prices of models, with these in place of or beside them.
    #[must_use]
    pub fn table(own: &[Self]) -> PriceTable {
        let price = |one: &Self| {
            let Self { input, cached_input, output, .. } = *one;
            TokenPrice { input, cached_input, output }
        };
        PriceTable::with(own.iter().map(|one| (one.model.as_str(), price(one))))
    }
}

/// An amount of money, also none.
struct PriceAmount;

impl ConfigType for PriceAmount {
    type Value = f64;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "number", "minimum": 0 }),
        ..ValueFormat::of::<Self>("price", "write a number, 0 or more, without quotes")
    });

    fn read(node: &TomlNode) -> Result<f64, ValueError> {
        let number = match node.value {
            #[expect(clippy::cast_precision_loss, reason = "no price is that large")]
            TomlValue::Int(number) => number as f64,
            TomlValue::Float(number) => number,
            _ => return Err(ValueError::Form),
        };
        if number.is_finite() && number >= 0.0 { Ok(number) } else { Err(ValueError::Form) }
    }
}
