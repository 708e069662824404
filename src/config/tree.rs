//! PURE. A configuration source as a tree of values that know their lines.

use std::collections::BTreeMap;
use std::fmt;

use figment::value::{Tag, Value as Merged};
use toml::de::{DeTable, DeValue};

/// Where a key is: `run.delay`, `override[0].tasks`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyPath(Vec<String>);

impl KeyPath {
    /// Reads `a.b[0].c`.
    pub(crate) fn parse(text: &str) -> Self {
        let parts = text.split(['.', '[']).map(|part| part.strip_suffix(']').unwrap_or(part));
        Self(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// The path of a key below this one.
    pub(crate) fn join(&self, part: impl Into<String>) -> Self {
        let mut parts = self.0.clone();
        parts.push(part.into());
        Self(parts)
    }

    /// Names and indexes, outermost first.
    pub(crate) fn parts(&self) -> &[String] {
        &self.0
    }
}

impl From<Vec<String>> for KeyPath {
    fn from(parts: Vec<String>) -> Self {
        Self(parts)
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in self.0.iter().enumerate() {
            if part.bytes().all(|b| b.is_ascii_digit()) {
                write!(f, "[{part}]")?;
            } else {
                write!(f, "{}{}", if index == 0 { "" } else { "." }, quoted(part))?;
            }
        }
        Ok(())
    }
}

/// A value and the line it stands on, where it stands in a file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Item {
    /// From 1.
    pub(crate) line: Option<usize>,
    pub(crate) value: Value,
}

/// What a source can say.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Text(String),
    Int(i64),
    Float(f64),
    Bool(bool),
    Date(String),
    List(Vec<Item>),
    Table(BTreeMap<String, Item>),
}

/// TOML that does not parse.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Syntax {
    /// From 1.
    pub(crate) line: usize,
    /// From 1, in characters.
    pub(crate) column: usize,
    /// What is wrong, and the line with a caret.
    pub(crate) message: String,
}

impl Item {
    /// An empty table.
    pub(crate) fn empty() -> Self {
        Self { line: None, value: Value::Table(BTreeMap::new()) }
    }

    /// Reads a TOML file.
    pub(crate) fn parse(text: &str) -> Result<Self, Syntax> {
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
                Err(Syntax {
                    line,
                    column: before.chars().count() + 1,
                    message: format!("{message}\n    {shown}\n    {gap}^"),
                })
            }
        }
    }

    /// A value that stands in no file.
    pub(crate) fn from_toml(value: &toml::Value) -> Self {
        use toml::Value as T;
        let value = match value {
            T::String(text) => Value::Text(text.clone()),
            T::Integer(number) => Value::Int(*number),
            T::Float(number) => Value::Float(*number),
            T::Boolean(yes) => Value::Bool(*yes),
            T::Datetime(date) => Value::Date(date.to_string()),
            T::Array(items) => Value::List(items.iter().map(Self::from_toml).collect()),
            T::Table(table) => {
                Value::Table(table.iter().map(|(name, item)| (name.clone(), Self::from_toml(item))).collect())
            }
        };
        Self { line: None, value }
    }

    /// Puts the value at `path` of an otherwise empty tree.
    pub(crate) fn at(self, path: &KeyPath) -> Self {
        path.parts().iter().rev().fold(self, |item, part| Self {
            line: item.line,
            value: Value::Table(BTreeMap::from([(part.clone(), item)])),
        })
    }

    /// What stands at `path`.
    pub(crate) fn get(&self, path: &KeyPath) -> Option<&Self> {
        path.parts().iter().try_fold(self, |item, part| match &item.value {
            Value::Table(table) => table.get(part),
            Value::List(items) => items.get(part.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The keys of a table; none for other values.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        match &self.value {
            Value::Table(table) => Some(table.keys()),
            _ => None,
        }
        .into_iter()
        .flatten()
    }

    /// Takes a key out of a table.
    pub(crate) fn take(&mut self, name: &str) -> Option<Self> {
        match &mut self.value {
            Value::Table(table) => table.remove(name),
            _ => None,
        }
    }

    /// The text of a text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// What figment merges.
    pub(crate) fn to_figment(&self) -> Merged {
        match &self.value {
            Value::Text(text) | Value::Date(text) => Merged::from(text.as_str()),
            Value::Int(number) => Merged::from(*number),
            Value::Float(number) => Merged::from(*number),
            Value::Bool(yes) => Merged::from(*yes),
            Value::List(items) => Merged::Array(Tag::Default, items.iter().map(Self::to_figment).collect()),
            Value::Table(table) => Merged::Dict(
                Tag::Default,
                table.iter().map(|(name, item)| (name.clone(), item.to_figment())).collect(),
            ),
        }
    }

    /// As JSON.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as J;
        match &self.value {
            Value::Text(text) | Value::Date(text) => J::from(text.as_str()),
            Value::Int(number) => J::from(*number),
            Value::Float(number) => J::from(*number),
            Value::Bool(yes) => J::from(*yes),
            Value::List(items) => items.iter().map(Self::to_json).collect(),
            Value::Table(table) => table.iter().map(|(name, item)| (name.clone(), item.to_json())).collect(),
        }
    }

    fn to_toml(&self) -> toml::Value {
        match &self.value {
            Value::Text(text) | Value::Date(text) => toml::Value::String(text.clone()),
            Value::Int(number) => toml::Value::Integer(*number),
            Value::Float(number) => toml::Value::Float(*number),
            Value::Bool(yes) => toml::Value::Boolean(*yes),
            Value::List(items) => toml::Value::Array(items.iter().map(Self::to_toml).collect()),
            Value::Table(table) => {
                toml::Value::Table(table.iter().map(|(name, item)| (name.clone(), item.to_toml())).collect())
            }
        }
    }
}

/// As TOML, on one line.
impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            // the library would write several lines
            Value::Text(text) if text.contains(['\n', '\'', '"']) => {
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
            Value::List(items) => {
                write!(f, "[")?;
                for (index, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
                }
                write!(f, "]")
            }
            Value::Table(table) => {
                write!(f, "{{")?;
                for (index, (name, item)) in table.iter().enumerate() {
                    write!(f, "{}{} = {item}", if index == 0 { " " } else { ", " }, quoted(name))?;
                }
                write!(f, "{}}}", if table.is_empty() { "" } else { " " })
            }
            _ => write!(f, "{}", self.to_toml()),
        }
    }
}

