//! The rules of the house, held by reading the sources: who may use whom, what pure files must not touch, no circles,
//! and what names and words look like. `docs/ARCHITECTURE.md` says why.

mod arrows;
mod sources;
mod tokens;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

use regex::Regex;

use self::arrows::{Target, circles};
use self::sources::{Crate, ParsedFile, files_below, root};
use self::tokens::{TokenKind, tokens};

/// Who may use whom, by room. A room may always use itself.
const ALLOWED: &[(&str, &str)] = &[
    ("error", ""),
    ("lib", ""),
    ("main", "cli"),
    ("sys", "error"),
    ("spec", "error"),
    ("agent", "error"),
    ("config", "error sys spec agent"),
    ("plan", "error spec agent config"),
    ("state", "error sys agent config plan spec"),
    ("git", "error sys"),
    ("fleet", "error sys"),
    // of `git` only what is pure: the rule of purity holds that
    ("report", "error spec agent config plan state git"),
    ("sandbox", "error sys agent config"),
    ("store", "error sys agent config state sandbox"),
    ("tmux", "error sys agent"),
    ("project", "error sys spec config plan state sandbox store"),
    ("attempt", "error sys agent config state sandbox store git"),
    ("notify", "error sys agent config state report store"),
    (
        "run",
        "error sys spec agent config plan state fleet report sandbox store git tmux project attempt notify",
    ),
    ("view", "error sys spec agent config plan state report store git tmux project"),
    ("setup", "error sys spec agent config plan state report sandbox store git tmux project notify"),
    ("serve", "error sys agent config plan state report store git tmux project run view"),
    (
        "cli",
        "error sys spec agent config plan state fleet report sandbox store git tmux project attempt notify run view setup serve",
    ),
];

/// These touch no file, process, environment, network, thread, clock or terminal: they turn values into values.
/// Whole rooms, then the pure files of the others. A file says `//! PURE` if and only if it is listed here.
const PURE: &[&str] = &[
    "agent",
    "error",
    "fleet",
    "plan",
    "report",
    "spec",
    "state",
    "attempt::deadline",
    "attempt::result",
    "config::built_in",
    "config::changes",
    "config::check",
    "config::declare",
    "config::duration",
    "config::explain",
    "config::formats",
    "config::git_address",
    "config::json_schema",
    "config::key",
    "config::loaded",
    "config::lookup",
    "config::meaning",
    "config::pages",
    "config::path",
    "config::preset_lock",
    "config::presets",
    "config::problem",
    "config::provenance",
    "config::sections",
    "config::source",
    "config::tree",
    "config::trust",
    "config::vars",
    "git::change",
    "git::path",
    "git::status",
    "notify::address",
    "notify::message",
    "project::progress",
    "run::asking",
    "run::attempt_end",
    "run::backoff",
    "run::baseline",
    "run::clock_time",
    "run::ending",
    "run::event",
    "run::following",
    "run::forecast",
    "run::holding",
    "run::limit_outcome",
    "run::limits",
    "run::machine",
    "run::moved_branch",
    "run::pace",
    "run::phase",
    "run::prompt_words",
    "run::reconfigured",
    "run::resume",
    "run::retry",
    "run::review",
    "run::run_result",
    "run::test_count",
    "run::verdict",
    "sandbox::bwrap",
    "sandbox::engine",
    "sandbox::environment",
    "sandbox::mounts",
    "sandbox::used",
    "sandbox::wrap",
    "serve::access",
    "serve::act",
    "serve::address",
    "serve::form",
    "serve::headers",
    "serve::pages",
    "serve::qr",
    "serve::rate",
    "serve::response",
    "serve::tile",
    "setup::draft",
    "setup::findings",
    "setup::project_facts",
    "store::attempt_dir",
    "store::attempt_file",
    "store::attempt_result",
    "store::expiry",
    "store::python_state",
    "store::schema1",
    "store::state_file",
    "sys::digest",
    "sys::interrupt",
    "tmux::command_line",
    "tmux::failure",
    "tmux::parse",
    "tmux::session",
    "tmux::status_line",
    "tmux::window_commands",
];

