//! What seqorch makes of the agents' real output: recordings of each, and all that can happen to them on the way.

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use seqorch::agent::digest::{Digest, Digested};
use seqorch::agent::{AgentEvent, Format, Reader, Renderer, Verdict};

const FORMATS: &[(&str, Format)] = &[
    ("claude", Format::Claude),
    ("codex", Format::Codex),
    ("gemini", Format::Gemini),
    ("opencode", Format::Opencode),
];

fn events(format: Format, pieces: &[&[u8]]) -> Vec<AgentEvent> {
    let mut all = Vec::new();
    let mut reader = Reader::new(format);
    for piece in pieces {
        reader.feed(piece, &mut |event| all.push(event));
    }
    reader.finish(&mut |event| all.push(event));
    all
}

fn digest(format: Format, output: &[u8]) -> Digested {
    let mut digest = Digest::new(format, "");
    for event in events(format, &[output]) {
        digest.take(&event);
    }
    digest.finish()
}

fn render(events: &[AgentEvent], width: usize, color: bool) -> String {
    let mut screen = String::new();
    let mut renderer = Renderer::new(width, color).root("/home/me/claude/02_tool/proj");
    for event in events {
        renderer.render(event, &mut screen);
    }
    renderer.finish(&mut screen);
    screen
}

/// Shortened recordings of the real programs: `VENDOR-SCENARIO.jsonl`, and beside each what must become of it.
fn fixtures() -> Vec<(Format, String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/streams");
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(name) = file.strip_suffix(".jsonl") {
            let vendor = name.split('-').next().unwrap();
            let format = FORMATS.iter().find(|(n, _)| *n == vendor).unwrap().1;
            found.push((format, name.to_owned(), fs::read(&path).unwrap()));
        }
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    assert!(found.len() > 20);
    found
}

/// With `UPDATE_EXPECTED` set the files are written, to be looked at before they are committed.
#[test]
fn each_recording_gives_the_events_the_facts_and_the_screen_that_are_kept_beside_it() {
    let mut wrong = Vec::new();
    for (format, name, output) in fixtures() {
        let events = events(format, &[&output]);
        let list: Vec<_> = events.iter().map(|e| short(&format!("{e:?}"))).collect();
        let facts = short(&format!("{:#?}", digest(format, &output)));
        let got = format!(
            "{}\n\n==== facts\n{facts}\n\n==== screen\n{}",
            list.join("\n"),
            render(&events, 80, false)
        );
        let path = format!("{}/tests/fixtures/streams/{name}.txt", env!("CARGO_MANIFEST_DIR"));
        if std::env::var_os("UPDATE_EXPECTED").is_some() {
            fs::write(&path, &got).unwrap();
        }
        if fs::read_to_string(&path).unwrap_or_default() != got {
            wrong.push(format!("{name}:\n{got}"));
        }
    }
    assert!(wrong.is_empty(), "not as kept:\n{}", wrong.join("\n"));
}

