//! Puts the linear plan together.

mod reasons;

use std::collections::{BTreeSet, HashSet};

use super::names;
use super::order::{Graph, stick_inside_units};
use super::request::Request;
use super::resolve::Resolver;
use super::select::{Leaf, Leaves, mismatches, optional_by_text};
use super::step::{Note, Plan, SkipReason, Skipped, Step};
use super::tree::Tree;
use super::waves::Waves;
use crate::config::Granularity;
use crate::spec::TaskFile;

/// A unit with what belongs to it, whether there is work in it or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnitInfo {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// Line in tasks.md (of its first task, where a heading makes the unit).
    pub line: usize,
    /// Ids of all in it, its own first, parents before children.
    pub members: Vec<String>,
    /// Ids of those without children, in document order.
    pub leaves: Vec<String>,
}

/// All units of a file, in document order.
#[must_use]
pub fn units(tasks: &TaskFile, granularity: Granularity) -> Vec<UnitInfo> {
    let tree = Tree::new(tasks, granularity);
    let id = |&node: &usize| tree.nodes[node].id.clone();
    let info = |unit: &super::tree::Unit| UnitInfo {
        id: id(&unit.node),
        title: tree.nodes[unit.node].title.to_owned(),
        line: tree.nodes[unit.node].line,
        members: tree.below(unit.node).iter().map(id).collect(),
        leaves: unit.leaves.iter().map(id).collect(),
    };
    tree.units.iter().map(info).collect()
}

/// Makes the linear plan: what runs, in order, and what does not, with reasons.
///
/// The file must have no errors, and the ids of the selection must have passed
/// [`check_selection`](super::check_selection): unknown ones select nothing.
#[must_use]
pub fn build(request: &Request<'_>) -> Plan {
    let granularity = request.config.run.granularity;
    let tree = Tree::new(request.tasks, granularity);
    let mut leaves = Leaves::new(&tree, request);
    cut_before(&tree, &mut leaves, request);
    stick_inside_units(&tree, &mut leaves);
    let graph = Graph::new(&tree, &leaves, granularity);
    let waves = Waves::new(&tree, &leaves, &request.tasks.waves);
    let order = graph.order(&tree, &waves);

    let mut notes = mismatches(&tree, &leaves);
    notes.extend(optional_by_text(&tree, &leaves));
    notes.extend(order.notes);
    notes.extend(waves.note(&tree, request.tasks.waves_line));
    let mut builder = Builder {
        resolver: Resolver::new(request.config, request.spec, request.progress),
        failed: &request.progress.failed,
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
    builder.stall_failed();
    for &unit in order.units.iter().chain(&order.circular) {
        builder.unit(unit, &order.circular);
    }
    let Builder { steps, mut skipped, .. } = builder;
    skipped.sort_by_key(|(first, _)| *first);

    let mut seen = HashSet::new();
    for (step, remark) in &steps {
        if let Some(message) = remark
            && seen.insert(message.clone())
        {
            notes.push(Note { line: step.line, message: message.clone() });
        }
    }
    notes.sort_by_key(|note| note.line);
    Plan {
        spec: request.spec.name.to_owned(),
        steps: steps.into_iter().map(|(step, _)| step).collect(),
        skipped: skipped.into_iter().map(|(_, skipped)| skipped).collect(),
        ignored: request.tasks.ignored.clone(),
        notes,
        dialect: request.tasks.dialect,
        dialect_reason: request.tasks.dialect_reason.clone(),
        waves: request.tasks.waves.clone(),
        inputs: request.spec.inputs.to_vec(),
        max_iterations: request.config.run.max_iterations,
    }
}

/// `--from`: leaves out what the plan would have before that id.
fn cut_before(tree: &Tree<'_>, leaves: &mut Leaves, request: &Request<'_>) {
    let Some(from) = request.selection.from.as_ref().and_then(|id| tree.find(id)) else { return };
    let waves = Waves::new(tree, leaves, &request.tasks.waves);
    let order = Graph::new(tree, leaves, request.config.run.granularity).order(tree, &waves);
    let mut cut = Vec::new();
    'units: for &unit in order.units.iter().chain(&order.circular) {
        for &leaf in &tree.units[unit].leaves {
            if tree.contains(from, leaf) {
                break 'units;
            }
            cut.push(leaf);
        }
    }
    for leaf in cut {
        if leaves.is_open(leaf) {
            leaves.stick(tree, leaf, SkipReason::NotSelected);
        }
    }
}

