//! Two runs at once: of one spec, of two specs, from two projects.

use std::fs;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::json;

use crate::common::{Project, wait_until};
use crate::kills::{Way, project};

#[test]
fn a_second_run_of_a_spec_exits_with_75_and_names_the_first() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("gate; say_done");
    let first = project.start(&["run"]);
    project.wait_for_ledger(1);
    let process = format!("process {}", first.pid());
    project.run(&["run"]).code(75).says(&[&process, "specs/login"]);
    let when = project.run(&["when"]).code(0).says(&[&process]);
    assert_eq!(when.stdout, "later\n");
    project.run(&["specs", "--json", "--open"]).code(0).says(&["\"start\": \"later\"", &process]);
    project.release();
    first.wait().code(0);
    assert_eq!(project.ledger(), ["1 1"]);
}

#[test]
fn a_second_run_of_a_spec_waits_for_its_turn_where_it_is_asked_to() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("gate; say_done");
    let first = project.start(&["run", "--only", "1"]);
    project.wait_for_ledger(1);
    let stopped = project.start(&["run", "--all", "--wait"]);
    let ended = project.start(&["run", "--all", "--wait"]);
    let second = project.start(&["run", "--all", "--wait"]);
    let has_it = format!("process {}", first.pid());
    for waits in [&stopped, &ended, &second] {
        wait_until("a note of the wait", || {
            let said = waits.complaints();
            said.contains("waiting for another run, which has the spec") && said.contains(&has_it)
        });
    }
    stopped.signal(Signal::INT);
    let stopped = stopped.wait().code(130);
    assert!(stopped.stderr.contains("stopped while waiting for another run"), "{stopped:?}");
    ended.signal(Signal::TERM);
    ended.wait().code(143).says(&["stopped while waiting for another run"]);
    assert_eq!(project.ledger(), ["1 1"]);
    project.release();
    first.wait().code(0);
    project.wait_for_ledger(2);
    project.release();
    second.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn a_refused_second_run_names_process_host_start_and_spec() {
    let Some(project) = project(Way::Plain) else { return };
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    let lock: serde_json::Value = serde_json::from_str(&project.read(".seqorch/login/run.lock")).unwrap();
    let since: jiff::Timestamp = lock["started_at"].as_str().unwrap().parse().unwrap();
    let since =
        since.to_zoned_datetime(jiff::tz::TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S").to_string();
    let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap();
    let pid = format!("process {}", run.pid());
    project.run(&["run"]).code(75).says(&[&pid, host.trim(), &since, ".kiro/specs/login"]);
    // commands that only read need no lock
    project.run(&["status"]).code(0).says(&["running", &pid]);
    project.run(&["plan", "--dry-run"]).code(0).says(&["A", "B"]);
    project.run(&["logs"]).code(0);
    project.release();
    run.wait().code(0);
}

#[test]
fn the_lock_of_a_dead_run_is_free_at_once() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").config("[run]\ndelay = \"1h\"\n");
    let run = project.start(&["run"]);
    run.wait_for("next step in 1h");
    run.signal(Signal::KILL);
    run.wait().code(137);
    let start = Instant::now();
    project.run(&["run"]).code(0);
    assert!(start.elapsed() < Duration::from_secs(20), "a run does not wait before its first step");
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
#[ignore = "slow"]
fn two_specs_that_share_a_state_file_run_at_once_and_lose_nothing() {
    const STEPS: usize = 25;
    let tasks: Vec<_> = (1..=STEPS).map(|n| format!("- [ ] {n}. Task {n}\n")).collect();
    let project = Project::new().spec("a", tasks.concat()).spec("b", tasks.concat());
    let runs = [project.start(&["run", "a"]), project.start(&["run", "b"])];
    for run in runs {
        run.wait().code(0);
    }
    let all: Vec<String> = (1..=STEPS).map(|n| n.to_string()).collect();
    for spec in ["a", "b"] {
        assert_eq!(project.state(spec)["completed"], json!(all));
        assert_eq!(project.state(spec)["units"]["25"]["attempts"].as_array().map(Vec::len), Some(1));
    }
    assert_eq!(project.ledger().len(), 2 * STEPS);
}

#[test]
fn a_run_of_the_same_spec_from_another_project_is_refused() {
    let Some(project) = project(Way::Plain) else { return };
    project.write("inner/seqorch.toml", project.read("seqorch.toml"));
    project.write("inner/agent.sh", project.read("agent.sh"));
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    let spec = project.path(".kiro/specs/login");
    let other = project.run(&["-C", "inner", "run", spec.to_str().unwrap()]).code(75);
    assert!(other.stderr.contains("another project"), "{}", other.stderr);
    project.release();
    run.wait().code(0);
}
