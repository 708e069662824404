//! Which leaves are work, and why the others are not.

use std::collections::HashSet;

use super::request::Request;
use super::step::{Note, SkipReason};
use super::tree::{Node, Tree};
use crate::spec::TaskState;

/// What a leaf is, as far as this plan goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaf {
    /// The state file or its box says that it is done.
    Done(SkipReason),
    /// Optional and not asked for: nobody waits for it.
    Optional,
    /// It is work.
    Open {
        /// Optional, and asked for.
        optional: bool,
    },
    /// It is not done and will not be: marked, left out by the selection, or in need of such a one.
    Stuck(SkipReason),
}

/// The leaves of a tree with what they are, and counts over each subtree.
#[derive(Debug)]
pub(super) struct Leaves {
    /// Per node; `None` for parents.
    pub(super) of: Vec<Option<Leaf>>,
    /// Per node: open leaves in its subtree.
    pub(super) open: Vec<usize>,
    /// Per node: stuck leaves in its subtree.
    pub(super) stuck: Vec<usize>,
}

impl Leaves {
    /// Looks at every leaf, with `--only` but not `--from` (that one needs the order).
    #[expect(clippy::assigning_clones, reason = "two places of one vector")]
    pub(super) fn new(tree: &Tree<'_>, request: &Request<'_>) -> Self {
        let count = tree.nodes.len();
        let only: HashSet<usize> = request.selection.only.iter().filter_map(|id| tree.find(id)).collect();
        let all_optional = request.config.run.include_optional || request.selection.include_optional;
        let mut selected = vec![only.is_empty() && request.selection.only.is_empty(); count];
        let mut optional = vec![false; count];
        let mut unasked = vec![false; count];
        let mut marked: Vec<Option<String>> = vec![None; count];
        let mut leaves = Self { of: vec![None; count], open: vec![0; count], stuck: vec![0; count] };
        for &at in &tree.walk {
            let node = &tree.nodes[at];
            optional[at] = node.optional;
            selected[at] |= only.contains(&at);
            unasked[at] = node.optional;
            if let Some(up) = node.parent {
                optional[at] |= optional[up];
                selected[at] |= selected[up];
                unasked[at] |= unasked[up];
                marked[at] = marked[up].clone();
            }
            unasked[at] &= !all_optional && !only.contains(&at);
            if marked[at].is_none() {
                marked[at] = mark(tree, at, request);
            }
            if node.children.is_empty() {
                let leaf = if let Some(done) = done(&node.id, request) {
                    Leaf::Done(done)
                } else if let Some(mark) = marked[at].take().or_else(|| doubt(node, only.contains(&at))) {
                    Leaf::Stuck(SkipReason::Marked(mark))
                } else if unasked[at] {
                    Leaf::Optional
                } else if selected[at] {
                    Leaf::Open { optional: optional[at] }
                } else {
                    Leaf::Stuck(SkipReason::NotSelected)
                };
                leaves.count(tree, at, &leaf, true);
                leaves.of[at] = Some(leaf);
            }
        }
        leaves
    }

    /// Whether the leaf is work.
    pub(super) fn is_open(&self, leaf: usize) -> bool {
        matches!(self.of[leaf], Some(Leaf::Open { .. }))
    }

    /// Takes an open leaf out of the plan.
    pub(super) fn stick(&mut self, tree: &Tree<'_>, leaf: usize, reason: SkipReason) {
        if let Some(old) = self.of[leaf].take() {
            self.count(tree, leaf, &old, false);
        }
        let new = Leaf::Stuck(reason);
        self.count(tree, leaf, &new, true);
        self.of[leaf] = Some(new);
    }

    fn count(&mut self, tree: &Tree<'_>, leaf: usize, what: &Leaf, add: bool) {
        let counts = match what {
            Leaf::Open { .. } => &mut self.open,
            Leaf::Stuck(_) => &mut self.stuck,
            Leaf::Done(_) | Leaf::Optional => return,
        };
        for at in tree.upwards(leaf) {
            if add {
                counts[at] += 1;
            } else {
                counts[at] -= 1;
            }
        }
    }
}

/// Why a leaf counts as done, if it does.
fn done(id: &str, request: &Request<'_>) -> Option<SkipReason> {
    if request.progress.completed.contains(id) {
        Some(SkipReason::Completed)
    } else if request.progress.ticked.contains(id) {
        Some(SkipReason::Ticked)
    } else {
        None
    }
}

/// Whether a human took the node out, in words.
fn mark(tree: &Tree<'_>, at: usize, request: &Request<'_>) -> Option<String> {
    let node = &tree.nodes[at];
    if request.progress.skipped.contains(&node.id) {
        return Some(format!("{} was marked to be skipped", node.id));
    }
    match node.task?.state {
        TaskState::Blocked => Some(format!("{} is marked `[!]`", node.id)),
        TaskState::Skipped => Some(format!("{} is marked as skipped", node.id)),
        _ => None,
    }
}

/// Why a leaf does not run whose mark has no known meaning. Naming the task is an answer.
fn doubt(node: &Node<'_>, named: bool) -> Option<String> {
    node.task.filter(|task| task.doubtful && !named).map(|task| {
        format!(
            "{} is marked `[~]`, which this file does not explain: change the mark, add a legend, or name it with --only",
            task.id
        )
    })
}

/// Notes on work that only its title calls optional.
pub(super) fn optional_by_text(tree: &Tree<'_>, leaves: &Leaves) -> Vec<Note> {
    let open = |&at: &usize| leaves.is_open(at);
    let tasks = (0..tree.nodes.len()).filter(open).filter_map(|at| tree.nodes[at].task);
    tasks
        .filter(|task| task.optional_by_text)
        .map(|task| Note {
            line: task.line,
            message: format!(
                "{} is called optional by its title only: without a star (`- [ ]*`) it is work like any other",
                task.id
            ),
        })
        .collect()
}

/// How many ids a note lists.
const LISTED: usize = 5;

/// Notes on parents whose box is ticked while something below is still to do.
pub(super) fn mismatches(tree: &Tree<'_>, leaves: &Leaves) -> Vec<Note> {
    let mut open_below: Vec<(usize, Vec<usize>)> = vec![(0, Vec::new()); tree.nodes.len()];
    for (leaf, what) in leaves.of.iter().enumerate() {
        if !matches!(what, Some(Leaf::Open { optional: false } | Leaf::Stuck(SkipReason::NotSelected))) {
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
            Note { line: node.line, message }
        })
        .collect()
}
