//! PURE. Settings from the environment and from flags, as sources.
//!
//! Every key has a variable, `SEQORCH_SECTION__KEY`; a key has the flag that its declaration names.

use std::sync::Arc;

use super::check;
use super::key::KeyShape;
use super::lookup::{self, KeyAt};
use super::path::KeyPath;
use super::problem::Problem;
use super::sections::root::{PROFILE, ROOT, SETTINGS};
use super::source::{ConfigSource, Layer};
use super::tree::{TomlNode, TomlValue};

/// A setting from the command line.
#[derive(Debug, Clone, PartialEq)]
pub struct FlagSetting {
    /// The key that it sets: `run.delay`.
    pub key: String,
    /// The value; a text is read as the key wants it.
    pub value: toml::Value,
    /// The flag as it is typed: `--delay`.
    pub name: String,
    /// Whether it is an option of the last run. Those are in a file of the project: the person did not just type it.
    pub kept: bool,
}

impl FlagSetting {
    /// A flag that sets the key whose declaration names it.
    ///
    /// # Panics
    /// If no key declares the flag.
    #[must_use]
    pub fn new(name: &str, value: impl Into<toml::Value>) -> Self {
        let keys = lookup::leaves();
        let key = keys.into_iter().find(|(_, key)| key.flag_name() == Some(name));
        let (key, _) = key.unwrap_or_else(|| panic!("no key declares the flag {name}"));
        Self { key, value: value.into(), name: name.to_owned(), kept: false }
    }
}

/// The variable that sets the key at `path`: `SEQORCH_RUN__DELAY`; `None` for a key outside of a section or of the tables
/// in a list.
pub(crate) fn variable(path: &KeyPath) -> Option<String> {
    let reachable = path.parts().len() > 1 && !lookup::is_in_list(path);
    let name = || path.parts().join("__").replace('-', "_").to_uppercase();
    reachable.then(|| format!("SEQORCH_{}", name()))
}

/// The variables that set keys. `backends` are the names known so far: a variable cannot spell `my-tool`.
pub(crate) fn from_env(
    env: &[(String, String)],
    backends: &[String],
    problems: &mut Vec<Problem>,
) -> Vec<ConfigSource> {
    let mut sources = Vec::new();
    // the Python tool's switch; our own name for it wins
    if env.iter().any(|(name, value)| name == "CODEAGENT_NO_TMUX" && !matches!(value.as_str(), "" | "0")) {
        let (path, off) = (KeyPath::parse("tmux.mode"), toml::Value::from("off"));
        sources.push(source(Layer::Environment, "CODEAGENT_NO_TMUX", &path, &off, problems));
    }
    let mut named: Vec<_> = env
        .iter()
        .filter_map(|(name, value)| {
            let rest = name.strip_prefix("SEQORCH_").filter(|rest| rest.contains("__"))?;
            Some((name, rest, value))
        })
        .collect();
    named.sort();
    for (name, rest, value) in named {
        let path = path(rest, backends);
        let value = toml::Value::from(value.as_str());
        sources.push(source(Layer::Environment, name, &path, &value, problems));
    }
    sources
}

/// Variables that seqorch reads or gives to its agents, hooks and commands, and that set no key.
const OTHER: [&str; 19] = [
    "ATTEMPT",
    "COMPLETE",
    "DIR",
    "EVENT",
    "EXIT_CODE",
    "HOOK",
    "MESSAGE",
    "OUTCOME",
    "PROBE",
    "REASON",
    "ROLE",
    "ROOT",
    "SPEC",
    "SPEC_DIR",
    "TITLE",
    "TRUST",
    "UNIT",
    "UNTIL",
    "WITHOUT_PROC",
];

