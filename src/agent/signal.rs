//! Finds the signals in what an agent says, in one pass and bounded memory.
//!
//! A signal counts only alone on its line, outside code fences, and not as part of an echo of the prompt: a line
//! of the prompt that holds a signal is known together with the line above it, and an output line that follows the
//! same line is the echo, not the agent.

use std::collections::{HashSet, VecDeque};

/// The unit is done.
pub const TASK_DONE: &str = "<promise>TASK_DONE</promise>";
/// Everything the agent was asked for is done; for a step it means the same as [`TASK_DONE`].
pub const COMPLETE: &str = "<promise>COMPLETE</promise>";
/// A human is needed.
pub const HALT: &str = "<promise>HALT</promise>";

/// Bytes of one line that are looked at; a longer line can hold no signal alone.
const LINE_CAP: usize = 4096;
/// Bytes of recent text that are kept as the agent's last words.
const RECENT_CAP: usize = 4096;

/// What was found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// TASK_DONE or COMPLETE was said.
    pub done: bool,
    /// HALT was said: the text before it.
    pub halt: Option<String>,
    /// The last lines that were said, signals left out.
    pub last_words: String,
}

/// Reads an agent's text, piece by piece.
#[derive(Debug, Default)]
pub struct SignalScanner {
    line: Vec<u8>,
    overlong: bool,
    fence: Option<(u8, usize)>,
    previous: String,
    echoes: HashSet<(String, String)>,
    recent: VecDeque<String>,
    recent_bytes: usize,
    done: bool,
    halt: Option<String>,
}

impl SignalScanner {
    /// A scanner for the answer to `prompt`; pass an empty one where the prompt cannot come back.
    #[must_use]
    pub fn new(prompt: &str) -> Self {
        let mut echoes = HashSet::new();
        let mut previous = String::new();
        for line in prompt.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if is_signal(line) {
                echoes.insert((previous.clone(), line.to_owned()));
            }
            line.clone_into(&mut previous);
        }
        Self { echoes, ..Self::default() }
    }

    /// Takes the next piece of output; pieces may end anywhere.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while let Some(end) = piece.iter().position(|b| *b == b'\n') {
            self.extend(&piece[..end]);
            self.end_line();
            piece = &piece[end + 1..];
        }
        self.extend(piece);
    }

    /// The end of the output: what was found.
    #[must_use]
    pub fn finish(mut self) -> Found {
        if !self.line.is_empty() {
            self.end_line();
        }
        Found { done: self.done, last_words: self.last_words(), halt: self.halt }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_CAP - self.line.len();
        self.overlong |= bytes.len() > room;
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_line(&mut self) {
        let overlong = std::mem::take(&mut self.overlong);
        let bytes = std::mem::take(&mut self.line);
        let text = String::from_utf8_lossy(&bytes);
        let line = text.trim();
        if !line.is_empty() {
            self.take_line(line, overlong);
            line.clone_into(&mut self.previous);
        }
        self.line = bytes;
        self.line.clear();
    }

    fn take_line(&mut self, line: &str, overlong: bool) {
        if self.cross_fence(line) || self.fence.is_some() || overlong || !is_signal(line) {
            self.remember(line);
            return;
        }
        if self.echoes.contains(&(self.previous.clone(), line.to_owned())) {
            return;
        }
        if line == HALT {
            if self.halt.is_none() {
                self.halt = Some(self.last_words());
            }
        } else {
            self.done = true;
        }
    }

    /// Opens or closes a fence, by CommonMark's rule (same character, at least as long, nothing behind).
    fn cross_fence(&mut self, line: &str) -> bool {
        let Some(mark @ (b'`' | b'~')) = line.bytes().next() else { return false };
        let length = line.bytes().take_while(|b| *b == mark).count();
        if length < 3 {
            return false;
        }
        match self.fence {
            None if mark == b'`' && line[length..].contains('`') => false,
            None => {
                self.fence = Some((mark, length));
                true
            }
            Some((open, at_least)) if open == mark && length >= at_least && line.len() == length => {
                self.fence = None;
                true
            }
            Some(_) => false,
        }
    }

    fn remember(&mut self, line: &str) {
        self.recent_bytes += line.len() + 1;
        self.recent.push_back(line.to_owned());
        while self.recent_bytes > RECENT_CAP && self.recent.len() > 1 {
            if let Some(old) = self.recent.pop_front() {
                self.recent_bytes -= old.len() + 1;
            }
        }
    }

    fn last_words(&self) -> String {
        self.recent.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

fn is_signal(line: &str) -> bool {
    matches!(line, TASK_DONE | COMPLETE | HALT)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(prompt: &str, output: &str) -> Found {
        let mut scanner = SignalScanner::new(prompt);
        // the smallest pieces prove that no cut matters
        for byte in output.as_bytes() {
            scanner.feed(std::slice::from_ref(byte));
        }
        scanner.finish()
    }

    #[test]
    fn a_signal_alone_on_its_line_counts_with_or_without_a_final_newline() {
        assert!(scan("", "did it\n  <promise>TASK_DONE</promise>  \n").done);
        assert!(scan("", "did it\r\n<promise>TASK_DONE</promise>\r\n").done);
        assert!(scan("", "<promise>COMPLETE</promise>").done);
    }

    #[test]
    fn a_signal_inside_a_sentence_does_not_count() {
        assert!(!scan("", "I will print <promise>TASK_DONE</promise> later\n").done);
        assert_eq!(scan("", "`<promise>HALT</promise>`\n").halt, None);
    }

    #[test]
    fn a_signal_inside_a_code_fence_does_not_count() {
        assert!(!scan("", "```sh\n<promise>TASK_DONE</promise>\n```\n").done);
        assert!(!scan("", "~~~~\n```\n<promise>TASK_DONE</promise>\n~~~\n").done);
        assert!(scan("", "```\nx\n```\n<promise>TASK_DONE</promise>\n").done);
    }

    #[test]
    fn halt_keeps_the_text_before_it_as_the_question() {
        let found =
            scan("", "Which database?\nA or B?\n<promise>HALT</promise>\n<promise>TASK_DONE</promise>\n");
        assert_eq!(found.halt.as_deref(), Some("Which database?\nA or B?"));
        assert!(found.done);
    }

    #[test]
    fn an_echo_of_the_prompt_is_not_the_agent() {
        let prompt =
            "Do it.\nWhen done print:\n<promise>TASK_DONE</promise>\nElse:\n<promise>HALT</promise>\n";
        let echoed = scan(prompt, prompt);
        assert_eq!((echoed.done, echoed.halt), (false, None));
        assert!(scan(prompt, &format!("{prompt}\nAll written.\n<promise>TASK_DONE</promise>\n")).done);
    }

    #[test]
    fn a_line_without_end_costs_no_memory_and_is_no_signal() {
        let mut scanner = SignalScanner::new("");
        for _ in 0..1000 {
            scanner.feed(&[b'x'; 100_000]);
        }
        scanner.feed(b"\n<promise>TASK_DONE</promise>\n");
        assert!(scanner.line.capacity() <= 2 * LINE_CAP);
        let found = scanner.finish();
        assert!(found.done && found.last_words.len() <= LINE_CAP + 1);
    }

    #[test]
    fn invalid_utf8_and_nul_bytes_are_read_over() {
        let mut scanner = SignalScanner::new("");
        scanner.feed(b"\xff\xfe\0 junk\n<promise>TASK_DONE</promise>\n");
        assert!(scanner.finish().done);
    }
}