/// Paths of other crates, or ends of paths, that reach outside.
const IMPURE_PATHS: &[&str] = &[
    "std::fs",
    "std::process",
    "std::env",
    "std::net::TcpListener",
    "std::net::TcpStream",
    "std::net::ToSocketAddrs",
    "std::net::UdpSocket",
    "std::os::unix::net",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
    "anstream",
    "crossterm",
    "duct",
    "hyper",
    "hyper_util",
    "ratatui::crossterm",
    "rustix",
    "signal_hook",
    "tempfile",
    "terminal_size",
    "tokio",
];
const IMPURE_CALLS: &[&str] = &["Timestamp::now", "Zoned::now", "TimeZone::system"];
const IMPURE_MACROS: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];
/// Methods of `Path` that ask the file system.
const IMPURE_METHODS: &[&str] = &["canonicalize", "exists", "try_exists", "read_dir", "symlink_metadata"];

/// Lines of a file before its tests.
const LONGEST_FILE: usize = 400;
/// Characters of a test's name.
const LONGEST_TEST_NAME: usize = 70;

/// Names that say nothing when they stand alone.
const BARE_NAMES: &[&str] = &["Found", "Item", "Kind", "Mark", "Record", "Row", "Verdict", "What"];

/// Folders, and the ends of the names of their files.
const FOLDERS_WITH_WORDS: &[(&str, &str)] = &[
    ("src", "rs"),
    ("src", "toml"),
    ("src", "j2"),
    ("src", "md"),
    ("docs", "md"),
    ("tests", "rs"),
    ("benches", "rs"),
];

const FILES_WITH_WORDS: &[&str] = &[
    "README.md",
    "seqorch.toml.example",
    "CHANGELOG.md",
    "Cargo.toml",
    ".github/CONTRIBUTING.md",
    ".ci/run",
    ".ci/agents",
    ".ci/deny",
    ".ci/macos",
];

/// Words that the plain ones replaced (`docs/ARCHITECTURE.md`, "Words").
const BANNED: &[&str] = &[
    "told",
    "tell",
    "tells",
    "telling",
    "nobody",
    "mend",
    "mends",
    "mended",
    "mending",
    "owe",
    "owes",
    "owed",
    "owing",
    "goes on",
    "go on with",
    "failed for good",
    "work off",
    "works off",
    "worked off",
    "working off",
    "whoever",
    "furnish",
];
/// Where a banned word may stay: the file, and what its line has.
const MAY_SAY: &[(&str, &str)] = &[
    // a key that older state files have
    ("src/state/attempt.rs", "alias = \"goes_on\""),
    // a tab and `old.rs`
    ("tests/commits.rs", "\\told.rs"),
    // the list itself
    ("tests/layout.rs", ""),
    // examples of the style before and after
    (".github/CONTRIBUTING.md", "` | `"),
];

static SOURCES: LazyLock<Crate> = LazyLock::new(Crate::read);

fn within(module: &str, prefix: &str) -> bool {
    module == prefix || module.strip_prefix(prefix).is_some_and(|rest| rest.starts_with("::"))
}

fn is_pure(module: &str) -> bool {
    PURE.iter().any(|p| within(module, p))
}

fn file_at(path: &str) -> &'static ParsedFile {
    SOURCES.files.iter().find(|f| f.file.path == path).unwrap()
}

fn nothing(wrong: &[String], rule: &str) {
    assert!(wrong.is_empty(), "{rule} ({} times):\n{}\n", wrong.len(), wrong.join("\n"));
}

