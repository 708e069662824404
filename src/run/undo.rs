//! Undoes a done task: restores its files, makes it one to do, and commits that if it is asked to.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;

use super::ownership::Ownership;
use super::revert::{RevertPaths, commit_revert};
use super::run_repository::RunRepository;
use super::task_changes::{TaskSpan, not_done_yet, not_kept};
use super::work_tree;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::{GitError, Supervisor};
use crate::git::change::{FileChange, TreeChange};
use crate::git::path::RepoPath;
use crate::git::restore::RestorePlan;
use crate::git::snapshot::Snapshots;
use crate::plan::{self, TaskNames};
use crate::project::SpecPlace;
use crate::report::text::{sanitise_line, spec_command};
use crate::state::{Outcome, SpecState, UndoRecord, UnitState, UnitStatus};
use crate::store::attempt_folder;
use crate::store::lock::{Holder, RunLock};
use crate::store::spec_store::Store;
use crate::sys::interrupt::Interrupt;
use crate::sys::signals;
use crate::sys::stop_flag::StopFlag;

/// What is to be undone.
#[derive(Debug, Clone, Copy)]
pub struct UndoRequest<'a> {
    /// The unit.
    pub id: &'a str,
    /// Commit the revert.
    pub commit: bool,
    /// Wait until the run ends that has the work tree.
    pub wait: bool,
}

/// What was undone.
#[derive(Debug, Default)]
pub struct Undone {
    /// Files that were restored.
    pub files: Vec<FileChange>,
    /// Submodules that the task moved, added or removed. They are left alone.
    pub submodules: Vec<LeftSubmodule>,
    /// The commit of the task, where HEAD has it in its history: it stays.
    pub commit: Option<String>,
    /// The commit that reverts it.
    pub revert: Option<String>,
    /// Files that are not committed as they are now, because of the undo.
    pub to_commit: Vec<String>,
    /// Files of the undo that others committed since, and that a revert leaves as they are.
    pub left: Vec<String>,
}

/// A submodule that an undo leaves alone.
#[derive(Debug)]
pub struct LeftSubmodule {
    /// Its path.
    pub path: String,
    /// The commit that the task moved it from; `None` where the task added or removed it.
    pub was_at: Option<String>,
}

/// Restores the files that a done unit changed and opens its tasks again, under the locks of the spec and of the work
/// tree.
pub fn undo(place: &SpecPlace, config: &Config, request: UndoRequest<'_>) -> Result<Undone> {
    let UndoRequest { id, commit, wait } = request;
    let store = place.store().prepared()?;
    let _lock = RunLock::take(&store.run_lock(), &Holder::me(&place.path(), Timestamp::now()))?;
    let mut state = store.load()?;
    place.follow(config, &place.good_tasks()?.1, &mut state);
    if state.units.get(id).is_none_or(|unit| unit.changes.is_none() && unit.undone.is_none()) {
        return Err(nothing_known(place, config, &state, id));
    }
    let stop = stop_on_signal()?;
    let supervisor = Supervisor { stop: Some(stop.clone()), ..Supervisor::default() };
    let found = RunRepository::find(place, config, &supervisor)?;
    let repository = found.ok_or_else(|| trees_missing("there is no git repository here"))?;
    let stopped = |pause: Duration| stop.raised_within(pause);
    let _work_tree = work_tree::lock(&place.typed, wait, &repository, &stopped)?;
    if let Some((unit, attempt)) = state.running()
        && attempt_folder::alive(&store.attempt_dir(state.folder(unit), attempt.number))
    {
        return Err(Error::new(ErrorKind::Locked, format!("task {unit} is at work without a run")).hint(
            format!(
                "`{}` ends it, `{}` takes it over.",
                spec_command("stop", &place.typed, "--now"),
                spec_command("run", &place.typed, "")
            ),
        ));
    }
    let mut snapshots = repository.begin_snapshots()?;
    // of a commit in which, or after which, an undo was cut off
    snapshots.finish_left_commit(config.git.timeout)?;
    snapshots.catch_up_index()?;
    let mut undone = Undone::default();
    let is_undone = state.units.get(id).is_some_and(|unit| unit.undone.is_some());
    if !(commit && is_undone && state.units[id].changes.is_none()) {
        undone = restore(place, config, (&store, &mut snapshots), &mut state, id)?;
        store.save(&state)?;
    }
    let Some(mut record) = state.units.get(id).and_then(|unit| unit.undone.clone()) else {
        return Ok(undone);
    };
    if let Some(commit) = &record.commit
        && repository.repository().is_ancestor(commit, "HEAD")?
    {
        undone.commit = Some(commit.clone());
    }
    let now = snapshots.take()?;
    let tasks = snapshots.path_of(&place.tasks_path());
    let paths = RevertPaths::find((&snapshots, &now), tasks.as_ref(), &state, (id, &mut record))?;
    let names = |paths: &BTreeSet<RepoPath>| paths.iter().map(ToString::to_string).collect();
    undone.left = names(&paths.others);
    if !commit {
        undone.to_commit = names(&paths.own);
    } else if !paths.own.is_empty() {
        let title = &state.units[id].title;
        undone.revert = commit_revert(config, &mut snapshots, &paths.own, &record, (place, id, title))?;
    }
    if commit || paths.own.is_empty() {
        state.units.entry(id.to_owned()).or_default().undone = None;
        store.save(&state)?;
    }
    Ok(undone)
}

