//! Finds dependencies between tasks, in all spellings that real files use.

use super::bodies::TaskBodies;
use super::dependency_words::{KEY, after_colon, bulleted, names_subject, starts_sentence, starts_with};
use super::grammar::{DependencyItem, DependencyList, dependency};
use super::id_index::IdIndex;
use super::lines::{LineKind, SourceLines};
use super::model::IgnoredReason;
use super::reading_rules::{ReadingRules, TaskForm};
use super::section_dependencies::{SectionTasks, numbers, required_by_quote};
use super::section_names::SectionKind;
use super::task_line::TaskLine;
use std::ops::Range;

/// Whether a name is that of another plan, change or file, as `04-core`, `add-login` and names in backticks are.
fn is_elsewhere(list: &str, at: usize, len: usize) -> bool {
    let (before, name, after) = (&list[..at], &list[at..at + len], &list[at + len..]);
    let has_more =
        after.strip_prefix('-').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_lowercase()));
    let words = name.starts_with(|c: char| c.is_ascii_lowercase()) && name.contains('-');
    before.ends_with('`') || has_more || words || after.starts_with('@')
}

/// One dependency: the task that comes first, and where it is named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DependencyEdge {
    pub(crate) to: usize,
    pub(crate) span: Range<usize>,
    /// The dependency graph at the end of the file says it, not the task.
    pub(crate) graph: bool,
}

/// An entry of a dependency list that names no task of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UnknownDependency {
    pub(crate) task: usize,
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

/// All dependencies of a file.
#[derive(Debug, Default)]
pub(crate) struct Dependencies {
    /// Per task: what it depends on.
    pub(crate) edges: Vec<Vec<DependencyEdge>>,
    pub(crate) unknown: Vec<UnknownDependency>,
    /// The range that made the total of [`MOST_IN_RANGES`] overflow.
    pub(crate) overflow: Option<Range<usize>>,
}

/// How many tasks all ranges of a file may name together. A hundred thousand tasks with `1–100000` each would fill any
/// memory.
const MOST_IN_RANGES: usize = 1_000_000;

/// How much a list is trusted to hold ids. The words before it decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ListTrust {
    /// `Dependencies:`: everything up to the end should be an id.
    Key,
    /// `Prerequisites:`, or the items below `Dependencies:`: ids among other things.
    Loose,
    /// `depends on` in a sentence: only what surely is an id counts.
    Sentence,
    /// `(after T002)`: only ids up to the closing bracket.
    Enclosed,
}

/// Finds all dependencies. One pass over the source finds the key words; only their lines are read.
pub(crate) fn find(
    lines: &SourceLines<'_>,
    tasks: &[TaskLine<'_>],
    ids: &IdIndex<'_>,
    bodies: &TaskBodies,
    rules: &ReadingRules,
    parents: &[Option<usize>],
) -> Dependencies {
    let mut finder = DependencyFinder {
        lines,
        tasks,
        ids,
        bodies,
        rules,
        sections: SectionTasks::new(lines, &rules.map, tasks, parents),
        deps: Dependencies { edges: vec![Vec::new(); tasks.len()], ..Dependencies::default() },
        ranged: 0,
    };
    for (task, f) in tasks.iter().enumerate() {
        if let Some(cell) = f.row.as_ref().and_then(|r| r.depends.clone()) {
            let start = lines.all[f.line].start;
            finder.list(task, start + cell.start, start + cell.end, ListTrust::Key);
        }
    }
    for task in (0..tasks.len()).filter(|&task| tasks[task].level > 0) {
        finder.quotes(task);
    }
    if let Some(key) = KEY.as_ref() {
        for hit in key.find_iter(lines.source) {
            let index = lines.at(hit.start());
            let owner = bodies.owner(index);
            if finder.of_section(index, hit.range(), owner) {
                continue;
            }
            if matches!(lines.all[index].kind, LineKind::Opaque(_) | LineKind::Row | LineKind::Heading(_))
                && owner.is_none_or(|t| tasks[t].line != index)
            {
                continue;
            }
            if owner.is_some_and(|t| tasks[t].row.is_some()) {
                continue;
            }
            finder.hit(index, hit.range(), owner, rules.sections[index]);
        }
    }
    finder.deps
}

struct DependencyFinder<'a> {
    lines: &'a SourceLines<'a>,
    tasks: &'a [TaskLine<'a>],
    ids: &'a IdIndex<'a>,
    bodies: &'a TaskBodies,
    rules: &'a ReadingRules,
    sections: SectionTasks<'a>,
    deps: Dependencies,
    /// How many tasks the ranges so far name.
    ranged: usize,
}

