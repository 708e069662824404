//! The event log and `run --json`.

use serde_json::Value;

use crate::common::Project;
use crate::hooks::{TWO, lines};

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["event"].as_str().unwrap()).filter(|name| *name != "waiting").collect()
}

#[test]
fn run_json_prints_exactly_the_events_of_the_log() {
    let project = Project::new().spec("login", TWO).agent("echo some text; say_done");
    let out = project.run(&["run", "--json"]).code(0);
    let events = lines(&out.stdout);
    assert_eq!(
        names(&events),
        ["run_started", "step_started", "step_ended", "step_started", "step_ended", "run_ended"]
    );
    assert!(out.stdout.lines().all(|line| line.starts_with("{\"v\":1,\"at\":\"")), "{}", out.stdout);
    assert_eq!(out.stdout, project.read(".seqorch/login/events.jsonl"));
}

#[test]
fn a_second_run_appends_to_the_same_log() {
    let project = Project::new()
        .spec("login", TWO)
        .agent("[ $SEQORCH_UNIT = 2 ] && [ ! -e ok ] && { say_halt; exit; }; say_done");
    project.run(&["run"]).code(2);
    project.write("ok", "");
    project.run(&["resume", "--answer", "yes"]).code(0);
    let log = lines(&project.read(".seqorch/login/events.jsonl"));
    assert_eq!(names(&log).iter().filter(|name| **name == "run_ended").count(), 2);
    let again = log.iter().rfind(|event| event["event"] == "step_started").unwrap();
    assert_eq!((&again["unit"], &again["attempt"]), (&"2".into(), &2.into()));
}