/// A signal that asks for an end ends what is waited for.
fn stop_on_signal() -> Result<StopFlag> {
    let stop = StopFlag::new().map_err(|e| Error::new(ErrorKind::Internal, "opening a pipe").caused_by(e))?;
    let raise = stop.clone();
    let on = move |signal: Interrupt| {
        if signal.ends() {
            raise.raise();
        }
    };
    signals::watch(on).map_err(|e| Error::new(ErrorKind::Internal, "catching signals").caused_by(e))?;
    Ok(stop)
}

/// Restores the files of a unit and opens its boxes; notes both in the state.
fn restore(
    place: &SpecPlace,
    config: &Config,
    (store, snapshots): (&Store, &mut Snapshots<'_>),
    state: &mut SpecState,
    id: &str,
) -> Result<Undone> {
    let unit = state.units.get(id).filter(|unit| unit.changes.is_some()).cloned();
    let unit = unit.ok_or_else(|| nothing_known(place, config, state, id))?;
    let commit = unit.changes.as_ref().and_then(|changes| changes.commit.clone());
    let (_, tasks) = place.good_tasks()?;
    let now = snapshots.take()?;
    // one that was cut off counts from the tree before it
    let undone = &mut state.units.entry(id.to_owned()).or_default().undone;
    let begun = undone.take_if(|undo| undo.is_begun);
    let is_begun = begun.is_some();
    let prior = begun.map_or(now.tree, |undo| undo.from);
    let ownership = Ownership::of(snapshots, state, snapshots.path_of(&place.tasks_path()).as_ref())?;
    let dirty = snapshots.changes_of_work_tree(now.head.commit.as_deref(), &prior)?;
    let others: BTreeSet<RepoPath> = dirty
        .into_iter()
        .filter(|change| !ownership.is_agents(change, state))
        .map(|change| change.path)
        .collect();
    let planned = plan_files(place, snapshots, &unit)?;
    let (between, plan) = planned.ok_or_else(|| nothing_known(place, config, state, id))?;
    if !is_begun && !plan.changed_since.is_empty() {
        return Err(changed_since(&plan.changed_since));
    }
    let mut record =
        UndoRecord { at: Timestamp::now(), from: prior.clone(), to: prior.clone(), commit, is_begun: true };
    state.units.entry(id.to_owned()).or_default().undone = Some(record.clone());
    store.save(state)?;
    let paths = snapshots.perform_restore(plan).map_err(|error| {
        let again = format!("Files may be restored in part. Type `seqorch undo {id}` again.");
        Error::from(error).hint(again)
    })?;
    let restored = between.iter().filter(|change| paths.contains(&change.path));
    let files: Vec<FileChange> = restored.map(FileChange::from).collect();
    let submodules = between.iter().filter_map(LeftSubmodule::of).collect();
    let units = plan::units(&tasks, config.run.granularity);
    let members = units.into_iter().find(|unit| unit.id == id).map_or_else(Vec::new, |unit| unit.members);
    let members = done_by(&unit, members);
    // to undo a task is to want it done again
    let wanted: Vec<String> = members.iter().cloned().chain([id.to_owned()]).collect();
    let above = state.want(&TaskNames::of(&tasks), &wanted);
    place.set_marks(state, &members, ' ', true)?;
    place.set_marks(state, &above, ' ', false)?;
    state.decided(&members, Some(false));
    state.decided(&above, Some(false));
    let after = snapshots.take()?;
    // what others had changed before stays theirs
    let mut undone = snapshots.changes(&prior, &after.tree)?;
    let all = undone.len();
    undone.retain(|change| !others.contains(&change.path));
    reopen(state, id, &members);
    record.is_begun = false;
    record.to = if undone.len() == all { after.tree } else { snapshots.tree_with(&prior, &undone)? };
    state.units.entry(id.to_owned()).or_default().undone = Some(record).filter(|_| !undone.is_empty());
    Ok(Undone { files, submodules, ..Undone::default() })
}

impl LeftSubmodule {
    fn of(change: &TreeChange) -> Option<Self> {
        let TreeChange { path, before, after, .. } = change;
        let is_moved = before.is_submodule() && after.is_submodule();
        (before.is_submodule() || after.is_submodule())
            .then(|| Self { path: path.to_string(), was_at: is_moved.then(|| before.object.clone()) })
    }
}

/// Those of the members of a unit that its attempts did: a person may have done and ticked the others.
fn done_by(unit: &UnitState, members: Vec<String>) -> Vec<String> {
    let attempts = || unit.attempts.iter().filter(|attempt| attempt.number >= unit.since_attempt);
    // where a review approved the work, the work itself has another outcome
    let last = attempts().rev().find(|attempt| !attempt.completes.is_empty());
    let done = attempts().filter(|attempt| attempt.outcome == Some(Outcome::Done)).chain(last);
    let done: BTreeSet<&String> = done.flat_map(|attempt| &attempt.completes).collect();
    let (own, others): (Vec<String>, Vec<String>) = members.into_iter().partition(|id| done.contains(id));
    // an older version did not note what an attempt completes
    if own.is_empty() { others } else { own }
}

/// What a unit changed, and what has to be written to restore it; `None` where that is not known. tasks.md is left alone: it has
/// the boxes of other tasks, too.
fn plan_files(
    place: &SpecPlace,
    snapshots: &mut Snapshots<'_>,
    unit: &UnitState,
) -> Result<Option<(Vec<TreeChange>, RestorePlan)>> {
    let missing = |error: GitError| match &error {
        GitError::Stopped { .. } => Error::from(error),
        _ => trees_missing(&error.words()),
    };
    let Some(span) = TaskSpan::of(snapshots, unit).map_err(missing)? else { return Ok(None) };
    let between = snapshots.changes(&span.from, &span.to).map_err(missing)?;
    let tasks = snapshots.path_of(&place.tasks_path());
    let is_left = |change: &&TreeChange| !span.has(&change.path) || Some(&change.path) == tasks.as_ref();
    let leave = between.iter().filter(is_left).map(|change| change.path.clone()).collect();
    let plan = snapshots.plan_restore(&span.from, &span.to, &leave)?;
    Ok(Some((between, plan)))
}

fn changed_since(paths: &[RepoPath]) -> Error {
    let names: Vec<String> = paths.iter().map(|path| format!("  {path}")).collect();
    Error::new(ErrorKind::Human, "files of the task have changed since, so they cannot be restored")
        .detail(names.join("\n"))
        .hint("Nothing was changed. Undo the later changes first, or commit or stash them.")
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
        unit.talks.clear();
        // what earlier attempts changed is gone
        unit.since_attempt = unit.attempts.last().map_or(0, |attempt| attempt.number + 1);
    }
}

fn nothing_known(place: &SpecPlace, config: &Config, state: &SpecState, id: &str) -> Error {
    let id = &sanitise_line(id);
    let is_pending = state.units.get(id).is_some_and(|unit| unit.pending_commit.is_some());
    let with = state.units_by_id().into_iter().filter(|(_, unit)| unit.changes.is_some());
    let ids: Vec<_> = with.map(|(id, _)| id).collect();
    let hint = if is_pending {
        format!("Its commit is pending; run `{}` first.", spec_command("run", &place.typed, ""))
    } else if let Some(why) = not_kept(place, config) {
        why.to_owned()
    } else if !ids.is_empty() {
        format!("Tasks that can be undone: {}.", sanitise_line(&ids.join(", ")))
    } else if state.completed.is_empty() {
        not_done_yet(place, id)
    } else {
        "No run of seqorch did it, or no snapshot was taken of what it changed.".to_owned()
    };
    Error::new(ErrorKind::Usage, format!("the changes of task {id} are not known")).hint(hint)
}
