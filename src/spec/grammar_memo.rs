//! Remembers what the grammar said about the head of a line. Lines repeat few heads, and pest takes microseconds for each.

use std::collections::HashMap;

use super::grammar::{ListItem, MetadataHead, item, meta};

/// Longest head that is remembered, in bytes.
const KEY_BYTES: usize = 56;
/// A head with its digits as `0`, and its length.
type HeadKey = ([u8; KEY_BYTES], u8);

/// Results of [`item`] by the head of the line. After a finished id the grammar looks at the next character only, and all
/// digits are alike to it, so heads of the same form have the same result. A test compares this with the grammar.
#[derive(Default)]
pub(crate) struct ItemMemo {
    heads: HashMap<HeadKey, Option<u32>>,
    /// The previous head; the next one is often the same.
    last: Option<(HeadKey, Option<u32>)>,
}

impl ItemMemo {
    /// The result of [`item`] as an index into `items`. Lines with the same head share an entry.
    pub(crate) fn item(&mut self, line: &str, items: &mut Vec<ListItem>) -> Option<u32> {
        let mut ask = || {
            let found = item(line)?;
            let index = u32::try_from(items.len()).ok()?;
            items.push(found);
            Some(index)
        };
        match head_key(line) {
            Some(key) => match self.last {
                Some((last, index)) if last == key => index,
                _ => {
                    let index = *self.heads.entry(key).or_insert_with(ask);
                    self.last = Some((key, index));
                    index
                }
            },
            None => ask(),
        }
    }
}

/// The key of a line's head, if the text after the head cannot change what the grammar says.
fn head_key(line: &str) -> Option<HeadKey> {
    let mut key = [0; KEY_BYTES];
    let mut digits = false;
    for (i, &b) in line.as_bytes().iter().enumerate() {
        key[i.min(KEY_BYTES - 1)] = match b {
            b'0'..=b'9' => {
                digits = true;
                b'0'
            }
            b' ' | b'-' | b'*' | b'[' | b']' | b'x' | b'X' | b'~' | b'.' | b')' | b'(' | b':' | b'\\'
            | b'T' | b'P' | b'U' | b'S' => b,
            b'A'..=b'Z' | b'a'..=b'z' | b'`' | 0xE4..=0xE9
                if digits && i > 0 && i < KEY_BYTES && line.as_bytes()[i - 1] == b' ' =>
            {
                return Some((key, u8::try_from(i).ok()?));
            }
            _ => return None,
        };
        if i + 1 >= KEY_BYTES {
            return None;
        }
    }
    None
}

/// Results of [`meta`] by the text up to the colon.
#[derive(Default)]
pub(crate) struct MetadataMemo<'a> {
    heads: HashMap<&'a str, MetadataHead>,
    /// The previous head; the next one is often the same.
    last: Option<(&'a str, MetadataHead)>,
}

impl<'a> MetadataMemo<'a> {
    /// The key and the value of `- _Requirements: 1.1_`.
    pub(crate) fn pair(&mut self, line: &'a str) -> Option<(&'a str, &'a str)> {
        let (key, from) = match line.find([':', '\u{FF1A}']) {
            Some(at) if line.as_bytes()[at] == b':' => {
                let head = &line[..=at];
                match &self.last {
                    Some((last, found)) if *last == head => found.clone()?,
                    _ => {
                        let found = self.heads.entry(head).or_insert_with(|| meta(head)).clone();
                        self.last = Some((head, found.clone()));
                        found?
                    }
                }
            }
            _ => meta(line)?,
        };
        let sign = line.as_bytes()[key.start - 1] as char;
        let value = line[from..].trim_end_matches(['.', ' ', '\t']);
        let value = value.strip_suffix(sign)?;
        let name = line[key].trim();
        (!name.is_empty() && name.chars().count() <= 40).then_some((name, value.trim()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_memo_agrees_with_the_grammar(lines in proptest::collection::vec("[ ]{0,4}(- |\\* |1\\. )?(\\[[ xX~]?\\])?( |\\*|\\\\\\* )?(\\*\\*|Task |\\[)?(T?[0-9]{1,3}(\\.[0-9]){0,2}[a-z]?)?(\\.|:|\\*\\*|\\))?( | — | - |–)?(\\[P\\] )?(\\[US1\\] )?[a-zT x0-9`—–工~]{0,6}", 1..30)) {
            let mut memo = ItemMemo::default();
            let mut items = Vec::new();
            for line in &lines {
                let got = memo.item(line, &mut items).map(|i| items[i as usize].clone());
                prop_assert_eq!(got, item(line), "{}", line);
            }
        }
    }
}
