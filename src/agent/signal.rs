//! Finds the signals in an agent's words, in one pass and bounded memory.
//!
//! A signal counts only if it is alone on its line (emphasis, a heading's mark and the border of a box do not matter),
//! outside code fences, and not an echo of the prompt; and a signal that work is done only as the last words: what the
//! agent says after it takes it back. The scanner remembers each signal of the prompt together with the line above it.
//! The same pair of lines in the output is the echo.

use std::collections::{HashSet, VecDeque};

use super::question;

/// The unit is done.
pub const TASK_DONE: &str = "<promise>TASK_DONE</promise>";
/// All work is done. For a step it means the same as [`TASK_DONE`].
pub const COMPLETE: &str = "<promise>COMPLETE</promise>";
/// The agent cannot continue without a person.
pub const HALT: &str = "<promise>HALT</promise>";

/// A review finds nothing that must change.
pub const APPROVED: &str = "<promise>APPROVED</promise>";
/// A review finds what must change.
pub const CHANGES: &str = "<promise>CHANGES</promise>";

/// Bytes of a line that are read. A longer line cannot be a signal alone.
const LINE_CAP: usize = 4096;
/// Bytes kept of the agent's last lines.
const RECENT_CAP: usize = 4096;
/// Paragraphs whose beginning is kept.
const PARAGRAPHS: usize = 64;

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SignalScan {
    /// The agent printed `TASK_DONE` or `COMPLETE`.
    pub done: bool,
    /// The text before the first HALT, if the agent printed one.
    pub halt: Option<String>,
    /// The agent's last lines, without signals.
    pub last_words: String,
    /// What a reviewer says in its last message: whether it approves. Where it says both, it does not.
    pub approves: Option<bool>,
}

/// Scans an agent's text, piece by piece.
#[derive(Debug, Default)]
pub struct SignalScanner {
    /// The beginning of a line that has not ended yet.
    part: Vec<u8>,
    overlong: bool,
    fence: Option<(u8, usize)>,
    /// The last lines without signals, at most eight times [`RECENT_CAP`] bytes.
    recent: Vec<u8>,
    /// Where in `recent` the current block of text begins.
    block: usize,
    /// Where in `recent` the last paragraphs begin.
    paragraphs: VecDeque<usize>,
    after_blank: bool,
    /// Whether all output is one block, so that a question is only its last message.
    one_block: bool,
    /// Whether HALT came before this step began.
    halted_before: bool,
    /// The last line, if it was a signal and so is not in `recent`.
    previous_signal: Option<&'static str>,
    /// Whether the program may print lines of its own below the agent's words.
    has_footer: bool,
    echoes: HashSet<(Vec<u8>, &'static str)>,
    done: bool,
    halt: Option<String>,
    approves: Option<bool>,
}

impl SignalScanner {
    /// A scanner for the answer to `prompt`. Pass an empty prompt if the output cannot echo it.
    #[must_use]
    pub fn new(prompt: &str) -> Self {
        let mut echoes = HashSet::new();
        let mut previous = "";
        for line in prompt.lines().map(str::trim).filter(|l| !l.is_empty()) {
            if let Some(signal) = signal(line.as_bytes()) {
                echoes.insert((cap(previous.as_bytes()).to_vec(), signal));
            }
            previous = line;
        }
        Self { echoes, ..Self::default() }
    }

    /// A scanner of plain text, in which the agent's last message is not marked.
    #[must_use]
    pub fn plain(prompt: &str) -> Self {
        Self { one_block: true, ..Self::new(prompt) }
    }

    /// The same for text that ends with lines of the program itself, such as how many tokens it used.
    #[must_use]
    pub fn with_footer(self) -> Self {
        Self { has_footer: true, ..self }
    }

