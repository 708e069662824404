//! The tasks as a tree, cut into units. Headings that make units are nodes of the tree.

use std::collections::{BTreeSet, HashMap};

use crate::config::Granularity;
use crate::spec::{Task, TaskFile};

/// A task, or a heading over tasks.
#[derive(Debug)]
pub(super) struct TreeNode<'a> {
    pub(super) id: String,
    pub(super) title: &'a str,
    /// Line of the task; for a heading, the line of its first task.
    pub(super) line: usize,
    /// The task; `None` for a heading.
    pub(super) task: Option<&'a Task>,
    pub(super) parent: Option<usize>,
    pub(super) children: Vec<usize>,
    /// The task itself is marked optional, whatever is above it.
    pub(super) optional: bool,
    /// The place of the node in `walk`, and the end of its subtree there.
    enter: usize,
    leave: usize,
}

/// A unit: what one step works on.
#[derive(Debug)]
pub(super) struct TreeUnit {
    /// The node on top.
    pub(super) node: usize,
    /// Nodes without children, in document order.
    pub(super) leaves: Vec<usize>,
    /// The place of its first task in the document.
    pub(super) first: usize,
}

/// All tasks of a file. The nodes are the tasks in document order, then the headings.
#[derive(Debug)]
pub(super) struct UnitTree<'a> {
    pub(super) nodes: Vec<TreeNode<'a>>,
    /// In document order.
    pub(super) units: Vec<TreeUnit>,
    /// The unit of each node; `None` for a parent if each leaf is a unit.
    pub(super) unit_of: Vec<Option<usize>>,
    /// Nodes, parents before children.
    pub(super) walk: Vec<usize>,
    by_id: HashMap<String, usize>,
}

impl<'a> UnitTree<'a> {
    pub(super) fn new(file: &'a TaskFile, granularity: Granularity) -> Self {
        let mut nodes: Vec<TreeNode<'a>> = file.tasks.iter().map(TreeNode::of_task).collect();
        let mut by_id = HashMap::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            by_id.entry(node.id.clone()).or_insert(index);
        }
        for (index, task) in file.tasks.iter().enumerate() {
            nodes[index].parent = task.parent.as_ref().and_then(|id| by_id.get(id).copied());
        }
        add_headings(&mut nodes, &mut by_id, file);
        cut_loops(&mut nodes);
        for index in 0..nodes.len() {
            if let Some(parent) = nodes[index].parent {
                nodes[parent].children.push(index);
            }
        }
        let walk = number(&mut nodes);
        let mut tree = Self { unit_of: vec![None; nodes.len()], nodes, units: Vec::new(), walk, by_id };
        tree.cut_units(granularity);
        tree
    }

    /// The node with this id; a task wins over a heading.
    pub(super) fn find(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    /// Whether `below` is `above` itself or somewhere below it.
    pub(super) fn contains(&self, above: usize, below: usize) -> bool {
        let (above, below) = (&self.nodes[above], &self.nodes[below]);
        above.enter <= below.enter && below.enter < above.leave
    }

    /// The node and everything above it, from bottom to top.
    pub(super) fn upwards(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(node), |&at| self.nodes[at].parent)
    }

    /// The tasks above these leaves except for their unit's own, in document order.
    pub(super) fn above(&self, leaves: &[usize], unit: usize) -> Vec<Task> {
        let above = leaves.iter().flat_map(|&leaf| self.upwards(leaf).skip(1)).filter(|&at| at != unit);
        let nodes: BTreeSet<usize> = above.collect();
        nodes.into_iter().filter_map(|at| self.nodes[at].task.cloned()).collect()
    }

    /// The node and everything below it, parents first.
    pub(super) fn below(&self, node: usize) -> &[usize] {
        &self.walk[self.nodes[node].enter..self.nodes[node].leave]
    }

    fn cut_units(&mut self, granularity: Granularity) {
        for root in 0..self.nodes.len() {
            if self.nodes[root].parent.is_some() {
                continue;
            }
            let members = self.below(root).to_vec();
            let mut leaves: Vec<usize> =
                members.iter().copied().filter(|&m| self.nodes[m].children.is_empty()).collect();
            leaves.sort_unstable();
            match granularity {
                Granularity::Unit => {
                    let first = members.iter().copied().filter(|&m| self.nodes[m].task.is_some()).min();
                    self.units.push(TreeUnit { node: root, leaves, first: first.unwrap_or(root) });
                }
                Granularity::Task => {
                    self.units.extend(leaves.into_iter().map(|at| TreeUnit {
                        node: at,
                        leaves: vec![at],
                        first: at,
                    }));
                }
            }
        }
        self.units.sort_by_key(|unit| unit.first);
        for index in 0..self.units.len() {
            for member in self.below(self.units[index].node).to_vec() {
                self.unit_of[member] = Some(index);
            }
        }
    }
}

impl<'a> TreeNode<'a> {
    fn of_task(task: &'a Task) -> Self {
        Self {
            id: task.id.clone(),
            title: &task.title,
            line: task.line,
            task: Some(task),
            parent: None,
            children: Vec::new(),
            optional: task.optional,
            enter: 0,
            leave: 0,
        }
    }
}

