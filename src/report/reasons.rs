//! PURE. Why an attempt did not do its task, in one line.

use super::text::sanitise_line;
use crate::state::{AttemptRecord, Outcome};

/// Why the attempt did not do its task; `None`: it did, it works, or it asked.
#[must_use]
pub(super) fn reason(attempt: &AttemptRecord) -> Option<String> {
    match attempt.outcome.as_ref()? {
        // a question is a need, or a decision
        Outcome::Done | Outcome::ForReview | Outcome::Approved | Outcome::Halted { .. } => None,
        other => Some(sanitise_line(&other.to_string())),
    }
}
