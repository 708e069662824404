//! What a run needs around it is looked for before the first agent is paid.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::Project;
use crate::common::git::{WRITES, git, repo};
use crate::common::programs::json;

const ONE: &str = "- [ ] 1. First\n";

#[test]
#[ignore = "slow"]
fn missing_programs_of_hooks_and_checks_end_the_run_before_any_agent() {
    for (config, names) in [
        ("[hooks]\nrun_end = [\"no-such-hook\"]\n", "hooks.run_end: no-such-hook"),
        ("[hooks]\nhalt = [\"./plain.txt\"]\n", "hooks.halt: ./plain.txt"),
        ("[verify]\ncommands = [[\"true\"], [\"no-such-check\"]]\n", "verify of task 1: no-such-check"),
        ("[[override]]\ntasks = [\"1\"]\nverify = [[\"./plain.txt\"]]\n", "verify of task 1: ./plain.txt"),
    ] {
        let project = Project::new().spec("demo", ONE).config(config).file("plain.txt", "");
        let out = project.run(&["run"]).code(69);
        assert!(out.stderr.contains(names) && out.stderr.contains("chmod +x"), "{out:?}");
        // the need is all that it leaves
        let units = &project.state("demo")["units"];
        assert!(
            project.ledger().is_empty() && units.as_object().is_some_and(serde_json::Map::is_empty),
            "{out:?}"
        );
        let plan = project.run(&["plan"]).code(0);
        assert!(plan.stderr.contains(names), "{plan:?}");
        let json = json(&project.run(&["plan", "--json"]).code(0).stdout);
        assert!(json["warnings"][0]["message"].as_str().unwrap().contains(names), "{json:#}");
        let doctor = project.run(&["doctor"]);
        let program = names.split_once(": ").unwrap().1;
        assert!(doctor.stdout.contains(&format!("{program} was not found")), "{doctor:?}");
        fs::set_permissions(project.path("plain.txt"), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_written_ends_the_run_before_any_agent() {
    let project = Project::new().spec("demo", ONE).env("TMPDIR", "/nonexistent/folder");
    let out = project.run(&["run"]).code(70);
    assert!(out.stderr.contains("writing to /nonexistent/folder"), "{out:?}");
    assert!(out.stderr.contains("Set TMPDIR") && project.ledger().is_empty(), "{out:?}");
    let plan = project.run(&["plan"]).code(0);
    assert!(plan.stderr.contains("/nonexistent/folder cannot be written"), "{plan:?}");
}

#[test]
fn a_missing_identity_ends_the_run_before_any_agent() {
    let project = repo(WRITES, "");
    git(&project, &["config", "--unset", "user.name"]);
    git(&project, &["config", "--unset", "user.email"]);
    git(&project, &["config", "user.useConfigOnly", "true"]);
    let out = project.run(&["run"]).code(78);
    assert!(out.stderr.contains("git config user.name") && project.ledger().is_empty(), "{out:?}");
    // who commits is known, and who is the author is not
    for (key, value) in [("committer.name", "c"), ("committer.email", "c@localhost")] {
        git(&project, &["config", key, value]);
    }
    let out = project.run(&["run"]).code(78);
    assert!(out.stderr.contains("Author identity unknown") && project.ledger().is_empty(), "{out:?}");
    project.run(&["doctor"]).says(&["git has no name and address to commit with"]);
}

#[test]
fn a_script_without_its_interpreter_is_found_before_any_agent() {
    for (head, names) in [
        (
            "#!/no/such/python3",
            "hooks.run_end: ./hook.py cannot start: its interpreter /no/such/python3 was not found",
        ),
        ("#!/usr/bin/env no-such-program", "cannot start: its interpreter no-such-program was not found"),
        ("#!/bin/sh\r", "cannot start: its first line ends with CR LF"),
    ] {
        let project = Project::new().spec("demo", ONE).config("[hooks]\nrun_end = [\"./hook.py\"]\n");
        let path = project.path("hook.py");
        project.write("hook.py", format!("{head}\nprint(1)\n"));
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        let out = project.run(&["run"]).code(69);
        assert!(out.stderr.contains(names) && project.ledger().is_empty(), "{out:?}");
        assert!(project.run(&["plan"]).code(0).stderr.contains(names));
    }
}
