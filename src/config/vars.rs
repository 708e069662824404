//! PURE. Settings from the environment and from flags, as sources.

use super::check::{self, Problem};
use super::schema::{self, Found, Kind, Node};
use super::source::{Layer, Source};
use super::tree::{Item, KeyPath, Value};

/// A flag that sets a key: its path, its value, and the flag as typed.
pub type Flag = (String, toml::Value, String);

/// The variables that set keys. `backends` are the names known so far: a variable cannot spell `my-tool`.
pub(crate) fn from_env(
    env: &[(String, String)],
    backends: &[String],
    problems: &mut Vec<Problem>,
) -> Vec<Source> {
    let mut sources = Vec::new();
    // the Python tool's switch; our own name for it wins
    if env.iter().any(|(name, value)| name == "CODEAGENT_NO_TMUX" && !matches!(value.as_str(), "" | "0")) {
        let off = toml::Value::from("off");
        sources.push(one(
            Layer::Environment,
            "CODEAGENT_NO_TMUX",
            &KeyPath::parse("tmux.mode"),
            &off,
            problems,
        ));
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
        sources.push(one(Layer::Environment, name, &path, &value, problems));
    }
    sources
}

/// The flags that set keys.
pub(crate) fn from_flags(flags: &[Flag], problems: &mut Vec<Problem>) -> Vec<Source> {
    let one = |(key, value, flag): &Flag| one(Layer::Flag, flag, &KeyPath::parse(key), value, problems);
    flags.iter().map(one).collect()
}

fn one(
    layer: Layer,
    label: &str,
    path: &KeyPath,
    value: &toml::Value,
    problems: &mut Vec<Problem>,
) -> Source {
    let item = match value {
        toml::Value::String(text) => Item { line: None, value: typed(path, text) },
        other => Item::from_toml(other),
    };
    let tree = check::check(&item.at(path), schema::SETTINGS, &|_| label.to_owned(), problems);
    Source { layer, label: label.to_owned(), file: None, tree }
}

/// `RUN__DELAY` → `run.delay`; names of variables keep their case.
fn path(rest: &str, backends: &[String]) -> KeyPath {
    let mut parts: Vec<String> = Vec::new();
    let mut left = rest;
    while !left.is_empty() {
        if parts.len() == 3 && parts[0] == "backend" && parts[2] == "env" {
            parts.push(left.to_owned());
            break;
        }
        let (part, next) = left.split_once("__").unwrap_or((left, ""));
        let mut part = part.to_lowercase();
        if parts.len() == 1 && parts[0] == "backend" {
            let same = |name: &&String| name.to_lowercase().replace('-', "_") == part;
            if let Some(name) = backends.iter().find(same) {
                part.clone_from(name);
            }
        }
        parts.push(part);
        left = next;
    }
    KeyPath::from(parts)
}

/// The text as a value of the type that the key wants; a text where it does not fit, so that the check can say so.
fn typed(path: &KeyPath, text: &str) -> Value {
    let plain = Value::Text(text.to_owned());
    let Some(Found::Entry(entry)) = schema::find(path) else { return plain };
    match entry.node {
        Node::Leaf(Kind::Bool) => text.trim().parse().map_or(plain, Value::Bool),
        Node::Leaf(Kind::Count | Kind::Whole | Kind::Percent) => {
            text.trim().parse().map_or(plain, Value::Int)
        }
        Node::Leaf(Kind::Amount) => text.trim().parse().map_or(plain, Value::Float),
        Node::Leaf(Kind::Texts | Kind::Globs | Kind::Commands | Kind::Durations) | Node::List(_) => {
            text.trim().parse::<toml::Value>().map_or(plain, |value| Item::from_toml(&value).value)
        }
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(vars: &[(&str, &str)]) -> (Vec<Source>, Vec<String>) {
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
    fn a_variable_sets_its_key_with_the_type_the_key_wants() {
        assert_eq!(value(&[("SEQORCH_RUN__DELAY", "30")], "run.delay"), "\"30\"");
        assert_eq!(value(&[("SEQORCH_RUN__MAX_ITERATIONS", "7")], "run.max_iterations"), "7");
        assert_eq!(value(&[("SEQORCH_TMUX__MAIN", "false")], "tmux.main"), "false");
        assert_eq!(value(&[("SEQORCH_PROMPT__RULES", "[\"a\", \"b\"]")], "prompt.rules"), "[\"a\", \"b\"]");
        assert_eq!(value(&[("SEQORCH_BACKEND__CLAUDE__MODEL", "4")], "backend.claude.model"), "\"4\"");
    }

    #[test]
    fn a_variable_reaches_a_backend_that_it_cannot_spell() {
        assert_eq!(value(&[("SEQORCH_BACKEND__MY_TOOL__COMMAND", "x")], "backend.my-tool.command"), "\"x\"");
        assert_eq!(value(&[("SEQORCH_BACKEND__NEW__ENV__A__B", "x")], "backend.new.env.A__B"), "\"x\"");
    }

    #[test]
    fn names_without_two_underscores_are_not_configuration() {
        let (sources, problems) = env(&[("SEQORCH_SPEC", "x"), ("SEQORCH_DIR", "y"), ("OTHER__X", "z")]);
        assert!(sources.is_empty() && problems.is_empty());
    }

    #[test]
    fn an_unknown_variable_is_an_error_that_names_it() {
        let (_, problems) = env(&[("SEQORCH_RUN__DEALY", "1"), ("SEQORCH_TMUX__MAIN", "maybe")]);
        assert_eq!(
            problems,
            [
                "SEQORCH_RUN__DEALY: run.dealy: unknown key; did you mean \"run.delay\"?",
                "SEQORCH_TMUX__MAIN: tmux.main: \"maybe\" is no switch; write true or false",
            ]
        );
    }

    #[test]
    fn the_old_switch_turns_tmux_off() {
        assert_eq!(value(&[("CODEAGENT_NO_TMUX", "1")], "tmux.mode"), "\"off\"");
        for no in ["", "0"] {
            assert!(env(&[("CODEAGENT_NO_TMUX", no)]).0.is_empty());
        }
    }
}
