//! Puts the plan together.

use std::collections::{BTreeMap, HashSet};

use super::leaf_states::{LeafState, LeafStates, mismatches, optional_by_text};
use super::reasons;
use super::request::{PlanRequest, Progress, SpecInfo};
use super::step::{BaselineChecks, Plan, PlanNote, SkipReason, SkippedTask, Step};
use super::step_settings::SettingsResolver;
use super::tmux_names;
use super::unit_order::{UnitGraph, cut_before, stick_inside_units};
use super::unit_tree::{TreeUnit, UnitTree};
use super::unit_waves::UnitWaves;
use crate::agent::AttemptRole;
use crate::config::Granularity;
use crate::spec::TaskFile;

/// A unit with the ids that belong to it, whether it has open work or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitInfo {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Line in tasks.md; where a heading makes the unit, the line of its first task.
    pub line: usize,
    /// The ids of the unit and of everything in it, parents before children.
    pub members: Vec<String>,
}

/// All units of a file, in document order.
#[must_use]
pub fn units(tasks: &TaskFile, granularity: Granularity) -> Vec<UnitInfo> {
    let tree = UnitTree::new(tasks, granularity);
    let id = |&node: &usize| tree.nodes[node].id.clone();
    let info = |unit: &TreeUnit| UnitInfo {
        id: id(&unit.node),
        title: tree.nodes[unit.node].title.to_owned(),
        line: tree.nodes[unit.node].line,
        members: tree.below(unit.node).iter().map(id).collect(),
    };
    tree.units.iter().map(info).collect()
}

/// Makes the plan: what runs, in order, and what does not run, with reasons.
///
/// The file must have no errors, and the selection must come from [`select`](super::select): unknown
/// ids select nothing.
#[must_use]
pub fn build(request: &PlanRequest<'_>) -> Plan {
    let granularity = request.config.run.granularity;
    let tree = UnitTree::new(request.tasks, granularity);
    let mut leaves = LeafStates::new(&tree, request.config, request.progress, request.selection);
    cut_before(&tree, &mut leaves, request.tasks, request.config, request.selection);
    stick_inside_units(&tree, &mut leaves);
    let graph = UnitGraph::new(&tree, &leaves, granularity);
    let waves = UnitWaves::new(&tree, &leaves, &request.tasks.waves);
    let order = graph.order(&tree, &waves);

    let mut notes = mismatches(&tree, &leaves);
    notes.extend(optional_by_text(&tree, &leaves));
    notes.extend(order.notes);
    notes.extend(waves.note(&tree, request.tasks.waves_line));
    let mut builder = PlanBuilder {
        resolver: SettingsResolver::new(request.config, request.spec, request.progress),
        progress: request.progress,
        stalled: vec![false; tree.nodes.len()],
        to_complete: required_children(&tree, &leaves),
        leaves,
        graph: &graph,
        waves: &waves,
        steps: Vec::new(),
        skipped: Vec::new(),
        last_in_document: None,
        last_step: vec![None; tree.nodes.len()],
        tree: &tree,
        request,
    };
    builder.stall_units_that_stand_still();
    for &unit in order.units.iter().chain(&order.circular) {
        builder.unit(unit, &order.circular);
    }
    let spec_review = builder.resolver.spec_review(request.config).map(Box::new);
    let PlanBuilder { steps, mut skipped, .. } = builder;
    skipped.sort_by_key(|(first, _)| *first);

    let mut seen = HashSet::new();
    for (step, note) in &steps {
        if let Some(message) = note
            && seen.insert(message.clone())
        {
            notes.push(PlanNote { line: step.line, message: message.clone() });
        }
    }
    notes.sort_by_key(|note| note.line);
    let steps: Vec<Step> = steps.into_iter().map(|(step, _)| step).collect();
    let all = steps.iter().chain(spec_review.as_deref());
    let baseline =
        request.config.verify.baseline.then(|| BaselineChecks::of(request.config, &request.spec, all));
    Plan {
        spec: request.spec.name.to_owned(),
        steps,
        spec_review,
        baseline,
        skipped: skipped.into_iter().map(|(_, skipped)| skipped).collect(),
        ignored: request.tasks.ignored.clone(),
        notes,
        dialect: request.tasks.dialect,
        dialect_reason: request.tasks.dialect_reason.clone(),
        reading: request.tasks.reading.clone(),
        waves: request.tasks.waves.clone(),
        was: BTreeMap::new(),
        tasks_file: tasks_file(&request.spec),
        inputs: request.spec.inputs.to_vec(),
        max_iterations: request.config.run.max_iterations,
    }
}

/// The file of the tasks as the prompts name it: as among the inputs.
fn tasks_file(spec: &SpecInfo<'_>) -> String {
    let path = spec.tasks_path;
    let named = spec.inputs.iter().find(|input| path.ends_with(input));
    named.cloned().unwrap_or_else(|| path.strip_prefix(spec.root).unwrap_or(path).display().to_string())
}

