//! A run that is killed costs nothing.

use rustix::process::Signal;

use crate::common::{Project, kill, wait_until};

fn gated() -> Project {
    Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("[ $SEQORCH_UNIT = 1 ] && gate; say_done")
}

fn kill_and_take_over(project: &Project) {
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    // the state said so before the agent existed
    assert_eq!(project.state("login")["units"]["1"]["status"], "running");
    run.signal(Signal::KILL);
    run.wait().code(137);
    let status = project.run(&["status"]).code(0);
    assert!(status.stdout.contains("`seqorch run` takes it over"), "{}", status.stdout);
    let next = project.start(&["run"]);
    next.wait_for("taking it over");
    project.release();
    next.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
fn a_killed_run_leaves_its_agent_at_work_and_the_next_takes_it_over() {
    kill_and_take_over(&gated());
}

#[test]
fn a_killed_run_leaves_its_window_at_work_and_the_next_takes_it_over() {
    let Some(project) = gated().tmux() else { return };
    kill_and_take_over(&project);
    assert_eq!(project.windows("sequential-login"), ["main", "task-1", "task-2"]);
}

#[test]
fn what_ended_while_no_run_was_there_is_harvested() {
    let project = gated();
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    run.signal(Signal::KILL);
    run.wait().code(137);
    project.release();
    wait_until("the result", || !project.of_attempt("login", "1", 1, "result.json").is_empty());
    wait_until("the attempt's end", || project.alive().is_empty());
    project.run(&["run"]).code(0).says(&["ended while no run was there"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn a_killed_attempt_takes_its_agent_with_it_and_is_lost_not_done() {
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
