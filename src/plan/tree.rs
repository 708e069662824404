//! The tasks as a tree, with the headings that make units as nodes of their own, cut into units.

use std::collections::HashMap;

use super::names;
use crate::config::Granularity;
use crate::spec::{Task, TaskFile};

/// A task, or a heading over tasks.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub(super) id: String,
    pub(super) title: &'a str,
    /// Line of the task; of its first task where it is a heading.
    pub(super) line: usize,
    /// The task; `None` for a heading.
    pub(super) task: Option<&'a Task>,
    pub(super) parent: Option<usize>,
    pub(super) children: Vec<usize>,
    /// Its own mark; says nothing of what is above.
    pub(super) optional: bool,
    /// Place in a walk that visits parents first, and the end of its subtree there.
    enter: usize,
    leave: usize,
}

/// What one step dispatches.
#[derive(Debug)]
pub(super) struct Unit {
    /// The node on top.
    pub(super) node: usize,
    /// Nodes without children, in document order.
    pub(super) leaves: Vec<usize>,
    /// Smallest place in the document of anything in it.
    pub(super) first: usize,
}

/// All tasks of a file. Nodes are the tasks, in document order, then the headings.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    /// In document order.
    pub(super) units: Vec<Unit>,
    /// The unit of each node; `None` for a parent where each leaf is a unit.
    pub(super) unit_of: Vec<Option<usize>>,
    /// Nodes, parents before children.
    pub(super) walk: Vec<usize>,
    by_id: HashMap<String, usize>,
}

