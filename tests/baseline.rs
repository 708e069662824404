//! `verify.baseline`: the checks are tried before any agent works. The recipe is that of `docs/checks.md`.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::git::{WRITES, git, repo, subjects};
use crate::common::programs::{json as json_of, program};
use crate::common::recipes::recipe;
use crate::common::{Project, wait_until};

const PAGE: &str = include_str!("../docs/checks.md");

const ONE: &str = "- [ ] 1. Build it\n";
const TWO: &str = "- [ ] 1. Build it\n- [ ] 2. Polish it\n";

/// What is not committed, but for the files of the runs.
fn left(project: &Project) -> String {
    git(project, &["status", "--short", "--", ".", ":!.kiro/specs/SEQUENTIAL_*"])
}

/// Succeeds once `fixed` is there.
const BROKEN: &str = "[verify]\nbaseline = true\ncommands = [[\"sh\", \"-c\", \"echo checked >> ledger; test -e fixed || { echo broken since May; exit 3; }\"]]\n";

fn events(project: &Project, name: &str) -> Vec<Value> {
    let log = project.read(project.kept("demo").join("events.jsonl"));
    let log = if log.is_empty() { project.read(".seqorch/demo/events.jsonl") } else { log };
    log.lines().map(json_of).filter(|event| event["event"] == name).collect()
}

#[test]
fn the_recipe_names_what_fails_before_any_agent_works() {
    let agent = "cat > prompt-$SEQORCH_UNIT; touch fixed; say_done";
    let project = Project::new().spec("demo", TWO).agent(agent).config(BROKEN);
    let [plan, run, status, report] =
        recipe(&project, PAGE, "What fails before any agent works").try_into().unwrap();
    plan.code(0).says(&["Before any agent works, a run tries `sh -c 'echo checked", "(verify.baseline)."]);
    let printed = run.code(0).stdout;
    let parts = [
        "before any agent works: checking the tree with 1 command",
        "! before any agent works: the check fails already\n    `sh -c ",
        "failed with exit code 3",
        "▶ 1 Build it",
    ];
    let mut rest = printed.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not where it belongs in:\n{printed}"));
        rest = &rest[at + part.len()..];
    }
    assert_eq!(project.ledger(), ["checked", "1 1", "checked", "2 1", "checked"]);
    let prompt = project.read("prompt-1");
    assert!(
        prompt.contains("## What failed before your work") && prompt.contains("\n> broken since May\n"),
        "{prompt}"
    );
    // it has succeeded since
    assert!(!project.read("prompt-2").contains("broken since May"));
    status
        .code(0)
        .says(&["failed with exit code 3: broken since May; that was before any agent worked, and it succeeds since task 1"]);
    report.code(0).says(&["## Failed before any agent worked", "> broken since May"]);
    let html = project.run(&["report", "--html", "-"]).code(0).stdout;
    assert!(html.contains("Failed before any agent worked"), "{html}");
    let progress = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(
        progress.contains("## Baseline\n- **Status:** before any agent works: the check fails already"),
        "{progress}"
    );
    let event = &events(&project, "baseline")[0];
    assert_eq!(
        (&event["commands"], &event["failed"][0]["how"], &event["failed"][0]["tail"]),
        (&json!(1), &json!("failed with exit code 3"), &json!("broken since May"))
    );
    let state = json_of(&project.run(&["status", "--json"]).code(0).stdout);
    assert_eq!(state["baseline"]["failed"][0]["fixed_by"], "1");
}

#[test]
fn a_check_that_failed_before_still_judges() {
    let project = Project::new().spec("demo", ONE).agent("cat > prompt-$SEQORCH_ATTEMPT; say_done");
    let project = project.config(&format!("{BROKEN}[retry]\nattempts = 2\n"));
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("demo", "1"), ["verify_failed", "verify_failed"]);
    for attempt in ["prompt-1", "prompt-2"] {
        assert!(project.read(attempt).contains("What failed before your work"), "{attempt}");
    }
    project
        .run(&["status"])
        .code(0)
        .says(&["exit code 3: broken since May; it failed already before any agent worked"]);
    // its agent may have broken more, so what fails now may not be what failed before
    project.write("fixed", "");
    project.run(&["run", "--retry"]).code(0);
    assert_eq!(events(&project, "baseline").len(), 1);
    assert_eq!(project.state("demo")["baseline"]["failed"][0]["fixed_by"], "1");
}

