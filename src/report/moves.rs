//! PURE. What the plan says of a tasks.md that was changed since it was read last: which task is which.

use std::collections::HashMap;

use crate::plan::{Plan, PlanNote};
use crate::spec::{TaskFile, compare_ids};
use crate::state::{SpecState, TaskMoves};

/// How many moved tasks the note lists.
const LISTED: usize = 5;

/// Adds to the plan how tasks.md was changed. `typed` is what a person types for the spec.
pub fn add_moves(plan: &mut Plan, moves: &TaskMoves, state: &SpecState, tasks: &TaskFile, typed: &str) {
    let mut lines: HashMap<&str, usize> =
        tasks.groups.iter().map(|group| (group.id.as_str(), group.line)).collect();
    lines.extend(tasks.tasks.iter().map(|task| (task.id.as_str(), task.line)));
    let line = |id: &str| lines.get(id).copied().unwrap_or(1);
    let mut add = |id: &str, message: String| plan.notes.push(PlanNote { line: line(id), message });
    let is_placed = |id: &str| tasks.task(id).is_some_and(|task| task.placed_id);
    let mut renumbered: Vec<_> = moves.was.iter().filter(|(id, _)| !is_placed(id)).collect();
    renumbered.sort_by(|(a, _), (b, _)| compare_ids(a, b));
    if let Some((first, _)) = renumbered.first() {
        let mut shown: Vec<_> =
            renumbered.iter().take(LISTED).map(|(now, was)| format!("{now} was {was}")).collect();
        if renumbered.len() > LISTED {
            shown.push(format!("{} more", renumbered.len() - LISTED));
        }
        let shown = shown.join(", ");
        add(first, format!("tasks have other numbers than before, and keep what is known of them: {shown}"));
    }
    for (id, before) in &moves.reworded {
        add(id, format!("{id} is taken for the task that was \"{before}\": only its text was changed"));
    }
    for (id, (before, now)) in &moves.reused {
        let place = now.as_ref().map_or_else(|| "is gone".to_owned(), |now| format!("is {now} now"));
        add(id, format!("{id} is new work: its number was that of \"{before}\", which {place}"));
    }
    for id in &moves.reopened {
        add(id, format!("{id} was done, and its box was opened again: it is work again"));
    }
    let doubtful = state.doubtful();
    for (id, choice) in moves.choices.iter().filter(|(id, _)| doubtful.iter().all(|task| task.id != **id)) {
        add(id, format!("{id} is taken for {}; {}", choice.taken, choice.other));
    }
    for task in doubtful {
        let Some(doubt) = &task.doubt else { continue };
        let [done, todo] = task.deciding_commands(typed);
        add(
            &task.id,
            format!(
                "{} is taken for {}; {}. No run begins before you decide: `{done}` or `{todo}`",
                task.id, doubt.taken, doubt.other
            ),
        );
    }
    plan.notes.sort_by_key(|note| note.line);
    plan.was.clone_from(&moves.was);
}
