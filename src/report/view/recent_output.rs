//! PURE. The last lines of a working agent, and its usage so far.

use std::collections::VecDeque;

use crate::agent::sanitise::Sanitiser;
use crate::agent::{AgentEvent, Usage};
use crate::report::text::sanitise_line;

/// Number of lines that are kept.
const LINES: usize = 80;
/// Longer lines are cut to this many bytes.
const LINE: usize = 2000;

/// The last lines of an agent and its usage, collected from its events in bounded memory.
#[derive(Debug, Default)]
pub struct RecentOutput {
    lines: VecDeque<String>,
    /// Text since the last line end.
    open: String,
    words: Sanitiser,
    /// The folder in which it works: paths are shown relative to it.
    pub root: String,
    /// The model that the agent named.
    pub model: Option<String>,
    /// Tokens and cost so far, if the agent states them.
    pub usage: Option<Usage>,
}

impl RecentOutput {
    /// Adds the next event.
    pub fn take(&mut self, event: &AgentEvent) {
        match event {
            AgentEvent::Text { text, continues } => {
                if !continues {
                    self.end_line();
                    self.words = Sanitiser::default();
                }
                let mut clean = String::new();
                self.words.feed(text.as_bytes(), &mut clean);
                let mut parts = clean.split('\n');
                self.more(parts.next().unwrap_or_default());
                for part in parts {
                    self.end_line();
                    self.more(part);
                }
            }
            AgentEvent::ToolCall { name, target, .. } => {
                self.end_line();
                let target =
                    if self.root.is_empty() { target.clone() } else { target.replace(&self.root, "") };
                self.push(&format!("▸ {name} {target}"));
            }
            AgentEvent::ToolResult { ok: false, head, .. } => {
                self.end_line();
                self.push(&format!("✗ {head}"));
            }
            AgentEvent::Retry { text, .. } => {
                self.end_line();
                self.push(&format!("↻ {text}"));
            }
            AgentEvent::Error { text } => {
                self.end_line();
                self.push(&format!("✗ {text}"));
            }
            AgentEvent::Session { model: Some(model), .. } => self.model = Some(model.clone()),
            AgentEvent::Usage(usage) => self.usage.get_or_insert_default().add(usage),
            _ => {}
        }
    }

    /// Shows a line that has not ended. The events of the next piece have it again.
    pub fn show_open(&mut self, line: String) {
        self.open = line;
    }

    /// Output was skipped: drops the lines before the gap.
    pub fn gap(&mut self) {
        let (root, model) = (std::mem::take(&mut self.root), self.model.take());
        *self = Self { root, model, usage: self.usage, ..Self::default() };
    }

    /// The last lines, oldest first, without escape sequences.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let open = sanitise_line(&self.open);
        let mut all: Vec<String> = self.lines.iter().cloned().collect();
        all.extend(Some(open).filter(|line| is_text(line)));
        all
    }

    fn more(&mut self, part: &str) {
        let room = LINE.saturating_sub(self.open.len());
        let end = part.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|end| *end <= room).last();
        self.open.push_str(&part[..end.unwrap_or(0)]);
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.open);
        self.push(&line);
    }

    fn push(&mut self, line: &str) {
        let line = sanitise_line(line);
        if !is_text(&line) {
            return;
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }
}

/// Whether a line is text for people: signals and rulers are not.
fn is_text(line: &str) -> bool {
    line.contains(char::is_alphanumeric) && !line.starts_with("<promise>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> AgentEvent {
        AgentEvent::Text { text: text.into(), continues: true }
    }

    #[test]
    fn the_last_lines_have_no_escape_sequences_however_text_is_split() {
        let mut output = RecentOutput { root: "/p/x/".into(), ..RecentOutput::default() };
        for piece in ["One.\nTw", "o \u{1b}]0;ev", "il\u{7}.\n\n---\nThree", "\n<promise>TASK_DONE</promise>"]
        {
            output.take(&text(piece));
        }
        assert_eq!(output.lines(), ["One.", "Two .", "Three"]);
        output.take(&AgentEvent::ToolCall {
            name: "Bash".into(),
            target: "cargo\u{1b}[2J test /p/x/a".into(),
            subagent: false,
        });
        assert_eq!(output.lines().last().unwrap(), "▸ Bash cargo test a");
    }

    #[test]
    fn memory_does_not_grow_with_the_output() {
        let mut output = RecentOutput::default();
        for _ in 0..1000 {
            output.take(&text(&"x".repeat(10_000)));
        }
        output.take(&text(&"é\n".repeat(10_000)));
        let lines = output.lines();
        assert!(lines.len() <= LINES + 1 && lines.iter().all(|l| l.len() <= LINE), "{}", lines.len());
    }
}
