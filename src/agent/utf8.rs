//! Text that is cut between bytes: only whole characters leave.

use std::borrow::Cow;

/// The first `max` bytes of a text, less a character that is cut in half.
#[must_use]
pub fn first_bytes(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The last bytes of a text, at most `max`, without a part of a character.
#[must_use]
pub fn last_bytes(text: &str, max: usize) -> &str {
    let mut from = text.len().saturating_sub(max);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

/// Joins pieces of output that may be cut inside a character.
#[derive(Debug, Default)]
pub(super) struct CharJoiner {
    /// The bytes of a character that the last piece did not complete.
    rest: Vec<u8>,
}

impl CharJoiner {
    /// Adds a piece. Returns all bytes up to the last one that ends a character.
    pub(super) fn join<'a>(&mut self, piece: &'a [u8]) -> Cow<'a, [u8]> {
        if self.rest.is_empty() {
            let (whole, rest) = piece.split_at(whole_chars(piece));
            self.rest = rest.to_vec();
            return Cow::Borrowed(whole);
        }
        let mut bytes = self.finish();
        bytes.extend_from_slice(piece);
        self.rest = bytes.split_off(whole_chars(&bytes));
        Cow::Owned(bytes)
    }

    /// The bytes that never became a character.
    pub(super) fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.rest)
    }
}

/// Length of `bytes` without an incomplete character at the end.
fn whole_chars(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(3);
    let tail = &bytes[from..];
    let begins = |at: &usize| matches!(tail[*at], 0xC2..=0xF4);
    let Some(at) = (0..tail.len()).rev().find(begins) else { return bytes.len() };
    let wanted = match tail[at] {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        _ => 4,
    };
    let follow = tail[at + 1..].iter().all(|b| (0x80..0xC0).contains(b));
    if follow && tail.len() - at < wanted { from + at } else { bytes.len() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_pieces_equal_the_whole_wherever_they_are_cut() {
        let valid = "grüße \u{1F600}\n€".as_bytes();
        let damaged = [valid, b"\xff\xe2\x82x\xf0\x9f"].concat();
        for bytes in [valid, &damaged] {
            for cut in 0..=bytes.len() {
                let mut joiner = CharJoiner::default();
                let mut out = String::new();
                for piece in [&bytes[..cut], &bytes[cut..]] {
                    out.push_str(&String::from_utf8_lossy(&joiner.join(piece)));
                }
                out.push_str(&String::from_utf8_lossy(&joiner.finish()));
                assert_eq!(out, String::from_utf8_lossy(bytes), "cut at {cut}");
            }
        }
    }

    #[test]
    fn first_bytes_never_cut_a_character_in_half() {
        assert_eq!((first_bytes("aü", 2), first_bytes("aü", 3), first_bytes("aü", 9)), ("a", "aü", "aü"));
    }
}
