//! The map of the crate, held by reading its sources: who may use whom, what pure modules must not touch, and how
//! long a file may be.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Who may use whom, by module: the longest prefix of a module's path decides. `*` is everything.
const ALLOWED: &[(&str, &str)] = &[
    ("cli", "*"),
    ("main", "cli"),
    ("lib", ""),
    ("error", ""),
    ("sys", "error"),
    ("agent", ""),
    ("spec", "error"),
    ("config", "error"),
    ("plan", "config spec error"),
    // `record` holds words that both sides of the window exchange; it is pure
    ("attempt", "agent sys error config"),
    ("attempt::record", "agent::event config"),
    ("attempt::deadline", ""),
    ("tmux", "agent error sys"),
    ("tmux::parse", ""),
    ("tmux::line", ""),
    ("tmux::look", ""),
    ("git", "error sys"),
    ("state", "agent::event agent::limit error sys attempt::record"),
    ("state::model", "agent::event attempt::record"),
    ("state::outcome", "agent::limit attempt::record"),
    ("state::limited", "agent::limit"),
    ("state::spent", "agent::event attempt::record"),
    (
        "report",
        "agent config engine::decide engine::timeline engine::End git::Change plan spec state::AttemptRecord state::Changes state::Ended state::Limited \
         state::Outcome state::Reason state::SpecState state::Spent state::UnitStatus state::who",
    ),
    ("watch", "agent attempt::record config engine::launch engine::place error plan report spec state sys"),
    // a commit that is owed is told in the same words everywhere
    ("setup", "agent config engine error git plan report::owed report::text spec state sys tmux"),
    // the machine takes a signal's meaning as a value; the type is all of `sys` that it sees
    ("engine::decide", "attempt::record config plan spec state sys::signals"),
    ("engine::verdict", "agent::Verdict attempt::record config state"),
    ("engine::pacing", "config"),
    ("engine::limits", "agent attempt::record config state"),
    ("engine::limiting", "agent config plan state"),
    ("engine::pace", "agent config plan state"),
    ("engine::timeline", "agent config plan state"),
    ("engine::retrying", "attempt::record config plan state"),
    ("engine::tests_run", "agent"),
    ("engine::ending", "plan sys::signals"),
    ("engine", "agent attempt config error git plan report spec state sys tmux"),
];

/// No file, process, environment, network, thread, clock or terminal in these.
const PURE: &[&str] = &[
    "agent",
    "spec",
    "plan",
    "report",
    "config::backend",
    "config::check",
    "config::explain",
    "config::hooks",
    "config::json_schema",
    "config::limit",
    "config::presets",
    "config::raw",
    "config::resolve",
    "config::schema",
    "config::source",
    "config::tmux",
    "config::tree",
    "config::types",
    "config::vars",
    "engine::decide",
    "engine::verdict",
    "engine::pacing",
    "engine::limits",
    "engine::limiting",
    "engine::pace",
    "engine::timeline",
    "engine::retrying",
    "engine::ending",
    "engine::tests_run",
    "state::answers",
    "state::expiry",
    "state::model",
    "state::outcome",
    "state::limited",
    "state::progress",
    "state::python",
    "state::spent",
    "engine::event",
    "attempt::record",
    "attempt::deadline",
    "sys::digest",
    "tmux::parse",
    "tmux::line",
    "tmux::look",
    "setup::draft",
    "setup::findings",
];

const IMPURE: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env",
    "std::net",
    "std::os::unix::net",
    "std::thread",
    "Instant",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "println!",
    "print!(",
    "eprint!(",
    "io::stdout",
    "io::stderr",
    "rustix",
    "duct",
];

/// Lines of a file before its tests.
const LONGEST: usize = 400;

struct Source {
    /// `engine::decide`
    module: String,
    path: PathBuf,
    /// Its lines before its tests, comments left out.
    lines: Vec<(usize, String)>,
    length: usize,
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut open = vec![src.clone()];
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                // a folder of tests only
                if path.file_name().is_none_or(|n| n != "tests") {
                    open.push(path);
                }
                continue;
            }
            let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
            let of_tests = stem.ends_with("_tests") || stem == "tests" || stem == "testing";
            if path.extension().is_none_or(|e| e != "rs") || of_tests {
                continue;
            }
            let relative = path.strip_prefix(&src).unwrap().with_extension("");
            let mut parts: Vec<_> =
                relative.iter().map(|p| p.to_string_lossy().into_owned()).filter(|p| p != "mod").collect();
            if parts.is_empty() {
                parts.push("lib".into());
            }
            let text = fs::read_to_string(&path).unwrap();
            let all: Vec<&str> = text.lines().collect();
            // a module of tests ends a file; a `#[cfg(test)]` on anything else is skipped with its line
            let length = all
                .iter()
                .enumerate()
                .position(|(i, l)| *l == "#[cfg(test)]" && is_inline_tests(all.get(i + 1).copied()))
                .unwrap_or(all.len());
            let mut lines = Vec::new();
            let mut skip = false;
            for (i, line) in all[..length].iter().enumerate() {
                if line.trim() == "#[cfg(test)]" {
                    skip = true;
                    continue;
                }
                let was = std::mem::take(&mut skip);
                if !was && !line.trim_start().starts_with("//") {
                    lines.push((i + 1, (*line).to_owned()));
                }
            }
            found.push(Source { module: parts.join("::"), path, lines, length });
        }
    }
    assert!(found.len() > 40, "the sources were not found");
    found
}

