//! PURE. Holds one source against the schema: every unknown key and every wrong value, not only the first.
//!
//! What is wrong is reported and left out, so that one mistake does not cause a second message further on.

use std::collections::BTreeMap;
use std::time::Duration;

use globset::Glob;

use super::limit;
use super::schema::{self, Entry, Kind, Node};
use super::tmux;
use super::tree::{Item, KeyPath, Value};

/// One mistake, and where it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// `seqorch.toml:4`, `SEQORCH_RUN__DELAY`, `--delay`; empty where it has no place.
    pub(crate) place: String,
    /// The key; empty where none is concerned.
    pub(crate) key: KeyPath,
    /// A fragment without a full stop.
    pub(crate) text: String,
}

impl Problem {
    /// One line (or a block) for the user.
    pub(crate) fn render(&self) -> String {
        let mut line = String::new();
        for part in [&self.place, &self.key.to_string()] {
            if !part.is_empty() {
                line.push_str(part);
                line.push_str(": ");
            }
        }
        line + &self.text
    }
}

/// Says where a line of the source is.
pub(crate) type Place<'a> = &'a dyn Fn(Option<usize>) -> String;

/// Returns what is right of `tree`, with durations as texts, and reports the rest.
pub(crate) fn check(
    tree: &Item,
    keys: &'static [Entry],
    place: Place<'_>,
    problems: &mut Vec<Problem>,
) -> Item {
    let mut check = Check { place, found: Vec::new() };
    let good = check.table(tree, keys, &KeyPath::default()).unwrap_or_else(Item::empty);
    check.found.sort_by_key(|(line, _)| *line);
    problems.extend(check.found.into_iter().map(|(_, problem)| problem));
    good
}

struct Check<'a> {
    place: Place<'a>,
    found: Vec<(Option<usize>, Problem)>,
}

impl Check<'_> {
    fn report(&mut self, item: &Item, key: &KeyPath, text: String) {
        let problem = Problem { place: (self.place)(item.line), key: key.clone(), text };
        self.found.push((item.line, problem));
    }

    fn table(&mut self, item: &Item, keys: &'static [Entry], at: &KeyPath) -> Option<Item> {
        let Value::Table(table) = &item.value else {
            self.report(item, at, format!("{item} is no table; its keys go below it"));
            return None;
        };
        let mut kept = BTreeMap::new();
        for (name, inner) in table {
            let name = if tmux::is_list_of_windows(at, name, inner) { "windows" } else { name };
            let path = at.join(name);
            if kept.contains_key(name) {
                self.report(inner, &path, "[[tmux.window]] says the same; write one of the two".to_owned());
                continue;
            }
            if let Some(entry) = keys.iter().find(|entry| entry.name == name) {
                if let Some(good) = self.node(inner, entry.node, &path) {
                    kept.insert(name.to_owned(), good);
                }
            } else {
                let text = unknown(name, keys, at);
                self.report(inner, &path, text);
            }
        }
        Some(Item { line: item.line, value: Value::Table(kept) })
    }

    fn node(&mut self, item: &Item, node: Node, at: &KeyPath) -> Option<Item> {
        match node {
            Node::Leaf(kind) => match value(kind, item) {
                Ok(good) => Some(Item { line: item.line, value: good }),
                Err(text) => {
                    self.report(item, at, text);
                    None
                }
            },
            Node::Table(keys) => self.table(item, keys, at),
            Node::Named(keys) => self.named(item, at, |check, inner, path| {
                let name = path.parts().last().map_or("", String::as_str);
                if is_name(name) {
                    return check.table(inner, keys, path);
                }
                check.report(inner, at, format!("{name:?} is no name; use letters, digits, - and _"));
                None
            }),
            Node::Variables => self.named(item, at, |check, inner, path| {
                if matches!(inner.value, Value::Text(_)) {
                    return Some(inner.clone());
                }
                // not the value: it may be a secret
                check.report(inner, path, "the value of a variable is a text, in quotes".to_owned());
                None
            }),
            Node::List(keys) => self.list(item, keys, at),
        }
    }

    fn named(
        &mut self,
        item: &Item,
        at: &KeyPath,
        mut each: impl FnMut(&mut Self, &Item, &KeyPath) -> Option<Item>,
    ) -> Option<Item> {
        let Value::Table(table) = &item.value else {
            self.report(item, at, "this is a table, a name and what belongs to it".to_owned());
            return None;
        };
        let mut kept = BTreeMap::new();
        for (name, inner) in table {
            if let Some(good) = each(self, inner, &at.join(name)) {
                kept.insert(name.clone(), good);
            }
        }
        Some(Item { line: item.line, value: Value::Table(kept) })
    }

    fn list(&mut self, item: &Item, keys: &'static [Entry], at: &KeyPath) -> Option<Item> {
        let Value::List(items) = &item.value else {
            self.report(item, at, format!("this is a list of tables; write [[{at}]]"));
            return None;
        };
        let mut kept = Vec::new();
        for (index, inner) in items.iter().enumerate() {
            let path = at.join(index.to_string());
            let mut good = self.table(inner, keys, &path).unwrap_or_else(Item::empty);
            for entry in keys.iter().filter(|entry| entry.required) {
                if matches!(inner.value, Value::Table(_)) && inner.names().all(|name| name != entry.name) {
                    self.report(inner, &path.join(entry.name), "is missing".to_owned());
                }
                // what is missing or wrong leaves a blank, so that the rest can still be looked at
                if let Value::Table(table) = &mut good.value {
                    let blank = match entry.node {
                        Node::Leaf(Kind::Texts | Kind::Globs | Kind::Command) => Value::List(Vec::new()),
                        _ => Value::Text(String::new()),
                    };
                    table.entry(entry.name.to_owned()).or_insert(Item { line: inner.line, value: blank });
                }
            }
            kept.push(good);
        }
        Some(Item { line: item.line, value: Value::List(kept) })
    }
}

