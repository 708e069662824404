//! The lines that belong to each task.

use std::ops::Range;

use super::collect::Found;
use super::lines::{Kind, Lines, unindent};
use super::memo::MetaMemo;

/// Line ranges per task, and the owner of each line.
#[derive(Debug)]
pub(crate) struct Bodies {
    ranges: Vec<Range<usize>>,
    /// What lies apart from the first range: parts of a parent behind its children.
    more: Vec<(usize, Range<usize>)>,
    /// One more than the task, 0 for none: there are many lines.
    owner: Vec<u32>,
}

impl Bodies {
    /// The task that a line belongs to, be it its first or a later one.
    pub(crate) fn owner(&self, line: usize) -> Option<usize> {
        (*self.owner.get(line)? as usize).checked_sub(1)
    }

    /// The lines of a task behind its first.
    pub(crate) fn lines(&self, task: usize) -> impl Iterator<Item = usize> {
        let from = self.more.partition_point(|m| m.0 < task);
        let more = self.more[from..].iter().take_while(move |m| m.0 == task).flat_map(|m| m.1.clone());
        self.ranges[task].clone().chain(more)
    }
}

/// Gives every line to the task it belongs to, or to none.
pub(crate) fn assign(lines: &Lines<'_>, found: &[Found<'_>]) -> Bodies {
    let mut bodies =
        Bodies { ranges: vec![0..0; found.len()], more: Vec::new(), owner: vec![0; lines.all.len()] };
    let mut next = 0;
    // Tasks whose lines may follow, outermost first.
    let mut open: Vec<usize> = Vec::new();
    let mut last = 0;
    for index in 0..lines.all.len() {
        let line = &lines.all[index];
        if found.get(next).is_some_and(|f| f.line == index) {
            let f = &found[next];
            open.retain(|&o| {
                let other = &found[o];
                if other.level > 0 { f.level == 0 } else { f.level == 0 && other.indent < f.indent }
            });
            open.push(next);
            bodies.owner[index] = tag(next);
            next += 1;
            last = index;
            continue;
        }
        if line.kind == Kind::Blank {
            continue;
        }
        if let Some(heading) = lines.heading(index) {
            open.retain(|&o| found[o].level > 0 && found[o].level < heading.level);
        }
        let owner = match (line.kind, index.checked_sub(1)) {
            // A region goes on where it began, whatever the indentation of its lines.
            (Kind::Opaque(why), Some(before)) if lines.all[before].kind == Kind::Opaque(why) => {
                bodies.owner(before)
            }
            _ => owner(line.indent, last + 1 == index, &mut open, found),
        };
        if let Some(task) = owner {
            bodies.owner[index] = tag(task);
            let range = match bodies.more.last_mut() {
                Some((t, range)) if *t == task => range,
                _ => &mut bodies.ranges[task],
            };
            if range.start == range.end {
                *range = index..index + 1;
            } else if range.end == last + 1 {
                // Blank lines inside a body belong to it.
                range.end = index + 1;
            } else {
                bodies.more.push((task, index..index + 1));
            }
        }
        last = index;
    }
    bodies.more.sort_by_key(|m| (m.0, m.1.start));
    bodies
}

fn tag(task: usize) -> u32 {
    u32::try_from(task + 1).unwrap_or(0)
}

/// The innermost open task that a line of this indentation belongs to.
fn owner(indent: u32, adjacent: bool, open: &mut Vec<usize>, found: &[Found<'_>]) -> Option<usize> {
    let holds = |&&o: &&usize| found[o].level > 0 || found[o].indent < indent;
    if let Some(&task) = open.iter().rev().find(holds) {
        // What is deeper than the line can take no more lines.
        open.retain(|&o| found[o].level > 0 || found[o].indent < indent || adjacent && o == task);
        return Some(task);
    }
    if adjacent {
        // A line at the bullet's own column right below it: a detail, or a title that runs on.
        return open.last().copied();
    }
    open.clear();
    None
}

/// Details as written, common indentation removed, and the italic pairs among them.
pub(crate) fn details<'a>(
    lines: &Lines<'a>,
    bodies: &Bodies,
    task: usize,
    memo: &mut MetaMemo<'a>,
) -> (String, Vec<(String, String)>) {
    let mut metadata = Vec::new();
    let mut indent = usize::MAX;
    let mut size = 0;
    for index in bodies.lines(task) {
        let line = &lines.all[index];
        if line.kind == Kind::Blank {
            continue;
        }
        let text = lines.text(index);
        // Bytes, not columns: what is cut must be the same blank bytes on each line.
        indent = indent.min(text.len() - unindent(text).len());
        size += text.len() + 1;
        if line.kind == Kind::Text
            && may_be_meta(text)
            && let Some((key, value)) = memo.pair(text)
        {
            if metadata.is_empty() {
                // One is the rule; room for four would be most of the memory of a large file.
                metadata.reserve_exact(1);
            }
            metadata.push((key.to_owned(), value.to_owned()));
        }
    }
    let mut out = String::with_capacity(size);
    for index in bodies.lines(task) {
        let text = lines.text(index);
        out.push_str(text.get(indent.min(text.len())..).unwrap_or(text).trim_end());
        out.push('\n');
    }
    out.truncate(out.trim_end().len());
    (out, metadata)
}

/// An underscore or star behind the bullet.
fn may_be_meta(text: &str) -> bool {
    let text = unindent(text);
    let text = match text.as_bytes() {
        [b'-' | b'*' | b'+', b' ' | b'\t', ..] => unindent(&text[1..]),
        _ => text,
    };
    match text.as_bytes() {
        [b'_', ..] => true,
        [b'*', second, ..] => *second != b'*',
        _ => false,
    }
}
