//! What is still to be had of a line that is not one whole record.
//!
//! Lines come damaged when something else writes to the same pipe, or when a record was cut. A valid record holds no
//! raw line end, so the damage never reaches beyond its line; within it, records are looked for at every place where
//! one could begin, and taken where they are whole and surely the vendor's: what stands inside a record that was cut
//! (the input of a tool, say) must not pass for one.

use std::borrow::Cow;

use super::{On, Vendor};
use crate::agent::event::AgentEvent;

/// Reads what is readable of `line`, and tells of the rest.
pub(super) fn salvage<V: Vendor>(vendor: &mut V, line: &[u8], on: On<'_>) {
    let text = mend(line);
    let bytes = text.as_bytes();
    // every try may read on to the end of the line, so their number must not grow with it
    let mut effort = 16 * bytes.len() + (1 << 16);
    let (mut told, mut at) = (0, 0);
    while let Some(start) = text[at..].find("{\"").map(|found| at + found) {
        let mut records = serde_json::Deserializer::from_slice(&bytes[start..]).into_iter::<V::Record<'_>>();
        match records.next() {
            Some(Ok(record)) => {
                at = start + records.byte_offset();
                if (start == 0 && at == bytes.len()) || V::sure(&record) {
                    tell(&text[told..start], on);
                    vendor.take(record, &bytes[start..at], on);
                    told = at;
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
    tell(&text[told..], on);
}

/// Words of somebody else are passed on, pieces of a record are not.
fn tell(text: &str, on: On<'_>) {
    let text = text.trim();
    if text.is_empty() {
        return;
    }
    let of_a_record =
        text.contains("{\"") || text.contains("\":") || text.contains("\"}") || text.len() > 4096;
    let (text, line) = if of_a_record {
        (format!("{} bytes could not be read, see the log", text.len()), false)
    } else {
        (text.to_owned(), true)
    };
    on(AgentEvent::Stray { text, line });
}

/// The line as valid text: without control characters, which JSON has none of, and with U+FFFD for invalid UTF-8
/// and for halves of surrogate pairs, which `JavaScript` writes where it cuts a text inside a character.
fn mend(line: &[u8]) -> String {
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
        let length = match (unit(rest), rest.get(6..).and_then(unit)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => 12,
            (Some(0xD800..=0xDFFF), _) => {
                out.push_str("\\ufffd");
                rest = &rest[6..];
                continue;
            }
            // a backslash and what it escapes
            _ => 1 + rest[1..].chars().next().map_or(0, char::len_utf8),
        };
        out.push_str(&rest[..length]);
        rest = &rest[length..];
    }
    out.push_str(rest);
    out
}

/// Without control characters and the control sequences of terminals; not by [`crate::agent::sanitise`], which makes
/// line ends of what JSON may hold in a string.
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

/// The UTF-16 unit of a `\uXXXX` at the beginning.
fn unit(text: &str) -> Option<u16> {
    let digits = text.strip_prefix("\\u")?.get(..4)?;
    digits.bytes().all(|b| b.is_ascii_hexdigit()).then(|| u16::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_of_surrogate_pairs_are_mended_and_whole_pairs_stay() {
        let line = r#"{"a":"\ud83d\ude00 \ud83d x \\ud83d \uDE00","b":"\n"}"#;
        let value: serde_json::Value = serde_json::from_str(&mend(line.as_bytes())).unwrap();
        assert_eq!(value["a"], "\u{1F600} \u{FFFD} x \\ud83d \u{FFFD}");
    }

    #[test]
    fn raw_control_characters_and_invalid_bytes_do_not_make_a_record_unreadable() {
        let value: serde_json::Value = serde_json::from_str(&mend(b"{\"a\":\"x\x1b[0m\xff\"}")).unwrap();
        assert_eq!(value["a"], "x\u{FFFD}");
    }
}
