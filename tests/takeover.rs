//! A run that is killed loses nothing: the next one takes over its agent, or takes the result.

use rustix::process::Signal;

use crate::common::git::init;
use crate::common::{Project, kill, wait_until};

fn gated() -> Project {
    Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("[ $SEQORCH_UNIT = 1 ] && gate; say_done")
}

fn kill_and_take_over(project: &Project) {
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    // the state file had it as running before the agent started
    assert_eq!(project.state("login")["units"]["1"]["status"], "running");
    run.signal(Signal::KILL);
    run.wait().code(137);
    let status = project.run(&["status"]).code(0);
    assert!(status.stdout.contains("--retry` takes it over"), "{}", status.stdout);
    let next = project.start(&["run"]);
    next.wait_for("taking it over");
    project.release();
    next.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
fn the_next_run_takes_over_the_agent_of_a_killed_run() {
    kill_and_take_over(&gated());
}

#[test]
fn a_run_of_another_spec_waits_for_the_agent_of_a_killed_run() {
    let project = gated().spec("logout", "- [ ] 3. C\n").config("[git]\ncommit = \"step\"\n");
    init(&project);
    let run = project.start(&["run", "login"]);
    project.wait_for_ledger(1);
    run.signal(Signal::KILL);
    run.wait().code(137);
    let refused = project.run(&["run", "logout"]).code(75);
    refused.says(&[
        "an agent of login (process ",
        "works in this work tree",
        "`seqorch run login` takes it over",
    ]);
    let next = project.start(&["run", "logout", "--wait"]);
    wait_until("a note of the wait", || next.complaints().contains("waiting for an agent of login"));
    project.release();
    next.wait().code(0);
    project.run(&["run", "login"]).code(0).says(&["ended while there was no run"]);
    assert_eq!(project.ledger(), ["1 1", "3 1", "2 1"]);
}

#[test]
fn the_next_run_takes_over_the_window_of_a_killed_run() {
    let Some(project) = gated().tmux() else { return };
    kill_and_take_over(&project);
    assert_eq!(project.windows("sequential-login"), ["main", "task-1", "task-2"]);
}

/// A run was killed; its attempt then ended and wrote its result.
fn ended_alone() -> Project {
    let project = gated();
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    run.signal(Signal::KILL);
    run.wait().code(137);
    project.release();
    wait_until("the result", || !project.of_attempt("login", "1", 1, "result.json").is_empty());
    wait_until("the attempt's end", || project.alive().is_empty());
    project
}

#[test]
fn a_result_from_the_time_without_a_run_is_taken() {
    let project = ended_alone();
    project.run(&["run"]).code(0).says(&["ended while there was no run"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn a_killed_attempt_ends_its_agent_and_counts_as_lost_not_done() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("if [ $SEQORCH_ATTEMPT = 1 ]; then say_done; setsid sleep 4718 & sleep 4718; fi; say_done");
    let run = project.start(&["run"]);
    wait_until("both sleepers", || project.alive_with("sleep 4718").len() >= 2);
    let (pid, _) = project.alive_with("__attempt")[0].clone();
    kill(pid, Signal::KILL);
    run.wait().code(0).says(&["lost"]);
    assert_eq!(project.outcomes("login", "1"), ["lost", "done"]);
    assert_eq!(project.alive(), []);
}

/// A spec that was done, and whose state file was then removed: the folders of its attempts are still there.
fn state_removed() -> Project {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("say_done");
    project.run(&["run"]).code(0);
    std::fs::remove_file(project.path(".kiro/specs/SEQUENTIAL_STATE.json")).unwrap();
    project.spec("login", "- [ ] 1. A\n")
}

#[test]
fn an_old_result_is_not_taken_after_a_hook_refused_the_start() {
    let project =
        state_removed().config("[hooks]\nrequired = true\nstep_start = [\"test\", \"-e\", \"ready\"]\n");
    project.run(&["run"]).code(2);
    project.write("ready", "");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2"]);
    assert_eq!(project.outcomes("login", "1"), ["cancelled", "done"]);
}

#[test]
fn an_old_result_is_not_taken_after_a_kill_before_the_start() {
    let hook = "[\"sh\", \"-c\", \"read -r _ < gate\"]";
    let project = state_removed().config(&format!("[hooks]\nrequired = true\nstep_start = {hook}\n"));
    let run = project.start(&["run"]);
    wait_until("the state that says so", || project.state("login")["units"]["1"]["status"] == "running");
    run.wait_for("▶ 1 A");
    project.run(&["status"]).code(0).says(&["starting: 1 (attempt 1, fake)"]);
    run.signal(Signal::KILL);
    run.wait().code(137);
    project
        .run(&["status"])
        .code(0)
        .says(&["never started: 1 (attempt 1, fake), `seqorch run login --retry` starts it again"]);
    let project = project.config("");
    let out = project.run(&["run"]).code(0);
    assert!(!out.stdout.contains("taking its result"), "{}", out.stdout);
    assert_eq!(project.ledger(), ["1 1", "1 2"]);
    assert_eq!(project.outcomes("login", "1"), ["cancelled", "done"]);
    // the old attempt's folder is moved away, so that its log is not shown as the new attempt's
    assert!(project.path(".seqorch/login/1/1~1/result.json").exists());
}
