//! Sets by hand how a task stands and who does it, under the lock of the spec.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use super::requests::{self, RequestStanding, forget_waiting, take_waiting};
use crate::agent::shell::command_line;
use crate::config::{Config, Tick};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{self, TaskNames};
use crate::project::SpecPlace;
use crate::project::progress::ticked;
use crate::report::text::spec_command;
use crate::spec::{Task, TaskFile, TaskState};
use crate::state::{SpecState, UnitStatus};
use crate::store::lock::{Holder, RunLock};

/// How a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ManualState {
    /// Done.
    Done,
    /// To do: the next run does it.
    Todo,
    /// Not to be done. What depends on it is blocked.
    Skip,
}

/// Who does a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OwnerMark {
    /// This backend, and this owner of `[assign.owners]`; one of them is given.
    By {
        /// The backend.
        backend: Option<String>,
        /// The owner.
        owner: Option<String>,
    },
    /// The task has no assignment.
    Clear,
}

/// What is to be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MarkRequest {
    /// The tasks, as a person names them: an id, a range, a pattern, a part of a title.
    pub id: String,
    /// How it stands, and all tasks below it.
    pub mark: Option<ManualState>,
    /// Who does it.
    pub owner: Option<OwnerMark>,
}

/// What was set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Marked {
    /// The tasks that were named.
    pub named: Vec<String>,
    /// They, and all tasks below them.
    pub ids: Vec<String>,
    /// The tasks above them that are done because all their parts are, or to do because not all are any more.
    pub above: Vec<String>,
    /// Whether the task had an assignment before.
    pub was_assigned: bool,
    /// Tasks that are done, and so were not skipped.
    pub left: Vec<String>,
    /// Units whose commit was pending and is not any more.
    pub released: Vec<String>,
    /// Their commits, which stay: id and name.
    pub commits: Vec<(String, String)>,
    /// Whether its boxes in tasks.md changed.
    pub changed_boxes: bool,
    /// A run works on the spec, and takes it before its next step.
    pub is_pending: bool,
}

/// Sets it in the state, and in the boxes of tasks.md unless `tasks.tick` is off.
pub fn mark(place: &SpecPlace, config: &Config, request: &MarkRequest) -> Result<Marked> {
    let store = place.store();
    store.prepare()?;
    let lock = RunLock::take(&store.run_lock(), &Holder::me(&place.path(), Timestamp::now()));
    let _lock = match lock {
        Err(error)
            if error.kind() == ErrorKind::Locked
                && request.mark == Some(ManualState::Skip)
                && request.owner.is_none() =>
        {
            return skip_in_run(place, config, &request.id);
        }
        lock => lock?,
    };
    let mut state = store.load()?;
    let (before, tasks) = place.good_tasks()?;
    place.follow(config, &tasks, &mut state);
    take_waiting(&store, &mut state);
    let (mut named, mut ids) = named_and_below(&tasks, &request.id)?;
    let uncommitted: BTreeSet<String> = state.uncommitted_ids().into_iter().cloned().collect();
    let mut left = Vec::new();
    if request.mark == Some(ManualState::Skip) {
        // where its commit is pending, a task can still be left out
        let done = &done_ids(&state, config, &tasks) - &uncommitted;
        left = take_done(place, &tasks, &done, (&mut named, &mut ids))?;
    }
    let asked = ids.len();
    if request.mark == Some(ManualState::Done) {
        add_whole_parents(&tasks, config, &state, &mut ids);
    }
    if let Some((unit, _)) = state.running().filter(|(unit, _)| ids.iter().any(|id| id == unit)) {
        return Err(Error::new(ErrorKind::Locked, format!("an agent works on task {unit}")).hint(format!(
            "`{}` continues with it; `{}` ends it.",
            spec_command("run", &place.typed, ""),
            spec_command("stop", &place.typed, "--now")
        )));
    }
    let was_assigned = match &request.owner {
        Some(owner) => {
            let mut any = false;
            for id in &named {
                any |= assign(&mut state, config, &tasks, id, owner)?;
            }
            any
        }
        None => false,
    };
    let released = match request.mark {
        None | Some(ManualState::Done) => Vec::new(),
        Some(ManualState::Todo | ManualState::Skip) => state.release(&ids),
    };
    let mut opened = Vec::new();
    if let Some(mark) = request.mark {
        if mark == ManualState::Todo {
            opened = state.want(&TaskNames::of(&tasks), &ids);
        }
        set(&mut state, &named, &ids, mark);
        state.settle_due(&ids, mark != ManualState::Todo, mark != ManualState::Skip);
    }
    if request.mark.is_some() {
        state.decided(&ids, None);
    }
    let is_done = request.mark == Some(ManualState::Done);
    let mut boxes = match request.mark {
        Some(ManualState::Done | ManualState::Todo) => ids.clone(),
        // those that were done, and whose commit was pending
        Some(ManualState::Skip) => ids.iter().filter(|id| uncommitted.contains(*id)).cloned().collect(),
        None => Vec::new(),
    };
    let mut boxes_above = opened.clone();
    if config.tasks.tick == Tick::Off {
        boxes.clear();
        boxes_above.clear();
    }
    state.decided(&boxes, Some(is_done));
    state.decided(&boxes_above, Some(false));
    store.save(&state)?;
    forget_waiting(&store);
    place.set_marks(&state, &boxes, if is_done { 'x' } else { ' ' }, true)?;
    place.set_marks(&state, &boxes_above, ' ', false)?;
    let changed_boxes = place.read_tasks().is_ok_and(|(after, _)| after != before);
    let commit = |id: &String| {
        let changes = state.units.get(id)?.changes.as_ref()?;
        Some((id.clone(), changes.commit.clone()?))
    };
    let is_open = request.mark == Some(ManualState::Todo);
    let commits = ids.iter().filter(|_| is_open).filter_map(commit).collect();
    let above = [ids.split_off(asked), opened].concat();
    Ok(Marked { named, ids, above, was_assigned, left, released, commits, changed_boxes, is_pending: false })
}

