//! Numbered lines without a box: the parents of boxes, or the tasks of a file that has no boxes.

use std::borrow::Cow;
use std::collections::HashSet;

use super::grammar::IdShape;
use super::lines::{LineKind, SourceLines};
use super::model::IgnoredReason;
use super::reading_rules::ReadingRules;
use super::section_names::SectionKind;
use super::task_line::{CollectedLines, TaskLine};

/// Takes `1. Title` over `- [ ] 1.1` as the parent of the boxed tasks right below it.
pub(crate) fn parents<'a>(lines: &SourceLines<'a>, out: &mut CollectedLines<'a>) {
    let is_candidate = |&(index, why): &(usize, IgnoredReason)| {
        why == IgnoredReason::Numbered && lines.all[index].indent == 0
    };
    if !out.ignored.iter().any(is_candidate) {
        return;
    }
    let ids: HashSet<&str> = out.tasks.iter().map(|t| &*t.id).collect();
    let mut parents = Vec::new();
    for &(index, _) in out.ignored.iter().filter(|i| is_candidate(i)) {
        let Some(parent) = task(lines, index) else { continue };
        let next = out.tasks.partition_point(|t| t.line < index);
        let Some(below) = out.tasks.get(next) else { continue };
        let owns = below.id.strip_prefix(&*parent.id).is_some_and(|r| r.starts_with('.'));
        let parted = (index + 1..below.line).any(|i| matches!(lines.all[i].kind, LineKind::Heading(_)));
        if owns && !parted && !ids.contains(&*parent.id) {
            parents.push(parent);
        }
    }
    let taken: HashSet<usize> = parents.iter().map(|t| t.line).collect();
    out.ignored.retain(|i| !taken.contains(&i.0));
    out.tasks.extend(parents);
    out.tasks.sort_by_key(|t| t.line);
}

/// Takes the `1. Title` lines of a file without boxes as its tasks, if no number repeats.
pub(crate) fn tasks<'a>(lines: &SourceLines<'a>, rules: &ReadingRules, out: &mut CollectedLines<'a>) {
    let mut seen = HashSet::new();
    let mut tasks = Vec::new();
    for &(index, _) in &out.ignored {
        if rules.sections[index] != SectionKind::Open {
            continue;
        }
        let Some(t) = task(lines, index) else { continue };
        if lines.all[index].indent > 0 && t.shape != Some(IdShape::Dotted) {
            continue;
        }
        if !seen.insert(t.id.clone()) {
            // Numbers that start again are the numbers of steps.
            return;
        }
        tasks.push(t);
    }
    if tasks.first().is_none_or(|t| !matches!(&*t.id, "0" | "1" | "1.1" | "0.1" | "1.0")) {
        return;
    }
    let taken: HashSet<usize> = tasks.iter().map(|t| t.line).collect();
    out.ignored.retain(|i| !taken.contains(&i.0));
    out.tasks = tasks;
}

/// A numbered line without a box, as a task.
fn task<'a>(lines: &SourceLines<'a>, index: usize) -> Option<TaskLine<'a>> {
    let item = lines.item(index).filter(|i| i.mark.is_none() && !i.paren)?;
    let id = item.id.as_ref()?;
    let text = lines.text(index);
    Some(TaskLine {
        line: index,
        id: Cow::Borrowed(&text[id.span.clone()]),
        placed_id: false,
        shape: Some(id.shape),
        title: item.title..text.len(),
        bold_open: id.deco,
        mark: None,
        star: false,
        checked: false,
        dot: id.dot,
        indent: lines.all[index].indent,
        level: 0,
        oddity: None,
        ..TaskLine::at(index)
    })
}
