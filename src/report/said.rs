//! PURE. What people decided and wrote, as the report and `status` show it.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

use super::text::{cut, sanitise_line, sanitise_text};
use crate::state::{Note, SpecState};

/// Columns of a note in `status`.
const SHOWN: usize = 200;

/// A decision, or a note, of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SaidWords {
    /// What the agent asked; empty: a person wrote without being asked.
    pub asked: String,
    /// What the person said.
    pub said: String,
    /// Who and when, and what became of a note: `ann, 2026-01-02 03:04; no agent got it`.
    pub about: String,
}

/// All that people said for a unit: the decisions, then the notes.
#[must_use]
pub fn said_for(state: &SpecState, unit: &str, zone: &TimeZone) -> Vec<SaidWords> {
    let about = |by: Option<&str>, at: Option<Timestamp>| {
        let at = at.map(|at| at.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string());
        let known: Vec<String> = by.map(sanitise_line).into_iter().chain(at).collect();
        known.join(", ")
    };
    let decided = state.all_decisions().filter(|one| one.unit == unit).map(|one| SaidWords {
        asked: sanitise_text(&one.question),
        said: sanitise_text(&one.answer),
        about: about(one.by.as_deref(), one.at),
    });
    let notes = state.notes.iter().filter(|note| note.unit == unit).map(|note| SaidWords {
        asked: String::new(),
        said: sanitise_text(&note.text),
        about: format!("{}; {}", about(note.by.as_deref(), Some(note.at)), became(note)),
    });
    decided.chain(notes).collect()
}

/// One line for each note.
#[must_use]
pub fn note_lines(state: &SpecState) -> Vec<String> {
    let line = |note: &Note| {
        let text = cut(&sanitise_line(&note.text), SHOWN);
        let what = if note.said { "words" } else { "note" };
        format!("{what} for task {} ({}): {text}", sanitise_line(&note.unit), became(note))
    };
    state.notes.iter().map(line).collect()
}

fn became(note: &Note) -> String {
    match note.given {
        Some(attempt) if note.said => format!("attempt {attempt} got it while it worked"),
        Some(attempt) => format!("attempt {attempt} got it"),
        None if note.over => "too late, no agent got it".to_owned(),
        None => "pending, its next prompt has it".to_owned(),
    }
}
