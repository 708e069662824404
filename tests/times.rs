//! When steps may start: `--at`, `--until`, `--for`, pauses, and tasks that are skipped during a run. The recipes are those of
//! docs/times.md.

use jiff::{SignedDuration, Timestamp};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::recipes::{recipe, settings_below};
use crate::common::{Project, Running, tasks, wait_until};

const PAGE: &str = include_str!("../docs/times.md");

fn demo(count: usize, agent: &str) -> Project {
    Project::new().spec("login", tasks(count)).agent(agent).env("USER", "ann").env("TZ", "UTC")
}

/// The time of day in so many seconds, in UTC.
fn in_seconds(seconds: i64) -> String {
    (Timestamp::now() + SignedDuration::from_secs(seconds)).strftime("%H:%M:%S").to_string()
}

fn time(value: &Value) -> Timestamp {
    value.as_str().unwrap_or_else(|| panic!("{value}")).parse().unwrap()
}

fn wait(project: &Project) -> Value {
    project.state("login")["run"]["wait"].clone()
}

fn waits_for(project: &Project, what: &str) {
    wait_until(what, || wait(project)["for"] == what);
}

/// The events of a kind.
fn events(project: &Project, kind: &str) -> Vec<Value> {
    let all = project.read(".seqorch/login/events.jsonl");
    let all = all.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|event| event["event"] == kind).collect()
}

/// A run whose agent waits at the gate in its first task.
fn at_the_gate(project: &Project, args: &[&str]) -> Running {
    let run = project.start(args);
    project.wait_for_ledger(1);
    run
}

#[test]
fn a_night_is_planned_and_run_by_the_recipe() {
    let project = demo(3, "say_done");
    let out = recipe(&project, PAGE, "A night");
    out[0].clone().code(0).says(&["23:00: the time to begin (--at)"]);
    out[1].clone().code(0);
    assert_eq!(project.ledger().len(), 3);
}

#[test]
fn the_plan_shows_what_fits_in() {
    let project = demo(3, "say_done");
    // one task that took ten minutes
    project.run(&["run", "--only", "1"]).code(0);
    let path = ".kiro/specs/SEQUENTIAL_STATE.json";
    let mut all: Value = serde_json::from_str(&project.read(path)).unwrap();
    let attempt = &mut all["specs"]["login"]["units"]["1"]["attempts"][0];
    attempt["started_at"] = json!(time(&attempt["ended_at"]) - SignedDuration::from_mins(10));
    project.write(path, all.to_string());
    let (at, until) = (in_seconds(3600), in_seconds(3600 + 300));
    let plan = project.run(&["plan", "--dry-run", "--json", "--at", &at, "--until", &until]).code(0);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let (first, second) = (&plan["timeline"][0], &plan["timeline"][1]);
    assert_eq!(first["held_by"], json!(["the time to begin (--at)"]));
    assert_eq!(time(&first["starts_at"]).strftime("%H:%M:%S").to_string(), at);
    assert_eq!(second["starts_at"], Value::Null);
    assert!(second["held_by"][0].as_str().unwrap().starts_with("the time of the run is up"), "{second}");
    project.run(&["pause"]).code(0);
    project
        .run(&["plan", "--dry-run"])
        .code(0)
        .says(&["not in this run: paused until `seqorch resume login --now`"]);
}

#[test]
fn times_that_make_no_sense_are_refused() {
    let project = demo(1, "say_done");
    for args in [
        &["--at", "25:00"][..],
        &["--until", "soon"],
        &["--for", "0s"],
        &["--until", "07:00", "--for", "1h"],
        &["--until", "2020-01-01T00:00:00Z"],
    ] {
        project.run(&[&["run"], args].concat()).code(64);
    }
    project.run(&["pause", "login", "later"]).code(64);
    assert!(project.ledger().is_empty());
}

#[test]
fn no_step_starts_before_the_time_to_begin() {
    let project = demo(1, "say_done");
    let run = project.start(&["run", "--at", &in_seconds(3)]);
    waits_for(&project, "begin");
    project.run(&["status"]).code(0).says(&["waiting: the time to begin (--at); next step in"]);
    let at = time(&wait(&project)["until"]);
    run.wait().code(0).says(&["the time to begin (--at): next step in"]);
    let state = project.state("login");
    assert!(time(&state["units"]["1"]["attempts"][0]["started_at"]) >= at, "{state}");
    assert_eq!(events(&project, "waiting")[0]["why"], "begin");
    assert!(
        project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md").contains("**Waiting:** the time to begin (--at)")
    );
}

