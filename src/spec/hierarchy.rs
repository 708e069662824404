//! The parent of each task: its number beats its indentation. Where no task has the number, a heading makes a group.

use std::collections::{HashMap, HashSet};

use super::grammar::{Heading, IdShape};
use super::id_index::{IdIndex, IdSlot};
use super::lines::SourceLines;
use super::model::TaskGroup;
use super::sections::SectionMap;
use super::task_line::TaskLine;
use super::title;

/// The parents and groups of all tasks.
#[derive(Debug, Default)]
pub(crate) struct TaskHierarchy {
    /// Per task: the index of its parent.
    pub(crate) parent: Vec<Option<usize>>,
    /// Per task: the index of its group.
    pub(crate) group: Vec<Option<usize>>,
    pub(crate) groups: Vec<TaskGroup>,
    /// Tasks indented below one task and numbered below another.
    pub(crate) elsewhere: Vec<usize>,
}

/// Finds parents and groups.
pub(crate) fn build(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    tasks: &[TaskLine<'_>],
    ids: &IdIndex<'_>,
) -> TaskHierarchy {
    let mut walk = HierarchyWalk::new(lines, map, tasks, ids);
    let mut line = 0;
    for (i, task) in tasks.iter().enumerate() {
        while line < task.line {
            if let Some(heading) = lines.heading(line) {
                let is_task = i > 0 && tasks[i - 1].line == line;
                walk.pass_heading(line, heading, is_task);
            }
            line += 1;
        }
        walk.place(i);
    }
    walk.tree
}

/// What the number of a task says about its parent.
enum NumberedParent {
    Child(usize),
    /// The task has no parent.
    Alone,
    Unknown,
}

/// A heading that is open above the current line.
struct OpenSection<'a> {
    level: usize,
    number: Option<&'a str>,
    line: usize,
}

/// Goes through tasks and headings in document order.
struct HierarchyWalk<'a> {
    lines: &'a SourceLines<'a>,
    map: &'a SectionMap,
    tasks: &'a [TaskLine<'a>],
    ids: &'a IdIndex<'a>,
    tree: TaskHierarchy,
    /// Per id: the last task of that id so far.
    above: Vec<Option<usize>>,
    /// Per task: something is a part of it.
    has_parts: Vec<bool>,
    /// Per id: how many ids continue it.
    siblings: Vec<usize>,
    /// Section headings that are open, outermost first.
    open: Vec<OpenSection<'a>>,
    /// Tasks that may hold the next one by indentation, outermost first.
    outer: Vec<usize>,
    /// Per section number: the line of its last heading so far.
    numbers: HashMap<&'a str, usize>,
    /// Per dotted head: the lines of the first and the last task whose id continues it.
    spread: HashMap<&'a str, (usize, usize)>,
    /// Per heading line: where its section ends.
    ends: HashMap<usize, usize>,
    /// Per heading line: the group that was made for it.
    made: HashMap<usize, usize>,
    group_ids: HashSet<String>,
    /// A dot after a dotted id is rare in this file, so it means something.
    dots_matter: bool,
    /// The last lookup: siblings look up the same parent.
    last: Option<(&'a str, Option<IdSlot>)>,
}

