//! A git repository whose runs commit each step.

use std::process::Command;

use crate::common::Project;

pub(crate) fn git(project: &Project, args: &[&str]) -> String {
    let output = Command::new("git")
        .args(args)
        .current_dir(project.root())
        .env("HOME", project.path(".home"))
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

pub(crate) const TWO: &str = "- [ ] 1. First thing\n- [ ] 2. Second thing\n";

/// A repository with everything committed, whose runs commit each step.
pub(crate) fn repo(agent: &str, more: &str) -> Project {
    let project = Project::new()
        .spec("demo", TWO)
        .agent(agent)
        .file(".gitignore", "ledger\ngate\n.out/\n.home/\n")
        .config(&format!("[git]\ncommit = \"step\"\n{more}"));
    for args in [
        &["init", "-q", "-b", "main"][..],
        &["config", "user.name", "t"],
        &["config", "user.email", "t@localhost"],
        &["config", "commit.gpgsign", "false"],
        &["add", "-A"],
        &["commit", "-q", "-m", "start"],
    ] {
        git(&project, args);
    }
    project
}

pub(crate) const WRITES: &str = "echo \"$SEQORCH_UNIT\" > \"made-$SEQORCH_UNIT\"; say_done";