/// Per node: how many children are still missing until it is completed; for a leaf, 1 until it is done.
fn required_children(tree: &UnitTree<'_>, leaves: &LeafStates) -> Vec<usize> {
    let mut counts = vec![0; tree.nodes.len()];
    for &at in tree.walk.iter().rev() {
        if tree.nodes[at].children.is_empty() {
            counts[at] = usize::from(!matches!(leaves.of[at], Some(LeafState::Done(_))));
        }
        if let Some(up) = tree.nodes[at].parent
            && counts[at] > 0
            && !tree.nodes[at].optional
        {
            counts[up] += 1;
        }
    }
    counts
}

struct PlanBuilder<'a> {
    tree: &'a UnitTree<'a>,
    request: &'a PlanRequest<'a>,
    resolver: SettingsResolver<'a>,
    progress: &'a Progress,
    leaves: LeafStates,
    graph: &'a UnitGraph,
    waves: &'a UnitWaves,
    /// Per node: it has open leaves that do not run, since their unit does not.
    stalled: Vec<bool>,
    to_complete: Vec<usize>,
    /// The steps so far, each with a remark for the notes.
    steps: Vec<(Step, Option<String>)>,
    /// What does not run, each with its place in the document.
    skipped: Vec<(usize, SkippedTask)>,
    /// The place in the document of the step so far that stands last there.
    last_in_document: Option<usize>,
    /// Per node: the last step so far that works on something in it.
    last_step: Vec<Option<usize>>,
}

