//! Reads JSON as values with places.

use super::placed_value::{DEEPEST, PlacedValue, ValueKind};

/// Parses a whole text. An error is the offset of the first byte that does not fit.
pub(crate) fn parse(source: &str) -> Result<PlacedValue, usize> {
    let mut reader = JsonReader { source, at: if source.starts_with('\u{FEFF}') { 3 } else { 0 } };
    let value = reader.value(0)?;
    reader.blanks();
    if reader.at < source.len() { Err(reader.at) } else { Ok(value) }
}

struct JsonReader<'a> {
    source: &'a str,
    at: usize,
}

impl JsonReader<'_> {
    fn peek(&self) -> Option<u8> {
        self.source.as_bytes().get(self.at).copied()
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn sign(&mut self, sign: u8) -> Result<(), usize> {
        self.blanks();
        if self.peek() == Some(sign) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.at)
        }
    }

    /// Whether another entry follows; reads the comma or the closing sign.
    fn more(&mut self, close: u8) -> Result<bool, usize> {
        self.blanks();
        let found = self.peek().filter(|b| *b == b',' || *b == close).ok_or(self.at)?;
        self.at += 1;
        Ok(found == b',')
    }

    fn value(&mut self, depth: usize) -> Result<PlacedValue, usize> {
        self.blanks();
        let start = self.at;
        if depth > DEEPEST {
            return Err(start);
        }
        let kind = match self.peek().ok_or(start)? {
            b'{' => ValueKind::Object(self.object(depth)?),
            b'[' => ValueKind::Array(self.array(depth)?),
            b'"' => ValueKind::Text(self.string()?),
            b't' => self.word("true", ValueKind::Bool(true))?,
            b'f' => self.word("false", ValueKind::Bool(false))?,
            b'n' => self.word("null", ValueKind::Null)?,
            b'-' | b'0'..=b'9' => {
                let len = self.source[start..]
                    .bytes()
                    .take_while(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E'))
                    .count();
                self.at += len;
                ValueKind::Number(self.source[start..self.at].to_owned())
            }
            _ => return Err(start),
        };
        Ok(PlacedValue { span: start..self.at, kind })
    }

    fn word(&mut self, word: &str, kind: ValueKind) -> Result<ValueKind, usize> {
        if self.source[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(kind)
        } else {
            Err(self.at)
        }
    }

    fn object(&mut self, depth: usize) -> Result<Vec<(String, PlacedValue)>, usize> {
        let mut all = Vec::new();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(all);
        }
        loop {
            self.blanks();
            if self.peek() != Some(b'"') {
                return Err(self.at);
            }
            let key = self.string()?;
            self.sign(b':')?;
            all.push((key, self.value(depth + 1)?));
            if !self.more(b'}')? {
                return Ok(all);
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Vec<PlacedValue>, usize> {
        let mut all = Vec::new();
        self.at += 1;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(all);
        }
        loop {
            all.push(self.value(depth + 1)?);
            if !self.more(b']')? {
                return Ok(all);
            }
        }
    }

    fn string(&mut self) -> Result<String, usize> {
        let mut out = String::new();
        self.at += 1;
        loop {
            let rest = &self.source[self.at..];
            let plain = rest.find(['"', '\\', '\n']).ok_or(self.source.len())?;
            out.push_str(&rest[..plain]);
            self.at += plain;
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => self.escape(&mut out)?,
                _ => return Err(self.at),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), usize> {
        let start = self.at;
        let sign = *self.source.as_bytes().get(start + 1).ok_or(start)?;
        self.at += 2;
        out.push(match sign {
            b'n' => '\n',
            b't' => '\t',
            b'r' => '\r',
            b'b' => '\u{8}',
            b'f' => '\u{C}',
            b'"' | b'\\' | b'/' => char::from(sign),
            b'u' => self.unicode(start)?,
            _ => return Err(start),
        });
        Ok(())
    }

    /// The four digits after `\u`, and the second half of a pair.
    fn unicode(&mut self, start: usize) -> Result<char, usize> {
        let mut digits = || {
            let text = self.source.get(self.at..self.at + 4).ok_or(start)?;
            self.at += 4;
            u32::from_str_radix(text, 16).map_err(|_| start)
        };
        let first = digits()?;
        let code = if (0xD800..0xDC00).contains(&first) && self.source[self.at..].starts_with("\\u") {
            self.at += 2;
            let text = self.source.get(self.at..self.at + 4).ok_or(start)?;
            self.at += 4;
            let second = u32::from_str_radix(text, 16).map_err(|_| start)?;
            0x10000 + ((first - 0xD800) << 10) + second.wrapping_sub(0xDC00).min(0x3FF)
        } else {
            first
        };
        Ok(char::from_u32(code).unwrap_or('\u{FFFD}'))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The same value for the other parser.
    fn plain(value: &PlacedValue) -> serde_json::Value {
        match &value.kind {
            ValueKind::Object(all) => all.iter().map(|(key, value)| (key.clone(), plain(value))).collect(),
            ValueKind::Array(all) => all.iter().map(plain).collect(),
            ValueKind::Text(text) => text.clone().into(),
            ValueKind::Number(text) => serde_json::from_str(text).unwrap_or_default(),
            ValueKind::Bool(value) => (*value).into(),
            ValueKind::Null => serde_json::Value::Null,
        }
    }

    #[test]
    fn values_know_their_bytes() {
        let source = "\u{FEFF}{ \"a\": [1, \"ä\\u00e9\\n\\ud83d\\ude00\", {\"b\": false}] }\n";
        let value = parse(source).unwrap();
        let list = value.get("a").unwrap().list();
        assert_eq!(list[1].text(), Some("äé\n😀"));
        assert_eq!(&source[list[2].get("b").unwrap().span.clone()], "false");
        assert_eq!(parse("{\"a\": }"), Err(6));
        assert_eq!(parse(&"[".repeat(100_000)), Err(DEEPEST + 1));
    }

    proptest! {
        #[test]
        fn it_agrees_with_serde(source in "([\\[\\]{}:, ]|\"a\"|\"\\\\\\\\n\"|1|-2\\.5|true|false|null){0,14}") {
            let other: Result<serde_json::Value, _> = serde_json::from_str(&source);
            if let Ok(expected) = other {
                prop_assert_eq!(parse(&source).map(|value| plain(&value)), Ok(expected));
            }
        }

        #[test]
        fn any_text_is_read_or_refused(source in "\\PC{0,60}") {
            let _ = parse(&source);
        }
    }
}
