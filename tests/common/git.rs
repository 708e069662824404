//! A git repository whose runs commit each step.

use std::process::Command;

use crate::common::Project;
use crate::common::programs::program;

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

/// Makes the project a repository with everything committed, except the files of the test itself.
pub(crate) fn init(project: &Project) {
    git(project, &["init", "-q", "-b", "main"]);
    project.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\n");
    for (key, value) in [("user.name", "t"), ("user.email", "t@localhost"), ("commit.gpgsign", "false")] {
        git(project, &["config", key, value]);
    }
    git(project, &["add", "-A"]);
    git(project, &["commit", "-q", "-m", "start"]);
}

/// A repository with everything committed, whose runs commit each step.
pub(crate) fn repo(agent: &str, more: &str) -> Project {
    let project =
        Project::new().spec("demo", TWO).agent(agent).config(&format!("[git]\ncommit = \"step\"\n{more}"));
    init(&project);
    project
}

/// Installs a hook of git.
pub(crate) fn hook(project: &Project, name: &str, script: &str) {
    let path = project.path(".git/hooks").join(name);
    program(project, path.to_str().unwrap(), script);
}

/// The subjects of all commits of HEAD, oldest first.
pub(crate) fn subjects(project: &Project) -> Vec<String> {
    git(project, &["log", "--format=%s", "--reverse"]).lines().map(str::to_owned).collect()
}

pub(crate) const WRITES: &str = "echo \"$SEQORCH_UNIT\" > \"made-$SEQORCH_UNIT\"; say_done";
