//! PURE. One source of settings, its place in the order, and the memory of who said what.

use std::fmt;
use std::path::{Path, PathBuf};

use figment::value::{Dict, Map};
use figment::{Metadata, Profile, Provider};

use super::tree::{Item, KeyPath};

/// Where a setting comes from; a later one wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Layer {
    /// Built in.
    Default,
    /// A built-in backend.
    Preset,
    /// The user's own file, and what it extends.
    User,
    /// A file that the project's file extends.
    Extends,
    /// The project's `seqorch.toml`.
    Repo,
    /// `seqorch.local.toml`, and what it extends.
    Local,
    /// The chosen profile.
    Profile,
    /// A variable of the environment.
    Environment,
    /// A flag on the command line.
    Flag,
}

impl fmt::Display for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "built-in default",
            Self::Preset => "built-in backend",
            Self::User => "user file",
            Self::Extends => "extended file",
            Self::Repo => "project file",
            Self::Local => "local file",
            Self::Profile => "profile",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

/// Who set a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The layer.
    pub layer: Layer,
    /// The file as a user would call it, the variable or the flag.
    pub label: String,
    /// The file, where it is one.
    pub file: Option<PathBuf>,
    /// The line in it.
    pub line: Option<usize>,
}

/// `seqorch.toml:4`, `SEQORCH_RUN__DELAY`, `--delay`, `default`
impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&place(&self.label, self.line))
    }
}

/// `seqorch.toml:4`; the name of the profile goes behind the line.
pub(crate) fn place(label: &str, line: Option<usize>) -> String {
    match (label.split_once(' '), line) {
        (Some((file, profile)), Some(line)) if profile.starts_with('[') => format!("{file}:{line} {profile}"),
        (_, Some(line)) => format!("{label}:{line}"),
        (_, None) => label.to_owned(),
    }
}

/// One source, checked.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) layer: Layer,
    pub(crate) label: String,
    pub(crate) file: Option<PathBuf>,
    pub(crate) tree: Item,
}

impl Source {
    fn origin(&self, item: &Item) -> Origin {
        let line = if self.file.is_some() { item.line } else { None };
        Origin { layer: self.layer, label: self.label.clone(), file: self.file.clone(), line }
    }
}

impl Provider for Source {
    fn metadata(&self) -> Metadata {
        let metadata = Metadata::named(self.label.clone());
        match &self.file {
            Some(file) => metadata.source(Path::new(file)),
            None => metadata.source(self.label.clone()),
        }
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        let dict = self.tree.to_figment().into_dict().unwrap_or_default();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

/// All sources of one call, lowest first: they tell where each value comes from.
#[derive(Debug, Clone, Default)]
pub struct Provenance {
    pub(crate) sources: Vec<Source>,
}

impl Provenance {
    /// Who set the value of `key` (`run.delay`, `override[0].tasks`); `None` where nobody did.
    #[must_use]
    pub fn origin(&self, key: &str) -> Option<Origin> {
        self.current(&KeyPath::parse(key)).map(|(origin, _)| origin)
    }

    /// The value of `key` that counts, as it was written, where it is a text.
    #[must_use]
    pub fn text(&self, key: &str) -> Option<&str> {
        self.current(&KeyPath::parse(key))?.1.text()
    }

    /// The value that counts.
    pub(crate) fn current(&self, path: &KeyPath) -> Option<(Origin, &Item)> {
        self.history(path).pop()
    }

    /// Every value that was given, lowest first; the last one counts.
    pub(crate) fn history(&self, path: &KeyPath) -> Vec<(Origin, &Item)> {
        // lists are replaced as a whole: below one, only the source of the list has a say
        let is_index = |part: &String| part.bytes().all(|b| b.is_ascii_digit());
        let list =
            path.parts().iter().position(is_index).map(|at| KeyPath::from(path.parts()[..at].to_vec()));
        let speaks = |source: &&Source| list.as_ref().is_none_or(|list| source.tree.get(list).is_some());
        let mut speakers: Vec<&Source> = self.sources.iter().filter(speaks).collect();
        if list.is_some() {
            speakers.drain(..speakers.len().saturating_sub(1));
        }
        speakers
            .into_iter()
            .filter_map(|source| source.tree.get(path).map(|item| (source.origin(item), item)))
            .collect()
    }

    /// The names below `path` in any source, in alphabetical order.
    pub(crate) fn names(&self, path: &KeyPath) -> Vec<String> {
        let below = self.sources.iter().filter_map(|source| source.tree.get(path));
        let mut names: Vec<String> = below.flat_map(|item| item.names().cloned()).collect();
        names.sort();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_ordered_by_precedence() {
        use Layer::{Default, Environment, Extends, Flag, Local, Preset, Profile, Repo, User};
        let order = [Default, Preset, User, Extends, Repo, Local, Profile, Environment, Flag];
        assert!(order.is_sorted());
    }

    #[test]
    fn below_a_list_only_the_source_of_the_list_has_a_say() {
        let source = |layer, text| Source {
            layer,
            label: "x".to_owned(),
            file: None,
            tree: Item::parse(text).unwrap(),
        };
        let two = "[[override]]\ntasks = [\"1\"]\n[[override]]\ntasks = [\"2\"]\n";
        let one = "[[override]]\ntasks = [\"3\"]\n";
        let provenance = Provenance { sources: vec![source(Layer::User, two), source(Layer::Repo, one)] };
        assert_eq!(provenance.origin("override[0].tasks").map(|origin| origin.layer), Some(Layer::Repo));
        assert_eq!(provenance.origin("override[1].tasks"), None);
    }
}
