//! PURE. Why an attempt did not do its task, in one line.

use super::text::{sanitise_line, sanitise_text};
use crate::state::{AttemptRecord, Outcome, UnitState};

/// Why the attempt did not do its task; `None`: it did, it works, or it asked.
#[must_use]
pub(super) fn reason(attempt: &AttemptRecord) -> Option<String> {
    match attempt.outcome.as_ref()? {
        // a question is a need, or a decision
        Outcome::Done | Outcome::ForReview | Outcome::Approved | Outcome::Halted { .. } => None,
        other => Some(sanitise_line(&other.to_string())),
    }
}

/// What the last review of a unit found, if that is open, and what a reviewer changed.
pub(super) fn findings(unit: &UnitState) -> Option<String> {
    let mut undone: Vec<String> = Vec::new();
    for file in unit.attempts.iter().flat_map(|attempt| &attempt.learned.undone) {
        let file = sanitise_line(file);
        if !undone.contains(&file) {
            undone.push(file);
        }
    }
    let undone = (!undone.is_empty()).then(|| format!("Put back after a review: {}", undone.join(", ")));
    let open = unit.findings.as_ref().map(|text| format!("Findings of the review:\n{}", sanitise_text(text)));
    let all: Vec<String> = open.into_iter().chain(undone).collect();
    (!all.is_empty()).then(|| all.join("\n"))
}
