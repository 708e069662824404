//! PURE. The merged settings as a person wants to see them: `config show` and `config explain`.

use std::fmt::Write as _;

use super::check;
use super::layers::Loaded;
use super::schema::{self, Found, Node};
use super::source::{Layer, Origin, Provenance};
use super::tree::{Item, KeyPath, Value, quoted};
use crate::error::{Error, ErrorKind};

/// The merged settings as TOML, each with a comment that says where it comes from.
///
/// `what` limits them to a section or a key. The values of variables that look secret are not shown.
pub fn show(loaded: &Loaded, what: Option<&str>) -> Result<String, Error> {
    let wanted = KeyPath::parse(what.unwrap_or_default());
    if let Some(what) = what
        && schema::find(&wanted).is_none()
    {
        return Err(no_such_key(what));
    }
    let mut text = String::new();
    let mut table = String::new();
    // an element of a list shows the whole list, since lists come from one source
    let asked = |row: &&Row<'_>| {
        let (row, wanted) = (row.path.parts(), wanted.parts());
        row.starts_with(wanted) || wanted.starts_with(row)
    };
    for row in rows(&loaded.provenance).iter().filter(asked) {
        if table != row.table && !row.table.is_empty() {
            let gap = if text.is_empty() { "" } else { "\n" };
            table.clone_from(&row.table);
            let _ = writeln!(text, "{gap}[{table}]");
        }
        if let Value::List(items) = &row.item.value
            && row.table.is_empty()
        {
            tables(&mut text, &row.path, items, &row.origin);
        } else {
            let _ = writeln!(text, "{} = {}  # {}", row.key, shown(&row.path, row.item), row.origin);
        }
    }
    if text.is_empty() {
        let layering = wanted.parts().first().is_some_and(|top| top == "extends" || top == "profile");
        let why =
            if layering { "shapes the layers; what it brings shows under its own key" } else { "is not set" };
        let _ = writeln!(text, "# {wanted} {why}");
    }
    Ok(text)
}

/// What `key` means, its value, who set it, and what was overridden on the way.
pub fn explain(loaded: &Loaded, key: &str) -> Result<String, Error> {
    let path = KeyPath::parse(key);
    let profiled = path.parts().first().is_some_and(|top| top == "profile");
    let entry = match schema::find(&path) {
        None => return Err(no_such_key(key)),
        Some(Found::Instance(_)) if !profiled => return show(loaded, Some(key)),
        Some(Found::Instance(_)) => schema::ROOT.iter().find(|entry| entry.name == "profile"),
        Some(Found::Variable) => None,
        Some(Found::Entry(entry)) => Some(entry),
    };
    let of_an_agent = "A variable that the agent gets.";
    let of_owners = "The backend that does the work of this owner.";
    let owners = path.parts().first().is_some_and(|top| top == "assign");
    let doc = entry.map_or(if owners { of_owners } else { of_an_agent }, |entry| entry.doc);
    let top = path.parts().first().map_or("", String::as_str);
    match entry.map(|entry| entry.node) {
        _ if top == "extends" => return Ok(format!("extends\n{doc}\n\n{}", files(loaded))),
        _ if profiled => {
            return Ok(format!("{path}\n{doc}\n\nWhat the chosen profile sets shows under its own key.\n"));
        }
        Some(Node::Table(_) | Node::Named(_) | Node::Variables) => {
            return Ok(format!("{path}\n{doc}\n\n{}", show(loaded, Some(key))?));
        }
        _ => {}
    }
    let history = loaded.provenance.history(&path);
    let mut text = String::new();
    let Some(((origin, item), lower)) = history.split_last() else {
        let _ = writeln!(text, "{path} is not set\n{doc}");
        return Ok(text);
    };
    let _ = writeln!(text, "{path} = {}\n{doc}\n", shown(&path, item));
    let _ = writeln!(text, "set by     {} ({origin})", origin.layer);
    let default = history.iter().rfind(|(origin, _)| origin.layer <= Layer::Preset);
    let default = default.map_or_else(|| "none".to_owned(), |(_, item)| shown(&path, item));
    let _ = writeln!(text, "default    {default}");
    for (index, (origin, item)) in lower.iter().rev().enumerate() {
        let word = if index == 0 { "overrides" } else { "" };
        let _ = writeln!(text, "{word:<9}  {}  {} ({origin})", shown(&path, item), origin.layer);
    }
    Ok(text)
}

