//! Dependencies between units, and the order that they demand.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::select::Leaves;
use super::step::{Note, SkipReason};
use super::tree::Tree;
use super::waves::Waves;
use crate::config::Granularity;

/// What each unit waits for.
///
/// Where each leaf is a unit, a task with children is a point of its own in the graph, reached when all its leaves are:
/// else a thousand leaves that depend on a parent of a thousand would make a million edges.
#[derive(Debug)]
pub(super) struct Graph {
    /// Per unit: the nodes of the tree that its open leaves depend on, outside the unit.
    pub(super) needs: Vec<Vec<usize>>,
    /// Per point: the points before it. The units come first, then the nodes of the tree.
    before: Vec<Vec<usize>>,
}

/// Units in the order of work, and those that wait for each other.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) units: Vec<usize>,
    pub(super) circular: Vec<usize>,
    pub(super) notes: Vec<Note>,
}

impl Graph {
    pub(super) fn new(tree: &Tree<'_>, leaves: &Leaves, granularity: Granularity) -> Self {
        let count = tree.units.len();
        let point = |node: usize| tree.unit_of[node].unwrap_or(count + node);
        let mut graph = Self { needs: Vec::with_capacity(count), before: vec![Vec::new(); count] };
        for index in 0..count {
            let needs = outside_needs(tree, leaves, index);
            let mut before: Vec<_> =
                needs.iter().filter(|&&need| leaves.open[need] > 0).map(|&need| point(need)).collect();
            before.sort_unstable();
            before.dedup();
            graph.before[index] = before;
            graph.needs.push(needs);
        }
        if granularity == Granularity::Task {
            graph.before.resize(count + tree.nodes.len(), Vec::new());
            for (at, node) in tree.nodes.iter().enumerate().filter(|(_, node)| !node.children.is_empty()) {
                graph.before[count + at] = node.children.iter().map(|&child| point(child)).collect();
            }
        }
        graph
    }

    /// Document order, or that of the waves, a unit put off only until what it needs has come.
    pub(super) fn order(&self, tree: &Tree<'_>, waves: &Waves) -> Order {
        let count = tree.units.len();
        let mut after: Vec<Vec<usize>> = vec![Vec::new(); self.before.len()];
        for (point, before) in self.before.iter().enumerate() {
            for &first in before {
                after[first].push(point);
            }
        }
        let mut waits: Vec<usize> = self.before.iter().map(Vec::len).collect();
        let mut ready = BinaryHeap::new();
        ready.extend(
            (0..count).filter(|&unit| waits[unit] == 0).map(|unit| Reverse((waves.rank(unit), unit))),
        );
        let mut units = Vec::with_capacity(count);
        let mut reached = Vec::new();
        while let Some(Reverse((_, unit))) = ready.pop() {
            units.push(unit);
            reached.push(unit);
            while let Some(point) = reached.pop() {
                for &next in &after[point] {
                    waits[next] -= 1;
                    match waits[next] {
                        0 if next < count => ready.push(Reverse((waves.rank(next), next))),
                        0 => reached.push(next),
                        _ => {}
                    }
                }
            }
        }
        let circular: Vec<_> = (0..count).filter(|&unit| waits[unit] > 0).collect();
        let notes = self.circles(tree, &circular, &waits);
        Order { units, circular, notes }
    }

    /// One note for each circle of units.
    fn circles(&self, tree: &Tree<'_>, circular: &[usize], waits: &[usize]) -> Vec<Note> {
        let count = tree.units.len();
        let node = |point: usize| if point < count { tree.units[point].node } else { point - count };
        let mut seen_by = vec![usize::MAX; if circular.is_empty() { 0 } else { self.before.len() }];
        let mut notes = Vec::new();
        for &start in circular {
            let mut path = Vec::new();
            let mut at = start;
            while seen_by[at] == usize::MAX {
                seen_by[at] = start;
                path.push(at);
                let Some(&next) = self.before[at].iter().find(|&&first| waits[first] > 0) else { break };
                at = next;
            }
            let Some(enter) = path.iter().position(|&point| point == at).filter(|_| seen_by[at] == start)
            else {
                continue;
            };
            let mut circle = path[enter..].to_vec();
            let least =
                circle.iter().enumerate().min_by_key(|(_, point)| node(**point)).map_or(0, |(i, _)| i);
            circle.rotate_left(least);
            let names: Vec<_> = circle
                .iter()
                .chain(circle.first())
                .map(|&point| tree.nodes[node(point)].id.as_str())
                .collect();
            let way_out = if self.before.len() > count {
                "change the dependencies"
            } else {
                "change the dependencies, or let each subtask be a step (run.granularity = \"task\")"
            };
            let message = format!(
                "units wait for each other through their subtasks ({}), so none of them can run: {way_out}",
                names.join(" needs ")
            );
            notes.push(Note { line: tree.nodes[node(circle[0])].line, message });
        }
        notes
    }
}

/// What the open leaves of a unit depend on outside of it, with what is inherited from above.
fn outside_needs(tree: &Tree<'_>, leaves: &Leaves, unit: usize) -> Vec<usize> {
    let mut needs = Vec::new();
    let mut last_path: Option<usize> = None;
    for &leaf in tree.units[unit].leaves.iter().filter(|&&leaf| leaves.is_open(leaf)) {
        for at in tree.upwards(leaf) {
            if last_path.is_some_and(|last| tree.contains(at, last)) {
                break; // seen on the way up from the leaf before
            }
            needs.extend(direct_needs(tree, at).filter(|&need| tree.unit_of[need] != Some(unit)));
        }
        last_path = Some(leaf);
    }
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// What a node depends on by its own line; what is above or below it is no dependency.
fn direct_needs<'t>(tree: &'t Tree<'_>, at: usize) -> impl Iterator<Item = usize> + 't {
    let ids = tree.nodes[at].task.map_or(&[][..], |task| &task.depends_on);
    let graph = tree.nodes[at].task.map_or(&[][..], |task| &task.after);
    // A dependency graph speaks of leaves and goes back and forth between units; lifted to whole units it would be a
    // circle where there is none. Between units it counts only where it names them.
    let whole = move |node: usize| tree.unit_of[node].is_some_and(|unit| tree.units[unit].node == node);
    let graph = graph.iter().filter_map(|id| tree.find(id)).filter(move |&need| whole(at) && whole(need));
    let found = ids.iter().filter_map(|id| tree.find(id)).chain(graph);
    found.filter(move |&need| !tree.contains(at, need) && !tree.contains(need, at))
}

/// Takes leaves out of the plan that depend on a stuck one of their own unit (between units, [`Graph`] knows).
pub(super) fn stick_inside_units(tree: &Tree<'_>, leaves: &mut Leaves) {
    for (index, unit) in tree.units.iter().enumerate() {
        if unit.leaves.len() < 2 || leaves.stuck[unit.node] == 0 {
            continue;
        }
        let mut changed = true;
        while std::mem::take(&mut changed) {
            for &leaf in &unit.leaves {
                if !leaves.is_open(leaf) {
                    continue;
                }
                let needs = tree.upwards(leaf).flat_map(|at| direct_needs(tree, at));
                let inside =
                    needs.filter(|&need| tree.unit_of[need] == Some(index) && leaves.stuck[need] > 0);
                let on: Vec<_> = inside.map(|need| tree.nodes[need].id.clone()).collect();
                if !on.is_empty() {
                    leaves.stick(tree, leaf, SkipReason::Blocked { on });
                    changed = true;
                }
            }
        }
    }
}
