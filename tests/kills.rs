//! Every signal, every kill and every way to close a window, with and without tmux: nothing is left alive, and the next
//! run continues.

use std::fs;

use rustix::process::Signal;
use serde_json::json;

use crate::common::{Project, kill, wait_until};

/// The first attempt of task 1 starts a process in a session of its own and waits; all other attempts are quick.
pub(crate) const AGENT: &str =
    "[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && { setsid sleep 4771 & note waits; gate; }; say_done";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Plain,
    Windows,
    Detached,
}

pub(crate) fn project(way: Way) -> Option<Project> {
    let project = Project::new();
    let project = if way == Way::Plain { project } else { project.tmux()? };
    Some(project.spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent(AGENT))
}

/// What becomes of the agent that works when the event happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agent {
    /// It is ended with all its processes.
    Ended,
    /// It works on without a run; the next run takes it over.
    WorksOn,
    /// It finishes, and its run ends after it.
    Finishes,
}

/// Makes `event` happen in the middle of the first step, then checks the exit code of the run (`None`: it completes), the
/// agent, and the next run.
#[track_caller]
fn happens(way: Way, event: &dyn Fn(&Project, i32), code: Option<i32>, agent: Agent, outcomes: &[&str]) {
    let Some(project) = project(way) else { return };
    let detach: &[&str] = if way == Way::Detached { &["run", "--detach"] } else { &["run"] };
    let run = project.start(detach);
    project.wait_for_ledger(2);
    wait_until("the sleeper", || !project.alive_with("sleep 4771").is_empty());
    let pid = project.run_pid();
    event(&project, pid);
    if agent == Agent::Finishes {
        run.wait_for("stopping after this step");
        project.release();
    }
    match way {
        Way::Detached => {
            run.wait().code(0);
            wait_until("the end of the run", || !project.alive().iter().any(|(p, _)| *p == pid));
        }
        _ => drop(run.wait().code(code.unwrap_or(0))),
    }
    if agent == Agent::WorksOn {
        let status = project.run(&["status"]).code(0);
        assert!(status.stdout.contains("takes it over"), "{}", status.stdout);
        let next = project.start(&["run"]);
        next.wait_for("taking it over");
        project.release();
        next.wait().code(0);
    } else {
        // when run and window were hit together, the processes of the window may end a moment later
        wait_until("the end of all", || project.left_alive().is_empty());
        project.run(&["run"]).code(0);
    }
    wait_until("the end of all", || project.left_alive().is_empty());
    assert_eq!(project.outcomes("login", "1"), outcomes);
    assert_eq!(project.state("login")["completed"], json!(["1", "2"]));
    assert_eq!(project.ledger().iter().filter(|l| *l == "2 1").count(), 1);
}

fn signals(list: &'static [Signal]) -> impl Fn(&Project, i32) {
    move |project, pid| {
        for (n, signal) in list.iter().enumerate() {
            if n > 0 {
                // the kernel merges two equal signals that arrive at once
                wait_until("the first to be handled", || {
                    printed(project).contains("stopping after this step")
                });
            }
            kill(pid, *signal);
        }
    }
}

/// What the runs of the project have printed so far, in files and in the main window.
fn printed(project: &Project) -> String {
    let files = fs::read_dir(project.path(".out")).unwrap().flatten();
    let mut text: String = files.map(|f| fs::read_to_string(f.path()).unwrap_or_default()).collect();
    if project.tmux_server().is_some() {
        text += &project.ask_tmux(&["capture-pane", "-p", "-t", "=sequential-login:main"]);
    }
    text
}

#[test]
#[ignore = "slow"]
fn one_int_lets_the_agent_finish() {
    for way in [Way::Plain, Way::Windows] {
        happens(way, &signals(&[Signal::INT]), Some(130), Agent::Finishes, &["done"]);
    }
}

#[test]
#[ignore = "slow"]
fn two_ints_end_agent_and_run() {
    for way in [Way::Plain, Way::Windows, Way::Detached] {
        happens(way, &signals(&[Signal::INT, Signal::INT]), Some(130), Agent::Ended, &["cancelled", "done"]);
    }
}

