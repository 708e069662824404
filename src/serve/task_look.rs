//! Reads what the page of a task shows.

use std::ffi::OsString;

use super::calls::{self, CallResult};
use super::pages::TaskPage;
use super::project::ServedSpec;
use super::stamps::FileStamps;
use crate::error::Result;
use crate::git::call::Supervisor;
use crate::report::patch::{PatchLine, patch_lines};
use crate::report::text::{logs_command, sanitise_line};
use crate::report::view::{SpecPage, TaskCard};
use crate::run::run_repository::RunRepository;
use crate::run::task_changes::patch;
use crate::state::SpecState;
use crate::store::attempt_dir::log_parts;

/// Bytes of a log that are shown: its last ones.
const LOG: usize = 200_000;

/// What was read for the last page of a task, and the files that it was read from: git and `logs` are programs, which take
/// longer than all else.
#[derive(Debug, Default)]
pub(super) struct LastRead {
    patch: Option<(FileStamps, Vec<PatchLine>)>,
    log: Option<(FileStamps, CallResult)>,
}

/// The task with this id among those that the page of its spec shows: its card, and its id as the state has it.
pub(super) fn find<'a>(page: &'a SpecPage, ids: &[String], wanted: &str) -> Option<(&'a TaskCard, String)> {
    let shown = sanitise_line(wanted);
    let card = page.tasks.iter().find(|task| task.id == shown)?;
    let id = ids.iter().find(|id| sanitise_line(id) == shown)?;
    Some((card, id.clone()))
}

/// Reads what the page of a task shows.
pub(super) fn task_page(
    spec: &ServedSpec,
    (card, id): (&TaskCard, String),
    globals: &[OsString],
    known: &mut LastRead,
) -> Result<TaskPage> {
    let state = spec.place.state(&spec.config)?;
    let unit = state.unit_of(&id).unwrap_or(&id).to_owned();
    let has_run = state.units.get(&unit).is_some_and(|unit| !unit.attempts.is_empty());
    let mut files = FileStamps::default();
    add_logs(&mut files, spec, &unit, &state);
    if known.log.as_ref().is_none_or(|(of, _)| *of != files) {
        known.log = has_run.then(|| (files, calls::log(spec, &unit, globals, LOG)));
    }
    let (log, why_no_log) = match known.log.as_ref().map(|(_, log)| log.clone()) {
        None => (String::new(), "No agent has worked on it yet.".to_owned()),
        Some(found) if found.succeeded => (found.text, "Its agent has printed nothing.".to_owned()),
        Some(found) => (String::new(), found.text),
    };
    let cut = log.len() >= LOG;
    // the first line may have lost its beginning
    let whole = log.split_once('\n').map(|(_, rest)| rest.to_owned()).filter(|_| cut);
    let log = whole.unwrap_or(log);
    let mut stamps = FileStamps::default();
    stamps.add(&spec.place.store().state_path());
    if known.patch.as_ref().is_none_or(|(of, _)| *of != stamps) {
        known.patch = Some((stamps, changes(spec, &state, &unit)));
    }
    let patch = known.patch.as_ref().map(|(_, patch)| patch.clone()).unwrap_or_default();
    let can_note = !matches!(card.word, "done" | "skipped");
    let can_skip = can_note && card.word != "running";
    let log_command = logs_command(&spec.place.typed, &unit);
    Ok(TaskPage { task: card.clone(), id, can_note, can_skip, log, cut, log_command, why_no_log, patch })
}

fn changes(spec: &ServedSpec, state: &SpecState, unit: &str) -> Vec<PatchLine> {
    let Some(unit) = state.units.get(unit) else { return Vec::new() };
    // without git there are none to show
    let found = RunRepository::find(&spec.place, &spec.config, &Supervisor::default()).ok().flatten();
    let repository = found.map(RunRepository::only_to_look);
    let text = repository.and_then(|repository| patch(&repository.trees(), unit).ok().flatten());
    text.map_or_else(Vec::new, |text| patch_lines(&text))
}

/// What shows that the page of a task has changed.
pub(super) fn stamps(spec: &ServedSpec, id: &str, state: &SpecState) -> FileStamps {
    let mut stamps = FileStamps::default();
    stamps.add_spec(&spec.place);
    add_logs(&mut stamps, spec, state.unit_of(id).unwrap_or(id), state);
    stamps
}

fn add_logs(stamps: &mut FileStamps, spec: &ServedSpec, unit: &str, state: &SpecState) {
    if let Some(attempt) = state.units.get(unit).and_then(|unit| unit.attempts.last()) {
        let dir = spec.place.store().attempt_dir(state.folder(unit), attempt.number);
        for path in log_parts(&dir.output()).into_iter().chain([dir.stderr(), dir.result()]) {
            stamps.add(&path);
        }
        for check in (1..=9).map(|number| dir.verify(number)) {
            for path in [check.output(), check.stderr(), check.result()] {
                stamps.add(&path);
            }
        }
    }
}
