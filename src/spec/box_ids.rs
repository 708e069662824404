//! Ids of boxes that their lines alone do not show: numbers that start again, boxes without any, and what is struck out.

use std::borrow::Cow;
use std::collections::HashSet;

use super::lines::SourceLines;
use super::task_line::TaskLine;

/// Where the numbers of lists start again, they are not ids: such boxes have none.
pub(crate) fn drop_restarted_numbers(lines: &SourceLines<'_>, tasks: &mut [TaskLine<'_>]) {
    let listed = |t: &TaskLine<'_>| {
        let item = lines.item(t.line).filter(|i| i.bullet && i.id.is_none());
        item.is_some_and(|i| i.list_number.is_some())
    };
    let mut seen = HashSet::new();
    if tasks.iter().filter(|t| listed(t)).all(|t| seen.insert(t.id.clone())) {
        return;
    }
    for t in tasks.iter_mut().filter(|t| listed(t)) {
        t.id = Cow::Borrowed("");
        t.shape = None;
    }
}

/// Words with which a note on a struck-out entry begins.
const GIVEN_UP: [&str; 21] = [
    "replaced",
    "superseded",
    "moved",
    "merged",
    "see",
    "dropped",
    "cancelled",
    "canceled",
    "removed",
    "obsolete",
    "duplicate",
    "covered",
    "done",
    "not",
    "no",
    "won",
    "wontfix",
    "deferred",
    "skipped",
    "now",
    "part",
];

/// Whether all or most of a text is struck out: `~~2. Old idea~~ (see 5)`, but not `Use ~~this~~ that`.
pub(crate) fn is_struck(text: &str) -> bool {
    let text = text.trim_start_matches(['*', '_', ' ']);
    let Some((struck, rest)) = text.strip_prefix("~~").and_then(|rest| rest.split_once("~~")) else {
        return false;
    };
    let rest = rest.trim_matches(['*', '_', ' ', '.']);
    let first = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    // "replaced by 1", "see 4": a note on what was struck out; other words are what the entry says now
    GIVEN_UP.contains(&first.as_str())
        || rest.is_empty()
        || rest.starts_with(['(', '→', '—', '–', '-', '[', ':', ',', ';'])
        || rest.len() < struck.len() / 2
}

/// Numbers the tasks without an id: `1`, `2` where no task has one, else `box-1`.
pub(crate) fn name_anonymous(tasks: &mut [TaskLine<'_>]) {
    if tasks.iter().all(|t| !t.id.is_empty()) {
        return;
    }
    let plain = tasks.iter().all(|t| t.id.is_empty());
    let taken: HashSet<String> =
        if plain { HashSet::new() } else { tasks.iter().map(|t| t.id.to_string()).collect() };
    let mut n = 0;
    for t in tasks.iter_mut().filter(|t| t.id.is_empty()) {
        t.placed_id = true;
        t.id = loop {
            n += 1;
            let id = if plain { n.to_string() } else { format!("box-{n}") };
            if !taken.contains(&id) {
                break Cow::Owned(id);
            }
        };
    }
}
