//! PURE. The merged settings for people: `config show` and `config explain`.

use std::fmt::Write as _;

use crate::agent::redact::{Redactor, looks_secret};

use super::key::{ConfigKey, KeyShape, ValueFormat};
use super::loaded::Loaded;
use super::lookup::{self, KeyAt};
use super::path::{KeyPath, quoted};
use super::provenance::Provenance;
use super::sections::root::{EXTENDS, PROFILE, ROOT, SETTINGS};
use super::source::{Layer, Origin};
use super::tree::{TomlNode, TomlValue};
use super::vars::variable;
use crate::error::{Error, ErrorKind};

/// The merged settings as TOML, each with a comment that says where it comes from.
///
/// `what` limits them to a section or a key. The values of variables that look secret are not printed.
pub fn show(loaded: &Loaded, what: Option<&str>) -> Result<String, Error> {
    let wanted = KeyPath::parse(what.unwrap_or_default());
    if let Some(what) = what
        && lookup::find(&wanted).is_none()
    {
        return Err(no_such_key(what));
    }
    let mut text = String::new();
    let mut header = String::new();
    // an element of a list shows the whole list, since a list comes from one source
    let asked = |setting: &&ShownSetting| {
        let (path, wanted) = (setting.path.parts(), wanted.parts());
        path.starts_with(wanted) || wanted.starts_with(path)
    };
    for setting in settings(&loaded.provenance).iter().filter(asked) {
        if header != setting.header && !setting.header.is_empty() {
            let gap = if text.is_empty() { "" } else { "\n" };
            header.clone_from(&setting.header);
            let _ = writeln!(text, "{gap}[{header}]");
        }
        if setting.header.is_empty() {
            write_tables(&mut text, setting, &loaded.provenance);
        } else {
            let value = shown(&setting.path, &setting.node);
            let _ = writeln!(text, "{} = {value}  # {}", setting.key, setting.origin.place);
        }
    }
    if text.is_empty() {
        let shapes_layers = [EXTENDS.name, PROFILE.name].contains(&wanted.first());
        let why = if shapes_layers {
            "is not a setting; what it sets is shown under its own key"
        } else {
            "is not set"
        };
        let _ = writeln!(text, "# {wanted} {why}");
    }
    Ok(text)
}

/// What `key` means, its value, who set it, what that overrides, and how else it can be set.
pub fn explain(loaded: &Loaded, key: &str) -> Result<String, Error> {
    let path = KeyPath::parse(key);
    let found = lookup::find(&path).ok_or_else(|| no_such_key(key))?;
    if path.first() == PROFILE.name {
        let doc = if let KeyAt::Key(key) = found { key.doc() } else { PROFILE.doc() };
        return Ok(format!("{path}\n{doc}\n\nWhat the chosen profile sets is shown under its own key.\n"));
    }
    match found {
        KeyAt::Key(key) if key.name == EXTENDS.name => {
            Ok(format!("{path}\n{}\n\n{}", key.doc(), files(loaded)))
        }
        KeyAt::Table(_) => show(loaded, Some(key)),
        KeyAt::Key(one) => match one.shape {
            KeyShape::Value(format) => Ok(explain_value(loaded, &path, one.doc(), Some(one), Some(&format))),
            KeyShape::List(_) => Ok(explain_value(loaded, &path, one.doc(), Some(one), None)),
            _ => Ok(format!("{path}\n{}\n\n{}", one.doc(), show(loaded, Some(key))?)),
        },
        KeyAt::Entry(one, format) => {
            let doc = format!("An entry of {}. {}", path.parent(), one.doc());
            Ok(explain_value(loaded, &path, &doc, None, Some(&format)))
        }
    }
}

fn explain_value(
    loaded: &Loaded,
    path: &KeyPath,
    doc: &str,
    key: Option<&ConfigKey>,
    format: Option<&ValueFormat>,
) -> String {
    let mut text = String::new();
    match loaded.provenance.current(path) {
        None => {
            let _ = writeln!(text, "{path} is not set\n{doc}\n");
        }
        Some((origin, node)) => {
            let _ = writeln!(text, "{path} = {}\n{doc}\n\nset by     {origin}", shown(path, &node));
            write_history(&mut text, &loaded.provenance, path);
        }
    }
    if let Some(format) = format {
        let _ = writeln!(text, "type       {}", type_of(format));
    }
    if let Some(variable) = key.and_then(|_| variable(path)) {
        let _ = writeln!(text, "variable   {variable}");
    }
    if let Some(flag) = key.and_then(ConfigKey::flag_name) {
        let _ = writeln!(text, "flag       {flag}");
    }
    text
}

/// The default, and what the current value overrides, highest first.
fn write_history(text: &mut String, provenance: &Provenance, path: &KeyPath) {
    let history = provenance.history(path);
    let default = history.iter().rfind(|(layer, ..)| *layer <= Layer::Preset);
    let default = default.map_or_else(|| "none".to_owned(), |(.., node)| shown(path, node));
    let _ = writeln!(text, "default    {default}");
    for (index, (_, origin, node)) in history.iter().rev().skip(1).enumerate() {
        let word = if index == 0 { "overrides" } else { "" };
        let _ = writeln!(text, "{word:<9}  {}  {origin}", shown(path, node));
    }
}

/// What may be written: `duration; write it like "15s" or "2m 30s"`, `one of "unit", "task"`.
fn type_of(format: &ValueFormat) -> String {
    if format.words.is_empty() {
        return format!("{}; {}", format.name, format.hint);
    }
    let words: Vec<String> = format.words.iter().map(|word| format!("{word:?}")).collect();
    format!("one of {}", words.join(", "))
}

