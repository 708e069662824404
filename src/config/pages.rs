//! PURE. The keys as pages for people: `seqorch.toml.example` and `docs/configuration.md`.
//!
//! Both are committed. A test compares them with what is made here; `seqorch config example` and
//! `seqorch config reference` print them again.

use std::fmt::Write as _;

use super::key::{ConfigKey, KeyShape, ValueFormat};
use super::sections::root::{EXTENDS, PROFILE, SETTINGS};

/// Columns of a comment in the example.
const WIDTH: usize = 110;

const EXAMPLE_HEAD: &str = "\
# All settings of seqorch.toml with their defaults. A line that starts with `#` and no space is a key without a default:
# it shows how to write one.
#
# A later source wins over an earlier one: built-in defaults, your ~/.config/seqorch/config.toml, the files in `extends`,
# seqorch.toml, seqorch.local.toml (not committed), the chosen profile, SEQORCH_SECTION__KEY variables, flags.
# Tables merge key by key. Lists, also [[override]], are replaced as a whole. A duration is a text like \"2m 30s\", or whole
# seconds. `seqorch config show` prints the values in force, `seqorch config explain run.delay` says why.
#
# This file is made by `seqorch config example`.
";

const EXAMPLE_PROFILE: &str = "\
#[profile.overnight.run]
#delay = \"1m\"
#on_failure = \"skip\"
";

/// The name that a table with a free name has in the example.
const EXAMPLE_NAME: &str = "mine";

/// The text of `seqorch.toml.example`.
#[must_use]
pub fn example() -> String {
    let mut text = EXAMPLE_HEAD.to_owned();
    write_example(&mut text, &EXTENDS, "\n");
    for key in SETTINGS {
        match key.shape {
            KeyShape::Table(table) => {
                write_comment(&mut text, key, "\n");
                let _ = writeln!(text, "[{}]", key.name);
                write_section(&mut text, key.name, table.keys);
            }
            KeyShape::Named(table) => {
                write_block(&mut text, key, &format!("[{}.{EXAMPLE_NAME}]", key.name), table.keys);
            }
            _ => write_block(&mut text, key, &format!("[[{}]]", key.name), key.shape.keys()),
        }
    }
    write_comment(&mut text, &PROFILE, "\n");
    text.push_str(EXAMPLE_PROFILE);
    text
}

/// The keys of a section: first its values, then its lists of tables, which have headers of their own.
fn write_section(text: &mut String, section: &str, keys: &[ConfigKey]) {
    for key in keys.iter().filter(|key| !is_block(key)) {
        write_example(text, key, "");
    }
    for key in keys.iter().filter(|key| is_block(key)) {
        write_block(text, key, &format!("[[{section}.{}]]", key.name), key.shape.keys());
    }
}

/// A list of tables that cannot be shown on one line.
fn is_block(key: &ConfigKey) -> bool {
    matches!(key.shape, KeyShape::List(_)) && key.example().is_none()
}

/// A table that no default has: only shown.
fn write_block(text: &mut String, key: &ConfigKey, header: &str, keys: &[ConfigKey]) {
    write_comment(text, key, "\n");
    let _ = writeln!(text, "#{header}");
    for key in keys {
        write_comment(text, key, "");
        if let Some(value) = key.example() {
            let _ = writeln!(text, "#{} = {value}", key.name);
        }
    }
}

fn write_example(text: &mut String, key: &ConfigKey, gap: &str) {
    write_comment(text, key, gap);
    if let Some(default) = key.default_value() {
        let _ = writeln!(text, "{} = {default}", key.name);
    } else if let Some(value) = key.example() {
        let _ = writeln!(text, "#{} = {value}", key.name);
    }
}

fn write_comment(text: &mut String, key: &ConfigKey, gap: &str) {
    text.push_str(gap);
    let mut line = String::from("#");
    for word in key.doc().split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            let _ = writeln!(text, "{line}");
            line.truncate(1);
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(text, "{line}");
}

const REFERENCE_HEAD: &str = "\
# Configuration

<!-- This page is made by `seqorch config reference`; change the keys in src/config/sections, not this file. -->

seqorch reads TOML files. All keys are optional. A later source wins over an earlier one:

1. the built-in defaults and backends
2. your own file, `$XDG_CONFIG_HOME/seqorch/config.toml` (`~/.config/seqorch/config.toml`)
3. the files that `seqorch.toml` names in `extends`
4. `seqorch.toml` in the project root, or the file that `--config` names
5. `seqorch.local.toml` in the project root, which is not committed
6. the profile that `--profile` chooses
7. variables: `SEQORCH_SECTION__KEY`, for example `SEQORCH_RUN__DELAY=30s` for `run.delay`
8. flags