    /// Takes the next piece of output, which may end anywhere.
    pub fn feed(&mut self, mut piece: &[u8]) {
        while let Some(end) = newline(piece) {
            if self.part.is_empty() {
                self.take_line(&piece[..end.min(LINE_CAP)], end > LINE_CAP);
            } else {
                self.extend(&piece[..end]);
                self.end_part();
            }
            piece = &piece[end + 1..];
        }
        self.extend(piece);
    }

    /// Ends a block of text: the next text begins a new line, outside any fence that this block left open.
    pub fn end_block(&mut self) {
        self.end_part();
        self.fence = None;
        self.block = self.recent.len();
    }

    /// Begins a step: an earlier `TASK_DONE` was not the final message. HALT stays, since it asks for a person.
    pub fn begin_step(&mut self) {
        self.end_block();
        self.done = false;
        self.approves = None;
        self.halted_before = self.halt.is_some();
    }

    /// Discards the text since the step began, because it was not an answer.
    pub fn discard_step(&mut self) {
        self.end_block();
        self.done = false;
        self.approves = None;
        if !self.halted_before {
            self.halt = None;
        }
    }

    /// Ends the output and returns what the scan found.
    #[must_use]
    pub fn finish(mut self) -> SignalScan {
        self.end_part();
        let last_words = self.last_words();
        SignalScan { done: self.done, last_words, halt: self.halt, approves: self.approves }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let room = LINE_CAP - self.part.len();
        self.overlong |= bytes.len() > room;
        self.part.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn end_part(&mut self) {
        let overlong = std::mem::take(&mut self.overlong);
        let mut part = std::mem::take(&mut self.part);
        self.take_line(&part, overlong);
        part.clear();
        self.part = part;
    }

    fn take_line(&mut self, line: &[u8], overlong: bool) {
        let line = line.trim_ascii();
        if line.is_empty() {
            self.after_blank = true;
            return;
        }
        let crossed = self.cross_fence(line);
        let signal = if crossed || overlong || self.fence.is_some() { None } else { signal(line) };
        let Some(signal) = signal else {
            self.remember(line);
            return;
        };
        let echoed = self.is_echo(signal);
        self.previous_signal = Some(signal);
        if echoed {
            return;
        }
        if signal == HALT {
            if self.halt.is_none() {
                self.halt = Some(self.question());
            }
        } else if signal == APPROVED || signal == CHANGES {
            self.approves = Some(signal == APPROVED && self.approves != Some(false));
        } else {
            self.done = true;
        }
    }

    /// Whether the prompt has this signal below the line that the output had last.
    fn is_echo(&self, signal: &'static str) -> bool {
        if self.echoes.is_empty() {
            return false;
        }
        let previous = match self.previous_signal {
            Some(signal) => signal.as_bytes(),
            None => self.recent.rsplit(|b| *b == b'\n').nth(1).unwrap_or_default(),
        };
        self.echoes.iter().any(|(line, s)| *s == signal && line == previous)
    }

    /// Opens or closes a fence by `CommonMark`'s rule: same character, at least as long, nothing behind it.
    fn cross_fence(&mut self, line: &[u8]) -> bool {
        let Some(mark @ (b'`' | b'~')) = line.first().copied() else { return false };
        let length = line.iter().take_while(|b| **b == mark).count();
        if length < 3 {
            return false;
        }
        match self.fence {
            None if mark == b'`' && line[length..].contains(&b'`') => false,
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

    fn remember(&mut self, line: &[u8]) {
        self.previous_signal = None;
        if std::mem::take(&mut self.after_blank) {
            self.paragraphs.push_back(self.recent.len());
            if self.paragraphs.len() > PARAGRAPHS {
                self.paragraphs.pop_front();
            }
        }
        if self.done && says_something(line) && !(self.has_footer && is_footer(line)) {
            self.done = false;
        }
        self.recent.extend_from_slice(line);
        self.recent.push(b'\n');
        // rarely, so that dropping old lines costs little
        if self.recent.len() > 8 * RECENT_CAP {
            let old = self.recent.len() - RECENT_CAP - LINE_CAP;
            self.recent.drain(..old);
            self.block = self.block.saturating_sub(old);
            self.paragraphs = self.paragraphs.iter().filter_map(|at| at.checked_sub(old)).collect();
        }
    }

    /// The text of this block, or the last lines before it if the block is empty.
    fn question(&self) -> String {
        if self.one_block {
            return question::last_message(&self.last_paragraphs());
        }
        let said = self.last_words();
        let block = String::from_utf8_lossy(&self.recent[self.block..]);
        let block = block.trim_end();
        if !block.is_empty() && block.len() < said.len() { block.to_owned() } else { said }
    }

    /// The last paragraphs, oldest first.
    fn last_paragraphs(&self) -> Vec<String> {
        let begins = self.recent.len().saturating_sub(RECENT_CAP);
        let begins =
            if begins == 0 { 0 } else { begins + newline(&self.recent[begins..]).map_or(0, |at| at + 1) };
        let mut ends: Vec<usize> = self.paragraphs.iter().copied().filter(|at| *at > begins).collect();
        ends.push(self.recent.len());
        let mut from = begins;
        let cut = ends.into_iter().map(|end| {
            let text = String::from_utf8_lossy(&self.recent[from..end]).trim_end().to_owned();
            from = end;
            text
        });
        cut.filter(|text| !text.is_empty()).collect()
    }

    fn last_words(&self) -> String {
        let mut start = self.recent.len().saturating_sub(RECENT_CAP);
        if start > 0 {
            // no half lines, unless there is only one
            let rest = &self.recent[start..self.recent.len() - 1];
            start += newline(rest).map_or(0, |end| end + 1);
        }
        String::from_utf8_lossy(&self.recent[start..]).trim_end().to_owned()
    }
}

/// Whether a line has words, and not only marks or numbers.
fn says_something(line: &[u8]) -> bool {
    String::from_utf8_lossy(line).chars().any(|c| c.is_alphabetic() || c > '\u{2fff}' && !c.is_control())
}

/// Whether a program prints such a line when it ends: `Tokens used: 1,234`, `Total cost: $0.02`, `Applied edit to a.rs`, or the
/// name of a file that it wrote.
fn is_footer(line: &[u8]) -> bool {
    const BEGINNINGS: [&str; 10] = [
        "applied edit to ",
        "tokens",
        "token usage",
        "total tokens",
        "total cost",
        "total time",
        "total duration",
        "cost:",
        "usage:",
        "session id:",
    ];
    let line = String::from_utf8_lossy(cap(line)).to_lowercase();
    let line = line.trim_start_matches(|c: char| !c.is_alphanumeric());
    line.len() <= 160 && (BEGINNINGS.iter().any(|beginning| line.starts_with(beginning)) || is_path(line))
}

/// Whether a line is nothing but the name of a file: `src/main.rs`. A word with a full stop is none.
fn is_path(line: &str) -> bool {
    let inner = line.char_indices().any(|(at, c)| {
        matches!(c, '.' | '/') && line[at + 1..].starts_with(|c: char| c.is_ascii_alphanumeric())
    });
    inner && !line.contains(char::is_whitespace)
}

fn newline(bytes: &[u8]) -> Option<usize> {
    memchr::memchr(b'\n', bytes)
}

fn cap(line: &[u8]) -> &[u8] {
    &line[..line.len().min(LINE_CAP)]
}

/// The signal that the line consists of.
fn signal(line: &[u8]) -> Option<&'static str> {
    let find = |line: &[u8]| {
        [TASK_DONE, COMPLETE, HALT, APPROVED, CHANGES].into_iter().find(|s| s.as_bytes() == line)
    };
    // most lines are far from one
    if !line.ends_with(b">") && !line.windows(10).any(|part| part == b"</promise>") {
        return None;
    }
    find(line).or_else(|| find(undecorated(std::str::from_utf8(line).ok()?).as_bytes()))
}

/// The line without what a terminal or Markdown puts around text: the border of a box, the mark of a speaker, of a
/// heading, of emphasis. The mark of a list stays, because a list of signals only names them.
fn undecorated(line: &str) -> &str {
    let around = |c: char| {
        c.is_whitespace()
            || matches!(c, '\u{200b}' | '\u{2060}' | '\u{feff}' | '│' | '┃' | '║' | '▌' | '▐' | '▎')
    };
    let mut line = line.trim_matches(around);
    for speaker in ["●", "⏺"] {
        line = line.strip_prefix(speaker).map_or(line, str::trim_start);
    }
    let heading = line.trim_start_matches('#');
    if heading.len() < line.len() && heading.starts_with(' ') {
        line = heading.trim_end_matches('#').trim();
    }
    let emphasis = ["**", "__", "*", "_"];
    while let Some(inner) = emphasis.iter().find_map(|mark| line.strip_prefix(mark)?.strip_suffix(mark)) {
        line = inner;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(prompt: &str, output: &str) -> SignalScan {
        let mut scanner = SignalScanner::new(prompt);
        // one byte at a time, so that every cut is tried
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
    fn what_stands_around_a_signal_for_its_looks_does_not_hide_it() {
        for line in [
            "**<promise>TASK_DONE</promise>**",
            "***<promise>TASK_DONE</promise>***",
            "__<promise>TASK_DONE</promise>__",
            "## <promise>TASK_DONE</promise>",
            "# **<promise>TASK_DONE</promise>** #",
            "│ <promise>TASK_DONE</promise>      │",
            "┃ <promise>TASK_DONE</promise>",
            "● <promise>TASK_DONE</promise>",
            "\u{feff}<promise>TASK_DONE</promise>\u{a0}",
        ] {
            assert!(scan("", line).done, "{line}");
        }
        for line in [
            "* <promise>TASK_DONE</promise>",
            "- <promise>TASK_DONE</promise>",
            "• <promise>TASK_DONE</promise>",
            "> <promise>TASK_DONE</promise>",
            "| <promise>TASK_DONE</promise> |",
            "**Signal:** <promise>TASK_DONE</promise>",
            "#<promise>TASK_DONE</promise>",
        ] {
            assert!(!scan("", line).done, "{line}");
        }
    }

    #[test]
    fn the_question_in_plain_text_is_the_last_message() {
        let ask = |output: &str| {
            let mut scanner = SignalScanner::plain("");
            scanner.feed(output.as_bytes());
            scanner.finish().halt.unwrap()
        };
        let log: Vec<String> = (0..200).map(|n| format!("reading file {n}")).collect();
        let log = log.join("\n");
        let asked = ask(&format!("{log}\n\nWhich database?\nA or B?\n\n<promise>HALT</promise>\n"));
        assert_eq!(asked, "Which database?\nA or B?");
        assert_eq!(ask("<promise>HALT</promise>\n"), "");
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
    fn the_text_before_halt_is_the_question() {
        let found =
            scan("", "Which database?\nA or B?\n<promise>HALT</promise>\n<promise>TASK_DONE</promise>\n");
        assert_eq!(found.halt.as_deref(), Some("Which database?\nA or B?"));
        assert!(found.done);
    }

    #[test]
    fn a_signal_in_an_echo_of_the_prompt_does_not_count() {
        let prompt =
            "Do it.\nWhen done print:\n<promise>TASK_DONE</promise>\nElse:\n<promise>HALT</promise>\n";
        let echoed = scan(prompt, prompt);
        assert_eq!((echoed.done, echoed.halt), (false, None));
        assert!(scan(prompt, &format!("{prompt}\nAll written.\n<promise>TASK_DONE</promise>\n")).done);
    }

    #[test]
    fn done_counts_only_in_the_last_step_and_halt_in_any_step() {
        let mut scanner = SignalScanner::new("");
        scanner.feed(b"My plan: at the end I print\n<promise>TASK_DONE</promise>");
        scanner.begin_step();
        scanner.feed(b"Which one?\n<promise>HALT</promise>");
        scanner.begin_step();
        scanner.feed(b"I continued.");
        let found = scanner.finish();
        assert_eq!((found.done, found.halt.as_deref()), (false, Some("Which one?")));
    }

    #[test]
    fn a_block_ends_its_last_line_and_its_open_fence() {
        let mut scanner = SignalScanner::new("");
        scanner.feed(b"```sh\nls");
        scanner.end_block();
        scanner.feed(b"<promise>TASK_DONE</promise>");
        scanner.end_block();
        assert!(scanner.finish().done);
    }

    #[test]
    fn words_after_the_signal_take_it_back() {
        for after in [
            "But the tests fail.",
            "```\nerror: it fails\n```",
            "\u{5931}\u{6557}",
            "Tokens used: 12",
            "<promise>TASK_DONE</promise> not yet",
        ] {
            assert!(!scan("", &format!("<promise>TASK_DONE</promise>\n{after}\n")).done, "{after}");
        }
        for after in ["", "---", "1,234", "\n\n```\n```", "<promise>COMPLETE</promise>", "\u{2705}"] {
            assert!(scan("", &format!("<promise>TASK_DONE</promise>\n{after}\n")).done, "{after}");
        }
        assert!(scan("", "<promise>TASK_DONE</promise>\nWait.\n<promise>TASK_DONE</promise>\n").done);
    }

    #[test]
    fn a_later_block_takes_the_signal_back() {
        let mut scanner = SignalScanner::new("");
        scanner.feed(b"<promise>TASK_DONE</promise>");
        scanner.end_block();
        scanner.feed(b"I was wrong, it fails.");
        assert!(!scanner.finish().done);
    }

    #[test]
    fn lines_that_a_program_prints_at_its_end_take_nothing_back() {
        for footer in [
            "Tokens used: 1,234",
            "tokens used\n1,234",
            "Total cost: $0.02",
            "> Tokens: 3k sent. Cost: $1",
            "Tokens: 123 sent\n\nsrc/out.txt\nApplied edit to src/out.txt",
        ] {
            let mut scanner = SignalScanner::new("").with_footer();
            scanner.feed(format!("<promise>TASK_DONE</promise>\n{footer}\n").as_bytes());
            assert!(scanner.finish().done, "{footer}");
        }
        for words in ["Wait.", "No, it fails in src/out.txt.", "Actually..."] {
            let mut scanner = SignalScanner::new("").with_footer();
            scanner.feed(format!("<promise>TASK_DONE</promise>\n{words}\n").as_bytes());
            assert!(!scanner.finish().done, "{words}");
        }
    }

    #[test]
    fn signals_in_a_discarded_summary_do_not_count() {
        let mut scanner = SignalScanner::new("");
        scanner.begin_step();
        scanner.feed(b"The rules: if unsure, print\n<promise>HALT</promise>\n");
        scanner.discard_step();
        assert_eq!(scanner.finish().halt, None);
    }

    #[test]
    fn an_endless_line_costs_no_memory_and_is_not_a_signal() {
        let mut scanner = SignalScanner::new("");
        let piece = vec![b'x'; 100_000];
        for _ in 0..1000 {
            scanner.feed(&piece);
        }
        scanner.feed(b"\n<promise>TASK_DONE</promise>\n");
        assert!(scanner.part.capacity() <= 2 * LINE_CAP);
        let found = scanner.finish();
        assert!(found.done && found.last_words.len() <= LINE_CAP + 1);
    }

    #[test]
    fn invalid_utf8_and_nul_bytes_do_not_hide_a_signal() {
        let mut scanner = SignalScanner::new("");
        scanner.feed(b"\xff\xfe\0 junk\n<promise>TASK_DONE</promise>\n");
        assert!(scanner.finish().done);
    }
}
