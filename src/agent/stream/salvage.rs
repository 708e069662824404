//! Finds whole records in a damaged line.
//!
//! A line is damaged if another process wrote to the same pipe, or if a record was cut. A valid record holds no raw
//! line end, so damage never reaches beyond its line. Within the line, a record may begin at any `{"`. It counts only
//! if it is whole and certainly the vendor's: JSON inside a cut record (a tool's input, for example) must not count.

use std::borrow::Cow;

use super::vendor::{EventSink, VendorStream};
use crate::agent::event::{AgentEvent, KEPT};

/// Reads the records in `line` and reports the rest as [`AgentEvent::Stray`].
pub(super) fn salvage<V: VendorStream>(vendor: &mut V, line: &[u8], sink: EventSink<'_>) {
    let text = repair(line);
    let bytes = text.as_bytes();
    // each try may read to the end of the line, so the total work is limited
    let mut effort = 16 * bytes.len() + (1 << 16);
    let (mut reported, mut at) = (0, 0);
    while let Some(start) = text[at..].find("{\"").map(|found| at + found) {
        let mut records = serde_json::Deserializer::from_slice(&bytes[start..]).into_iter::<V::Record<'_>>();
        match records.next() {
            Some(Ok(record)) => {
                at = start + records.byte_offset();
                if (start == 0 && at == bytes.len()) || V::is_certain(&record) {
                    report_stray(&text[reported..start], sink);
                    vendor.take(record, &bytes[start..at], sink);
                    reported = at;
                }
            }
            failed => {
                at = start + 1;
                let read = failed.and_then(Result::err).map_or(0, |e| e.column());
                let Some(left) = effort.checked_sub(read + 1) else { break };
                effort = left;
            }
        }
    }
    report_stray(&text[reported..], sink);
}

/// Reports foreign text as it is, and a piece of a record only by its length.
fn report_stray(text: &str, sink: EventSink<'_>) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let is_piece_of_record =
        text.contains("{\"") || text.contains("\":") || text.contains("\"}") || text.len() > KEPT;
    let (text, verbatim) = if is_piece_of_record {
        (format!("{} bytes could not be read, see the log", text.len()), false)
    } else {
        (text.to_owned(), true)
    };
    sink(AgentEvent::Stray { text, verbatim });
}

/// The line as text that a JSON parser accepts: without control characters, and with U+FFFD for invalid UTF-8 and for
/// half surrogate pairs, which `JavaScript` writes if it cuts a text inside a character.
fn repair(line: &[u8]) -> String {
    let mut text = String::from_utf8_lossy(line);
    if text.contains(|c: char| c < ' ' && c != '\t') {
        text = Cow::Owned(without_controls(&text));
    }
    if !(text.contains("\\ud") || text.contains("\\uD")) {
        return text.into_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = &*text;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let length = match (utf16_unit(rest), rest.get(6..).and_then(utf16_unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            // a backslash and the character that it escapes
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// Removes control characters and terminal control sequences. [`crate::agent::sanitise`] would not do, because it turns
/// characters that a JSON string may hold into line ends.
fn without_controls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
            chars.next_if(|c| ('@'..='~').contains(c));
        } else if c >= ' ' || c == '\t' {
            out.push(c);
        }
    }
    out
}

/// The UTF-16 code unit of a `\uXXXX` at the beginning of `text`.
fn utf16_unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_surrogate_pairs_are_replaced_and_whole_pairs_stay() {
        let line = r#"{"a":"\ud83d\ude00 \ud83d x \\ud83d \uDE00","b":"\n"}"#;
        let value: serde_json::Value = serde_json::from_str(&repair(line.as_bytes())).unwrap();
        assert_eq!(value["a"], "\u{1F600} \u{FFFD} x \\ud83d \u{FFFD}");
    }

    #[test]
    fn control_characters_and_invalid_bytes_do_not_break_a_record() {
        let value: serde_json::Value = serde_json::from_str(&repair(b"{\"a\":\"x\x1b[0m\xff\"}")).unwrap();
        assert_eq!(value["a"], "x\u{FFFD}");
    }
}