/// Records are kept whole in the fixtures already.
fn short(text: &str) -> String {
    let lines = text.lines().map(|line| match line.find("raw: ").or_else(|| line.find("{\\\"")) {
        Some(at) if line.len() > at + 60 => {
            format!("{}…", &line[..at + line[at..].char_indices().nth(50).unwrap().0])
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a record must leave behind whatever befalls the one before it: the session may be learnt later, fragments may
/// begin a block, and an end may lack words that another record held.
fn robust(events: impl IntoIterator<Item = AgentEvent>) -> Vec<AgentEvent> {
    let kept = events.into_iter().filter_map(|event| match event {
        AgentEvent::Session { .. } | AgentEvent::Stray { .. } => None,
        AgentEvent::Text { text, .. } => Some(AgentEvent::Text { text, continues: false }),
        AgentEvent::End { ok, text, .. } => Some(AgentEvent::End { ok, text, error: None }),
        other => Some(other),
    });
    kept.collect()
}

/// The events of a stream whose end has not come.
fn so_far(format: Format, bytes: &[u8]) -> Vec<AgentEvent> {
    let mut all = Vec::new();
    Reader::new(format).feed(bytes, &mut |event| all.push(event));
    all
}

/// Text that something else may write into the stream.
fn foreign() -> impl Strategy<Value = Vec<u8>> {
    let known = [
        "",
        "\n",
        "(node:7) Warning: old\n",
        "\nWarning: x\n",
        "WARN {\"",
        "}{",
        "\"}",
        "\u{1b}[2K",
        "{\"a\":",
        "[",
        "\\",
    ];
    prop_oneof![
        3 => proptest::sample::select(known.to_vec()).prop_map(|s| s.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..40),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    #[test]
    fn pieces_of_any_size_give_the_same_events(which in any::<prop::sample::Index>(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20)) {
        let all = fixtures();
        let (format, _, output) = &all[which.index(all.len())];
        let mut at: Vec<_> = cuts.iter().map(|cut| cut.index(output.len())).collect();
        at.extend([0, output.len()]);
        at.sort_unstable();
        let pieces: Vec<_> = at.windows(2).map(|w| &output[w[0]..w[1]]).collect();
        prop_assert_eq!(events(*format, &pieces), events(*format, &[output]));
    }

    /// A record is cut, what follows is glued to it, and something else is written between or into it.
    #[test]
    fn a_damaged_record_costs_no_other(
        which in any::<prop::sample::Index>(),
        record in any::<prop::sample::Index>(),
        from in any::<prop::sample::Index>(),
        to in any::<prop::sample::Index>(),
        cut in any::<bool>(),
        glued in any::<bool>(),
        text in foreign(),
    ) {
        let all = fixtures();
        let (format, _, output) = &all[which.index(all.len())];
        let lines: Vec<_> = output.split_inclusive(|b| *b == b'\n').collect();
        let at = record.index(lines.len());
        let (before, after) = (lines[..at].concat(), lines[at + 1..].concat());
        let hurt = lines[at].trim_ascii();
        let from = from.index(hurt.len() + 1);
        // cut: what follows is lost up to `to`, or else the text only stands between
        let to = if cut { from + to.index(hurt.len() - from + 1) } else { from };
        let end: &[u8] = if glued && from + (hurt.len() - to) < hurt.len() { b"" } else { b"\n" };
        let stream = [&before, &hurt[..from], &text, &hurt[to..], end, &after].concat();
        let got = robust(so_far(*format, &stream));
        let first = robust(so_far(*format, &before));
        let whole = robust(so_far(*format, &[before, lines[at].to_vec(), after.clone()].concat()));
        let of_it = robust(so_far(*format, &lines[..=at].concat())).len();
        let rest = &whole[of_it..];
        prop_assert!(got.starts_with(&first) && got.ends_with(rest), "{:#?}\n{}", got, String::from_utf8_lossy(&stream));
        // nor does what stood inside it pass for a record
        prop_assert!(got.len() <= whole.len() + 1, "{:#?}\n{}", got, String::from_utf8_lossy(&stream));
    }

    #[test]
    fn nothing_whatever_makes_it_panic(which in 0..FORMATS.len(), bytes in proptest::collection::vec(any::<u8>(), 0..400), deep in 0usize..3000) {
        let noise = [&bytes[..], &b"{\"type\":".repeat(deep), b"\n", &b"{\"a\":[".repeat(deep), b"\n{\"type\":1}\n"].concat();
        let seen = events(FORMATS[which].1, &[&noise]);
        render(&seen, 40, true);
    }
}

#[test]
fn records_glued_together_are_read_one_by_one() {
    for (format, name, output) in fixtures() {
        let glued: Vec<u8> = output.iter().copied().filter(|b| *b != b'\n').collect();
        assert_eq!(events(format, &[&glued]), events(format, &[&output]), "{name}");
    }
}

#[test]
fn a_record_that_is_too_long_costs_itself_alone() {
    for (format, name, output) in fixtures() {
        let mut seen = Vec::new();
        let mut reader = Reader::new(format);
        reader.feed(b"{\"type\":\"text\",\"text\":\"", &mut |event| seen.push(event));
        let piece = vec![b'x'; 64 << 10];
        for _ in 0..200 {
            reader.feed(&piece, &mut |event| seen.push(event));
        }
        reader.feed(b"\"}\n", &mut |event| seen.push(event));
        assert!(matches!(&seen[..], [AgentEvent::Stray { line: false, .. }]), "{name}: {seen:?}");
        reader.feed(&output, &mut |event| seen.push(event));
        assert_eq!(seen[1..], so_far(format, &output), "{name}");
    }
}

#[test]
fn half_a_character_and_invalid_bytes_do_not_cost_a_record() {
    let line =
        br#"{"type":"item.completed","item":{"id":"1","type":"agent_message","text":"cut \ud83d and XX."}}"#;
    let mut line = line.to_vec();
    let at = line.windows(2).position(|w| w == b"XX").unwrap();
    line[at] = 0xff;
    line[at + 1] = 0x07;
    let text = "cut \u{FFFD} and \u{FFFD}.".to_owned();
    assert_eq!(
        so_far(Format::Codex, &[&line[..], b"\n"].concat()),
        [AgentEvent::Text { text, continues: false }]
    );
}

/// Recordings that a fake agent prints, through the real program.
mod attempts {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::common::{Project, wait_until};

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
    fn the_log_gets_the_bytes_the_screen_what_they_mean_and_the_result_what_they_came_to() {
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
    fn what_was_used_is_told_by_attempt_unit_and_run_and_what_nobody_said_is_unknown() {
        let project = project("codex-tool", r#"test "$SEQORCH_ATTEMPT" != 1 || exit 1"#);
        let run = project.run(&["run"]).code(0);
        // codex says the total of the session, and never a cost
        let words = "246 tokens in (14 cached), 90 out (10 thought), cost unknown";
        assert!(run.stdout.contains("1  A: done, 2 attempts, "), "{}", run.stdout);
        assert_eq!(run.stdout.matches(words).count(), 2, "{}", run.stdout);
        let status = project.run(&["status"]).code(0).stdout;
        assert_eq!(status.matches(words).count(), 2, "{status}");
        let state = project.state("login");
        for sum in [&state["usage"], &state["units"]["1"]["usage"]] {
            assert_eq!(
                (&sum["input"], &sum["attempts"], &sum["tokens_untold"]),
                (&246.into(), &2.into(), &0.into())
            );
            assert_eq!((&sum["cost_usd"], &sum["cost_untold"]), (&serde_json::Value::Null, &2.into()));
        }
        let json: serde_json::Value =
            serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
        assert_eq!((&json["usage"], &json["units"]), (&state["usage"], &state["units"]));
    }

    #[test]
    fn an_agent_that_says_nothing_of_its_usage_used_an_unknown_amount() {
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
    fn the_session_is_written_down_as_soon_as_it_is_known() {
        let project = project("codex-sigterm_during_tool", "gate");
        let running = project.start(&["run"]);
        let file = project.path(".seqorch/login/1/1/session");
        wait_until("the session is there", || file.exists());
        assert_eq!(fs::read_to_string(&file).unwrap(), "01a20269-a9ab-7540-a9ec-79bb6744e759");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        // the second attempt prints the same, and waits as well
        project.release();
        project.wait_for_ledger(2);
        project.release();
        running.wait();
    }

    #[test]
    fn an_error_in_the_stream_is_a_failure_even_with_exit_code_0_and_the_next_prompt_tells_of_it() {
        let project = project("gemini-midstream_error", "");
        project.run(&["run"]).code(2);
        assert_eq!(project.outcomes("login", "1"), ["failed", "failed"]);
        let prompt = project.of_attempt("login", "1", 2, "prompt.md");
        assert!(prompt.contains("failed: Model stream ended without a finish reason."), "{prompt}");
    }

    #[test]
    fn a_stream_without_its_closing_record_is_no_success_even_when_the_agent_says_so() {
        let project = project("claude-tool", "");
        let all = project.read("stream.jsonl");
        let lines: Vec<_> = all.lines().collect();
        project.write("stream.jsonl", lines[..lines.len() - 1].join("\n"));
        project.run(&["run"]).code(2);
        assert_eq!(project.outcomes("login", "1"), ["failed", "failed"]);
    }

    #[test]
    fn halt_of_the_agent_counts_and_of_its_subagent_does_not() {
        project("opencode-halt", "").run(&["run"]).code(2).says(&["halted"]);
        project("claude-subagent_forward_text", "").run(&["run"]).code(0);
    }

    #[test]
    fn a_prompt_that_comes_back_as_a_record_is_not_the_agent() {
        let project = project("gemini-tool", "");
        let all = project.read("stream.jsonl").replace("PROMPT_END", "\\n<promise>TASK_DONE</promise>\\n");
        project.write("stream.jsonl", all.replace("d.\\n\\n<promise>TASK_DONE</promise>", "d."));
        project.run(&["run"]).code(2);
        assert_eq!(project.outcomes("login", "1"), ["no_signal", "no_signal"]);
    }

    #[test]
    fn what_may_tell_of_a_limit_is_kept_by_channel_and_without_secrets() {
        let project = project(
            "claude-quota_sub_oauth",
            "echo plain; echo \"key $MY_API_KEY\" >&2; echo half >&2; exit 1",
        )
        .env("MY_API_KEY", "hunter2hunter2")
        .env("SEQORCH_LIMIT__WAIT", "false");
        project.run(&["run"]).code(2).says(&["quota used up", "limit.wait is false"]);
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
}

/// All recordings, which are not part of this repository: `../shared`, or the folder that `SEQORCH_SHARED` names.
mod recordings {
    use super::*;

    fn all() -> Vec<(Format, String, PathBuf)> {
        let shared = std::env::var_os("SEQORCH_SHARED")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from);
        let mut found = Vec::new();
        for (name, format) in FORMATS {
            let folder = shared.join("agents/transcripts").join(name);
            for entry in fs::read_dir(folder).expect("the recordings are there") {
                let path = entry.unwrap().path();
                let file = path.file_name().unwrap().to_string_lossy().into_owned();
                if let Some(scenario) = file.strip_suffix(".stdout.jsonl") {
                    found.push((*format, format!("{name}/{scenario}"), path));
                }
            }
        }
        found.sort_by(|a, b| a.1.cmp(&b.1));
        assert!(found.len() > 250, "only {} recordings", found.len());
        found
    }

    /// Runs that ended with code 0 and were no success, and what their streams say.
    const NO_SUCCESS: &[(&str, Option<&str>)] = &[
        ("claude/11b_sigint", None),
        ("gemini/06c_midstream_error", Some("Model stream ended without a finish reason.")),
        ("gemini/11c_sigterm_no_relaunch", None),
        ("gemini/11d_sigterm_group", None),
        ("gemini/11f_sigterm_group_during_tool", None),
        ("gemini/11g_sigint_no_relaunch", None),
        ("gemini/11h_sigterm_group_no_relaunch_during_tool", None),
        ("gemini/13_empty_answer", Some("The model returned an empty response")),
        (
            "opencode/02c_perm_ask_without_auto",
            Some("it ended when a tool failed: The user rejected permission"),
        ),
        ("opencode/13b_max_tokens", Some("its answer was cut")),
    ];

    #[test]
    #[ignore = "reads recordings that are not part of the repository"]
    fn session_verdict_and_signals_of_every_recording_are_found() {
        let mut wrong = Vec::new();
        for (format, name, path) in all() {
            let output = fs::read(&path).unwrap();
            let meta = path.to_string_lossy().replace(".stdout.jsonl", ".meta.json");
            let meta: serde_json::Value = serde_json::from_slice(&fs::read(meta).unwrap()).unwrap();
            let code = meta["exit_code"].as_i64();
            let got = digest(format, &output);
            let mut expect = |holds: bool, what: &str| {
                if !holds {
                    wrong.push(format!("{name} (exit {code:?}): {what}: {got:?}"));
                }
            };
            let says = |text: &str| String::from_utf8_lossy(&output).contains(text);
            let has_session = match format {
                Format::Claude => says("\"subtype\":\"init\""),
                _ => !output.is_empty(),
            };
            expect(got.session.is_some() == has_session, "session");
            match NO_SUCCESS.iter().find(|(n, _)| *n == name) {
                Some((_, None)) => expect(got.verdict == Some(Verdict::Unknown), "verdict is unknown"),
                Some((_, Some(why))) => {
                    let told = matches!(&got.verdict, Some(Verdict::Failure(w)) if w.starts_with(why));
                    expect(told, "verdict is a failure");
                }
                None if code == Some(0) => {
                    expect(got.verdict == Some(Verdict::Success), "verdict is a success");
                    let scenario = meta["mock_scenario"].as_str().unwrap();
                    expect(got.found.halt.is_some() == (scenario == "halt"), "HALT");
                    expect(got.found.done != matches!(scenario, "halt" | "empty"), "TASK_DONE");
                    expect(got.usage.is_some_and(|u| u.tokens() > Some(0)), "usage");
                }
                None => {
                    expect(got.verdict != Some(Verdict::Success), "verdict is no success");
                    if matches!(&got.verdict, Some(Verdict::Failure(_))) {
                        expect(!got.error_records.is_empty(), "a record of the failure");
                        expect(got.error.as_deref().is_some_and(|e| !e.is_empty()), "words of the failure");
                    }
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    }

    #[test]
    #[ignore = "reads recordings that are not part of the repository"]
    fn every_error_that_a_recording_tells_of_is_kept_and_nothing_that_the_agent_said() {
        for (format, name, path) in all() {
            let output = fs::read_to_string(&path).unwrap();
            let got = digest(format, output.as_bytes());
            for record in &got.error_records {
                assert!(!record.contains("TASK_DONE") && !record.contains("HALT"), "{name}: {record}");
                serde_json::from_str::<serde_json::Value>(record).expect("JSON");
            }
            let limits = output.lines().filter(|l| l.contains("\"status\":\"rejected\"")).count();
            assert!(got.error_records.len() >= limits.min(20), "{name}");
        }
    }
}
