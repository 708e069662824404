//! Undoes a done task: restores its files and makes it one to do.

use jiff::Timestamp;

use super::ownership::changed_paths;
use super::run_repository::RunRepository;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::{GitError, Supervisor};
use crate::git::change::{FileChange, TreeChange};
use crate::git::restore::RestoreOutcome;
use crate::plan::{self, TaskNames};
use crate::project::SpecPlace;
use crate::spec::TaskFile;
use crate::state::{SpecState, UnitState, UnitStatus};
use crate::store::lock::{Holder, RunLock};
use crate::store::spec_store::Store;

/// What was undone.
#[derive(Debug)]
pub struct Undone {
    /// The task.
    pub unit: String,
    /// Files that were restored.
    pub files: Vec<FileChange>,
    /// The commit of the task, which stays in the history.
    pub commit: Option<String>,
}

/// Restores the files that done units changed and opens their tasks again, under the lock of the spec. Of several that
/// `named` names, the last one that was done comes first.
pub fn undo(place: &SpecPlace, config: &Config, named: &str) -> Result<Vec<Undone>> {
    let store = place.store();
    store.prepare()?;
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.dir, Timestamp::now()))?;
    let mut state = store.load()?;
    let (_, tasks) = place.good_tasks()?;
    place.follow(config, &tasks, &mut state);
    let mut units: Vec<String> = Vec::new();
    for id in TaskNames::of(&tasks).find("", named)? {
        let unit = state.unit_of(&id).unwrap_or(&id).to_owned();
        if !units.contains(&unit) {
            units.push(unit);
        }
    }
    let ended = |id: &String| state.units.get(id)?.attempts.last()?.ended_at;
    units.sort_by_key(|id| std::cmp::Reverse(ended(id)));
    units.iter().map(|id| undo_unit(place, config, &store, &tasks, &mut state, id)).collect()
}

fn undo_unit(
    place: &SpecPlace,
    config: &Config,
    store: &Store,
    tasks: &TaskFile,
    state: &mut SpecState,
    id: &str,
) -> Result<Undone> {
    let unit = state.units.get(id);
    let trees = unit.and_then(|unit| Some((unit.before.clone()?, unit.changes.clone()?)));
    let (before, changes) = trees.ok_or_else(|| nothing_known(state, id))?;
    let files = restore(place, config, &before, &changes.after, &state.units[id])?;
    let units = plan::units(tasks, config.run.granularity);
    let members = units.into_iter().find(|unit| unit.id == id).map_or_else(Vec::new, |unit| unit.members);
    reopen(state, id, &members);
    state.decided(&members, Some(false));
    store.save(state)?;
    place.set_marks(state, &members, ' ')?;
    Ok(Undone { unit: id.to_owned(), files, commit: changes.commit })
}

/// Restores the files of a unit. tasks.md is left alone: it has the boxes of other tasks, too.
fn restore(
    place: &SpecPlace,
    config: &Config,
    before: &str,
    after: &str,
    unit: &UnitState,
) -> Result<Vec<FileChange>> {
    let found = RunRepository::find(place, config, &Supervisor::default())?;
    let repository = found.ok_or_else(|| trees_missing("there is no git repository here"))?;
    let mut snapshots = repository.begin_snapshots()?;
    let missing = |error: GitError| trees_missing(&error.words());
    let only = changed_paths(&snapshots, unit).map_err(missing)?;
    let step = snapshots.changes(before, after).map_err(missing)?;
    let tasks = snapshots.path_of(&place.tasks_path());
    let is_left = |change: &&TreeChange| {
        only.as_ref().is_some_and(|only| !only.contains(&change.path)) || Some(&change.path) == tasks.as_ref()
    };
    let leave = step.iter().filter(is_left).map(|change| change.path.clone()).collect();
    match snapshots.restore(before, after, &leave)? {
        RestoreOutcome::Done(paths) => {
            let restored = step.iter().filter(|change| paths.contains(&change.path));
            Ok(restored.map(FileChange::from).collect())
        }
        RestoreOutcome::ChangedSince(paths) => {
            let names: Vec<String> = paths.iter().map(|path| format!("  {path}")).collect();
            Err(Error::new(
                ErrorKind::Human,
                "files of the task have changed since, so they cannot be restored",
            )
            .detail(names.join("\n"))
            .hint("Nothing was changed. Undo the later changes first, or commit or stash them."))
        }
    }
}

fn trees_missing(why: &str) -> Error {
    Error::new(
        ErrorKind::Human,
        "git no longer has the files as they were before and after the task, so they cannot be restored",
    )
    .detail(format!("  {}", why.replace('\n', "\n  ")))
    .hint(
        "Nothing was changed. Undo the task by hand, with `git revert` if it is committed; then set it to do again with \
         `seqorch mark`.",
    )
}

/// Makes a done unit one that was never begun.
fn reopen(state: &mut SpecState, id: &str, members: &[String]) {
    state.completed.retain(|done| !members.contains(done) && done != id);
    state.completed_at = None;
    if let Some(unit) = state.units.get_mut(id) {
        unit.pending_commit = None;
        unit.status = UnitStatus::Todo;
        unit.to_tick.clear();
        unit.before = None;
        unit.changes = None;
    }
}

fn nothing_known(state: &SpecState, id: &str) -> Error {
    let is_pending = state.units.get(id).is_some_and(|unit| unit.pending_commit.is_some());
    let with = state.units.iter().filter(|(_, unit)| unit.changes.is_some());
    let ids: Vec<_> = with.map(|(id, _)| id.as_str()).collect();
    let hint = if is_pending {
        "Its commit is pending; run `seqorch run` first.".to_owned()
    } else if ids.is_empty() {
        "Undo needs a git repository, git.snapshot = true, and a done task.".to_owned()
    } else {
        format!("Tasks that can be undone: {}.", ids.join(", "))
    };
    Error::new(ErrorKind::Usage, format!("the changes of task {id} are not known")).hint(hint)
}
