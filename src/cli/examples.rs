//! The help of every verb: what it does, how it is called, examples, its options in groups, and last the options of every verb.

use clap::Command;

/// The parts of each help, in their order.
const TEMPLATE: &str = "{about-with-newline}\n{usage-heading} {usage}\n\n{before-help}{all-args}{after-help}";

/// A verb, with its examples: a command, and what it is for.
type VerbExamples = (&'static [&'static str], &'static [(&'static str, &'static str)]);

/// The examples of each verb. `login` is a spec, and 2 a task.
const EXAMPLES: &[VerbExamples] = &[
    (
        &[],
        &[
            ("seqorch", "where things stand, and what to do next"),
            ("seqorch plan login --dry-run", "what would run"),
            ("seqorch run login", "run it"),
            ("seqorch help specs", "a page of the documentation"),
        ],
    ),
    (
        &["run"],
        &[
            ("seqorch run", "the only spec"),
            ("seqorch run login --detach", "in tmux; you can close the terminal"),
            ("seqorch run login --only 2,3-5", "only some tasks"),
            ("seqorch run login --at 23:00 --until 07:00", "in the night"),
            ("seqorch run login --retry", "continue after a failure or a question"),
            ("seqorch run TODO.md", "any file that lists tasks"),
        ],
    ),
    (
        &["plan"],
        &[
            ("seqorch plan login --dry-run", "start nothing at all"),
            ("seqorch plan login -v", "with all settings of each task"),
            ("seqorch plan login --prompt 2", "what the agent of task 2 gets"),
        ],
    ),
    (&["specs"], &[("seqorch specs", "all specs"), ("seqorch specs --json", "for programs")]),
    (
        &["status"],
        &[
            ("seqorch status", "all specs, and the one that runs or waits"),
            ("seqorch status login --watch", "live"),
            ("seqorch status login --json", "for programs"),
        ],
    ),
    (
        &["when"],
        &[("seqorch when login", "a time, now, or never"), ("seqorch when login --json", "for programs")],
    ),
    (
        &["report"],
        &[
            ("seqorch report login", "as text"),
            ("seqorch report login --open", "as a page, in your browser"),
            ("seqorch report login --html report.html", "as a page to send"),
        ],
    ),
    (
        &["attach"],
        &[
            ("seqorch attach login", "the window used last"),
            ("seqorch attach login 2", "the window of task 2"),
        ],
    ),
    (
        &["logs"],
        &[
            ("seqorch logs", "the task that runs or ran last"),
            ("seqorch logs 2 --spec login -f", "follow task 2"),
            ("seqorch logs 2 --attempt 1 --verify", "the checks after its first attempt"),
        ],
    ),
    (
        &["diff"],
        &[
            ("seqorch diff 2", "the changes of task 2"),
            ("seqorch diff 2 --spec login --stat", "only the files"),
        ],
    ),
    (
        &["serve"],
        &[
            ("seqorch serve", "all specs, for the browsers of this machine"),
            ("seqorch serve login --qr", "one spec, with a code for a phone"),
            ("seqorch serve --qr --url https://box.example", "behind a proxy or Tailscale"),
            ("seqorch serve --read-only", "only look"),
        ],
    ),
    (&["stop"], &[("seqorch stop", "after the current task"), ("seqorch stop login --now", "at once")]),
    (
        &["pause"],
        &[
            ("seqorch pause", "until resume --now"),
            ("seqorch pause login 1h", "for an hour"),
            ("seqorch resume login --now", "continue"),
        ],
    ),
    (
        &["resume"],
        &[
            ("seqorch resume login --answer 'Use Postgres.'", "answer and continue"),
            ("seqorch resume login", "write the answer in your editor"),
            ("seqorch resume login --now", "do not wait for a limit any longer"),
        ],
    ),
    (
        &["say"],
        &[
            ("seqorch say 4 'The API changed: read docs/api.md again.'", "to the agent that works on task 4"),
            ("seqorch say 4 --file hints.md", "words from a file"),
        ],
    ),
    (
        &["talk"],
        &[
            ("seqorch talk 4", "in a window of the run's tmux session"),
            ("seqorch talk 4 --here --spec login", "in this terminal"),
        ],
    ),
    (
        &["note"],
        &[
            ("seqorch note 4 'Use the red buttons of the old form.'", "for the agent of task 4"),
            ("seqorch note 4-6 --file hints.md --spec login", "for three tasks, from a file"),
        ],
    ),
    (
        &["mark"],
        &[
            ("seqorch mark 2 done", "a task that you did yourself"),
            ("seqorch mark 3-5 skip --spec login", "leave tasks out"),
            ("seqorch mark 4 --backend codex", "choose its agent"),
        ],
    ),
    (
        &["undo"],
        &[
            ("seqorch undo 2", "restore the files, commit nothing"),
            ("seqorch undo 2 --commit --spec login", "and commit the revert"),
        ],
    ),
    (
        &["export"],
        &[
            ("seqorch export login", "writes .seqorch/seqorch-login.tar.gz"),
            ("seqorch export login --output - | tar tzv", "what it would hold"),
        ],
    ),
    (&["forget"], &[("seqorch forget login", "after a question"), ("seqorch forget login --yes", "at once")]),
    (
        &["init"],
        &[("seqorch init", "a first seqorch.toml"), ("seqorch init --skill", "and a skill for agents")],
    ),
    (
        &["trust"],
        &[
            ("seqorch trust --show", "what runs programs"),
            ("seqorch trust", "trust all of it"),
            ("seqorch trust --revoke", "trust nothing any more"),
        ],
    ),
    (
        &["notify"],
        &[
            ("seqorch notify", "by every way of [notify]"),
            ("seqorch notify \"the night begins\"", "with words of yours"),
        ],
    ),
    (&["doctor"], &[("seqorch doctor", "all checks"), ("seqorch doctor --json", "for programs")]),
    (
        &["backends"],
        &[("seqorch backends", "what is installed"), ("seqorch backends --json", "for programs")],
    ),
    (
        &["config"],
        &[
            ("seqorch config show", "every value and its source"),
            ("seqorch config explain run.delay", "what a key means"),
        ],
    ),
    (
        &["config", "show"],
        &[("seqorch config show", "every value and its source"), ("seqorch config show run", "one section")],
    ),
    (
        &["config", "explain"],
        &[
            ("seqorch config explain run.delay", "a key"),
            ("seqorch config explain backend.claude", "a section"),
        ],
    ),
    (&["config", "fetch"], &[("seqorch config fetch", "then commit seqorch.lock")]),
    (&["config", "update"], &[("seqorch config update", "pin what the tags are now")]),
    (&["config", "example"], &[("seqorch config example > seqorch.toml", "all keys with their defaults")]),
    (&["config", "reference"], &[("seqorch config reference", "the page that `seqorch help config` shows")]),
    (&["config", "schema"], &[("seqorch config schema > seqorch.schema.json", "for an editor")]),
    (&["config", "template"], &[("seqorch config template > prompt.md.j2", "a copy to change")]),
    (
        &["limits"],
        &[("echo 'Try again in 5 minutes' | seqorch limits test", "a message that an agent printed")],
    ),
    (
        &["limits", "test"],
        &[(
            "echo 'Try again in 5 minutes' | seqorch limits test --backend claude --channel stderr",
            "a message on standard error",
        )],
    ),
    (
        &["completions"],
        &[
            ("seqorch completions bash > ~/.local/share/bash-completion/completions/seqorch", ""),
            ("seqorch completions zsh > \"${fpath[1]}/_seqorch\"", ""),
            ("seqorch completions fish > ~/.config/fish/completions/seqorch.fish", ""),
        ],
    ),
    (
        &["man"],
        &[
            ("seqorch man | man -l -", "read the main page"),
            ("seqorch man ~/.local/share/man", "write all pages"),
        ],
    ),
    (
        &["help"],
        &[
            ("seqorch help limits", "a page of the documentation"),
            ("seqorch help config show", "the options of a verb"),
        ],
    ),
];

