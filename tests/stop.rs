//! `seqorch stop`: what it ends, what it leaves alone, and what it says.

use rustix::process::Signal;

use crate::common::git::{git, init};
use crate::common::{Project, kill, wait_until};

fn two_steps(agent: &str) -> Project {
    Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent(agent)
}

fn stops_after_the_step(project: &Project) {
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let stop = project.start(&["stop"]);
    stop.wait_for("asked to stop after task 1 (attempt 1)");
    run.wait_for("stopping after this step");
    // a second request changes nothing
    let again = project.start(&["stop"]);
    again.wait_for("waiting for its end");
    project.release();
    run.wait().code(130);
    stop.wait().code(0).says(&["the run has ended; 1 step is left"]);
    again.wait().code(0);
    assert_eq!(project.ledger(), ["1 1"]);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
    project.run(&["stop"]).code(0).says(&["nothing is running"]);
}

#[test]
fn stop_lets_the_step_finish_and_waits_for_the_run() {
    stops_after_the_step(&two_steps("gate; say_done"));
}

#[test]
fn stop_lets_the_step_finish_in_its_window() {
    let Some(project) = two_steps("gate; say_done").tmux() else { return };
    stops_after_the_step(&project);
}

#[test]
fn a_request_to_stop_also_ends_the_snapshot_after_an_agent() {
    let project = two_steps("echo x > made.h; say_done")
        .config("[git]\ncommit = \"step\"\n")
        .file(".gitattributes", "*.h filter=slow\n");
    init(&project);
    git(&project, &["config", "filter.slow.clean", "sleep 4737; cat"]);
    let run = project.start(&["run"]);
    wait_until("the filter", || !project.alive_with("sleep 4737").is_empty());
    run.signal(Signal::TERM);
    // git's own deadline is a minute
    run.wait().code(143);
    assert!(project.alive_with("sleep 4737").is_empty(), "{:?}", project.alive());
    git(&project, &["config", "filter.slow.clean", "cat"]);
    project.run(&["run"]).code(0).says(&["all complete"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_eq!(git(&project, &["log", "--format=%s", "--", "made.h"]), "1: A");
}

fn stops_now(project: &Project) {
    let run = project.start(&["run"]);
    wait_until("both sleepers", || project.alive_with("sleep 4731").len() >= 2);
    project.run(&["stop", "--now"]).code(0).says(&["the run has ended, and task 1 (attempt 1) with it"]);
    run.wait().code(143);
    assert!(project.alive_with("sleep 4731").is_empty() && project.alive_with("__attempt").is_empty());
    // ended by the user: it costs no attempt
    assert_eq!(project.state("login")["units"]["1"]["status"], "todo");
    project.write("agent.sh", "echo '<promise>TASK_DONE</promise>'");
    project.run(&["run"]).code(0);
    assert_eq!(project.outcomes("login", "1"), ["cancelled", "done"]);
}

#[test]
fn stop_now_ends_the_run_and_the_agent_with_all_its_processes() {
    stops_now(&two_steps("setsid sleep 4731 & sleep 4731"));
}

#[test]
fn stop_now_ends_the_run_and_the_agent_in_its_window() {
    let Some(project) = two_steps("setsid sleep 4731 & sleep 4731").tmux() else { return };
    stops_now(&project);
}

#[test]
fn stop_ends_a_detached_run() {
    let Some(project) = two_steps("sleep 4732").tmux() else { return };
    project.run(&["run", "--detach"]).code(0);
    project.wait_for_ledger(1);
    project.run(&["stop", "--now"]).code(0).says(&["the run has ended, and task 1"]);
    assert!(project.alive_with("__attempt").is_empty() && project.alive_with("sleep 4732").is_empty());
    project.run(&["stop"]).code(0).says(&["nothing is running"]);
}

fn ends_an_orphan(project: &Project) {
    let run = project.start(&["run"]);
    wait_until("both sleepers", || project.alive_with("sleep 4733").len() >= 2);
    run.signal(Signal::KILL);
    run.wait().code(137);
    // a plain stop ends nothing: there is no run that it could ask
    project.run(&["stop"]).code(0).says(&["no run is active", "task 1 (attempt 1)", "--now"]);
    assert_eq!(project.alive_with("sleep 4733").len(), 2);
    project.run(&["stop", "--now"]).code(0).says(&["task 1 (attempt 1) worked without a run"]);
    assert!(project.alive_with("sleep 4733").is_empty() && project.alive_with("__attempt").is_empty());
    project.write("agent.sh", "echo '<promise>TASK_DONE</promise>'");
    project.run(&["run"]).code(0);
    assert_eq!(project.outcomes("login", "1"), ["cancelled", "done"]);
}

#[test]
fn stop_now_ends_an_agent_whose_run_was_killed() {
    ends_an_orphan(&two_steps("setsid sleep 4733 & sleep 4733"));
}

#[test]
fn stop_now_ends_an_agent_in_its_window_whose_run_was_killed() {
    let Some(project) = two_steps("setsid sleep 4733 & sleep 4733").tmux() else { return };
    ends_an_orphan(&project);
}

#[test]
fn stop_now_ends_what_a_killed_attempt_left() {
    let project = two_steps("setsid sleep 4734 & setsid sleep 4734 & wait");
    let run = project.start(&["run"]);
    wait_until("both sleepers", || project.alive_with("sleep 4734").len() >= 2);
    run.signal(Signal::KILL);
    run.wait().code(137);
    kill(project.alive_with("__attempt")[0].0, Signal::KILL);
    wait_until("its end", || project.alive_with("__attempt").is_empty());
    project.run(&["stop", "--now"]).code(0).says(&["was ended"]);
    assert_eq!(project.alive(), []);
    assert_eq!(project.outcomes("login", "1"), ["none"]);
}

#[test]
fn stop_during_a_delay_ends_the_run_at_once() {
    let project = two_steps("say_done").config("[run]\ndelay = \"1h\"\n");
    let run = project.start(&["run"]);
    run.wait_for("next step in 1h");
    project.run(&["stop"]).code(0).says(&["the run has ended; 1 step is left"]);
    run.wait().code(130);
}

#[test]
fn stop_of_a_suspended_run_says_so_and_works_once_it_continues() {
    let project = two_steps("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    run.signal(Signal::STOP);
    wait_until("its stop", || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", run.pid())).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().starts_with('T')
    });
    let stop = project.start(&["stop"]);
    stop.wait_for("it is suspended");
    run.signal(Signal::CONT);
    project.release();
    run.wait().code(130);
    stop.wait().code(0);
    assert_eq!(project.ledger(), ["1 1"]);
}

#[test]
fn stop_now_ends_a_suspended_run() {
    let project = two_steps("sleep 4735");
    let run = project.start(&["run"]);
    wait_until("the sleeper", || !project.alive_with("sleep 4735").is_empty());
    run.signal(Signal::STOP);
    project.run(&["stop", "--now"]).code(0).says(&["the run has ended"]);
    run.wait().code(143);
    assert_eq!(project.alive(), []);
}

#[test]
fn an_agent_that_stops_its_own_run_does_not_wait_for_itself() {
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let project = two_steps(&format!("'{exe}' stop > \"$ROOT/printed\"; say_done"));
    project.run(&["run"]).code(130);
    assert!(project.read("printed").contains("asked to stop after task 1"), "{}", project.read("printed"));
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
fn stop_during_a_specs_last_step_starts_no_further_spec() {
    let project = Project::new().spec("a", "- [ ] 1. A\n").spec("b", "- [ ] 1. B\n").agent("gate; say_done");
    let run = project.start(&["run", "a", "b"]);
    project.wait_for_ledger(1);
    let stop = project.start(&["stop", "a"]);
    stop.wait_for("asked to stop");
    run.wait_for("stopping after this step");
    project.release();
    run.wait().code(130);
    stop.wait().code(0).says(&["no step is left"]);
    assert_eq!(project.ledger(), ["1 1"]);
    assert!(project.state("b").is_null());
}

#[test]
fn a_run_is_refused_while_an_unknown_agent_works_on_the_spec() {
    let project = two_steps("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    run.signal(Signal::KILL);
    run.wait().code(137);
    // the user removes the state file while the agent works
    std::fs::remove_file(project.path(".kiro/specs/SEQUENTIAL_STATE.json")).unwrap();
    project.run(&["run"]).code(75).says(&["does not know", "stop --now"]);
    project.run(&["stop", "--now"]).code(0).says(&["was ended"]);
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    project.release();
    project.wait_for_ledger(3);
    project.release();
    run.wait().code(0);
}
