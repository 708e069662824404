//! The words that stand for states in a list of values, such as `"status": "pending"`.

use std::ops::Range;

use super::value_tasks::FLAGS;

/// What to write for a mark in this place; `None` where the list has no word for it. The words are those that the list
/// uses itself.
pub(crate) fn word(source: &str, range: &Range<usize>, mark: char) -> Option<String> {
    let done = matches!(mark, 'x' | 'X');
    if !done && !matches!(mark, ' ' | '-') {
        return None;
    }
    let before = &source[..range.start];
    let is_quoted = before.ends_with(['"', '\'']);
    if FLAGS.contains(&key(before.trim_end_matches(['"', '\'']))) {
        return (mark != '-').then(|| done.to_string());
    }
    let is_json = source.trim_start_matches('\u{FEFF}').trim_start().starts_with(['{', '[']);
    let usual =
        if is_json { ["done", "pending", "in-progress"] } else { ["completed", "pending", "in_progress"] };
    let other = if is_json { ["completed", "todo", "in_progress"] } else { ["done", "todo", "in-progress"] };
    let at = match mark {
        ' ' => 1,
        '-' => 2,
        _ => 0,
    };
    let uses = |word: &str| says(source, word, is_json);
    let word = if uses(other[at]) && !uses(usual[at]) { other[at] } else { usual[at] };
    Some(if is_json && !is_quoted { format!("\"{word}\"") } else { word.to_owned() })
}

/// The key before a value.
fn key(before: &str) -> &str {
    let name = before.trim_end().trim_end_matches(':').trim_end().trim_end_matches(['"', '\'']);
    let start = name.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    name.get(start..).unwrap_or_default()
}

/// Whether a status of the list is this word.
fn says(source: &str, word: &str, is_json: bool) -> bool {
    source.match_indices(word).any(|(at, _)| {
        let (before, after) = (&source[..at], &source[at + word.len()..]);
        let is_whole = if is_json {
            before.ends_with('"') && after.starts_with('"')
        } else {
            !before.ends_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_')
                && !after.starts_with(|c: char| c.is_alphanumeric() || c == '-' || c == '_')
        };
        is_whole && key(before.trim_end_matches(['"', '\''])) == "status"
    })
}