/// Adds a node for each heading that makes a unit, as the parent of its tasks.
fn add_headings<'a>(nodes: &mut Vec<TreeNode<'a>>, by_id: &mut HashMap<String, usize>, file: &'a TaskFile) {
    let titles: HashMap<&str, &str> = file.groups.iter().map(|g| (g.id.as_str(), g.title.as_str())).collect();
    let mut headings: HashMap<&str, usize> = HashMap::new();
    for (index, task) in file.tasks.iter().enumerate() {
        let Some(group) = task.group.as_deref().filter(|_| nodes[index].parent.is_none()) else { continue };
        let heading = *headings.entry(group).or_insert_with(|| {
            by_id.entry(group.to_owned()).or_insert(nodes.len());
            nodes.push(TreeNode {
                id: group.to_owned(),
                title: titles.get(group).copied().filter(|title| !title.is_empty()).unwrap_or(group),
                line: task.line,
                task: None,
                optional: false,
                ..TreeNode::of_task(task)
            });
            nodes.len() - 1
        });
        nodes[index].parent = Some(heading);
    }
}

/// Cuts circles of parents, so that one node of each becomes a root. The parser makes no circles.
fn cut_loops(nodes: &mut [TreeNode<'_>]) {
    let mut seen_by = vec![usize::MAX; nodes.len()];
    for start in 0..nodes.len() {
        let mut at = start;
        while seen_by[at] == usize::MAX {
            seen_by[at] = start;
            let Some(parent) = nodes[at].parent else { break };
            if seen_by[parent] == start {
                nodes[at].parent = None;
                break;
            }
            at = parent;
        }
    }
}

/// Walks all trees, parents first, and numbers the nodes on the way.
fn number(nodes: &mut [TreeNode<'_>]) -> Vec<usize> {
    let mut walk = Vec::with_capacity(nodes.len());
    let mut stack: Vec<(usize, bool)> = (0..nodes.len()).rev().map(|i| (i, false)).collect();
    stack.retain(|&(i, _)| nodes[i].parent.is_none());
    while let Some((at, left)) = stack.pop() {
        if left {
            nodes[at].leave = walk.len();
            continue;
        }
        nodes[at].enter = walk.len();
        walk.push(at);
        stack.push((at, true));
        stack.extend(nodes[at].children.iter().rev().map(|&child| (child, false)));
    }
    walk
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::testing::tasks;

    fn units(text: &str, granularity: Granularity) -> Vec<(String, String, Vec<String>)> {
        let file = tasks(text);
        let tree = UnitTree::new(&file, granularity);
        let id = |node: usize| tree.nodes[node].id.clone();
        tree.units
            .iter()
            .map(|u| {
                (id(u.node), tree.nodes[u.node].title.to_owned(), u.leaves.iter().map(|&l| id(l)).collect())
            })
            .collect()
    }

    #[test]
    fn a_top_level_task_with_everything_below_it_is_one_unit() {
        let found = units("1\n  1.1\n    1.1.1\n  1.2\n2", Granularity::Unit);
        assert_eq!(found[0], ("1".into(), "Do 1".into(), vec!["1.1.1".into(), "1.2".into()]));
        assert_eq!(found[1].2, ["2"]);
    }

    #[test]
    fn with_task_granularity_each_leaf_is_a_unit() {
        let found: Vec<_> = units("1\n  1.1\n    1.1.1\n  1.2\n2", Granularity::Task);
        assert_eq!(found.iter().map(|u| u.0.as_str()).collect::<Vec<_>>(), ["1.1.1", "1.2", "2"]);
    }

    #[test]
    fn a_heading_gives_its_unit_number_and_title() {
        let found = units("## 1. Setup\n1.1\n1.2\n## 2.\n2.1", Granularity::Unit);
        assert_eq!(found[0], ("1".into(), "Setup".into(), vec!["1.1".into(), "1.2".into()]));
        assert_eq!(found[1], ("2".into(), "2".into(), vec!["2.1".into()]));
    }

    #[test]
    fn a_task_beats_a_heading_with_the_same_id() {
        let file = tasks("## 2. Setup\n1.1\n## -\n2");
        let tree = UnitTree::new(&file, Granularity::Unit);
        assert_eq!(tree.find("2").map(|at| tree.nodes[at].task.is_some()), Some(true));
        assert_eq!(tree.units.len(), 2);
    }

    #[test]
    fn circular_or_missing_parents_lose_no_task() {
        let mut file = tasks("1\n2\n3\n4");
        file.tasks[0].parent = Some("2".into());
        file.tasks[1].parent = Some("1".into());
        file.tasks[2].parent = Some("missing".into());
        file.tasks[3].parent = Some("4".into());
        let tree = UnitTree::new(&file, Granularity::Unit);
        assert_eq!(tree.walk.len(), 4);
        assert!(tree.unit_of.iter().all(Option::is_some));
    }
}