#[test]
fn rooms_use_only_the_rooms_below_them() {
    for (at, (room, uses)) in ALLOWED.iter().enumerate().filter(|(_, (room, _))| *room != "main") {
        let earlier = |name: &str| ALLOWED[..at].iter().any(|(room, _)| *room == name);
        assert!(uses.split_whitespace().all(earlier), "{room} may use a room that comes after it");
    }
    let mut wrong = Vec::new();
    for arrow in SOURCES.arrows() {
        let (from, to) = (file_at(&arrow.from).file.room(), file_at(&arrow.to).file.room());
        let allowed = ALLOWED.iter().find(|(room, _)| *room == from);
        let allowed =
            allowed.unwrap_or_else(|| panic!("{}: the room {from} is not in ALLOWED", arrow.from)).1;
        if from != to && !allowed.split(' ').any(|room| room == to) {
            wrong.push(format!(
                "{}:{}: {from} uses {to}: {} of {}",
                arrow.from, arrow.line, arrow.name, arrow.to
            ));
        }
    }
    nothing(&wrong, "arrows that go up");
}

/// What cannot be resolved would not be judged.
/// The page names the rooms that a room uses one by one, or as all above it but some.
#[test]
fn the_table_of_rooms_in_the_docs_is_the_one_that_is_held() {
    let page = fs::read_to_string(root().join("docs/ARCHITECTURE.md")).unwrap();
    let row = Regex::new(r"(?m)^\| `(\w+)` \|.*\|(?: yes| in part|) \| ([^|]*) \|$").unwrap();
    let mut above: BTreeSet<String> = BTreeSet::new();
    for (_, [room, uses]) in row.captures_iter(&page).map(|row| row.extract()) {
        let names = |text: &str| -> BTreeSet<String> {
            let words = text.replace("pure values of", "").replace([',', '-'], " ");
            words.split_whitespace().map(str::to_owned).collect()
        };
        let said = match uses.strip_prefix("all") {
            Some(rest) => &above - &names(rest.trim_start_matches(" above").trim_start_matches(" but")),
            None => names(uses),
        };
        let (_, held) = ALLOWED.iter().find(|(known, _)| *known == room).expect(room);
        assert_eq!(said, names(held), "the row of {room}");
        above.insert(room.to_owned());
    }
    let rooms = ALLOWED.iter().filter(|(room, _)| !["lib", "main"].contains(room)).count();
    assert_eq!(above.len(), rooms, "rooms of the table");
}

#[test]
fn every_path_of_this_crate_leads_to_a_file() {
    let all = SOURCES.files.iter().flat_map(|f| f.paths.iter().map(|used| (&f.file.path, used)));
    let lost = all.filter(|(_, used)| SOURCES.resolve(used).is_empty());
    let wrong: Vec<_> =
        lost.map(|(path, u)| format!("{path}:{}: {}", u.line, u.segments.join("::"))).collect();
    nothing(&wrong, "paths that lead nowhere");
}

#[test]
fn pure_files_touch_nothing_outside() {
    let mut wrong = Vec::new();
    for parsed in SOURCES.files.iter().filter(|f| is_pure(&f.file.module)) {
        let path = &parsed.file.path;
        for used in &parsed.paths {
            for target in SOURCES.resolve(used) {
                let Target::External(segments) = target else { continue };
                let full = segments.join("::");
                let reaches = IMPURE_PATHS.iter().any(|p| within(&full, p));
                if reaches || IMPURE_CALLS.iter().any(|c| full.ends_with(c)) {
                    wrong.push(format!("{path}:{}: {full}", used.line));
                }
            }
        }
        let macros = parsed.macros.iter().filter(|(name, _)| IMPURE_MACROS.contains(&name.as_str()));
        wrong.extend(macros.map(|(name, line)| format!("{path}:{line}: {name}!")));
        let methods = parsed.methods.iter().filter(|(name, _)| IMPURE_METHODS.contains(&name.as_str()));
        wrong.extend(methods.map(|(name, line)| format!("{path}:{line}: .{name}()")));
    }
    nothing(&wrong, "a pure file is not");
}

