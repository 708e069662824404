//! PURE. The formats that values of many keys have: texts, numbers, lists, patterns, programs, names of backends.
//!
//! A unit struct here is a format for a key whose type alone does not say what may be written: `u32 as Count`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use globset::Glob;
use regex::Regex as Expression;
use serde_json::json;

use super::key::{ConfigTable, ConfigType, KeyShape, ValueError, ValueFormat, read_element};
use super::problem::did_you_mean;
use super::tree::{TomlNode, TomlValue};

const IN_QUOTES: &str = "write it in quotes";

pub(super) fn because(text: impl Into<String>) -> ValueError {
    ValueError::Because(text.into())
}

/// The sentence about a value that is none of `words`.
pub(super) fn not_one_of(node: &TomlNode, words: &[&str]) -> ValueError {
    let near = node.text().map(|text| did_you_mean(text, words.iter().copied())).unwrap_or_default();
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    because(format!("{node} is not one of {}{near}", words.join(", ")))
}

/// A text that is not empty.
impl ConfigType for String {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "string", "pattern": "\\S" }),
        ..ValueFormat::of::<Self>("text", IN_QUOTES)
    });
    const ABSENT: Option<fn() -> Self> = Some(Self::new);

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        match node.text() {
            Some(text) if text.trim().is_empty() => Err(because("must not be empty")),
            Some(text) => Ok(text.to_owned()),
            None => Err(ValueError::Form),
        }
    }
}

/// A text that stands behind an option of a program, and must not be taken for another option.
pub(super) struct OptionValue;

impl ConfigType for OptionValue {
    type Value = String;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "string", "pattern": "^\\s*[^-\\s]" }),
        ..ValueFormat::of::<Self>("text", IN_QUOTES)
    });

    fn read(node: &TomlNode) -> Result<String, ValueError> {
        let text = String::read(node)?;
        if text.trim_start().starts_with('-') {
            return Err(because(format!("{node} begins with -, so the agent would take it for an option")));
        }
        Ok(text)
    }
}

/// The address of a page or of a server of the web.
pub(super) struct WebAddress;

impl ConfigType for WebAddress {
    type Value = String;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "string", "pattern": "^https?://[^/\\s]\\S*$" }),
        ..ValueFormat::of::<Self>("web address", "write it like \"https://example.com/path\"")
    });

    fn read(node: &TomlNode) -> Result<String, ValueError> {
        let text = String::read(node)?;
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let has_host = rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'));
        if !has_host || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(because(format!(
                "{node} is not a web address; write it like \"https://example.com/path\""
            )));
        }
        Ok(text)
    }
}

/// Any text, also an empty one.
pub(super) struct AnyText;

impl ConfigType for AnyText {
    type Value = String;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat::of::<Self>("text", IN_QUOTES));

    fn read(node: &TomlNode) -> Result<String, ValueError> {
        node.text().map(str::to_owned).ok_or(ValueError::Form)
    }
}

/// A path that is not empty.
impl ConfigType for PathBuf {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "string", "pattern": "\\S" }),
        ..ValueFormat::of::<Self>("path", IN_QUOTES)
    });
    const ABSENT: Option<fn() -> Self> = Some(Self::new);

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        String::read(node).map(Self::from)
    }
}

/// `true` or `false`.
impl ConfigType for bool {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "boolean" }),
        ..ValueFormat::of::<Self>("switch", "write true or false")
    });

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        match node.value {
            TomlValue::Bool(yes) => Ok(yes),
            _ => Err(ValueError::Form),
        }
    }
}

fn number(node: &TomlNode, least: u32) -> Result<u32, ValueError> {
    let TomlValue::Int(number) = node.value else { return Err(ValueError::Form) };
    match u32::try_from(number) {
        Ok(number) if number >= least => Ok(number),
        Err(_) if number > 0 => {
            Err(because(format!("{node} is out of range; it must be {} or less", u32::MAX)))
        }
        _ => Err(because(format!("{node} is out of range; it must be {least} or more"))),
    }
}

