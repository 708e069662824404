//! PURE. Text for terminals: removes escape sequences, wraps and cuts lines.

use std::time::Duration;

use crate::agent::columns::head;
pub use crate::agent::columns::{cut, cut_beginning, steady, width};
use crate::agent::redact::Redactor;
pub use crate::agent::sanitise::sanitise_line;
pub use crate::agent::shell::{command_line, shell_word};

/// Removes escape sequences, control characters and marks that change the direction of text. Line ends become `\n`; tabs
/// stay.
///
/// All text of agents and of tasks.md must pass through this before a terminal shows it.
#[must_use]
pub fn sanitise_text(text: &str) -> String {
    crate::agent::sanitise::sanitise(text.as_bytes())
}

/// Columns of a text that a terminal shows, without those of its colours.
fn shown_width(text: &str) -> usize {
    let mut parts = text.split("\u{1b}[");
    let first = parts.next().map_or(0, width);
    first + parts.map(|part| width(part.split_once('m').map_or(part, |(_, shown)| shown))).sum::<usize>()
}

/// Whether a line shows a line of a file or points into it, so that it has to stay as it is.
fn shows_source(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with(['|', '='])
        || line.starts_with("-->")
        || line.trim_start_matches(|c: char| c.is_ascii_digit()).starts_with(" |")
}