/// The sentence about a key that is none.
pub(crate) fn unknown(name: &str, keys: &[Entry], at: &KeyPath) -> String {
    if let Some(near) = schema::nearest(name, keys.iter().map(|entry| entry.name)) {
        return format!("unknown key; did you mean {:?}?", at.join(near).to_string());
    }
    let all = schema::leaves();
    let path = at.join(name).to_string();
    let elsewhere = |(known, _): &&(String, &Entry)| known.rsplit('.').next() == Some(name);
    if let Some((known, _)) = all.iter().find(elsewhere) {
        return format!("unknown key; did you mean {known:?}?");
    }
    if let Some(near) = schema::nearest(&path, all.iter().map(|(known, _)| known.as_str())) {
        return format!("unknown key; did you mean {near:?}?");
    }
    let known: Vec<&str> = keys.iter().map(|entry| entry.name).collect();
    format!("unknown key; known here: {}", known.join(", "))
}

/// Names of backends and profiles: what also fits into a path like `backend.NAME.args`.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

fn value(kind: Kind, item: &Item) -> Result<Value, String> {
    let value = &item.value;
    match (kind, value) {
        (Kind::Name, Value::Text(text)) if text.trim().is_empty() => Err("must not be empty".to_owned()),
        (Kind::Text | Kind::Name, Value::Text(_)) | (Kind::Bool, Value::Bool(_)) => Ok(value.clone()),
        (Kind::Count, Value::Int(number)) if (1..=i64::from(u32::MAX)).contains(number) => Ok(value.clone()),
        (Kind::Whole, Value::Int(number)) if (0..=i64::from(u32::MAX)).contains(number) => Ok(value.clone()),
        (Kind::Whole, Value::Int(_)) => Err(format!("{item} is out of range; it must be 0 or more")),
        (Kind::Regex, Value::Text(text)) => {
            regex::Regex::new(text).map_err(|error| {
                format!(
                    "{item} is no regular expression: {}",
                    error.to_string().lines().last().unwrap_or_default()
                )
            })?;
            Ok(value.clone())
        }
        (Kind::Count, Value::Int(_)) => Err(format!("{item} is out of range; it must be 1 or more")),
        (Kind::Duration, Value::Text(text)) => duration(text).map(|_| value.clone()),
        (Kind::Duration, Value::Int(seconds)) => {
            let text = if *seconds < 0 { seconds.to_string() } else { format!("{seconds}s") };
            duration(&text).map_err(|_| no_duration(&seconds.to_string())).map(|_| Value::Text(text))
        }
        (Kind::Duration, _) => Err(no_duration(&item.to_string())),
        (Kind::Choice(words), Value::Text(text)) if words.contains(&text.as_str()) => Ok(value.clone()),
        (Kind::Choice(words), _) => {
            let near = item.text().and_then(|text| schema::nearest(text, words.iter().copied()));
            let near = near.map(|word| format!("; did you mean {word:?}?")).unwrap_or_default();
            let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
            Err(format!("{item} is not one of {}{near}", words.join(", ")))
        }
        (Kind::Durations, Value::List(items)) if !items.is_empty() => {
            let each = items
                .iter()
                .map(|item| Ok(Item { line: item.line, value: self::value(Kind::Duration, item)? }));
            each.collect::<Result<_, String>>().map(Value::List)
        }
        (Kind::Window, Value::Text(text)) => limit::window(text).map(|_| value.clone()),
        (Kind::Budget, Value::Text(text)) => limit::budget(text).map(|_| value.clone()),
        (Kind::Amount, Value::Int(number)) if *number > 0 => Ok(value.clone()),
        (Kind::Amount, Value::Float(number)) if *number > 0.0 && number.is_finite() => Ok(value.clone()),
        (Kind::Percent, Value::Int(number)) if (1..=100).contains(number) => Ok(value.clone()),
        (Kind::Size, Value::Text(text)) => size(text).map(|_| value.clone()),
        (Kind::Commands, Value::List(items)) => {
            for item in items {
                let good = |words: &Vec<Item>| !words.is_empty() && words.iter().all(|w| w.text().is_some());
                if !matches!(&item.value, Value::List(words) if good(words)) {
                    return Err(format!(
                        "{item} is no command; the list holds lists of texts, like [[\"cargo\", \"test\"]]"
                    ));
                }
            }
            Ok(value.clone())
        }
        (Kind::Share, Value::Text(text)) => tmux::share(text).map(Value::Text),
        (Kind::Share, Value::Int(rows)) => tmux::share(&rows.to_string()).map(Value::Text),
        (Kind::Command, Value::List(items)) => match items.first().map(Item::text) {
            Some(Some(program)) if !program.trim().is_empty() => self::value(Kind::Texts, item),
            Some(None) => self::value(Kind::Texts, item),
            _ => Err(format!("{item} names no program; write it like [\"git\", \"status\"]")),
        },
        (Kind::Texts | Kind::Globs, Value::List(items)) => {
            for item in items {
                let Some(text) = item.text() else {
                    return Err(format!("{item} is no text; the list holds texts, like [\"one\", \"two\"]"));
                };
                if kind == Kind::Globs {
                    Glob::new(text).map_err(|error| format!("{item} is no glob: {}", error.kind()))?;
                }
            }
            Ok(value.clone())
        }
        _ => Err(format!("{item} is no {}", expected(kind))),
    }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Name | Kind::Choice(_) | Kind::Regex => "text; write it in quotes",
        Kind::Bool => "switch; write true or false",
        Kind::Count | Kind::Whole => "whole number",
        Kind::Duration => "duration",
        Kind::Durations => "list of durations; write it like [\"5m\", \"1h\"]",
        Kind::Window => "time of the day; write it like \"22:00-07:00\"",
        Kind::Budget => "budget; write it like \"2M per 5h\"",
        Kind::Amount => "amount; write a number above 0",
        Kind::Percent => "percentage; write a whole number from 1 to 100",
        Kind::Size => "size; write columns and rows like \"220x50\"",
        Kind::Commands => "list of commands; write it like [[\"cargo\", \"test\"]]",
        Kind::Command => "command; write it like [\"git\", \"status\"]",
        Kind::Share => "size of a pane; write a share like \"30%\", or rows like 12",
        Kind::Texts | Kind::Globs => "list of texts; write it like [\"one\", \"two\"]",
    }
}