#[test]
fn a_person_does_not_have_to_wait_for_the_time_to_begin() {
    let project = demo(1, "say_done");
    let run = project.start(&["run", "--at", &in_seconds(7200), "--for", "1h"]);
    waits_for(&project, "begin");
    project.run(&["resume", "--now"]).code(0).says(&["stopped waiting (the time to begin (--at))"]);
    run.wait().code(0);
}

#[test]
fn a_run_whose_time_is_up_starts_no_step_and_ends_with_1() {
    let project = demo(2, "gate; say_done");
    let run = at_the_gate(&project, &["run", "--for", "1s"]);
    let until = time(&project.state("login")["run"]["times"]["until"]);
    project.run(&["status"]).code(0).says(&["no step starts after"]);
    wait_until("the time", || Timestamp::now() > until);
    project.release();
    run.wait().code(1).says(&["login ── the time is up, tasks are left", "✓ task 1"]);
    assert_eq!(project.state("login")["run"]["end"], json!({ "why": "time_up" }));
    assert_eq!(project.ledger(), ["1 1"]);
    // the time was that of the run alone
    let next = project.start(&["run", "--retry"]);
    project.wait_for_ledger(2);
    project.release();
    next.wait().code(0);
}

#[test]
fn a_hard_stop_ends_the_agent_and_costs_no_attempt() {
    let project = demo(2, "[ $SEQORCH_ATTEMPT = 1 ] && gate; say_done")
        .config(&format!("{}[retry]\nattempts = 1\n", settings_below(PAGE, "A night")));
    let run = at_the_gate(&project, &["run", "--for", "1s"]);
    run.wait().code(1).says(&["ending the agent", "the time is up"]);
    assert_eq!(project.outcomes("login", "1"), ["cancelled"]);
    let attempt = project.state("login")["units"]["1"]["attempts"][0].clone();
    assert_eq!((&attempt["counts"], &attempt["outcome"]["by"]), (&json!(false), &json!("time_up")));
    // no person stopped it
    let why = "stopped: the time of the run was up";
    assert_eq!(events(&project, "step_ended")[0]["says"], why);
    let said = project.run(&["report"]).code(0).says(&[why]).stdout;
    assert!(!said.contains("stopped by you"), "{said}");
    let next = project.start(&["run", "--only", "1"]);
    next.wait().code(0);
    assert_eq!(project.outcomes("login", "1"), ["cancelled", "done"]);
    assert_eq!(project.ledger(), ["1 1", "1 2"]);
}

#[test]
fn a_hard_stop_that_a_kill_cut_off_is_not_taken_for_a_persons() {
    // the agent ends only some time after TERM
    let project = demo(1, "[ $SEQORCH_ATTEMPT = 1 ] && { trap 'note term; gate; exit 1' TERM; until false; do sleep 0.05; done; }; say_done")
        .config("[run]\nhard_stop = true\n[retry]\nattempts = 1\n[timeout]\ngrace = \"40s\"\n");
    let run = at_the_gate(&project, &["run", "--for", "1s"]);
    project.wait_for_ledger(2);
    run.signal(Signal::KILL);
    run.wait().code(137).says(&["ending the agent"]);
    assert_eq!(project.state("login")["run"]["ends_agent"], true);
    project.release();
    project.run(&["run", "--all"]).code(0);
    let attempts = project.state("login")["units"]["1"]["attempts"].clone();
    assert_eq!((&attempts[0]["counts"], &attempts[0]["outcome"]["by"]), (&json!(false), &json!("time_up")));
    assert_eq!(events(&project, "step_ended")[0]["says"], "stopped: the time of the run was up");
    assert_eq!(project.outcomes("login", "1"), ["cancelled", "done"]);
}

#[test]
fn an_answer_keeps_the_end_of_the_night() {
    let project = demo(2, "[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && { say_halt; exit; }; gate; say_done");
    project.run(&["run", "--until", &in_seconds(7200)]).code(2);
    let resumed = project.start(&["resume", "--answer", "A"]);
    project.wait_for_ledger(2);
    let until = time(&project.state("login")["run"]["times"]["until"]);
    assert!(resumed.complaints().contains(&format!("--until={until}")), "{}", resumed.complaints());
    assert!(until > Timestamp::now() + SignedDuration::from_hours(1));
    resumed.signal(Signal::KILL);
    resumed.wait().code(137);
}

#[test]
fn a_pause_without_a_run_is_ended_by_the_recipe() {
    let project = demo(2, "say_done");
    let out = recipe(&project, PAGE, "A pause");
    out[0].clone().code(0).says(&["login: paused until", "no run is active, and the next one waits"]);
    out[1].clone().code(0).says(&["paused by ann until", "a new run waits, too"]);
    out[2].clone().code(0);
    assert_eq!(project.ledger().len(), 2);
    assert_eq!(project.state("login")["pause"], Value::Null);
}

