//! Makes foreign text safe for a terminal: only text and line ends pass, nothing that controls the terminal.
//!
//! This is own code because no crate at hand knows the 8-bit introducers, keeps its state across pieces, and lets an
//! unterminated string hide only its own line.

use super::utf8::CharJoiner;

/// Turns bytes, piece by piece, into text without escape sequences and control characters.
#[derive(Debug, Default)]
pub struct Sanitiser {
    state: EscapeState,
    joiner: CharJoiner,
    after_return: bool,
}

/// The position inside an escape sequence (ECMA-48).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum EscapeState {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// After ESC and intermediate bytes.
    Intermediate,
    /// Parameters and intermediates of a control sequence.
    Sequence,
    /// A command string (title, clipboard, …) up to its terminator.
    String,
    /// After an ESC inside a string, which may begin its terminator.
    StringEscape,
}

impl Sanitiser {
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
        // fast path: most text is plain
        let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\t');
        while !rest.is_empty() {
            if self.state == EscapeState::Text && !self.after_return {
                let end = rest.bytes().position(|b| !plain(&b)).unwrap_or(rest.len());
                text.push_str(&rest[..end]);
                rest = &rest[end..];
            }
            if let Some(c) = rest.chars().next() {
                self.take(c, text);
                rest = &rest[c.len_utf8()..];
            }
        }
    }

    fn take(&mut self, c: char, text: &mut String) {
        let after_return = std::mem::take(&mut self.after_return);
        #[expect(clippy::match_same_arms, reason = "the arms follow the states, and their order matters")]
        let next = match (self.state, c) {
            // a line end ends every sequence, so that none can hide more than its line
            (_, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') => {
                // progress bars redraw a line; here each redraw becomes a line
                self.after_return = c == '\r';
                if !(after_return && c == '\n') {
                    text.push('\n');
                }
                EscapeState::Text
            }
            (EscapeState::StringEscape, '\\') => EscapeState::Text,
            (EscapeState::String, '\u{1b}') => EscapeState::StringEscape,
            (EscapeState::String, '\u{7}' | '\u{9c}') => EscapeState::Text,
            (EscapeState::String, _) => EscapeState::String,
            (_, '\u{1b}') => EscapeState::Escape,
            (_, '\u{9b}') | (EscapeState::Escape | EscapeState::StringEscape, '[') => EscapeState::Sequence,
            (_, '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}')
            | (EscapeState::Escape | EscapeState::StringEscape, ']' | 'P' | 'X' | '^' | '_') => {
                EscapeState::String
            }
            (EscapeState::Escape | EscapeState::StringEscape | EscapeState::Intermediate, ' '..='/') => {
                EscapeState::Intermediate
            }
            (EscapeState::Escape | EscapeState::StringEscape | EscapeState::Intermediate, '0'..='~') => {
                EscapeState::Text
            }
            (EscapeState::Sequence, ' '..='?') => EscapeState::Sequence,
            (EscapeState::Sequence, '@'..='~') => EscapeState::Text,
            _ => {
                if is_visible(c) {
                    text.push(c);
                }
                EscapeState::Text
            }
        };
        self.state = next;
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
        let hostile = b"\x1b[31mred\x1b[0m \x1b]0;title\x07a\x1b]52;c;Zm9v\x1b\\b\x1b[?1049hc\x07\x08\n";
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
    fn invalid_utf8_becomes_the_replacement_character() {
        assert_eq!(sanitise(b"a\xffb"), "a\u{FFFD}b");
    }
}
