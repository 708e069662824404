//! Renders diagnostics for people: the line, a caret, and how to fix it. No raw text of the file reaches the terminal.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::model::{Diagnostic, Severity};

/// Renders diagnostics for a terminal of this width. The text shows `path` as given.
#[must_use]
pub fn render_diagnostics(
    path: &str,
    source: &str,
    diagnostics: &[Diagnostic],
    color: bool,
    width: usize,
) -> String {
    let width = width.clamp(40, 400);
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(width);
    let path = clean(path);
    let mut out = String::new();
    for (i, d) in diagnostics.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        out.push_str(&one(&renderer, &path, source, d, width));
        out.push('\n');
    }
    out
}

fn one(renderer: &Renderer, path: &str, source: &str, d: &Diagnostic, width: usize) -> String {
    let (message, label, hint) = (clean(&d.message), clean(&d.label), clean(&d.hint));
    let excerpt = excerpt(source, d, width.saturating_sub(12).max(24));
    let level = match d.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let snippet = Snippet::source(excerpt.text.as_str())
        .path(path)
        .line_start(d.line)
        .fold(false)
        .annotation(AnnotationKind::Primary.span(excerpt.start..excerpt.end).label(label.as_str()));
    let group = Group::with_title(level.primary_title(message.as_str())).element(snippet);
    let group = if hint.is_empty() { group } else { group.element(Level::HELP.message(hint.as_str())) };
    let out = renderer.render(&[group]);
    // The column is the one in the file, not the one in the excerpt.
    let wrong = format!("{path}:{}:{}", d.line, excerpt.text[..excerpt.start].chars().count() + 1);
    let right = format!("{path}:{}:{}", d.line, d.column);
    match out.find("--> ") {
        Some(arrow) if wrong != right => out[..arrow].to_owned() + &out[arrow..].replacen(&wrong, &right, 1),
        _ => out,
    }
}

/// The part of a line that is shown, and the range of the caret in it.
struct LineExcerpt {
    text: String,
    start: usize,
    end: usize,
}

/// Cuts the line around the span to the width, since a line may be longer than any screen.
fn excerpt(source: &str, d: &Diagnostic, width: usize) -> LineExcerpt {
    let at = floor(source, d.span.start.min(source.len()));
    let start = source[..at].rfind('\n').map_or(0, |n| n + 1);
    let end = source[at..].find('\n').map_or(source.len(), |n| at + n);
    let line = source[start..end].trim_end_matches('\r');
    let line_end = start + line.len();
    let at = at.min(line_end);
    let to = floor(source, d.span.end.clamp(at, line_end));
    // A third of the width goes before the span.
    let before: usize = source[start..at].chars().rev().take(width / 3).map(char::len_utf8).sum();
    let whole = line.chars().take(width + 1).count() <= width;
    let from = if whole { start } else { at - before };
    let until = source[from..line_end].chars().take(width).map(char::len_utf8).sum::<usize>() + from;
    let mut text = String::new();
    if from > start {
        text.push('…');
    }
    text.push_str(&clean(source[from..at].trim_start_matches('\u{FEFF}')));
    let caret = text.len();
    text.push_str(&clean(source[at..to.min(until).max(at)].trim_start_matches('\u{FEFF}')));
    let caret_end = text.len();
    text.push_str(&clean(&source[to.min(until).max(at)..until.max(at)]));
    if until < line_end {
        text.push('…');
    }
    LineExcerpt { text, start: caret, end: caret_end }
}

fn floor(source: &str, mut at: usize) -> usize {
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Replaces what a terminal would obey: control characters and signs that change the direction of writing.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' => ' ',
            '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{061C}' => {
                '\u{FFFD}'
            }
            c if c.is_control() => '\u{FFFD}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::parse;

    fn rendered(source: &str) -> String {
        render_diagnostics("specs/a/tasks.md", source, &parse(source).diagnostics, false, 100)
    }

    #[test]
    fn an_error_shows_place_line_caret_and_fix() {
        let out = rendered("# T\n\n- [ ] 1. One\n- [ ] 1. Two\n");
        assert_eq!(
            out,
            "error: task id 1 is used twice, first on line 3\n \
             --> specs/a/tasks.md:4:7\n  |\n\
             4 | - [ ] 1. Two\n  |       ^ again here\n  |\n  \
             = help: give one of the tasks another number\n"
        );
    }

    #[test]
    fn a_long_line_is_cut_around_the_error() {
        let out = rendered(&format!("- [ ] 1. One\n- [ ] 1. {}\n", "long ".repeat(200_000)));
        assert!(out.len() < 2_000, "{}", out.len());
        assert!(out.contains("tasks.md:2:7") && out.contains("- [ ] 1. long"));
    }

    #[test]
    fn the_column_is_the_one_in_the_file() {
        let source = format!("- [ ] 1. One\n- [ ] 2. {} (depends on 9.9)\n", "工长".repeat(3_000));
        let out = rendered(&source);
        assert!(out.contains("tasks.md:2:6023") && out.contains("depends on 9.9"), "{out}");
        let color = render_diagnostics("t.md", &source, &parse(&source).diagnostics, true, 80);
        assert!(color.contains("t.md:2:6023"), "{color:?}");
    }

    #[test]
    fn no_escape_sequence_reaches_the_terminal() {
        let out = rendered(
            "- [ ] 1. a\x1b[31m\x07\u{202E}b\r\r\n- [ ] 1.\x1b]0;t\x07 c\n- [ ] 2. d\n  - depends on: 1\x1b[2J\n",
        );
        assert!(!out.contains(|c: char| c.is_control() && c != '\n'), "{out:?}");
    }

    #[test]
    fn an_empty_file_has_a_line_to_point_at() {
        assert!(rendered("").starts_with("error: no tasks found\n"));
        assert!(rendered("\u{FEFF}").contains("tasks.md:1:1"));
    }

    proptest! {
        #[test]
        fn rendering_any_text_never_fails(source in "(- \\[ \\] 1\\. |\\PC|\r|\n|\t|\u{1b}|\u{0}|depends on: 7|工){0,40}", color: bool, width in 0usize..200) {
            let file = parse(&source);
            let out = render_diagnostics("t.md", &source, &file.diagnostics, color, width);
            prop_assert!(color || !out.contains(|c: char| c.is_control() && c != '\n'));
        }
    }
}