/// A whole number from 1.
pub(super) struct Count;

impl ConfigType for Count {
    type Value = u32;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "integer", "minimum": 1, "maximum": u32::MAX }),
        ..ValueFormat::of::<Self>("positive number", "write a whole number, 1 or more, without quotes")
    });

    fn read(node: &TomlNode) -> Result<u32, ValueError> {
        number(node, 1)
    }
}

/// A whole number from 0.
pub(super) struct CountOrZero;

impl ConfigType for CountOrZero {
    type Value = u32;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
        ..ValueFormat::of::<Self>("number", "write a whole number, 0 or more, without quotes")
    });

    fn read(node: &TomlNode) -> Result<u32, ValueError> {
        number(node, 0)
    }
}

/// A list of texts.
impl ConfigType for Vec<String> {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "array", "items": { "type": "string" } }),
        ..ValueFormat::of::<Self>("list of texts", "write it like [\"one\", \"two\"]")
    });
    const ABSENT: Option<fn() -> Self> = Some(Self::new);

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        node.list().ok_or(ValueError::Form)?.iter().map(read_element::<AnyText>).collect()
    }
}

/// A list of globs, which match ids of tasks or paths.
pub(super) struct Globs;

impl ConfigType for Globs {
    type Value = Vec<String>;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "array", "items": { "type": "string" } }),
        ..ValueFormat::of::<Self>("list of globs", "write it like [\"3\", \"4.*\"]")
    });
    const ABSENT: Option<fn() -> Vec<String>> = Some(Vec::new);

    fn read(node: &TomlNode) -> Result<Vec<String>, ValueError> {
        let texts = Vec::<String>::read(node)?;
        for text in &texts {
            Glob::new(text)
                .map_err(|error| because(format!("{text:?} is not a valid glob: {}", error.kind())))?;
        }
        Ok(texts)
    }
}

/// A regular expression.
pub(super) struct Regex;

impl ConfigType for Regex {
    type Value = String;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat::of::<Self>("regular expression", IN_QUOTES));
    const ABSENT: Option<fn() -> String> = Some(String::new);

    fn read(node: &TomlNode) -> Result<String, ValueError> {
        let text = node.text().ok_or(ValueError::Form)?;
        Expression::new(text).map_err(|error| {
            let error = error.to_string();
            let why = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            because(format!("{node} is not a valid regular expression: {why}"))
        })?;
        Ok(text.to_owned())
    }
}

/// A program with arguments.
pub(super) struct Command;

impl ConfigType for Command {
    type Value = Vec<String>;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 }),
        ..ValueFormat::of::<Self>("command", "write it like [\"git\", \"status\"]")
    });
    const ABSENT: Option<fn() -> Vec<String>> = Some(Vec::new);

    fn read(node: &TomlNode) -> Result<Vec<String>, ValueError> {
        match node.list().ok_or(ValueError::Form)?.first().map(TomlNode::text) {
            Some(Some(program)) if program.trim().is_empty() => Err(no_program(node)),
            None => Err(no_program(node)),
            _ => Vec::<String>::read(node),
        }
    }
}

fn no_program(node: &TomlNode) -> ValueError {
    because(format!("{node} names no program; write it like [\"git\", \"status\"]"))
}

/// A program with arguments that is called for an event, or an empty list for none.
pub(super) struct HookCommand;

impl ConfigType for HookCommand {
    type Value = Vec<String>;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || json!({ "type": "array", "items": { "type": "string" } }),
        ..ValueFormat::of::<Self>("hook command", "write it like [\"notify\", \"--now\"], or [] for none")
    });

    fn read(node: &TomlNode) -> Result<Vec<String>, ValueError> {
        if node.list().is_some_and(<[_]>::is_empty) { Ok(Vec::new()) } else { Command::read(node) }
    }
}

