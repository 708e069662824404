//! How many processes of git a step costs.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::git::{git, init};
use crate::common::{Project, tasks};

/// A project with `git` in front of the real one, which notes every start.
fn counted(config: &str) -> Project {
    let agent =
        "echo agent >> \"$ROOT/.out/calls\"; echo \"$SEQORCH_UNIT\" > \"made-$SEQORCH_UNIT\"; say_done";
    let project = Project::new().spec("demo", tasks(5)).agent(agent).config(config);
    init(&project);
    let real = which::which("git").unwrap();
    let wrapper = format!(
        "#!/bin/sh\necho \"$*\" >> '{}'\nexec '{}' \"$@\"\n",
        project.path(".out/calls").display(),
        real.display()
    );
    // outside of the project: a git that a repository brings is not run
    let bin = project.outside();
    project.write(bin.join("git"), wrapper);
    fs::set_permissions(bin.join("git"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    project.env("PATH", path)
}

/// The calls of each step but the first, from agent to agent.
fn calls_per_step(project: &Project) -> Vec<Vec<String>> {
    let calls = project.read(".out/calls");
    let lines: Vec<String> = calls.lines().map(str::to_owned).collect();
    let parts: Vec<Vec<String>> = lines.split(|line| line == "agent").map(<[String]>::to_vec).collect();
    assert_eq!(parts.len(), 6, "{calls}");
    parts[1..5].to_vec()
}

#[test]
#[ignore = "slow"]
fn a_step_with_snapshots_starts_four_processes_of_git() {
    let project = counted("");
    project.run(&["run"]).code(0);
    for calls in calls_per_step(&project) {
        assert!((1..=4).contains(&calls.len()), "{calls:#?}");
    }
    let after = project.state("demo")["units"]["3"]["changes"].clone();
    assert_eq!((&after["files"], &after["insertions"]), (&1.into(), &1.into()), "without the box: {after}");
}

#[test]
#[ignore = "slow"]
fn the_look_after_an_attempt_serves_for_one_that_begins_at_once() {
    let project = counted("");
    project.run(&["run"]).code(0);
    // on a busy machine some look is too old
    assert_eq!(calls_per_step(&project).iter().map(Vec::len).min(), Some(3));
}

#[test]
fn what_a_hook_changes_between_two_attempts_is_no_work_of_the_next() {
    let hook = "[hooks]\nstep_end = [\"sh\", \"-c\", \"echo $SEQORCH_UNIT > by-hook\"]\nrequired = true\n";
    let project = counted(hook);
    project.run(&["run"]).code(0);
    for calls in calls_per_step(&project) {
        assert!(calls.len() >= 4, "a look before and one after: {calls:#?}");
    }
    let changes = project.run(&["diff", "3", "--stat"]).code(0).stdout;
    assert!(changes.contains("made-3") && !changes.contains("by-hook"), "{changes}");
}

#[test]
#[ignore = "slow"]
fn a_commit_per_step_adds_three_processes_and_the_commit() {
    let project = counted("[git]\ncommit = \"step\"\n");
    project.run(&["run"]).code(0);
    for calls in calls_per_step(&project) {
        assert!(calls.len() <= 4 + 3 + 1, "{calls:#?}");
        assert_eq!(calls.iter().filter(|call| call.contains(" commit ")).count(), 1);
    }
    let log = git(&project, &["log", "--reverse", "--name-only", "--format=%s"]);
    assert!(log.ends_with("5: Task 5\n\n.kiro/specs/demo/tasks.md\nmade-5"), "{log}");
}

#[test]
fn without_snapshots_no_git_is_started_and_nothing_is_written() {
    let project = counted("[git]\nsnapshot = false\n");
    project.run(&["run"]).code(0);
    for calls in calls_per_step(&project) {
        assert!(calls.is_empty(), "{calls:#?}");
    }
    assert!(!project.path(".git/seqorch").exists());
}