/// Wraps text into lines of at most `columns` columns. Longer words are broken. Colours take no columns.
#[must_use]
pub fn wrap(text: &str, columns: usize) -> Vec<String> {
    let columns = columns.max(2);
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in text.split(' ') {
        let gap = usize::from(!line.is_empty());
        if shown_width(&line) + gap + shown_width(word) <= columns {
            if gap > 0 {
                line.push(' ');
            }
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while width(word) > columns && !word.contains('\u{1b}') {
            let part = head(word, columns);
            lines.push(part.to_owned());
            word = &word[part.len()..];
        }
        line.push_str(word);
    }
    lines.push(line);
    lines
}

/// The text of several lines with none wider than `columns`, and no word broken by the edge of the terminal. What continues a
/// line is indented. A line with a command stays whole: a person copies it. So does a line of a file in a diagnostic.
#[must_use]
pub fn wrap_lines(text: &str, columns: usize) -> String {
    const LEAST: usize = 20;
    let one = |line: &str| {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        let is_command = body.trim_start().starts_with("seqorch ") || body.contains(": seqorch ");
        let indent = body.len() - body.trim_start().len();
        if shown_width(body) <= columns || is_command || shows_source(body) || columns < indent + LEAST {
            return line.to_owned();
        }
        let (lead, rest) = body.split_at(indent);
        // the first line has two columns more
        let parts = wrap(rest, columns - indent - 2);
        let further = format!("\n{lead}  ");
        format!("{lead}{}{end}", parts.join(&further))
    };
    text.split_inclusive('\n').map(one).collect()
}

/// The last `most` lines of a text, without blank lines and escape sequences, each cut to 200 columns. `…` replaces the lines
/// before them.
#[must_use]
pub fn last_lines(text: &str, most: usize) -> String {
    const COLUMNS: usize = 200;
    let clean = sanitise_text(text);
    let lines: Vec<&str> = clean.lines().map(str::trim_end).filter(|line| !line.is_empty()).collect();
    let skip = lines.len().saturating_sub(most);
    let shown = lines[skip..].iter().map(|line| cut(&line.replace('\t', "    "), COLUMNS));
    let shown: Vec<String> = (skip > 0).then(|| "…".to_owned()).into_iter().chain(shown).collect();
    shown.join("\n")
}

/// A duration for people; `off` for zero.
#[must_use]
pub fn duration(duration: Duration) -> String {
    if duration.is_zero() { "off".to_owned() } else { humantime::format_duration(duration).to_string() }
}

/// A command about a spec, as a person types it: `seqorch run login --retry`.
#[must_use]
pub fn spec_command(verb: &str, spec: &str, more: &str) -> String {
    let more = if more.is_empty() { String::new() } else { format!(" {more}") };
    format!("seqorch {verb} {}{more}", sanitise_line(&shell_word(spec)))
}

/// The command that prints the log of a unit's last attempt, sanitised.
#[must_use]
pub fn logs_command(spec: &str, unit: &str) -> String {
    command_line(&["seqorch", "logs", "--spec", spec, unit].map(str::to_owned))
}

/// The command that shows what a task changed.
#[must_use]
pub fn diff_command(spec: &str, unit: &str) -> String {
    command_line(&["seqorch", "diff", "--spec", spec, unit].map(str::to_owned))
}

/// A command of the configuration, as a person types it, without what looks like a secret.
#[must_use]
pub fn shown_command(argv: &[String]) -> String {
    command_line(&Redactor::default().redact_argv(argv))
}

/// `1 step`, `2 steps`
#[must_use]
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// `1.2 GB`
#[must_use]
pub fn readable_bytes(count: u64) -> String {
    let (unit, name) = match count {
        0..1_000_000_000 => (1_000_000, "MB"),
        1_000_000_000..1_000_000_000_000 => (1_000_000_000, "GB"),
        _ => (1_000_000_000_000, "TB"),
    };
    let tenths = count.saturating_mul(10) / unit;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escape_sequences_of_every_kind_are_removed() {
        for (raw, clean) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("a\u{1b}]0;title\u{7}b", "ab"),
            ("a\u{1b}]8;;http://x\u{1b}\\b\u{1b}]8;;\u{1b}\\", "ab"),
            ("a\u{9b}2Jb", "ab"),
            ("a\u{9d}52;c;aGk=\u{9c}b", "ab"),
            ("a\u{1b}Pq#0\u{1b}\\b", "ab"),
            ("a\u{1b}(Bb\u{1b}cc\u{1b}=d", "abcd"),
            ("a\u{8}\u{7}\u{0}\u{7f}b", "ab"),
            ("a\u{202e}b\u{2066}c", "abc"),
            ("a\u{1b}]0;x\u{1b}[31mb", "ab"),
            ("a\u{1b}", "a"),
        ] {
            assert_eq!(sanitise_text(raw), clean, "{raw:?}");
        }
    }

    #[test]
    fn an_unfinished_escape_sequence_hides_only_its_line() {
        assert_eq!(sanitise_text("a\u{1b}]0;hidden\nshown"), "a\nshown");
    }

    #[test]
    fn line_ends_become_newlines_or_spaces() {
        assert_eq!(sanitise_text("a\r\nb\rc\u{2028}d\te"), "a\nb\nc\nd\te");
        assert_eq!(sanitise_line("  a\r\n\tb  c "), "a b c");
    }

    #[test]
    fn wide_characters_take_two_columns() {
        assert_eq!(cut("日本語", 6), "日本語");
        assert_eq!(cut("日本語x", 6), "日本…");
        assert_eq!(cut("abc", 0), "");
    }

    #[test]
    fn text_wraps_between_words_and_long_words_break() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("a abcdefghij b", 4), ["a", "abcd", "efgh", "ij b"]);
        assert_eq!(wrap("", 8), [""]);
    }

    #[test]
    fn lines_wrap_between_words_and_commands_stay_whole() {
        let text = "  one two three four five six\nshort\n  Fix it with: seqorch run login --retry\n";
        assert_eq!(
            wrap_lines(text, 24),
            "  one two three four\n    five six\nshort\n  Fix it with: seqorch run login --retry\n"
        );
        assert_eq!(wrap_lines(text, 10), text, "too narrow");
        let coloured = "\u{1b}[1mone\u{1b}[0m two three four five six\n";
        assert_eq!(wrap_lines(coloured, 28), coloured, "27 columns are shown");
        assert_eq!(wrap_lines(coloured, 24), "\u{1b}[1mone\u{1b}[0m two three four\n  five six\n");
        let diagnostic =
            " --> tasks.md:4:7\n4 | - [ ] 1. A long title of a task\n  |       ^ again here, as on line 1\n";
        assert_eq!(wrap_lines(diagnostic, 24), diagnostic);
    }

    #[test]
    fn last_lines_skip_blank_lines_and_show_that_lines_are_missing() {
        assert_eq!(last_lines("a\n\n \n\u{1b}[31mb\u{1b}[0m\n", 2), "a\nb");
        assert_eq!(last_lines("a\nb\nc", 2), "…\nb\nc");
        assert_eq!(width(&last_lines(&"x".repeat(10_000), 2)), 200);
        assert_eq!(last_lines("\n", 2), "");
    }

    proptest! {
        #[test]
        fn no_control_character_is_left(text in any::<String>()) {
            let clean = sanitise_text(&text);
            prop_assert!(clean.chars().all(|c| matches!(c, '\n' | '\t') || !c.is_control()));
            prop_assert_eq!(sanitise_text(&clean), clean.clone());
        }

        #[test]
        fn no_wrapped_line_is_wider_than_asked(text in "[a-z日é ]{0,60}", columns in 2_usize..30) {
            prop_assert!(wrap(&text, columns).iter().all(|line| width(line) <= columns));
            prop_assert!(width(&cut(&text, columns)) <= columns);
        }
    }
}
