//! Reads YAML as values with places.

use std::ops::Range;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::placed_value::{DEEPEST, PlacedValue, ValueKind};

/// Stands for a colon in a text that has no quotes: `content: Phase 1: do it` is common and no YAML.
const COLON: char = '\u{E000}';

/// Parses a text whose first byte is at `offset` of its file. An error is the offset of the first byte that does not fit.
pub(crate) fn parse(source: &str, offset: usize) -> Result<PlacedValue, usize> {
    read(source, offset).or_else(|at| {
        let lines: String = source.split_inclusive('\n').map(without_colons).collect();
        let mut value = if lines == source { Err(at) } else { read(&lines, offset).map_err(|_| at) }?;
        with_colons(&mut value);
        // the same places: each sign that stood for a colon is longer than it
        let signs: Vec<usize> = lines.match_indices(COLON).map(|(at, _)| at + offset).collect();
        value.shift(&|at| at - signs.partition_point(|&sign| sign < at) * (COLON.len_utf8() - 1));
        Ok(value)
    })
}

/// A line `key: text: more` with [`COLON`] for what does not separate key and text.
fn without_colons(line: &str) -> String {
    let start = line.len() - line.trim_start_matches([' ', '-']).len();
    let Some(at) = line[start..].find(": ").map(|at| start + at + 2) else { return line.to_owned() };
    let (key, text) = line.split_at(at);
    let is_plain = !text.trim_start().starts_with(['"', '\'', '[', '{', '|', '>', '&', '*', '!', '#']);
    let is_key = key[start..].chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ':' | ' '));
    if !is_plain || !is_key {
        return line.to_owned();
    }
    let body = text.trim_end();
    let inner = body.replace(": ", &format!("{COLON} "));
    let inner = inner.strip_suffix(':').map_or(inner.clone(), |inner| format!("{inner}{COLON}"));
    format!("{key}{inner}{}", &text[body.len()..])
}

fn with_colons(value: &mut PlacedValue) {
    match &mut value.kind {
        ValueKind::Text(text) => *text = text.replace(COLON, ":"),
        ValueKind::Array(all) => all.iter_mut().for_each(with_colons),
        ValueKind::Object(all) => all.iter_mut().for_each(|(_, value)| with_colons(value)),
        _ => {}
    }
}

/// A list or a table that is not closed yet, and the key that waits for its value.
struct OpenValue {
    start: usize,
    kind: ValueKind,
    key: Option<String>,
}

fn read(source: &str, offset: usize) -> Result<PlacedValue, usize> {
    // the parser counts characters
    let mut bytes: Vec<usize> = source.char_indices().map(|(at, _)| at + offset).collect();
    bytes.push(source.len() + offset);
    let place = |at: usize| bytes[at.min(bytes.len() - 1)];
    let range = |span: &Span| place(span.start.index())..place(span.end.index());
    let mut open: Vec<OpenValue> = Vec::new();
    let mut whole = None;
    for event in Parser::new_from_str(source) {
        let (event, span) = event.map_err(|error| place(error.marker().index()))?;
        let span = range(&span);
        let done = match event {
            Event::Scalar(text, style, ..) => {
                let span = inner(source, offset, span, style);
                PlacedValue { kind: scalar(&text, style), span }
            }
            Event::Alias(_) => PlacedValue { kind: ValueKind::Null, span },
            Event::SequenceStart(..) | Event::MappingStart(..) if open.len() > DEEPEST => {
                return Err(span.start);
            }
            Event::SequenceStart(..) => {
                open.push(OpenValue { start: span.start, kind: ValueKind::Array(Vec::new()), key: None });
                continue;
            }
            Event::MappingStart(..) => {
                open.push(OpenValue { start: span.start, kind: ValueKind::Object(Vec::new()), key: None });
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(closed) = open.pop() else { return Err(span.start) };
                PlacedValue { span: closed.start..span.end.max(closed.start), kind: closed.kind }
            }
            _ => continue,
        };
        match open.last_mut() {
            None => whole = whole.or(Some(done)),
            Some(OpenValue { kind: ValueKind::Array(all), .. }) => all.push(done),
            Some(OpenValue { kind: ValueKind::Object(all), key, .. }) => match key.take() {
                Some(key) => all.push((key, done)),
                None => *key = Some(done.id().unwrap_or_default().to_owned()),
            },
            Some(_) => {}
        }
    }
    whole.ok_or(offset)
}

