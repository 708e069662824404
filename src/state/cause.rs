//! PURE. Finds the line of a check's output that names the cause of its failure.

use crate::agent::redact::Redactor;
use crate::agent::sanitise::sanitise_line;

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

/// Takes the lines of a log one by one, so that a log of any size can be searched.
#[derive(Debug, Default)]
pub struct CauseSearch {
    named: Option<String>,
    last: Option<String>,
}

impl CauseSearch {
    /// Takes the next line.
    pub fn add(&mut self, line: &str) {
        let line = sanitise_line(line);
        let line = line.trim();
        if line.is_empty() {
            return;
        }
        let found = if names_cause(line) { &mut self.named } else { &mut self.last };
        *found = Some(line.to_owned());
    }

    /// The cause: the last line that says what is wrong, else the last one. `later` is a second output of the same command,
    /// which counts first. The line is redacted before it is cut, so that no part of a secret stays.
    #[must_use]
    pub fn cause(self, later: Self, redactor: &Redactor) -> Option<String> {
        let line = later.named.or(self.named).or(later.last).or(self.last)?;
        Some(redactor.redact(&line).chars().take(LENGTH).collect())
    }
}

fn names_cause(line: &str) -> bool {
    (BEGINNINGS.iter().any(|begin| line.starts_with(begin)) || PARTS.iter().any(|part| line.contains(part)))
        && !SUMMARIES.iter().any(|begin| line.starts_with(begin))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(output: &str, stderr: &str) -> Option<String> {
        let search = |text: &str| {
            let mut search = CauseSearch::default();
            text.lines().for_each(|line| search.add(line));
            search
        };
        search(output).cause(search(stderr), &Redactor::default())
    }

    #[test]
    fn the_line_that_names_the_cause_is_found_among_the_others() {
        for (output, expected) in [
            (
                "error[E0308]: mismatched types\n --> src/a.rs:3:5\n\
                 error: aborting due to 1 previous error\nerror: could not compile `a` (lib)",
                "error[E0308]: mismatched types",
            ),
            (
                "collected 2 items\nE   AssertionError: two notes\n1 failed, 1 passed in 0.1s",
                "E AssertionError: two notes",
            ),
            ("FAIL two notes were added, list shows one\n", "FAIL two notes were added, list shows one"),
            ("src/a.ts:1:7: error TS2322: no\nnpm ERR! code 2", "src/a.ts:1:7: error TS2322: no"),
            ("nothing of note\nthe end", "the end"),
        ] {
            assert_eq!(cause(output, "").as_deref(), Some(expected));
        }
        assert_eq!(cause("\n \n", ""), None);
    }

    #[test]
    fn a_cause_far_above_the_end_is_found_and_stderr_counts_first() {
        let long = format!("FAIL two notes\n{}", "at frame\n".repeat(5000));
        assert_eq!(cause(&long, "exit\n").as_deref(), Some("FAIL two notes"));
        assert_eq!(cause(&long, "fatal: no\n").as_deref(), Some("fatal: no"));
        assert_eq!(cause("out", "err").as_deref(), Some("err"));
    }
}
