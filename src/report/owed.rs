//! PURE. What a human is needed for though no agent asks: commits that git refused, and what else ended the last run.

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

/// What ended the last run and a human must see to, every text of it harmless.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// The unit, where it is about one.
    pub unit: Option<String>,
    /// What is the matter.
    pub why: String,
    /// The command that goes on.
    pub command: String,
}

impl Needed {
    /// What happened, as a sentence without its end.
    #[must_use]
    pub fn what(&self) -> String {
        let at = self.unit.as_ref().map_or_else(String::new, |unit| format!(" at task {unit}"));
        format!("The last run ended{at}")
    }
}

/// What a human must see to before a spec goes on, where the last run ended for it.
#[must_use]
pub fn needed(spec: &str, state: &SpecState) -> Option<Needed> {
    let ended = state.ended.as_ref()?;
    Some(Needed {
        unit: ended.unit.as_deref().map(sanitise_line),
        why: last_lines(&ended.reason, WORDS),
        command: go_on(spec),
    })
}

fn go_on(spec: &str) -> String {
    format!("seqorch run {} --retry", sanitise_line(&shell_word(spec)))
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
            command: go_on(spec),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_that_needs_a_human_is_told_harmless_with_the_command_that_goes_on() {
        let ended = r#"{"ended":{"why":"error","reason":"a\u001b[31m b\n","at":"2026-01-02T03:04:05Z"}}"#;
        let state: SpecState = serde_json::from_str(ended).unwrap();
        let needed = needed("my spec", &state).unwrap();
        assert_eq!((needed.what().as_str(), needed.why.as_str()), ("The last run ended", "a b"));
        assert_eq!(needed.command, "seqorch run 'my spec' --retry");
        assert_eq!(super::needed("my spec", &SpecState::default()), None);
    }
}
