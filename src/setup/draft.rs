//! PURE. A first `seqorch.toml`, from what a repository tells about itself.

use std::fmt::Write as _;

use super::survey::{Agent, Survey};

/// Names of specs that are listed.
const SHOWN: usize = 5;

/// The text of the file. Only what a person may want to change soon is in it; all else stays at its default.
#[must_use]
pub fn draft(survey: &Survey, usual_root: &str, usual_backend: &str) -> String {
    let mut text = String::from(
        "# How seqorch works off this project's specs, one task at a time.\n\
         # `seqorch doctor` checks it, `seqorch plan --dry-run` shows what would run, `seqorch run SPEC` runs it.\n\
         # All keys: `seqorch config show`; what one means: `seqorch config explain run.delay`.\n\
         # For completion in an editor: `seqorch config schema > seqorch.schema.json`, and as this file's first line:\n\
         # #:schema ./seqorch.schema.json\n\n[run]\n",
    );
    specs(&mut text, survey, usual_root);
    backend(&mut text, &survey.agents, usual_backend);
    text.push_str(
        "# Pause between two tasks.\ndelay = \"15s\"\n# Attempts that one run may take in all.\nmax_iterations = 50\n",
    );
    verify(&mut text, survey);
    text.push_str(
        "\n# Every done task becomes one commit.\n#[git]\n#commit = \"step\"\n\n[timeout]\n\
         # An agent may work on one task for so long, and be silent for so long.\ntask = \"2h\"\nidle = \"30m\"\n",
    );
    permission(&mut text, survey.agents.first().map_or(usual_backend, |agent| agent.name.as_str()));
    assign(&mut text, &survey.agents);
    text
}

fn specs(text: &mut String, survey: &Survey, usual_root: &str) {
    let Some((root, names)) = survey.specs.first() else {
        text.push_str("# Where specs are: each is a folder with a tasks.md. None was found yet.\n");
        let _ = writeln!(text, "spec_root = {}", quoted(usual_root));
        return;
    };
    let mut list: Vec<String> = names.iter().take(SHOWN).map(|name| shown(name)).collect();
    if names.len() > SHOWN {
        list.push(format!("{} more", names.len() - SHOWN));
    }
    let _ = writeln!(text, "# Where specs are: {}.", list.join(", "));
    if let [_, others @ ..] = survey.specs.as_slice()
        && !others.is_empty()
    {
        let others: Vec<String> =
            others.iter().map(|(root, names)| format!("{root} ({})", names.len())).collect();
        let _ = writeln!(text, "# There are also some in {}.", others.join(", "));
    }
    let _ = writeln!(text, "spec_root = {}", quoted(root));
}

fn backend(text: &mut String, agents: &[Agent], usual: &str) {
    let Some(first) = agents.first() else {
        text.push_str(
            "# Who works. None of the built-in agents (claude, codex, gemini, opencode) is installed here;\n\
             # [backend.NAME] command = \"…\" adds one of your own.\n",
        );
        let _ = writeln!(text, "backend = {}", quoted(usual));
        return;
    };
    let list: Vec<String> = agents
        .iter()
        .map(|agent| format!("{}{}", agent.name, if agent.login { "" } else { " (no sign of a login)" }))
        .collect();
    let _ = writeln!(text, "# Who works. Installed here: {}.", list.join(", "));
    let _ = writeln!(text, "backend = {}", quoted(&first.name));
}

fn verify(text: &mut String, survey: &Survey) {
    text.push_str(
        "\n# What must succeed before a task counts as done; a failure goes into the agent's next prompt.\n",
    );
    if survey.tests.is_empty() {
        text.push_str("#[verify]\n#commands = [[\"make\", \"test\"]]\n");
        return;
    }
    let from: Vec<&str> = survey.tests.iter().map(|test| test.from).collect();
    let commands: Vec<String> = survey
        .tests
        .iter()
        .map(|test| format!("[{}]", test.argv.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(", ")))
        .collect();
    let _ = writeln!(text, "# From {}.", from.join(", "));
    let _ = writeln!(text, "[verify]\ncommands = [{}]", commands.join(", "));
    text.push_str("# Refuse a run of them that found no test at all.\n#min_tests = 1\n");
}

