//! Dependencies between units, and the order that follows from them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::leaf_states::LeafStates;
use super::request::Selection;
use super::step::{PlanNote, SkipReason};
use super::unit_tree::UnitTree;
use super::unit_waves::UnitWaves;
use crate::config::{Config, Granularity};
use crate::spec::TaskFile;

/// What each unit waits for.
///
/// If each leaf is a unit, a task with children is a point of its own in the graph, reached after all its leaves.
/// Otherwise a thousand leaves that depend on a parent of a thousand leaves would make a million edges.
#[derive(Debug)]
pub(super) struct UnitGraph {
    /// Per unit: the tree nodes outside of the unit that its open leaves depend on.
    pub(super) depends_on: Vec<Vec<usize>>,
    /// Per point: the points before it. The units come first, then the nodes of the tree.
    before: Vec<Vec<usize>>,
}

/// Units in the order of work, and the units that wait for each other.
#[derive(Debug)]
pub(super) struct UnitOrder {
    pub(super) units: Vec<usize>,
    pub(super) circular: Vec<usize>,
    pub(super) notes: Vec<PlanNote>,
}

impl UnitGraph {
    pub(super) fn new(tree: &UnitTree<'_>, leaves: &LeafStates, granularity: Granularity) -> Self {
        let count = tree.units.len();
        let point = |node: usize| tree.unit_of[node].unwrap_or(count + node);
        let mut graph = Self { depends_on: Vec::with_capacity(count), before: vec![Vec::new(); count] };
        for index in 0..count {
            let depends_on = outside_dependencies(tree, leaves, index);
            let open = depends_on.iter().filter(|&&node| leaves.open[node] > 0);
            let mut before: Vec<_> = open.map(|&node| point(node)).collect();
            before.sort_unstable();
            before.dedup();
            graph.before[index] = before;
            graph.depends_on.push(depends_on);
        }
        if granularity == Granularity::Task {
            graph.before.resize(count + tree.nodes.len(), Vec::new());
            for (at, node) in tree.nodes.iter().enumerate().filter(|(_, node)| !node.children.is_empty()) {
                graph.before[count + at] = node.children.iter().map(|&child| point(child)).collect();
            }
        }
        graph
    }

    /// The order of the document, or of the waves. A unit moves back only until after what it depends on.
    pub(super) fn order(&self, tree: &UnitTree<'_>, waves: &UnitWaves) -> UnitOrder {
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
        UnitOrder { units, circular, notes }
    }

    /// One note for each circle of units.
    fn circles(&self, tree: &UnitTree<'_>, circular: &[usize], waits: &[usize]) -> Vec<PlanNote> {
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
            let ids: Vec<_> = circle
                .iter()
                .chain(circle.first())
                .map(|&point| tree.nodes[node(point)].id.as_str())
                .collect();
            let fix = if self.before.len() > count {
                "change the dependencies"
            } else {
                "change the dependencies, or make each subtask a step (run.granularity = \"task\")"
            };
            let message = format!(
                "units wait for each other through their subtasks ({}), so none of them can run: {fix}",
                ids.join(" → ")
            );
            notes.push(PlanNote { line: tree.nodes[node(circle[0])].line, message });
        }
        notes
    }
}

/// Leaves out what comes before the id of `--from` in the order of work.
pub(super) fn cut_before(
    tree: &UnitTree<'_>,
    leaves: &mut LeafStates,
    tasks: &TaskFile,
    config: &Config,
    selection: &Selection,
) {
    for leaf in before_from(tree, leaves, tasks, config, selection) {
        if leaves.is_open(leaf) {
            leaves.stick(tree, leaf, SkipReason::NotSelected);
        }
    }
}

/// The leaves that come before the id of `--from` in the order of work.
pub(super) fn before_from(
    tree: &UnitTree<'_>,
    leaves: &LeafStates,
    tasks: &TaskFile,
    config: &Config,
    selection: &Selection,
) -> Vec<usize> {
    let mut before = Vec::new();
    let Some(from) = selection.from.as_ref().and_then(|id| tree.find(id)) else { return before };
    let waves = UnitWaves::new(tree, leaves, &tasks.waves);
    let order = UnitGraph::new(tree, leaves, config.run.granularity).order(tree, &waves);
    for &unit in order.units.iter().chain(&order.circular) {
        for &leaf in &tree.units[unit].leaves {
            if tree.contains(from, leaf) {
                return before;
            }
            before.push(leaf);
        }
    }
    before
}

/// What the open leaves of a unit depend on outside of it, by themselves or through a task above them.
fn outside_dependencies(tree: &UnitTree<'_>, leaves: &LeafStates, unit: usize) -> Vec<usize> {
    let mut found = Vec::new();
    let mut last_path: Option<usize> = None;
    for &leaf in tree.units[unit].leaves.iter().filter(|&&leaf| leaves.is_open(leaf)) {
        for at in tree.upwards(leaf) {
            if last_path.is_some_and(|last| tree.contains(at, last)) {
                break; // the leaf before visited the rest of this path
            }
            found.extend(direct_dependencies(tree, at).filter(|&node| tree.unit_of[node] != Some(unit)));
        }
        last_path = Some(leaf);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// What a node itself depends on. Nodes above and below it do not count.
fn direct_dependencies<'t>(tree: &'t UnitTree<'_>, at: usize) -> impl Iterator<Item = usize> + 't {
    let ids = tree.nodes[at].task.map_or(&[][..], |task| &task.depends_on);
    let graph = tree.nodes[at].task.map_or(&[][..], |task| &task.after);
    // A dependency graph names leaves and alternates between units. Applied to whole units, it would make circles where
    // there are none. So between units it counts only where it names them.
    let whole = move |node: usize| tree.unit_of[node].is_some_and(|unit| tree.units[unit].node == node);
    let graph = graph.iter().filter_map(|id| tree.find(id)).filter(move |&node| whole(at) && whole(node));
    let found = ids.iter().filter_map(|id| tree.find(id)).chain(graph);
    found.filter(move |&node| !tree.contains(at, node) && !tree.contains(node, at))
}

/// Takes leaves out of the plan that depend on a stuck leaf of their own unit. [`UnitGraph`] does so between units.
pub(super) fn stick_inside_units(tree: &UnitTree<'_>, leaves: &mut LeafStates) {
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
                let depends_on = tree.upwards(leaf).flat_map(|at| direct_dependencies(tree, at));
                let stuck =
                    depends_on.filter(|&node| tree.unit_of[node] == Some(index) && leaves.stuck[node] > 0);
                let on: Vec<_> = stuck.map(|node| tree.nodes[node].id.clone()).collect();
                if !on.is_empty() {
                    leaves.stick(tree, leaf, SkipReason::Blocked { on });
                    changed = true;
                }
            }
        }
    }
}