fn files(loaded: &Loaded) -> String {
    let mut text = "files that were read, lowest first:\n".to_owned();
    for file in &loaded.files {
        let _ = writeln!(text, "  {}", file.display());
    }
    text
}

fn no_such_key(key: &str) -> Error {
    let path = KeyPath::parse(key);
    let mut known = ROOT;
    let mut at = KeyPath::default();
    let mut missing = key.to_owned();
    for part in path.parts() {
        let next = at.join(part);
        match lookup::find(&next) {
            Some(KeyAt::Key(key) | KeyAt::Table(key)) => known = key.shape.keys(),
            Some(KeyAt::Entry(..)) => known = &[],
            None => {
                missing.clone_from(part);
                break;
            }
        }
        at = next;
    }
    let error = Error::new(ErrorKind::Usage, format!("there is no configuration key {key:?}"));
    let unknown = lookup::unknown(&missing, known, &at);
    match unknown.split_once("did you mean ") {
        Some((_, near)) => error.hint(format!("Did you mean {near}")),
        None if known.is_empty() => error,
        None => {
            let names: Vec<&str> = known.iter().map(|key| key.name).collect();
            error.hint(format!("Known here: {}.", names.join(", ")))
        }
    }
}

/// A value with its place in the merged file.
struct ShownSetting {
    path: KeyPath,
    /// The section that it is in; empty for a list of tables outside of a section.
    header: String,
    /// The key in that section.
    key: String,
    node: TomlNode,
    origin: Origin,
}

fn settings(provenance: &Provenance) -> Vec<ShownSetting> {
    let mut all = Vec::new();
    for section in SETTINGS {
        let at = KeyPath::parse(section.name);
        match section.shape {
            KeyShape::Table(table) => add_table(&mut all, provenance, table.keys, &at, &at),
            KeyShape::Named(table) => {
                for name in provenance.names(&at) {
                    let at = at.join(&name);
                    add_table(&mut all, provenance, table.keys, &at, &at);
                }
            }
            _ => add(&mut all, provenance, at, &KeyPath::default()),
        }
    }
    all
}

fn add_table(
    all: &mut Vec<ShownSetting>,
    provenance: &Provenance,
    keys: &'static [ConfigKey],
    at: &KeyPath,
    section: &KeyPath,
) {
    for key in keys {
        let path = at.join(key.name);
        match key.shape {
            KeyShape::Table(table) => add_table(all, provenance, table.keys, &path, section),
            KeyShape::Map(_) => {
                for name in provenance.names(&path) {
                    add(all, provenance, path.join(&name), section);
                }
            }
            _ => add(all, provenance, path, section),
        }
    }
}

fn add(all: &mut Vec<ShownSetting>, provenance: &Provenance, path: KeyPath, section: &KeyPath) {
    if let Some((origin, node)) = provenance.current(&path) {
        let below = &path.parts()[section.parts().len()..];
        let key = below.iter().map(|part| quoted(part)).collect::<Vec<_>>().join(".");
        all.push(ShownSetting { path, header: section.to_string(), key, node, origin });
    }
}

/// `[[override]]`, one after another.
fn write_tables(text: &mut String, setting: &ShownSetting, provenance: &Provenance) {
    let place = |path: &KeyPath| provenance.current(path).map(|(origin, _)| origin.place).unwrap_or_default();
    for (index, element) in setting.node.list().unwrap_or_default().iter().enumerate() {
        let at = setting.path.element(index);
        let gap = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{gap}[[{}]]  # {}", setting.path, place(&at));
        for (name, node) in element.table().into_iter().flatten() {
            let _ =
                writeln!(text, "{} = {}  # {}", quoted(name), without_secrets(node), place(&at.join(name)));
        }
    }
}

/// A value for people: without what looks like a secret.
pub(super) fn shown(path: &KeyPath, node: &TomlNode) -> String {
    match path.parts() {
        [backend, _, env, name] if backend == "backend" && env == "env" && looks_secret(name) => {
            "\"***\"".to_owned()
        }
        // anyone who has the address can write to the person
        [notify, name] if notify == "notify" && ["ntfy", "webhook"].contains(&name.as_str()) => {
            let host = node.text().and_then(host_of);
            host.map_or_else(|| "\"***\"".to_owned(), |host| format!("\"{host}/***\""))
        }
        _ => without_secrets(node).to_string(),
    }
}

/// `https://host:8080` of a web address, without a user and a password.
fn host_of(address: &str) -> Option<String> {
    let (scheme, rest) = address.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next()?.rsplit('@').next()?;
    Some(format!("{scheme}://{host}"))
}

/// The value with its secrets masked; of a list, also those behind an option that names one.
fn without_secrets(node: &TomlNode) -> TomlNode {
    let redactor = Redactor::default();
    let value = match &node.value {
        TomlValue::Text(text) => TomlValue::Text(redactor.redact(text)),
        TomlValue::List(items) if items.iter().all(|item| item.text().is_some()) => {
            let argv: Vec<String> = items.iter().filter_map(TomlNode::text).map(str::to_owned).collect();
            let shown = redactor.redact_argv(&argv).into_iter();
            TomlValue::List(shown.map(|text| TomlNode::from(TomlValue::Text(text))).collect())
        }
        TomlValue::List(items) => TomlValue::List(items.iter().map(without_secrets).collect()),
        TomlValue::Table(table) => TomlValue::Table(
            table.iter().map(|(name, inner)| (name.clone(), without_secrets(inner))).collect(),
        ),
        other => other.clone(),
    };
    TomlNode { line: node.line, value }
}

#[cfg(test)]
#[path = "explain_tests.rs"]
mod tests;
