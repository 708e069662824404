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
    Regex::new(
        r"(?ix)
        d[eé]p[ea]nd(?:encies|ency|encias?|ências?|enze|ances?|ing|[se])?(?:[\ _-]?(?:on|upon|de|del)\b)?
        | \bdeps\b | blocked[\ _-]?by | \[D:
        | abhängig(?:keit(?:en)?|\ von) | зависимост[ьи] | зависит\ от
        | 依赖 | 依賴 | 依存 | 前置任务 | 의존
        | prerequisites? | 前提 | \((?:needs|requires|after)\b",
    )
    .ok()
});

/// What stands before a list says how far it is to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    /// `Dependencies:`; all up to the end should be ids.
    Key,
    /// `Prerequisites:`, the items below `Dependencies:`; ids among other things.
    Loose,
    /// `depends on` in a sentence; only what surely is an id counts.
    Sentence,
    /// `(after T002)`; nothing but ids up to the bracket.
    Enclosed,
}

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
        bodies,
        deps: Deps { edges: vec![Vec::new(); found.len()], ..Deps::default() },
        ranged: 0,
    };
    for (task, f) in found.iter().enumerate() {
        if let Some(cell) = f.row.as_ref().and_then(|r| r.depends.clone()) {
            let start = lines.all[f.line].start;
            finder.list(task, start + cell.start, start + cell.end, Said::Key);
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

/// Whether a line of a section about order begins with what it speaks of: `[Task 4] depends on …`, `Task 4 depends on …`.
/// Prose of other forms repeats or refines what tasks say themselves.
fn names_subject(before: &str) -> bool {
    let rest = ["task", "任务", "タスク"].iter().find(|w| starts_with(before, w)).map(|w| &before[w.len()..]);
    before.starts_with('[')
        || rest.is_some_and(|r| r.starts_with([' ', '#']) || r.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a text starts with a word, whatever the case of its Latin letters.
fn starts_with(text: &str, word: &str) -> bool {
    text.get(..word.len()).is_some_and(|head| head.eq_ignore_ascii_case(word))
}

/// Where the text of a plain list item starts.
fn bulleted(text: &str) -> Option<usize> {
    let body = text.trim_start_matches([' ', '\t']);
    let rest = body.strip_prefix(['-', '*', '+', '•'])?;
    rest.starts_with([' ', '\t']).then(|| text.len() - rest.len())
}

struct Finder<'a> {
    lines: &'a Lines<'a>,
    found: &'a [Found<'a>],
    ids: &'a Ids<'a>,
    bodies: &'a Bodies,
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
        if section == Section::Order && names_subject(before) {
            for task in self.subjects(before) {
                self.list(task, end, line.end, Said::Sentence);
            }
            return;
        }
        let Some(task) = owner else { return };
        // An order that was written for some other agent.
        if ["prompt", "提示词", "プロンプト"].iter().any(|w| starts_with(before, w)) {
            return;
        }
        let word = &source[start..end];
        if word.starts_with('(') {
            self.list(task, end, line.end, Said::Enclosed);
            return;
        }
        let loose = starts_with(word, "prerequisite") || word == "前提";
        // "依存関係", "依赖项", "Dependencies (hard)" go on before the colon.
        let mut tail = after.trim_start_matches(|c: char| "关系項项関係任务タスク条件性성는*_ ".contains(c));
        // No further than a remark is long: a line may hold many keys.
        if tail.starts_with('(')
            && let Some((at, _)) = tail.char_indices().take(80).find(|c| c.1 == ')')
        {
            tail = tail[at + 1..].trim_start_matches(['*', '_', ' ']);
        }
        if (before.is_empty() || before == "前置") && tail.starts_with([':', '：']) {
            let from = line.end - tail.len() + tail.chars().next().map_or(1, char::len_utf8);
            self.list(task, from, line.end, if loose { Said::Loose } else { Said::Key });
            if source[from..line.end].trim_matches(['*', '_', ' ', '\t']).is_empty() {
                self.below(index, task);
            }
            return;
        }
        if before.ends_with(['(', '[']) && tail.starts_with([':', '：']) {
            let from = line.end - tail.len() + tail.chars().next().map_or(1, char::len_utf8);
            self.list(task, from, line.end, Said::Enclosed);
            return;
        }
        let noun =
            loose || ["dependency", "dependencies", "deps"].iter().any(|w| word.eq_ignore_ascii_case(w));
        let ahead = before.trim_end();
        let last = ahead.chars().last();
        let opens = last.is_none_or(|c| !c.is_alphanumeric() && !"`'\"/.".contains(c))
            || last == Some('.') && ahead.len() < before.len()
            || ahead.len() >= 9
                && ahead.is_char_boundary(ahead.len() - 9)
                && ahead[ahead.len() - 9..].eq_ignore_ascii_case("this task");
        if !noun && opens {
            self.list(task, end, line.end, Said::Sentence);
        }
    }

    /// The items below `Dependencies:`, one id or more on each.
    fn below(&mut self, key: usize, task: usize) {
        let own = &self.lines.all[key];
        let (indent, bullet) = (own.indent, bulleted(self.lines.text(key)).is_some());
        for index in key + 1..self.lines.all.len() {
            let line = &self.lines.all[index];
            if line.kind == Kind::Blank && index == key + 1 {
                continue;
            }
            let (start, end) = (line.start, line.end);
            let deeper = line.indent > indent || !bullet && line.indent == indent;
            let item = bulleted(self.lines.text(index))
                .filter(|_| deeper && line.kind == Kind::Text && self.bodies.owner(index) == Some(task));
            let Some(at) = item else { return };
            self.list(task, start + at, end, Said::Loose);
        }
    }

    /// The tasks before `depends on` in a section about order.
    fn subjects(&self, before: &str) -> Vec<usize> {
        match dependency(before) {
            Some(DepList::Items(items, end))
                if before[end..].trim_matches([' ', '*', ':']).is_empty()
                    && items.iter().all(|i| i.to.is_none()) =>
            {
                items.iter().filter_map(|i| self.resolve(&before[i.span.clone()])).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Reads the list between two offsets.
    fn list(&mut self, task: usize, from: usize, to: usize, said: Said) {
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
                if !closes && items.len() == 1 && !items[0].sure
                    || said == Said::Enclosed && !rest.starts_with([')', ']'])
                {
                    if said == Said::Key {
                        self.strange(task, from, text_end);
                    }
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
                        (None, _) if said == Said::Key || said == Said::Sentence && item.sure => {
                            self.deps.unknown.push(Unknown { task, text: id.to_owned(), span: at });
                        }
                        _ => {}
                    }
                }
            }
            None if said == Said::Key && !text_end.is_empty() => {
                self.strange(task, from, text_end);
            }
            Some(DepList::None) | None => {}
        }
    }

    /// Something else than ids where ids should be.
    fn strange(&mut self, task: usize, from: usize, text: &str) {
        let text: String = text.chars().take(60).collect();
        self.deps.unknown.push(Unknown { task, span: from..from + text.len(), text });
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
