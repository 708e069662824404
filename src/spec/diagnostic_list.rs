//! Collects what is reported about a file, each with its line and column.

use std::ops::Range;

use super::lines::SourceLines;
use super::model::{Diagnostic, Severity};

/// How many diagnostics of one kind are reported at most.
pub(crate) const MOST: usize = 50;

/// Puts diagnostics in the order of the file.
pub(crate) fn sort(list: &mut [Diagnostic]) {
    list.sort_by_key(|d| (d.span.start, d.severity == Severity::Warning));
}

/// Collects diagnostics and finds line and column of each.
pub(crate) struct DiagnosticList<'a> {
    pub(crate) lines: &'a SourceLines<'a>,
    pub(crate) list: Vec<Diagnostic>,
}

impl<'a> DiagnosticList<'a> {
    pub(crate) fn new(lines: &'a SourceLines<'a>) -> Self {
        Self { lines, list: Vec::new() }
    }

    /// The span of a line without its indentation.
    pub(crate) fn span(&self, line: usize) -> Range<usize> {
        let l = &self.lines.all[line];
        let text = self.lines.text(line);
        l.end - text.trim_start().len()
            ..l.end - (text.len() - text.trim_end().len()).min(text.trim_start().len())
    }

    fn push(&mut self, severity: Severity, span: Range<usize>, message: String, label: &str, hint: &str) {
        let (line, column) = if self.lines.all.is_empty() {
            (1, 1)
        } else {
            let index = self.lines.at(span.start);
            (index + 1, self.lines.source[self.lines.all[index].start..span.start].chars().count() + 1)
        };
        self.list.push(Diagnostic {
            severity,
            message,
            span,
            line,
            column,
            label: label.to_owned(),
            hint: hint.to_owned(),
        });
    }

    pub(crate) fn error(&mut self, span: Range<usize>, message: String, label: &str, hint: &str) {
        self.push(Severity::Error, span, message, label, hint);
    }

    pub(crate) fn warn(&mut self, span: Range<usize>, message: String, label: &str, hint: &str) {
        self.push(Severity::Warning, span, message, label, hint);
    }
}

/// Text from the file for a message, without control characters.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}
