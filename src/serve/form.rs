//! PURE. Reads and writes the encoding of addresses and forms.

use crate::report::web_path::escape;

/// The fields of a form, or of the query of an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FormFields(Vec<(String, String)>);

impl FormFields {
    /// Reads fields. What is not UTF-8 is replaced, and a broken escape stays as it is: nothing is refused here.
    pub(super) fn parse(text: &[u8]) -> Self {
        let pairs = text.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty());
        let field = |pair: &[u8]| {
            let at = pair.iter().position(|byte| *byte == b'=');
            let (name, value) = at.map_or((pair, &[][..]), |at| (&pair[..at], &pair[at + 1..]));
            let plain = |part: &[u8]| {
                let spaced: Vec<u8> =
                    part.iter().map(|byte| if *byte == b'+' { b' ' } else { *byte }).collect();
                String::from_utf8_lossy(&unescape(&spaced)).into_owned()
            };
            (plain(name), plain(value))
        };
        Self(pairs.map(field).collect())
    }

    /// The first value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The fields but those of this name, encoded; empty if there are none.
    pub(super) fn encoded_without(&self, name: &str) -> String {
        let others = self.0.iter().filter(|(known, _)| known != name);
        others
            .map(|(name, value)| format!("{}={}", escape(name), escape(value)))
            .collect::<Vec<_>>()
            .join("&")
    }
}

/// A part of a path as text; `None` where it is not UTF-8.
pub(super) fn path_part(part: &str) -> Option<String> {
    String::from_utf8(unescape(part.as_bytes())).ok()
}

fn unescape(bytes: &[u8]) -> Vec<u8> {
    let digit =
        |byte: Option<&u8>| char::from(*byte?).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let pair = digit(bytes.get(at + 1)).zip(digit(bytes.get(at + 2))).filter(|_| bytes[at] == b'%');
        if let Some((high, low)) = pair {
            out.push(high * 16 + low);
            at += 3;
        } else {
            out.push(bytes[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_as_browsers_write_them() {
        let form = FormFields::parse(b"text=a+b%26c%0D%0A%C3%A4&empty=&broken=%zz%4&x");
        assert_eq!(form.get("text"), Some("a b&c\r\n\u{e4}"));
        assert_eq!(
            (form.get("empty"), form.get("broken"), form.get("x")),
            (Some(""), Some("%zz%4"), Some(""))
        );
        assert_eq!(form.get("none"), None);
        assert_eq!(FormFields::parse(b"t=1&a=b%20c&t=2").encoded_without("t"), "a=b%20c");
    }

    #[test]
    fn odd_names_survive_an_address() {
        for name in ["a/b", "1.1", "<b>&\"'", "\u{fc}\u{1f600} x", "..", "%41", "a?b#c"] {
            let encoded = escape(name);
            assert!(
                encoded.is_ascii() && !encoded.contains(['/', '?', '#', '&', '<', '"', '\'']),
                "{encoded}"
            );
            assert_eq!(path_part(&encoded).as_deref(), Some(name));
        }
        assert_eq!(path_part("%ff"), None);
    }
}
