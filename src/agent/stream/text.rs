//! Plain text: all that a terminal would show is the agent's own.

use super::vendor::EventSink;
use crate::agent::event::AgentEvent;
use crate::agent::shown::ShownText;

/// Reads plain text as a terminal shows it.
#[derive(Debug, Default)]
pub(super) struct PlainText {
    shown: ShownText,
}

impl PlainText {
    /// Reads text that matters only at its end.
    pub(super) fn patient() -> Self {
        Self { shown: ShownText::whole() }
    }

    pub(super) fn open_line(&self) -> String {
        self.shown.open_line()
    }

    pub(super) fn feed(&mut self, piece: &[u8], sink: EventSink<'_>) {
        let mut text = String::new();
        self.shown.feed(piece, &mut text);
        emit(text, sink);
    }

    pub(super) fn finish(&mut self, sink: EventSink<'_>) {
        let mut text = String::new();
        self.shown.finish(&mut text);
        emit(text, sink);
    }
}

fn emit(text: String, sink: EventSink<'_>) {
    if !text.is_empty() {
        sink(AgentEvent::Text { text, continues: true });
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