/// Puts the examples into the help of each verb.
pub(super) fn with_examples(command: Command) -> Command {
    EXAMPLES.iter().fold(command, |command, (path, examples)| at(command, path, &text(examples)))
}

/// The verb at a path with its examples.
fn at(command: Command, path: &'static [&'static str], examples: &str) -> Command {
    match path.split_first() {
        None => command.before_help(examples.to_owned()).help_template(TEMPLATE),
        Some((first, rest)) => command.mut_subcommand(first, |verb| at(verb, rest, examples)),
    }
}

/// The section of the help.
fn text(examples: &[(&str, &str)]) -> String {
    /// A longer command stands alone on its line.
    const ALIGNED: usize = 48;
    let lengths = examples.iter().map(|(command, _)| command.len()).filter(|length| *length <= ALIGNED);
    let longest = lengths.max().unwrap_or(0);
    let lines = examples.iter().map(|(command, what)| match (what.is_empty(), command.len() > ALIGNED) {
        (true, _) => format!("\n  {command}"),
        (false, true) => format!("\n  {command}\n      {what}"),
        (false, false) => format!("\n  {command:longest$}  {what}"),
    });
    format!("Examples:{}", lines.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::super::command_line;
    use super::*;

    /// The names of all verbs that people see, each with those above it.
    fn verbs(command: &Command, above: &[String]) -> Vec<Vec<String>> {
        let seen = command.get_subcommands().filter(|verb| !verb.is_hide_set());
        let below = seen.flat_map(|verb| verbs(verb, &[above, &[verb.get_name().to_owned()]].concat()));
        std::iter::once(above.to_vec()).chain(below).collect()
    }

    #[test]
    fn every_verb_has_examples() {
        for verb in verbs(&command_line::command(), &[]) {
            assert!(EXAMPLES.iter().any(|(path, _)| *path == verb), "{verb:?}");
        }
    }

    #[test]
    fn every_example_is_a_command_that_is_understood() {
        for (command, _) in EXAMPLES.iter().flat_map(|(_, examples)| *examples) {
            // what a shell does before and after it
            let part = command.split(" | ").find(|part| part.starts_with("seqorch")).unwrap();
            let argv = shlex::split(part.split('>').next().unwrap()).unwrap();
            let parsed = command_line::command().try_get_matches_from(argv);
            assert!(parsed.is_ok(), "{command}: {}", parsed.unwrap_err());
        }
    }
}
