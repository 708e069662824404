//! `seqorch doctor`, `backends` and `init`.

use regex::Regex;

use crate::common::Project;
use crate::common::programs::{healthy, program};

use super::{check, compare, project, redaction, screen};

/// A project without any problem, on a machine with tmux 3.4.
fn steady() -> Project {
    let project = healthy().env("TZ", "UTC");
    program(&project, "tmux", "echo tmux 3.4");
    project
}

#[test]
fn doctor_of_a_healthy_project() {
    check(&steady(), "doctor", "healthy", &[&["doctor"]]);
}

#[test]
fn doctor_of_a_project_with_problems() {
    let project = steady().spec("bad", "- [ ] 1. One\n- [ ] 1. Again\n").config(
        "[assign]\nowners = { codex = \"codex\" }\n[verify]\ncommands = [[\"no-such-checker\"]]\n\
         [[override]]\ntasks = [\"2\"]\nbackend = \"claude\"\n",
    );
    program(&project, "claude", "echo '2.1.330 (Claude Code)'");
    check(&project, "doctor", "problems", &[&["doctor"]]);
}

#[test]
fn doctor_of_a_project_with_a_wrong_configuration() {
    check(&steady().config("[run]\ndealy = \"3s\"\n"), "doctor", "wrong_configuration", &[&["doctor"]]);
}

#[test]
fn backends_of_a_project() {
    let project = steady().config("[backend.fake]\ncommand = \"worker\"\n");
    program(&project, "worker", "echo worker 1.2.0");
    program(&project, "claude", "echo '2.1.330 (Claude Code)'");
    program(&project, "gemini", "exit 3");
    let text = screen(&project, &["backends"]);
    // the columns are as wide as the path of the project
    let squeezed: Vec<_> =
        text.lines().map(|line| Regex::new(" {2,}").unwrap().replace_all(line, "  ")).collect();
    compare("doctor", "backends", &squeezed.join("\n"));
}

#[test]
fn a_first_configuration() {
    let project = steady().file("package.json", "{\"scripts\":{\"test\":\"jest\"}}");
    program(&project, "claude", "echo '2.1.330 (Claude Code)'");
    std::fs::remove_file(project.path("seqorch.toml")).unwrap();
    check(&project, "doctor", "init", &[&["init"], &["init", "--skill"]]);
    compare("doctor", "init_file", &redaction::redact(&project, &project.read("seqorch.toml")));
}

#[test]
fn the_configuration_is_explained() {
    let project = project().config("[run]\ndelay = \"3s\"\n");
    check(
        &project,
        "doctor",
        "config",
        &[&["config", "explain", "run.delay"], &["config", "explain", "hooks.halt"]],
    );
}
