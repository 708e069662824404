//! `seqorch limits test`: what a message of an agent means.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::{Command, Stdio};

use jiff::Timestamp;
use serde_json::Value;

use crate::common::{Project, shared};

fn ask(mut command: Command, text: &str) -> (i32, String, String) {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // a program that refuses its arguments does not read its input
    let _ = child.stdin.take().unwrap().write_all(text.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn limits_test_prints_one_line_of_json_even_outside_a_project() {
    let project = Project::new();
    let nowhere = tempfile::tempdir().unwrap();
    let mut command = project.command(&[
        "limits",
        "test",
        "--backend",
        "claude",
        "--channel",
        "stdout",
        "--exit",
        "1",
        "--now",
        "2026-07-01T10:00:00+02:00",
        "--tz",
        "Europe/Berlin",
    ]);
    command.current_dir(nowhere.path());
    let (code, stdout, stderr) = ask(command, "You've hit your session limit · resets 11:30am\n");
    assert_eq!(
        (code, stdout.as_str(), stderr.as_str()),
        (
            0,
            "{\"kind\":\"quota_exhausted\",\"until\":\"2026-07-01T11:30:00+02:00\",\"source\":\"claude.limit + clock\"}\n",
            ""
        )
    );
    let mut command = project.command(&["limits", "test"]);
    command.current_dir(nowhere.path());
    let (code, stdout, _) = ask(command, "All tests pass; the route answers 429.");
    assert_eq!((code, stdout.as_str()), (0, "{\"kind\":\"none\",\"until\":null,\"source\":\"\"}\n"));
}

#[test]
#[ignore = "slow"]
fn patterns_of_the_project_are_used() {
    let project = Project::new().config(
        "[[backend.fake.limit_patterns]]\nmatch = '(?i)^closed, back in (?P<dur>\\d+ hours)'\nkind = \"quota_exhausted\"\n\
         reset = \"duration\"\n[[backend.fake.limit_patterns]]\nmatch = '^Too Many Requests'\nkind = \"none\"\n",
    );
    let args = [
        "limits",
        "test",
        "--channel",
        "stderr",
        "--exit",
        "3",
        "--now",
        "2026-07-01T10:00:00Z",
        "--tz",
        "UTC",
    ];
    let answer = |backend: &str, text: &str| {
        let (code, stdout, stderr) =
            ask(project.command(&[&args[..], &["--backend", backend]].concat()), text);
        assert_eq!(code, 0, "{stderr}");
        serde_json::from_str::<Value>(&stdout).unwrap()
    };
    let verdict = answer("fake", "ERROR: closed, back in 3 hours");
    assert_eq!(verdict["until"], "2026-07-01T13:00:00+00:00");
    assert_eq!(verdict["source"], "backend.fake.limit_patterns[0] + duration");
    assert_eq!(answer("fake", "Too Many Requests")["kind"], "none");
    assert_eq!(answer("claude", "Too Many Requests")["kind"], "rate_limited");
    assert_eq!(answer("claude", "ERROR: closed, back in 3 hours")["kind"], "none");
}

#[test]
fn invalid_options_are_refused() {
    let project = Project::new();
    for (args, word) in [
        (&["--now", "yesterday"][..], "--now"),
        (&["--tz", "Mars/Olympus"], "Mars/Olympus"),
        (&["--channel", "radio"], "radio"),
        (&["--exit", "one"], "one"),
    ] {
        let (code, stdout, stderr) = ask(project.command(&[&["limits", "test"], args].concat()), "x");
        assert_eq!((code, stdout.as_str()), (64, ""), "{args:?}");
        assert!(stderr.contains(word), "{stderr}");
    }
}

#[test]
fn a_wrong_pattern_is_an_error_that_names_its_key() {
    for (pattern, error) in [
        ("match = '('\nkind = \"auth\"", "limit_patterns[0].match"),
        ("match = 'x'\nkind = \"busy\"", "limit_patterns[0].kind"),
        ("match = 'x'\nkind = \"auth\"\nreset = \"clock\"", "a group named hour"),
        ("match = 'x'", "kind: is missing"),
    ] {
        let project = Project::new().config(&format!("[[backend.fake.limit_patterns]]\n{pattern}\n"));
        project.run(&["limits", "test"]).code(78).says(&[error]);
    }
}

#[test]
#[ignore = "needs ../shared"]
fn every_known_message_is_classified_correctly() {
    let project = Project::new();
    let text =
        std::fs::read_to_string(shared().join("limits/vectors.jsonl")).expect("the messages are there");
    let mut table = String::new();
    let mut wrong = 0;
    let mut count = 0;
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let v: Value = serde_json::from_str(line).unwrap();
        let part = |key: &str| v[key].as_str().unwrap_or_default();
        let exit = v["exit"].to_string();
        let command = project.command(&[
            "limits",
            "test",
            "--backend",
            part("backend"),
            "--channel",
            part("channel"),
            "--exit",
            &exit,
            "--now",
            part("now"),
            "--tz",
            part("local_tz"),
        ]);
        let (code, stdout, stderr) = ask(command, part("text"));
        assert_eq!(code, 0, "{}: {stderr}", v["id"]);
        let answer: Value = serde_json::from_str(&stdout).unwrap();
        let kinds = v["accept_kinds"].as_array().cloned().unwrap_or_else(|| vec![v["kind"].clone()]);
        let time = |value: &Value| value.as_str().map(|text| text.parse::<Timestamp>().unwrap());
        let near = match (time(&answer["until"]), time(&v["reset_at"])) {
            (Some(got), Some(wanted)) => {
                got.duration_since(wanted).abs() <= jiff::SignedDuration::from_secs(1)
            }
            (got, wanted) => got.is_none() && wanted.is_none(),
        };
        let right = near && kinds.contains(&answer["kind"]);
        count += 1;
        wrong += usize::from(!right);
        let mark = if right { "ok   " } else { "WRONG" };
        let until = answer["until"].as_str().unwrap_or("-");
        let (id, backend, kind) = (part("id"), part("backend"), answer["kind"].as_str().unwrap_or_default());
        let _ = writeln!(
            table,
            "{mark} {id} {backend:<9} {kind:<16} {until:<29} {}",
            answer["source"].as_str().unwrap_or_default()
        );
        if !right {
            let _ = writeln!(table, "      wanted {} {}: {}", v["kind"], v["reset_at"], part("text"));
        }
    }
    println!("{table}{} of {count} right", count - wrong);
    assert!(count > 0 && wrong == 0, "{wrong} of {count} wrong");
}

#[test]
#[ignore = "needs ../shared"]
fn every_recorded_wording_of_the_other_agents_is_classified() {
    let project = Project::new();
    let text =
        std::fs::read_to_string(shared().join("agents/more/wordings.jsonl")).expect("the wordings are there");
    let mut wrong = Vec::new();
    let now = "2026-07-01T10:00:00Z";
    for line in text.lines() {
        let v: Value = serde_json::from_str(line).unwrap();
        let part = |key: &str| v[key].as_str().unwrap_or_default();
        let exit = v["exit"].to_string();
        let of = ["--backend", part("cli"), "--channel", part("channel"), "--exit", &exit, "--now", now];
        let (_, stdout, stderr) =
            ask(project.command(&[&["limits", "test"][..], &of].concat()), part("text"));
        let answer: Value = serde_json::from_str(&stdout).unwrap_or_else(|e| panic!("{e}: {stderr}"));
        let until = answer["until"].as_str().map(|text| text.parse::<Timestamp>().unwrap());
        let began = now.parse::<Timestamp>().unwrap();
        let seconds = until.map(|until| until.duration_since(began).as_secs());
        if answer["kind"] != v["kind"] || seconds != v["reset_in_s"].as_i64() {
            wrong.push(format!("{answer} for {line}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn ask_bytes(mut command: Command, bytes: &[u8]) -> Value {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn any_bytes_are_accepted_as_a_message() {
    let project = Project::new();
    let answer = |channel: &str, bytes: &[u8]| {
        let args = ["limits", "test", "--backend", "claude", "--channel", channel, "--exit", "1"];
        ask_bytes(project.command(&args), bytes)
    };
    assert_eq!(answer("stdout", b"ok"), serde_json::json!({"kind": "none", "until": null, "source": ""}));
    assert_eq!(answer("event", b"\xff\xfe\x00{")["kind"], "none");
    // invalid bytes around the message do not hide it
    let line = [&b"\xff\xf0 torn\n"[..], "You've hit your session limit · resets 3pm\n".as_bytes()].concat();
    assert_eq!(answer("stdout", &line)["kind"], "quota_exhausted");
    // of a whole transcript only the end counts, and it is read quickly
    let mut huge = b"You've hit your session limit\nso I went on, and wrote more.\n".repeat(50_000);
    assert_eq!(answer("stdout", &huge)["kind"], "none");
    huge.extend_from_slice("You've hit your session limit · resets 3pm".as_bytes());
    assert_eq!(answer("stdout", &huge)["kind"], "quota_exhausted");
}

#[test]
fn an_unknown_backend_gives_a_warning_and_an_answer() {
    let project = Project::new();
    let command = project.command(&["limits", "test", "--backend", "cluade", "--channel", "stdout"]);
    let (code, stdout, stderr) = ask(command, "You've hit your session limit");
    assert_eq!(code, 0);
    assert!(
        stdout.contains("quota_exhausted") && stderr.contains("cluade is not a known backend"),
        "{stderr}"
    );
}

#[test]
fn times_are_read_and_printed_in_the_requested_zone() {
    let project = Project::new();
    let answer = |zone: &str, text: &str| {
        let args = ["limits", "test", "--channel", "stdout", "--now", "2026-03-07T20:00:00Z", "--tz", zone];
        ask_bytes(project.command(&args), text.as_bytes())["until"].clone()
    };
    let text = "You've hit your weekly limit · resets Mar 8, 2:30am";
    // the clock change skips that hour in New York, not in Tokyo
    assert_eq!(answer("America/New_York", text), "2026-03-08T03:30:00-04:00");
    assert_eq!(answer("Asia/Tokyo", text), "2026-03-08T02:30:00+09:00");
    assert_eq!(answer("Asia/Tokyo", "You've hit your weekly limit · resets soon"), Value::Null);
}
