//! Suspended machines, stopped processes and changed clocks: no timeout counts time asleep, nothing hangs, and nothing is
//! repeated.

use std::path::Path;
use std::time::Duration;

use rustix::process::Signal;

use crate::common::{Project, kill, wait_until};

/// A project whose processes see a wall clock that [`jump`] sets. The monotonic clock is left alone, as in a suspend.
/// `None`, with a note, if libfaketime is missing.
fn with_own_clock() -> Option<Project> {
    let places =
        ["/usr/lib/x86_64-linux-gnu/faketime", "/usr/lib/aarch64-linux-gnu/faketime", "/usr/lib/faketime"];
    let library = places.iter().map(|p| Path::new(p).join("libfaketime.so.1")).find(|p| p.exists());
    let Some(library) = library else {
        crate::common::skipped("libfaketime is not installed");
        return None;
    };
    let project = Project::new();
    let clock = project.path("clock");
    project.write("clock", "+0");
    Some(
        project
            .env("LD_PRELOAD", library)
            .env("FAKETIME_TIMESTAMP_FILE", clock)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
    )
}

/// Sets the wall clock of all processes of the project.
fn jump(project: &Project, by: &str) {
    // in one step, since the processes read the file all the time
    project.write("clock.new", by);
    std::fs::rename(project.path("clock.new"), project.path("clock")).unwrap();
}

#[test]
fn a_wait_ends_soon_after_the_machine_wakes_up() {
    let Some(project) = with_own_clock() else { return };
    let project = project.spec("login", "- [ ] 1. A\n- [ ] 2. B\n").config("[run]\ndelay = \"3h\"\n");
    let run = project.start(&["run"]);
    run.wait_for("next step in 3h");
    jump(&project, "+4h");
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn timeouts_do_not_count_hours_asleep() {
    let Some(project) = with_own_clock() else { return };
    let project = project
        .spec("login", "- [ ] 1. A\n")
        .config("[timeout]\ntask = \"1h\"\nidle = \"30m\"\nfirst_output = \"10m\"\n")
        .agent("gate; echo awake; note awake; gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    jump(&project, "+8h");
    project.release();
    project.wait_for_ledger(2);
    jump(&project, "+16h");
    project.release();
    run.wait().code(0);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
fn setting_the_clock_back_repeats_nothing_and_delays_nothing() {
    let Some(project) = with_own_clock() else { return };
    let project = project
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n")
        .config("[run]\ndelay = \"500ms\"\n")
        .agent("[ $SEQORCH_UNIT = 2 ] && gate; say_done");
    let run = project.start(&["run"]);
    run.wait_for("next step in");
    jump(&project, "-20h");
    project.wait_for_ledger(2);
    jump(&project, "-40h");
    project.release();
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
    project.run(&["run"]).code(0);
    project.run(&["status"]).code(0).says(&["complete"]);
    assert_eq!(project.ledger().len(), 3);
}

/// Stops processes for longer than the idle timeout, as a suspend does, and continues them.
fn asleep(pids: &[i32]) {
    for pid in pids {
        kill(*pid, Signal::STOP);
    }
    std::thread::sleep(Duration::from_secs(4));
    for pid in pids {
        kill(*pid, Signal::CONT);
    }
}

const TICKS: &str = "while [ ! -e \"$ROOT/enough\" ]; do echo tick; sleep 0.05; done; say_done";

fn ticking() -> Project {
    Project::new().spec("login", "- [ ] 1. A\n").agent(TICKS).config("[timeout]\nidle = \"1s\"\n")
}

#[test]
#[ignore = "slow"]
fn a_stopped_attempt_reads_pending_output_before_it_times_out() {
    let project = ticking();
    let run = project.start(&["run"]);
    run.wait_for("tick");
    asleep(&[project.alive_with("__attempt")[0].0]);
    project.write("enough", "");
    run.wait().code(0);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
#[ignore = "slow"]
fn a_suspended_process_tree_continues_as_before() {
    let project = ticking();
    let run = project.start(&["run"]);
    run.wait_for("tick");
    let all: Vec<i32> = project.alive().into_iter().map(|(pid, _)| pid).collect();
    assert!(all.len() >= 3, "run, attempt, agent");
    asleep(&all);
    project.write("enough", "");
    run.wait().code(0);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
fn a_stopped_run_takes_the_result_of_its_agent_when_it_continues() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    run.signal(Signal::STOP);
    project.release();
    wait_until("the result", || !project.of_attempt("login", "1", 1, "result.json").is_empty());
    run.signal(Signal::CONT);
    project.wait_for_ledger(2);
    project.release();
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}
