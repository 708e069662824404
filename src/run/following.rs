//! PURE. A run follows tasks.md: what it is about to do, and what it waits for, keeps its task when the numbers change.

use std::collections::BTreeSet;

use super::machine::{Machine, Pause, Phase};
use crate::state::SeenTasks;

impl Machine {
    /// Follows tasks.md to what it says now. Returns whether something changed that must be saved.
    pub(super) fn follow(&mut self, seen: &SeenTasks, in_run: bool) -> bool {
        let moves = self.state.follow(seen, in_run);
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
        let asked: BTreeSet<String> = std::mem::take(&mut self.asked_for);
        self.asked_for = asked.into_iter().map(|id| moves.now(&id).to_owned()).collect();
        self.opened.retain(|id| moves.opened.contains(id) || self.state.completed.contains(id));
        self.opened.extend(moves.opened);
        self.removed.extend(moves.removed);
        moves.changed
    }
}
