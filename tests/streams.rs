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
        let list: String = events.iter().map(|e| format!("{}\n", short(&format!("{e:?}")))).collect();
        let facts = short(&format!("{:#?}", digest(format, &output)));
        let got = format!("{list}\n==== facts\n{facts}\n\n==== screen\n{}", render(&events, 80, false));
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
