//! What a run says of itself, and to whom.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::project::Project;
use crate::config::{Commit, Config};
use crate::error::Result;
use crate::plan::Plan;
use crate::project::SpecPlace;
use crate::project::prompt_inputs;
use crate::report::needs::ShownNeed;
use crate::report::run_end::RunEnd;
use crate::report::summary::{self, Summary, UnitLine};
use crate::report::text::plural;
use crate::run::event_log::Chronicle;
use crate::run::hooks::{self, Caller};
use crate::run::machine::End;
use crate::state::{Counts, SpecState};
use crate::store::spec_store::Store;
use crate::sys::{files, programs};
use crate::view;

/// What a verb goes by, for `-v`.
pub(super) fn sources(root: &Path, files: &[PathBuf]) {
    let mut err = io::stderr();
    let _ = writeln!(err, "project {}", root.display());
    if files.is_empty() {
        let _ = writeln!(err, "configuration: no file, the defaults");
    }
    for file in files {
        let _ = writeln!(err, "configuration: {}", file.display());
    }
}

/// What a state says under this configuration: where nothing is committed, no commit is owed.
pub(super) fn as_configured(state: &mut SpecState, config: &Config) {
    if config.git.commit == Commit::Off {
        state.without_commits();
    }
}

/// Says of entries of `prompt.inputs` that they name nothing: a typo, or a file that a task is still to write.
pub(super) fn unmatched_inputs(place: &SpecPlace, config: &Config) {
    for pattern in prompt_inputs::unmatched(place, config) {
        let _ = writeln!(io::stderr(), "note: prompt.inputs: there is no file {pattern:?} now");
    }
}

/// Who hears of the run, apart from the person.
pub(super) fn chronicle(
    json: bool,
    project: &Project,
    place: &SpecPlace,
    store: &Store,
) -> Result<Chronicle> {
    let log = store.folder().join("hooks.log");
    hooks::forget(&log);
    let hooks = project.loaded.config.hooks.clone();
    let caller = Caller { exe: programs::own_program()?, hooks, cwd: project.root.clone(), log };
    let facts = vec![
        ("SEQORCH_SPEC", place.name.clone()),
        ("SEQORCH_SPEC_DIR", place.dir.display().to_string()),
        ("SEQORCH_ROOT", project.root.display().to_string()),
    ];
    let stream: Option<Box<dyn Write>> = if json { Some(Box::new(io::stdout())) } else { None };
    Ok(Chronicle::new(store.events_path(), stream, caller, facts))
}

/// The first line of a run.
pub(super) fn opening(place: &SpecPlace, plan: &Plan, attach: Option<&str>) -> String {
    let steps = plural(plan.steps.len(), "step");
    let watch = attach.map_or_else(String::new, |a| format!(" · watch: {a}"));
    format!("seqorch · {} · {steps}{watch}", place.name)
}

/// What the progress file says of a run's start.
pub(super) fn opening_entry(place: &SpecPlace) -> String {
    let now = jiff::ZonedDateTime::now().strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    format!("\n---\n\n**Spec:** {}\n**Started:** {now}\n", place.dir.display())
}

/// The summary of a run.
pub(super) fn summary(
    ended: &RunEnd<'_>,
    units: &[UnitLine],
    counts: Counts,
    needs: &[ShownNeed],
    state: &SpecState,
    limits: &[String],
) -> String {
    let mut units = units.to_vec();
    for line in &mut units {
        line.changes = state.units.get(&line.id).and_then(|unit| unit.changes.clone());
    }
    let mut text = Vec::new();
    let _ = summary::write(
        &mut text,
        &Summary {
            spec: ended.spec,
            typed: ended.typed,
            end: ended.end,
            needs,
            units: &units,
            counts,
            took: ended.took,
            waited: state.run.waited_s(),
            limits,
            changes: ended.changes,
        },
    );
    String::from_utf8_lossy(&text).into_owned()
}

/// Leaves the summary for those who watch; they do without where that cannot be written.
pub(super) fn leave_summary(store: &Store, text: &str) {
    let _ = files::replace(&view::summary_path(store), text.as_bytes(), 0o600);
}

/// Takes the summary of an earlier run away.
pub(super) fn forget_summary(store: &Store) {
    let _ = std::fs::remove_file(view::summary_path(store));
}

/// What the progress file says of a run's end.
pub(super) fn closing_entry(summary: &str, end: &End) -> String {
    let now = jiff::ZonedDateTime::now().strftime("%Y-%m-%d %H:%M:%S %:z").to_string();
    let word = if *end == End::Complete { "Completed" } else { "Ended" };
    format!("\n**{word}:** {now}\n\n```\n{}\n```\n", summary.trim().replace("```", "'''"))
}