Tables merge key by key. Lists, also those of tables like `[[override]]`, are replaced as a whole.

`seqorch config show` prints the values in force, and where each comes from. `seqorch config explain run.delay`
explains one key. `seqorch config example` prints a file with all keys and their defaults, and `seqorch config schema` a JSON
Schema with which editors complete and check a file.
";

/// The text of `docs/configuration.md`.
#[must_use]
pub fn reference() -> String {
    let mut text = REFERENCE_HEAD.to_owned();
    write_types(&mut text);
    let _ = writeln!(text, "\n## Layers\n");
    write_table(&mut text, &[EXTENDS]);
    let _ = writeln!(text, "\n## `[profile.NAME]`\n\n{}", PROFILE.doc());
    for key in SETTINGS {
        let header = match key.shape {
            KeyShape::Table(_) => format!("[{}]", key.name),
            KeyShape::Named(_) => format!("[{}.NAME]", key.name),
            _ => format!("[[{}]]", key.name),
        };
        let path = if matches!(key.shape, KeyShape::Named(_)) {
            format!("{}.NAME", key.name)
        } else {
            key.name.to_owned()
        };
        write_chapter(&mut text, "##", &header, &path, key);
    }
    text
}

/// A section, and below it the tables in it.
fn write_chapter(text: &mut String, level: &str, header: &str, path: &str, key: &ConfigKey) {
    let _ = writeln!(text, "\n{level} `{header}`\n\n{}\n", key.doc());
    let (values, tables): (Vec<ConfigKey>, Vec<ConfigKey>) =
        key.shape.keys().iter().partition(|key| key.shape.keys().is_empty());
    write_table(text, &values);
    for key in tables {
        let path = format!("{path}.{}", key.name);
        let header =
            if matches!(key.shape, KeyShape::List(_)) { format!("[[{path}]]") } else { format!("[{path}]") };
        write_chapter(text, "###", &header, &path, &key);
        if let Some(default) = key.default_value().filter(|_| matches!(key.shape, KeyShape::List(_))) {
            let _ = writeln!(text, "\nDefault: {}", code(&default.to_string()));
        }
    }
}

fn write_table(text: &mut String, keys: &[ConfigKey]) {
    text.push_str("| Key | Type | Default | Meaning |\n|---|---|---|---|\n");
    for key in keys {
        let (KeyShape::Value(format) | KeyShape::Map(format)) = key.shape else { continue };
        let default = match key.default_value() {
            Some(default) => code(&default.to_string()),
            None if key.required => "required".to_owned(),
            None => "unset".to_owned(),
        };
        let kind = match key.shape {
            KeyShape::Map(_) => format!("table: a {} for each name", format.name),
            _ => type_of(&format),
        };
        let flag = key.flag_name().map(|flag| format!(" Flag: `{flag}`.")).unwrap_or_default();
        let doc = format!("{}{flag}", key.doc());
        let _ = writeln!(text, "| `{}` | {} | {} | {} |", key.name, cell(&kind), cell(&default), cell(&doc));
    }
}

fn type_of(format: &ValueFormat) -> String {
    let words: Vec<String> = format.words.iter().map(|word| format!("`\"{word}\"`")).collect();
    if words.is_empty() { format.name.to_owned() } else { words.join(", ") }
}

/// Every type that a key has, once, and how it is written.
fn write_types(text: &mut String) {
    let mut seen: Vec<&str> = Vec::new();
    text.push_str("\n## Types\n\n| Type | How to write it |\n|---|---|\n");
    for (_, key) in super::lookup::leaves() {
        let (KeyShape::Value(format) | KeyShape::Map(format)) = key.shape else { continue };
        if format.words.is_empty() && !seen.contains(&format.name) {
            seen.push(format.name);
            let _ = writeln!(text, "| {} | {} |", cell(format.name), cell(format.hint));
        }
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

/// A text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// The example with the keys switched on that it only shows: lines that start with `#` and no space.
#[cfg(test)]
pub(super) fn switched_on(text: &str) -> String {
    let on = |line: &str| match line.strip_prefix('#') {
        Some(rest) if !rest.is_empty() && !rest.starts_with(' ') => format!("{rest}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(on).collect()
}

#[cfg(test)]
#[path = "pages_tests.rs"]
mod tests;