/// A key as TOML wants it.
pub(crate) fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        toml::Value::String(name.to_owned()).to_string()
    }
}

fn from_table(table: &DeTable<'_>, line_of: &dyn Fn(usize) -> usize) -> Value {
    let items = table.iter().map(|(key, value)| {
        let line = Some(line_of(key.span().start));
        (key.get_ref().to_string(), Item { line, value: from_value(value.get_ref(), line_of) })
    });
    Value::Table(items.collect())
}

fn from_value(value: &DeValue<'_>, line_of: &dyn Fn(usize) -> usize) -> Value {
    match value {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::Float(f64::INFINITY), Value::Int),
        DeValue::Float(number) => Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(yes) => Value::Bool(*yes),
        DeValue::Datetime(date) => Value::Date(date.to_string()),
        DeValue::Array(items) => Value::List(
            items
                .iter()
                .map(|item| Item {
                    line: Some(line_of(item.span().start)),
                    value: from_value(item.get_ref(), line_of),
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
        let tree =
            Item::parse("[run]\n\ndelay = \"1s\"\n[[override]]\ntasks = [\n  \"1\",\n  \"2\"]\n").unwrap();
        let line = |path: &str| tree.get(&KeyPath::parse(path)).and_then(|item| item.line);
        assert_eq!(line("run"), Some(1));
        assert_eq!(line("run.delay"), Some(3));
        assert_eq!(line("override[0]"), Some(4));
        assert_eq!(line("override[0].tasks[1]"), Some(7));
        assert_eq!(line("override[1]"), None);
    }

    #[test]
    fn broken_toml_names_line_and_column_and_shows_the_line() {
        let error = Item::parse("[run]\ndelay = = 3\n").unwrap_err();
        assert_eq!((error.line, error.column), (2, 9));
        assert!(error.message.ends_with("    delay = = 3\n            ^"), "{}", error.message);
    }

    #[test]
    fn any_value_is_one_line_of_toml_that_reads_back() {
        let text =
            "a = [\"x\\ny\", \"it's \\\"so\\\"\", 'C:\\d', { \"b c\" = 1, d = true }]\nb = 1.5\nc = {}\n";
        let tree = Item::parse(text).unwrap();
        for name in ["a", "b", "c"] {
            let shown = tree.get(&KeyPath::parse(name)).unwrap().to_string();
            assert!(!shown.contains('\n'));
            let again = Item::parse(&format!("k = {shown}")).unwrap();
            assert_eq!(again.get(&KeyPath::parse("k")).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn paths_read_back_as_they_are_written() {
        for path in ["run.delay", "override[0].tasks", "prompt.skills[12].name"] {
            assert_eq!(KeyPath::parse(path).to_string(), path);
        }
    }
}