#[test]
fn pure_files_use_only_pure_files() {
    let pure = |path: &str| is_pure(&file_at(path).file.module);
    let arrows = SOURCES.arrows().into_iter().filter(|a| pure(&a.from) && !pure(&a.to));
    let wrong: Vec<_> = arrows.map(|a| format!("{}:{}: {} of {}", a.from, a.line, a.name, a.to)).collect();
    nothing(&wrong, "a pure file uses one that is not");
}

#[test]
fn files_that_say_they_are_pure_are_those_that_are_listed() {
    let mut wrong = Vec::new();
    for file in SOURCES.files.iter().map(|f| &f.file) {
        let says = file.text.starts_with("//! PURE");
        let in_pure_room =
            PURE.iter().any(|p| file.module.starts_with(&format!("{p}::")) || file.module == "error");
        if says != is_pure(&file.module) && !in_pure_room {
            wrong.push(format!(
                "{}: {}",
                file.path,
                if says { "not listed" } else { "listed, but does not say so" }
            ));
        }
    }
    let gone = PURE.iter().filter(|p| !SOURCES.files.iter().any(|f| within(&f.file.module, p)));
    wrong.extend(gone.map(|p| format!("{p}: listed, but there is no such file")));
    nothing(&wrong, "the list of pure files and their first lines differ");
}

#[test]
fn only_the_tmux_room_runs_tmux() {
    let verbs = ["new-session", "new-window", "respawn-window", "kill-server"];
    for file in SOURCES.files.iter().map(|f| &f.file).filter(|f| f.room() != "tmux") {
        for token in tokens(&file.text).iter().filter(|t| t.kind == TokenKind::Text) {
            let runs = verbs.iter().any(|v| token.text.contains(v));
            assert!(!runs, "{}:{} runs tmux", file.path, token.line);
        }
    }
}

#[test]
fn git_and_tmux_are_started_in_one_file_each() {
    for (room, starter) in [("git", "src/git/call.rs"), ("tmux", "src/tmux/server.rs")] {
        let starts = |parsed: &&ParsedFile| {
            let targets = parsed.paths.iter().flat_map(|used| SOURCES.resolve(used));
            let mut external = targets.filter_map(|target| match target {
                Target::External(segments) => Some(segments.join("::")),
                _ => None,
            });
            external.any(|path| within(&path, "duct") || within(&path, "std::process::Command"))
        };
        let files = SOURCES.files.iter().filter(|f| f.file.room() == room);
        let found: Vec<_> = files.filter(starts).map(|f| f.file.path.as_str()).collect();
        assert_eq!(found, [starter], "{room} is started elsewhere, too");
    }
}

#[test]
fn files_form_no_circle() {
    let mut wrong: Vec<_> = circles(&SOURCES.arrows())
        .iter()
        .map(|circle| {
            let start = circle[0].from.clone();
            circle.iter().fold(start, |text, a| format!("{text} -> {} ({})", a.to, a.name))
        })
        .collect();
    wrong.sort();
    nothing(&wrong, "circles of files");
}

#[test]
fn a_mod_rs_holds_only_modules_and_re_exports() {
    let mods = SOURCES.files.iter().filter(|f| f.file.path.ends_with("/mod.rs") && f.items > 0);
    let wrong: Vec<_> = mods.map(|f| format!("{}: {} items", f.file.path, f.items)).collect();
    nothing(&wrong, "code in mod.rs");
}

#[test]
fn no_file_is_longer_than_can_be_read_at_once() {
    let long = SOURCES.files.iter().filter(|f| f.length > LONGEST_FILE);
    let wrong: Vec<_> =
        long.map(|f| format!("{}: {} lines before its tests", f.file.path, f.length)).collect();
    nothing(&wrong, "files that are too long");
}

