//! Removes secrets from text that comes in pieces: one that is cut between two pieces is removed, too.

use super::redact::{MASK, Redactor, may_hold_secret};

/// The end of a key in the middle of its lines.
const KEY_BEGINS: &str = "-----BEGIN ";
const KEY_ENDS: &str = "-----END ";
const PRIVATE_KEY: &str = "PRIVATE KEY-----";
/// Bytes of a line that are kept to judge what follows. A secret is shorter.
const LONGEST_LINE: usize = 32 << 10;
/// So much of a known secret may be shown before it is recognised.
const FEW: usize = 3;

/// Removes secrets from one stream of text.
#[derive(Debug)]
pub struct StreamRedactor {
    redactor: Redactor,
    /// The line that is not over, as it came.
    line: String,
    /// What of it was given out.
    shown: String,
    /// Whether the lines are those of a private key.
    in_key: bool,
}

impl StreamRedactor {
    /// One for the secrets that `redactor` knows.
    #[must_use]
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor, line: String::new(), shown: String::new(), in_key: false }
    }

    /// Takes a piece, and appends what can be shown. A word that may be the beginning of a secret waits for its end.
    pub fn feed(&mut self, piece: &str, out: &mut String) {
        for part in piece.split_inclusive(['\n', '\r']) {
            self.line.push_str(part);
            if part.ends_with(['\n', '\r']) {
                self.end_line(out);
            } else if self.line.len() > LONGEST_LINE {
                self.show(self.line.len(), out);
                self.forget_line();
            } else {
                self.show(self.safe_length(), out);
            }
        }
    }

    /// Appends the rest.
    pub fn finish(&mut self, out: &mut String) {
        if !self.line.is_empty() {
            self.end_line(out);
        }
    }

    fn end_line(&mut self, out: &mut String) {
        if self.is_of_key() {
            if !self.in_key {
                let (before, _) = self.line.split_once(KEY_BEGINS).unwrap_or_default();
                let masked = format!("{}{MASK}\n", self.redactor.redact(before));
                self.give(&masked, out);
            }
            self.in_key = !self.line.contains(KEY_ENDS);
        } else {
            self.in_key = false;
            self.show(self.line.len(), out);
        }
        self.forget_line();
    }

    fn forget_line(&mut self) {
        self.line.clear();
        self.shown.clear();
    }

    /// Whether the line begins a private key, or is one of its lines.
    fn is_of_key(&self) -> bool {
        let text = self.line.trim();
        let is_body = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=');
        match (text.find(KEY_BEGINS), text.find(KEY_ENDS)) {
            (Some(begin), end) => text[begin..].contains(PRIVATE_KEY) && end.is_none(),
            (None, Some(_)) => self.in_key,
            (None, None) => self.in_key && text.chars().all(is_body),
        }
    }

    /// How much of the line holds no beginning of a secret.
    fn safe_length(&self) -> usize {
        let line = self.line.as_str();
        if self.in_key {
            return 0;
        }
        let known = self.redactor.begins_in(line).filter(|at| line.len() - at >= FEW);
        if !may_hold_secret(line) {
            return known.unwrap_or(line.len());
        }
        let word = line.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let key = line.find(KEY_BEGINS);
        let length = known.into_iter().chain(key).fold(word.min(line.len()), usize::min);
        // `password = "two words` is not over before its quote
        let before = &line[..length];
        let quoted = ['"', '\''].into_iter().filter_map(|quote| {
            let odd = before.matches(quote).count() % 2 == 1;
            before.rfind(quote).filter(|at| odd && before[..*at].trim_end().ends_with([':', '=']))
        });
        quoted.fold(length, usize::min)
    }

    /// Appends what is new in the first `length` bytes of the line.
    fn show(&mut self, length: usize, out: &mut String) {
        let mut length = length;
        while !self.line.is_char_boundary(length) {
            length -= 1;
        }
        let clean = self.redactor.redact(&self.line[..length]);
        self.give(&clean, out);
    }

    fn give(&mut self, clean: &str, out: &mut String) {
        let same: usize = clean
            .chars()
            .zip(self.shown.chars())
            .take_while(|(now, before)| now == before)
            .map(|(c, _)| c.len_utf8())
            .sum();
        // less than was shown: it waits again
        if clean.len() > same {
            out.push_str(&clean[same..]);
            clean.clone_into(&mut self.shown);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text in pieces of each size, all of which must give the same.
    fn in_pieces(text: &str) -> String {
        let env = [("MY_TOKEN", "hunter2 and more"), ("API_KEY", "abcdefgh12345")];
        let all = |size: usize| {
            let mut stream = StreamRedactor::new(Redactor::new(env));
            let mut out = String::new();
            let chars: Vec<char> = text.chars().collect();
            for piece in chars.chunks(size) {
                stream.feed(&piece.iter().collect::<String>(), &mut out);
            }
            stream.finish(&mut out);
            out
        };
        let whole = all(text.len().max(1));
        for size in 1..text.len() {
            for secret in ["hunter2 and more", "fgh12345", "ghIJKLMN", "correct horse", "MIIEow", "tail9"] {
                assert!(!all(size).contains(secret), "{secret} in pieces of {size}: {}", all(size));
            }
        }
        whole
    }

    #[test]
    fn a_secret_that_is_cut_between_two_pieces_is_removed() {
        for text in [
            "the key is abcdefgh12345 now\n",
            "sk-abcdefghIJKLMNOP1234 end",
            "MY=hunter2 and more!\n",
            "export PASSWORD=\"correct horse battery\" next\n",
            "password: Xy9-tail9\n",
            "Authorization: Bearer abcdefghIJKLMNOPQR.tail9\n",
        ] {
            let shown = in_pieces(text);
            assert!(shown.contains(MASK), "{shown}");
        }
    }

    #[test]
    fn the_lines_of_a_private_key_are_removed() {
        let text = "before\n-----BEGIN RSA PRIVATE KEY-----\nMIIEowIBAAKCAQEA\nMIIEow==\n-----END RSA PRIVATE KEY-----\nafter\n";
        assert_eq!(in_pieces(text), "before\n[redacted]\nafter\n");
    }

    #[test]
    fn other_text_is_shown_at_once() {
        let mut stream = StreamRedactor::new(Redactor::new([("API_KEY", "abcdefgh12345")]));
        let mut out = String::new();
        for piece in ["....", "Work", "ing on it: a", "b\rnext", " ünd"] {
            stream.feed(piece, &mut out);
        }
        assert_eq!(out, "....Working on it: ab\rnext ünd");
        stream.feed("\npublic: -----BEGIN CERTIFICATE-----\n", &mut out);
        assert!(out.ends_with("CERTIFICATE-----\n"), "{out}");
    }
}
