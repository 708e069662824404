//! PURE. The lowest sources: the declared defaults, and the built-in backends.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::key::{ConfigKey, ConfigTable, KeyShape};
use super::path::KeyPath;
use super::presets;
use super::sections::backend::Backend;
use super::sections::root::SETTINGS;
use super::source::{ConfigSource, Layer};
use super::tree::{TomlNode, TomlValue};

/// The defaults that are declared for these keys.
pub(crate) fn defaults(keys: &[ConfigKey]) -> TomlNode {
    let default = |key: &ConfigKey| match key.shape {
        KeyShape::Table(table) => Some(defaults(table.keys)).filter(|table| !is_empty(table)),
        _ => key.default_value(),
    };
    let found = keys.iter().filter_map(|key| Some((key.name.to_owned(), default(key)?)));
    TomlNode::from(TomlValue::Table(found.collect()))
}

fn is_empty(node: &TomlNode) -> bool {
    node.table().is_some_and(BTreeMap::is_empty)
}

/// The defaults, and for each backend its defaults and what it starts from. `backends` are their names, with the preset
/// that a user chose.
pub(crate) fn sources<'a>(backends: impl Iterator<Item = (&'a str, Option<&'a str>)>) -> Vec<ConfigSource> {
    let mut sources = vec![source(Layer::Default, "default", defaults(SETTINGS))];
    for (name, preset) in backends {
        let at = KeyPath::parse("backend").join(name);
        sources.push(source(Layer::Default, "default", defaults(Backend::TABLE.keys).at(&at)));
        let preset = preset.unwrap_or(name);
        if let Some(tree) = presets::text(preset).and_then(|text| TomlNode::parse(text).ok()) {
            sources.push(source(Layer::Preset, &format!("preset {preset}"), tree.at(&at)));
        }
    }
    sources
}

fn source(layer: Layer, label: &str, tree: TomlNode) -> ConfigSource {
    ConfigSource { layer, own: true, label: label.to_owned(), file: None, tree: Arc::new(tree) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::check::check;

    #[test]
    fn all_that_is_built_in_is_valid() {
        for source in sources(presets::NAMES.iter().map(|name| (*name, None))) {
            let mut problems = Vec::new();
            let good = check(&source.tree, SETTINGS, &|_| source.label.clone(), &mut problems);
            assert_eq!(problems, [], "{}", source.label);
            assert_eq!(good.to_json(), source.tree.to_json());
        }
    }

    #[test]
    fn a_backend_starts_from_the_preset_that_was_chosen_for_it() {
        let sources = sources([("mine", Some("claude")), ("other", None)].into_iter());
        let labels: Vec<&str> = sources.iter().map(|source| source.label.as_str()).collect();
        assert_eq!(labels, ["default", "default", "preset claude", "default"]);
        assert!(sources[2].tree.get(&KeyPath::parse("backend.mine.command")).is_some());
    }
}
