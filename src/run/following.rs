//! PURE. A run follows tasks.md: what it is about to do, and what it waits for, keeps its task when the numbers change. What
//! others did to the file is reported before the next step.

use std::collections::{BTreeMap, BTreeSet};

use super::machine::{Effect, Machine, Notice, Pause, Phase};
use crate::report::notice::NamedTask;
use crate::state::{SeenTasks, SpecState, TaskMoves};

impl Machine {
    /// Follows tasks.md to what it says now. Returns whether something changed that must be saved.
    pub(super) fn follow(&mut self, seen: &SeenTasks, in_run: bool) -> bool {
        let before = here(&self.state);
        let moves = self.state.follow(seen, in_run);
        if moves.changed {
            self.note_edits(&before, &moves);
        }
        if let Phase::Running { unit } | Phase::Verifying { unit, .. } = &mut self.phase {
            moves.rename(unit);
        }
        if let Some(step) = &mut self.step {
            moves.rename(&mut step.unit);
            moves.rename_all(&mut step.completes);
            moves.rename_all(step.open.iter_mut().chain(&mut step.task).map(|task| &mut task.id));
        }
        if let Some((_, Pause::Backoff { unit })) = &mut self.pause {
            moves.rename(unit);
        }
        moves.rename_all(&mut self.confirmed);
        let asked: BTreeSet<String> = std::mem::take(&mut self.asked_for);
        self.asked_for = asked.into_iter().map(|id| moves.now(&id).to_owned()).collect();
        self.opened.retain(|id| moves.opened.contains(id) || self.state.completed.contains(id));
        self.opened.extend(moves.opened);
        self.removed.extend(moves.removed);
        moves.changed
    }

    /// Reports boxes that were ticked since the run began, and not by it. They do not count as done. The agent that just
    /// worked may tick those in `own`; they are not reported. Reports boxes of done tasks that were opened and open
    /// tasks that were removed, too.
    pub(super) fn report_foreign_ticks(&mut self, ticked: &BTreeSet<String>, own: &[String]) -> Vec<Effect> {
        let mut strange = self.state.doubt(ticked);
        strange.retain(|id| !own.contains(id));
        let mut effects = Vec::new();
        if !strange.is_empty() {
            effects.push(Effect::Report(Notice::ForeignTicks(strange)));
        }
        if !self.opened.is_empty() {
            effects.push(Effect::Report(Notice::OpenedBoxes(std::mem::take(&mut self.opened))));
        }
        if !self.removed.is_empty() {
            effects.push(Effect::Report(Notice::RemovedTasks(std::mem::take(&mut self.removed))));
        }
        if !self.edits.is_empty() {
            effects.push(Effect::Report(Notice::TasksChanged(std::mem::take(&mut self.edits))));
        }
        effects
    }

    /// Notes for people how tasks.md differs from what it said before. What an agent took away is another notice.
    fn note_edits(&mut self, before: &BTreeMap<String, String>, moves: &TaskMoves) {
        let after = here(&self.state);
        let old: BTreeSet<&str> = before.keys().map(|id| moves.now(id)).collect();
        let named = |id: &str, title: &str| NamedTask { id: id.to_owned(), title: title.to_owned() };
        let added = after.iter().filter(|(id, _)| !old.contains(id.as_str()));
        self.edits.added.extend(added.map(|(id, title)| named(id, title)));
        let of_agent = |id: &str| moves.removed.iter().any(|(removed, _)| removed == id);
        let gone = before.iter().filter(|(id, _)| !after.contains_key(moves.now(id)) && !of_agent(id));
        self.edits.removed.extend(gone.map(|(id, title)| named(id, title)));
        let reworded = after.iter().filter(|(id, _)| moves.reworded.contains_key(*id));
        self.edits.reworded.extend(reworded.map(|(id, title)| named(id, title)));
        // what came and went between two steps is no news
        let (added, removed) = (&self.edits.added, &self.edits.removed);
        let back: Vec<NamedTask> = added.iter().filter(|one| removed.contains(one)).cloned().collect();
        self.edits.added.retain(|one| !back.contains(one));
        self.edits.removed.retain(|one| !back.contains(one));
    }
}

/// The titles of the entries that tasks.md has, by their ids.
fn here(state: &SpecState) -> BTreeMap<String, String> {
    let here = state.entries.iter().filter(|task| !task.gone);
    here.map(|task| (task.id.clone(), task.title.clone())).collect()
}
