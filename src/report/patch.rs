//! PURE. The changes of a task: its files with their counts, and line by line with what each line is.

use serde::Serialize;

use super::text::{plural, sanitise_line, sanitise_text};
use crate::git::FileChange;

/// Listed files of a task.
const FILES: usize = 20;
/// Lines that are shown of a task.
const LINES: usize = 1000;
/// Characters of such a line.
const WIDTH: usize = 400;

/// A line of a task's changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PatchLine {
    /// `file`, `hunk`, `added`, `removed`, `same`: names of classes in the page.
    pub kind: &'static str,
    /// The line.
    pub text: String,
}

/// The first [`LINES`] lines of what git prints, with what each is.
#[must_use]
pub fn patch_lines(text: &str) -> Vec<PatchLine> {
    let mut in_file = false;
    let mut lines: Vec<PatchLine> = Vec::new();
    for line in text.lines() {
        if lines.len() == LINES {
            let text = format!("… {} more", plural(text.lines().count() - LINES, "line"));
            lines.push(PatchLine { kind: "hunk", text });
            break;
        }
        let kind = match line.as_bytes().first() {
            Some(b'd') if line.starts_with("diff --git ") => "file",
            Some(b'@') => "hunk",
            _ if !in_file => "file",
            Some(b'+') => "added",
            Some(b'-') => "removed",
            _ => "same",
        };
        in_file = (in_file || kind == "hunk") && kind != "file";
        lines.push(PatchLine { kind, text: sanitise_text(line).chars().take(WIDTH).collect() });
    }
    lines
}

/// The changed files as in `git diff --stat`, at most [`FILES`] of them.
pub(super) fn diffstat(changes: &[FileChange]) -> Vec<(String, String)> {
    let lines = |change: &FileChange| match (change.insertions, change.deletions) {
        (Some(came), Some(went)) => format!("+{came} -{went}"),
        _ => "binary".to_owned(),
    };
    let mut files: Vec<_> =
        changes.iter().take(FILES).map(|change| (sanitise_line(&change.path), lines(change))).collect();
    let more = changes.len() - files.len();
    if more > 0 {
        files.push((format!("and {}", plural(more, "more file")), String::new()));
    }
    files
}
