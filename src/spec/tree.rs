//! Who is whose parent: the number beats the indentation, and a heading groups where no task does.

use std::collections::{HashMap, HashSet};

use super::collect::Found;
use super::grammar::{Heading, Shape};
use super::ids::{Ids, Slot};
use super::lines::Lines;
use super::model::Group;

/// Parents and groups by index.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) parent: Vec<Option<usize>>,
    pub(crate) group: Vec<Option<usize>>,
    pub(crate) groups: Vec<Group>,
    /// Tasks indented below one task and numbered below another.
    pub(crate) elsewhere: Vec<usize>,
}

/// The number of a section heading and its title: `1. Setup`, `Phase 2: Core`, `フェーズ 2`.
fn number<'a>(heading: &Heading, text: &'a str) -> Option<(&'a str, &'a str)> {
    if let Some(id) = &heading.id {
        return (id.shape != Shape::Slug).then(|| (&text[id.span.clone()], text[heading.title..].trim()));
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

/// Builds parents and groups.
pub(crate) fn build(lines: &Lines<'_>, found: &[Found<'_>], ids: &Ids<'_>) -> Tree {
    let mut tree =
        Tree { parent: vec![None; found.len()], group: vec![None; found.len()], ..Tree::default() };
    let mut walk = Walk {
        found,
        ids,
        above: vec![None; ids.first.len()],
        siblings: vec![0; ids.first.len()],
        numbers: HashMap::new(),
        dots_tell: dots_tell(found),
        last: None,
    };
    for f in found {
        if let Some((head, _)) = f.id.rsplit_once('.')
            && let Some(slot) = walk.slot(head)
        {
            walk.siblings[slot] += 1;
        }
    }
    // Section headings by number: where they last stood; and those open now.
    let mut open: Vec<(usize, Option<&str>, usize)> = Vec::new();
    let mut outer: Vec<usize> = Vec::new();
    let mut made: HashMap<usize, usize> = HashMap::new();
    let mut names: HashSet<String> = HashSet::new();
    let mut line = 0;
    for (i, f) in found.iter().enumerate() {
        while line < f.line {
            if let Some(h) = lines.heading(line) {
                let value = number(h, lines.text(line));
                while open.last().is_some_and(|o| o.0 >= h.level) {
                    open.pop();
                }
                let taken = i > 0 && found[i - 1].line == line;
                if !taken {
                    open.push((h.level, value.map(|v| v.0), line));
                    if let Some((value, _)) = value {
                        walk.numbers.insert(value, line);
                    }
                    outer.retain(|&o| found[o].level > 0 && found[o].level < h.level);
                }
            }
            line += 1;
        }
        while outer.last().is_some_and(|&o| encloses_not(&found[o], f)) {
            outer.pop();
        }
        let above_it = outer.last().copied();
        let parent = walk.by_number(f, above_it);
        tree.parent[i] = match parent {
            Numbered::Child(p) => {
                if above_it.is_some_and(|a| a != p && f.indent > 0 && found[a].level == 0)
                    && !f.id.starts_with(&*found[above_it.unwrap_or(p)].id)
                {
                    tree.elsewhere.push(i);
                }
                Some(p)
            }
            Numbered::Alone => None,
            Numbered::Unknown if f.shape == Some(Shape::Number) => None,
            Numbered::Unknown => above_it,
        };
        if tree.parent[i].is_none() {
            let heading = open
                .iter()
                .rev()
                .find(|o| o.1.is_some_and(|n| f.id.strip_prefix(n).is_some_and(|r| r.starts_with('.'))));
            if let Some(&(_, Some(value), at)) = heading {
                let slot = *made.entry(at).or_insert_with(|| {
                    let heading = lines.heading(at);
                    let title = heading.and_then(|h| number(h, lines.text(at))).map_or("", |n| n.1);
                    let open = heading.and_then(|h| h.id.as_ref()).is_some_and(|id| id.deco);
                    let id = unique(value, ids, &mut names);
                    tree.groups.push(Group {
                        id,
                        title: super::title::clean(title, open, false).text,
                        line: at + 1,
                    });
                    tree.groups.len() - 1
                });
                tree.group[i] = Some(slot);
            }
        }
        walk.above[ids.of[i]] = Some(i);
        outer.push(i);
    }
    tree
}

/// Whether few dotted ids end in a dot (`3.5.` among `4.1`): where most do, it is the file's habit.
fn dots_tell(found: &[Found<'_>]) -> bool {
    let dotted = found.iter().filter(|f| f.id.contains('.'));
    let [with, without] = dotted.fold([0usize; 2], |mut n, f| {
        n[usize::from(!f.dot)] += 1;
        n
    });
    with == 1 || with < without
}

fn unique(value: &str, tasks: &Ids<'_>, names: &mut HashSet<String>) -> String {
    let mut id = value.to_owned();
    let mut n = 1;
    while tasks.slot(&id).is_some() || names.contains(&id) {
        id = if n == 1 { format!("section-{value}") } else { format!("section-{value}-{n}") };
        n += 1;
    }
    names.insert(id.clone());
    id
}

/// Whether the outer task cannot hold the inner one, by heading level or indentation.
fn encloses_not(outer: &Found<'_>, inner: &Found<'_>) -> bool {
    match (outer.level, inner.level) {
        (0, 0) => outer.indent >= inner.indent,
        (0, _) => true,
        (_, 0) => false,
        (o, i) => o >= i,
    }
}

enum Numbered {
    Child(usize),
    /// Its number says that it stands alone.
    Alone,
    Unknown,
}

/// What is known of the tasks above.
struct Walk<'a> {
    found: &'a [Found<'a>],
    ids: &'a Ids<'a>,
    /// The last task of each id so far.
    above: Vec<Option<usize>>,
    /// How many ids continue each id.
    siblings: Vec<usize>,
    /// Where the section of each number last stood.
    numbers: HashMap<&'a str, usize>,
    /// A dot behind a dotted id is rare in this file, so that it says something.
    dots_tell: bool,
    /// The id looked up last: siblings share their parent.
    last: Option<(&'a str, Option<Slot>)>,
}

impl<'a> Walk<'a> {
    fn slot(&mut self, id: &'a str) -> Option<Slot> {
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
    fn by_number(&mut self, f: &'a Found<'a>, outer: Option<usize>) -> Numbered {
        // `5.2b` below 5.2 if it is indented so, else beside it.
        let base = f.id.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        if base.len() < f.id.len()
            && outer.is_some()
            && let Some(p) = self.slot(base).and_then(|s| self.above[s])
        {
            let parent = &self.found[p];
            let deeper = match (f.level, parent.level) {
                (0, 0) => f.indent > parent.indent,
                (own, above) => above > 0 && own > above,
            };
            if deeper {
                return Numbered::Child(p);
            }
        }
        let mut head: &'a str = &f.id;
        // No numbering is deeper; an id of ten thousand dots is not worth its square.
        for _ in 0..10 {
            let Some((shorter, _)) = head.rsplit_once('.') else { break };
            head = shorter;
            let Some(slot) = self.slot(head) else { continue };
            let p = self.above[slot].unwrap_or(self.ids.first[slot]);
            let parent = &self.found[p];
            // A section of that number between them: `2.1` in phase 2 is no child of task 2 in phase 1.
            if self.numbers.get(head).is_some_and(|&h| h > parent.line && h < f.line) {
                return Numbered::Alone;
            }
            // `3.5.` between `3.` and `4.`: a whole task put in later.
            if self.dots_tell
                && f.dot
                && parent.dot
                && f.indent == parent.indent
                && f.level == parent.level
                && self.siblings[slot] == 1
            {
                return Numbered::Alone;
            }
            return Numbered::Child(p);
        }
        Numbered::Unknown
    }
}