/// A warning for each variable of ours that sets nothing and that seqorch does not know, with what sets it instead.
pub fn unknown_variables<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let names: Vec<&str> = names.collect();
    // a hook gets the backend of its step, in a variable that would set nothing elsewhere
    let is_in_hook = names.contains(&"SEQORCH_HOOK");
    let is_known = |rest: &str| {
        rest.is_empty() || rest.contains("__") || OTHER.contains(&rest) || (is_in_hook && rest == "BACKEND")
    };
    let unknown = names.iter().filter_map(|name| {
        let rest = name.strip_prefix("SEQORCH_").filter(|rest| !is_known(rest))?;
        Some(format!("the variable {name} sets nothing; {}", instead(&rest.to_lowercase())))
    });
    let mut warnings: Vec<String> = unknown.collect();
    warnings.sort();
    warnings
}

/// What to do instead of setting a variable with this name, which is that of a section, that of a key without its section,
/// or has one underscore between the two.
fn instead(wanted: &str) -> String {
    let keys: Vec<KeyPath> = lookup::leaves().iter().map(|(key, _)| KeyPath::parse(key)).collect();
    match ROOT.iter().find(|key| key.name == wanted).map(|key| key.shape) {
        Some(KeyShape::Table(_)) => {
            let first = keys.iter().filter(|key| key.first() == wanted).find_map(variable);
            let first = first.unwrap_or_default();
            return format!("{wanted} is a section, so set a key of it, such as {first}");
        }
        Some(KeyShape::Named(_)) if wanted == PROFILE.name => {
            return "--profile NAME chooses a profile".to_owned();
        }
        Some(KeyShape::List(_) | KeyShape::Value(_)) => {
            return format!("{wanted} can be set in a file only, such as seqorch.toml");
        }
        _ => {}
    }
    let is_meant = |key: &&KeyPath| key.last() == wanted || key.parts().join("_") == wanted;
    let right: Vec<String> = keys.iter().filter(is_meant).filter_map(variable).collect();
    let Some((first, more)) = right.split_first() else {
        return "a variable that sets a key has the name of its section, too, as SEQORCH_RUN__DELAY"
            .to_owned();
    };
    let others = if more.is_empty() { String::new() } else { format!(", or {}", more.join(", ")) };
    let free = right.iter().any(|one| one.contains("__NAME__"));
    let free = if free { " (for NAME, write the name of a backend, as CLAUDE)" } else { "" };
    format!("set {first} instead{others}{free}")
}

/// The flags that set keys.
pub(crate) fn from_flags(flags: &[FlagSetting], problems: &mut Vec<Problem>) -> Vec<ConfigSource> {
    let of = |flag: &FlagSetting| {
        let made = source(Layer::Flag, &flag.name, &KeyPath::parse(&flag.key), &flag.value, problems);
        ConfigSource { own: !flag.kept, ..made }
    };
    flags.iter().map(of).collect()
}

fn source(
    layer: Layer,
    label: &str,
    path: &KeyPath,
    value: &toml::Value,
    problems: &mut Vec<Problem>,
) -> ConfigSource {
    let node = match value {
        toml::Value::String(text) => typed(path, text),
        other => TomlNode::from_toml(other),
    };
    let tree = check::check(&node.at(path), SETTINGS, &|_| label.to_owned(), problems);
    ConfigSource { layer, own: true, label: label.to_owned(), file: None, tree: Arc::new(tree) }
}

/// `RUN__DELAY` is `run.delay`; names of variables of a backend keep their case.
fn path(rest: &str, names: &[String]) -> KeyPath {
    let mut parts: Vec<String> = Vec::new();
    let mut left = rest;
    while !left.is_empty() {
        if parts.len() == 3 && parts[0] == "backend" && parts[2] == "env" {
            parts.push(left.to_owned());
            break;
        }
        let (part, next) = left.split_once("__").unwrap_or((left, ""));
        let mut part = part.to_lowercase();
        if parts.len() == 1 && matches!(parts[0].as_str(), "backend" | "account") {
            let same = |name: &&String| name.to_lowercase().replace('-', "_") == part;
            if let Some(name) = names.iter().find(same) {
                part.clone_from(name);
            }
        }
        parts.push(part);
        left = next;
    }
    KeyPath::from(parts)
}