#[test]
fn each_new_run_tries_the_checks_of_its_own_tasks() {
    let config = "[verify]\nbaseline = true\ncommands = [[\"sh\", \"-c\", \"echo all >> ledger\"], \
                  [\"sh\", \"-c\", \"echo {id} >> ledger\"], [\"true\", \"{files}\"]]\n\
                  [[override]]\ntasks = [\"2\"]\nverify = [[\"sh\", \"-c\", \"rm -f gone; echo own {spec} >> ledger\"], [\"./gone\"]]\n";
    let project = Project::new().spec("demo", TWO).agent("say_done").config(config);
    program(&project, project.path("gone").to_str().unwrap(), "true");
    let plan = json_of(&project.run(&["plan", "demo", "--json"]).code(0).stdout);
    assert_eq!(plan["baseline"]["commands"][1], json!(["sh", "-c", "rm -f gone; echo own demo >> ledger"]));
    assert_eq!(plan["baseline"]["left_out"][1], json!(["true", "{files}"]));
    let run = project.run(&["run", "--only", "1"]).code(0);
    run.says(&[
        "✓ before any agent works: the check succeeds",
        "not tried: `true {files}`, it is about a task",
    ]);
    assert_eq!(project.ledger(), ["all", "1 1", "all", "1"]);
    project.run(&["run"]).code(2).says(&["1 of 2 checks fail already", "`./gone` cannot start"]);
    assert_eq!(project.ledger()[4..5], ["own demo"]);
    assert_eq!(events(&project, "baseline").len(), 2);
}

#[test]
fn without_a_command_that_can_run_that_is_said_once() {
    let config = "[verify]\nbaseline = true\ncommands = [[\"true\", \"{id}\"]]\n";
    let project = Project::new().spec("demo", TWO).agent("say_done").config(config);
    let run = project.run(&["run"]).code(0);
    assert_eq!(run.stdout.matches("no check could be tried").count(), 1, "{}", run.stdout);
    let none = Project::new().spec("demo", TWO).agent("say_done").config("[verify]\nbaseline = true\n");
    let run = none.run(&["run"]).code(0);
    assert!(!run.stdout.contains("before any agent"), "{}", run.stdout);
    assert_eq!(none.state("demo")["baseline"], Value::Null);
}

#[test]
fn what_the_checks_change_is_put_back_and_in_no_commit() {
    let agent = format!("cat lock > seen; {WRITES}");
    let config = "[verify]\nbaseline = true\ncommands = [[\"sh\", \"-c\", \"echo changed > lock; echo new > report.txt\"]]\n";
    let project = repo(&agent, config);
    project.write("lock", "as it was\n");
    git(&project, &["add", "lock"]);
    git(&project, &["commit", "-q", "-m", "lock"]);
    let run = project.run(&["run", "--only", "1"]).code(0);
    run.says(&["the checks changed files, which were put back: lock, report.txt"]);
    assert_eq!(project.read("seen"), "as it was\n");
    // the check after the task changed them, too, and that belongs to the task
    assert_eq!(
        git(&project, &["show", "--format=", "--name-only", "HEAD"]),
        ".kiro/specs/demo/tasks.md\nlock\nmade-1\nreport.txt\nseen"
    );
    assert_eq!(left(&project), "");
    project.run(&["run"]).code(0);
    assert_eq!(subjects(&project).len(), 4);
}

/// Waits in its first call, after it changed a file.
const WAITS: &str = "[verify]\nbaseline = true\ncommands = [[\"sh\", \"check.sh\"]]\n";
/// A test that waits for its line may end it from then on: so the line comes last.
const CHECK: &str = "mkdir once 2>/dev/null; first=$?; echo changed > lock; echo checking >> ledger\n\
                     if [ $first = 0 ]; then until read -r _ < gate; do :; done; fi\n";

fn waiting(more: &str) -> Project {
    let project = repo(WRITES, &format!("{WAITS}{more}"));
    project.write("lock", "as it was\n");
    project.write("check.sh", CHECK);
    project.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\nonce\n");
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-q", "-m", "checks"]);
    project
}

