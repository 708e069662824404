//! Who is whose parent: the number beats the indentation, and a heading groups where no task does.

use std::collections::{HashMap, HashSet};

use super::collect::Found;
use super::grammar::{Heading, Shape};
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
        return matches!(id.shape, Shape::Dotted | Shape::Number)
            .then(|| (&text[id.span.clone()], text[heading.title..].trim()));
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
pub(crate) fn build(lines: &Lines<'_>, found: &[Found]) -> Tree {
    let mut tree =
        Tree { parent: vec![None; found.len()], group: vec![None; found.len()], ..Tree::default() };
    let mut all: HashMap<&str, usize> = HashMap::with_capacity(found.len());
    let mut siblings: HashMap<&str, usize> = HashMap::new();
    for (i, f) in found.iter().enumerate() {
        all.entry(f.id.as_str()).or_insert(i);
        if let Some((head, _)) = f.id.rsplit_once('.') {
            *siblings.entry(head).or_default() += 1;
        }
    }
    let mut above: HashMap<&str, usize> = HashMap::new();
    // Section headings by number: where they last stood; and those open now.
    let mut numbers: HashMap<&str, usize> = HashMap::new();
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
                        numbers.insert(value, line);
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
        let parent = by_number(f, found, &above, &all, &numbers, &siblings, above_it);
        tree.parent[i] = match parent {
            Numbered::Child(p) => {
                if above_it.is_some_and(|a| a != p && f.indent > 0 && found[a].level == 0)
                    && !f.id.starts_with(&found[above_it.unwrap_or(p)].id)
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
                    let title = lines.heading(at).and_then(|h| number(h, lines.text(at))).map_or("", |n| n.1);
                    let id = unique(value, &all, &mut names);
                    tree.groups.push(Group {
                        id,
                        title: super::title::clean(title, false, false).text,
                        line: at + 1,
                    });
                    tree.groups.len() - 1
                });
                tree.group[i] = Some(slot);
            }
        }
        above.insert(f.id.as_str(), i);
        outer.push(i);
    }
    tree
}

fn unique(value: &str, tasks: &HashMap<&str, usize>, names: &mut HashSet<String>) -> String {
    let mut id = value.to_owned();
    let mut n = 1;
    while tasks.contains_key(id.as_str()) || names.contains(&id) {
        id = if n == 1 { format!("section-{value}") } else { format!("section-{value}-{n}") };
        n += 1;
    }
    names.insert(id.clone());
    id
}

/// Whether the outer task cannot hold the inner one, by heading level or indentation.
fn encloses_not(outer: &Found, inner: &Found) -> bool {
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

/// The parent that the number names.
fn by_number(
    f: &Found,
    found: &[Found],
    above: &HashMap<&str, usize>,
    all: &HashMap<&str, usize>,
    numbers: &HashMap<&str, usize>,
    siblings: &HashMap<&str, usize>,
    outer: Option<usize>,
) -> Numbered {
    // `5.2b` below 5.2 if it is indented so, else beside it.
    let base = f.id.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    if base.len() < f.id.len()
        && let Some(&p) = above.get(base)
        && (f.level == 0 && found[p].level == 0 && f.indent > found[p].indent
            || f.level > found[p].level && found[p].level > 0)
        && outer.is_some()
    {
        return Numbered::Child(p);
    }
    let mut head = f.id.as_str();
    while let Some((shorter, _)) = head.rsplit_once('.') {
        head = shorter;
        let Some(&p) = above.get(head).or_else(|| all.get(head)) else { continue };
        let parent = &found[p];
        // A section of that number between them: `2.1` in phase 2 is no child of task 2 in phase 1.
        if numbers.get(head).is_some_and(|&h| h > parent.line && h < f.line) {
            return Numbered::Alone;
        }
        // `3.5.` between `3.` and `4.`: a whole task put in later.
        if f.dot
            && parent.dot
            && f.indent == parent.indent
            && f.level == parent.level
            && siblings.get(head) == Some(&1)
        {
            return Numbered::Alone;
        }
        return Numbered::Child(p);
    }
    Numbered::Unknown
}
