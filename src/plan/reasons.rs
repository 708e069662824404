//! Why a unit runs or does not, in the words that the plan shows.

use std::collections::BTreeSet;

use super::leaf_states::{LeafState, LeafStates};
use super::step::SkipReason;
use super::unit_tree::UnitTree;
use crate::spec::TaskState;

/// Why a unit with these open leaves runs. `named` says that `--only` was given.
pub(super) fn of_step(
    tree: &UnitTree<'_>,
    leaves: &LeafStates,
    unit: usize,
    open: &[usize],
    named: bool,
) -> Vec<String> {
    let tree_unit = &tree.units[unit];
    let mut reasons = Vec::new();
    if open.contains(&tree_unit.node) {
        reasons.push(match tree.nodes[tree_unit.node].task.map(|task| task.state) {
            Some(TaskState::InProgress) => "open (marked in progress)".to_owned(),
            Some(TaskState::Queued) => "open (marked queued)".to_owned(),
            _ => "open".to_owned(),
        });
    } else {
        let all = tree_unit.leaves.len();
        let noun = if all == 1 { "subtask" } else { "subtasks" };
        reasons.push(format!("{} of {all} {noun} open", open.len()));
    }
    let optional =
        open.iter().filter(|&&leaf| leaves.of[leaf] == Some(LeafState::Open { optional: true })).count();
    if optional == open.len() {
        reasons.push("optional, asked for".to_owned());
    } else if optional > 0 {
        reasons.push(format!("{optional} of them optional, asked for"));
    }
    if named {
        reasons.push("named with --only".to_owned());
    }
    reasons
}

/// What of a unit was done before and is work again because a person opened its box.
pub(super) fn of_reopened(
    tree: &UnitTree<'_>,
    open: &[usize],
    reopened: &BTreeSet<String>,
) -> Option<String> {
    let ids = open.iter().map(|&leaf| tree.nodes[leaf].id.as_str()).filter(|id| reopened.contains(*id));
    let ids: Vec<&str> = ids.collect();
    if ids.is_empty() {
        None
    } else if ids.len() == open.len() {
        Some("reopened: it was done before".to_owned())
    } else {
        Some(format!("{} reopened", ids.join(", ")))
    }
}

/// Why a unit without open leaves does not run: the most important reason of its leaves. `completed` holds the ids that
/// the state calls completed.
pub(super) fn of_unit_without_work(
    tree: &UnitTree<'_>,
    leaves: &LeafStates,
    unit: usize,
    completed: &BTreeSet<String>,
) -> SkipReason {
    let mut blocked_on = BTreeSet::new();
    let (mut not_selected, mut marked, mut human) = (false, None, false);
    let (mut required_done, mut all_completed, mut optional) = (false, true, false);
    let top = tree.units[unit].node;
    for &leaf in &tree.units[unit].leaves {
        match &leaves.of[leaf] {
            Some(LeafState::Stuck(SkipReason::Blocked { on })) => {
                blocked_on.extend(on.iter().filter_map(|id| tree.find(id)));
            }
            Some(LeafState::Stuck(SkipReason::Marked(why))) => marked = marked.or(Some(why.clone())),
            Some(LeafState::Stuck(SkipReason::Human)) => {
                let first = leaves.human_waits_for(tree, leaf);
                human |= first.is_empty();
                blocked_on.extend(first.iter().filter_map(|id| tree.find(id)));
            }
            Some(LeafState::Stuck(_)) => not_selected = true,
            Some(LeafState::Optional) => optional = true,
            Some(LeafState::Done(why)) => {
                required_done |= !tree.upwards(leaf).any(|at| tree.nodes[at].optional);
                all_completed &= *why == SkipReason::Completed;
            }
            Some(LeafState::Open { .. }) | None => {}
        }
    }
    if human {
        SkipReason::Human
    } else if !blocked_on.is_empty() {
        let on = blocked_on.into_iter().map(|node| tree.nodes[node].id.clone()).collect();
        SkipReason::Blocked { on }
    } else if not_selected {
        SkipReason::NotSelected
    } else if let Some(why) = marked {
        SkipReason::Marked(why)
    } else if optional && !required_done {
        SkipReason::Optional
    } else if all_completed || completed.contains(&tree.nodes[top].id) {
        SkipReason::Completed
    } else {
        SkipReason::Ticked
    }
}

/// The leaves of a unit that do not run, with their reasons. Leaves that only repeat the unit's own reason are left out.
pub(super) fn of_leaves(
    tree: &UnitTree<'_>,
    leaves: &LeafStates,
    unit: usize,
    of_unit: Option<&SkipReason>,
) -> Vec<(usize, SkipReason)> {
    let tree_unit = &tree.units[unit];
    let is_human = |&leaf: &usize| leaves.of[leaf] == Some(LeafState::Stuck(SkipReason::Human));
    let all_human = tree_unit.leaves.iter().all(is_human);
    let mut skipped = Vec::new();
    for &leaf in tree_unit.leaves.iter().filter(|&&leaf| leaf != tree_unit.node) {
        let reason = match &leaves.of[leaf] {
            Some(LeafState::Optional) => SkipReason::Optional,
            Some(LeafState::Stuck(SkipReason::Human)) => {
                let on = leaves.human_waits_for(tree, leaf);
                if on.is_empty() { SkipReason::Human } else { SkipReason::Blocked { on } }
            }
            Some(LeafState::Stuck(reason)) => reason.clone(),
            _ => continue,
        };
        let repeats = match reason {
            SkipReason::Optional | SkipReason::NotSelected => true,
            SkipReason::Human => all_human,
            _ => false,
        };
        if !repeats || Some(&reason) != of_unit {
            skipped.push((leaf, reason));
        }
    }
    skipped
}
