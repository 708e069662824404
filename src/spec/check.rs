//! What is wrong with a file, pointed at.

use std::ops::Range;

use super::body::Bodies;
use super::collect::{Found, Odd};
use super::deps::Deps;
use super::ids::Ids;
use super::lines::{Kind, Lines};
use super::model::{Diagnostic, Dialect, Severity, Task, TaskState, Why};
use super::tree::Tree;
use super::waves::{Graph, Problem};

/// More of one kind than this is noise.
const MOST: usize = 50;

/// All diagnostics, in order of place.
pub(crate) fn check(
    lines: &Lines<'_>,
    found: &[Found<'_>],
    ids: &Ids<'_>,
    tree: &Tree,
    deps: &Deps,
    graph: &Graph,
    forced: Option<Dialect>,
) -> Vec<Diagnostic> {
    let mut out = Notes { lines, list: Vec::new() };
    conflicts(&mut out);
    duplicates(&mut out, found, ids);
    cycles(&mut out, found, deps);
    for unknown in deps.unknown.iter().take(MOST) {
        out.warn(
            unknown.span.clone(),
            format!(
                "task {} depends on \"{}\", which is no task of this file",
                found[unknown.task].id,
                plain(&unknown.text)
            ),
            "no such task",
            "correct the id, or leave it: it orders nothing",
        );
    }
    if let Some(span) = &deps.overflow {
        out.error(
            span.clone(),
            "the ranges of dependencies in this file name more than a million tasks".to_owned(),
            "the one too many",
            "depend on a parent instead of on all its parts",
        );
    }
    for problem in &graph.problems {
        let (message, hint) = match problem {
            Problem::Unreadable { why, .. } => (
                format!("the dependency graph cannot be read: {}", plain(why)),
                "the tasks keep the order of the document",
            ),
            Problem::Unknown { id, .. } => (
                format!("the dependency graph names \"{}\", which is no task of this file", plain(id)),
                "correct the id, or leave it: it orders nothing",
            ),
        };
        out.warn(problem.span(), message, "", hint);
    }
    for &i in tree.elsewhere.iter().take(MOST) {
        let parent = tree.parent[i].map_or("", |p| &*found[p].id);
        let f = &found[i];
        out.warn(
            out.span(f.line),
            format!("task {} is indented below another task; its number makes it a part of {parent}", f.id),
            "",
            "",
        );
    }
    for f in found.iter().filter(|f| f.odd.is_some()).take(MOST) {
        let (message, hint) = match f.odd {
            Some(Odd::NoBullet) => (format!("the box of task {} has no list bullet", f.id), "write `- [ ]`"),
            Some(Odd::TwoBoxes) => (format!("task {} has two boxes; the first one counts", f.id), "keep one"),
            _ => (
                format!("task {} is indented below the task before it, but counts on from it", f.id),
                "it is taken as its sibling",
            ),
        };
        out.warn(out.span(f.line), message, "", hint);
    }
    for &(line, why) in lines.unclosed.iter().take(MOST) {
        let what = if why == Why::Comment { "comment" } else { "code fence" };
        out.warn(
            out.span(line),
            format!("this {what} is never closed, so it is read as text"),
            "opened here",
            "close it",
        );
    }
    if found.is_empty() {
        out.error(
            lines.all.first().map_or(0..0, |l| l.start..l.end),
            "no tasks found".to_owned(),
            "",
            if forced.is_some() {
                "tasks.dialect says how this file is read; with \"auto\" the file itself tells"
            } else {
                "write tasks as `- [ ] 1. Title`, parts of them as `  - [ ] 1.1 Title`"
            },
        );
    }
    out.list.sort_by_key(|d| (d.span.start, d.severity == Severity::Warning));
    out.list
}

/// Headings that say "done" over open boxes: said once, at the first. The heading decides.
pub(crate) fn ahead(
    lines: &Lines<'_>,
    found: &[Found<'_>],
    bodies: &Bodies,
    tasks: &[Task],
) -> Option<Diagnostic> {
    let open = |task: usize| {
        bodies.lines(task).any(|line| {
            let mark = lines.item(line).and_then(|i| i.mark.clone());
            mark.is_some_and(|m| lines.text(line)[m].trim().is_empty())
        })
    };
    let over = |i: usize| found[i].level > 0 && tasks[i].state == TaskState::Done && open(i);
    let mut all = (0..found.len()).filter(|&i| over(i));
    let first = all.next()?;
    let message = match all.count() {
        0 => format!("task {} is marked done, and boxes below it are open", found[first].id),
        more => {
            format!("task {} and {more} more are marked done, and boxes below them are open", found[first].id)
        }
    };
    let mut out = Notes { lines, list: Vec::new() };
    out.warn(out.span(found[first].line), message, "", "the heading decides");
    out.list.pop()
}

struct Notes<'a> {
    lines: &'a Lines<'a>,
    list: Vec<Diagnostic>,
}

impl Notes<'_> {
    /// A line without its indentation.
    fn span(&self, line: usize) -> Range<usize> {
        let l = &self.lines.all[line];
        let text = self.lines.text(line);
        l.end - text.trim_start().len()
            ..l.end - (text.len() - text.trim_end().len()).min(text.trim_start().len())
    }

    fn push(&mut self, severity: Severity, span: Range<usize>, message: String, label: &str, hint: &str) {
        let (line, column) = if self.lines.all.is_empty() {
            (1, 1)
        } else {
            let index = self.lines.at(span.start);
            (index + 1, self.lines.source[self.lines.all[index].start..span.start].chars().count() + 1)
        };
        self.list.push(Diagnostic {
            severity,
            message,
            span,
            line,
            column,
            label: label.to_owned(),
            hint: hint.to_owned(),
        });
    }

    fn error(&mut self, span: Range<usize>, message: String, label: &str, hint: &str) {
        self.push(Severity::Error, span, message, label, hint);
    }

    fn warn(&mut self, span: Range<usize>, message: String, label: &str, hint: &str) {
        self.push(Severity::Warning, span, message, label, hint);
    }
}