impl<'a> HierarchyWalk<'a> {
    fn new(
        lines: &'a SourceLines<'a>,
        map: &'a SectionMap,
        tasks: &'a [TaskLine<'a>],
        ids: &'a IdIndex<'a>,
    ) -> Self {
        let mut walk = Self {
            lines,
            map,
            tasks,
            ids,
            tree: TaskHierarchy {
                parent: vec![None; tasks.len()],
                group: vec![None; tasks.len()],
                ..TaskHierarchy::default()
            },
            above: vec![None; ids.first.len()],
            has_parts: vec![false; tasks.len()],
            siblings: vec![0; ids.first.len()],
            open: Vec::new(),
            outer: Vec::new(),
            numbers: HashMap::new(),
            spread: HashMap::new(),
            ends: HashMap::new(),
            made: HashMap::new(),
            group_ids: HashSet::new(),
            dots_matter: dots_matter(tasks),
            last: None,
        };
        for task in tasks {
            let mut head: &str = &task.id;
            // No numbering is deeper; the limit keeps an id of ten thousand dots linear.
            for _ in 0..10 {
                let Some((shorter, _)) = head.rsplit_once('.') else { break };
                head = shorter;
                let spread = walk.spread.entry(head).or_insert((task.line, task.line));
                spread.1 = task.line;
            }
            if let Some((head, _)) = task.id.rsplit_once('.')
                && let Some(slot) = walk.slot(head)
            {
                walk.siblings[slot] += 1;
            }
        }
        walk
    }

    /// Every heading closes the sections of its level and deeper ones; a heading that is not a task opens a section.
    fn pass_heading(&mut self, line: usize, heading: &Heading, is_task: bool) {
        while self.open.last().is_some_and(|o| o.level >= heading.level) {
            self.open.pop();
        }
        if is_task {
            return;
        }
        let number = section_number(heading, self.lines.text(line)).map(|(number, _)| number);
        self.open.push(OpenSection { level: heading.level, number, line });
        if let Some(number) = number {
            self.numbers.insert(number, line);
        }
        let tasks = self.tasks;
        self.outer.retain(|&o| tasks[o].level > 0 && tasks[o].level < heading.level);
    }

    /// Finds the parent or the group of the next task.
    fn place(&mut self, i: usize) {
        let tasks = self.tasks;
        let task = &tasks[i];
        while self.outer.last().is_some_and(|&o| !can_hold(&tasks[o], task)) {
            self.outer.pop();
        }
        let outer = self.outer.last().copied();
        self.tree.parent[i] = match self.by_number(task, outer) {
            NumberedParent::Child(parent) => {
                if let Some(o) = outer
                    && o != parent
                    && task.indent > 0
                    && tasks[o].level == 0
                    && !task.id.starts_with(&*tasks[o].id)
                {
                    self.tree.elsewhere.push(i);
                }
                self.has_parts[parent] = true;
                Some(parent)
            }
            NumberedParent::Alone => None,
            NumberedParent::Unknown if task.shape == Some(IdShape::Number) => None,
            NumberedParent::Unknown => outer,
        };
        // A heading that is a task has a body of its own, so it is a unit of its own.
        if self.tree.parent[i].is_none() && task.level == 0 {
            self.tree.group[i] = self.group(task);
        }
        self.above[self.ids.of[i]] = Some(i);
        self.outer.push(i);
    }

    /// The group of a task whose number continues that of an open section.
    fn group(&mut self, task: &TaskLine<'_>) -> Option<usize> {
        let continues = |n: &str| task.id.strip_prefix(n).is_some_and(|rest| rest.starts_with('.'));
        let section = self.open.iter().rev().find(|o| o.number.is_some_and(continues))?;
        let (value, line, level) = (section.number?, section.line, section.level);
        // Where some of the tasks stand elsewhere, the heading counts something else: phases, not these tasks.
        let &(first, last) = self.spread.get(value)?;
        if first < line || self.ends(line, level) <= last {
            return None;
        }
        if let Some(&made) = self.made.get(&line) {
            return Some(made);
        }
        let heading = self.lines.heading(line)?;
        let title = section_number(heading, self.lines.text(line)).map_or("", |(_, title)| title);
        let bold_open = heading.id.as_ref().is_some_and(|id| id.deco);
        let id = self.group_id(value);
        self.tree.groups.push(TaskGroup {
            id,
            title: title::clean(title, bold_open, false).text,
            line: line + 1,
        });
        let made = self.tree.groups.len() - 1;
        self.made.insert(line, made);
        Some(made)
    }

    /// Whether a line stands in the section of another one, or in a section below it.
    fn holds(&self, outer: usize, inner: usize) -> bool {
        let Some(section) = self.map.of(outer) else { return true };
        self.map.of(inner).is_some_and(|own| self.map.upwards(own).any(|s| s == section))
    }

    /// The line where the section of a heading ends.
    fn ends(&mut self, line: usize, level: usize) -> usize {
        let lines = self.lines;
        *self.ends.entry(line).or_insert_with(|| {
            (line + 1..lines.all.len())
                .find(|&i| lines.heading(i).is_some_and(|h| h.level <= level))
                .unwrap_or(lines.all.len())
        })
    }

    /// An id for a group that no task and no other group has.
    fn group_id(&mut self, value: &str) -> String {
        let mut id = value.to_owned();
        let mut n = 1;
        while self.ids.slot(&id).is_some() || self.group_ids.contains(&id) {
            id = if n == 1 { format!("section-{value}") } else { format!("section-{value}-{n}") };
            n += 1;
        }
        self.group_ids.insert(id.clone());
        id
    }

    fn slot(&mut self, id: &'a str) -> Option<IdSlot> {
        match self.last {
            Some((last, slot)) if last == id => slot,
            _ => {
                let slot = self.ids.slot(id);
                self.last = Some((id, slot));
                slot
            }
        }
    }

    /// The parent that the number names.
    fn by_number(&mut self, f: &'a TaskLine<'a>, outer: Option<usize>) -> NumberedParent {
        // Phase 2.1 was put in after phase 2; it is no part of it.
        if f.level > 0 && f.shape == Some(IdShape::Number) {
            return NumberedParent::Alone;
        }
        // `5.2b` is a child of 5.2 if it is indented so, else its sibling.
        let base = f.id.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        if base.len() < f.id.len()
            && outer.is_some()
            && let Some(p) = self.slot(base).and_then(|s| self.above[s])
        {
            let parent = &self.tasks[p];
            let deeper = match (f.level, parent.level) {
                (0, 0) => f.indent > parent.indent,
                (own, above) => above > 0 && own > above,
            };
            if deeper {
                return NumberedParent::Child(p);
            }
        }
        let mut head: &'a str = &f.id;
        // No numbering is deeper; the limit keeps an id of ten thousand dots linear.
        for _ in 0..10 {
            let Some((shorter, _)) = head.rsplit_once('.') else { break };
            head = shorter;
            let Some(slot) = self.slot(head) else { continue };
            let p = self.above[slot].unwrap_or(self.ids.first[slot]);
            let parent = &self.tasks[p];
            // A section of that number stands between them: `2.1` in phase 2 is not a child of task 2 in phase 1.
            if self.numbers.get(head).is_some_and(|&h| h > parent.line && h < f.line) {
                return NumberedParent::Alone;
            }
            // A box without parts in its own section has none elsewhere.
            let boxes = parent.level == 0 && f.level == 0 && f.row.is_none();
            if boxes && !self.has_parts[p] && !self.holds(parent.line, f.line) {
                return NumberedParent::Alone;
            }
            // `3.5.` between `3.` and `4.` is a whole task that was inserted later.
            if self.dots_matter
                && f.dot
                && parent.dot
                && f.indent == parent.indent
                && f.level == parent.level
                && self.siblings[slot] == 1
            {
                return NumberedParent::Alone;
            }
            return NumberedParent::Child(p);
        }
        NumberedParent::Unknown
    }
}

