//! The texts of a run's start and end: on the terminal, in the progress file and in the summary file.

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};

use super::limit_outcome;
use super::machine::End;
use crate::config::{Commit, Config};
use crate::plan::Plan;
use crate::project::SpecPlace;
use crate::report::limits;
use crate::report::summary::{self, Summary};
use crate::report::text::{plural, sanitise_line};
use crate::state::SpecState;

/// The first line of a run on the terminal.
pub(super) fn first_line(place: &SpecPlace, plan: &Plan, attach: Option<&str>) -> String {
    let steps = plural(plan.steps.len(), "step");
    let watch = attach.map_or_else(String::new, |a| format!(" · watch: {a}"));
    format!("seqorch · {} · {steps}{watch}", place.name)
}

/// The entry of a run's start in the progress file.
pub(super) fn start_entry(place: &SpecPlace) -> String {
    format!("\n---\n\n**Spec:** {}\n**Started:** {}\n", place.path().display(), local_time())
}

/// The entry of a run's end in the progress file.
pub(super) fn end_entry(summary: &str, end: &End) -> String {
    let word = if *end == End::Complete { "Completed" } else { "Ended" };
    format!("\n**{word}:** {}\n\n```\n{}\n```\n", local_time(), summary.trim().replace("```", "'''"))
}

fn local_time() -> String {
    ZonedDateTime::now().strftime("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// The summary as text.
pub(super) fn summary_text(summary: &Summary<'_>) -> String {
    let mut text = Vec::new();
    let _ = summary::write(&mut text, summary);
    String::from_utf8_lossy(&text).into_owned()
}

/// A line for each task whose commit a stop cut off. One that git refused is a need, and listed there.
#[must_use]
pub fn pending_commit_lines(state: &SpecState, config: &Config) -> Vec<String> {
    if config.git.commit == Commit::Off {
        return Vec::new();
    }
    let pending = state.pending_commits().into_iter().filter(|id| !state.is_refused(id));
    pending
        .map(|id| {
            format!(
                "the commit of task {} is pending: the next run makes it, or finds it made",
                sanitise_line(&id)
            )
        })
        .collect()
}

/// A line for each account or model that is limited now. It says what a person can do about that.
#[must_use]
pub fn limit_lines(state: &SpecState, config: &Config) -> Vec<String> {
    let fix = |kind, backend: &str| {
        let program = config.backends.get(backend).map_or("", |backend| &backend.command);
        limit_outcome::how_to_fix(kind, program, backend)
    };
    limits::lines(state, Timestamp::now(), &TimeZone::system(), fix)
}
