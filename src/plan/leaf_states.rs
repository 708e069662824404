//! Decides which leaves are open, and why the others are not.

use std::collections::HashSet;

use super::human_tasks::HumanTasks;
use super::request::{Progress, Selection};
use super::step::{PlanNote, SkipReason};
use super::unit_tree::{TreeNode, UnitTree};
use crate::config::Config;
use crate::spec::TaskState;

/// What this plan does with a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum LeafState {
    /// The state file or its box says that it is done.
    Done(SkipReason),
    /// It is optional and not requested. No task waits for it.
    Optional,
    /// A step works on it.
    Open {
        /// It is optional and requested.
        optional: bool,
    },
    /// It is not done, and this run does not do it: it is marked, not selected, or depends on such a leaf.
    Stuck(SkipReason),
}

/// The state of each leaf, and counts over each subtree.
#[derive(Debug)]
pub(super) struct LeafStates {
    /// Per node; `None` for parents.
    pub(super) of: Vec<Option<LeafState>>,
    /// Per node: open leaves in its subtree.
    pub(super) open: Vec<usize>,
    /// Per node: stuck leaves in its subtree.
    pub(super) stuck: Vec<usize>,
}

impl LeafStates {
    /// Decides on every leaf. It applies `--only` but not `--from`, which needs the order.
    #[expect(clippy::assigning_clones, reason = "both are elements of one vector")]
    pub(super) fn new(
        tree: &UnitTree<'_>,
        config: &Config,
        progress: &Progress,
        selection: &Selection,
    ) -> Self {
        let count = tree.nodes.len();
        let only: HashSet<usize> = selection.only.iter().filter_map(|id| tree.find(id)).collect();
        let all_optional = config.run.include_optional || selection.include_optional;
        let mut selected = vec![selection.only.is_empty(); count];
        let mut optional = vec![false; count];
        // optional, and neither the node nor all optional tasks were requested
        let mut left_out = vec![false; count];
        let mut marked: Vec<Option<String>> = vec![None; count];
        let humans = HumanTasks::new(config);
        let mut human = vec![false; count];
        let mut leaves = Self { of: vec![None; count], open: vec![0; count], stuck: vec![0; count] };
        for &at in &tree.walk {
            let node = &tree.nodes[at];
            optional[at] = node.optional;
            selected[at] |= only.contains(&at);
            left_out[at] = node.optional;
            if let Some(up) = node.parent {
                optional[at] |= optional[up];
                selected[at] |= selected[up];
                left_out[at] |= left_out[up];
                marked[at] = marked[up].clone();
                human[at] = human[up];
            }
            human[at] = humans.says(node).unwrap_or(human[at]);
            left_out[at] &= !all_optional && !only.contains(&at);
            if marked[at].is_none() {
                marked[at] = mark(node, progress);
            }
            if node.children.is_empty() {
                let leaf = if let Some(done) = done(&node.id, progress) {
                    LeafState::Done(done)
                } else if let Some(mark) = marked[at].take() {
                    LeafState::Stuck(SkipReason::Marked(mark))
                } else if left_out[at] {
                    LeafState::Optional
                } else if selected[at] && human[at] {
                    LeafState::Stuck(SkipReason::Human)
                } else if selected[at] {
                    LeafState::Open { optional: optional[at] }
                } else {
                    LeafState::Stuck(SkipReason::NotSelected)
                };
                leaves.count(tree, at, &leaf, true);
                leaves.of[at] = Some(leaf);
            }
        }
        leaves
    }

    /// Whether a step works on the leaf.
    pub(super) fn is_open(&self, leaf: usize) -> bool {
        matches!(self.of[leaf], Some(LeafState::Open { .. }))
    }

    /// Takes an open leaf out of the plan.
    pub(super) fn stick(&mut self, tree: &UnitTree<'_>, leaf: usize, reason: SkipReason) {
        if let Some(old) = self.of[leaf].take() {
            self.count(tree, leaf, &old, false);
        }
        let new = LeafState::Stuck(reason);
        self.count(tree, leaf, &new, true);
        self.of[leaf] = Some(new);
    }

