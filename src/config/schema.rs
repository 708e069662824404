//! PURE. The one table of keys: what may be written, of which type, and what it means.
//!
//! The check of every layer, `config explain` and the test of `seqorch.toml.example` read it.

use super::backend::BACKEND;
use super::hooks::HOOKS;
use super::limit::{LIMIT, PACE};
use super::tmux::TMUX;
use super::tree::KeyPath;

/// What a key holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any text.
    Text,
    /// Text that is not empty.
    Name,
    /// `true` or `false`.
    Bool,
    /// A whole number from 1.
    Count,
    /// A whole number from 0.
    Whole,
    /// A humantime text, or whole seconds.
    Duration,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of durations, one at least.
    Durations,
    /// `FROM-UNTIL`, two times of the day.
    Window,
    /// `TOKENS per DURATION`.
    Budget,
    /// A number above 0.
    Amount,
    /// A whole number from 1 to 100.
    Percent,
    /// `WIDTHxHEIGHT`.
    Size,
    /// A list of texts.
    Texts,
    /// A list of globs.
    Globs,
    /// A regular expression.
    Regex,
    /// A list of commands, each a list of texts: program and arguments.
    Commands,
    /// A list of texts, one at least: program and arguments.
    Command,
    /// A share of a window (`30%`), or rows.
    Share,
}

