//! How the output of real agents is read: recordings of each agent, whole and damaged.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use seqorch::agent::digest::{Digest, StreamFacts};
use seqorch::agent::{AgentEvent, Format, Renderer, StreamReader};

use crate::common::some_cases;

pub(crate) const FORMATS: &[(&str, Format)] = &[
    ("claude", Format::Claude),
    ("codex", Format::Codex),
    ("gemini", Format::Gemini),
    ("opencode", Format::Opencode),
];

/// The formats whose records depend on those before them.
const MORE_FORMATS: &[(&str, Format)] = &[
    ("claude", Format::Claude),
    ("copilot", Format::Copilot),
    ("pi", Format::Pi),
    ("cline", Format::Cline),
    ("kimi", Format::Kimi),
    ("vibe", Format::Vibe),
    ("gptme", Format::Gptme),
    ("openhands", Format::Openhands),
    ("mini", Format::Mini),
];

fn events(format: Format, pieces: &[&[u8]]) -> Vec<AgentEvent> {
    let mut all = Vec::new();
    let mut reader = StreamReader::new(format);
    for piece in pieces {
        reader.feed(piece, &mut |event| all.push(event));
    }
    reader.finish(&mut |event| all.push(event));
    all
}

pub(crate) fn digest(format: Format, output: &[u8]) -> StreamFacts {
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

/// Shortened recordings of real agents: `VENDOR-SCENARIO.jsonl`, each with a `.txt` of what is expected.
pub(crate) fn fixtures() -> Vec<(Format, String, Vec<u8>)> {
    let found = fixtures_in("", FORMATS);
    assert!(found.len() > 20);
    found
}

/// Streams of further agents.
fn more_fixtures() -> Vec<(Format, String, Vec<u8>)> {
    let found = fixtures_in("more/", MORE_FORMATS);
    assert!(found.len() > 10);
    found
}

fn fixtures_in(below: &str, formats: &[(&str, Format)]) -> Vec<(Format, String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/streams").join(below);
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        if let Some(name) = file.strip_suffix(".jsonl") {
            let vendor = name.split('-').next().unwrap();
            let format = formats.iter().find(|(n, _)| *n == vendor).unwrap().1;
            found.push((format, format!("{below}{name}"), fs::read(&path).unwrap()));
        }
    }
    found.sort_by(|a, b| a.1.cmp(&b.1));
    found
}

/// With `UPDATE_EXPECTED` set, writes the expected files; review them before you commit.
#[test]
fn each_recording_gives_its_expected_events_facts_and_screen() {
    let mut wrong = Vec::new();
    for (format, name, output) in fixtures().into_iter().chain(more_fixtures()) {
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
    assert!(wrong.is_empty(), "not as expected:\n{}", wrong.join("\n"));
}

/// Cuts long raw records, which the fixtures already have in full.
fn short(text: &str) -> String {
    let lines = text.lines().map(|line| match line.find("json: ").or_else(|| line.find("{\\\"")) {
        Some(at) if line.len() > at + 60 => {
            format!("{}…", &line[..at + line[at..].char_indices().nth(50).unwrap().0])
        }
        _ => line.to_owned(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a record must give even if the record before it is damaged. The session may be known later, a fragment may start a
/// block, and an end may lack an error that another record had.
fn robust(events: impl IntoIterator<Item = AgentEvent>) -> Vec<AgentEvent> {
    let kept = events.into_iter().filter_map(|event| match event {
        AgentEvent::Session { .. } | AgentEvent::Stray { .. } => None,
        AgentEvent::Text { text, .. } => Some(AgentEvent::Text { text, continues: false }),
        AgentEvent::End { ok, text, .. } => Some(AgentEvent::End { ok, text, error: None }),
        other => Some(other),
    });
    kept.collect()
}

/// The events of a stream that has not ended.
fn so_far(format: Format, bytes: &[u8]) -> Vec<AgentEvent> {
    let mut all = Vec::new();
    StreamReader::new(format).feed(bytes, &mut |event| all.push(event));
    all
}

/// Text that another program may write into the stream.
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
    #![proptest_config(some_cases())]

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

    /// A record is cut, glued to the next one, and foreign text is written into it.
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
        // cut: the record loses its bytes up to `to`; otherwise the text is only inserted
        let to = if cut { from + to.index(hurt.len() - from + 1) } else { from };
        let end: &[u8] = if glued && from + (hurt.len() - to) < hurt.len() { b"" } else { b"\n" };
        let stream = [&before, &hurt[..from], &text, &hurt[to..], end, &after].concat();
        let got = robust(so_far(*format, &stream));
        let first = robust(so_far(*format, &before));
        let whole = robust(so_far(*format, &[before, lines[at].to_vec(), after.clone()].concat()));
        let of_it = robust(so_far(*format, &lines[..=at].concat())).len();
        let rest = &whole[of_it..];
        prop_assert!(got.starts_with(&first) && got.ends_with(rest), "{:#?}\n{}", got, String::from_utf8_lossy(&stream));
        // and no part of it is taken for a record
        prop_assert!(got.len() <= whole.len() + 1, "{:#?}\n{}", got, String::from_utf8_lossy(&stream));
    }

    #[test]
    fn no_input_makes_the_reader_panic(which in 0..FORMATS.len(), bytes in proptest::collection::vec(any::<u8>(), 0..400), deep in prop_oneof![9 => 0usize..100, 1 => 0usize..3000]) {
        let noise = [&bytes[..], &b"{\"type\":".repeat(deep), b"\n", &b"{\"a\":[".repeat(deep), b"\n{\"type\":1}\n"].concat();
        let seen = events(FORMATS[which].1, &[&noise]);
        render(&seen, 40, true);
    }
}

#[test]
fn streams_of_further_agents_may_be_cut_anywhere() {
    for (format, name, output) in more_fixtures() {
        let whole = events(format, &[&output]);
        for cut in (0..output.len()).step_by(7) {
            assert_eq!(events(format, &[&output[..cut], &output[cut..]]), whole, "{name} at {cut}");
        }
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
fn a_record_that_is_too_long_costs_only_itself() {
    for (format, name, output) in fixtures() {
        let mut seen = Vec::new();
        let mut reader = StreamReader::new(format);
        reader.feed(b"{\"type\":\"text\",\"text\":\"", &mut |event| seen.push(event));
        let piece = vec![b'x'; 64 << 10];
        for _ in 0..200 {
            reader.feed(&piece, &mut |event| seen.push(event));
        }
        reader.feed(b"\"}\n", &mut |event| seen.push(event));
        assert!(matches!(&seen[..], [AgentEvent::Stray { verbatim: false, .. }]), "{name}: {seen:?}");
        reader.feed(&output, &mut |event| seen.push(event));
        assert_eq!(seen[1..], so_far(format, &output), "{name}");
    }
}

#[test]
fn invalid_characters_do_not_cost_a_record() {
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
