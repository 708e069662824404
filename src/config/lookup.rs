//! PURE. Finds keys by their paths, and the key that a user may have meant.

use super::key::{ConfigKey, KeyShape, ValueFormat};
use super::path::KeyPath;
use super::problem::nearest;
use super::sections::root::{ROOT, SETTINGS};

/// What is at a path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum KeyAt {
    /// A declared key.
    Key(&'static ConfigKey),
    /// A table with a free name (`backend.claude`), or an element of a list of tables.
    Table(&'static ConfigKey),
    /// A value with a free name (`backend.claude.env.PATH`).
    Entry(&'static ConfigKey, ValueFormat),
}

/// The key at `path`.
pub(crate) fn find(path: &KeyPath) -> Option<KeyAt> {
    let mut keys = ROOT;
    let mut parts = path.parts().iter().peekable();
    loop {
        let name = parts.next()?;
        let key = keys.iter().find(|key| key.name == name)?;
        if parts.peek().is_none() {
            return Some(KeyAt::Key(key));
        }
        match key.shape {
            KeyShape::Value(_) => return None,
            KeyShape::Table(_) => {}
            KeyShape::Map(format) => {
                parts.next();
                return parts.next().is_none().then_some(KeyAt::Entry(key, format));
            }
            // without a number, a key of all elements is meant
            KeyShape::List(_) if parts.peek().is_some_and(|part| !is_number(part)) => {}
            KeyShape::List(_) | KeyShape::Named(_) => {
                parts.next();
                if parts.peek().is_none() {
                    return Some(KeyAt::Table(key));
                }
            }
        }
        keys = key.shape.keys();
    }
}

fn is_number(part: &str) -> bool {
    part.bytes().all(|byte| byte.is_ascii_digit())
}

/// Every key that holds a value, with `NAME` for free names.
pub(crate) fn leaves() -> Vec<(String, &'static ConfigKey)> {
    fn walk(prefix: &str, keys: &'static [ConfigKey], all: &mut Vec<(String, &'static ConfigKey)>) {
        for key in keys {
            let path = format!("{prefix}{}", key.name);
            match key.shape {
                KeyShape::Value(_) | KeyShape::Map(_) => all.push((path, key)),
                KeyShape::Table(table) | KeyShape::List(table) => walk(&format!("{path}."), table.keys, all),
                KeyShape::Named(table) => walk(&format!("{path}.NAME."), table.keys, all),
            }
        }
    }
    let mut all = Vec::new();
    walk("", SETTINGS, &mut all);
    all
}

/// Whether a key belongs to the tables of a list, with or without the number of one.
pub(crate) fn is_in_list(path: &KeyPath) -> bool {
    let parts = path.parts();
    (1..parts.len()).any(|length| {
        let outer = find(&KeyPath::from(parts[..length].to_vec()));
        matches!(outer, Some(KeyAt::Key(key)) if matches!(key.shape, KeyShape::List(_)))
    })
}

/// Sections and keys with what they mean, as `config explain` takes them. The free name of a backend is each of `backends`;
/// other free names are left out.
#[must_use]
pub fn keys_for_people(backends: &[String]) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for (path, key) in leaves() {
        let words = match key.shape {
            KeyShape::Value(format) if !format.words.is_empty() => format!("{}: ", format.words.join(", ")),
            _ => String::new(),
        };
        let about = format!("{words}{}", key.doc().split(". ").next().unwrap_or_default());
        let section = path.split('.').next().unwrap_or_default();
        if !all.iter().any(|(known, _)| known == section) {
            all.push((section.to_owned(), "a section".to_owned()));
        }
        match path.strip_prefix("backend.NAME.") {
            Some(last) => all
                .extend(backends.iter().map(|backend| (format!("backend.{backend}.{last}"), about.clone()))),
            None if path.contains(".NAME.") => {}
            None if path != section => all.push((path, about)),
            None => {}
        }
    }
    all
}

/// The setting that is called `name` in whatever section, the first of several.
pub(crate) fn called(name: &str) -> Option<String> {
    let all = leaves();
    let found = all.iter().find(|(path, _)| path.rsplit('.').next() == Some(name));
    found.map(|(path, _)| path.clone())
}

/// The sentence about a key that does not exist. `keys` are those that exist in its table, at `at`.
pub(crate) fn unknown(name: &str, keys: &[ConfigKey], at: &KeyPath) -> String {
    if let Some(near) = nearest(name, keys.iter().map(|key| key.name)) {
        return format!("unknown key; did you mean {:?}?", at.join(near).to_string());
    }
    if let Some(path) = called(name) {
        return format!("unknown key; did you mean {path:?}?");
    }
    let all = leaves();
    let path = at.join(name).to_string();
    if let Some(near) = nearest(&path, all.iter().map(|(known, _)| known.as_str())) {
        return format!("unknown key; did you mean {near:?}?");
    }
    let known: Vec<&str> = keys.iter().map(|key| key.name).collect();
    format!("unknown key; known here: {}", known.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_keys_through_free_names_and_lists() {
        for path in [
            "run.delay",
            "backend.mine.args",
            "override[1].timeout.idle",
            "override.timeout.idle",
            "override.tasks",
            "profile.night.run.delay",
            "extends",
        ] {
            assert!(matches!(find(&KeyPath::parse(path)), Some(KeyAt::Key(_))), "{path}");
        }
        for path in ["backend.mine", "override[1]"] {
            assert!(matches!(find(&KeyPath::parse(path)), Some(KeyAt::Table(_))), "{path}");
        }
        for path in ["backend.mine.env.HOME", "assign.owners.me"] {
            assert!(matches!(find(&KeyPath::parse(path)), Some(KeyAt::Entry(..))), "{path}");
        }
        for path in
            ["", "run.dealy", "run.delay.x", "backend.mine.colour", "verify.command", "override.bogus"]
        {
            assert!(find(&KeyPath::parse(path)).is_none(), "{path}");
        }
    }

    #[test]
    fn every_key_has_a_meaning_and_a_valid_example() {
        for (path, key) in leaves() {
            assert!(key.doc().ends_with('.'), "{path}: {}", key.doc());
            let (KeyShape::Value(format) | KeyShape::Map(format)) = key.shape else { unreachable!() };
            for value in [key.default_value(), key.example()].into_iter().flatten() {
                let values = match (&key.shape, value.table()) {
                    (KeyShape::Map(_), Some(table)) => table.values().cloned().collect(),
                    _ => vec![value],
                };
                for value in values {
                    assert_eq!((format.check)(&value), Ok(()), "{path} = {value}");
                }
            }
        }
    }

    #[test]
    fn the_defaults_of_every_table_can_be_read() {
        // a wrong default panics
        let config = crate::config::Config::default();
        assert_eq!(config.run.delay.as_secs(), 15);
        assert_eq!(crate::config::Backend::default().permission.name(), "auto");
        assert_eq!(crate::config::Pane::default().side.name(), "right");
        assert!(crate::config::ExtraWindow::default().name.is_empty());
        assert!(crate::config::AssignRule::default().tasks.is_empty());
        assert!(crate::config::Skill::default().name.is_empty());
        assert!(crate::config::Override::default().timeout.task.is_none());
        assert_eq!(crate::config::LimitPattern::default().reset, crate::agent::limit::ResetRule::Usual);
    }
}