fn is_inline_tests(line: Option<&str>) -> bool {
    line.is_some_and(|l| l.trim_start().starts_with("mod ") && l.trim_end().ends_with('{'))
}

fn within(module: &str, prefix: &str) -> bool {
    module == prefix || module.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::"))
}

/// The paths behind each `crate::` in a file, braces opened: `crate::a::{b, c::d}` is `a::b` and `a::c::d`.
fn used(source: &Source) -> BTreeSet<(usize, String)> {
    let mut found = BTreeSet::new();
    for (at, (number, line)) in source.lines.iter().enumerate() {
        let mut rest = line.as_str();
        while let Some(start) = rest.find("crate::") {
            let before = rest[..start].chars().next_back();
            rest = &rest[start + "crate::".len()..];
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '$') {
                continue;
            }
            let mut text = rest.to_owned();
            let opens = |t: &str| t.matches('{').count() > t.matches('}').count();
            for (_, more) in source.lines[at + 1..].iter().take_while(|_| line.trim_start().contains("use "))
            {
                if !opens(&text) {
                    break;
                }
                text.push_str(more.trim());
            }
            for path in open_braces(&text) {
                found.insert((*number, path));
            }
        }
    }
    found
}

fn open_braces(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(text.len());
    let head = &text[..end];
    let Some(inside) = text[end..].strip_prefix('{').filter(|_| head.ends_with("::")) else {
        return vec![head.trim_end_matches(':').to_owned()];
    };
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in inside.chars() {
        match c {
            '}' if depth == 0 => break,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    let parts = parts.iter().map(|p| p.trim()).filter(|p| !p.is_empty());
    parts
        .flat_map(|part| match part {
            "self" => vec![head.trim_end_matches("::").to_owned()],
            part => open_braces(part).into_iter().map(|p| format!("{head}{p}")).collect(),
        })
        .collect()
}

#[test]
fn imports_go_in_the_allowed_directions_only() {
    assert_eq!(open_braces("a::{b, c::{self, d}};"), ["a::b", "a::c", "a::c::d"]);
    let mut wrong = Vec::new();
    for source in sources() {
        let rule = ALLOWED
            .iter()
            .filter(|(prefix, _)| within(&source.module, prefix))
            .max_by_key(|(prefix, _)| prefix.len());
        let Some((prefix, allowed)) = rule else {
            wrong.push(format!("{}: no rule says what it may use", source.path.display()));
            continue;
        };
        let own = source.module.split("::").next().unwrap();
        for (line, target) in used(&source) {
            let itself = within(&target, own) && *prefix == own;
            let granted = *allowed == "*"
                || itself
                || within(&target, prefix)
                || allowed.split_whitespace().any(|a| within(&target, a));
            if !granted {
                wrong.push(format!("{}:{line}: {prefix} uses crate::{target}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "edges that the design does not have:\n{}", wrong.join("\n"));
}

#[test]
fn pure_modules_touch_nothing_outside() {
    let mut wrong = Vec::new();
    for source in sources() {
        if !PURE.iter().any(|p| within(&source.module, p)) {
            continue;
        }
        for (number, line) in &source.lines {
            // an import with braces hides the module's name from a plain search
            let plain = line.trim_start();
            let hidden = plain.starts_with("use std::{")
                && ["fs", "process", "env", "net", "thread"].iter().any(|m| plain.contains(m));
            let code = line.split("//").next().unwrap_or_default();
            for word in IMPURE.iter().filter(|w| code.contains(**w)) {
                wrong.push(format!("{}:{number}: {word}", source.path.display()));
            }
            if hidden {
                wrong.push(format!("{}:{number}: {plain}", source.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "a pure module is not:\n{}", wrong.join("\n"));
}

#[test]
fn files_that_say_they_are_pure_are_held_to_it() {
    let mut wrong = Vec::new();
    for source in sources() {
        let text = fs::read_to_string(&source.path).unwrap();
        let listed = PURE.iter().any(|p| within(&source.module, p));
        if text.starts_with("//! PURE") && !listed {
            wrong.push(source.module);
        }
    }
    assert!(wrong.is_empty(), "add to PURE: {wrong:?}");
}

#[test]
fn only_the_tmux_module_runs_tmux() {
    for source in sources() {
        let code: String = source.lines.iter().map(|(_, l)| l.as_str()).collect::<Vec<_>>().join("\n");
        let runs =
            ["new-session", "new-window", "respawn-window", "kill-server"].iter().any(|v| code.contains(v));
        assert!(!runs || within(&source.module, "tmux"), "{} runs tmux", source.module);
    }
}

#[test]
fn no_file_is_longer_than_can_be_read_at_once() {
    let long = sources().into_iter().filter(|source| source.length > LONGEST);
    let wrong: Vec<_> =
        long.map(|s| format!("{}: {} lines before its tests", s.path.display(), s.length)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
