//! Notes of people for the agents of tasks: a person writes one, and a run takes it before its next step.

use jiff::Timestamp;

use super::machine::{Effect, Machine, Notice};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{self, Plan, SkipReason, TaskNames};
use crate::project::SpecPlace;
use crate::project::current_plan::current_plan;
use crate::report::text::{sanitise_line, sanitise_text, shell_word};
use crate::spec::TaskFile;
use crate::state::{Note, SpecState};
use crate::store::entry_box::NOTE_MAX;
use crate::store::lock::{Holder, RunLock};
use crate::sys::{person, random};

/// Where a note stands after it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteStanding {
    /// The next prompt of its task has it.
    Pending,
    /// An agent works on its task now, so only a further attempt has it.
    AtWork,
}

/// Writes a note for each task that `named` names. Where a run is active, it takes the notes before its next step.
pub fn write_notes(
    place: &SpecPlace,
    config: &Config,
    named: &str,
    text: &str,
) -> Result<Vec<(String, NoteStanding)>> {
    let text = checked(text)?;
    let (_, tasks) = place.good_tasks()?;
    let store = place.store();
    store.prepare()?;
    let lock = RunLock::take(&store.run_lock(), &Holder::me(&place.path(), Timestamp::now()));
    let lock = match lock {
        Err(error) if error.kind() == ErrorKind::Locked => None,
        lock => Some(lock?),
    };
    let mut state = store.load()?;
    place.follow(config, &tasks, &mut state);
    let units = units(config, &tasks, named)?;
    let plan = current_plan(place, config, &tasks, &state, Timestamp::now());
    let mut written = Vec::new();
    for unit in &units {
        refuse_unheard(place, &plan, &state, unit)?;
        written.push(note(&tasks, &plan, unit, &text)?);
    }
    if lock.is_some() {
        state.take_notes(store.note_box().entries());
        state.take_notes(written);
        store.save(&state)?;
        store.note_box().remove(state.notes.iter().map(|note| note.id.as_str()));
    } else {
        written.iter().try_for_each(|note| store.note_box().put(note))?;
    }
    let at_work = state.running().map(|(unit, _)| unit.to_owned());
    let standing = |unit: String| {
        let works = at_work.as_deref() == Some(unit.as_str());
        (unit, if works { NoteStanding::AtWork } else { NoteStanding::Pending })
    };
    Ok(units.into_iter().map(standing).collect())
}

/// The text without what a terminal would act on.
pub(super) fn checked(text: &str) -> Result<String> {
    if text.len() > NOTE_MAX {
        let text = format!("a note may have {NOTE_MAX} bytes, and this one has {}", text.len());
        return Err(Error::new(ErrorKind::Usage, text)
            .hint("Write it to a file of the project, and name the file in the note."));
    }
    let text = sanitise_text(text).trim().to_owned();
    if text.is_empty() {
        return Err(Error::new(ErrorKind::Usage, "the note is empty")
            .hint("Write what the agent should know or do, as in `seqorch note 4 'Use the old form.'`."));
    }
    Ok(text)
}

/// The units that a text names: a part of a unit stands for the unit.
pub(super) fn units(config: &Config, tasks: &TaskFile, named: &str) -> Result<Vec<String>> {
    let ids = TaskNames::of(tasks).find("", named)?;
    let all = plan::units(tasks, config.run.granularity);
    let mut units: Vec<String> = Vec::new();
    for id in &ids {
        let own = all.iter().find(|unit| unit.id == *id || unit.members.iter().any(|member| member == id));
        let unit = own.map_or(id, |unit| &unit.id);
        if !units.contains(unit) {
            units.push(unit.clone());
        }
    }
    Ok(units)
}

/// Refuses a note for a task whose agent gets no prompt any more.
fn refuse_unheard(place: &SpecPlace, plan: &Plan, state: &SpecState, unit: &str) -> Result<()> {
    let skipped = plan.skipped.iter().find(|skipped| skipped.id == unit && !skipped.is_part());
    let (spec, id) = (shell_word(&place.typed), sanitise_line(unit));
    let at_work = state.running().is_some_and(|(running, _)| running == unit);
    match skipped.map(|skipped| &skipped.reason).filter(|_| !at_work) {
        Some(SkipReason::Completed | SkipReason::Ticked) => {
            let text = format!("task {id} is done, so no prompt would have the note");
            Err(Error::new(ErrorKind::Usage, text).hint(format!(
                "To have it done again: `seqorch mark {} todo --spec {spec}`.",
                shell_word(unit)
            )))
        }
        Some(SkipReason::Human) => Err(Error::new(
            ErrorKind::Usage,
            format!("task {id} is for a person, so no agent would get the note"),
        )),
        _ => Ok(()),
    }
}

/// The words of the person at the keyboard for a unit, now.
pub(super) fn note(tasks: &TaskFile, plan: &Plan, unit: &str, text: &str) -> Result<Note> {
    let title = tasks.task(unit).map(|task| task.title.clone());
    let title = title.or_else(|| plan.step_of(unit).map(|step| step.title.clone())).unwrap_or_default();
    let id = random::bits()
        .map_err(|e| Error::new(ErrorKind::Internal, "drawing a random number").caused_by(e))?;
    Ok(Note {
        id: format!("{id:016x}"),
        unit: unit.to_owned(),
        title,
        text: text.to_owned(),
        at: Timestamp::now(),
        by: Some(person::name()),
        given: None,
        said: false,
        over: false,
    })
}

impl Machine {
    /// Takes the notes that people wrote since the last look. They are saved before anything else happens.
    pub(super) fn take_notes(&mut self, notes: Vec<Note>) -> Vec<Effect> {
        let taken = self.state.take_notes(notes);
        let effects = taken.into_iter().map(|note| Effect::Report(Notice::Noted(Box::new(note))));
        let effects: Vec<Effect> = effects.collect();
        if effects.is_empty() { effects } else { std::iter::once(Effect::Save).chain(effects).collect() }
    }

    /// Reports the notes whose tasks were done before an agent got them. `pending`: those that were pending before.
    pub(super) fn report_late(&self, pending: &[String], effects: &mut Vec<Effect>) {
        let late = self.state.notes.iter().filter(|note| note.is_late() && pending.contains(&note.id));
        let late: Vec<Effect> =
            late.map(|note| Effect::Report(Notice::Noted(Box::new(note.clone())))).collect();
        // behind the save that has it
        let at = effects.iter().position(|effect| *effect == Effect::Save).map_or(0, |at| at + 1);
        effects.splice(at..at, late);
    }
}
