//! What a run keeps in git: a commit per step, nothing of others, and the way back.

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

const TWO: &str = "- [ ] 1. First thing\n- [ ] 2. Second thing\n";

/// A repository with all of it committed, and a run that commits each step.
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

#[test]
fn each_done_step_is_one_commit_with_its_changes_and_its_tick() {
    let project = repo(WRITES, "message = \"{spec}/{id} {title} by {agent} in {attempts}\"\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    let log = git(&project, &["log", "--format=%s", "--reverse"]);
    assert_eq!(log, "start\ndemo/1 First thing by fake in 1\ndemo/2 Second thing by fake in 1");
    let files = git(&project, &["show", "--name-only", "--format=%b", "HEAD"]);
    assert!(files.contains("Task: 2\nAgent: fake\nAttempts: 1"), "{files}");
    assert!(files.contains(".kiro/specs/demo/tasks.md\nmade-2"), "{files}");
    let commit = project.state("demo")["units"]["2"]["changes"]["commit"].clone();
    assert_eq!(commit, git(&project, &["rev-parse", "HEAD"]));
    assert!(out.stdout.contains("2 files +2 -1, commit "), "{}", out.stdout);
}

#[test]
fn files_that_an_agent_moves_and_removes_with_git_go_into_its_commit() {
    let project = repo(
        &format!("[ $SEQORCH_UNIT = 1 ] && {{ git mv old.rs new.rs; git rm -q dead.rs; }}; {WRITES}"),
        "",
    );
    for name in ["old.rs", "dead.rs"] {
        project.write(name, "fn main() {}\n");
    }
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "code"]);
    project.run(&["run"]).code(0);
    let changed = git(&project, &["show", "--no-renames", "--name-status", "--format=", "HEAD~1"]);
    assert_eq!(changed, "M\t.kiro/specs/demo/tasks.md\nD\tdead.rs\nA\tmade-1\nA\tnew.rs\nD\told.rs");
    assert_eq!(git(&project, &["log", "-1", "--format=%s"]), "2: Second thing");
}