#[test]
#[ignore = "slow"]
fn term_ends_agent_and_run() {
    for way in [Way::Plain, Way::Windows, Way::Detached] {
        happens(way, &signals(&[Signal::TERM]), Some(143), Agent::Ended, &["cancelled", "done"]);
    }
}

#[test]
#[ignore = "slow"]
fn hup_ends_the_run_and_leaves_the_agent_to_the_next() {
    for way in [Way::Plain, Way::Windows, Way::Detached] {
        happens(way, &signals(&[Signal::HUP]), Some(143), Agent::WorksOn, &["done"]);
    }
}

#[test]
fn kill_9_of_the_run_leaves_the_agent_to_the_next() {
    for way in [Way::Plain, Way::Windows, Way::Detached] {
        happens(way, &signals(&[Signal::KILL]), Some(137), Agent::WorksOn, &["done"]);
    }
}

#[test]
#[ignore = "slow"]
fn kill_9_of_the_agent_is_a_failed_attempt() {
    let event = |project: &Project, _| kill(project.alive_with("/bin/sh agent.sh")[0].0, Signal::KILL);
    for way in [Way::Plain, Way::Windows, Way::Detached] {
        happens(way, &event, None, Agent::Ended, &["signaled", "done"]);
    }
}

#[test]
#[ignore = "slow"]
fn kill_9_of_an_attempt_ends_its_processes_and_it_is_lost() {
    let event = |project: &Project, _| kill(project.alive_with("__attempt")[0].0, Signal::KILL);
    for way in [Way::Plain, Way::Windows, Way::Detached] {
        happens(way, &event, None, Agent::Ended, &["lost", "done"]);
    }
}

#[test]
#[ignore = "slow"]
fn kill_9_of_run_and_attempt_never_leads_to_two_agents_at_once() {
    let event = |project: &Project, pid| {
        let attempt = project.alive_with("__attempt")[0].0;
        kill(pid, Signal::KILL);
        kill(attempt, Signal::KILL);
        // the kernel ends the agent with its attempt, but not the process in a session of its own;
        // the view in the main window stays
        let left = |line: &str| line.contains("sleep 4771") || line.contains(" __view ");
        wait_until("their end", || project.left_alive().iter().all(|(_, line)| left(line)));
        let run = project.run(&["run"]).code(0);
        assert!(run.stdout.contains("lost"), "{}", run.stdout);
    };
    for way in [Way::Plain, Way::Windows] {
        happens(way, &event, Some(137), Agent::Ended, &["lost", "done"]);
    }
}

#[test]
#[ignore = "slow"]
fn a_closed_window_ends_its_attempt_and_the_run_continues() {
    let event =
        |project: &Project, _| drop(project.ask_tmux(&["kill-window", "-t", "=sequential-login:task-1"]));
    for way in [Way::Windows, Way::Detached] {
        happens(way, &event, None, Agent::Ended, &["cancelled", "done"]);
    }
}

#[test]
#[ignore = "slow"]
fn a_closed_main_window_ends_only_a_detached_run() {
    let event =
        |project: &Project, _| drop(project.ask_tmux(&["kill-window", "-t", "=sequential-login:main"]));
    happens(Way::Detached, &event, None, Agent::WorksOn, &["done"]);
    let Some(project) = project(Way::Windows) else { return };
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    event(&project, 0);
    project.release();
    run.wait().code(0);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
#[ignore = "slow"]
fn a_killed_session_or_server_ends_the_attempt_and_the_run_continues() {
    for verb in [&["kill-session", "-t", "=sequential-login"][..], &["kill-server"]] {
        let event = |project: &Project, _| drop(project.ask_tmux(verb));
        for way in [Way::Windows, Way::Detached] {
            happens(way, &event, None, Agent::Ended, &["cancelled", "done"]);
        }
    }
}

#[test]
#[ignore = "slow"]
fn kill_9_of_the_server_ends_the_attempt_and_the_run_continues() {
    let event = |project: &Project, _| kill(project.tmux_server().unwrap(), Signal::KILL);
    for way in [Way::Windows, Way::Detached] {
        happens(way, &event, None, Agent::Ended, &["cancelled", "done"]);
    }
}
