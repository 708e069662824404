//! PURE. What figment merged from all sources, and who set which value.

use figment::value::{Tag, Value as MergedValue};
use figment::{Figment, Provider};

use super::path::KeyPath;
use super::source::{CHOSEN_PROFILE, ConfigSource, Layer, Origin, from_figment};
use super::tree::TomlNode;
use crate::error::{Error, ErrorKind};

/// The merged settings of one call: where each value comes from, and what it overrides.
#[derive(Debug, Clone)]
pub struct Provenance {
    figment: Figment,
    /// What figment merged; each value carries the tag of its source.
    merged: MergedValue,
    /// Lowest first.
    sources: Vec<ConfigSource>,
}

impl Provenance {
    /// Merges the sources, lowest first.
    pub(crate) fn merge(sources: Vec<ConfigSource>) -> Result<Self, Error> {
        let figment = sources.iter().fold(Figment::new(), |figment, source| figment.merge(source.clone()));
        let figment = figment.select(CHOSEN_PROFILE);
        let merged = figment.find_value("").map_err(|errors| {
            let error = Error::new(ErrorKind::Internal, "the layers of the configuration cannot be merged");
            errors.into_iter().fold(error, |error, one| error.detail(one.to_string()))
        })?;
        Ok(Self { figment, merged, sources })
    }

    /// All settings.
    pub(crate) fn tree(&self) -> TomlNode {
        from_figment(&self.merged)
    }

    /// Who set the value of `key` (`run.delay`, `override[0].tasks`); `None` where no source did.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<Origin> {
        self.current(&KeyPath::parse(key)).map(|(origin, _)| origin)
    }

    /// The value that counts, and who set it.
    pub(crate) fn current(&self, path: &KeyPath) -> Option<(Origin, TomlNode)> {
        let value = find(&self.merged, path)?;
        Some((self.origin_of(value.tag(), path)?, from_figment(value)))
    }

    fn origin_of(&self, tag: Tag, path: &KeyPath) -> Option<Origin> {
        self.figment.get_metadata(tag).map(|metadata| Origin::of(metadata, path))
    }

    /// Whether the value at this path is the person's own, or what is built in, and not the project's.
    #[must_use]
    pub fn is_own(&self, path: &[&str]) -> bool {
        let path = KeyPath::from(path.iter().map(|part| (*part).to_owned()).collect::<Vec<_>>());
        self.given(&path).last().is_none_or(|(source, _)| source.own)
    }

    /// Every value that was given, lowest first; the last one counts.
    pub(crate) fn history(&self, path: &KeyPath) -> Vec<(Layer, Origin, &TomlNode)> {
        let given = self.given(path).into_iter();
        given.map(|(source, node)| (source.layer, Origin::of(&source.metadata(), path), node)).collect()
    }

    /// The same with their sources. figment keeps only the last value.
    pub(crate) fn given(&self, path: &KeyPath) -> Vec<(&ConfigSource, &TomlNode)> {
        // a list is replaced as a whole: only the last source of the list counts for what is in it
        let list = path.list();
        let has_list =
            |source: &&ConfigSource| list.as_ref().is_none_or(|list| source.tree.get(list).is_some());
        let mut sources: Vec<&ConfigSource> = self.sources.iter().filter(has_list).collect();
        if list.is_some() {
            sources.drain(..sources.len().saturating_sub(1));
        }
        sources.into_iter().filter_map(|source| Some((source, source.tree.get(path)?))).collect()
    }

    /// The names of the table at `path`, in alphabetical order.
    pub(crate) fn names(&self, path: &KeyPath) -> Vec<String> {
        let table = find(&self.merged, path).and_then(MergedValue::as_dict);
        table.into_iter().flat_map(|table| table.keys().cloned()).collect()
    }
}

fn find<'a>(value: &'a MergedValue, path: &KeyPath) -> Option<&'a MergedValue> {
    path.parts().iter().try_fold(value, |value, part| match value {
        MergedValue::Dict(_, dict) => dict.get(part),
        MergedValue::Array(_, items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn source(layer: Layer, text: &str) -> ConfigSource {
        let tree = Arc::new(TomlNode::parse(text).unwrap());
        let own = layer < Layer::Extends || layer > Layer::Profile;
        ConfigSource { layer, own, label: layer.name().replace(' ', "-"), file: Some("x".into()), tree }
    }

    #[test]
    fn the_higher_layer_sets_a_value_and_tables_merge_key_by_key() {
        let provenance = Provenance::merge(vec![
            source(Layer::Repo, "[run]\ndelay = 1\njitter = 1\nbackend = \"a\"\n"),
            source(Layer::Flag, "[run]\ndelay = 4\n"),
            source(Layer::Environment, "[run]\njitter = 3\n"),
            source(Layer::Profile, "[run]\ndelay = 2\njitter = 2\nbackend = \"b\"\n"),
        ])
        .unwrap();
        for (key, value, place) in [
            ("run.delay", "4", "flag:2"),
            ("run.jitter", "3", "environment:2"),
            ("run.backend", "\"b\"", "profile:4"),
        ] {
            let (origin, node) = provenance.current(&KeyPath::parse(key)).unwrap();
            assert_eq!((origin.place.as_str(), node.to_string().as_str()), (place, value), "{key}");
        }
        assert_eq!(provenance.origin("run.dealy"), None);
        assert_eq!(provenance.names(&KeyPath::parse("run")), ["backend", "delay", "jitter"]);
    }

    #[test]
    fn a_list_is_replaced_as_a_whole() {
        let two = "[[override]]\ntasks = [\"1\"]\n[[override]]\ntasks = [\"2\"]\n";
        let provenance = Provenance::merge(vec![
            source(Layer::User, two),
            source(Layer::Repo, "[[override]]\ntasks = [\"3\"]\n"),
        ])
        .unwrap();
        let first = KeyPath::parse("override[0].tasks");
        assert_eq!(provenance.origin("override[0].tasks").unwrap().place, "project-file:2");
        assert_eq!(provenance.origin("override[1].tasks"), None);
        assert_eq!(provenance.history(&first).len(), 1);
        assert!(provenance.history(&KeyPath::parse("override[1].tasks")).is_empty());
    }
}
