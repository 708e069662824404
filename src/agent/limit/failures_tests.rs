//! Checks `failures.txt`: the wordings of failures, and the words of agents about failures.

use super::*;
use crate::agent::event::Channel;
use crate::agent::limit::{Family, LimitKind};

const FAILURES: &str = include_str!("failures.txt");

/// The kind, family, channel and exit code of a head.
fn head(line: &str) -> (LimitKind, Family, Channel, i32) {
    let words: Vec<&str> = line.trim_matches(['[', ']']).split(' ').collect();
    let kind = serde_json::from_value(words[0].into()).unwrap();
    let channel = match words[2] {
        "event" => Channel::Event,
        "stdout" => Channel::Stdout,
        "stderr" => Channel::Stderr,
        _ => Channel::Log,
    };
    (kind, Family::of([words[1]]), channel, words[3].parse().unwrap())
}

/// Whether a kind is as good as another: what is waited out by guessed pauses.
fn is_as_good(wanted: LimitKind, got: LimitKind) -> bool {
    let waits = |kind| matches!(kind, LimitKind::ServerError | LimitKind::Overloaded | LimitKind::Network);
    wanted == got || (waits(wanted) && waits(got))
}

#[test]
fn failures_are_known_by_what_programs_say_not_by_prose() {
    let now = "2026-03-01T10:00:00+01:00".parse().unwrap();
    let mut at = None;
    let (mut count, mut wrong) = (0, Vec::new());
    for line in FAILURES.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line.starts_with('[') && line.ends_with(']') && line.split(' ').count() == 4 {
            at = Some(head(line));
            continue;
        }
        let (kind, family, channel, exit) = at.unwrap();
        let text = line.replace('⏎', "\n");
        let message = PrintedMessage { family, channel, exit: Some(exit), text: &text };
        let verdict = classify(&message, &[], now, &TimeZone::UTC);
        count += 1;
        if !is_as_good(kind, verdict.kind) {
            wrong.push(format!(
                "{line}\n  wanted {kind:?} from {family:?} {channel:?} {exit}, got {verdict:?}"
            ));
        }
    }
    assert!(count > 1000 && wrong.is_empty(), "{} of {count} are wrong:\n{}", wrong.len(), wrong.join("\n"));
}