/// The tasks that a text names; and they with all tasks below them.
fn named_and_below(tasks: &TaskFile, text: &str) -> Result<(Vec<String>, Vec<String>)> {
    let all = TaskNames::of(tasks);
    let named = all.find("", text)?;
    let mut ids: Vec<String> = Vec::new();
    for id in named.iter().flat_map(|id| all.with_all_below(id)) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok((named, ids))
}

/// Tasks that are done, or whose boxes are ticked and believed.
fn done_ids(state: &SpecState, config: &Config, tasks: &TaskFile) -> BTreeSet<String> {
    let boxes = if config.tasks.trust_checkboxes { ticked(tasks) } else { BTreeSet::new() };
    state.completed.iter().cloned().chain(state.trusted_ticks(&boxes)).collect()
}

/// Takes those out that are done, as is a task whose parts all are: what is done stays done. Refuses where nothing else is
/// left.
fn take_done(
    place: &SpecPlace,
    tasks: &TaskFile,
    all_done: &BTreeSet<String>,
    (named, ids): (&mut Vec<String>, &mut Vec<String>),
) -> Result<Vec<String>> {
    let all = TaskNames::of(tasks);
    let is_done = |id: &&String| {
        let below = all.with_all_below(id);
        let is_leaf = |part: &&String| all.with_all_below(part).len() == 1;
        below.iter().filter(is_leaf).all(|part| all_done.contains(part))
    };
    let done: Vec<String> = ids.iter().filter(is_done).cloned().collect();
    ids.retain(|id| !done.contains(id));
    if ids.is_empty() {
        let (text, it) = match named.as_slice() {
            [one] => (format!("task {one} is done, so it can't be skipped"), one.as_str()),
            several => (format!("tasks {} are done, so they can't be skipped", several.join(", ")), "ID"),
        };
        let again = command_line(&["seqorch", "mark", "--spec", &place.typed, it, "todo"].map(str::to_owned));
        let hint = format!("`{again}` has the next run do it again.");
        return Err(Error::new(ErrorKind::Usage, text).hint(hint));
    }
    named.retain(|id| !done.contains(id));
    Ok(done)
}

/// Has the run that works skip tasks.
fn skip_in_run(place: &SpecPlace, config: &Config, text: &str) -> Result<Marked> {
    let (_, tasks) = place.good_tasks()?;
    let mut state = place.store().load()?;
    place.follow(config, &tasks, &mut state);
    let (mut named, mut ids) = named_and_below(&tasks, text)?;
    let left = take_done(place, &tasks, &done_ids(&state, config, &tasks), (&mut named, &mut ids))?;
    let standing = requests::skip(place, config, &named, &ids)?;
    Ok(Marked {
        named,
        ids,
        above: Vec::new(),
        was_assigned: false,
        left,
        released: Vec::new(),
        commits: Vec::new(),
        changed_boxes: false,
        is_pending: matches!(standing, RequestStanding::Pending(_)),
    })
}

