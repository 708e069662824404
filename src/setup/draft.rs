//! PURE. The text of a first `seqorch.toml`.

use std::fmt::Write as _;

use super::project_facts::{InitChoices, InstalledAgent, ProjectFacts};

/// How many specs are listed by name.
const SHOWN_SPECS: usize = 5;

/// The text of the file. It has only the settings that the user may want to change soon; all others keep their defaults.
#[must_use]
pub fn draft(
    facts: &ProjectFacts,
    choices: &InitChoices,
    default_root: &str,
    default_backend: &str,
) -> String {
    let mut text = String::from(
        "# Settings of seqorch for this project.\n\
         # `seqorch doctor` checks them, `seqorch plan --dry-run` shows what would run, `seqorch run SPEC` runs it.\n\
         # All keys: `seqorch config show`. What one means: `seqorch config explain run.delay`.\n\
         # For completion in an editor: `seqorch config schema > seqorch.schema.json`, and this as the first line here:\n\
         # #:schema ./seqorch.schema.json\n\n[run]\n",
    );
    specs(&mut text, facts, default_root);
    backend(&mut text, &facts.agents, choices.backend.as_deref(), default_backend);
    text.push_str(
        "# Pause between two tasks.\ndelay = \"15s\"\n\
         # Maximum number of attempts in one run.\nmax_iterations = 50\n",
    );
    verify(&mut text, facts, choices.checks.as_deref());
    text.push_str("\n# One commit for each done task.\n");
    text.push_str(if choices.commit == Some(true) {
        "[git]\ncommit = \"step\"\n"
    } else {
        "#[git]\n#commit = \"step\"\n"
    });
    text.push_str(
        "\n# Prompts ask for test-driven development in any change of code: first a test that fails. This turns it off.\n\
         #[prompt]\n#skills = []\n",
    );
    text.push_str(
        "\n[timeout]\n\
         # How long an agent may work on one task, and how long it may print nothing.\ntask = \"2h\"\nidle = \"30m\"\n",
    );
    let found = facts.agents.first().map_or(default_backend, |agent| agent.name.as_str());
    permission(&mut text, choices.backend.as_deref().unwrap_or(found));
    assign(&mut text, &facts.agents);
    text
}

fn specs(text: &mut String, facts: &ProjectFacts, default_root: &str) {
    let Some((root, names)) = facts.specs.first() else {
        text.push_str(
            "# The folder with the specs. Each spec is a folder with a tasks.md; none was found yet.\n",
        );
        let _ = writeln!(text, "spec_root = {}", quoted(default_root));
        return;
    };
    let mut list: Vec<String> = names.iter().take(SHOWN_SPECS).map(|name| printable(name)).collect();
    if names.len() > SHOWN_SPECS {
        list.push(format!("{} more", names.len() - SHOWN_SPECS));
    }
    let _ = writeln!(text, "# The folder with the specs. Found: {}.", list.join(", "));
    let others: Vec<String> =
        facts.specs[1..].iter().map(|(root, names)| format!("{root} ({})", names.len())).collect();
    if !others.is_empty() {
        let _ = writeln!(text, "# There are more specs in {}.", others.join(", "));
    }
    let _ = writeln!(text, "spec_root = {}", quoted(root));
}

fn backend(text: &mut String, agents: &[InstalledAgent], chosen: Option<&str>, default: &str) {
    let Some(first) = agents.first() else {
        text.push_str(
            "# The agent that works on the tasks. None of the built-in ones is installed here (`seqorch backends` lists\n\
             # them); [backend.NAME] with command = \"…\" adds your own.\n",
        );
        let _ = writeln!(text, "backend = {}", quoted(default));
        return;
    };
    let list: Vec<String> = agents
        .iter()
        .map(|agent| format!("{}{}", agent.name, if agent.login { "" } else { " (no login found)" }))
        .collect();
    let _ = writeln!(text, "# The agent that works on the tasks. Installed: {}.", list.join(", "));
    let _ = writeln!(text, "backend = {}", quoted(chosen.unwrap_or(&first.name)));
}

fn verify(text: &mut String, facts: &ProjectFacts, chosen: Option<&[Vec<String>]>) {
    text.push_str(
        "\n# Commands that must succeed before a task counts as done. The output of a failure goes into the next prompt.\n",
    );
    let found: Vec<Vec<String>> = facts.tests.iter().map(|test| test.argv.clone()).collect();
    let argvs = chosen.unwrap_or(&found);
    if argvs.is_empty() {
        text.push_str("#[verify]\n#commands = [[\"make\", \"test\"]]\n");
        return;
    }
    let quote = |argv: &Vec<String>| argv.iter().map(|a| quoted(a)).collect::<Vec<_>>().join(", ");
    let commands: Vec<String> = argvs.iter().map(|argv| format!("[{}]", quote(argv))).collect();
    if argvs == found {
        let sources: Vec<&str> = facts.tests.iter().map(|test| test.source).collect();
        let _ = writeln!(text, "# Found in {}.", sources.join(", "));
    }
    let _ = writeln!(text, "[verify]\ncommands = [{}]", commands.join(", "));
    text.push_str("# Fail if they run fewer tests than this.\n#min_tests = 1\n");
}