/// Per node: how many children must still be completed before it is; for a leaf, 1 while it is not done.
fn required_children(tree: &Tree<'_>, leaves: &Leaves) -> Vec<usize> {
    let mut counts = vec![0; tree.nodes.len()];
    for &at in tree.walk.iter().rev() {
        if tree.nodes[at].children.is_empty() {
            counts[at] = usize::from(!matches!(leaves.of[at], Some(Leaf::Done(_))));
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

struct Builder<'a> {
    tree: &'a Tree<'a>,
    request: &'a Request<'a>,
    resolver: Resolver<'a>,
    failed: &'a BTreeSet<String>,
    leaves: Leaves,
    graph: &'a Graph,
    waves: &'a Waves,
    /// Nodes with open leaves that will not run, since their unit does not.
    stalled: Vec<bool>,
    to_complete: Vec<usize>,
    steps: Vec<(Step, Option<String>)>,
    skipped: Vec<(usize, Skipped)>,
    /// Of the steps so far, the place of the one that stands last in the document.
    last_in_document: Option<usize>,
    /// Per node: the last step so far that does something of it.
    last_step: Vec<Option<usize>>,
}

impl Builder<'_> {
    fn stall_failed(&mut self) {
        for unit in 0..self.tree.units.len() {
            if self.failed.contains(&self.tree.nodes[self.tree.units[unit].node].id) {
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

    /// Takes the next unit of the order: a step, or a skip.
    fn unit(&mut self, unit: usize, circular: &[usize]) {
        let top = self.tree.units[unit].node;
        if !self.tree.units[unit].leaves.iter().any(|&leaf| self.leaves.is_open(leaf)) {
            return self.skip_without_work(unit);
        }
        let first = self.tree.units[unit].first;
        if self.failed.contains(&self.tree.nodes[top].id) {
            self.skip(first, top, SkipReason::Failed);
            return;
        }
        let in_circle = circular.binary_search(&unit).is_ok();
        let id = |&need: &usize| self.tree.nodes[need].id.clone();
        let open_or_stuck = |need: &&usize| self.leaves.open[**need] + self.leaves.stuck[**need] > 0;
        let needs: Vec<usize> = self.graph.needs[unit].iter().filter(open_or_stuck).copied().collect();
        let waits_in_circle = |need: usize| match self.tree.unit_of[need] {
            Some(other) => circular.binary_search(&other).is_ok(),
            None => self.leaves.open[need] > 0,
        };
        let hopeless = |need: usize| {
            self.leaves.stuck[need] > 0 || self.stalled[need] || in_circle && waits_in_circle(need)
        };
        let on: Vec<String> = needs.iter().filter(|&&need| hopeless(need)).map(id).collect();
        if !on.is_empty() {
            self.stall(unit);
            self.skip(first, top, SkipReason::Blocked { on });
            return;
        }
        self.step(unit, &needs);
    }

    fn step(&mut self, unit: usize, needs: &[usize]) {
        let (tree, request) = (self.tree, self.request);
        let tree_unit = &tree.units[unit];
        let top = &tree.nodes[tree_unit.node];
        let open: Vec<usize> =
            tree_unit.leaves.iter().copied().filter(|&leaf| self.leaves.is_open(leaf)).collect();
        let top_of = |need: usize| tree.unit_of[need].map_or(need, |other| tree.units[other].node);
        let mut seen = HashSet::new();
        let after = needs.iter().map(|&need| top_of(need)).filter(|&node| seen.insert(node));
        let after = after.map(|node| tree.nodes[node].id.clone()).collect();
        let mut reasons = self.reasons(unit, &open);
        reasons.extend(self.waves.reason(unit));
        let moved = self.last_in_document.is_some_and(|last| last > tree_unit.first);
        if let Some(&need) = needs.iter().max_by_key(|&&need| self.last_step[need]).filter(|_| moved) {
            reasons.push(format!("moved after {}: depends on it", tree.nodes[top_of(need)].id));
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
        let settings = self.resolver.unit(tree, tree_unit.node);
        reasons.extend(settings.chosen);
        let step = Step {
            unit: top.id.clone(),
            title: top.title.to_owned(),
            task: top.task.cloned(),
            completes: self.complete(&open),
            above: tree.above(&open, tree_unit.node),
            open: open.iter().filter_map(|&leaf| tree.nodes[leaf].task.cloned()).collect(),
            after,
            waves: self.waves.within(&open),
            backend: settings.backend,
            argv: settings.argv,
            resume_argv: settings.resume_argv,
            model: settings.model,
            unassigned: settings.unassigned,
            prompt_by: settings.prompt_by,
            output: settings.output,
            env: settings.env,
            env_remove: settings.env_remove,
            cwd: self.resolver.cwd.clone(),
            window: names::window(&request.config.tmux.window, &top.id),
            timeout: settings.timeout,
            retry: settings.retry,
            done: settings.done,
            verify: settings.verify,
            delay: request.config.run.delay,
            extra_prompt: settings.extra_prompt,
            reasons,
            line: top.line,
        };
        self.steps.push((step, settings.remark));
        self.skip_leaves(unit, None);
    }

    /// Completes the open leaves of a step, and gives all ids that are completed by it.
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
        // a heading's node comes after all tasks, and its place in the document is before them
        above.sort_unstable_by_key(|&node| (tree.nodes[node].task.is_some(), node));
        above.dedup();
        above.into_iter().map(|node| tree.nodes[node].id.clone()).collect()
    }
}
