//! PURE. What a file, a variable or a flag says, as a tree of TOML values that know their lines.

use std::collections::BTreeMap;
use std::fmt;

use toml::de::{DeTable, DeValue};

use super::path::{KeyPath, quoted};

/// A value, and its line if it is in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TomlNode {
    /// From 1.
    pub(crate) line: Option<usize>,
    pub(crate) value: TomlValue,
}

/// The values that TOML has.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum TomlValue {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Date(String),
    List(Vec<TomlNode>),
    Table(BTreeMap<String, TomlNode>),
}

/// TOML that does not parse.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// What is wrong, and the line with a caret.
    pub(crate) message: String,
}

impl TomlNode {
    /// An empty table.
    pub(crate) fn empty() -> Self {
        Self::from(TomlValue::Table(BTreeMap::new()))
    }

    /// Reads a TOML file.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        let starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let line_of = |at: usize| starts.partition_point(|start| *start <= at);
        match DeTable::parse(text) {
            Ok(table) => Ok(Self { line: Some(1), value: from_table(table.get_ref(), &line_of) }),
            Err(error) => {
                let at = error.span().map_or(0, |span| span.start).min(text.len());
                let line = line_of(at);
                let start = starts[line - 1];
                let shown = text[start..].lines().next().unwrap_or_default();
                let shown = shown.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}");
                let before = text.get(start..at).unwrap_or_default();
                let gap: String = before.chars().map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
                let message = error.message().replace('\n', ", ");
                Err(SyntaxError {
                    line,
                    column: before.chars().count() + 1,
                    message: format!("{message}\n    {shown}\n    {gap}^"),
                })
            }
        }
    }

    /// Reads one value, as it stands behind a `=`.
    pub(crate) fn parse_value(text: &str) -> Option<Self> {
        text.trim().parse::<toml::Value>().ok().map(|value| Self::from_toml(&value))
    }

    /// The same value, without a line.
    pub(crate) fn from_toml(value: &toml::Value) -> Self {
        use toml::Value as T;
        Self::from(match value {
            T::String(text) => TomlValue::Text(text.clone()),
            T::Integer(number) => TomlValue::Int(*number),
            T::Float(number) => TomlValue::Float(*number),
            T::Boolean(yes) => TomlValue::Bool(*yes),
            T::Datetime(date) => TomlValue::Date(date.to_string()),
            T::Array(items) => TomlValue::List(items.iter().map(Self::from_toml).collect()),
            T::Table(table) => TomlValue::Table(
                table.iter().map(|(name, inner)| (name.clone(), Self::from_toml(inner))).collect(),
            ),
        })
    }

    /// An otherwise empty tree with this value at `path`.
    pub(crate) fn at(self, path: &KeyPath) -> Self {
        path.parts().iter().rev().fold(self, |inner, part| Self {
            line: inner.line,
            value: TomlValue::Table(BTreeMap::from([(part.clone(), inner)])),
        })
    }

    /// The value at `path`.
    pub(crate) fn get(&self, path: &KeyPath) -> Option<&Self> {
        path.parts().iter().try_fold(self, |node, part| match &node.value {
            TomlValue::Table(table) => table.get(part),
            TomlValue::List(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The value at `path`, to be changed. No list is looked into.
    pub(crate) fn get_mut(&mut self, path: &KeyPath) -> Option<&mut Self> {
        path.parts().iter().try_fold(self, |node, part| match &mut node.value {
            TomlValue::Table(table) => table.get_mut(part),
            _ => None,
        })
    }

    /// The value of a key of this table.
    pub(crate) fn key(&self, name: &str) -> Option<&Self> {
        self.table().and_then(|table| table.get(name))
    }

    /// The keys and values, if this is a table.
    pub(crate) fn table(&self) -> Option<&BTreeMap<String, Self>> {
        match &self.value {
            TomlValue::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The elements, if this is a list.
    pub(crate) fn list(&self) -> Option<&[Self]> {
        match &self.value {
            TomlValue::List(items) => Some(items),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            TomlValue::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Takes a key out of a table.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        match &mut self.value {
            TomlValue::Table(table) => table.remove(name),
            _ => None,
        }
    }

    /// The same value as JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as J;
        match &self.value {
            TomlValue::Text(text) | TomlValue::Date(text) => J::from(text.as_str()),
            TomlValue::Int(number) => J::from(*number),
            TomlValue::Float(number) => J::from(*number),
            TomlValue::Bool(yes) => J::from(*yes),
            TomlValue::List(items) => items.iter().map(Self::to_json).collect(),
            TomlValue::Table(table) => {
                table.iter().map(|(name, inner)| (name.clone(), inner.to_json())).collect()
            }
        }
    }
}

impl From<TomlValue> for TomlNode {
    fn from(value: TomlValue) -> Self {
        Self { line: None, value }
    }
}

/// As TOML, on one line.
impl fmt::Display for TomlNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            TomlValue::Text(text) => write_text(text, f),
            TomlValue::Date(date) => f.write_str(date),
            TomlValue::Int(number) => write!(f, "{}", toml::Value::Integer(*number)),
            TomlValue::Float(number) => write!(f, "{}", toml::Value::Float(*number)),
            TomlValue::Bool(yes) => write!(f, "{yes}"),
            TomlValue::List(items) => {
                write!(f, "[")?;
                for (index, inner) in items.iter().enumerate() {
                    write!(f, "{}{inner}", if index == 0 { "" } else { ", " })?;
                }
                write!(f, "]")
            }
            TomlValue::Table(table) => {
                write!(f, "{{")?;
                for (index, (name, inner)) in table.iter().enumerate() {
                    write!(f, "{}{} = {inner}", if index == 0 { " " } else { ", " }, quoted(name))?;
                }
                write!(f, "{}}}", if table.is_empty() { "" } else { " " })
            }
        }
    }
}

fn write_text(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if !text.contains(['\n', '\'', '"']) {
        return write!(f, "{}", toml::Value::String(text.to_owned()));
    }
    // the library would write such a text on several lines
    write!(f, "\"")?;
    for c in text.chars() {
        match c {
            '"' | '\\' => write!(f, "\\{c}")?,
            '\n' => write!(f, "\\n")?,
            '\t' => write!(f, "\\t")?,
            c if c.is_control() => write!(f, "\\u{:04X}", c as u32)?,
            c => write!(f, "{c}")?,
        }
    }
    write!(f, "\"")
}

fn from_table(table: &DeTable<'_>, line_of: &dyn Fn(usize) -> usize) -> TomlValue {
    let entries = table.iter().map(|(key, value)| {
        let line = Some(line_of(key.span().start));
        (key.get_ref().to_string(), TomlNode { line, value: from_value(value.get_ref(), line_of) })
    });
    TomlValue::Table(entries.collect())
}

fn from_value(value: &DeValue<'_>, line_of: &dyn Fn(usize) -> usize) -> TomlValue {
    match value {
        DeValue::String(text) => TomlValue::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| TomlValue::Float(f64::INFINITY), TomlValue::Int),
        DeValue::Float(number) => TomlValue::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(yes) => TomlValue::Bool(*yes),
        DeValue::Datetime(date) => TomlValue::Date(date.to_string()),
        DeValue::Array(items) => TomlValue::List(
            items
                .iter()
                .map(|inner| TomlNode {
                    line: Some(line_of(inner.span().start)),
                    value: from_value(inner.get_ref(), line_of),
                })
                .collect(),
        ),
        DeValue::Table(table) => from_table(table, line_of),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_line() {
        let tree = TomlNode::parse("[run]\n\ndelay = \"1s\"\n[[override]]\ntasks = [\n  \"1\",\n  \"2\"]\n")
            .unwrap();
        let line = |path: &str| tree.get(&KeyPath::parse(path)).and_then(|node| node.line);
        assert_eq!(line("run"), Some(1));
        assert_eq!(line("run.delay"), Some(3));
        assert_eq!(line("override[0]"), Some(4));
        assert_eq!(line("override[0].tasks[1]"), Some(7));
        assert_eq!(line("override[1]"), None);
    }

    #[test]
    fn broken_toml_is_reported_with_line_column_and_caret() {
        let error = TomlNode::parse("[run]\ndelay = = 3\n").unwrap_err();
        assert_eq!((error.line, error.column), (2, 9));
        assert!(error.message.ends_with("    delay = = 3\n            ^"), "{}", error.message);
    }

    #[test]
    fn any_value_is_one_line_of_toml_that_reads_back() {
        let text = "a = [\"x\\ny\", \"it's \\\"so\\\"\", 'C:\\d', { \"b c\" = 1, d = true }]\nb = 1.5\nc = {}\nd = 2.0\n";
        let tree = TomlNode::parse(text).unwrap();
        for name in ["a", "b", "c", "d"] {
            let shown = tree.key(name).unwrap().to_string();
            assert!(!shown.contains('\n'));
            assert_eq!(TomlNode::parse_value(&shown).unwrap().to_string(), shown);
        }
    }
}
