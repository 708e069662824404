//! Reports what is wrong with a file, and where.

use std::ops::Range;

use super::bodies::TaskBodies;
use super::dependencies::Dependencies;
use super::diagnostic_list::{DiagnosticList, MOST, plain, sort};
use super::hierarchy::TaskHierarchy;
use super::id_index::IdIndex;
use super::lines::{LineKind, SourceLines};
use super::model::{Diagnostic, Dialect, IgnoredReason, Task, TaskState};
use super::not_taken;
use super::task_line::{Oddity, TaskLine};
use super::unique_ids::CountedId;
use super::wave_graph::{GraphProblem, WaveGraph};

/// The hint for an id that no task has.
const UNKNOWN_ID: &str = "correct the id, or leave it: it does not change the order";

/// All diagnostics, in document order.
pub(crate) fn check(
    lines: &SourceLines<'_>,
    found: &[TaskLine<'_>],
    ids: &IdIndex<'_>,
    tree: &TaskHierarchy,
    deps: &Dependencies,
    graph: &WaveGraph,
    forced: Option<Dialect>,
) -> Vec<Diagnostic> {
    let mut out = DiagnosticList::new(lines);
    conflicts(&mut out);
    duplicates(&mut out, found, ids);
    cycles(&mut out, found, deps);
    dependencies(&mut out, found, deps);
    wave_graph(&mut out, graph);
    indentation(&mut out, found, tree);
    oddities(&mut out, found);
    not_taken::entries_without_boxes(&mut out, found);
    not_taken::bullets_without_boxes(&mut out, found);
    unclosed(&mut out);
    if found.is_empty() {
        let plain = |&line: &usize| {
            lines.all[line].indent == 0 && lines.item(line).is_some_and(|item| item.mark.is_none())
        };
        let numbered = (0..lines.all.len()).filter(plain).count();
        let message = match numbered {
            0 | 1 => "no tasks found".to_owned(),
            _ => format!("no tasks found: {numbered} numbered lines without boxes may be prose"),
        };
        out.error(
            lines.all.first().map_or(0..0, |l| l.start..l.end),
            message,
            "",
            if forced.is_none() && numbered > 1 {
                "tasks.dialect = \"numbered\" takes them as tasks"
            } else if forced.is_some() {
                "tasks.dialect forces how this file is read; \"auto\" finds it out from the file"
            } else {
                "write tasks as `- [ ] 1. Title`, and subtasks as `  - [ ] 1.1 Title`"
            },
        );
    }
    sort(&mut out.list);
    out.list
}

/// Dependencies that name no task, and ranges that name too many.
fn dependencies(out: &mut DiagnosticList<'_>, found: &[TaskLine<'_>], deps: &Dependencies) {
    for unknown in deps.unknown.iter().take(MOST) {
        let (id, text) = (&found[unknown.task].id, plain(&unknown.text));
        let message = format!("task {id} depends on \"{text}\", which is not a task of this file");
        out.warn(unknown.span.clone(), message, "no such task", UNKNOWN_ID);
    }
    if let Some(span) = &deps.overflow {
        out.error(
            span.clone(),
            "the dependency ranges of this file name more than a million tasks".to_owned(),
            "this range is one too many",
            "depend on a parent instead of all its subtasks",
        );
    }
}

fn wave_graph(out: &mut DiagnosticList<'_>, graph: &WaveGraph) {
    for problem in &graph.problems {
        let (message, hint) = match problem {
            GraphProblem::Unreadable { why, .. } => (
                format!("the dependency graph cannot be read: {}", plain(why)),
                "the tasks keep the order of the document",
            ),
            GraphProblem::UnknownId { id, .. } => (
                format!("the dependency graph names \"{}\", which is not a task of this file", plain(id)),
                UNKNOWN_ID,
            ),
        };
        out.warn(problem.span(), message, "", hint);
    }
}

/// Tasks indented below one task and numbered below another.
fn indentation(out: &mut DiagnosticList<'_>, found: &[TaskLine<'_>], tree: &TaskHierarchy) {
    for &i in tree.elsewhere.iter().take(MOST) {
        let parent = tree.parent[i].map_or("", |p| &*found[p].id);
        let f = &found[i];
        let message = format!(
            "task {} is indented below another task, but its number makes it a part of {parent}",
            f.id
        );
        out.warn(out.span(f.line), message, "", "");
    }
}

fn oddities(out: &mut DiagnosticList<'_>, found: &[TaskLine<'_>]) {
    let odd = found.iter().filter_map(|f| Some((f, f.oddity?)));
    for (f, oddity) in odd.take(MOST) {
        let (message, hint) = match oddity {
            Oddity::NoBullet => (format!("the box of task {} has no list bullet", f.id), "write `- [ ]`"),
            Oddity::TwoBoxes => (format!("task {} has two boxes; the first one counts", f.id), "keep one"),
            Oddity::Indentation => (
                format!(
                    "task {} is indented below the task before it, but its number follows that one",
                    f.id
                ),
                "it counts as a sibling",
            ),
        };
        out.warn(out.span(f.line), message, "", hint);
    }
}

fn unclosed(out: &mut DiagnosticList<'_>) {
    for &(line, why) in out.lines.unclosed.iter().take(MOST) {
        let what = if why == IgnoredReason::Comment { "comment" } else { "code fence" };
        let message = format!("this {what} is never closed, so it is read as text");
        out.warn(out.span(line), message, "opened here", "close it");
    }
}

