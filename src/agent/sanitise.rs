//! Makes foreign text safe for a terminal: only text and line ends pass, nothing that controls the terminal.

use super::escape::{EscapeParser, ScreenAct};
use super::utf8::CharJoiner;

/// Turns bytes, piece by piece, into text without escape sequences and control characters.
///
/// It gives each piece at once. [`super::shown::ShownText`] gives whole lines as a terminal shows them in the end.
#[derive(Debug, Default)]
pub struct Sanitiser {
    parser: EscapeParser,
    joiner: CharJoiner,
    after_return: bool,
    /// What stands for the beginning of a line that is written again.
    redraw: Option<&'static str>,
}

impl Sanitiser {
    /// A sanitiser for a terminal: a line that is written again replaces the one before, so that the frames of a spinner
    /// take one line.
    #[must_use]
    pub fn redrawing() -> Self {
        Self { redraw: Some("\r\u{1b}[K"), ..Self::default() }
    }

    /// Appends the visible part of `piece` to `text`. Invalid UTF-8 becomes U+FFFD.
    pub fn feed(&mut self, piece: &[u8], text: &mut String) {
        for chunk in self.joiner.join(piece).utf8_chunks() {
            self.take_all(chunk.valid(), text);
            if !chunk.invalid().is_empty() {
                self.take(char::REPLACEMENT_CHARACTER, text);
            }
        }
    }

    fn take_all(&mut self, mut rest: &str, text: &mut String) {
        while !rest.is_empty() {
            if self.parser.in_text() && !self.after_return {
                let end = plain_length(rest);
                text.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            if self.parser.in_text() {
                rest = &rest[nul_length(rest)..];
            }
            if let Some(c) = rest.chars().next() {
                self.take(c, text);
                rest = &rest[c.len_utf8()..];
            }
        }
    }

    fn take(&mut self, c: char, text: &mut String) {
        match self.parser.take(c) {
            ScreenAct::Return => self.after_return = true,
            ScreenAct::LineEnd => {
                self.after_return = false;
                text.push('\n');
            }
            ScreenAct::Show(c) => {
                if std::mem::take(&mut self.after_return) {
                    text.push_str(self.redraw.unwrap_or("\n"));
                }
                text.push(c);
            }
            // the whole line, or its beginning: it is written again
            ScreenAct::Control('K', [2, _]) | ScreenAct::Control('G', [0 | 1, _])
                if self.redraw.is_some() =>
            {
                self.after_return = true;
            }
            ScreenAct::Back
            | ScreenAct::Control(..)
            | ScreenAct::SaveCursor
            | ScreenAct::RestoreCursor
            | ScreenAct::OtherScreen
            | ScreenAct::Nothing => {}
        }
    }
}

/// Control characters act on the terminal, and direction marks can make a line look like another one.
fn is_visible(c: char) -> bool {
    c == '\t'
        || !(c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
}

/// Text of ours that quotes others, such as JSON or TOML, without characters that act on a terminal. There, escape
/// sequences are no sequences any more, so nothing but single characters is removed.
#[must_use]
pub fn harmless(text: &str) -> String {
    text.chars().filter(|c| matches!(c, '\n' | '\t') || is_visible(*c)).collect()
}

/// How many bytes of the text a terminal shows as they are. Most text is plain.
pub(super) fn plain_length(text: &str) -> usize {
    let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\t');
    text.bytes().position(|b| !plain(&b)).unwrap_or(text.len())
}

/// How many NUL bytes the text begins with, in whole blocks: a flood of them is passed over quickly.
pub(super) fn nul_length(text: &str) -> usize {
    const BLOCK: [u8; 4096] = [0; 4096];
    text.as_bytes().chunks_exact(BLOCK.len()).take_while(|block| **block == BLOCK).count() * BLOCK.len()
}

/// All of `bytes` as text that is safe for a terminal.
#[must_use]
pub fn sanitise(bytes: &[u8]) -> String {
    let mut text = String::new();
    Sanitiser::default().feed(bytes, &mut text);
    text
}

/// [`sanitise`] for a place where only one line fits: all white space between words becomes one space.
#[must_use]
pub fn sanitise_line(text: &str) -> String {
    let clean = sanitise(text.as_bytes());
    let words: Vec<_> = clean.split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_removed_and_text_stays() {
        let hostile = b"\x1b[31mred\x1b[0m \x1b]0;title\x07a\x1b]52;c;Zm9v\x1b\\b\x1b[?1049hc\x07\n";
        assert_eq!(sanitise(hostile), "red abc\n");
    }

    #[test]
    fn c1_controls_do_not_reach_the_terminal() {
        let text = sanitise("a\u{9b}31mb\u{90}c".as_bytes());
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }

    #[test]
    fn a_cut_between_pieces_changes_nothing() {
        let all = "grüße \u{1F600} \x1b[1;31mx\x1b]8;;http://a\x1b\\y\r\nz\rw\n".as_bytes();
        for cut in 0..all.len() {
            let mut sanitiser = Sanitiser::default();
            let mut text = String::new();
            sanitiser.feed(&all[..cut], &mut text);
            sanitiser.feed(&all[cut..], &mut text);
            assert_eq!(text, "grüße \u{1F600} xy\nz\nw\n", "cut at {cut}");
        }
    }

    #[test]
    fn on_a_terminal_the_frames_of_a_spinner_take_one_line() {
        let mut text = String::new();
        Sanitiser::redrawing().feed(b"1%\r2%\r\x1b[2K\x1b[1G3%\r\ndone\r\n\x1b[31mred\x1b[0m\n", &mut text);
        assert_eq!(text, "1%\r\u{1b}[K2%\r\u{1b}[K3%\ndone\nred\n");
    }

    #[test]
    fn invalid_utf8_becomes_the_replacement_character() {
        assert_eq!(sanitise(b"a\xffb"), "a\u{FFFD}b");
    }
}