/// The bytes of a scalar without its quotes and what is behind it: the parser counts blanks and comments after some scalars
/// as theirs.
fn inner(source: &str, offset: usize, span: Range<usize>, style: ScalarStyle) -> Range<usize> {
    let text = &source[span.start - offset..span.end - offset];
    let quote = match style {
        ScalarStyle::DoubleQuoted => '"',
        ScalarStyle::SingleQuoted => '\'',
        _ => return span.start..span.start + text.trim_end().len(),
    };
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|&(at, c)| {
        let closes = c == quote && !escaped && !(quote == '\'' && text[at + 1..].starts_with('\''));
        escaped = !escaped && (c == '\\' && quote == '"' || c == quote && !closes);
        closes
    });
    match end {
        Some((end, _)) => span.start + 1..span.start + end,
        None => span.start..span.start + text.trim_end().len(),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> ValueKind {
    match (style, text) {
        (ScalarStyle::Plain, "true" | "True" | "yes") => ValueKind::Bool(true),
        (ScalarStyle::Plain, "false" | "False" | "no") => ValueKind::Bool(false),
        (ScalarStyle::Plain, "" | "~" | "null") => ValueKind::Null,
        _ => ValueKind::Text(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at<'a>(source: &'a str, value: &PlacedValue) -> &'a str {
        &source[value.span.clone()]
    }

    #[test]
    fn values_know_their_bytes() {
        let source = concat!(
            "a: é # ü\nlist:\n  - {id: x, s: \"a b\" , t: [1, 'two']}  # t: 'x'\n",
            "  - {q: 'it''s' , r: \"a \\\" b\" } # \"c\"\n",
            "  - id: y # why\n    c: >-\n      one\n      two\n    s: done   # ok\n",
        );
        let value = parse(source, 0).unwrap();
        assert_eq!(at(source, value.get("a").unwrap()), "é");
        let list = value.get("list").unwrap().list();
        assert_eq!(at(source, list[0].get("s").unwrap()), "a b");
        assert_eq!(at(source, &list[0].get("t").unwrap().list()[1]), "two");
        assert_eq!(at(source, list[1].get("q").unwrap()), "it''s");
        assert_eq!(list[1].get("q").unwrap().text(), Some("it's"));
        assert_eq!(at(source, list[1].get("r").unwrap()), "a \\\" b");
        assert_eq!(list[2].get("c").unwrap().text(), Some("one two"));
        assert_eq!(at(source, list[2].get("s").unwrap()), "done");
        assert_eq!(list[2].get("id").unwrap().text(), Some("y"));
    }

    #[test]
    fn colons_in_a_text_without_quotes_are_text() {
        let source = "é:\n- c: Phase 1: do: it:\n  s: done # x\n- c: b\n  s: a\n";
        let value = parse(source, 0).unwrap();
        let list = value.get("é").unwrap().list();
        assert_eq!(list[0].get("c").unwrap().text(), Some("Phase 1: do: it:"));
        assert_eq!(at(source, list[0].get("c").unwrap()), "Phase 1: do: it:");
        assert_eq!(at(source, list[0].get("s").unwrap()), "done");
        assert_eq!(at(source, list[1].get("s").unwrap()), "a");
        assert_eq!(parse("a: [1,\nb: 2\n", 5).unwrap_err() / 5, 2);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(source in "([-:,#&*!|>'\"%@`{}\\[\\] \na-cé]|: |- ){0,40}", offset in 0usize..9) {
            if let Ok(value) = parse(&source, offset) {
                prop_assert!(value.span.end <= source.len() + offset);
            }
        }
    }
}
