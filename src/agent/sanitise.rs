//! Makes the words of others fit for a terminal: text and line ends, nothing that steers the terminal.
//!
//! Own code, because no stripper at hand knows the 8-bit introducers, keeps its state over pieces cut anywhere, and
//! lets a string without an end hide no more than its line.

/// Reads bytes piece by piece and gives text without escape sequences and control characters.
#[derive(Debug, Default)]
pub struct Sanitiser {
    state: State,
    /// The start of a character whose rest has not come yet.
    part: Vec<u8>,
    after_return: bool,
}

/// Where in an escape sequence (ECMA-48) the text is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum State {
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
    /// Appends to `text` what of `piece` may be shown; invalid UTF-8 becomes U+FFFD.
    pub fn feed(&mut self, piece: &[u8], text: &mut String) {
        let joined;
        let bytes = if self.part.is_empty() {
            piece
        } else {
            self.part.extend_from_slice(piece);
            joined = std::mem::take(&mut self.part);
            &joined
        };
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.take_all(chunk.valid(), text);
            let invalid = chunk.invalid();
            if chunks.peek().is_none() && may_go_on(invalid) {
                self.part = invalid.to_vec();
            } else if !invalid.is_empty() {
                self.take(char::REPLACEMENT_CHARACTER, text);
            }
        }
    }

    fn take_all(&mut self, mut rest: &str, text: &mut String) {
        // most of what comes means nothing but itself
        let plain = |b: &u8| matches!(b, b' '..=b'~' | b'\n' | b'\t');
        while !rest.is_empty() {
            if self.state == State::Text && !self.after_return {
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
            // whatever goes on, a line ends it: nothing may hide more
            (_, '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}') => {
                // progress bars redraw a line; here each state gets its own
                self.after_return = c == '\r';
                if !(after_return && c == '\n') {
                    text.push('\n');
                }
                State::Text
            }
            (State::StringEscape, '\\') => State::Text,
            (State::String, '\u{1b}') => State::StringEscape,
            (State::String, '\u{7}' | '\u{9c}') => State::Text,
            (State::String, _) => State::String,
            (_, '\u{1b}') => State::Escape,
            (_, '\u{9b}') | (State::Escape | State::StringEscape, '[') => State::Sequence,
            (_, '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}')
            | (State::Escape | State::StringEscape, ']' | 'P' | 'X' | '^' | '_') => State::String,
            (State::Escape | State::StringEscape | State::Intermediate, ' '..='/') => State::Intermediate,
            (State::Escape | State::StringEscape | State::Intermediate, '0'..='~') => State::Text,
            (State::Sequence, ' '..='?') => State::Sequence,
            (State::Sequence, '@'..='~') => State::Text,
            _ => {
                if shown(c) {
                    text.push(c);
                }
                State::Text
            }
        };
        self.state = next;
    }
}

/// Controls steer the terminal, and marks of direction can make a line look like another.
fn shown(c: char) -> bool {
    c == '\t'
        || !(c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'))
}

/// Whether these bytes are the beginning of a character that the next piece may complete.
fn may_go_on(bytes: &[u8]) -> bool {
    let wanted = match bytes.first() {
        Some(0xC2..=0xDF) => 2,
        Some(0xE0..=0xEF) => 3,
        Some(0xF0..=0xF4) => 4,
        _ => return false,
    };
    bytes.len() < wanted
}

/// The whole of `bytes`, fit for a terminal.
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
    fn colours_titles_clipboard_and_screen_switches_are_gone_and_text_stays() {
        let hostile = b"\x1b[31mred\x1b[0m \x1b]0;title\x07a\x1b]52;c;Zm9v\x1b\\b\x1b[?1049hc\x07\x08\n";
        assert_eq!(sanitise(hostile), "red abc\n");
    }

    #[test]
    fn c1_controls_do_not_reach_the_terminal() {
        let text = sanitise("a\u{9b}31mb\u{90}c".as_bytes());
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }

    #[test]
    fn a_cut_anywhere_changes_nothing() {
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
    fn invalid_utf8_is_shown_as_replacement() {
        assert_eq!(sanitise(b"a\xffb"), "a\u{FFFD}b");
    }
}
