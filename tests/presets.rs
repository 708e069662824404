//! Presets from repositories of git, and the lock file that pins them. The repositories are on the disk.

use std::fs;
use std::process::Command;

use crate::common::Project;
use crate::common::recipes::recipe;

const PAGE: &str = include_str!("../docs/presets.md");

/// A project, and a repository of presets beside it with a tag `v1`.
fn project() -> Project {
    let project = Project::new().spec("login", "- [ ] 1. Log in\n");
    let presets = project.outside().join("presets");
    fs::create_dir_all(presets.join("night")).unwrap();
    fs::write(presets.join("night/team.toml"), "extends = [\"base.toml\"]\n[run]\ndelay = \"11s\"\n")
        .unwrap();
    fs::write(presets.join("night/base.toml"), "[retry]\nattempts = 7\n").unwrap();
    git(&project, &["init", "-q", "-b", "main"]);
    commit(&project, "v1");
    let address = address(&project, "v1");
    project.write("seqorch.local.toml", format!("extends = [\"{address}\"]\n"));
    project
}

fn address(project: &Project, tag: &str) -> String {
    format!("git+file://{}@{tag}#night/team.toml", project.outside().join("presets").display())
}

fn git(project: &Project, args: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgSign=false"])
        .args(args)
        .current_dir(project.outside().join("presets"))
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "git {args:?}: {done:?}");
}

fn commit(project: &Project, tag: &str) {
    git(project, &["add", "-A"]);
    git(project, &["commit", "-q", "-m", tag]);
    git(project, &["tag", "-f", tag]);
}

fn delay(project: &Project) -> String {
    project.run(&["config", "show", "run.delay"]).code(0).stdout
}

#[test]
fn a_preset_brings_its_templates_along() {
    let project = project();
    let night = project.outside().join("presets/night");
    let text = "[prompt]\ntemplate = \"own/prompt.j2\"\n[profile.late.review]\ntemplate = \"../key\"\n";
    fs::write(night.join("team.toml"), text).unwrap();
    fs::create_dir(night.join("own")).unwrap();
    fs::write(night.join("own/prompt.j2"), "Do {{ unit.id }} as the team does.\n").unwrap();
    fs::write(project.outside().join("presets/key"), "secret").unwrap();
    commit(&project, "v1");
    project.run(&["config", "fetch"]).code(0);
    project.run(&["plan", "login", "--prompt", "1"]).code(0).says(&["Do 1 as the team does."]);
    let late = project.run(&["--profile", "late", "config", "show", "review.template"]);
    assert!(late.stdout.contains("template = \"../key\""), "{late:?}");
}

#[test]
fn a_preset_from_git_is_fetched_pinned_and_updated_on_request_only() {
    let project = project();
    project.run(&["config", "show"]).code(78).says(&[
        "seqorch.local.toml:1",
        "no commit",
        "seqorch config fetch",
    ]);
    project.run(&["config", "fetch"]).code(0).says(&["pinned", "@v1#night/team.toml"]);
    assert!(project.read("seqorch.lock").contains("commit = \""));
    let shown = delay(&project);
    assert!(shown.contains("11s") && shown.contains("@v1#night/team.toml:3"), "{shown}");
    let attempts = project.run(&["config", "show", "retry.attempts"]).code(0).stdout;
    assert!(attempts.contains('7') && attempts.contains("#night/base.toml:2"), "{attempts}");

    // the tag moves, and nothing follows it by itself
    let presets = project.outside().join("presets");
    fs::write(presets.join("night/team.toml"), "[run]\ndelay = \"12s\"\n").unwrap();
    commit(&project, "v1");
    assert!(delay(&project).contains("11s"));
    let again = project.run(&["config", "fetch"]).code(0);
    assert!(again.stdout.starts_with("unchanged"), "{again:?}");
    assert!(delay(&project).contains("11s"));
    project.run(&["config", "update"]).code(0).says(&["moved"]);
    assert!(delay(&project).contains("12s"));
}

#[test]
fn another_machine_gets_the_pinned_commit() {
    let project = project();
    project.run(&["config", "fetch"]).code(0);
    fs::write(project.outside().join("presets/night/team.toml"), "[run]\ndelay = \"12s\"\n").unwrap();
    commit(&project, "v1");
    // a cache of its own
    let project = project.env("XDG_CACHE_HOME", "/nowhere-to-be-written");
    project.run(&["config", "show"]).code(78).says(&["not on this machine yet", "seqorch config fetch"]);
    let cache = project.path(".cache-of-another-machine");
    let project = project.env("XDG_CACHE_HOME", &cache);
    project.run(&["config", "fetch"]).code(0).says(&["unchanged"]);
    assert!(delay(&project).contains("11s"));
}

