//! Plain text: every byte is the agent's own.

use super::vendor::EventSink;
use crate::agent::event::AgentEvent;
use crate::agent::utf8::CharJoiner;

/// Reads plain text and never cuts a character in half.
#[derive(Debug, Default)]
pub(super) struct PlainText {
    joiner: CharJoiner,
}

impl PlainText {
    pub(super) fn feed(&mut self, piece: &[u8], sink: EventSink<'_>) {
        emit(&self.joiner.join(piece), sink);
    }

    pub(super) fn finish(&mut self, sink: EventSink<'_>) {
        emit(&self.joiner.finish(), sink);
    }
}

fn emit(bytes: &[u8], sink: EventSink<'_>) {
    if !bytes.is_empty() {
        sink(AgentEvent::Text { text: String::from_utf8_lossy(bytes).into_owned(), continues: true });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_arrives_unchanged_wherever_it_is_cut() {
        let all = "grüße \u{1F600}\n€".as_bytes();
        for cut in 0..=all.len() {
            let mut out = String::new();
            let mut sink = |event| match event {
                AgentEvent::Text { text, continues: true } => out.push_str(&text),
                other => panic!("{other:?}"),
            };
            let mut text = PlainText::default();
            text.feed(&all[..cut], &mut sink);
            text.feed(&all[cut..], &mut sink);
            text.finish(&mut sink);
            assert_eq!(out.as_bytes(), all, "cut at {cut}");
        }
    }
}
