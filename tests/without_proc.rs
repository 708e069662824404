//! Ends of agents on a system without `/proc`, where orphans do not come back and no process dies with its parent (macOS):
//! Linux as such a system, by a variable that debug builds read.

use rustix::process::Signal;

use crate::common::{Project, kill, wait_until};

fn without_proc(agent: &str, config: &str) -> Project {
    Project::new().spec("login", "- [ ] 1. A\n").env("SEQORCH_WITHOUT_PROC", "1").agent(agent).config(config)
}

/// A child, an orphan in the agent's session, one in a group of its own, and a daemon in a session of its own; all of them
/// ignore TERM.
const FAMILY: &str = "trap '' TERM; sleep 4711 & (sleep 4712 &) ; (set -m; sleep 4713 &) ; (setsid sleep 4714 &) ; \
                      wait_for_sleepers() { sleep 0.3; }; wait_for_sleepers";

#[test]
#[ignore = "slow"]
fn a_timeout_ends_children_orphans_and_daemons() {
    let project =
        without_proc(&format!("{FAMILY}; gate"), "[timeout]\ntask = \"2s\"\n[retry]\nattempts = 1\n");
    project.run(&["run"]).code(2).says(&["time limit"]);
    assert_eq!(project.alive(), []);
}

#[test]
fn what_an_agent_leaves_running_is_ended_and_counted() {
    let project = without_proc(&format!("{FAMILY}; say_done"), "");
    project.run(&["run"]).code(0).says(&["4 left-over processes ended"]);
    assert_eq!(project.alive(), []);
}

#[test]
#[ignore = "slow"]
fn stop_now_ends_the_whole_family() {
    let project = without_proc(&format!("{FAMILY}; gate"), "");
    let run = project.start(&["run"]);
    wait_until("the daemon", || !project.alive_with("sleep 4714").is_empty());
    project.run(&["stop", "--now"]).code(0);
    run.wait();
    assert_eq!(project.alive(), []);
}

#[test]
#[ignore = "slow"]
fn the_next_run_ends_what_a_killed_attempt_left() {
    let agent = format!("if [ $SEQORCH_ATTEMPT = 1 ]; then {FAMILY}; gate; fi; say_done");
    let project = without_proc(&agent, "");
    let run = project.start(&["run"]);
    wait_until("the daemon", || !project.alive_with("sleep 4714").is_empty());
    for (pid, _) in project.alive_with("__attempt") {
        kill(pid, Signal::KILL);
    }
    run.wait().code(0);
    assert_eq!((project.ledger().len(), project.alive()), (2, vec![]));
}

#[test]
fn an_agent_is_taken_over_where_there_is_no_proc() {
    let project = without_proc("gate; say_done", "");
    project.next_run_takes_over();
    assert_eq!((project.ledger().len(), project.alive()), (1, vec![]));
}