impl DependencyFinder<'_> {
    /// Reads the quotes right below a heading that is a task: `> Requires: PRD-01`.
    fn quotes(&mut self, task: usize) {
        const NEAR: usize = 8;
        let first = self.tasks[task].line + 1;
        for index in (first..self.lines.all.len()).take(NEAR) {
            let line = &self.lines.all[index];
            match line.kind {
                LineKind::Blank => {}
                LineKind::Opaque(IgnoredReason::Quote) => {
                    if let Some(at) = required_by_quote(self.lines.text(index)) {
                        self.list(task, line.start + at, line.end, ListTrust::Loose);
                    }
                }
                _ => return,
            }
        }
    }

    /// Reads what a section says before its first task: the sections that it names come before all of its tasks. Where the
    /// tasks are headings that count, their own lines name them in the same way.
    fn of_section(&mut self, index: usize, word: Range<usize>, owner: Option<usize>) -> bool {
        let line = &self.lines.all[index];
        if line.kind != LineKind::Text || word.start < line.start || word.end > line.end {
            return false;
        }
        let source = self.lines.source;
        let before = source[line.start..word.start].trim_matches([' ', '\t', '-', '*', '+', '_', '•']);
        let Some(from) = after_colon(source, word.end, line.end).filter(|_| before.is_empty()) else {
            return false;
        };
        let list = &source[from..line.end];
        let span = from..line.end;
        if let Some(task) = owner {
            if !self.is_counted(task) {
                return false;
            }
            for number in numbers(list) {
                if let Some(other) = self.resolve(task, &number).filter(|&other| other != task) {
                    self.edge(task, other, span.clone());
                }
            }
            return true;
        }
        let Some(section) = self.rules.map.of(index) else { return false };
        let tops = self.sections.tops(section).to_vec();
        if tops.first().is_none_or(|&first| self.tasks[first].line < index) {
            return false;
        }
        let named = self.sections.named(section, list);
        self.ranged += named.len() * tops.len();
        if self.ranged > MOST_IN_RANGES {
            // the order of the file stays, which says the same
            return true;
        }
        for other in named {
            for &task in tops.iter().filter(|&&task| task != other) {
                self.edge(task, other, span.clone());
            }
        }
        true
    }

    /// Whether a task is a heading that counts, such as `Phase 2`.
    fn is_counted(&self, task: usize) -> bool {
        let f = &self.tasks[task];
        let heading = self.lines.heading(f.line);
        self.rules.form == TaskForm::Listed && heading.is_some_and(|heading| heading.id.is_none())
    }

    /// Reads what follows a key word at `word` (bytes of the source) on the line `index`.
    fn hit(&mut self, index: usize, word: Range<usize>, owner: Option<usize>, section: SectionKind) {
        let line = &self.lines.all[index];
        let source = self.lines.source;
        if word.start < line.start || word.end > line.end {
            return;
        }
        let before = source[line.start..word.start].trim_start_matches([' ', '\t', '-', '*', '+', '_', '•']);
        let (end, line_end) = (word.end, line.end);
        let word = &source[word];
        if section == SectionKind::Order && names_subject(before) {
            for task in self.subjects(before) {
                self.list(task, end, line_end, ListTrust::Sentence);
            }
            return;
        }
        let Some(task) = owner else { return };
        // A prompt for some other agent is not a dependency.
        if ["prompt", "提示词", "プロンプト"].iter().any(|w| starts_with(before, w)) {
            return;
        }
        if word.starts_with('(') {
            return self.list(task, end, line_end, ListTrust::Enclosed);
        }
        let loose = starts_with(word, "prerequisite") || word == "前提";
        if let Some(from) = after_colon(source, end, line_end) {
            if before.is_empty() || before == "前置" {
                self.list(task, from, line_end, if loose { ListTrust::Loose } else { ListTrust::Key });
                if source[from..line_end].trim_matches(['*', '_', ' ', '\t']).is_empty() {
                    self.below(index, task);
                }
                return;
            }
            if before.ends_with(['(', '[']) {
                return self.list(task, from, line_end, ListTrust::Enclosed);
            }
        }
        let noun =
            loose || ["dependency", "dependencies", "deps"].iter().any(|w| word.eq_ignore_ascii_case(w));
        if !noun && starts_sentence(before) {
            self.list(task, end, line_end, ListTrust::Sentence);
        }
    }

    /// Reads the list items below `Dependencies:`, which have one id or more each.
    fn below(&mut self, key: usize, task: usize) {
        let own = &self.lines.all[key];
        let (indent, bullet) = (own.indent, bulleted(self.lines.text(key)).is_some());
        for index in key + 1..self.lines.all.len() {
            let line = &self.lines.all[index];
            if line.kind == LineKind::Blank && index == key + 1 {
                continue;
            }
            let (start, end) = (line.start, line.end);
            let deeper = line.indent > indent || !bullet && line.indent == indent;
            let item = bulleted(self.lines.text(index))
                .filter(|_| deeper && line.kind == LineKind::Text && self.bodies.owner(index) == Some(task));
            let Some(at) = item else { return };
            self.list(task, start + at, end, ListTrust::Loose);
        }
    }

    /// The tasks before `depends on` in a section about order.
    fn subjects(&self, before: &str) -> Vec<usize> {
        match dependency(before) {
            Some(DependencyList::Items(items, end))
                if before[end..].trim_matches([' ', '*', ':']).is_empty()
                    && items.iter().all(|i| i.to.is_none()) =>
            {
                items.iter().filter_map(|i| self.shortened(&before[i.span.clone()])).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Reads the list between two offsets of the source.
    fn list(&mut self, task: usize, from: usize, to: usize, trust: ListTrust) {
        let text = &self.lines.source[from..to];
        let lead = text.len() - text.trim_start_matches([' ', '\t', ':', '：', '*', '_', '于', '於']).len();
        let (from, text) = (from + lead, &text[lead..]);
        let text_end = text.trim_end_matches([' ', '\t', '_', '*', '.', '|']);
        match dependency(text) {
            Some(DependencyList::Items(items, end)) => {
                let rest = text[end..].trim_start_matches([' ', '`', '*', '_']);
                let closes = rest.is_empty()
                    || rest.starts_with(['.', ',', ';', ')', ']', '（', '(', '—', '–', '|', '）', '。']);
                let prose = !closes && items.len() == 1 && !items[0].sure;
                if prose || trust == ListTrust::Enclosed && !rest.starts_with([')', ']']) {
                    if trust == ListTrust::Key {
                        self.not_an_id(task, from, text_end);
                    }
                    return;
                }
                for item in items {
                    self.item(task, from, text, item, trust);
                }
            }
            None if trust == ListTrust::Key && !text_end.is_empty() => {
                self.not_an_id(task, from, text_end);
            }
            Some(DependencyList::None) | None => {}
        }
    }

    /// Adds the edges of one entry; `text` is the list, and `from` its offset in the source.
    fn item(&mut self, task: usize, from: usize, text: &str, item: DependencyItem, trust: ListTrust) {
        let span = from + item.span.start..from + item.span.end;
        let id = &text[item.span];
        let (first, last) = match (self.resolve(task, id), id.rsplit_once('-')) {
            // `T001-003` looks like an id and is a range.
            (None, Some((first, last))) if item.to.is_none() => {
                let stem = first.trim_end_matches(|c: char| c.is_ascii_digit());
                let last = self.resolve(task, last).or_else(|| self.resolve(task, &format!("{stem}{last}")));
                (self.resolve(task, first), last)
            }
            (first, _) => (first, item.to.and_then(|to| self.resolve(task, &text[to]))),
        };
        match (first, last) {
            (Some(first), Some(last)) => self.range(task, first, last, span),
            (Some(other), None) => self.edge(task, other, span),
            (None, _) if is_elsewhere(text, span.start - from, id.len()) => {}
            (None, _) if trust == ListTrust::Key || trust == ListTrust::Sentence && item.sure => {
                self.deps.unknown.push(UnknownDependency { task, text: id.to_owned(), span });
            }
            (None, _) => {}
        }
    }

    /// Adds an edge to each task of a range that is as deep as its first one.
    fn range(&mut self, task: usize, first: usize, last: usize, span: Range<usize>) {
        self.ranged += last.saturating_sub(first);
        if self.ranged > MOST_IN_RANGES {
            self.deps.overflow.get_or_insert(span);
            return;
        }
        let depth = self.depth(first);
        for other in first..=last {
            if self.depth(other) == depth && other != task {
                self.edge(task, other, span.clone());
            }
        }
    }

    /// Notes a text that stands where ids should be. A name in backticks, a sentence or "None" with something behind it
    /// names no task of this file, and does not need to.
    fn not_an_id(&mut self, task: usize, from: usize, text: &str) {
        let names_task = ["task ", "tasks ", "任务", "任務", "タスク"];
        let lower = text.trim_start_matches(['[', '*', '`', ' ']).to_lowercase();
        if !names_task.iter().any(|word| lower.starts_with(word)) || text.contains('`') {
            return;
        }
        let text: String = text.chars().take(60).collect();
        self.deps.unknown.push(UnknownDependency { task, span: from..from + text.len(), text });
    }

    fn depth(&self, task: usize) -> (usize, usize) {
        let f = &self.tasks[task];
        (f.id.matches('.').count(), f.level)
    }

    /// The task with an id, as written or as people shorten it: `3` or `T3`. Where ids name their section, a task means one
    /// of its own.
    fn resolve(&self, task: usize, id: &str) -> Option<usize> {
        let section = self.tasks[task].id.rsplit_once('/').map(|(section, _)| format!("{section}/{id}"));
        section.and_then(|id| self.ids.task(&id)).or_else(|| self.shortened(id))
    }

    fn shortened(&self, id: &str) -> Option<usize> {
        self.ids.task(id).or_else(|| {
            let other = match id.strip_prefix(['T', 't']) {
                Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest.to_owned(),
                _ if id.starts_with(|c: char| c.is_ascii_digit()) => format!("T{id}"),
                _ => return None,
            };
            self.ids.task(&other)
        })
    }

    fn edge(&mut self, task: usize, to: usize, span: Range<usize>) {
        let edges = &mut self.deps.edges[task];
        if edges.len() > 64 || !edges.iter().any(|e| e.to == to) {
            edges.push(DependencyEdge { to, span, graph: false });
        }
    }
}