#[test]
fn a_pause_lasts_over_a_kill_and_a_new_run() {
    let project = demo(2, "gate; say_done");
    let run = at_the_gate(&project, &["run"]);
    project
        .run(&["pause"])
        .code(0)
        .says(&["the run pauses after task 1, until `seqorch resume login --now`"]);
    project.run(&["status"]).code(0).says(&["paused by ann", "the run pauses before its next step"]);
    project.release();
    waits_for(&project, "pause");
    run.wait_for("paused by ann: next step after `seqorch resume login --now`");
    let json = project.run(&["status", "--json"]).code(0);
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["waiting_for"], &json["waiting_until"]), (&json!("paused by ann"), &Value::Null));
    assert_eq!(json["paused"]["by"], "ann");
    run.signal(Signal::KILL);
    run.wait().code(137);
    project.run(&["status"]).code(0).says(&["paused by ann"]);
    let next = project.start(&["run"]);
    next.wait_for("paused by ann: next step after `seqorch resume login --now`");
    assert_eq!(project.ledger(), ["1 1"]);
    project.run(&["resume", "--now"]).code(0).says(&["stopped waiting (paused by ann)"]);
    project.wait_for_ledger(2);
    project.release();
    next.wait().code(0).says(&["a person ended the pause"]);
    assert_eq!(events(&project, "paused")[0]["by"], "ann");
    assert_eq!(events(&project, "waiting")[0]["why"], "pause");
    assert_eq!(events(&project, "resumed").len(), 1);
    let log = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(
        log.contains("**Waiting:** paused by ann") && log.contains("**A person:** ann paused the run"),
        "{log}"
    );
}

#[test]
fn a_pause_with_a_time_ends_by_itself() {
    let project = demo(2, "[ $SEQORCH_UNIT = 1 ] && gate; say_done");
    let run = at_the_gate(&project, &["run"]);
    project.run(&["pause", "2s"]).code(0).says(&["the run pauses after task 1, until 20"]);
    let asked = Timestamp::now();
    project.release();
    run.wait().code(0);
    let started = time(&project.state("login")["units"]["2"]["attempts"][0]["started_at"]);
    assert!(started >= asked + SignedDuration::from_millis(1500), "{started} after {asked}");
    assert_eq!(project.state("login")["pause"], Value::Null);
}

#[test]
fn a_task_is_skipped_while_a_run_is_at_work() {
    let project = demo(4, "[ $SEQORCH_UNIT = 1 ] && gate; say_done");
    let run = at_the_gate(&project, &["run"]);
    project
        .run(&["mark", "2", "skip"])
        .code(0)
        .says(&["2 of login: skipped, before the next step of the run"]);
    project.run(&["mark", "1", "skip"]).code(75).says(&["an agent works on task 1", "stop --now"]);
    project.run(&["mark", "3", "done"]).code(75);
    project.run(&["pause"]).code(0);
    project.release();
    waits_for(&project, "pause");
    // a run in a pause takes it at once
    project.run(&["mark", "Task 4", "skip"]).code(0);
    wait_until("the skipped tasks", || project.state("login")["skipped"] == json!(["2", "4"]));
    project.run(&["resume", "--now"]).code(0);
    run.wait().code(0).says(&["✎ skipped, as a person asked: 2", "✎ skipped, as a person asked: 4"]);
    assert_eq!(project.ledger(), ["1 1", "3 1"]);
    assert_eq!(events(&project, "skipped").len(), 2);
    assert_eq!(std::fs::read_dir(project.kept("login").join(".requests")).unwrap().count(), 0);
}

#[test]
fn keys_of_the_live_view_write_a_note_pause_and_skip() {
    let Some(project) = demo(3, "[ $SEQORCH_UNIT = 1 ] && gate; say_done").tmux() else { return };
    let main = "=sequential-login:main";
    let shows = |part: &str| {
        wait_until(part, || project.ask_tmux(&["capture-pane", "-p", "-t", main]).contains(part));
    };
    let press = |keys: &[&str]| project.ask_tmux(&[&["send-keys", "-t", main], keys].concat());
    let run = at_the_gate(&project, &["run"]);
    shows("▶ 1  Task 1");
    press(&["p"]);
    shows("the run pauses after task 1");
    shows("running, pausing after this step");
    press(&["j", "n"]);
    shows("note for the agent of task 2: ");
    press(&["-l", "Mind the cat."]);
    press(&["Enter"]);
    shows("task 2: the note is pending");
    press(&["j", "s"]);
    shows("skip task 3? y n");
    press(&["y"]);
    shows("3 of login: skipped, before the next step of the run");
    project.release();
    shows("seqorch · login · paused");
    press(&["p"]);
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert!(project.of_attempt("login", "2", 1, "prompt.md").contains("> Mind the cat."));
}