/// Says what the backend's default permission allows, since that may not be enough for an unattended run.
fn permission(text: &mut String, backend: &str) {
    let allowed = match backend {
        "claude" => {
            "may edit files, and run commands in its own sandbox (on Linux this needs bwrap and socat)"
        }
        "codex" => "may edit files, and run commands in its own sandbox",
        "gemini" => "may edit files, but not run commands; its own settings can allow commands",
        _ => "may do what its own settings allow",
    };
    let _ = write!(
        text,
        "\n# By default {backend} {allowed}.\n\
         # With \"bypass\" it may do everything without asking. Use that only with a sandbox, which lets it write\n\
         # this project alone: bwrap, podman or docker (`seqorch help sandbox`; `seqorch doctor` says what works here).\n\
         #[backend.{backend}]\n#permission = \"bypass\"\n\
         #[sandbox]\n#mode = \"bwrap\"\n"
    );
}

/// Suggests an assignment if there are several agents.
fn assign(text: &mut String, agents: &[InstalledAgent]) {
    if let [first, second, ..] = agents {
        let _ = write!(
            text,
            "\n# Let an agent assign tasks to agents. Your own rules win over its choice.\n#[assign]\n\
             #backend = {}\n#[[assign.rule]]\n#match = \"(?i)review\"\n#backend = {}\n",
            quoted(&first.name),
            quoted(&second.name)
        );
    }
}

/// A TOML string.
fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A file name without the characters that would end a comment. File names may hold anything.
fn printable(name: &str) -> String {
    name.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{self, Config, LoadRequest};
    use crate::setup::project_facts::TestCommand;

    /// Loads the settings of a file. With `uncomment`, its suggestions take effect as well.
    fn load(text: &str, uncomment: bool) -> Config {
        let dir = tempfile::tempdir().unwrap();
        let lines = text.lines().map(|line| match line.strip_prefix('#') {
            Some(key) if uncomment && key.starts_with(|c: char| c == '[' || c.is_ascii_lowercase()) => key,
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

    fn agent(name: &str, login: bool) -> InstalledAgent {
        InstalledAgent { name: name.to_owned(), login }
    }

    #[test]
    fn found_facts_take_effect_and_every_suggestion_is_valid() {
        let facts = ProjectFacts {
            specs: vec![
                ("specs".to_owned(), vec!["a".to_owned(), "evil\n[run]".to_owned()]),
                (".kiro/specs".to_owned(), vec!["b".to_owned()]),
            ],
            agents: vec![agent("claude", true), agent("codex", false)],
            tests: vec![TestCommand::new(&["say", "it's \"so\""], "justfile")],
        };
        let text = draft(&facts, &InitChoices::default(), ".kiro/specs", "opencode");
        let config = load(&text, false);
        assert_eq!((config.run.spec_root.to_str(), config.run.backend.as_str()), (Some("specs"), "claude"));
        assert_eq!(config.verify.commands, [["say", "it's \"so\""]]);
        assert!(text.contains("codex (no login found)") && text.contains(".kiro/specs (1)"), "{text}");
        let open = load(&text, true);
        assert!(open.prompt.skills.is_empty() && !config.prompt.skills.is_empty());
        assert_eq!(open.git.commit, config::Commit::Step);
        assert_eq!((open.verify.min_tests, open.assign.rules.len()), (1, 1));
        assert!(open.backends["claude"].permission_args().iter().any(|arg| arg.contains("skip-permissions")));
    }

    #[test]
    fn an_empty_project_gets_the_defaults() {
        let text = draft(&ProjectFacts::default(), &InitChoices::default(), ".kiro/specs", "opencode");
        let none = config::load(&LoadRequest { root: "/nowhere".into(), ..LoadRequest::default() }).unwrap();
        assert_eq!(load(&text, false), none.config);
        assert_eq!(load(&text, true).verify.commands, [["make", "test"]]);
    }

    #[test]
    fn what_a_person_chose_takes_effect() {
        let facts = ProjectFacts {
            agents: vec![agent("claude", true), agent("codex", true)],
            tests: vec![TestCommand::new(&["npm", "test"], "package.json")],
            ..ProjectFacts::default()
        };
        let checks = vec![vec!["sh".to_owned(), "-c".to_owned(), "echo \"a\" && make".to_owned()]];
        let choices =
            InitChoices { backend: Some("codex".into()), checks: Some(checks.clone()), commit: Some(true) };
        let text = draft(&facts, &choices, ".kiro/specs", "opencode");
        let config = load(&text, false);
        assert_eq!((config.run.backend.as_str(), config.git.commit), ("codex", config::Commit::Step));
        assert_eq!(config.verify.commands, checks);
        assert!(!text.contains("Found in") && text.contains("[backend.codex]"), "{text}");
        let none = InitChoices { checks: Some(Vec::new()), commit: Some(false), ..InitChoices::default() };
        let config = load(&draft(&facts, &none, ".kiro/specs", "opencode"), false);
        assert!(config.verify.commands.is_empty() && config.git.commit == config::Commit::Off);
    }
}