    fn count(&mut self, tree: &UnitTree<'_>, leaf: usize, state: &LeafState, add: bool) {
        let counts = match state {
            LeafState::Open { .. } => &mut self.open,
            LeafState::Stuck(_) => &mut self.stuck,
            LeafState::Done(_) | LeafState::Optional => return,
        };
        for at in tree.upwards(leaf) {
            if add {
                counts[at] += 1;
            } else {
                counts[at] -= 1;
            }
        }
    }

    /// What a task of a person waits for: it is not its turn before that is done.
    pub(super) fn human_waits_for(&self, tree: &UnitTree<'_>, leaf: usize) -> Vec<String> {
        let tasks = tree.upwards(leaf).filter_map(|at| tree.nodes[at].task);
        let first = tasks.flat_map(|task| task.depends_on.iter().chain(&task.after));
        let first = first.filter_map(|id| tree.find(id));
        let is_left = |&node: &usize| !tree.contains(node, leaf) && self.open[node] + self.stuck[node] > 0;
        first.filter(is_left).map(|node| tree.nodes[node].id.clone()).collect()
    }
}

/// Why a leaf counts as done, if it does.
fn done(id: &str, progress: &Progress) -> Option<SkipReason> {
    if progress.completed.contains(id) {
        Some(SkipReason::Completed)
    } else if progress.ticked.contains(id) {
        Some(SkipReason::Ticked)
    } else {
        None
    }
}

/// The mark that keeps a node out of the plan, in words.
fn mark(node: &TreeNode<'_>, progress: &Progress) -> Option<String> {
    if progress.skipped.contains(&node.id) {
        return Some("skipped by you".to_owned());
    }
    match node.task?.state {
        TaskState::Blocked => Some(format!("{} is marked `[!]`", node.id)),
        TaskState::Skipped => Some(format!("{} is marked as skipped", node.id)),
        _ => None,
    }
}

/// Notes on open tasks that only their titles call optional.
pub(super) fn optional_by_text(tree: &UnitTree<'_>, leaves: &LeafStates) -> Vec<PlanNote> {
    let open = |&at: &usize| leaves.is_open(at);
    let tasks = (0..tree.nodes.len()).filter(open).filter_map(|at| tree.nodes[at].task);
    tasks
        .filter(|task| task.optional_by_text)
        .map(|task| PlanNote {
            line: task.line,
            message: format!(
                "only the title of {} calls it optional: without a star (`- [ ]*`) it runs like any other task",
                task.id
            ),
        })
        .collect()
}

/// How many ids a note lists.
const LISTED: usize = 5;

/// Notes on parents whose boxes are ticked while something below them is not done.
pub(super) fn mismatches(tree: &UnitTree<'_>, leaves: &LeafStates) -> Vec<PlanNote> {
    // per node: how many leaves below it are not done, and the first of them
    let mut open_below: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new()); tree.nodes.len()];
    for (leaf, state) in leaves.of.iter().enumerate() {
        let not_done = matches!(
            state,
            Some(LeafState::Open { optional: false } | LeafState::Stuck(SkipReason::NotSelected))
        );
        if !not_done {
            continue;
        }
        for at in tree.upwards(leaf).skip(1) {
            if tree.nodes[at].task.is_some_and(|task| task.state == TaskState::Done) {
                open_below[at].0 += 1;
                if open_below[at].1.len() < LISTED {
                    open_below[at].1.push(leaf);
                }
            }
        }
    }
    let noted = open_below.iter().enumerate().filter(|(_, (count, _))| *count > 0);
    noted
        .map(|(at, (count, shown))| {
            let node = &tree.nodes[at];
            let mut ids: Vec<_> = shown.iter().map(|&leaf| tree.nodes[leaf].id.clone()).collect();
            if *count > shown.len() {
                ids.push(format!("{} more", count - shown.len()));
            }
            let verb = if *count == 1 { "is" } else { "are" };
            let message = format!("{} is ticked, but {} below it {verb} not done", node.id, ids.join(", "));
            PlanNote { line: node.line, message }
        })
        .collect()
}