/// A list of programs with arguments.
impl ConfigType for Vec<Vec<String>> {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        schema: || {
            let command = json!({ "type": "array", "items": { "type": "string" }, "minItems": 1 });
            json!({ "type": "array", "items": command })
        },
        ..ValueFormat::of::<Self>("list of commands", "write it like [[\"cargo\", \"test\"]]")
    });

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        let commands = node.list().ok_or(ValueError::Form)?.iter().map(|inner| {
            let why = || {
                because(format!(
                    "{inner} is not a command; the list holds commands, like [[\"cargo\", \"test\"]]"
                ))
            };
            Command::read(inner).map_err(|_| why())
        });
        commands.collect()
    }
}

/// The name of a backend that exists.
pub(super) struct BackendName;

impl ConfigType for BackendName {
    type Value = String;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        names_backend: true,
        schema: || json!({ "type": "string", "pattern": "\\S" }),
        ..ValueFormat::of::<Self>("backend", IN_QUOTES)
    });
    const ABSENT: Option<fn() -> String> = Some(String::new);

    fn read(node: &TomlNode) -> Result<String, ValueError> {
        String::read(node)
    }
}

/// Names of backends that exist.
pub(super) struct BackendNames;

impl ConfigType for BackendNames {
    type Value = Vec<String>;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        names_backend: true,
        schema: || json!({ "type": "array", "items": { "type": "string" } }),
        ..ValueFormat::of::<Self>("list of backends", "write it like [\"claude\", \"codex\"]")
    });

    fn read(node: &TomlNode) -> Result<Vec<String>, ValueError> {
        Vec::<String>::read(node)
    }
}

/// A value that may be left out.
impl<T: ConfigType> ConfigType for Option<T> {
    type Value = Option<T::Value>;
    const SHAPE: KeyShape = T::SHAPE;
    const ABSENT: Option<fn() -> Self::Value> = Some(|| None);

    fn read(node: &TomlNode) -> Result<Self::Value, ValueError> {
        T::read(node).map(Some)
    }
}

/// A list of tables: `[[override]]`.
impl<T: ConfigTable> ConfigType for Vec<T> {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::List(T::TABLE);
    const ABSENT: Option<fn() -> Self> = Some(Self::new);

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        Ok(node.list().ok_or(ValueError::Form)?.iter().map(T::from_table).collect())
    }
}

/// Tables with free names: `[backend.NAME]`.
impl<T: ConfigTable> ConfigType for BTreeMap<String, T> {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Named(T::TABLE);
    const ABSENT: Option<fn() -> Self> = Some(Self::new);

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        let tables = node.table().ok_or(ValueError::Form)?.iter();
        Ok(tables.map(|(name, table)| (name.clone(), T::from_table(table))).collect())
    }
}

fn texts(node: &TomlNode) -> Result<BTreeMap<String, String>, ValueError> {
    let entries = node.table().ok_or(ValueError::Form)?.iter();
    entries.map(|(name, inner)| Ok((name.clone(), AnyText::read(inner)?))).collect()
}

/// Environment variables. A value may be a secret, so no message shows one.
pub(super) struct Variables;

impl ConfigType for Variables {
    type Value = BTreeMap<String, String>;
    const SHAPE: KeyShape = KeyShape::Map(ValueFormat {
        check: |node| {
            let why = || because("the value of a variable must be a text, in quotes");
            node.text().map(drop).ok_or_else(why)
        },
        ..ValueFormat::of::<AnyText>("text", IN_QUOTES)
    });
    const ABSENT: Option<fn() -> Self::Value> = Some(BTreeMap::new);

    fn read(node: &TomlNode) -> Result<Self::Value, ValueError> {
        texts(node)
    }
}

/// Backends by the name of their owner.
pub(super) struct BackendByOwner;

impl ConfigType for BackendByOwner {
    type Value = BTreeMap<String, String>;
    const SHAPE: KeyShape = KeyShape::Map(ValueFormat {
        names_backend: true,
        ..ValueFormat::of::<BackendName>("backend", IN_QUOTES)
    });
    const ABSENT: Option<fn() -> Self::Value> = Some(BTreeMap::new);

    fn read(node: &TomlNode) -> Result<Self::Value, ValueError> {
        texts(node)
    }
}
