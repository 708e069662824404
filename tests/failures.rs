//! Attempts that fail: retries, `on_failure`, and what the next prompt says.

use std::time::Instant;

use crate::common::Project;

#[test]
#[ignore = "slow"]
fn a_failing_task_is_retried_with_backoff_and_then_needs_you() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("cat > \"$ROOT/prompt-$SEQORCH_ATTEMPT\"; echo 'segfault in parser'; echo 'boom' >&2; exit 3")
        .config("[retry]\nattempts = 3\nbackoff = \"100ms\"\n");
    let start = Instant::now();
    let output = project.run(&["run"]).code(2);
    assert!(start.elapsed().as_millis() >= 300, "100 ms and 200 ms of backoff");
    output.says(&[
        "next attempt of 1",
        "needs you: task 1 failed, no attempts left",
        "seqorch logs --spec login 1 --attempt 3",
    ]);
    assert_eq!(project.ledger(), ["1 1", "1 2", "1 3"]);
    assert_eq!(project.outcomes("login", "1"), ["failed", "failed", "failed"]);
    assert_eq!(project.state("login")["units"]["1"]["status"], "failed");
    assert!(!project.read("prompt-1").contains("What went wrong before"));
    let prompt = project.read("prompt-2");
    for part in ["What went wrong before", "Attempt 1", "exit code 3", "> segfault in parser", "> boom"] {
        assert!(prompt.contains(part), "{part} is missing in:\n{prompt}");
    }
    // a later run tries it again
    let project = project.agent("say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger()[3..], ["1 4", "2 1"]);
}

#[test]
fn with_skip_independent_tasks_continue_and_dependants_are_blocked() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n  - _Depends: 1_\n- [ ] 3. C\n")
        .agent("[ $SEQORCH_UNIT = 1 ] && exit 1; say_done")
        .config("[run]\non_failure = \"skip\"\n[retry]\nattempts = 2\n");
    project.run(&["run"]).code(2).says(&["needs you: task 1 failed, no attempts left; blocked: 2"]);
    assert_eq!(project.ledger(), ["1 1", "1 2", "3 1"]);
    assert_eq!(project.tasks("login"), "- [ ] 1. A\n- [ ] 2. B\n  - _Depends: 1_\n- [x] 3. C\n");
}

#[test]
fn an_end_without_signal_is_retried_with_the_reason_in_the_prompt() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("cat > \"$ROOT/prompt-$SEQORCH_ATTEMPT\"; echo halfway; [ $SEQORCH_ATTEMPT = 1 ] || say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.outcomes("login", "1"), ["no_signal", "done"]);
    let prompt = project.read("prompt-2");
    assert!(prompt.contains("ended without TASK_DONE") && prompt.contains("> halfway"), "{prompt}");
}

#[test]
fn a_session_that_cannot_continue_is_never_resumed_again() {
    let agent = r#"[ -n "$1" ] && { echo "No conversation found with session ID: $1" >&2; exit 1; }
        echo '{"type":"system","subtype":"init","session_id":"S","cwd":"/","model":"m"}'
        echo '{"type":"assistant","session_id":"S","message":{"id":"m","role":"assistant","model":"m","content":[{"type":"text","text":"I did something."}]}}'
        echo '{"type":"result","subtype":"success","is_error":false,"session_id":"S","result":""}'"#;
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(agent);
    let project = project.config("[backend.fake]\noutput = \"claude\"\nresume = [\"{session}\"]\n");
    project.run(&["run"]).code(2).says(&["failed, no attempts left"]);
    let kinds = project.outcomes("login", "1");
    // its only session is asked for the signal once
    assert_eq!(kinds, ["no_signal", "failed", "no_signal", "no_signal"]);
}
