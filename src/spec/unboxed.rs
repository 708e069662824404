//! Numbered lines without a box: the parents of boxes, or the tasks of a file that has none.

use std::borrow::Cow;
use std::collections::HashSet;

use super::collect::{Collected, Found};
use super::dialect::Verdict;
use super::grammar::Shape;
use super::lines::{Kind, Lines};
use super::model::Why;
use super::words::Section;

/// `1. Title` without box over `- [ ] 1.1`: the parent of the boxed tasks right below it.
pub(crate) fn parents<'a>(lines: &Lines<'a>, out: &mut Collected<'a>) {
    if !out.ignored.iter().any(|i| i.1 == Why::Numbered && lines.all[i.0].indent == 0) {
        return;
    }
    let ids: HashSet<&str> = out.found.iter().map(|f| &*f.id).collect();
    let mut parents = Vec::new();
    for &(index, why) in &out.ignored {
        if why != Why::Numbered || lines.all[index].indent > 0 {
            continue;
        }
        let Some(found) = line(lines, index) else { continue };
        let next = out.found.partition_point(|f| f.line < index);
        let Some(below) = out.found.get(next) else { continue };
        let owns = below.id.strip_prefix(&*found.id).is_some_and(|r| r.starts_with('.'));
        let parted = (index + 1..below.line).any(|i| matches!(lines.all[i].kind, Kind::Heading(_)));
        if owns && !parted && !ids.contains(&*found.id) {
            parents.push(found);
        }
    }
    let lines: HashSet<usize> = parents.iter().map(|f| f.line).collect();
    out.ignored.retain(|i| !lines.contains(&i.0));
    out.found.extend(parents);
    out.found.sort_by_key(|f| f.line);
}

/// A file of `1. Title` lines without any box, as long as the numbers tell them apart.
pub(crate) fn numbered<'a>(lines: &Lines<'a>, verdict: &Verdict, out: &mut Collected<'a>) {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for &(index, _) in &out.ignored {
        if verdict.sections[index] != Section::Open {
            continue;
        }
        let Some(f) = line(lines, index) else { continue };
        if lines.all[index].indent > 0 && f.shape != Some(Shape::Dotted) {
            continue;
        }
        if !seen.insert(f.id.clone()) {
            // Numbering that starts anew is the numbering of steps.
            return;
        }
        found.push(f);
    }
    if found.first().is_none_or(|f| !matches!(&*f.id, "0" | "1" | "1.1" | "0.1" | "1.0")) {
        return;
    }
    let lines: HashSet<usize> = found.iter().map(|f| f.line).collect();
    out.ignored.retain(|i| !lines.contains(&i.0));
    out.found = found;
}

fn line<'a>(lines: &Lines<'a>, index: usize) -> Option<Found<'a>> {
    let item = lines.item(index).filter(|i| i.mark.is_none() && !i.paren)?;
    let id = item.id.as_ref()?;
    let text = lines.text(index);
    Some(Found {
        line: index,
        id: Cow::Borrowed(&text[id.span.clone()]),
        shape: Some(id.shape),
        title: item.title..text.len(),
        open: id.deco,
        mark: None,
        star: false,
        checked: false,
        dot: id.dot,
        indent: lines.all[index].indent,
        level: 0,
        odd: None,
        row: None,
    })
}
