//! Attacks by a repository that others wrote, and by an agent, with the verdict on each. Every row is an attack that is
//! really made; `cargo test --test integration attacks:: -- --nocapture` prints the table.

mod bounded;
mod files;
mod looking;
mod pinned;
mod sandbox;
mod trust;
mod words;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use crate::common::Project;

/// An attack: what is done, what seqorch does about it, and the proof.
type Attack = (&'static str, &'static str, fn());

/// All groups, by their names.
const GROUPS: [(&str, &[Attack]); 7] = [
    ("looking", looking::ATTACKS),
    ("trust", trust::ATTACKS),
    ("pinned", pinned::ATTACKS),
    ("files", files::ATTACKS),
    ("bounded", bounded::ATTACKS),
    ("words", words::ATTACKS),
    ("sandbox", sandbox::ATTACKS),
];

/// Makes the attacks of a group, prints their rows, and fails if one of them succeeds.
fn withstand(group: &str) {
    let (_, attacks) = GROUPS.iter().find(|(name, _)| *name == group).unwrap();
    let mut succeeded = Vec::new();
    for (attack, verdict, make) in *attacks {
        let held = catch_unwind(AssertUnwindSafe(make)).is_ok();
        println!("| {group} | {attack} | {} |", if held { verdict } else { "THE ATTACK SUCCEEDS" });
        if !held {
            succeeded.push(attack);
        }
    }
    assert!(succeeded.is_empty(), "these attacks succeed: {succeeded:#?}");
}

/// Where a trap cannot spring, an attack proves nothing.
#[test]
fn the_traps_spring_in_a_plain_git() {
    let project = looking::trapped();
    let status = std::process::Command::new("git").arg("status").current_dir(project.root()).output();
    assert!(status.is_ok() && !project.read("sprung").is_empty());
}

#[test]
fn there_are_at_least_forty_attacks() {
    assert!(GROUPS.iter().map(|(_, attacks)| attacks.len()).sum::<usize>() >= 40);
}

#[test]
#[ignore = "slow"]
fn looking_runs_nothing() {
    withstand("looking");
}

#[test]
#[ignore = "slow"]
fn nothing_runs_without_trust() {
    withstand("trust");
}

#[test]
#[ignore = "slow"]
fn an_agent_changes_nothing_that_its_run_executes() {
    withstand("pinned");
}

#[test]
#[ignore = "slow"]
fn own_files_follow_no_links() {
    withstand("files");
}

#[test]
#[ignore = "slow"]
fn everything_has_a_bound() {
    withstand("bounded");
}

#[test]
#[ignore = "slow"]
fn words_of_others_stay_words() {
    withstand("words");
}

#[test]
#[ignore = "slow"]
fn a_sandbox_holds_an_agent() {
    withstand("sandbox");
}

/// Puts a program that leaves a trace into the project.
fn trap(project: &Project, path: &str) -> PathBuf {
    let sprung = project.path("sprung");
    project.write(path, format!("#!/bin/sh\necho \"$0 $*\" >> '{}'\ncat 2>/dev/null\n", sprung.display()));
    let path = project.path(path);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}

/// Nothing that [`trap`] put there was run.
#[track_caller]
fn is_not_sprung(project: &Project) {
    let sprung = project.read("sprung");
    assert!(sprung.is_empty(), "a program of the project was run: {sprung}");
}

/// A project in which nothing is trusted.
fn untrusted() -> Project {
    Project::new().spec("demo", "- [ ] 1. First\n- [ ] 2. Second\n").env("SEQORCH_TRUST", "")
}