/// What the built-in settings let an agent do, where that may be too little for a night.
fn permission(text: &mut String, backend: &str) {
    let unasked = match backend {
        "claude" | "gemini" => {
            "It may edit files, but not run commands: allow what it needs in its own settings"
        }
        "codex" => "It may edit files and run commands in its own sandbox",
        _ => "It may do what its own settings allow",
    };
    let _ = write!(
        text,
        "\n# {unasked};\n# \"bypass\" lets it do all unasked, which belongs into a container.\n\
         #[backend.{backend}]\n#permission = \"bypass\"\n"
    );
}

/// With several agents, one may choose who does what.
fn assign(text: &mut String, agents: &[Agent]) {
    if let [first, second, ..] = agents {
        let _ = write!(
            text,
            "\n# Let an agent decide which agent does which task; rules of yours win over it.\n#[assign]\n\
             #backend = {}\n#[[assign.rule]]\n#match = \"(?i)review\"\n#backend = {}\n",
            quoted(&first.name),
            quoted(&second.name)
        );
    }
}

/// A text as TOML wants it.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A name of a file in a comment: it may hold anything.
fn shown(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config, LoadRequest};
    use crate::setup::survey::Test;

    /// The settings that a file stands for; comments that show a key are taken at their word with `open`.
    fn load(text: &str, open: bool) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(key) if open && key.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => key,
            _ => line,
        });
        let text: Vec<&str> = lines.collect();
        std::fs::write(dir.path().join("seqorch.toml"), text.join("\n")).unwrap();
        let request = LoadRequest { root: dir.path().to_owned(), ..LoadRequest::default() };
        match config::load(&request) {
            Ok(loaded) => loaded.config,
            Err(error) => panic!("{}\n{}", error.render(), text.join("\n")),
        }
    }

    fn agent(name: &str, login: bool) -> Agent {
        Agent { name: name.to_owned(), login }
    }

    #[test]
    fn what_was_seen_is_in_force_and_every_hint_is_a_valid_setting() {
        let survey = Survey {
            specs: vec![
                ("specs".to_owned(), vec!["a".to_owned(), "evil\n[run]".to_owned()]),
                (".kiro/specs".to_owned(), vec!["b".to_owned()]),
            ],
            agents: vec![agent("claude", true), agent("codex", false)],
            tests: vec![Test { argv: vec!["say".into(), "it's \"so\"".into()], from: "justfile" }],
        };
        let text = draft(&survey, ".kiro/specs", "opencode");
        let config = load(&text, false);
        assert_eq!((config.run.spec_root.to_str(), config.run.backend.as_str()), (Some("specs"), "claude"));
        assert_eq!(config.verify.commands, [["say", "it's \"so\""]]);
        assert!(text.contains("codex (no sign of a login)") && text.contains(".kiro/specs (1)"), "{text}");
        let open = load(&text, true);
        assert_eq!(open.git.commit, config::Commit::Step);
        assert_eq!((open.verify.min_tests, open.assign.rules.len()), (1, 1));
        assert!(open.backends["claude"].permission_args.iter().any(|arg| arg.contains("skip-permissions")));
    }

    #[test]
    fn an_empty_repository_gets_the_defaults() {
        let text = draft(&Survey::default(), ".kiro/specs", "opencode");
        let none = config::load(&LoadRequest { root: "/nowhere".into(), ..LoadRequest::default() }).unwrap();
        assert_eq!(load(&text, false), none.config);
        assert_eq!(load(&text, true).verify.commands, [["make", "test"]]);
    }
}