impl PlanBuilder<'_> {
    /// Why a unit with open tasks does not run in this plan, although its turn came.
    fn stands_still(&self, unit: usize) -> Option<SkipReason> {
        let id = &self.tree.nodes[self.tree.units[unit].node].id;
        let asks = self.progress.asking.contains(id).then_some(SkipReason::Asks);
        asks.or_else(|| self.progress.failed.contains(id).then_some(SkipReason::Failed))
    }

    fn stall_units_that_stand_still(&mut self) {
        for unit in 0..self.tree.units.len() {
            if self.stands_still(unit).is_some() {
                self.stall(unit);
            }
        }
    }

    fn stall(&mut self, unit: usize) {
        for &leaf in &self.tree.units[unit].leaves {
            if self.leaves.is_open(leaf) {
                for at in self.tree.upwards(leaf) {
                    if std::mem::replace(&mut self.stalled[at], true) {
                        break;
                    }
                }
            }
        }
    }

    /// Makes a step of the next unit, or skips it.
    fn unit(&mut self, unit: usize, circular: &[usize]) {
        let top = self.tree.units[unit].node;
        if !self.tree.units[unit].leaves.iter().any(|&leaf| self.leaves.is_open(leaf)) {
            return self.skip_without_work(unit);
        }
        let first = self.tree.units[unit].first;
        if let Some(reason) = self.stands_still(unit) {
            self.skip(first, top, reason);
            return;
        }
        let in_circle = circular.binary_search(&unit).is_ok();
        let id = |&node: &usize| self.tree.nodes[node].id.clone();
        let unfinished = |node: &&usize| self.leaves.open[**node] + self.leaves.stuck[**node] > 0;
        let depends_on: Vec<usize> = self.graph.depends_on[unit].iter().filter(unfinished).copied().collect();
        let waits_in_circle = |node: usize| match self.tree.unit_of[node] {
            Some(other) => circular.binary_search(&other).is_ok(),
            None => self.leaves.open[node] > 0,
        };
        let never_comes = |node: usize| {
            self.leaves.stuck[node] > 0 || self.stalled[node] || in_circle && waits_in_circle(node)
        };
        let on: Vec<String> = depends_on.iter().filter(|&&node| never_comes(node)).map(id).collect();
        if !on.is_empty() {
            self.stall(unit);
            self.skip(first, top, SkipReason::Blocked { on });
            return;
        }
        self.step(unit, &depends_on);
    }

    /// Makes a step of a unit; `depends_on` are the nodes that had to come first.
    fn step(&mut self, unit: usize, depends_on: &[usize]) {
        let (tree, request) = (self.tree, self.request);
        let tree_unit = &tree.units[unit];
        let top = &tree.nodes[tree_unit.node];
        let open: Vec<usize> =
            tree_unit.leaves.iter().copied().filter(|&leaf| self.leaves.is_open(leaf)).collect();
        let top_of = |node: usize| tree.unit_of[node].map_or(node, |other| tree.units[other].node);
        let mut seen = HashSet::new();
        let after = depends_on.iter().map(|&node| top_of(node)).filter(|&node| seen.insert(node));
        let after = after.map(|node| tree.nodes[node].id.clone()).collect();
        let named = !request.selection.only.is_empty();
        let mut reasons = reasons::of_step(tree, &self.leaves, unit, &open, named);
        reasons.extend(reasons::of_reopened(tree, &open, &request.progress.reopened));
        reasons.extend(self.waves.reason(unit));
        let moved = self.last_in_document.is_some_and(|last| last > tree_unit.first);
        if let Some(&latest) = depends_on.iter().max_by_key(|&&node| self.last_step[node]).filter(|_| moved) {
            reasons.push(format!("moved after {}: depends on it", tree.nodes[top_of(latest)].id));
        }
        let number = Some(self.steps.len());
        for &leaf in &open {
            for at in tree.upwards(leaf) {
                if std::mem::replace(&mut self.last_step[at], number) == number {
                    break;
                }
            }
        }
        self.last_in_document = self.last_in_document.max(Some(tree_unit.first));
        let resolved = self.resolver.unit(tree, tree_unit.node);
        reasons.extend(resolved.reasons);
        let step = Step {
            role: AttemptRole::Work,
            unit: top.id.clone(),
            title: top.title.to_owned(),
            task: top.task.cloned(),
            group: self.heading(tree_unit.node),
            completes: self.complete(&open),
            above: tree.above(&open, tree_unit.node),
            open: open.iter().filter_map(|&leaf| tree.nodes[leaf].task.cloned()).collect(),
            after,
            waves: self.waves.within(&open),
            settings: resolved.settings,
            window: tmux_names::window(&request.config.tmux.window, &top.id),
            reasons,
            line: top.line,
        };
        self.steps.push((step, resolved.note));
        self.skip_leaves(unit, None);
    }

    /// The heading that makes a unit, or the nearest one above it.
    fn heading(&self, node: usize) -> Option<String> {
        let tree = self.tree;
        let root = tree.upwards(node).last().unwrap_or(node);
        if tree.nodes[root].task.is_none() {
            return Some(tree.nodes[root].title.to_owned());
        }
        let section = tree.nodes[node].task.map_or("", |task| &task.section);
        section.rsplit(" › ").next().filter(|text| !text.is_empty()).map(str::to_owned)
    }

    /// Completes the open leaves of a step, and returns all ids that this completes.
    fn complete(&mut self, open: &[usize]) -> Vec<String> {
        let tree = self.tree;
        let mut above = Vec::new();
        let mut last: Option<usize> = None;
        for &leaf in open {
            let mut done = leaf;
            self.to_complete[leaf] = 0;
            while let Some(up) = tree.nodes[done].parent.filter(|_| !tree.nodes[done].optional) {
                self.to_complete[up] -= 1;
                if self.to_complete[up] > 0 {
                    break;
                }
                done = up;
            }
            above.extend(
                tree.upwards(leaf)
                    .skip(1)
                    .take_while(|&up| !last.is_some_and(|last| tree.contains(up, last))),
            );
            last = Some(leaf);
        }
        above.retain(|&up| self.to_complete[up] == 0);
        above.extend(open);
        // the nodes of headings come after all tasks, but in the document a heading stands before its tasks
        above.sort_unstable_by_key(|&node| (tree.nodes[node].task.is_some(), node));
        above.dedup();
        above.into_iter().map(|node| tree.nodes[node].id.clone()).collect()
    }

    /// Skips a unit.
    fn skip(&mut self, place: usize, node: usize, reason: SkipReason) {
        self.list_skipped(place, node, None, reason);
    }

    fn list_skipped(&mut self, place: usize, node: usize, part_of: Option<String>, reason: SkipReason) {
        let node = &self.tree.nodes[node];
        let (id, title) = (node.id.clone(), node.title.to_owned());
        self.skipped.push((place, SkippedTask { id, title, part_of, reason }));
    }

    /// Skips a unit without open leaves.
    fn skip_without_work(&mut self, unit: usize) {
        let (top, first) = (self.tree.units[unit].node, self.tree.units[unit].first);
        let completed = &self.request.progress.completed;
        let reason = reasons::of_unit_without_work(self.tree, &self.leaves, unit, completed);
        self.skip(first, top, reason.clone());
        if reason != SkipReason::NotSelected {
            self.skip_leaves(unit, Some(&reason));
        }
    }

    /// Lists the leaves of a unit that do not run, where the unit runs or has another reason.
    fn skip_leaves(&mut self, unit: usize, of_unit: Option<&SkipReason>) {
        let first = self.tree.units[unit].first;
        let id = self.tree.nodes[self.tree.units[unit].node].id.clone();
        for (leaf, reason) in reasons::of_leaves(self.tree, &self.leaves, unit, of_unit) {
            self.list_skipped(first, leaf, Some(id.clone()), reason);
        }
    }
}