#[test]
fn what_a_preset_from_git_runs_has_to_be_trusted() {
    let project = project();
    let team = project.outside().join("presets/night/team.toml");
    fs::write(&team, "[verify]\ncommands = [[\"true\"]]\n").unwrap();
    commit(&project, "v1");
    project.run(&["config", "fetch"]).code(0);
    let project = project.env("SEQORCH_TRUST", "");
    project.run(&["run"]).code(78).says(&["verify.commands", "extends", "at commit"]);
    assert_eq!(project.ledger().len(), 0);
    project.run(&["trust"]).code(0);
    project.run(&["run"]).code(0);
    fs::write(&team, "[verify]\ncommands = [[\"true\", \"more\"]]\n").unwrap();
    commit(&project, "v1");
    project.run(&["config", "update"]).code(0);
    project.run(&["run"]).code(78).says(&["verify.commands"]);
}

#[test]
fn presets_that_cannot_be_had_say_why() {
    let project = project();
    let there = project.outside().join("presets").display().to_string();
    for (extends, fetch, parts) in [
        (format!("git+file://{there}@v9#night/team.toml"), 69, ["cannot be fetched", "v9"]),
        (
            format!("git+file://{there}@v1#night/none.toml"),
            78,
            ["has no file night/none.toml", "seqorch.local.toml:1"],
        ),
        (format!("git+file://{there}-gone@v1#x.toml"), 69, ["cannot be fetched", "git ls-remote"]),
        (format!("git+file://{there}#x.toml"), 78, ["names no version", "@TAG"]),
        ("git+http://example.org/p@v1#x.toml".to_owned(), 78, ["git+https://", "seqorch.local.toml:1"]),
        ("https://example.org/p.toml".to_owned(), 78, ["is an address", "git+https://"]),
    ] {
        project.write("seqorch.local.toml", format!("extends = [\"{extends}\"]\n"));
        let fetched = project.run(&["config", "fetch"]).code(fetch).says(&parts);
        assert!(!fetched.stdout.contains("no file takes a preset"), "{}", fetched.stdout);
    }
    project.write("seqorch.lock", "[[preset]]\nextends = \"x\"\ncommit = \"main\"\n");
    project.write("seqorch.local.toml", format!("extends = [\"{}\"]\n", address(&project, "v1")));
    project.run(&["config", "show"]).code(78).says(&["seqorch.lock", "whole id of a commit"]);
    for verb in ["fetch", "update"] {
        let broken = project.run(&["config", verb]).code(78).says(&["restore that file with git"]);
        assert!(!broken.stdout.contains("no file takes a preset"), "{}", broken.stdout);
    }
}

#[test]
fn a_preset_below_the_home_folder_is_read() {
    let project = Project::new()
        .file(".home/team.toml", "[run]\ndelay = \"13s\"\n")
        .config("extends = [\"~/team.toml\"]\n");
    assert!(delay(&project).contains("13s"));
    project.write("seqorch.local.toml", "extends = [\"~bob/team.toml\"]\n");
    project.run(&["config", "show"]).code(78).says(&["begins with ~ and a name"]);
}

#[test]
fn the_recipe_of_the_page_on_presets_works() {
    let project = project();
    let there = project.outside().join("presets");
    fs::create_dir(there.join("seqorch")).unwrap();
    fs::write(there.join("seqorch/night.toml"), "[run]\ndelay = \"14s\"\n").unwrap();
    commit(&project, "v2");
    // the address of the page, without a network
    let instead =
        format!("[url \"file://{}\"]\ninsteadOf = https://example.org/team/presets.git\n", there.display());
    project.write(".home/.gitconfig", instead);
    let line = PAGE.lines().find(|line| line.starts_with("extends = [\"git+")).unwrap();
    project.write("seqorch.local.toml", format!("{line}\n"));
    Command::new("git").args(["init", "-q"]).current_dir(project.root()).status().unwrap();
    for output in recipe(&project, PAGE, "From a repository of git") {
        output.code(0);
    }
    assert!(delay(&project).contains("14s"));
}
