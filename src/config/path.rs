//! PURE. Where a key is: `run.delay`, `override[0].tasks`.

use std::fmt;

/// Names of tables and keys, and indexes of lists, outermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyPath(Vec<String>);

impl KeyPath {
    /// Reads `a.b[0].c`.
    pub(crate) fn parse(text: &str) -> Self {
        let parts = text.split(['.', '[']).map(|part| part.strip_suffix(']').unwrap_or(part));
        Self(parts.filter(|part| !part.is_empty()).map(str::to_owned).collect())
    }

    /// The path of a key in this table.
    pub(crate) fn join(&self, name: &str) -> Self {
        let mut parts = self.0.clone();
        parts.push(name.to_owned());
        Self(parts)
    }

    /// The path of an element of this list.
    pub(crate) fn element(&self, index: usize) -> Self {
        self.join(&index.to_string())
    }

    /// The path of the table or list that this path is in; for the empty path, the empty path.
    pub(crate) fn parent(&self) -> Self {
        Self(self.0[..self.0.len().saturating_sub(1)].to_vec())
    }

    /// The path of the outermost list that this path leads into.
    pub(crate) fn list(&self) -> Option<Self> {
        let at = self.0.iter().position(|part| is_index(part))?;
        Some(Self(self.0[..at].to_vec()))
    }

    /// Whether this is `other`, or the element of a list that `other` is in.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        self == other || other.0.starts_with(&self.0) && self.0.last().is_some_and(|last| is_index(last))
    }

    /// Names and indexes, outermost first.
    pub(crate) fn parts(&self) -> &[String] {
        &self.0
    }

    /// The outermost name; empty for the empty path.
    pub(crate) fn first(&self) -> &str {
        self.0.first().map_or("", String::as_str)
    }

    /// The innermost name; empty for the empty path.
    pub(crate) fn last(&self) -> &str {
        self.0.last().map_or("", String::as_str)
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
            if is_index(part) {
                write!(f, "[{part}]")?;
            } else {
                write!(f, "{}{}", if index == 0 { "" } else { "." }, quoted(part))?;
            }
        }
        Ok(())
    }
}

fn is_index(part: &str) -> bool {
    part.bytes().all(|b| b.is_ascii_digit())
}

/// A name as TOML writes it: quoted if it is not a bare key.
pub(crate) fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        toml::Value::String(name.to_owned()).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_read_back_as_they_are_written() {
        for path in ["run.delay", "override[0].tasks", "prompt.skills[12].name"] {
            assert_eq!(KeyPath::parse(path).to_string(), path);
        }
    }

    #[test]
    fn an_element_of_a_list_covers_what_is_in_it() {
        let covers = |a: &str, b: &str| KeyPath::parse(a).covers(&KeyPath::parse(b));
        assert!(covers("run.delay", "run.delay") && covers("override[0]", "override[0].tasks"));
        assert!(!covers("backend", "backend.mine.command") && !covers("", "run.delay"));
    }

    #[test]
    fn a_path_below_a_list_knows_the_list() {
        assert_eq!(KeyPath::parse("tmux.pane[1].size").list(), Some(KeyPath::parse("tmux.pane")));
        assert_eq!(KeyPath::parse("run.delay").list(), None);
    }
}
