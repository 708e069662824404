//! Completion: what is proposed, in the shells that are installed.

use std::path::Path;
use std::process::Command;

use crate::common::{Project, skipped};

fn project() -> Project {
    let project = Project::new();
    let project = project.spec("login", "- [ ] 1. Add the route\n- [ ] 2. Test the route\n");
    let project = project.spec("my spec", "- [ ] 1. One\n").file("PLAN.md", "- [ ] Write it\n");
    project.config("[profile.night]\nrun.delay = \"1s\"\n[assign.owners]\nanna = \"fake\"\n")
}

/// What is proposed for the last word, each with what stands beside it.
fn proposed(project: &Project, words: &[&str]) -> String {
    let mut command = project.command(&[&["--", "seqorch"], words].concat());
    let out = command.env("SEQORCH_COMPLETE", "fish").output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{words:?}");
    assert!(out.status.success(), "{words:?}");
    String::from_utf8(out.stdout).unwrap()
}

#[test]
fn names_are_proposed_as_they_are_now() {
    let project = project();
    project.run(&["run", "login", "--only", "1"]).code(0);
    for (words, wanted) in [
        (&["sta"][..], "status\t"),
        (&["run", "lo"], "login\t1/2 done, 1 task to do"),
        (&["run", "PL"], "PLAN.md"),
        (&["logs", "--spec", "login", ""], "1\tAdd the route"),
        (&["mark", "--spec", "login", "2"], "2\tTest the route"),
        (&["run", "login", "--only", "1,"], "1,2\tTest the route"),
        (&["logs", "1", "--spec", "login", "--attempt", ""], "1\tdone"),
        (&["run", "--backend", "fa"], "fake\t/bin/sh"),
        (&["run", "--profile", ""], "night"),
        (&["mark", "1", "--agent", ""], "anna\tfake"),
        (&["mark", "1", "d"], "done\t"),
        (&["config", "explain", "run.de"], "run.delay\tPause between two steps."),
        (&["config", "explain", "tmux.mo"], "tmux.mode\tauto, "),
        (&["--color", "n"], "never"),
        (&["help", "exi"], "exit-codes\t"),
        (&["attach", "login", "m"], "main\t"),
    ] {
        let found = proposed(&project, words);
        assert!(found.starts_with(wanted), "{words:?}: {found}");
    }
}

#[test]
fn what_a_verb_cannot_take_is_not_proposed() {
    let agent = "case $SEQORCH_UNIT in 2) echo 'Which?'; say_halt; exit;; esac; echo x > made-$SEQORCH_UNIT; say_done";
    let project = Project::new().spec("login", "- [ ] 1. One\n- [ ] 2. Two\n- [ ] 3. Three\n").agent(agent);
    let project = project.config(
        "[backend.fake]\nargs = [\"agent.sh\", \"{model_args}\"]\nmodel_args = [\"--model\", \"{model}\"]\n",
    );
    crate::common::git::init(&project);
    project.run(&["run", "--model", "large-one"]).code(2);
    let ids = |words: &[&str]| {
        let all = proposed(&project, words);
        let found = all.lines().map(|line| line.split('\t').next().unwrap().to_owned());
        found.filter(|word| !word.starts_with('-')).collect::<Vec<_>>()
    };
    assert_eq!(ids(&["undo", ""]), ["1"], "only what is done");
    assert_eq!(ids(&["logs", ""]), ["1", "2"], "only what ran");
    assert_eq!(ids(&["diff", ""]), ["1", "2"]);
    assert_eq!(ids(&["resume", "login", ""]), ["2"], "only what asks");
    assert_eq!(ids(&["mark", ""]), ["1", "2", "3"]);
    assert_eq!(ids(&["run", "--model", "lar"]), ["large-one"]);
    // names are those of the folder of -C
    let root = project.root().to_str().unwrap().to_owned();
    assert_eq!(ids(&["-C", &root, "run", "lo"]), ["login"]);
    assert_eq!(ids(&["-C", "..", "help", "exi"]), ["exit-codes"]);
}

#[test]
fn what_is_hidden_or_unreadable_is_not_proposed() {
    let project = project();
    for words in [&["__"][..], &["run", "--resume"], &["run", "--in-m"], &["run", "nothing-like-this"]] {
        assert_eq!(proposed(&project, words), "", "{words:?}");
    }
    project.write("seqorch.toml", "this is no toml");
    assert!(proposed(&project, &["run", "--backend", "cl"]).contains("claude"));
    // what the broken file leaves is known, so its specs are, too
    assert!(proposed(&project, &["run", "lo"]).contains("login"));
    assert!(proposed(&project, &["-C", "nowhere", "sta"]).contains("status"));
}

/// What a script of a shell prints in the project; `None`, with a note, if the shell is missing.
fn in_shell(project: &Project, shell: &str, args: &[&str], script: &str) -> Option<String> {
    if Command::new(shell).arg("--version").output().is_err() {
        skipped(&format!("{shell} is not installed"));
        return None;
    }
    project.write("completions", project.run(&["completions", shell]).code(0).stdout);
    let program = Path::new(env!("CARGO_BIN_EXE_seqorch")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
    let out = project.command_of(shell, args).args(["-c", script]).env("PATH", path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&out.stderr), "", "{shell}");
    Some(String::from_utf8(out.stdout).unwrap())
}

#[test]
fn bash_completes_and_quotes_what_it_would_split() {
    let script = r#"source ./completions
        for line in "seqorch run lo" "seqorch run my"; do
            COMP_WORDS=($line); COMP_CWORD=2; COMP_TYPE=9
            _clap_complete_seqorch seqorch "${COMP_WORDS[2]}"; echo "${COMPREPLY[@]}"
        done"#;
    let Some(found) = in_shell(&project(), "bash", &["--norc"], script) else { return };
    assert_eq!(found, "login\nmy\\ spec\n");
}

#[test]
fn zsh_completes() {
    let script = r#"compdef() { : }; _describe() { print -l -- "${(@P)3}" }
        source ./completions; words=(seqorch run lo); CURRENT=3; _clap_dynamic_completer_seqorch"#;
    let Some(found) = in_shell(&project(), "zsh", &["-f"], script) else { return };
    assert!(found.starts_with("login:0/2 done, not started"), "{found}");
}

#[test]
fn fish_completes() {
    let script = "source ./completions; complete -C 'seqorch run lo'";
    let Some(found) = in_shell(&project(), "fish", &["--no-config"], script) else { return };
    assert!(found.starts_with("login\t0/2 done, not started"), "{found}");
}