impl<'a> Tree<'a> {
    pub(super) fn new(file: &'a TaskFile, granularity: Granularity) -> Self {
        let mut nodes: Vec<Node<'a>> = file.tasks.iter().map(Node::of_task).collect();
        let mut by_id = HashMap::with_capacity(nodes.len());
        for (index, node) in nodes.iter().enumerate() {
            by_id.entry(node.id.clone()).or_insert(index);
        }
        for (index, task) in file.tasks.iter().enumerate() {
            nodes[index].parent = task.parent.as_ref().and_then(|id| by_id.get(id).copied());
        }
        add_headings(&mut nodes, &mut by_id, &file.tasks);
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

    /// Whether `below` is `above` or stands somewhere below it.
    pub(super) fn contains(&self, above: usize, below: usize) -> bool {
        let (above, below) = (&self.nodes[above], &self.nodes[below]);
        above.enter <= below.enter && below.enter < above.leave
    }

    /// The node and everything above it, upwards.
    pub(super) fn upwards(&self, node: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(Some(node), |&at| self.nodes[at].parent)
    }

    /// Everything below the node and the node itself, parents first.
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
                    self.units.push(Unit { node: root, leaves, first: first.unwrap_or(root) });
                }
                Granularity::Task => {
                    self.units.extend(leaves.into_iter().map(|at| Unit {
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

impl<'a> Node<'a> {
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

/// Adds a node for each heading that makes a unit, and hangs its tasks below it.
fn add_headings<'a>(nodes: &mut Vec<Node<'a>>, by_id: &mut HashMap<String, usize>, tasks: &'a [Task]) {
    let mut headings: HashMap<&str, usize> = HashMap::new();
    for (index, task) in tasks.iter().enumerate() {
        let Some(group) = task.group.as_deref().filter(|_| nodes[index].parent.is_none()) else { continue };
        let heading = *headings.entry(group).or_insert_with(|| {
            let (id, title) = heading_name(group, by_id);
            by_id.insert(id.clone(), nodes.len());
            let node =
                Node { id, title, line: task.line, task: None, optional: false, ..Node::of_task(task) };
            nodes.push(node);
            nodes.len() - 1
        });
        nodes[index].parent = Some(heading);
    }
}

/// Id and title of a heading: its number where it has one that is free, else its text.
fn heading_name<'t>(text: &'t str, taken: &HashMap<String, usize>) -> (String, &'t str) {
    let text = text.trim();
    if let Some((number, title)) = leading_number(text)
        && !taken.contains_key(number)
    {
        return (number.to_owned(), if title.is_empty() { text } else { title });
    }
    let name = names::sanitise(text, names::Kind::Window, "group").replace(['/', '\\'], "-");
    let mut id = name.clone();
    let mut count = 1;
    while taken.contains_key(&id) {
        count += 1;
        id = format!("{name}-{count}");
    }
    (id, text)
}

/// `1.2. Set-up` → `1.2` and `Set-up`; nothing where the number runs into a word (`2nd`, `3D`).
fn leading_number(text: &str) -> Option<(&str, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..end].trim_end_matches('.');
    let rest = &text[end..];
    let starts_well = number.starts_with(|c: char| c.is_ascii_digit()) && !number.contains("..");
    let ends_well = end > number.len() || rest.is_empty() || rest.starts_with([' ', '\t', ')', ':', '-']);
    let title = rest.trim_start_matches([' ', '\t', ')', ':', '-']);
    (starts_well && ends_well).then_some((number, title))
}

/// Makes a root of one node of each circle of parents (the parser makes none).
fn cut_loops(nodes: &mut [Node<'_>]) {
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

/// Walks all trees, parents first, and numbers the nodes by it.
fn number(nodes: &mut [Node<'_>]) -> Vec<usize> {
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
        let tree = Tree::new(&file, granularity);
        let id = |node: usize| tree.nodes[node].id.clone();
        tree.units
            .iter()
            .map(|u| {
                (id(u.node), tree.nodes[u.node].title.to_owned(), u.leaves.iter().map(|&l| id(l)).collect())
            })
            .collect()
    }

    fn ids(text: &str) -> Vec<String> {
        units(text, Granularity::Unit).into_iter().map(|(id, ..)| id).collect()
    }

    #[test]
    fn a_top_level_task_with_all_below_it_is_one_unit() {
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
    fn a_numbered_heading_gives_its_unit_the_number_and_the_text() {
        let found = units("## 1. Setup\n1.1\n1.2\n## Polish the rest\n9", Granularity::Unit);
        assert_eq!(found[0], ("1".into(), "Setup".into(), vec!["1.1".into(), "1.2".into()]));
        assert_eq!(found[1], ("Polish-the-rest".into(), "Polish the rest".into(), vec!["9".into()]));
    }

    #[test]
    fn a_heading_never_takes_the_id_of_a_task_or_of_another_heading() {
        assert_eq!(ids("1\n## 1. Setup\n1.1"), ["1", "1.-Setup"]);
        assert_eq!(ids("## 1. Setup\n1.1\n## 1. Build\n1.2"), ["1", "1.-Build"]);
        assert_eq!(ids("## a b\n7\n## a  b\n8"), ["a-b", "a-b-2"]);
    }

    #[test]
    fn only_a_real_number_at_the_start_of_a_heading_counts() {
        assert_eq!(leading_number("1. Setup"), Some(("1", "Setup")));
        assert_eq!(leading_number("1.2 Setup"), Some(("1.2", "Setup")));
        assert_eq!(leading_number("3: Setup"), Some(("3", "Setup")));
        assert_eq!(leading_number("4"), Some(("4", "")));
        assert_eq!(leading_number("2nd phase"), None);
        assert_eq!(leading_number("Phase 1"), None);
        assert_eq!(leading_number("... more"), None);
    }

    #[test]
    fn parents_that_go_in_a_circle_or_do_not_exist_lose_no_task() {
        let mut file = tasks("1\n2\n3\n4");
        file.tasks[0].parent = Some("2".into());
        file.tasks[1].parent = Some("1".into());
        file.tasks[2].parent = Some("nobody".into());
        file.tasks[3].parent = Some("4".into());
        let tree = Tree::new(&file, Granularity::Unit);
        assert_eq!(tree.walk.len(), 4);
        assert!(tree.unit_of.iter().all(Option::is_some));
    }
}