fn files(loaded: &Loaded) -> String {
    let mut text = "read, lowest first:\n".to_owned();
    for file in &loaded.files {
        let _ = writeln!(text, "  {}", file.display());
    }
    text
}

fn no_such_key(key: &str) -> Error {
    let path = KeyPath::parse(key);
    let mut known = schema::ROOT;
    let mut at = KeyPath::default();
    let mut missing = key.to_owned();
    for part in path.parts() {
        let next = at.join(part);
        match schema::find(&next) {
            Some(Found::Entry(entry)) => match entry.node {
                Node::Table(keys) | Node::Named(keys) | Node::List(keys) => known = keys,
                Node::Leaf(_) | Node::Variables => known = &[],
            },
            Some(Found::Instance(keys)) => known = keys,
            Some(Found::Variable) => {}
            None => {
                missing.clone_from(part);
                break;
            }
        }
        at = next;
    }
    let hint = check::unknown(&missing, known, &at);
    let error = Error::new(ErrorKind::Usage, format!("there is no configuration key {key:?}"));
    match hint.split_once("; ") {
        Some((_, hint)) if !hint.ends_with(": ") => {
            let mut letters = hint.chars();
            let first = letters.next().map(|c| c.to_ascii_uppercase());
            error.hint(first.into_iter().chain(letters).collect::<String>())
        }
        _ => error,
    }
}

/// A value with its place in the merged file.
struct Row<'a> {
    path: KeyPath,
    /// The header that it stands below; empty for a list of tables, which brings its own.
    table: String,
    /// The key below that header.
    key: String,
    item: &'a Item,
    origin: Origin,
}

fn rows(provenance: &Provenance) -> Vec<Row<'_>> {
    let mut rows = Vec::new();
    let mut add = |path: KeyPath, table: String, key: String| {
        if let Some((origin, item)) = provenance.current(&path) {
            rows.push(Row { path, table, key, item, origin });
        }
    };
    for section in schema::SETTINGS {
        let at = KeyPath::parse(section.name);
        match section.node {
            Node::Table(keys) => {
                for entry in keys {
                    add(at.join(entry.name), at.to_string(), entry.name.to_owned());
                }
            }
            Node::Named(keys) => {
                for name in provenance.names(&at) {
                    let at = at.join(name);
                    for entry in keys {
                        let path = at.join(entry.name);
                        if !matches!(entry.node, Node::Variables) {
                            add(path, at.to_string(), entry.name.to_owned());
                            continue;
                        }
                        for name in provenance.names(&path) {
                            add(
                                path.join(&name),
                                at.to_string(),
                                format!("{}.{}", entry.name, quoted(&name)),
                            );
                        }
                    }
                }
            }
            _ => add(at, String::new(), section.name.to_owned()),
        }
    }
    rows
}

/// `[[override]]`, one after another.
fn tables(text: &mut String, path: &KeyPath, items: &[Item], list: &Origin) {
    let origin = |item: &Item| Origin { line: list.line.and(item.line), ..list.clone() };
    for item in items {
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}[[{path}]]  # {}", origin(item));
        if let Value::Table(table) = &item.value {
            for (name, inner) in table {
                let _ = writeln!(text, "{} = {inner}  # {}", quoted(name), origin(inner));
            }
        }
    }
}

fn shown(path: &KeyPath, item: &Item) -> String {
    let secret = match path.parts() {
        [backend, _, env, name] => backend == "backend" && env == "env" && looks_secret(name),
        _ => false,
    };
    if secret { "\"***\"".to_owned() } else { item.to_string() }
}

fn looks_secret(name: &str) -> bool {
    let name = name.to_uppercase();
    ["KEY", "TOKEN", "SECRET", "PASSW", "CREDENTIAL"].iter().any(|word| name.contains(word))
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
