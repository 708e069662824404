//! PURE. The keys as a JSON Schema, for editors: `seqorch config schema`.
//!
//! It is made from the same declarations that the check of every file uses. So what an editor accepts is what seqorch
//! accepts, except for what only seqorch can know: globs and regular expressions, the longest time, names of backends,
//! and settings that exclude each other.
//!
//! Draft 2020-12. Apart from the name `$defs`, no keyword is younger than draft 7, which some editors still use.

use serde_json::{Map, Value, json};

use super::key::{ConfigKey, KeyShape};
use super::sections::root::{EXTENDS, PROFILE, SETTINGS};

/// The schema of `seqorch.toml`.
#[must_use]
pub fn json_schema() -> Value {
    let definitions: Map<String, Value> =
        SETTINGS.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    // a profile may set what a file may set, so both point to the same definitions
    let settings: Map<String, Value> = SETTINGS
        .iter()
        .map(|key| (key.name.to_owned(), json!({ "$ref": format!("#/$defs/{}", key.name) })))
        .collect();
    let mut properties = Map::new();
    properties.insert(EXTENDS.name.to_owned(), described(&EXTENDS));
    properties.extend(settings.clone());
    properties.insert(PROFILE.name.to_owned(), with_doc(&PROFILE, named(object(settings))));
    let mut root = Map::new();
    root.insert("$schema".to_owned(), json!("https://json-schema.org/draft/2020-12/schema"));
    root.insert("title".to_owned(), json!("seqorch.toml"));
    root.insert("description".to_owned(), json!("How seqorch works through the tasks of a spec."));
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

/// A table of such tables with free names.
fn named(of: Map<String, Value>) -> Map<String, Value> {
    let mut shape = Map::new();
    shape.insert("type".to_owned(), json!("object"));
    shape.insert("propertyNames".to_owned(), json!({ "pattern": "^[A-Za-z][A-Za-z0-9_-]*$" }));
    shape.insert("additionalProperties".to_owned(), Value::Object(of));
    shape
}

fn with_doc(key: &ConfigKey, shape: Map<String, Value>) -> Value {
    let mut all = Map::new();
    all.insert("description".to_owned(), json!(key.doc()));
    all.extend(shape);
    Value::Object(all)
}

/// A key with its meaning and its default.
fn described(key: &ConfigKey) -> Value {
    let shape = match key.shape {
        KeyShape::Value(format) => fields((format.schema)()),
        KeyShape::Table(table) => table_of(table.keys),
        KeyShape::Named(table) => named(table_of(table.keys)),
        KeyShape::List(table) => fields(json!({ "type": "array", "items": table_of(table.keys) })),
        KeyShape::Map(format) => {
            fields(json!({ "type": "object", "additionalProperties": (format.schema)() }))
        }
    };
    let mut all = with_doc(key, shape);
    if let Some(default) = key.default_value() {
        all["default"] = default.to_json();
    }
    all
}

fn fields(shape: Value) -> Map<String, Value> {
    match shape {
        Value::Object(shape) => shape,
        _ => Map::new(),
    }
}

fn table_of(keys: &'static [ConfigKey]) -> Map<String, Value> {
    let mut properties: Map<String, Value> =
        keys.iter().map(|key| (key.name.to_owned(), described(key))).collect();
    for key in keys {
        let list = properties[key.name].clone();
        if let Some(Value::Object(other)) = key.alias().and_then(|alias| properties.get_mut(alias)) {
            // a list under the other name is meant for this key
            let value = ["type", "pattern"].iter().filter_map(|word| other.remove_entry(*word)).collect();
            other.insert("anyOf".to_owned(), json!([Value::Object(value), list]));
        }
    }
    let mut shape = object(properties);
    let required: Vec<&str> = keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    if !required.is_empty() {
        shape.insert("required".to_owned(), json!(required));
    }
    shape
}

#[cfg(test)]
#[path = "json_schema_tests.rs"]
mod tests;
