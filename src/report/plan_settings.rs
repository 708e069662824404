//! PURE. How the steps of a plan run, for people: what most share, and what is different in one.

use std::fmt::Write as _;

use super::text::{duration, plural, sanitise_line, shown_command};
use crate::config::{DoneSignal, PromptBy};
use crate::plan::Step;

/// How a step runs: labels and texts.
pub(super) fn settings(step: &Step) -> Vec<(String, String)> {
    let settings = &step.settings;
    let mut all = Vec::new();
    if settings.unassigned {
        all.push(("agent".to_owned(), "to be assigned; default:".to_owned()));
    }
    let reads = |by: PromptBy| if by == PromptBy::Stdin { " < prompt" } else { "" };
    let command = format!("{}{}", shown_command(&settings.argv), reads(settings.prompt_by));
    all.push((sanitise_line(&settings.backend), command));
    if let Some(review) = settings.review.as_deref() {
        let command = format!("{}{}", shown_command(&review.argv), reads(review.prompt_by));
        all.push(("review".to_owned(), format!("{}: {command}", sanitise_line(&review.backend))));
    }
    let folder = sanitise_line(&settings.cwd.to_string_lossy());
    all.push(("in".to_owned(), format!("window {}, {folder}", sanitise_line(&step.window))));
    let verify: Vec<String> = settings.verify.iter().map(|argv| shown_command(argv)).collect();
    if !verify.is_empty() {
        all.push(("verify".to_owned(), verify.join("; ")));
    }
    all.push(("limits".to_owned(), limits(step)));
    all
}

/// The settings without the window, which each step has for itself.
pub(super) fn shared(settings: Vec<(String, String)>) -> Vec<(String, String)> {
    let without_window = |(label, text): (String, String)| match (label.as_str(), text.split_once(", ")) {
        ("in", Some((_, folder))) => (label, folder.to_owned()),
        _ => (label, text),
    };
    settings.into_iter().map(without_window).collect()
}

/// What is different in the settings of one step from those that most have.
pub(super) fn differences(own: &[(String, String)], common: &[(String, String)]) -> Vec<(String, String)> {
    let has = |label: &str| own.iter().any(|(other, _)| other == label);
    let missing =
        common.iter().filter(|(label, _)| ["review", "verify"].contains(&label.as_str()) && !has(label));
    let other = own.iter().filter(|field| !common.contains(field)).cloned();
    other.chain(missing.map(|(label, _)| (label.clone(), "none".to_owned()))).collect()
}

/// The settings that most steps have, so that few steps have to name others.
pub(super) fn most_common(all: &[Vec<(String, String)>]) -> Vec<(String, String)> {
    let times = |one: &[(String, String)]| all.iter().filter(|other| *other == one).count();
    all.iter().rev().max_by_key(|one| times(one)).cloned().unwrap_or_default()
}

/// Timeouts, attempts and delay in one line.
fn limits(step: &Step) -> String {
    let deadlines = [
        ("task", step.settings.timeout.task),
        ("idle", step.settings.timeout.idle),
        ("first output", step.settings.timeout.first_output),
    ];
    let deadlines: Vec<_> =
        deadlines.iter().map(|(name, time)| format!("{name} {}", duration(*time))).collect();
    let mut text = format!(
        "{}; {}",
        deadlines.join(", "),
        plural(step.settings.retry.attempts.max(1) as usize, "attempt")
    );
    if step.settings.retry.attempts > 1 {
        let _ = write!(
            text,
            " (backoff {} to {})",
            duration(step.settings.retry.backoff),
            duration(step.settings.retry.max_backoff)
        );
    }
    let _ = write!(text, "; delay {}", duration(step.settings.delay));
    if step.settings.done.signal == DoneSignal::Optional {
        text += "; signal optional";
    }
    text
}
