//! What a run makes of an agent's output: log, screen, usage, session, result. A fake agent prints the recordings.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::common::{Project, wait_until};
use crate::streams::fixtures;

/// A project whose agent prints a recording and then does what `then` says.
fn project(recording: &str, then: &str) -> Project {
    let bytes = fixtures().into_iter().find(|(_, name, _)| name == recording).unwrap().2;
    let vendor = recording.split('-').next().unwrap();
    Project::new()
        .spec("login", "- [ ] 1. A\n")
        .file("stream.jsonl", bytes)
        .config(&format!("[backend.fake]\noutput = \"{vendor}\"\n[retry]\nattempts = 2\n"))
        .agent(&format!("cat \"$ROOT/stream.jsonl\"; {then}"))
}

fn result(project: &Project) -> serde_json::Value {
    serde_json::from_str(&project.of_attempt("login", "1", 1, "result.json")).unwrap()
}

#[test]
fn the_log_keeps_the_bytes_and_the_screen_shows_their_meaning() {
    let project = project("claude-tool", "");
    let run = project.run(&["run"]).code(0);
    let bytes = project.read("stream.jsonl");
    assert_eq!(project.of_attempt("login", "1", 1, "output.jsonl"), bytes);
    let logs = project.run(&["logs"]).code(0).stdout;
    for text in [&run.stdout, &logs] {
        assert!(text.contains("▸ Bash echo hi > out.txt\n") && !text.contains("tool_use_id"), "{text}");
        assert!(text.contains("282 tokens in (14 cached), 90 out, $0.0022"), "{text}");
    }
    assert_eq!(project.run(&["logs", "--raw"]).code(0).stdout, bytes);
    let result = result(&project);
    assert_eq!((&result["verdict"], &result["model"]), (&"success".into(), &"claude-sonnet-4-5".into()));
    assert_eq!((&result["usage"]["output"], &result["error"]), (&90.into(), &serde_json::Value::Null));
    let id = "6954119a-eef5-4c20-a95f-d6ba0eda81cc";
    assert_eq!(
        (&result["session"], project.of_attempt("login", "1", 1, "session").as_str()),
        (&id.into(), id)
    );
}

#[test]
fn logs_into_a_pipe_cut_no_line() {
    let project = project("claude-tool", "");
    let long = format!("echo {}", "x".repeat(300));
    project.write("stream.jsonl", project.read("stream.jsonl").replace("echo hi", &long));
    project.run(&["run"]).code(0);
    project.run(&["logs"]).code(0).says(&[&format!("▸ Bash {long} > out.txt\n")]);
}

#[test]
fn usage_is_summed_by_attempt_unit_and_run() {
    let project = project("codex-tool", r#"test "$SEQORCH_ATTEMPT" != 1 || exit 1"#);
    let run = project.run(&["run"]).code(0);
    // codex reports the total of the session, and never a cost
    let words = "246 tokens in (14 cached), 90 out (10 thought), cost unknown";
    assert!(run.stdout.contains("1  A: done, 2 attempts, "), "{}", run.stdout);
    assert_eq!(run.stdout.matches(words).count(), 2, "{}", run.stdout);
    let status = project.run(&["status"]).code(0).stdout;
    assert_eq!(status.matches(words).count(), 2, "{status}");
    let state = project.state("login");
    for sum in [&state["usage"], &state["units"]["1"]["usage"]] {
        assert_eq!(
            (&sum["input"], &sum["attempts"], &sum["tokens_unknown"]),
            (&246.into(), &2.into(), &0.into())
        );
        assert_eq!((&sum["cost_usd"], &sum["cost_unknown"]), (&serde_json::Value::Null, &2.into()));
    }
    let json: serde_json::Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!((&json["usage"], &json["units"]), (&state["usage"], &state["units"]));
}

#[test]
fn an_agent_that_reports_no_usage_has_unknown_usage() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    let run = project.run(&["run"]).code(0).stdout;
    let status = project.run(&["status"]).code(0).stdout;
    for text in [run, status] {
        assert_eq!(text.matches("usage unknown").count(), 1, "{text}");
        assert!(!text.contains(" 0 tokens") && !text.contains("$0"), "{text}");
    }
    assert_eq!(project.state("login")["usage"]["input"], serde_json::Value::Null);
}

#[test]
fn the_session_is_saved_as_soon_as_it_is_known() {
    let project = project("codex-sigterm_during_tool", "gate");
    let running = project.start(&["run"]);
    let file = project.path(".seqorch/login/1/1/session");
    wait_until("the session is there", || file.exists());
    assert_eq!(fs::read_to_string(&file).unwrap(), "01a20269-a9ab-7540-a9ec-79bb6744e759");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    // the second attempt prints the same, and waits, too
    project.release();
    project.wait_for_ledger(2);
    project.release();
    running.wait();
}

#[test]
#[ignore = "slow"]
fn an_error_in_the_stream_is_a_failure_even_with_exit_code_0() {
    let project = project("gemini-midstream_error", "");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["failed", "failed"]);
    let prompt = project.of_attempt("login", "1", 2, "prompt.md");
    assert!(prompt.contains("failed: Model stream ended without a finish reason."), "{prompt}");
}

#[test]
fn a_stream_without_its_closing_record_is_not_a_success() {
    let project = project("claude-tool", "");
    let all = project.read("stream.jsonl");
    let lines: Vec<_> = all.lines().collect();
    project.write("stream.jsonl", lines[..lines.len() - 1].join("\n"));
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["failed", "failed"]);
}

#[test]
fn a_halt_of_the_agent_counts_and_of_a_subagent_does_not() {
    project("opencode-halt", "").run(&["run"]).code(2).says(&["halted"]);
    project("claude-subagent_forward_text", "").run(&["run"]).code(0);
}

#[test]
fn a_prompt_that_comes_back_as_a_record_is_not_a_signal() {
    let project = project("gemini-tool", "");
    let all = project.read("stream.jsonl").replace("PROMPT_END", "\\n<promise>TASK_DONE</promise>\\n");
    project.write("stream.jsonl", all.replace("d.\\n\\n<promise>TASK_DONE</promise>", "d."));
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal", "no_signal"]);
}

#[test]
#[ignore = "slow"]
fn possible_limit_messages_are_kept_by_channel_without_secrets() {
    let project =
        project("claude-quota_sub_oauth", "echo plain; echo \"key $MY_API_KEY\" >&2; echo half >&2; exit 1")
            .env("MY_API_KEY", "hunter2hunter2")
            .env("SEQORCH_LIMIT__WAIT", "false");
    project.run(&["run"]).code(75).says(&["quota used up", "stopped instead of waiting"]);
    let records = result(&project)["error_records"].as_array().unwrap().clone();
    let of = |channel: &str| -> Vec<String> {
        let of_it = records.iter().filter(|r| r["channel"] == channel);
        of_it.map(|r| r["text"].as_str().unwrap().to_owned()).collect()
    };
    let events = of("event");
    assert_eq!(events.len(), 3, "{events:?}");
    assert!(events[0].contains("\"status\":\"rejected\"") && events[2].contains("\"is_error\":true"));
    assert_eq!(
        (of("stdout"), of("stderr")),
        (vec!["plain".into()], vec!["key [redacted]".into(), "half".into()])
    );
}
