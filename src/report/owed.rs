//! PURE. Commits that git refused: work that is done, and that a human is needed for all the same.

use super::text::{last_lines, sanitise_line, shell_word};
use crate::state::SpecState;

/// Lines of git's words that are shown.
const WORDS: usize = 15;

/// A commit that is owed, every text of it harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owed {
    /// The unit.
    pub unit: String,
    /// Why git did not take it: the last lines of its own words.
    pub why: String,
    /// The command that goes on; it tries the commit first.
    pub command: String,
}

impl Owed {
    /// What is the matter, as a sentence without its end.
    #[must_use]
    pub fn what(&self) -> String {
        format!("Task {} is done, but what it changed could not be committed", self.unit)
    }
}

/// All commits that a spec owes.
#[must_use]
pub fn owed(spec: &str, state: &SpecState) -> Vec<Owed> {
    let not_kept = "why was not kept; the next run tries again and tells it";
    state
        .uncommitted()
        .map(|(unit, why)| Owed {
            unit: sanitise_line(unit),
            why: last_lines(why.unwrap_or(not_kept), WORDS),
            command: format!("seqorch run {} --retry", sanitise_line(&shell_word(spec))),
        })
        .collect()
}
