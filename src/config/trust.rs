//! PURE. What a person has to trust: the settings that files of the project make and that execute something or lead out
//! of the project.
//!
//! Each key declares what its value may do (`key::Reach`), so a new key is covered the day it is declared. The user's own
//! file, variables and flags are the person's own words and need no trust.

use std::path::{Component, Path, PathBuf};

use figment::Provider as _;
use serde::{Deserialize, Serialize};

use super::explain::shown;
use super::key::{ConfigKey, KeyShape, Reach};
use super::loaded::{GitPreset, Loaded};
use super::lookup::leaves;
use super::path::KeyPath;
use super::sections::root::{EXTENDS, SETTINGS};
use super::source::{ConfigSource, Layer, Origin};
use super::tree::{TomlNode, TomlValue};

/// A setting that a person has to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReachingSetting {
    /// The key: `verify.commands`.
    pub key: String,
    /// Its whole value, which is what is trusted.
    pub value: String,
    /// The value for people: what looks secret is not in it.
    pub shown: String,
    /// Who sets it: `seqorch.toml:4`.
    pub place: String,
}

/// A setting that is trusted, with its whole value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustedSetting {
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

impl ReachingSetting {
    /// Whether it is trusted.
    #[must_use]
    pub fn is_among(&self, trusted: &[TrustedSetting]) -> bool {
        trusted.iter().any(|known| known.key == self.key && known.value == self.value)
    }
}

/// Says whether an absolute path leads out of the project, over links too.
pub type LeadsOut<'a> = &'a dyn Fn(&Path) -> bool;

/// All settings that a person has to trust before something of them runs, in the order of their keys.
#[must_use]
pub fn reaching_settings(loaded: &Loaded, leads_out: LeadsOut<'_>) -> Vec<ReachingSetting> {
    let is_from_git = |path: &Path| {
        loaded.git_presets.iter().filter_map(GitPreset::folder).any(|folder| path.starts_with(folder))
    };
    let outside = loaded.extends.iter().filter(|file| is_from_git(&file.path) || leads_out(&file.path));
    let mut found: Vec<ReachingSetting> = outside
        .map(|file| ReachingSetting {
            key: EXTENDS.name.to_owned(),
            value: file.written.clone(),
            shown: file.written.clone(),
            place: file.place.clone(),
        })
        .collect();
    let walk = Walk { loaded, leads_out };
    walk.table(&loaded.provenance.tree(), SETTINGS, &KeyPath::default(), &mut found);
    found
}

/// What protected the person in this project, and does so no more: a trusted setting that has its loose value now.
#[must_use]
pub fn lost_guards(loaded: &Loaded, trusted: &[TrustedSetting]) -> Vec<ReachingSetting> {
    let tree = loaded.provenance.tree();
    let mut found = Vec::new();
    for (name, key) in leaves() {
        let Some(Reach::Guards(loose)) = key.reach else { continue };
        let Some(loose) = TomlNode::parse_value(loose) else { continue };
        let path = KeyPath::parse(&name);
        let now = tree.get(&path).cloned().or_else(|| key.default_value());
        let old = trusted.iter().find(|known| known.key == name && known.value != loose.to_string());
        if old.is_some() && now.is_some_and(|now| now.value == loose.value) {
            let given = loaded.provenance.given(&path);
            if given.last().is_some_and(|(source, _)| source.layer == Layer::Flag) {
                // the person has just typed it
                continue;
            }
            let set = given.last().filter(|(source, _)| !source.own);
            let place = set
                .map_or_else(|| "no file sets it any more".to_owned(), |(source, _)| place_of(source, &path));
            found.push(ReachingSetting {
                key: name,
                value: loose.to_string(),
                shown: loose.to_string(),
                place,
            });
        }
    }
    found
}

struct Walk<'a> {
    loaded: &'a Loaded,
    leads_out: LeadsOut<'a>,
}

impl Walk<'_> {
    fn table(&self, table: &TomlNode, keys: &[ConfigKey], at: &KeyPath, found: &mut Vec<ReachingSetting>) {
        for key in keys {
            let Some(node) = table.key(key.name) else { continue };
            let path = at.join(key.name);
            let entries = node.table().into_iter().flatten();
            match key.shape {
                KeyShape::Value(_) => found.extend(self.setting(key, &path, node)),
                KeyShape::Map(_) => {
                    let entries =
                        entries.filter_map(|(name, node)| self.setting(key, &path.join(name), node));
                    found.extend(entries);
                }
                KeyShape::Table(inner) => self.table(node, inner.keys, &path, found),
                KeyShape::List(inner) => {
                    for (index, node) in node.list().unwrap_or_default().iter().enumerate() {
                        self.table(node, inner.keys, &path.element(index), found);
                    }
                }
                KeyShape::Named(inner) => {
                    entries.for_each(|(name, node)| self.table(node, inner.keys, &path.join(name), found));
                }
            }
        }
    }

    fn setting(&self, key: &ConfigKey, path: &KeyPath, node: &TomlNode) -> Option<ReachingSetting> {
        let given = self.loaded.provenance.given(path);
        let (source, _) = given.last().filter(|(source, _)| !source.own)?;
        // what would hold without the project
        let own = given.iter().rev().find(|(source, _)| source.own).map(|(_, node)| node.to_json());
        if own.is_some_and(|own| own == node.to_json()) || !self.reaches(key, path, node) {
            return None;
        }
        Some(ReachingSetting {
            key: path.to_string(),
            value: node.to_string(),
            shown: shown(path, node),
            place: place_of(source, path),
        })
    }

    fn reaches(&self, key: &ConfigKey, path: &KeyPath, node: &TomlNode) -> bool {
        match key.reach {
            Some(Reach::Inside) => false,
            // in a list there is nothing below it that an empty one could replace
            Some(Reach::Executes) => path.list().is_none() || node.list().is_none_or(|list| !list.is_empty()),
            Some(Reach::Outside) => paths(node).iter().any(|written| self.leads_out(path, written)),
            Some(Reach::Loosens(toml)) => {
                TomlNode::parse_value(toml).is_some_and(|loose| loose.value == node.value)
            }
            // a key that does not say what it does is not believed to do nothing
            Some(Reach::Guards(_)) | None => true,
        }
    }

    /// Where a path or a glob leads to.
    fn leads_out(&self, path: &KeyPath, written: &str) -> bool {
        let root = &self.loaded.root;
        let of_work_dir = path.first() == "tmux" || path.last() == "inputs";
        let base = self.loaded.config.run.workdir.as_ref().filter(|_| of_work_dir).unwrap_or(root);
        let is_glob =
            |part: &Component<'_>| part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']);
        let parts: Vec<Component<'_>> = Path::new(written).components().collect();
        let fixed: PathBuf = parts.iter().take_while(|part| !is_glob(part)).collect();
        let climbs = parts.iter().skip_while(|part| !is_glob(part)).any(|part| *part == Component::ParentDir);
        // `{../x,y}` hides its path from the parts
        climbs
            || written.contains("{..")
            || written.contains(",..")
            || written.contains("{/")
            || written.contains(",/")
            || (self.leads_out)(&base.join(fixed))
    }
}

/// The paths that a value names.
fn paths(node: &TomlNode) -> Vec<&str> {
    match &node.value {
        TomlValue::List(items) => items.iter().filter_map(TomlNode::text).collect(),
        _ => node.text().into_iter().collect(),
    }
}

fn place_of(source: &ConfigSource, path: &KeyPath) -> String {
    Origin::of(&source.metadata(), path).place
}

#[cfg(test)]
#[path = "trust_tests.rs"]
mod tests;