#[test]
fn a_kill_during_the_checks_begins_them_again_and_keeps_the_tree() {
    let project = waiting("");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["status"]).code(0).says(&["before any agent works: checking the tree with 1 command for"]);
    run.signal(Signal::KILL);
    run.wait().code(137);
    let next = project.run(&["run"]).code(0);
    next.says(&["checks of the last run were stopped, and what they changed was put back: lock"]);
    assert_eq!(project.alive_with("check.sh"), []);
    assert_eq!(project.ledger()[..3], ["checking", "checking", "1 1"]);
    assert_eq!(subjects(&project)[2..], ["1: First thing", "2: Second thing"]);
    assert_eq!(left(&project), "");
}

#[test]
fn a_request_to_stop_ends_the_checks_and_starts_no_agent() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 143)] {
        let project = waiting("");
        let run = project.start(&["run"]);
        project.wait_for_ledger(1);
        run.signal(signal);
        run.wait().code(code);
        assert_eq!(project.ledger(), ["checking"]);
        assert_eq!(events(&project, "baseline").len(), 0);
        project.run(&["run"]).code(0);
        assert_eq!(project.alive_with("check.sh"), []);
        assert_eq!(left(&project), "");
        assert_eq!(project.ledger()[..3], ["checking", "checking", "1 1"]);
    }
}

#[test]
fn stop_and_the_end_of_the_time_end_the_checks() {
    let project = waiting("");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["stop", "--now"]).code(0);
    run.wait().code(143);
    assert_eq!(project.alive_with("check.sh"), []);
    let project = waiting("");
    project.run(&["run", "--for", "3s"]).code(1).says(&["the time is up"]);
    assert_eq!(project.ledger(), ["checking"]);
    project.run(&["run"]).code(0);
}

#[test]
fn a_pause_during_the_checks_holds_back_the_first_agent() {
    let project = waiting("");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["pause"]).code(0);
    project.release();
    run.wait_for("paused");
    assert_eq!(project.ledger(), ["checking"]);
    project.run(&["resume", "--now"]).code(0);
    run.wait().code(0);
    assert_eq!(events(&project, "baseline").len(), 1);
}

#[test]
fn a_check_that_takes_too_long_is_a_failure_and_the_run_continues() {
    let config = "[verify]\ntimeout = \"200ms\"\nbaseline = true\ncommands = [[\"sh\", \"-c\", \"test -e fixed || exec sleep 600\"]]\n";
    let project = Project::new().spec("demo", ONE).agent("touch fixed; say_done").config(config);
    project.run(&["run"]).code(0).says(&["the check fails already", "timed out: over its time limit"]);
    assert_eq!(project.alive_with("sleep 600"), []);
}

#[test]
fn a_template_of_the_users_own_gets_the_failures_at_its_end() {
    let project = Project::new().spec("demo", ONE).agent("cat > prompt; touch fixed; say_done");
    let project = project
        .file("own.j2", "Do {{ unit.id }}.\n")
        .config(&format!("{BROKEN}[prompt]\ntemplate = \"own.j2\"\n"));
    project.run(&["run"]).code(0);
    let prompt = project.read("prompt");
    assert!(
        prompt.contains("failed already before any agent worked") && prompt.contains("> broken since May"),
        "{prompt}"
    );
}

#[test]
fn in_a_tree_of_its_own_the_checks_run_there_after_its_setup() {
    let config = "worktree_setup = [[\"touch\", \"prepared\"]]\n[verify]\nbaseline = true\n\
                  commands = [[\"sh\", \"-c\", \"test -e prepared && pwd >> $TEST_PROJECT/ledger\"]]\n";
    let project = repo(WRITES, config);
    project.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\nprepared\n");
    let trees = project.outside().join("trees");
    let project = project.env("SEQORCH_GIT__WORKTREE_DIR", trees.to_str().unwrap());
    project.run(&["run", "--worktree"]).code(0).says(&["✓ before any agent works: the check succeeds"]);
    let there = fs::canonicalize(trees.join("demo")).unwrap();
    assert_eq!(project.ledger()[0], there.to_str().unwrap());
    assert!(!project.path(".seqorch").exists());
}

#[test]
fn in_tmux_the_checks_have_a_window() {
    let Some(project) = Project::new().spec("demo", ONE).agent("say_done").config(WAITS).tmux() else {
        return;
    };
    project.write("check.sh", CHECK);
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    wait_until("the window", || {
        project.windows("sequential-demo").iter().any(|name| name.ends_with("baseline"))
    });
    project.release();
    run.wait().code(0);
    project.run(&["logs"]).code(0).says(&["TASK_DONE"]);
}