/// The number of a section heading and its title: `1. Setup`, `Phase 2: Core`, `フェーズ 2`.
pub(crate) fn section_number<'a>(heading: &Heading, text: &'a str) -> Option<(&'a str, &'a str)> {
    if let Some(id) = &heading.id {
        return (id.shape != IdShape::Slug).then(|| (&text[id.span.clone()], text[heading.title..].trim()));
    }
    let body = text[heading.text..].trim();
    let at = body.find(|c: char| c.is_ascii_digit())?;
    let before = &body[..at];
    let one_word = !before.is_empty()
        && before.len() <= 32
        && before.ends_with(|c: char| c == ' ' || !c.is_ascii())
        && before.chars().all(|c| c.is_alphabetic() || c == ' ' || !c.is_ascii())
        && before.split_whitespace().filter(|w| w.contains(char::is_alphabetic)).count() <= 2;
    if !one_word {
        return None;
    }
    let len = body[at..].find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(body.len() - at);
    let value = body[at..at + len].trim_end_matches('.');
    let rest = &body[at + len..];
    let ends = rest.chars().next().is_none_or(|c| !c.is_ascii_alphanumeric());
    let title =
        rest.trim_start_matches([':', '：', ' ', '-', '—', '–', '.', ')', '*']).trim_end_matches('*').trim();
    (ends && !value.is_empty()).then_some((value, if title.is_empty() { body } else { title }))
}

/// Whether few dotted ids end in a dot (`3.5.` among `4.1`). Where most do, it is the habit of the file.
fn dots_matter(tasks: &[TaskLine<'_>]) -> bool {
    let dotted = tasks.iter().filter(|t| t.id.contains('.'));
    let [with, without] = dotted.fold([0usize; 2], |mut n, t| {
        n[usize::from(!t.dot)] += 1;
        n
    });
    with == 1 || with < without
}

/// Whether the outer task can hold the inner one, by heading level or indentation.
fn can_hold(outer: &TaskLine<'_>, inner: &TaskLine<'_>) -> bool {
    match (outer.level, inner.level) {
        (0, 0) => outer.indent < inner.indent,
        (0, _) => false,
        (_, 0) => true,
        (o, i) => o < i,
    }
}
