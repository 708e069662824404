//! PURE. A long text that fills the view: the log of a task, or its diff.

use std::sync::Arc;

use crate::report::text::{sanitise_text, steady};

/// A text to read, with the place where the reader is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextPage {
    /// What it is.
    pub title: String,
    /// Whether its lines are those of a diff.
    pub is_diff: bool,
    pub(super) lines: Arc<[String]>,
    /// The first shown line.
    pub top: usize,
}

impl TextPage {
    /// A page with this text, which is made safe for a terminal.
    #[must_use]
    pub fn new(title: String, text: &str, is_diff: bool) -> Self {
        let clean = sanitise_text(text);
        let lines = clean.lines().map(|line| steady(&line.replace('\t', "    ")).into_owned());
        // agents put what matters last
        let lines: Arc<[String]> = lines.collect();
        let top = if is_diff { 0 } else { lines.len() };
        Self { title, is_diff, lines, top }
    }
}