/// A person trusts what came up in earlier attempts, so it needs no answer any more. A run that works meanwhile keeps it
/// until the next one begins.
pub fn trust_changes(place: &SpecPlace) -> Result<()> {
    let store = place.store();
    let mut state = store.load()?;
    if !state.trust_changes() {
        return Ok(());
    }
    store.prepare()?;
    let _lock = match RunLock::take(&store.run_lock(), &Holder::me(&place.dir, Timestamp::now())) {
        Err(error) if error.kind() == ErrorKind::Locked => return Ok(()),
        lock => lock?,
    };
    let mut state = store.load()?;
    state.trust_changes();
    store.save(&state)
}

/// Assigns a unit. Returns whether it had an assignment.
fn assign(
    state: &mut SpecState,
    config: &Config,
    tasks: &TaskFile,
    id: &str,
    owner: &OwnerMark,
) -> Result<bool> {
    let units = plan::units(tasks, config.run.granularity);
    if !units.iter().any(|unit| unit.id == *id) {
        let above = units.iter().find(|unit| unit.members.iter().any(|member| member == id));
        let error = Error::new(ErrorKind::Usage, format!("task {id} is not given to an agent by itself"));
        return Err(match above {
            Some(unit) => error.hint(format!("It is done together with task {}; assign that.", unit.id)),
            None => error,
        });
    }
    let (backend, owner) = match owner {
        OwnerMark::Clear => return Ok(state.unassign(id)),
        OwnerMark::By { backend, owner } => (backend.as_deref(), owner.as_deref()),
    };
    if let Some(backend) = backend {
        check_name("backend", backend, config.backends.keys())?;
    }
    if let Some(owner) = owner {
        check_name("owner", owner, config.assign.owners.keys())?;
    }
    let was_assigned = state.assignments.contains_key(id);
    state.assign_by_hand(Timestamp::now(), id, owner, backend);
    Ok(was_assigned)
}

fn check_name<'a>(what: &str, name: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let names: Vec<&str> = names.map(String::as_str).collect();
    if names.contains(&name) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::Usage, format!("there is no {what} {name:?}"));
    Err(error.hint(if names.is_empty() {
        "[assign.owners] names none; --backend takes a backend's name.".to_owned()
    } else {
        format!("There are: {}.", names.join(", "))
    }))
}

/// Adds the tasks above these whose parts are then all done, as a run completes them with their last part.
fn add_whole_parents(tasks: &TaskFile, config: &Config, state: &SpecState, ids: &mut Vec<String>) {
    let mut above: HashMap<&str, &str> = HashMap::new();
    let mut parts: HashMap<&str, Vec<&Task>> = HashMap::new();
    for task in &tasks.tasks {
        if let Some(parent) = task.parent.as_deref() {
            above.insert(&task.id, parent);
            parts.entry(parent).or_default().push(task);
        }
    }
    let mut at = 0;
    while let Some(id) = ids.get(at) {
        at += 1;
        let Some(&parent) = above.get(id.as_str()) else { continue };
        let is_done = |part: &&Task| {
            part.optional
                || ids.contains(&part.id)
                || state.completed.contains(&part.id)
                || state.skipped.contains(&part.id)
                || part.state == TaskState::Skipped
                || config.tasks.trust_checkboxes && part.state == TaskState::Done
        };
        if !ids.iter().any(|id| id == parent) && parts[parent].iter().all(is_done) {
            ids.push(parent.to_owned());
        }
    }
}

fn set(state: &mut SpecState, named: &[String], ids: &[String], mark: ManualState) {
    for id in ids {
        state.skipped.remove(id);
        // a box that an agent ticked is still not believed where the task is only left out: it may be wanted again
        if mark != ManualState::Skip {
            state.unconfirmed.remove(id);
        }
    }
    state.completed.retain(|done| !ids.contains(done));
    let status = match mark {
        ManualState::Done => {
            state.complete(ids);
            for id in ids {
                state.end_words(id);
            }
            UnitStatus::Done
        }
        ManualState::Todo => {
            state.completed_at = None;
            UnitStatus::Todo
        }
        ManualState::Skip => {
            state.skipped.extend(named.iter().cloned());
            UnitStatus::Todo
        }
    };
    for id in ids {
        if let Some(unit) = state.units.get_mut(id) {
            unit.status = status.clone();
            unit.to_tick.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_that_an_agent_ticked_stays_doubtful_when_its_task_is_skipped() {
        let marked = |mark| {
            let ids = ["1".to_owned()];
            let mut state = SpecState { unconfirmed: ids.clone().into(), ..SpecState::default() };
            set(&mut state, &ids, &ids, mark);
            state.unconfirmed.contains("1")
        };
        assert!(marked(ManualState::Skip));
        assert!(!marked(ManualState::Todo) && !marked(ManualState::Done));
    }
}
