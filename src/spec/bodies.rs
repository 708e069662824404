//! The lines that belong to each task, and what they say.

use std::ops::Range;

use super::grammar_memo::MetadataMemo;
use super::lines::{LineKind, SourceLines, unindent};
use super::task_line::TaskLine;

/// The line ranges of each task, and the owner of each line.
#[derive(Debug)]
pub(crate) struct TaskBodies {
    ranges: Vec<Range<usize>>,
    /// Lines of a parent after its children, outside of its first range.
    more: Vec<(usize, Range<usize>)>,
    /// Index of the task plus one; 0 is none. Small, since there are many lines.
    owner: Vec<u32>,
}

impl TaskBodies {
    /// The task that a line belongs to; the task's first line counts.
    pub(crate) fn owner(&self, line: usize) -> Option<usize> {
        (*self.owner.get(line)? as usize).checked_sub(1)
    }

    /// The lines of a task after its first.
    pub(crate) fn lines(&self, task: usize) -> impl Iterator<Item = usize> {
        let from = self.more.partition_point(|m| m.0 < task);
        let more = self.more[from..].iter().take_while(move |m| m.0 == task).flat_map(|m| m.1.clone());
        self.ranges[task].clone().chain(more)
    }
}

/// Gives every line to the task it belongs to, or to none.
pub(crate) fn assign(lines: &SourceLines<'_>, tasks: &[TaskLine<'_>]) -> TaskBodies {
    let mut bodies =
        TaskBodies { ranges: vec![0..0; tasks.len()], more: Vec::new(), owner: vec![0; lines.all.len()] };
    let mut next = 0;
    // Tasks that may still get lines, outermost first.
    let mut open: Vec<usize> = Vec::new();
    let mut last = 0;
    // A task whose body ends where the file says.
    let mut closed: Option<(usize, usize)> = None;
    for index in 0..lines.all.len() {
        let line = &lines.all[index];
        if let Some((task, until)) = closed {
            if index <= until {
                bodies.owner[index] = tag(task);
                last = index;
                continue;
            }
            closed = None;
        }
        if let Some(task) = tasks.get(next).filter(|t| t.line == index) {
            open.retain(|&o| {
                let other = &tasks[o];
                task.level == 0 && (other.level > 0 || other.indent < task.indent)
            });
            if let Some(until) = task.until {
                bodies.ranges[next] = index + 1..until + 1;
                closed = Some((next, until));
            } else {
                open.push(next);
            }
            bodies.owner[index] = tag(next);
            next += 1;
            last = index;
            continue;
        }
        if line.kind == LineKind::Blank {
            continue;
        }
        if let Some(heading) = lines.heading(index) {
            open.retain(|&o| tasks[o].level > 0 && tasks[o].level < heading.level);
        }
        let owner = match (line.kind, index.checked_sub(1)) {
            // All lines of a region belong to the task where it begins, whatever their indentation.
            (LineKind::Opaque(why), Some(before)) if lines.all[before].kind == LineKind::Opaque(why) => {
                bodies.owner(before)
            }
            _ => owner(line.indent, last + 1 == index, &mut open, tasks),
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

impl TaskBodies {
    /// Gives lines of a section that belong to no task to its only task: what a group says is about that one.
    pub(crate) fn take(&mut self, task: usize, free: impl Iterator<Item = usize>) {
        for line in free {
            if self.owner[line] != 0 {
                continue;
            }
            self.owner[line] = tag(task);
            match self.more.last_mut() {
                Some((last, range)) if *last == task && range.end == line => range.end = line + 1,
                _ => self.more.push((task, line..line + 1)),
            }
        }
    }

    /// Puts the taken lines in order. Call it after the last [`TaskBodies::take`].
    pub(crate) fn sort(&mut self) {
        self.more.sort_by_key(|m| (m.0, m.1.start));
    }
}

fn tag(task: usize) -> u32 {
    u32::try_from(task + 1).unwrap_or(0)
}

/// The innermost open task that a line of this indentation belongs to.
fn owner(indent: u32, adjacent: bool, open: &mut Vec<usize>, tasks: &[TaskLine<'_>]) -> Option<usize> {
    let holds = |&&o: &&usize| tasks[o].level > 0 || tasks[o].indent < indent;
    if let Some(&task) = open.iter().rev().find(holds) {
        // Tasks deeper than the line get no more lines.
        open.retain(|&o| tasks[o].level > 0 || tasks[o].indent < indent || adjacent && o == task);
        return Some(task);
    }
    if adjacent {
        // A line right below a bullet and at its column: a detail, or the rest of the title.
        return open.last().copied();
    }
    open.clear();
    None
}

/// The details of a task as written, without their common indentation, and the italic pairs among them.
pub(crate) fn details<'a>(
    lines: &SourceLines<'a>,
    bodies: &TaskBodies,
    task: usize,
    memo: &mut MetadataMemo<'a>,
) -> (String, Vec<(String, String)>) {
    let mut metadata = Vec::new();
    let mut indent = usize::MAX;
    let mut size = 0;
    for index in bodies.lines(task) {
        let line = &lines.all[index];
        if line.kind == LineKind::Blank {
            continue;
        }
        let text = lines.text(index);
        // Bytes, not columns: the same blank bytes are cut from each line.
        indent = indent.min(text.len() - unindent(text).len());
        size += text.len() + 1;
        if line.kind == LineKind::Text
            && may_be_meta(text)
            && let Some((key, value)) = memo.pair(text)
        {
            if metadata.is_empty() {
                // Most tasks have one pair; room for four would be most of the memory of a large file.
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

/// Whether an underscore or a star follows the bullet.
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
