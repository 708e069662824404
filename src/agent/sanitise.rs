//! Makes an agent's bytes fit for a terminal: text and line ends, nothing that steers the terminal.

use anstream::adapter::StripBytes;

/// Reads bytes piece by piece and gives text without escape sequences and control characters.
#[derive(Debug, Default)]
pub struct Sanitiser {
    strip: StripBytes,
    /// The start of a character whose rest has not come yet.
    part: Vec<u8>,
    after_return: bool,
}

impl Sanitiser {
    /// Appends to `text` what of `piece` may be shown; invalid UTF-8 becomes U+FFFD.
    pub fn feed(&mut self, piece: &[u8], text: &mut String) {
        let mut bytes = std::mem::take(&mut self.part);
        bytes.extend_from_slice(piece);
        let mut decoded = String::with_capacity(bytes.len());
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            decoded.push_str(chunk.valid());
            let invalid = chunk.invalid();
            if chunks.peek().is_none() && may_go_on(invalid) {
                self.part = invalid.to_vec();
            } else if !invalid.is_empty() {
                decoded.push(char::REPLACEMENT_CHARACTER);
            }
        }
        let mut after_return = self.after_return;
        for kept in self.strip.strip_next(decoded.as_bytes()) {
            for c in String::from_utf8_lossy(kept).chars() {
                put(c, &mut after_return, text);
            }
        }
        self.after_return = after_return;
    }
}

fn put(c: char, after_return: &mut bool, text: &mut String) {
    let after = std::mem::replace(after_return, c == '\r');
    match c {
        // progress bars redraw a line; here each state gets its own
        '\r' => text.push('\n'),
        '\n' if after => {}
        '\n' | '\t' => text.push(c),
        // bidirectional overrides can make a line look like another
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
        c if c.is_control() => {}
        c => text.push(c),
    }
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
