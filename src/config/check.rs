//! PURE. Holds one source against the keys: finds every unknown key and every wrong value, not only the first.
//!
//! What is wrong is reported and left out, so that one mistake does not cause a second message further on.

use std::collections::BTreeMap;

use super::key::{ConfigKey, KeyShape, ValueFormat};
use super::lookup;
use super::path::KeyPath;
use super::problem::Problem;
use super::tree::{TomlNode, TomlValue};

/// Says where a line of the source is.
pub(crate) type Place<'a> = &'a dyn Fn(Option<usize>) -> String;

/// Returns what is right in `tree`, and reports the rest.
pub(crate) fn check(
    tree: &TomlNode,
    keys: &'static [ConfigKey],
    place: Place<'_>,
    problems: &mut Vec<Problem>,
) -> TomlNode {
    let mut check = Checker { place, found: Vec::new() };
    let good = check.table(tree, keys, &KeyPath::default()).unwrap_or_else(TomlNode::empty);
    check.found.sort_by_key(|(line, _)| *line);
    problems.extend(check.found.into_iter().map(|(_, problem)| problem));
    good
}

struct Checker<'a> {
    place: Place<'a>,
    found: Vec<(Option<usize>, Problem)>,
}

impl Checker<'_> {
    fn report(&mut self, node: &TomlNode, key: &KeyPath, text: String) {
        let problem = Problem { place: (self.place)(node.line), key: key.clone(), text };
        self.found.push((node.line, problem));
    }

    fn table(&mut self, node: &TomlNode, keys: &'static [ConfigKey], at: &KeyPath) -> Option<TomlNode> {
        let Some(table) = node.table() else {
            self.report(node, at, format!("{node} is not a table; write its keys below [{at}]"));
            return None;
        };
        let mut good = BTreeMap::new();
        for (name, inner) in table {
            let Some(key) = ConfigKey::meant(keys, name, inner) else {
                self.report(inner, &at.join(name), lookup::unknown(name, keys, at));
                continue;
            };
            let path = at.join(key.name);
            if good.contains_key(key.name) {
                let other = if name == key.name { key.alias() } else { Some(key.name) };
                let other = at.join(other.unwrap_or_default());
                self.report(inner, &path, format!("[[{other}]] sets the same; use only one of the two"));
            } else if let Some(value) = self.key(inner, key.shape, &path) {
                good.insert(key.name.to_owned(), value);
            }
        }
        Some(TomlNode { line: node.line, value: TomlValue::Table(good) })
    }

    fn key(&mut self, node: &TomlNode, shape: KeyShape, at: &KeyPath) -> Option<TomlNode> {
        match shape {
            KeyShape::Value(format) => self.value(node, &format, at),
            KeyShape::Table(table) => self.table(node, table.keys, at),
            KeyShape::List(table) => self.list(node, table.keys, at),
            KeyShape::Named(table) => self.named(node, at, |checker, inner, path| {
                if is_name(path.last()) {
                    return checker.table(inner, table.keys, path);
                }
                let text = "is not a valid name; use letters, digits, - and _, and a letter first";
                checker.report(inner, at, format!("{:?} {text}", path.last()));
                None
            }),
            KeyShape::Map(format) => {
                self.named(node, at, |checker, inner, path| checker.value(inner, &format, path))
            }
        }
    }

    fn value(&mut self, node: &TomlNode, format: &ValueFormat, at: &KeyPath) -> Option<TomlNode> {
        match (format.check)(node) {
            Ok(()) => Some(TomlNode { line: node.line, value: (format.tidy)(node) }),
            Err(error) => {
                self.report(node, at, format.complaint(node, error));
                None
            }
        }
    }

    fn named(
        &mut self,
        node: &TomlNode,
        at: &KeyPath,
        mut each: impl FnMut(&mut Self, &TomlNode, &KeyPath) -> Option<TomlNode>,
    ) -> Option<TomlNode> {
        let Some(table) = node.table() else {
            self.report(node, at, no_name(node, at));
            return None;
        };
        let mut good = BTreeMap::new();
        for (name, inner) in table {
            if let Some(value) = each(self, inner, &at.join(name)) {
                good.insert(name.clone(), value);
            }
        }
        Some(TomlNode { line: node.line, value: TomlValue::Table(good) })
    }

    fn list(&mut self, node: &TomlNode, keys: &'static [ConfigKey], at: &KeyPath) -> Option<TomlNode> {
        let Some(items) = node.list() else {
            self.report(node, at, format!("must be a list of tables; write it like [[{at}]]"));
            return None;
        };
        let mut good = Vec::new();
        for (index, inner) in items.iter().enumerate() {
            let path = at.element(index);
            // a wrong element stays as an empty one, so that the others keep their places
            good.push(self.table(inner, keys, &path).unwrap_or_else(TomlNode::empty));
            for key in keys.iter().filter(|key| key.required && inner.table().is_some()) {
                if inner.key(key.name).is_none() {
                    self.report(inner, &path.join(key.name), "is missing".to_owned());
                }
            }
        }
        Some(TomlNode { line: node.line, value: TomlValue::List(good) })
    }
}

/// The sentence about a value where tables with names are due: a key of another section may be meant.
fn no_name(node: &TomlNode, at: &KeyPath) -> String {
    let profile = match at.parts() {
        [first, name, _, ..] if first == "profile" => format!("profile.{name}."),
        _ => String::new(),
    };
    match lookup::called(at.last()).filter(|path| *path != at.to_string()) {
        Some(path) => format!("{node} is not a table; did you mean {:?}?", format!("{profile}{path}")),
        None => format!("{node} is not a table; write it like [{at}.NAME]"),
    }
}

/// Names of backends and profiles also have to fit into a path like `backend.NAME.args`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

#[cfg(test)]
#[path = "check_tests.rs"]
mod tests;
