//! Plain text: all that is printed is the agent's own.

use super::On;
use crate::agent::event::AgentEvent;

/// Keeps a character that was cut together.
#[derive(Debug, Default)]
pub(super) struct Text {
    part: Vec<u8>,
}

impl Text {
    pub(super) fn feed(&mut self, piece: &[u8], on: On<'_>) {
        let joined;
        let bytes = if self.part.is_empty() {
            piece
        } else {
            self.part.extend_from_slice(piece);
            joined = std::mem::take(&mut self.part);
            &joined
        };
        let whole = cut(bytes);
        self.part = bytes[whole..].to_vec();
        say(&bytes[..whole], on);
    }

    pub(super) fn finish(&mut self, on: On<'_>) {
        say(&std::mem::take(&mut self.part), on);
    }
}

/// Where the bytes end, less a character at their end that is not whole.
fn cut(bytes: &[u8]) -> usize {
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

fn say(bytes: &[u8], on: On<'_>) {
    if !bytes.is_empty() {
        on(AgentEvent::Text { text: String::from_utf8_lossy(bytes).into_owned(), continues: true });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_out_as_it_went_in_whatever_the_cuts() {
        let all = "grüße \u{1F600}\n€".as_bytes();
        let hurt = [all, b"\xff\xe2\x82x\xf0\x9f"].concat();
        for bytes in [all, &hurt] {
            for cut in 0..=bytes.len() {
                let mut out = String::new();
                let mut take = |event| match event {
                    AgentEvent::Text { text, continues: true } => out.push_str(&text),
                    other => panic!("{other:?}"),
                };
                let mut text = Text::default();
                text.feed(&bytes[..cut], &mut take);
                text.feed(&bytes[cut..], &mut take);
                text.finish(&mut take);
                assert_eq!(out, String::from_utf8_lossy(bytes), "cut at {cut}");
            }
        }
    }
}