/// The text as the key at `path` wants it: as a text if it takes this one, else as the TOML that the text is.
fn typed(path: &KeyPath, text: &str) -> TomlNode {
    let plain = TomlNode::from(TomlValue::Text(text.to_owned()));
    let takes_it = match lookup::find(path) {
        Some(KeyAt::Key(key)) => match key.shape {
            KeyShape::Value(format) => (format.check)(&plain).is_ok(),
            _ => false,
        },
        Some(KeyAt::Entry(..)) | None => true,
        Some(KeyAt::Table(_)) => false,
    };
    if takes_it { plain } else { TomlNode::parse_value(text).unwrap_or(plain) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(vars: &[(&str, &str)]) -> (Vec<ConfigSource>, Vec<String>) {
        let vars: Vec<_> =
            vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut problems = Vec::new();
        let sources = from_env(&vars, &["my-tool".to_owned()], &mut problems);
        (sources, problems.iter().map(Problem::render).collect())
    }

    fn value(vars: &[(&str, &str)], path: &str) -> String {
        let (sources, problems) = env(vars);
        assert_eq!(problems, [""; 0]);
        sources.iter().find_map(|source| source.tree.get(&KeyPath::parse(path))).unwrap().to_string()
    }

    #[test]
    fn a_variable_sets_its_key_with_the_type_of_the_key() {
        assert_eq!(value(&[("SEQORCH_RUN__DELAY", "30")], "run.delay"), "\"30\"");
        assert_eq!(value(&[("SEQORCH_RUN__MAX_ITERATIONS", "7")], "run.max_iterations"), "7");
        assert_eq!(value(&[("SEQORCH_TMUX__MAIN", "false")], "tmux.main"), "false");
        assert_eq!(value(&[("SEQORCH_PACE__MAX_COST_USD", "2")], "pace.max_cost_usd"), "2");
        assert_eq!(value(&[("SEQORCH_PROMPT__RULES", "[\"a\", \"b\"]")], "prompt.rules"), "[\"a\", \"b\"]");
        assert_eq!(value(&[("SEQORCH_BACKEND__CLAUDE__MODEL", "4")], "backend.claude.model"), "\"4\"");
        assert_eq!(value(&[("SEQORCH_ASSIGN__OWNERS", "{ a = \"b\" }")], "assign.owners.a"), "\"b\"");
        assert_eq!(value(&[("SEQORCH_ASSIGN__OWNERS__ME", "4")], "assign.owners.me"), "\"4\"");
        let list = "[{ tasks = [\"1\"], retry = { backoff = 3 } }]";
        assert_eq!(
            value(&[("SEQORCH_OVERRIDE", "x"), ("SEQORCH_OVERRIDE__", list)], "override[0].retry.backoff"),
            "\"3s\""
        );
    }

    #[test]
    fn a_variable_reaches_a_backend_that_it_cannot_spell() {
        assert_eq!(value(&[("SEQORCH_BACKEND__MY_TOOL__COMMAND", "x")], "backend.my-tool.command"), "\"x\"");
        assert_eq!(value(&[("SEQORCH_BACKEND__NEW__ENV__A__B", "x")], "backend.new.env.A__B"), "\"x\"");
    }

    #[test]
    fn the_variable_of_a_key_sets_it() {
        assert_eq!(variable(&KeyPath::parse("run.delay")).as_deref(), Some("SEQORCH_RUN__DELAY"));
        for (key, _) in lookup::leaves() {
            let key = KeyPath::parse(&key.replace("NAME", "my-tool"));
            let Some(name) = variable(&key) else {
                assert!(lookup::is_in_list(&key), "{key}");
                continue;
            };
            assert_eq!(path(&name["SEQORCH_".len()..], &["my-tool".to_owned()]), key);
        }
        for without in [
            "override",
            "override[0].model",
            "override.model",
            "assign.rule.tasks",
            "prompt.skills.name",
            "backend.mine.limit_patterns.match",
        ] {
            assert_eq!(variable(&KeyPath::parse(without)), None);
        }
    }

    #[test]
    fn names_without_two_underscores_are_not_configuration() {
        let (sources, problems) = env(&[("SEQORCH_SPEC", "x"), ("SEQORCH_DIR", "y"), ("OTHER__X", "z")]);
        assert!(sources.is_empty() && problems.is_empty());
    }

    #[test]
    fn a_variable_without_its_section_is_named_with_the_right_one() {
        let warnings = |name: &'static str| unknown_variables([name].into_iter()).join("\n");
        for name in ["SEQORCH_DELAY", "SEQORCH_RUN_DELAY", "SEQORCH_delay"] {
            let right = format!("the variable {name} sets nothing; set SEQORCH_RUN__DELAY instead");
            assert_eq!(warnings(name), right);
        }
        let several = warnings("SEQORCH_BACKEND");
        assert!(several.contains("set SEQORCH_RUN__BACKEND instead, or SEQORCH_"), "{several}");
        let named = warnings("SEQORCH_MODEL");
        assert!(named.contains("SEQORCH_BACKEND__NAME__MODEL"), "{named}");
        for other in ["SEQORCH_SPEC", "SEQORCH_TRUST", "SEQORCH_RUN__DELAY", "DELAY", "SEQORCH_"] {
            assert_eq!(warnings(other), "");
        }
        assert_eq!(unknown_variables(["SEQORCH_BACKEND", "SEQORCH_HOOK"].into_iter()), [""; 0]);
    }

    #[test]
    fn every_unknown_variable_is_named_with_what_sets_it_instead() {
        for (name, says) in [
            ("SEQORCH_PROFILE", "--profile NAME chooses a profile"),
            ("SEQORCH_EXTENDS", "extends can be set in a file only, such as seqorch.toml"),
            ("SEQORCH_OVERRIDE", "override can be set in a file only, such as seqorch.toml"),
            ("SEQORCH_RUN", "run is a section, so set a key of it, such as SEQORCH_RUN__SPEC_ROOT"),
            ("SEQORCH_VERIFY", "verify is a section, so set a key of it, such as SEQORCH_VERIFY__COMMANDS"),
            (
                "SEQORCH_ONLY",
                "a variable that sets a key has the name of its section, too, as SEQORCH_RUN__DELAY",
            ),
        ] {
            let warning = unknown_variables([name].into_iter()).join("\n");
            assert_eq!(warning, format!("the variable {name} sets nothing; {says}"));
        }
    }

    #[test]
    fn an_unknown_or_wrong_variable_is_an_error_that_names_it() {
        let (_, problems) = env(&[
            ("SEQORCH_RUN__DEALY", "1"),
            ("SEQORCH_RUN__DELAY", "-5"),
            ("SEQORCH_TMUX__MAIN", "maybe"),
            ("SEQORCH_PROMPT__RULES", "[1]"),
        ]);
        assert_eq!(
            problems,
            [
                "SEQORCH_PROMPT__RULES: prompt.rules: 1 is not a valid text; write it in quotes",
                "SEQORCH_RUN__DEALY: run.dealy: unknown key; did you mean \"run.delay\"?",
                "SEQORCH_RUN__DELAY: run.delay: -5 is not a valid duration; write it like \"15s\" or \"2m 30s\"",
                "SEQORCH_TMUX__MAIN: tmux.main: \"maybe\" is not a valid switch; write true or false",
            ]
        );
    }

    #[test]
    fn the_switch_of_the_python_tool_turns_tmux_off() {
        assert_eq!(value(&[("CODEAGENT_NO_TMUX", "1")], "tmux.mode"), "\"off\"");
        for no in ["", "0"] {
            assert!(env(&[("CODEAGENT_NO_TMUX", no)]).0.is_empty());
        }
    }

    #[test]
    fn a_flag_sets_the_key_that_declares_it() {
        assert_eq!(FlagSetting::new("--delay", "3s").key, "run.delay");
        assert_eq!(FlagSetting::new("--no-tmux", "off").key, "tmux.mode");
    }
}