#[test]
fn names_of_tests_are_short() {
    let mut wrong = Vec::new();
    for file in files_below("src", "rs").iter().chain(&files_below("tests", "rs")) {
        let code: Vec<_> = tokens(&file.text).into_iter().filter(|t| t.kind != TokenKind::Comment).collect();
        for (at, token) in code.iter().enumerate().filter(|(_, t)| t.is("test")) {
            let attribute = at > 1 && code[at - 1].is("[") && code[at - 2].is("#") && code[at + 1].is("]");
            let name = code[at..].iter().skip_while(|t| !t.is("fn")).nth(1).filter(|_| attribute);
            if let Some(name) = name.filter(|n| n.text.chars().count() > LONGEST_TEST_NAME) {
                wrong.push(format!("{}:{}: {} ({})", file.path, token.line, name.text, name.text.len()));
            }
        }
    }
    nothing(&wrong, "names of tests that are too long");
}

#[test]
fn a_type_name_has_one_meaning_and_says_it() {
    let mut wrong = Vec::new();
    let mut homes: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for parsed in &SOURCES.files {
        for named in &parsed.types {
            let place = format!("{}:{}", parsed.file.path, named.line);
            if BARE_NAMES.contains(&named.name.as_str()) {
                wrong.push(format!("{place}: {} alone says nothing", named.name));
            }
            if named.public {
                homes.entry(&named.name).or_default().push(place);
            }
        }
    }
    let twice = homes.iter().filter(|(_, places)| places.len() > 1);
    wrong.extend(twice.map(|(name, places)| format!("{name}: {}", places.join(", "))));
    nothing(&wrong, "names of types");
}

#[test]
fn the_banned_words_stay_out() {
    assert_eq!(banned("is not foretold; he TOLD"), Some("told"));
    assert_eq!(banned("is_owed"), Some("owed"));
    assert_eq!(banned("isOwed goesOn"), Some("owed"));
    assert_eq!(banned("it goes\n    // on"), Some("goes on"));
    let mut wrong = Vec::new();
    let mut unused = BTreeSet::from_iter(MAY_SAY);
    let mut check = |path: &str, line: usize, text: &str| {
        let Some(word) = banned(text) else { return };
        match MAY_SAY.iter().find(|(p, says)| *p == path && text.contains(says)) {
            Some(exception) => _ = unused.remove(exception),
            None => wrong
                .push(format!("{path}:{line}: {word}: {}", text.lines().next().unwrap_or_default().trim())),
        }
    };
    for (folder, extension) in FOLDERS_WITH_WORDS.iter().copied() {
        if root().join(folder).is_dir() {
            for file in files_below(folder, extension) {
                file.text.lines().enumerate().for_each(|(i, line)| check(&file.path, i + 1, line));
            }
        }
    }
    for path in FILES_WITH_WORDS.iter().copied() {
        let text = fs::read_to_string(root().join(path)).unwrap_or_default();
        let released = text.lines().position(|l| path == "CHANGELOG.md" && l.starts_with("## [0"));
        let lines = text.lines().take(released.unwrap_or(usize::MAX));
        lines.enumerate().for_each(|(i, line)| check(path, i + 1, line));
    }
    wrong.extend(unused.iter().map(|(path, says)| format!("{path}: no line needs the exception {says:?}")));
    nothing(&wrong, "banned words");
}

fn any_banned_word() -> &'static Regex {
    static ANY: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(&format!(" (?:{}) ", BANNED.join("|"))).unwrap());
    &ANY
}

/// The first banned word of a text. `is_owed` and `isOwed` are words, too.
fn banned(text: &str) -> Option<&'static str> {
    let mut words = String::from(" ");
    let mut lower = false;
    for c in text.chars() {
        if c.is_uppercase() && lower {
            words.push(' ');
        }
        lower = c.is_lowercase();
        let between = !c.is_alphanumeric();
        if !(between && words.ends_with(' ')) {
            words.extend(if between { ' ' } else { c }.to_lowercase());
        }
    }
    words.push(' ');
    let found = any_banned_word().find(&words)?.as_str().trim();
    BANNED.iter().find(|word| **word == found).copied()
}