/// Headings marked done over open boxes: one warning, at the first. The heading decides.
pub(crate) fn done_over_open_boxes(
    lines: &SourceLines<'_>,
    found: &[TaskLine<'_>],
    bodies: &TaskBodies,
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
    let id = &found[first].id;
    let message = match all.count() {
        0 => format!("task {id} is marked done, but boxes below it are open"),
        more => format!("task {id} and {more} more are marked done, but boxes below them are open"),
    };
    let mut out = DiagnosticList::new(lines);
    out.warn(out.span(found[first].line), message, "", "the heading decides");
    out.list.pop()
}

/// Marks that the file does not explain: such a task is open work.
pub(crate) fn unknown_marks(lines: &SourceLines<'_>, tasks: &[Task], unknown: &[usize]) -> Vec<Diagnostic> {
    let mut out = DiagnosticList::new(lines);
    for task in unknown.iter().take(MOST).map(|&i| &tasks[i]) {
        let Some(mark) = task.mark.clone() else { continue };
        let message = format!(
            "the mark `[{}]` of task {} is not known, so the task is open",
            plain(&lines.source[mark.clone()]),
            task.id
        );
        out.warn(mark, message, "", "write [ ], [x] or [-], or explain it: `[?]` waiting");
    }
    out.list
}

/// Unresolved merges, from `<<<<<<<` to `>>>>>>>`. A sample inside a fence does not count, unless the merge opens before it.
fn conflicts(out: &mut DiagnosticList<'_>) {
    if !out.lines.source.contains("<<<<<<< ") && !out.lines.source.contains(">>>>>>> ") {
        return;
    }
    let mut start: Option<usize> = None;
    let mut found = Vec::new();
    for index in 0..out.lines.all.len() {
        let text = out.lines.text(index);
        let hidden = matches!(
            out.lines.all[index].kind,
            LineKind::Opaque(IgnoredReason::Fence | IgnoredReason::Comment)
        );
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
        out.error(span, message, "", "resolve the merge; the file holds both sides now");
    }
}

/// Ids that more than one open task of a section has.
fn duplicates(out: &mut DiagnosticList<'_>, found: &[TaskLine<'_>], ids: &IdIndex<'_>) {
    let again = |&(i, _): &(usize, &TaskLine<'_>)| ids.first[ids.of[i]] != i;
    for (i, task) in found.iter().enumerate().filter(again).take(MOST) {
        let first = &found[ids.first[ids.of[i]]];
        let message = used_twice(&task.id, first);
        out.error(
            id_span(out.lines, task, &task.id),
            message,
            "again here",
            "give one of the tasks another number",
        );
    }
}

/// Ids that come again where the other task is done.
pub(crate) fn counted_ids(
    lines: &SourceLines<'_>,
    found: &[TaskLine<'_>],
    counted: &[CountedId],
) -> Vec<Diagnostic> {
    let mut out = DiagnosticList::new(lines);
    for CountedId { task, first } in counted.iter().take(MOST) {
        let (task, first) = (&found[*task], &found[*first]);
        let message = used_twice(&first.id, first);
        let label = format!("this one is called {}", task.id);
        out.warn(id_span(lines, task, &first.id), message, &label, "give one of the tasks another number");
    }
    out.list
}

fn used_twice(id: &str, first: &TaskLine<'_>) -> String {
    format!("task id {id} is used twice, first on line {}", first.line + 1)
}

fn id_span(lines: &SourceLines<'_>, task: &TaskLine<'_>, id: &str) -> Range<usize> {
    let at = lines.text(task.line).find(id).unwrap_or(0) + lines.all[task.line].start;
    at..at + id.len()
}

/// Circles among the dependencies. Iterative, since a chain may be as long as the file.
fn cycles(out: &mut DiagnosticList<'_>, found: &[TaskLine<'_>], deps: &Dependencies) {
    #[derive(Clone, Copy, PartialEq, Eq)]
    enum VisitState {
        New,
        Open,
        Done,
    }
    let mut states = vec![VisitState::New; found.len()];
    let mut reported = 0;
    for root in 0..found.len() {
        if states[root] != VisitState::New || deps.edges[root].is_empty() {
            continue;
        }
        // Each entry: a task, and how many of its edges are visited.
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        states[root] = VisitState::Open;
        while let Some(top) = path.len().checked_sub(1) {
            let (task, edge) = path[top];
            let Some(next) = deps.edges[task].get(edge) else {
                states[task] = VisitState::Done;
                path.pop();
                continue;
            };
            path[top].1 += 1;
            match states[next.to] {
                VisitState::New => {
                    states[next.to] = VisitState::Open;
                    path.push((next.to, 0));
                }
                VisitState::Open if reported < MOST => {
                    reported += 1;
                    let from = path.iter().position(|p| p.0 == next.to).unwrap_or(top);
                    let mut ids: Vec<&str> = path[from..].iter().map(|p| &*found[p.0].id).collect();
                    ids.push(&found[next.to].id);
                    let label = "closes the circle";
                    out.error(next.span.clone(), circle(ids), label, "remove one of these dependencies");
                }
                VisitState::Open | VisitState::Done => {}
            }
        }
    }
}

/// The message about a circle; a long one is cut in the middle.
fn circle(mut ids: Vec<&str>) -> String {
    if ids.len() > 12 {
        ids.splice(6..ids.len() - 5, ["…"]);
    }
    let path = ids.join(" → ");
    if ids.len() == 2 {
        format!("task {} depends on itself: {path}", ids[0])
    } else {
        format!("tasks depend on each other in a circle: {path}")
    }
}
