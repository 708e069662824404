//! Lines with the box behind the title: `1. **Reader** - [x] done`.

use std::borrow::Cow;
use std::ops::Range;

use super::lines::{LineKind, SourceLines};
use super::task_line::TaskLine;

/// How many such lines a file has. Only numbers and bullets at the margin count.
pub(crate) fn count(lines: &SourceLines<'_>) -> usize {
    (0..lines.all.len()).filter(|&index| trailing_mark(lines, index).is_some()).count()
}

/// All such lines as tasks, and the entries of the same lists that have no box: they are open.
pub(crate) fn tasks<'a>(lines: &SourceLines<'a>) -> Vec<TaskLine<'a>> {
    let mut all: Vec<(usize, Option<Range<usize>>)> = Vec::new();
    // entries of the list that comes now, from before its first box on
    let mut waiting: Vec<usize> = Vec::new();
    let mut in_list = false;
    for index in 0..lines.all.len() {
        if let LineKind::Heading(_) = lines.all[index].kind {
            waiting.clear();
            in_list = false;
        } else if let Some(mark) = trailing_mark(lines, index) {
            all.extend(waiting.drain(..).map(|line| (line, None)));
            all.push((index, Some(mark)));
            in_list = true;
        } else if is_entry(lines, index) {
            if in_list { all.push((index, None)) } else { waiting.push(index) }
        }
    }
    all.into_iter()
        .map(|(index, mark)| {
            let text = lines.text(index);
            let item = lines.item(index);
            let id = item.and_then(|item| item.id.as_ref());
            let from = item.map_or_else(
                || text.len() - text.trim_start_matches(['-', '*', '+', ' ']).len(),
                |item| item.title,
            );
            let bold = text[..from].ends_with("**") || text[from..].starts_with("**");
            let from = text.len() - text[from..].trim_start_matches('*').len();
            TaskLine {
                id: id.map_or(Cow::Borrowed(""), |id| Cow::Borrowed(&text[id.span.clone()])),
                shape: id.map(|id| id.shape),
                title: from..mark
                    .as_ref()
                    .map_or(text.len(), |mark| title_end(text, mark.start - 1))
                    .max(from),
                bold_open: bold || id.is_some_and(|id| id.deco),
                mark,
                dot: id.is_some_and(|id| id.dot),
                ..TaskLine::at(index)
            }
        })
        .collect()
}

/// A numbered entry at the margin without any box.
fn is_entry(lines: &SourceLines<'_>, index: usize) -> bool {
    lines.all[index].indent == 0
        && lines.item(index).is_some_and(|item| item.mark.is_none() && item.id.is_some())
}

/// Where the title ends that stands before a box.
fn title_end(text: &str, bracket: usize) -> usize {
    text[..bracket].trim_end_matches([' ', '-', '–', '—', ':', '：', '|', '`', '*']).len()
}

/// The range between the brackets of the box behind the title. After it stands at most a word like "done".
fn trailing_mark(lines: &SourceLines<'_>, index: usize) -> Option<Range<usize>> {
    let line = &lines.all[index];
    let text = lines.text(index);
    let listed = match line.kind {
        LineKind::Item(_) => lines.item(index).is_some_and(|item| item.mark.is_none()),
        LineKind::Text => text.starts_with(['-', '*', '+']),
        _ => false,
    };
    if !listed || line.indent > 0 {
        return None;
    }
    let open = text.rfind('[')?;
    let close = open + text[open..].find(']')?;
    let (mark, rest) = (&text[open + 1..close], &text[close + 1..]);
    let one_sign =
        mark.trim().chars().count() <= 1 && !mark.trim().starts_with(char::is_uppercase) || mark == "X";
    let parted =
        text[..open].trim_end_matches(' ').ends_with(['-', '–', '—', ':', '：', '*', '|']) || rest.is_empty();
    let titled = title_end(text, open) > 3;
    (one_sign && parted && titled && rest.trim().chars().count() <= 16 && !rest.starts_with(['(', '[', ':']))
        .then_some(open + 1..close)
}
