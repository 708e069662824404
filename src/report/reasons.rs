//! PURE. Why an attempt did not do its task, in one line.

use super::text::sanitise_line;
use crate::state::{AttemptRecord, Outcome};

/// Characters of a line that names a cause.
const LENGTH: usize = 200;

/// How lines begin that name a cause, in the words of common tools.
const BEGINNINGS: [&str; 14] = [
    "error:",
    "error[",
    "Error:",
    "ERROR",
    "FAIL",
    "✗",
    "✕",
    "not ok",
    "fatal:",
    "panicked at",
    "E ",
    "assert",
    "Assertion",
    "Traceback",
];
/// What such lines have somewhere.
const PARTS: [&str; 6] =
    ["Error: ", "Exception: ", ": error:", ": error TS", "panicked at", "undefined reference"];
/// How lines begin that only sum up that there was an error.
const SUMMARIES: [&str; 8] = [
    "error: could not compile",
    "error: aborting due to",
    "error: test failed, to rerun",
    "error: build failed",
    "Error: Process completed with exit code",
    "error: script ",
    "error: recipe ",
    "FAILED (",
];

/// The line of a check's output that names the cause: the last one that says what is wrong, else the last one. `tail` begins
/// with a line that says how the check ended.
#[must_use]
fn cause_line(tail: &str) -> Option<String> {
    let lines: Vec<String> = tail
        .lines()
        .skip(1)
        .map(sanitise_line)
        .map(|line| line.trim().to_owned())
        .filter(|l| !l.is_empty())
        .collect();
    let names = |line: &&String| {
        (BEGINNINGS.iter().any(|begin| line.starts_with(begin))
            || PARTS.iter().any(|part| line.contains(part)))
            && !SUMMARIES.iter().any(|begin| line.starts_with(begin))
    };
    let line = lines.iter().rev().find(names).or(lines.last())?;
    Some(line.chars().take(LENGTH).collect())
}

/// Why the attempt did not do its task; `None`: it did, it works, or it asked.
#[must_use]
pub(super) fn reason(attempt: &AttemptRecord) -> Option<String> {
    let outcome = attempt.outcome.as_ref()?;
    match outcome {
        // a question is a need, or a decision
        Outcome::Done | Outcome::ForReview | Outcome::Approved | Outcome::Halted { .. } => None,
        Outcome::VerifyFailed { tail, .. } if !outcome.is_review() => {
            let words = sanitise_line(&outcome.to_string());
            Some(cause_line(tail).map_or_else(|| words.clone(), |cause| format!("{words}: {cause}")))
        }
        other => Some(sanitise_line(&other.to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_that_names_the_cause_is_found_among_the_others() {
        for (tail, cause) in [
            (
                "failed with exit code 101\nerror[E0308]: mismatched types\n --> src/a.rs:3:5\n\
                 error: aborting due to 1 previous error\nerror: could not compile `a` (lib)",
                "error[E0308]: mismatched types",
            ),
            (
                "failed with exit code 1\ncollected 2 items\nE   AssertionError: two notes\n1 failed, 1 passed in 0.1s",
                "E AssertionError: two notes",
            ),
            (
                "failed with exit code 1\nFAIL two notes were added, list shows one\n",
                "FAIL two notes were added, list shows one",
            ),
            (
                "failed with exit code 2\nsrc/a.ts:1:7: error TS2322: no\nnpm ERR! code 2",
                "src/a.ts:1:7: error TS2322: no",
            ),
            ("failed with exit code 2\nnothing of note\nthe end", "the end"),
        ] {
            assert_eq!(cause_line(tail).as_deref(), Some(cause));
        }
        assert_eq!(cause_line("failed with exit code 2\n"), None);
    }
}
