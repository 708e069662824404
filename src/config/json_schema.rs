//! PURE. The table of keys as a JSON Schema, for editors: `seqorch config schema`.
//!
//! It is made from `schema`, which also checks every file, and not derived from the types that serde fills: the
//! table knows what a text must look like, which words a key takes and what it means, and the types do not. So there is
//! one source, and what an editor accepts is what seqorch accepts, but for what only seqorch can know: globs and regular
//! expressions, ten years as the longest time, names of backends, and settings that exclude each other.
//!
//! Draft 2020-12; apart from the name `$defs`, no keyword is younger than draft 7, which some editors still speak.

use serde_json::{Map, Value, json};

use super::presets;
use super::schema::{Entry, Kind, Node, ROOT, SETTINGS};
use super::tree::{Item, KeyPath};

/// The longest time, in seconds: what [`super::check`] accepts.
const TEN_YEARS: u64 = 10 * 366 * 24 * 3600;

/// Units of a humantime text.
const UNITS: &str = "nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|\
                     weeks?|wks?|w|months?|M|years?|yrs?|y";

/// The schema of `seqorch.toml`.
#[must_use]
pub fn json_schema() -> Value {
    let defaults = Item::parse(presets::DEFAULTS).unwrap_or_else(|_| Item::empty());
    let mut definitions = Map::new();
    for entry in SETTINGS {
        definitions.insert(entry.name.to_owned(), described(entry, &KeyPath::parse(entry.name), &defaults));
    }
    // a profile may set what a file may set, so both point to the same definitions
    let mut settings = Map::new();
    for entry in SETTINGS {
        settings.insert(entry.name.to_owned(), json!({ "$ref": format!("#/$defs/{}", entry.name) }));
    }
    let mut properties = Map::new();
    for entry in ROOT {
        let shape = match settings.get(entry.name) {
            Some(reference) => reference.clone(),
            None if matches!(entry.node, Node::Named(_)) => {
                described_as(entry, named(object(settings.clone())))
            }
            None => described(entry, &KeyPath::parse(entry.name), &defaults),
        };
        properties.insert(entry.name.to_owned(), shape);
    }
    let mut root = Map::new();
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!("seqorch.toml"));
    root.insert("description".to_owned(), json!("How seqorch works off the tasks of a spec."));
    root.extend(object(properties));
    root.insert("$defs".to_owned(), Value::Object(definitions));
    Value::Object(root)
}

/// A table of these keys and no others.
fn object(properties: Map<String, Value>) -> Map<String, Value> {
    let mut shape = Map::new();
    shape.insert("type".to_owned(), json!("object"));
    shape.insert("properties".to_owned(), Value::Object(properties));
    shape.insert("additionalProperties".to_owned(), json!(false));
    shape
}

/// A table of such tables, named freely.
fn named(of: Map<String, Value>) -> Map<String, Value> {
    let mut shape = Map::new();
    shape.insert("type".to_owned(), json!("object"));
    shape.insert("propertyNames".to_owned(), json!({ "pattern": "^[A-Za-z][A-Za-z0-9_-]*$" }));
    shape.insert("additionalProperties".to_owned(), Value::Object(of));
    shape
}

fn described_as(entry: &Entry, shape: Map<String, Value>) -> Value {
    let mut all = Map::new();
    all.insert("description".to_owned(), json!(entry.doc));
    all.extend(shape);
    Value::Object(all)
}

/// A key with its meaning and, where it has one, its default.
fn described(entry: &Entry, path: &KeyPath, defaults: &Item) -> Value {
    let shape = match entry.node {
        Node::Leaf(kind) => leaf(kind),
        Node::Table(keys) => table(keys, path, defaults),
        Node::Named(keys) => named(table(keys, &path.join("NAME"), defaults)),
        Node::List(keys) => {
            let items = Value::Object(table(keys, &path.join("[]"), defaults));
            Map::from_iter([("type".to_owned(), json!("array")), ("items".to_owned(), items)])
        }
        Node::Variables => Map::from_iter([
            ("type".to_owned(), json!("object")),
            ("additionalProperties".to_owned(), json!({ "type": "string" })),
        ]),
    };
    let mut all = described_as(entry, shape);
    if let (Value::Object(all), Some(item)) = (&mut all, defaults.get(path))
        && !matches!(entry.node, Node::Table(_))
    {
        all.insert("default".to_owned(), item.to_json());
    }
    all
}

fn table(keys: &'static [Entry], path: &KeyPath, defaults: &Item) -> Map<String, Value> {
    let inner =
        keys.iter().map(|entry| (entry.name.to_owned(), described(entry, &path.join(entry.name), defaults)));
    let mut shape = object(inner.collect());
    if let Some(Value::Object(properties)) = shape.get_mut("properties")
        && let Some(list) = properties.get("windows").cloned()
        && let Some(Value::Object(window)) = properties.get_mut("window")
    {
        // `[[tmux.window]]` says the same as `[[tmux.windows]]`
        let text = ["type", "pattern"].iter().filter_map(|word| window.remove_entry(*word)).collect();
        window.insert("anyOf".to_owned(), json!([Value::Object(text), list]));
    }
    let required: Vec<&str> = keys.iter().filter(|entry| entry.required).map(|entry| entry.name).collect();
    if !required.is_empty() {
        shape.insert("required".to_owned(), json!(required));
    }
    shape
}

fn duration() -> Value {
    json!({ "anyOf": [
            { "type": "string", "pattern": format!("^\\s*([0-9]+|([0-9]+(\\.[0-9]+)?\\s*({UNITS})\\s*)+)\\s*$") },
            { "type": "integer", "minimum": 0, "maximum": TEN_YEARS },
        ] })
}

fn leaf(kind: Kind) -> Map<String, Value> {
    let shape = match kind {
        Kind::Text | Kind::Regex => json!({ "type": "string" }),
        Kind::Name => json!({ "type": "string", "pattern": "\\S" }),
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Count => json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        Kind::Whole => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        Kind::Duration => duration(),
        Kind::Durations => json!({ "type": "array", "items": duration(), "minItems": 1 }),
        Kind::Window => {
            json!({ "type": "string", "pattern": "^\\s*[0-9]{1,2}:[0-9]{2}\\s*[-–]\\s*[0-9]{1,2}:[0-9]{2}\\s*$" })
        }
        Kind::Budget => json!({ "type": "string", "pattern": "^\\s*[0-9].*( per |/).*[a-z]\\s*$" }),
        Kind::Amount => json!({ "type": "number", "exclusiveMinimum": 0 }),
        Kind::Percent => json!({ "type": "integer", "minimum": 1, "maximum": 100 }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Size => {
            json!({ "type": "string", "pattern": "^\\s*0*[1-9][0-9]{0,4}\\s*x\\s*0*[1-9][0-9]{0,4}\\s*$" })
        }
        Kind::Texts | Kind::Globs => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Command => json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
        Kind::Share => json!({ "anyOf": [
            { "type": "string", "pattern": "^\\s*0*([1-9][0-9]?\\s*%|[1-9][0-9]{0,2}|1000)\\s*$" },
            { "type": "integer", "minimum": 1, "maximum": 1000 },
        ] }),
        Kind::Commands => json!({
            "type": "array",
            "items": { "type": "array", "items": { "type": "string" }, "minItems": 1 },
        }),
    };
    match shape {
        Value::Object(shape) => shape,
        _ => Map::new(),
    }
}

#[cfg(test)]
#[path = "json_schema_tests.rs"]
mod tests;