#[test]
fn a_dirty_tree_is_refused_and_when_allowed_stays_out_of_every_commit() {
    let project = repo(&format!("echo more >> mine.txt; {WRITES}"), "");
    project.write("mine.txt", "precious\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stderr.contains("mine.txt") && out.stderr.contains("git.dirty"), "{}", out.stderr);
    assert!(project.ledger().is_empty());
    project.write("seqorch.local.toml", "[git]\ncommit = \"step\"\ndirty = \"allow\"\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert!(out.stdout.contains("not committed, since they had changes before the run: mine.txt"));
    assert!(!git(&project, &["log", "--name-only", "--format="]).contains("mine.txt"));
    assert_eq!(project.read("mine.txt"), "precious\nmore\nmore\n");
}

#[test]
fn what_a_halted_agent_left_is_its_own_and_goes_into_its_commit_and_what_a_human_did_since_is_not() {
    let asks = r#"echo "$SEQORCH_UNIT" >> "made-$SEQORCH_UNIT"
        if [ "$SEQORCH_UNIT" = 1 ] && ! grep -q 'Use blue'; then echo 'Which colour?'; say_halt; else say_done; fi"#;
    let project = repo(asks, "");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stdout.contains("2 left"), "{}", out.stdout);
    project.write("mine.txt", "mine\n");
    let out = project.run(&["resume", "--answer", "Use blue."]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stderr.contains("mine.txt") && !out.stderr.contains("made-1"), "{}", out.stderr);
    // what could not begin changes nothing: it is still halted, also after a run that only shows the question
    assert!(
        project.path(".seqorch/demo/summary.txt").exists(),
        "who watches is still told how the last run ended"
    );
    for args in [&["run", "--retry"][..], &["run"]] {
        assert_eq!(project.run(args).code, 2);
    }
    let status = project.run(&["status"]).stdout;
    assert!(status.contains("Which colour?") && status.contains("demo: halted"), "{status}");
    std::fs::remove_file(project.path("mine.txt")).unwrap();
    project.run(&["resume"]).code(64).says(&["there is no answer", "resume demo --answer"]);
    let out = project.run(&["resume", "--answer", "Use blue."]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(git(&project, &["log", "--format=%s", "--reverse"]), "start\n1: First thing\n2: Second thing");
    assert!(git(&project, &["show", "HEAD~1", "--name-only", "--format="]).contains("made-1"));
    assert_eq!(git(&project, &["status", "--porcelain", "--", "made-1", "made-2"]), "");
    let progress = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(progress.contains("- **Changes:** 2 files +3 -1, commit "), "{progress}");
}

#[test]
fn undo_takes_back_any_task_and_nothing_that_a_human_did_between_its_attempts() {
    let asks = r#"[ "$SEQORCH_ATTEMPT$SEQORCH_UNIT" = 11 ] && { echo 'Which?'; say_halt; exit; }
        echo "$SEQORCH_UNIT" > "made-$SEQORCH_UNIT"; say_done"#;
    let project = repo(asks, "");
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    assert_eq!(project.run(&["run"]).code, 2);
    project.write("mine.txt", "mine\n");
    assert_eq!(project.run(&["resume", "--answer", "This."]).code, 0);
    assert_eq!(project.state("demo")["units"]["1"]["changes"]["files"], 2, "its file and its box");
    // the box of the second task stands right below
    let out = project.run(&["undo", "1"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert!(!project.path("made-1").exists() && project.path("made-2").exists());
    assert_eq!(project.read("mine.txt"), "mine\n");
    assert_eq!(project.read(".kiro/specs/demo/tasks.md"), TWO.replace("[ ] 2", "[x] 2"));
}

#[test]
fn undo_takes_back_the_files_and_opens_the_task_again() {
    let project = repo(WRITES, "");
    assert_eq!(project.run(&["run"]).code, 0);
    let out = project.run(&["undo", "2"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert!(!project.path("made-2").exists() && project.path("made-1").exists());
    assert_eq!(project.read(".kiro/specs/demo/tasks.md"), TWO.replace("[ ] 1", "[x] 1"));
    assert_eq!(project.state("demo")["completed"], serde_json::json!(["1"]));
    project.write("made-1", "changed since\n");
    let out = project.run(&["undo", "1"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert_eq!(project.read("made-1"), "changed since\n");
}

#[test]
fn undo_takes_back_the_tasks_of_each_of_two_specs_of_one_name_also_after_a_cleaning_of_git() {
    let project = repo("echo x > made-$(ls -d made-* 2>/dev/null | wc -l); say_done", "");
    let specs = [".kiro/specs/demo", "specs/demo"];
    project.write("specs/demo/tasks.md", TWO);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "another of that name"]);
    for spec in specs {
        project.run(&["run", spec, "--only", "1"]).code(0);
    }
    // the commits keep the trees, too, as long as nobody rewrites them
    git(&project, &["reset", "-q", "--soft", "HEAD~2"]);
    git(&project, &["reflog", "expire", "--expire=now", "--all"]);
    git(&project, &["reset", "-q"]);
    git(&project, &["gc", "--quiet", "--prune=now"]);
    for (spec, made) in specs.iter().zip(["made-0", "made-1"]) {
        assert!(project.path(made).exists());
        project.run(&["undo", "1", "--spec", spec]).code(0).says(&[made]);
        assert!(!project.path(made).exists());
        assert_eq!(project.read(format!("{spec}/tasks.md")), TWO);
    }
}

#[test]
fn undo_of_what_git_does_not_have_any_more_says_so_and_leaves_the_task_done() {
    let project = repo(WRITES, "");
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    project.run(&["run"]).code(0);
    for kept in git(&project, &["for-each-ref", "--format=%(refname)", "refs/seqorch"]).lines() {
        git(&project, &["update-ref", "-d", kept]);
    }
    git(&project, &["gc", "--quiet", "--prune=now"]);
    let out = project.run(&["undo", "1"]).code(2);
    assert!(
        out.stderr.contains("git does not have the trees") && out.stderr.contains("git revert"),
        "{out:?}"
    );
    assert!(project.path("made-1").exists());
    assert_eq!(project.state("demo")["completed"], serde_json::json!(["1", "2"]));
}