fn no_duration(shown: &str) -> String {
    format!("{shown} is no duration; write it like \"15s\" or \"2m 30s\"")
}

/// Reads a humantime text or whole seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let bare = text.trim();
    let read = if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
        bare.parse().ok().map(Duration::from_secs)
    } else {
        humantime::parse_duration(bare).ok()
    };
    let read = read.ok_or_else(|| no_duration(&format!("{text:?}")))?;
    // adding more than that to a clock may overflow it, and nobody means it
    if read > Duration::from_secs(10 * 366 * 24 * 3600) {
        return Err(format!("{text:?} is more than ten years"));
    }
    Ok(read)
}

/// Reads `220x50`.
pub(crate) fn size(text: &str) -> Result<(u16, u16), String> {
    let read = |number: &str| number.trim().parse::<u16>().ok().filter(|number| *number > 0);
    text.split_once('x')
        .and_then(|(columns, rows)| Some((read(columns)?, read(rows)?)))
        .ok_or_else(|| format!("{text:?} is no size; write columns and rows like \"220x50\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        let place = |line: Option<usize>| format!("seqorch.toml:{}", line.unwrap_or(0));
        check(&Item::parse(text).unwrap(), schema::ROOT, &place, &mut problems);
        problems.iter().map(Problem::render).collect()
    }

    #[test]
    fn an_unknown_key_is_named_with_line_and_suggestion() {
        assert_eq!(
            problems("[run]\n\ndealy = 3\n"),
            ["seqorch.toml:3: run.dealy: unknown key; did you mean \"run.delay\"?"]
        );
        assert_eq!(
            problems("[run]\nattempts = 3\n"),
            ["seqorch.toml:2: run.attempts: unknown key; did you mean \"retry.attempts\"?"]
        );
        assert_eq!(problems("[rnu]\n"), ["seqorch.toml:1: rnu: unknown key; did you mean \"run\"?"]);
        assert_eq!(
            problems("[profile.night.done]\nzzz = 1\n"),
            ["seqorch.toml:2: profile.night.done.zzz: unknown key; known here: signal, nudges"]
        );
    }

    #[test]
    fn all_mistakes_of_a_file_are_reported_at_once() {
        let found = problems(
            "[run]\ndelay = \"15 parsecs\"\nmax_iterations = 0\ngranularity = \"units\"\ninclude_optional = \"yes\"\n\
             [tmux]\nsize = \"big\"\n[prompt]\ninputs = [\"a[\"]\nskills = [{ name = \"x\" }]\n[[override]]\nmodel = 3\n",
        );
        for expected in [
            "seqorch.toml:2: run.delay: \"15 parsecs\" is no duration; write it like \"15s\" or \"2m 30s\"",
            "seqorch.toml:3: run.max_iterations: 0 is out of range; it must be 1 or more",
            "seqorch.toml:4: run.granularity: \"units\" is not one of \"unit\", \"task\"; did you mean \"unit\"?",
            "seqorch.toml:5: run.include_optional: \"yes\" is no switch; write true or false",
            "seqorch.toml:7: tmux.size: \"big\" is no size; write columns and rows like \"220x50\"",
            "seqorch.toml:10: prompt.skills[0].when: is missing",
            "seqorch.toml:11: override[0].tasks: is missing",
            "seqorch.toml:12: override[0].model: 3 is no text; write it in quotes",
        ] {
            assert!(found.iter().any(|line| line == expected), "{expected}\nnot in {found:#?}");
        }
        assert!(
            found.iter().any(|line| line.starts_with("seqorch.toml:9: prompt.inputs: \"a[\" is no glob"))
        );
        assert_eq!(found.len(), 9);
    }

    #[test]
    fn a_duration_is_a_text_or_whole_seconds() {
        assert_eq!(duration("2m 30s"), Ok(Duration::from_secs(150)));
        assert_eq!(duration("15"), Ok(Duration::from_secs(15)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        for text in ["", "-5s", "-5", "15 parsecs", "1.5", "99999999999999999999", "1000y"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(problems("[run]\ndelay = 30\n"), [""; 0]);
        assert!(problems("[run]\ndelay = -30\n")[0].contains("-30 is no duration"));
        assert!(problems("[run]\ndelay = 1.5\n")[0].contains("1.5 is no duration"));
    }

    #[test]
    fn the_value_of_a_variable_is_never_shown() {
        let found = problems("[backend.mine.env]\nAPI_KEY = 12345\n");
        assert!(found[0].starts_with("seqorch.toml:2: backend.mine.env.API_KEY: "));
        assert!(!found[0].contains("12345"));
    }

    #[test]
    fn what_stands_beside_an_agent_is_a_program_with_arguments_and_its_place() {
        let found = problems(
            "[tmux]\nlayout = \"main-vertcal\"\nkeep = \"faild\"\n[[tmux.pane]]\ncommand = \"git diff\"\nsize = \"big\"\n\
             side = \"left\"\n[[tmux.pane]]\ncommand = []\n[[tmux.window]]\nname = \"log\"\n[[tmux.windows]]\nname = \"log\"\n",
        );
        for expected in [
            "seqorch.toml:2: tmux.layout: \"main-vertcal\" is not one of \"even-horizontal\", \"even-vertical\", \
             \"main-horizontal\", \"main-horizontal-mirrored\", \"main-vertical\", \"main-vertical-mirrored\", \
             \"tiled\"; did you mean \"main-vertical\"?",
            "seqorch.toml:3: tmux.keep: \"faild\" is not one of \"all\", \"failed\", \"none\"; did you mean \"failed\"?",
            "seqorch.toml:5: tmux.pane[0].command: \"git diff\" is no command; write it like [\"git\", \"status\"]",
            "seqorch.toml:6: tmux.pane[0].size: \"big\" is no size of a pane; write a share like \"30%\", or rows like 12",
            "seqorch.toml:7: tmux.pane[0].side: \"left\" is not one of \"right\", \"below\"",
            "seqorch.toml:9: tmux.pane[1].command: [] names no program; write it like [\"git\", \"status\"]",
            "seqorch.toml:10: tmux.windows[0].command: is missing",
            "seqorch.toml:12: tmux.windows: [[tmux.window]] says the same; write one of the two",
        ] {
            assert!(found.iter().any(|line| line == expected), "{expected}\nnot in {found:#?}");
        }
        assert_eq!(found.len(), 8, "{found:#?}");
    }

    #[test]
    fn names_fit_into_a_path() {
        assert_eq!(
            problems("[backend.\"a.b\"]\n"),
            ["seqorch.toml:1: backend: \"a.b\" is no name; use letters, digits, - and _"]
        );
        assert!(problems("[backend.my-tool_2]\n").is_empty());
    }
}
