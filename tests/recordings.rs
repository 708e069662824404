//! All recordings of real agents, which are not part of this repository: `../shared`, or the folder in `SEQORCH_SHARED`.

use std::fs;
use std::path::PathBuf;

use seqorch::agent::{CliVerdict, Format};

use crate::common::shared;
use crate::streams::{FORMATS, digest};

fn all() -> Vec<(Format, String, PathBuf)> {
    let mut found = Vec::new();
    for (name, format) in FORMATS {
        let folder = shared().join("agents/transcripts").join(name);
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

/// Runs that exited with 0 without success, and the reason that their streams give.
const NO_SUCCESS: &[(&str, Option<&str>)] = &[
    ("claude/11b_sigint", None),
    ("gemini/06c_midstream_error", Some("Model stream ended without a finish reason.")),
    ("gemini/11c_sigterm_no_relaunch", None),
    ("gemini/11d_sigterm_group", None),
    ("gemini/11f_sigterm_group_during_tool", None),
    ("gemini/11g_sigint_no_relaunch", None),
    ("gemini/11h_sigterm_group_no_relaunch_during_tool", None),
    ("gemini/13_empty_answer", Some("The model returned an empty response")),
    ("opencode/02c_perm_ask_without_auto", Some("it ended when a tool failed: The user rejected permission")),
    ("opencode/13b_max_tokens", Some("its answer was cut")),
];

#[test]
#[ignore = "reads recordings that are not part of the repository"]
fn every_recording_gives_its_session_verdict_and_signals() {
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
            Some((_, None)) => expect(got.verdict == Some(CliVerdict::Unknown), "verdict is unknown"),
            Some((_, Some(why))) => {
                let failed_as_listed =
                    matches!(&got.verdict, Some(CliVerdict::Failure(w)) if w.starts_with(why));
                expect(failed_as_listed, "verdict is a failure");
            }
            None if code == Some(0) => {
                expect(got.verdict == Some(CliVerdict::Success), "verdict is a success");
                let scenario = meta["mock_scenario"].as_str().unwrap();
                expect(got.signals.halt.is_some() == (scenario == "halt"), "HALT");
                expect(got.signals.done != matches!(scenario, "halt" | "empty"), "TASK_DONE");
                expect(got.usage.is_some_and(|u| u.tokens() > Some(0)), "usage");
            }
            None => {
                expect(got.verdict != Some(CliVerdict::Success), "verdict is no success");
                if matches!(&got.verdict, Some(CliVerdict::Failure(_))) {
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
fn every_error_of_a_recording_is_kept_and_no_words_of_the_agent() {
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