/// What stands behind a name.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Node {
    /// A value.
    Leaf(Kind),
    /// A table of known keys.
    Table(&'static [Entry]),
    /// A list of such tables.
    List(&'static [Entry]),
    /// A table of such tables, named freely.
    Named(&'static [Entry]),
    /// A table of texts, named freely: environment variables.
    Variables,
}

/// A key.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) name: &'static str,
    pub(crate) node: Node,
    /// One line for `explain` and the example file.
    pub(crate) doc: &'static str,
    /// Must be given (in the tables of a list).
    pub(crate) required: bool,
}

pub(super) const fn leaf(name: &'static str, kind: Kind, doc: &'static str) -> Entry {
    Entry { name, node: Node::Leaf(kind), doc, required: false }
}

pub(super) const fn must(entry: Entry) -> Entry {
    Entry { required: true, ..entry }
}

pub(super) const fn entry(name: &'static str, node: Node, doc: &'static str) -> Entry {
    Entry { name, node, doc, required: false }
}

/// All that a file may hold.
pub(crate) const ROOT: &[Entry] = &[
    leaf("extends", Kind::Texts, "Files that this one builds on, relative to it; it wins over them."),
    RUN,
    RETRY,
    TIMEOUT,
    DONE,
    ASSIGN,
    LIMIT,
    PACE,
    PROMPT,
    TMUX,
    TASKS,
    VERIFY,
    GIT,
    HOOKS,
    LOG,
    BACKEND,
    OVERRIDE,
    entry("profile", Node::Named(SETTINGS), "A named set of the settings above, chosen with --profile."),
];

/// All that a profile, a variable or a flag may set.
pub(crate) const SETTINGS: &[Entry] = &[
    RUN, RETRY, TIMEOUT, DONE, ASSIGN, LIMIT, PACE, PROMPT, TMUX, TASKS, VERIFY, GIT, HOOKS, LOG, BACKEND,
    OVERRIDE,
];

const RUN: Entry = entry(
    "run",
    Node::Table(&[
        leaf("spec_root", Kind::Name, "Folder below the project root that holds specs."),
        leaf("backend", Kind::Name, "The backend that works where nothing else is said."),
        leaf("delay", Kind::Duration, "Pause between two steps."),
        leaf("jitter", Kind::Duration, "A random share up to this is added to each delay."),
        leaf("max_iterations", Kind::Count, "How many iterations one run may take."),
        leaf("workdir", Kind::Name, "Where agents work, relative to the project root, which is the default."),
        leaf(
            "granularity",
            Kind::Choice(&["unit", "task"]),
            "One step is a top-level task (unit) or one leaf (task).",
        ),
        leaf("include_optional", Kind::Bool, "Whether optional tasks are work."),
        leaf(
            "on_failure",
            Kind::Choice(&["halt", "skip"]),
            "When a unit has used up its attempts: stop (halt), or go on with what does not need it (skip).",
        ),
    ]),
    "The loop.",
);

const RETRY_KEYS: &[Entry] = &[
    leaf("attempts", Kind::Count, "Attempts a unit may take, the first included."),
    leaf("backoff", Kind::Duration, "Pause before the second attempt; doubles with each further one."),
    leaf("max_backoff", Kind::Duration, "Upper bound of that pause."),
];

const RETRY: Entry = entry("retry", Node::Table(RETRY_KEYS), "What follows a failed attempt.");

const TIMEOUT_KEYS: &[Entry] = &[
    leaf("task", Kind::Duration, "Deadline of one attempt."),
    leaf("idle", Kind::Duration, "How long an agent may print nothing."),
    leaf("first_output", Kind::Duration, "How long an agent may take until its first output."),
    leaf("grace", Kind::Duration, "Time between asking an agent to end and killing it."),
];

const TIMEOUT: Entry =
    entry("timeout", Node::Table(TIMEOUT_KEYS), "Deadlines of an attempt; \"0s\" turns one off.");

const DONE: Entry = entry(
    "done",
    Node::Table(&[
        leaf(
            "signal",
            Kind::Choice(&["required", "optional"]),
            "Whether a step counts as done only with its signal, or with exit code 0, too (optional).",
        ),
        leaf(
            "nudges",
            Kind::Whole,
            "How often an agent that ended without a signal is asked for it, in its own session.",
        ),
    ]),
    "What counts as done.",
);

const ASSIGN: Entry = entry(
    "assign",
    Node::Table(&[
        leaf(
            "mode",
            Kind::Choice(&["auto", "agent", "rules", "off"]),
            "Who gives a task its agent: an agent (agent), the rules below (rules), nobody (off); auto: an agent if \
             assign.backend is set, else the rules.",
        ),
        leaf("backend", Kind::Name, "The backend that is asked; unset: run.backend."),
        leaf("agent", Kind::Name, "The agent of that backend (OpenCode, Claude) that is asked."),
        leaf(
            "batch",
            Kind::Choice(&["all", "one"]),
            "Whether it is asked for all open tasks in one call, or for each before its turn.",
        ),
        leaf("timeout", Kind::Duration, "Deadline of one such call."),
        entry("owners", Node::Variables, "Which backend does the work of an owner that was named."),
        entry(
            "rule",
            Node::List(&[
                leaf("tasks", Kind::Globs, "Ids or globs of the tasks that it is for."),
                leaf("match", Kind::Regex, "Or a regular expression on their titles."),
                leaf("owner", Kind::Name, "The owner they get."),
                leaf("backend", Kind::Name, "Or the backend they get."),
            ]),
            "A human's rule, which wins over the agent; a later one wins.",
        ),
    ]),
    "Which agent does which task.",
);

const PROMPT: Entry = entry(
    "prompt",
    Node::Table(&[
        leaf(
            "template",
            Kind::Name,
            "A template file, relative to the project root, in place of what `seqorch config template` prints.",
        ),
        leaf(
            "inputs",
            Kind::Globs,
            "Files or globs that the agent is told to read, added to the spec's own; looked for before each task.",
        ),
        entry(
            "skills",
            Node::List(&[
                must(leaf("name", Kind::Name, "Name of the skill.")),
                must(leaf("when", Kind::Name, "When it must be used.")),
            ]),
            "Skills that the agent must use, and when.",
        ),
        leaf("rules", Kind::Texts, "Further rules for the agent, a sentence each."),
    ]),
    "What the agent is told.",
);

const TASKS: Entry = entry(
    "tasks",
    Node::Table(&[
        leaf("trust_checkboxes", Kind::Bool, "Whether a box that was ticked before the run means done."),
        leaf(
            "tick",
            Kind::Choice(&["done", "live", "off"]),
            "When boxes in tasks.md are ticked: when done, also [-] while running (live), or never.",
        ),
        leaf(
            "dialect",
            Kind::Choice(&[
                "auto", "kiro", "cc-sdd", "spec-kit", "openspec", "headings", "table", "numbered", "plain",
            ]),
            "How tasks.md is read: auto tells by evidence in the file, or a dialect's name.",
        ),
    ]),
    "How tasks.md is read and marked.",
);

const VERIFY: Entry = entry(
    "verify",
    Node::Table(&[
        leaf(
            "commands",
            Kind::Commands,
            "Commands that must succeed after an agent said that it is done; a failure goes into its next prompt.",
        ),
        leaf("timeout", Kind::Duration, "Deadline of each of them."),
        leaf(
            "min_tests",
            Kind::Whole,
            "Tests that they must have run in all, as cargo test, pytest, go test, vitest and jest count them.",
        ),
    ]),
    "What seqorch checks itself before a task counts as done.",
);

const GIT: Entry = entry(
    "git",
    Node::Table(&[
        leaf(
            "commit",
            Kind::Choice(&["off", "step"]),
            "Whether each done step becomes one commit (step), hooks honoured, or nothing is committed.",
        ),
        leaf(
            "dirty",
            Kind::Choice(&["refuse", "allow"]),
            "With commit = \"step\" and changes in the tree: refuse to start, or leave those files out of every commit.",
        ),
        leaf(
            "message",
            Kind::Name,
            "Message of a commit; {spec}, {id}, {title}, {agent} and {attempts} are filled in.",
        ),
        leaf(
            "snapshot",
            Kind::Bool,
            "Whether the tree is kept before each step, for `seqorch undo` and the changes per task.",
        ),
    ]),
    "What is kept in git.",
);

const LOG: Entry = entry(
    "log",
    Node::Table(&[
        leaf(
            "max_mb",
            Kind::Count,
            "Megabytes kept of one attempt's output: its beginning and its end, half each.",
        ),
        leaf(
            "keep",
            Kind::Duration,
            "How long the folders of a done task's attempts are kept, those of the last run always; \"0s\": for ever.",
        ),
    ]),
    "What is kept of what agents print.",
);

const OVERRIDE: Entry = entry(
    "override",
    Node::List(&[
        must(leaf("tasks", Kind::Globs, "Ids or globs of the tasks that it is for.")),
        leaf("backend", Kind::Name, "Another backend for them."),
        leaf("model", Kind::Name, "Another model."),
        leaf("prompt", Kind::Text, "Text added to their prompt."),
        leaf("verify", Kind::Commands, "Other verify commands; an empty list: none."),
        entry("timeout", Node::Table(TIMEOUT_KEYS), "Other deadlines."),
        entry("retry", Node::Table(RETRY_KEYS), "Another retry policy."),
    ]),
    "Other settings for some tasks; a later one wins.",
);

/// What the schema has at a path.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Found {
    /// A key of the table.
    Entry(&'static Entry),
    /// A freely named table (`backend.claude`).
    Instance(&'static [Entry]),
    /// A variable of a backend (`backend.claude.env.PATH`).
    Variable,
}

/// Finds the key at `path`.
pub(crate) fn find(path: &KeyPath) -> Option<Found> {
    let mut keys = ROOT;
    let mut parts = path.parts().iter();
    loop {
        let name = parts.next()?;
        let entry = keys.iter().find(|entry| entry.name == name)?;
        keys = match entry.node {
            Node::Table(inner) => inner,
            Node::Named(inner) | Node::List(inner) => match parts.next() {
                None => return Some(Found::Entry(entry)),
                Some(_) if parts.len() == 0 => return Some(Found::Instance(inner)),
                Some(_) => {
                    keys = inner;
                    continue;
                }
            },
            Node::Variables if parts.len() == 1 => return Some(Found::Variable),
            Node::Variables | Node::Leaf(_) => &[],
        };
        if parts.len() == 0 {
            return Some(Found::Entry(entry));
        }
    }
}

/// The nearest of `known` to a word that is none of them.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(word, name), name))
        .filter(|(score, _)| *score >= 0.6)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// Every key that holds a value, `NAME` standing for free names, with its entry.
pub(crate) fn leaves() -> Vec<(String, &'static Entry)> {
    fn walk(prefix: &str, keys: &'static [Entry], all: &mut Vec<(String, &'static Entry)>) {
        for entry in keys {
            let path = format!("{prefix}{}", entry.name);
            match entry.node {
                Node::Leaf(_) | Node::Variables => all.push((path, entry)),
                // the settings of a profile are those above it
                Node::Named(_) if entry.name == "profile" => {}
                Node::Table(inner) | Node::List(inner) => walk(&format!("{path}."), inner, all),
                Node::Named(inner) => walk(&format!("{path}.NAME."), inner, all),
            }
        }
    }
    let mut all = Vec::new();
    walk("", ROOT, &mut all);
    all
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
            "profile.night.run.delay",
            "extends",
        ] {
            assert!(matches!(find(&KeyPath::parse(path)), Some(Found::Entry(_))), "{path}");
        }
        assert!(matches!(find(&KeyPath::parse("backend.mine")), Some(Found::Instance(_))));
        assert!(matches!(find(&KeyPath::parse("backend.mine.env.HOME")), Some(Found::Variable)));
        for path in ["", "run.dealy", "run.delay.x", "backend.mine.colour", "verify.command"] {
            assert!(find(&KeyPath::parse(path)).is_none(), "{path}");
        }
    }

    #[test]
    fn a_suggestion_is_near_or_missing() {
        assert_eq!(nearest("dealy", ["delay", "jitter"]), Some("delay"));
        assert_eq!(nearest("colour", ["delay", "jitter"]), None);
    }
}
