//! Agents that run too long, fall silent, or refuse to end.

use std::time::Duration;

use serde_json::json;

use crate::common::Project;

fn times_out(agent: &str, timeout: &str, which: &str) {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent(agent)
        .config(&format!("[timeout]\n{timeout}\n[retry]\nattempts = 1\n"));
    project.run(&["run"]).code(2);
    let state = project.state("login");
    let outcome = &state["units"]["1"]["attempts"][0]["outcome"];
    assert_eq!((&outcome["kind"], &outcome["which"]), (&json!("timed_out"), &json!(which)));
    assert_eq!(project.alive_with("agent.sh"), []);
}

#[test]
fn an_agent_over_its_time_limit_is_ended_even_if_it_talks() {
    times_out("say_done; while :; do echo tick; sleep 0.05; done", "task = \"300ms\"", "total");
}

#[test]
fn an_agent_that_falls_silent_is_ended() {
    times_out("echo hello; gate", "idle = \"300ms\"", "idle");
}

#[test]
#[ignore = "slow"]
fn an_agent_that_hangs_after_its_closing_record_is_ended_and_done() {
    let words = "<promise>TASK_DONE</promise>";
    let agent = format!(
        r#"
echo '{{"type":"system","subtype":"init","session_id":"5f8e","model":"m"}}'
echo '{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{words}"}}]}}}}'
echo '{{"type":"result","subtype":"success","is_error":false,"result":"{words}","session_id":"5f8e"}}'
sleep 4712
"#
    );
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent(&agent)
        .config("[timeout]\nidle = \"3s\"\n[backend.fake]\noutput = \"claude\"\n");
    project.run(&["run"]).code(0).says(&["ended: it did not exit after its closing record, TASK_DONE"]);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
    assert!(project.alive_with("4712").is_empty());
}

#[test]
fn an_agent_that_prints_nothing_is_ended() {
    times_out("gate", "first_output = \"300ms\"", "first_output");
}

#[test]
#[ignore = "slow"]
fn output_moves_the_idle_deadline() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done; say_done")
        .config("[timeout]\nidle = \"1s\"\n[retry]\nattempts = 1\n");
    project.run(&["run"]).code(0);
}

#[test]
#[ignore = "slow"]
fn an_agent_that_ignores_term_is_killed_with_its_grandchildren() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config("[retry]\nattempts = 1\n[timeout]\ntask = \"500ms\"\ngrace = \"200ms\"\n")
        .agent("trap '' TERM; (trap '' TERM; setsid sleep 4713) & while :; do sleep 4713; done");
    let start = std::time::Instant::now();
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["timed_out"]);
    assert_eq!(project.alive(), []);
    assert!(start.elapsed() < Duration::from_secs(30));
}
