//! Values with places, from JSON or YAML: every value knows its bytes, so that one value can change and every other byte
//! stays.

use std::ops::Range;

/// A value and its bytes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct PlacedValue {
    pub(crate) span: Range<usize>,
    pub(crate) kind: ValueKind,
}

/// What a value is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ValueKind {
    Object(Vec<(String, PlacedValue)>),
    Array(Vec<PlacedValue>),
    /// A text without escapes.
    Text(String),
    /// A number as written.
    Number(String),
    Bool(bool),
    Null,
}

/// How deep values may be nested; no list of tasks is deeper.
pub(crate) const DEEPEST: usize = 64;

impl PlacedValue {
    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&PlacedValue> {
        match &self.kind {
            ValueKind::Object(all) => all.iter().find(|(name, _)| name == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// The entries of a list.
    pub(crate) fn list(&self) -> &[PlacedValue] {
        match &self.kind {
            ValueKind::Array(all) => all,
            _ => &[],
        }
    }

    /// Gives all places new values.
    pub(crate) fn shift(&mut self, to: &impl Fn(usize) -> usize) {
        self.span = to(self.span.start)..to(self.span.end);
        match &mut self.kind {
            ValueKind::Object(all) => all.iter_mut().for_each(|(_, value)| value.shift(to)),
            ValueKind::Array(all) => all.iter_mut().for_each(|value| value.shift(to)),
            _ => {}
        }
    }

    /// A text.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            ValueKind::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A text or a number, as people write ids.
    pub(crate) fn id(&self) -> Option<&str> {
        match &self.kind {
            ValueKind::Text(text) | ValueKind::Number(text) => Some(text.as_str()),
            _ => None,
        }
    }
}
