//! Why a unit is or is not worked, in the words that the plan shows.

use std::collections::BTreeSet;

use super::Builder;
use crate::plan::select::Leaf;
use crate::plan::step::{SkipReason, Skipped};
use crate::spec::TaskState;

impl Builder<'_> {
    pub(super) fn skip(&mut self, place: usize, node: usize, reason: SkipReason) {
        let node = &self.tree.nodes[node];
        self.skipped.push((place, Skipped { id: node.id.clone(), title: node.title.to_owned(), reason }));
    }

    /// Skips a unit none of whose leaves is open; the weightiest reason of its leaves is its own.
    pub(super) fn skip_without_work(&mut self, unit: usize) {
        let (top, first) = (self.tree.units[unit].node, self.tree.units[unit].first);
        let reason = self.reason_without_work(unit);
        self.skip(first, top, reason.clone());
        if reason != SkipReason::NotSelected {
            self.skip_leaves(unit, Some(&reason));
        }
    }

    fn reason_without_work(&self, unit: usize) -> SkipReason {
        let mut blocked_on = BTreeSet::new();
        let (mut not_selected, mut marked) = (false, None);
        let (mut required_done, mut all_completed, mut optional) = (false, true, false);
        let top = self.tree.units[unit].node;
        for &leaf in &self.tree.units[unit].leaves {
            match &self.leaves.of[leaf] {
                Some(Leaf::Stuck(SkipReason::Blocked { on })) => {
                    blocked_on.extend(on.iter().filter_map(|id| self.tree.find(id)));
                }
                Some(Leaf::Stuck(SkipReason::Marked(why))) => marked = marked.or(Some(why.clone())),
                Some(Leaf::Stuck(_)) => not_selected = true,
                Some(Leaf::Optional) => optional = true,
                Some(Leaf::Done(why)) => {
                    required_done |= !self.tree.upwards(leaf).any(|at| self.tree.nodes[at].optional);
                    all_completed &= *why == SkipReason::Completed;
                }
                Some(Leaf::Open { .. }) | None => {}
            }
        }
        if !blocked_on.is_empty() {
            SkipReason::Blocked {
                on: blocked_on.into_iter().map(|node| self.tree.nodes[node].id.clone()).collect(),
            }
        } else if not_selected {
            SkipReason::NotSelected
        } else if let Some(why) = marked {
            SkipReason::Marked(why)
        } else if optional && !required_done {
            SkipReason::Optional
        } else if all_completed || self.request.progress.completed.contains(&self.tree.nodes[top].id) {
            SkipReason::Completed
        } else {
            SkipReason::Ticked
        }
    }

    /// Lists the leaves of a unit that do not run, beside a unit that does or that says something else.
    pub(super) fn skip_leaves(&mut self, unit: usize, of_unit: Option<&SkipReason>) {
        let tree_unit = &self.tree.units[unit];
        for &leaf in tree_unit.leaves.iter().filter(|&&leaf| leaf != tree_unit.node) {
            let reason = match &self.leaves.of[leaf] {
                Some(Leaf::Optional) => SkipReason::Optional,
                Some(Leaf::Stuck(reason)) => reason.clone(),
                _ => continue,
            };
            if Some(&reason) != of_unit || !matches!(reason, SkipReason::Optional | SkipReason::NotSelected) {
                self.skip(tree_unit.first, leaf, reason);
            }
        }
    }

    pub(super) fn reasons(&self, unit: usize, open: &[usize]) -> Vec<String> {
        let (tree, selection) = (self.tree, self.request.selection);
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
            open.iter().filter(|&&leaf| self.leaves.of[leaf] == Some(Leaf::Open { optional: true })).count();
        if optional == open.len() {
            reasons.push("optional, asked for".to_owned());
        } else if optional > 0 {
            reasons.push(format!("{optional} of them optional, asked for"));
        }
        if !selection.only.is_empty() {
            reasons.push("named with --only".to_owned());
        }
        reasons
    }
}
