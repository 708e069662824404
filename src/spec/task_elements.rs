//! The `<task>` elements of a GSD plan: `<name>`, `<action>`, `<verify>` and so on are their bodies.

use std::borrow::Cow;
use std::ops::Range;

use super::grammar::{self, IdShape};
use super::lines::{LineKind, SourceLines};
use super::task_line::TaskLine;

/// The elements whose text names a task that has no `<name>`: a checkpoint says what was built or what to decide.
const TITLES: [&str; 6] = ["name", "what-built", "decision", "instructions", "how-to-verify", "action"];

/// All `<task>` elements of a file; none if it has no closed one.
pub(crate) fn tasks<'a>(lines: &SourceLines<'a>) -> Vec<TaskLine<'a>> {
    if !lines.source.contains("</task>") {
        return Vec::new();
    }
    let mut out: Vec<TaskLine<'a>> = Vec::new();
    let mut index = 0;
    while index < lines.all.len() {
        let Some(kind) = opens(lines, index) else {
            index += 1;
            continue;
        };
        let Some(end) = (index..lines.all.len()).find(|&i| lines.text(i).contains("</task>")) else { break };
        let task = element(lines, index, end, kind, out.len() + 1);
        out.push(task);
        index = end + 1;
    }
    out
}

/// The type of the element that opens on a line; a fence shows a sample.
fn opens<'a>(lines: &SourceLines<'a>, index: usize) -> Option<&'a str> {
    if matches!(lines.all[index].kind, LineKind::Opaque(_)) {
        return None;
    }
    let rest = lines.text(index).trim_start().strip_prefix("<task")?;
    let attributes = rest.strip_prefix([' ', '\t']).or_else(|| rest.starts_with('>').then_some(rest))?;
    let kind = attributes.split_once("type=").map_or("", |(_, value)| value.trim_start_matches(['"', '\'']));
    Some(kind.split(['"', '\'', '>', ' ']).next().unwrap_or(""))
}

fn element<'a>(lines: &SourceLines<'a>, open: usize, end: usize, kind: &str, number: usize) -> TaskLine<'a> {
    let title = TITLES.iter().find_map(|tag| title(lines, open..end + 1, tag));
    let (line, title) = title.unwrap_or_else(|| (open, 0..lines.text(open).len()));
    // "Task 1: Add the flag" has the form of a box's text.
    let text = lines.text(line);
    let probe = format!("- [ ] {}", &text[title.clone()]);
    let item = grammar::item(&probe);
    let id = item.as_ref().and_then(|item| item.id.as_ref()).filter(|id| id.word);
    let (written, from) = match (id, &item) {
        (Some(id), Some(item)) => {
            (Some(probe[id.span.clone()].to_owned()), title.start + item.title - "- [ ] ".len())
        }
        _ => (None, title.start),
    };
    let checkpoint = kind.starts_with("checkpoint");
    let placed = || if checkpoint { format!("checkpoint-{number}") } else { format!("element-{number}") };
    TaskLine {
        placed_id: written.is_none(),
        shape: Some(if written.is_some() { IdShape::Number } else { IdShape::Slug }),
        id: Cow::Owned(written.unwrap_or_else(placed)),
        title: from.min(title.end)..title.end,
        until: Some(end),
        human: checkpoint,
        ..TaskLine::at(line)
    }
}

/// The first line of the text in an element with this tag.
fn title(lines: &SourceLines<'_>, element: Range<usize>, tag: &str) -> Option<(usize, Range<usize>)> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    // The choices of a decision have names, too.
    let choices = element.clone().find(|&i| lines.text(i).contains("<option"));
    let end = if tag == "name" { choices.unwrap_or(element.end) } else { element.end };
    let first = (element.start..end).find(|&i| lines.text(i).contains(&open))?;
    for index in first..element.end {
        let text = lines.text(index);
        let from = if index == first { text.find(&open)? + open.len() } else { 0 };
        let to = text[from..].find(&close).map_or(text.len(), |at| from + at);
        let inner = text[from..to].trim();
        if !inner.is_empty() {
            let start = from + text[from..to].len() - text[from..to].trim_start().len();
            return Some((index, start..start + inner.len()));
        }
        if to < text.len() {
            return None;
        }
    }
    None
}