/// Text from the file inside a message: no control characters.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

/// Unresolved merges: from `<<<<<<<` to `>>>>>>>`. A sample inside a fence is none, unless the merge opened before it.
fn conflicts(out: &mut Notes<'_>) {
    if !out.lines.source.contains("<<<<<<< ") && !out.lines.source.contains(">>>>>>> ") {
        return;
    }
    let mut start: Option<usize> = None;
    let mut found = Vec::new();
    for index in 0..out.lines.all.len() {
        let text = out.lines.text(index);
        let hidden = matches!(out.lines.all[index].kind, Kind::Opaque(Why::Fence | Why::Comment));
        if text.starts_with("<<<<<<< ") && !hidden {
            if let Some(first) = start.replace(index) {
                found.push((first, first));
            }
        } else if text.starts_with(">>>>>>> ") && (start.is_some() || !hidden) {
            found.push((start.take().unwrap_or(index), index));
        }
    }
    found.extend(start.map(|s| (s, s)));
    for (from, to) in found.into_iter().take(MOST) {
        let span = out.lines.all[from].start..out.lines.all[from].end;
        let message = match to - from {
            0 => "merge conflict marker".to_owned(),
            _ => format!("unresolved merge conflict, lines {} to {}", from + 1, to + 1),
        };
        out.error(span, message, "", "settle the merge; both sides are in the file now");
    }
}

fn duplicates(out: &mut Notes<'_>, found: &[Found<'_>], ids: &Ids<'_>) {
    let again = |&(i, _): &(usize, &Found<'_>)| ids.first[ids.of[i]] != i;
    for (i, f) in found.iter().enumerate().filter(again).take(MOST) {
        let first = found[ids.first[ids.of[i]]].line + 1;
        let at = out.lines.text(f.line).find(&*f.id).unwrap_or(0) + out.lines.all[f.line].start;
        out.error(
            at..at + f.id.len(),
            format!("task id {} is used twice, first on line {first}", f.id),
            "again here",
            "give one of them another number",
        );
    }
}

/// Cycles among the dependencies, one per knot. Iterative, since a chain may be as long as the file.
fn cycles(out: &mut Notes<'_>, found: &[Found<'_>], deps: &Deps) {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut mark = vec![Mark::New; found.len()];
    let mut told = 0;
    for root in 0..found.len() {
        if mark[root] != Mark::New || deps.edges[root].is_empty() {
            continue;
        }
        // Each entry: a task and how many of its edges are done.
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        mark[root] = Mark::Open;
        while let Some(top) = path.len().checked_sub(1) {
            let (task, edge) = path[top];
            let Some(next) = deps.edges[task].get(edge) else {
                mark[task] = Mark::Done;
                path.pop();
                continue;
            };
            path[top].1 += 1;
            match mark[next.to] {
                Mark::New => {
                    mark[next.to] = Mark::Open;
                    path.push((next.to, 0));
                }
                Mark::Open if told < MOST => {
                    told += 1;
                    let from = path.iter().position(|p| p.0 == next.to).unwrap_or(top);
                    let mut ids: Vec<&str> = path[from..].iter().map(|p| &*found[p.0].id).collect();
                    ids.push(&found[next.to].id);
                    if ids.len() > 12 {
                        ids.splice(6..ids.len() - 5, ["…"]);
                    }
                    let message = if ids.len() == 2 {
                        format!("task {} depends on itself: {}", ids[0], ids.join(" → "))
                    } else {
                        format!("tasks depend on each other in a circle: {}", ids.join(" → "))
                    };
                    out.error(
                        next.span.clone(),
                        message,
                        "closes the circle",
                        "remove one of these dependencies",
                    );
                }
                Mark::Open | Mark::Done => {}
            }
        }
    }
}
