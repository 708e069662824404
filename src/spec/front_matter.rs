//! The `todos:` in the head of a file, as Cursor and `CodeBuddy` write them: `id`, `content` and `status` of each.

use std::borrow::Cow;
use std::ops::Range;

use super::grammar::IdShape;
use super::lines::SourceLines;
use super::task_line::TaskLine;

/// The todos in the head of a file.
pub(crate) fn tasks<'a>(lines: &SourceLines<'a>) -> Vec<TaskLine<'a>> {
    let Some(end) = head(lines) else { return Vec::new() };
    let Some(start) = (1..end).find(|&i| lines.text(i).trim_end() == "todos:") else { return Vec::new() };
    let inside = |i: &usize| {
        let text = lines.text(*i);
        text.trim().is_empty() || text.starts_with([' ', '\t']) || text.starts_with("- ")
    };
    let last = (start + 1..end).take_while(inside).last().unwrap_or(start);
    let dash = |i: usize| lines.text(i).trim_start().starts_with("- ");
    let Some(first) = (start + 1..=last).find(|&i| dash(i)) else { return Vec::new() };
    let indent = lines.all[first].indent;
    let items: Vec<usize> = (first..=last).filter(|&i| dash(i) && lines.all[i].indent == indent).collect();
    let mut out = Vec::new();
    for (at, &item) in items.iter().enumerate() {
        let until = items.get(at + 1).map_or(last, |next| next - 1);
        if let Some(task) = todo(lines, item..until + 1, at + 1) {
            out.push(task);
        }
    }
    out
}

/// The line that closes the head, if the file has one.
pub(crate) fn head(lines: &SourceLines<'_>) -> Option<usize> {
    if lines.all.is_empty() || lines.text(0).trim_end() != "---" {
        return None;
    }
    (1..lines.all.len()).find(|&i| lines.text(i).trim_end() == "---")
}

fn todo<'a>(lines: &SourceLines<'a>, item: Range<usize>, number: usize) -> Option<TaskLine<'a>> {
    let content = ["content", "title", "task", "text", "description"];
    let (line, title) = content.iter().find_map(|key| value(lines, item.clone(), key))?;
    let id = value(lines, item.clone(), "id").map(|(line, range)| &lines.text(line)[range]);
    let status = value(lines, item.clone(), "status");
    let id = id.filter(|id| !id.is_empty()).map_or_else(|| Cow::Owned(number.to_string()), Cow::Borrowed);
    Some(TaskLine {
        id,
        shape: Some(IdShape::Slug),
        title,
        mark_line: status.as_ref().map_or(line, |(line, _)| *line),
        mark: status.map(|(_, range)| range),
        until: Some(item.end - 1),
        ..TaskLine::at(line)
    })
}

/// The value of a key in an item, without quotes: its line and its range there. A folded text counts by its first line.
fn value(lines: &SourceLines<'_>, item: Range<usize>, key: &str) -> Option<(usize, Range<usize>)> {
    for index in item.clone() {
        let text = lines.text(index);
        let body = text.trim_start_matches([' ', '\t', '-']);
        let Some(rest) = body.strip_prefix(key).and_then(|rest| rest.strip_prefix(':')) else { continue };
        let shown = rest.trim();
        if matches!(shown, "|" | ">" | "|-" | ">-") {
            let next = index + 1;
            let folded = item.contains(&next).then(|| lines.text(next))?;
            let from = folded.len() - folded.trim_start().len();
            return Some((next, from..folded.trim_end().len()));
        }
        let from = text.len() - rest.len() + (rest.len() - rest.trim_start().len());
        let mut range = from..from + shown.len();
        for quote in ['"', '\''] {
            if shown.len() > 1 && shown.starts_with(quote) && shown.ends_with(quote) {
                range = range.start + 1..range.end - 1;
                break;
            }
        }
        return Some((index, range));
    }
    None
}
