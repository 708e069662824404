//! What comes first: dependencies in every spelling seen.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::body::Bodies;
use super::collect::Found;
use super::grammar::{DepList, dependency};
use super::ids::Ids;
use super::lines::{Kind, Lines};
use super::words::Section;

/// One dependency: the task it names and where it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) to: usize,
    pub(crate) span: Range<usize>,
    /// Said by the dependency graph at the end of the file, not by the task.
    pub(crate) graph: bool,
}

/// Something in a dependency list that names no task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unknown {
    pub(crate) task: usize,
    pub(crate) text: String,
    pub(crate) span: Range<usize>,
}

/// All dependencies of a file.
#[derive(Debug, Default)]
pub(crate) struct Deps {
    pub(crate) edges: Vec<Vec<Edge>>,
    pub(crate) unknown: Vec<Unknown>,
    /// Where the ranges of the file came to name more tasks than can be kept.
    pub(crate) overflow: Option<Range<usize>>,
}

/// Tasks that all ranges of a file may name together: a hundred thousand tasks of `1–100000` each would fill any memory.
const MOST_IN_RANGES: usize = 1_000_000;

/// The words that announce a dependency.
static KEY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)depend(?:encies|ency|ing|s)?(?:[ -]?on\b)?|\bdeps\b|blocked by|\[D:|依赖|依賴|依存|前置任务|의존").ok()
});

/// Finds them all. One pass over the source finds the words; only the lines that hold one are looked at.
pub(crate) fn find(
    lines: &Lines<'_>,
    found: &[Found<'_>],
    ids: &Ids<'_>,
    bodies: &Bodies,
    sections: &[Section],
) -> Deps {
    let mut finder = Finder {
        lines,
        found,
        ids,
        deps: Deps { edges: vec![Vec::new(); found.len()], ..Deps::default() },
        ranged: 0,
    };
    for (task, f) in found.iter().enumerate() {
        if let Some(cell) = f.row.as_ref().and_then(|r| r.depends.clone()) {
            let start = lines.all[f.line].start;
            finder.list(task, start + cell.start, start + cell.end, true);
        }
    }
    if let Some(key) = KEY.as_ref() {
        for hit in key.find_iter(lines.source) {
            let index = lines.at(hit.start());
            if matches!(lines.all[index].kind, Kind::Opaque(_) | Kind::Row | Kind::Heading(_))
                && bodies.owner(index).is_none_or(|t| found[t].line != index)
            {
                continue;
            }
            if found.get(bodies.owner(index).unwrap_or(usize::MAX)).is_some_and(|f| f.row.is_some()) {
                continue;
            }
            finder.hit(index, hit.start(), hit.end(), bodies.owner(index), sections[index]);
        }
    }
    finder.deps
}

struct Finder<'a> {
    lines: &'a Lines<'a>,
    found: &'a [Found<'a>],
    ids: &'a Ids<'a>,
    deps: Deps,
    /// Tasks looked at in ranges so far.
    ranged: usize,
}

impl Finder<'_> {
    /// One announcing word on a line.
    fn hit(&mut self, index: usize, start: usize, end: usize, owner: Option<usize>, section: Section) {
        let line = &self.lines.all[index];
        let source = self.lines.source;
        if start < line.start || end > line.end {
            return;
        }
        let before = source[line.start..start].trim_start_matches([' ', '\t', '-', '*', '+', '_', '•']);
        let after = &source[end..line.end];
        // `[Task 4] depends on [Task 2.4]` in a section about order names its own subject.
        if section == Section::Order && before.starts_with('[') {
            let subject = match dependency(before) {
                Some(DepList::Items(items, _)) if items.len() == 1 => {
                    self.resolve(&before[items[0].span.clone()])
                }
                _ => None,
            };
            if let Some(task) = subject {
                self.list(task, end, line.end, false);
            }
            return;
        }
        let Some(task) = owner else { return };
        let word = &source[start..end];
        // "依存関係", "依赖项", "Dependencies (hard)" go on before the colon.
        let tail = after.trim_start_matches(|c: char| "关系項项関係任务タスク는*_ ".contains(c));
        let key = before.is_empty() && tail.starts_with([':', '：']);
        if key {
            let from = line.end - tail.len();
            let colon = tail.chars().next().map_or(1, char::len_utf8);
            self.list(task, from + colon, line.end, true);
            return;
        }
        let noun = ["dependency", "dependencies", "deps"].iter().any(|w| word.eq_ignore_ascii_case(w));
        let opens =
            before.trim_end().chars().last().is_none_or(|c| !c.is_alphanumeric() && !"`'\"/.".contains(c))
                || before.trim_end().ends_with("this task");
        if !noun && opens {
            self.list(task, end, line.end, false);
        }
    }

    /// Reads the list between two offsets. After a key everything up to the end should be ids; in a sentence only what
    /// surely is one counts.
    fn list(&mut self, task: usize, from: usize, to: usize, key: bool) {
        let source = self.lines.source;
        let text = &source[from..to];
        let lead = text.len() - text.trim_start_matches([' ', '\t', ':', '：', '*', '_', '于', '於']).len();
        let (from, text) = (from + lead, &text[lead..]);
        let text_end = text.trim_end_matches([' ', '\t', '_', '*', '.', '|']);
        match dependency(text) {
            Some(DepList::Items(items, end)) => {
                let rest = text[end..].trim_start_matches([' ', '`', '*', '_']);
                let closes = rest.is_empty()
                    || rest.starts_with(['.', ',', ';', ')', ']', '（', '(', '—', '–', '|', '）', '。']);
                if !closes && items.len() == 1 && !items[0].sure {
                    return;
                }
                for item in items {
                    let at = from + item.span.start..from + item.span.end;
                    let id = &text[item.span.clone()];
                    let (first, last) = match (self.resolve(id), id.rsplit_once('-')) {
                        // `T001-003` is written like an id, and is none.
                        (None, Some((first, last))) if item.to.is_none() => {
                            let stem = first.trim_end_matches(|c: char| c.is_ascii_digit());
                            (
                                self.resolve(first),
                                self.resolve(last).or_else(|| self.resolve(&format!("{stem}{last}"))),
                            )
                        }
                        (first, _) => (first, None),
                    };
                    match (first, item.to.map(|t| self.resolve(&text[t])).or(last.map(Some))) {
                        (Some(first), Some(Some(last))) => {
                            self.ranged += last.saturating_sub(first);
                            if self.ranged > MOST_IN_RANGES {
                                self.deps.overflow.get_or_insert(at);
                                continue;
                            }
                            let depth = self.depth(first);
                            for other in first..=last {
                                if self.depth(other) == depth && other != task {
                                    self.edge(task, other, at.clone());
                                }
                            }
                        }
                        (Some(other), _) => self.edge(task, other, at),
                        (None, _) if key || item.sure => {
                            self.deps.unknown.push(Unknown { task, text: id.to_owned(), span: at });
                        }
                        _ => {}
                    }
                }
            }
            None if key && !text_end.is_empty() => {
                let text: String = text_end.chars().take(60).collect();
                self.deps.unknown.push(Unknown { task, span: from..from + text.len(), text });
            }
            Some(DepList::None) | None => {}
        }
    }

    fn depth(&self, task: usize) -> (usize, usize) {
        let f = &self.found[task];
        (f.id.matches('.').count(), f.level)
    }

    /// The task of an id as written, or as people shorten it.
    fn resolve(&self, id: &str) -> Option<usize> {
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
            edges.push(Edge { to, span, graph: false });
        }
    }
}
