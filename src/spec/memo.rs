//! What the grammar said of the head of a line, remembered: lines repeat few heads, and asking pest costs microseconds.

use std::collections::HashMap;

use super::grammar::{Item, MetaHead, item, meta};

const KEY: usize = 56;
type Key = ([u8; KEY], u8);

/// Remembers what the grammar said of the head of a line. Task lines repeat few heads: the grammar looks at nothing
/// behind a finished id but the next character, and takes all digits alike, so a head of the same form gives the same
/// answer. A test holds this against the grammar itself.
#[derive(Default)]
pub(crate) struct Memo {
    heads: HashMap<Key, Option<u32>>,
    /// The head before this one, which is often the same.
    last: Option<(Key, Option<u32>)>,
}

impl Memo {
    /// The same as the function [`item`], as an index into `items`, where lines of the same head share an entry.
    pub(crate) fn item(&mut self, line: &str, items: &mut Vec<Item>) -> Option<u32> {
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

/// The head of a line with all digits as `0`, if the text after it cannot change what the grammar says of it.
fn head_key(line: &str) -> Option<Key> {
    let mut key = [0; KEY];
    let mut digits = false;
    for (i, &b) in line.as_bytes().iter().enumerate() {
        key[i.min(KEY - 1)] = match b {
            b'0'..=b'9' => {
                digits = true;
                b'0'
            }
            b' ' | b'-' | b'*' | b'[' | b']' | b'x' | b'X' | b'~' | b'.' | b')' | b'(' | b':' | b'\\'
            | b'T' | b'P' | b'U' | b'S' => b,
            b'A'..=b'Z' | b'a'..=b'z' | b'`' | 0xE4..=0xE9
                if digits && i > 0 && i < KEY && line.as_bytes()[i - 1] == b' ' =>
            {
                return Some((key, u8::try_from(i).ok()?));
            }
            _ => return None,
        };
        if i + 1 >= KEY {
            return None;
        }
    }
    None
}

/// Remembers the heads of italic pairs, which repeat even more.
#[derive(Default)]
pub(crate) struct MetaMemo<'a> {
    heads: HashMap<&'a str, MetaHead>,
    /// The head before this one, which is often the same.
    last: Option<(&'a str, MetaHead)>,
}

impl<'a> MetaMemo<'a> {
    /// Key and value of `- _Requirements: 1.1_`.
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
        fn the_memo_says_what_the_grammar_says(lines in proptest::collection::vec("[ ]{0,4}(- |\\* |1\\. )?(\\[[ xX~]?\\])?( |\\*|\\\\\\* )?(\\*\\*|Task |\\[)?(T?[0-9]{1,3}(\\.[0-9]){0,2}[a-z]?)?(\\.|:|\\*\\*|\\))?( | — | - |–)?(\\[P\\] )?(\\[US1\\] )?[a-zT x0-9`—–工~]{0,6}", 1..30)) {
            let mut memo = Memo::default();
            let mut items = Vec::new();
            for line in &lines {
                let got = memo.item(line, &mut items).map(|i| items[i as usize].clone());
                prop_assert_eq!(got, item(line), "{}", line);
            }
        }
    }
}
