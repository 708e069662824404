//! How wide text is on a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Number of columns that a text occupies.
#[must_use]
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// The text, cut with `…` at its end if it is wider than `columns`.
#[must_use]
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut out = head(text, columns.saturating_sub(1)).to_owned();
    if columns > 0 {
        out.push('…');
    }
    out
}

/// The text, cut with `…` at its beginning if it is wider than `columns`. Of a path, the end says more.
#[must_use]
pub fn cut_beginning(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let mut used = 0;
    let mut from = text.len();
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        from = at;
    }
    if columns > 0 { format!("…{}", &text[from..]) } else { String::new() }
}

/// The longest beginning of a text that fits into `columns`.
#[must_use]
pub fn head(text: &str, columns: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            return &text[..at];
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_text_fits_and_shows_that_it_was_cut() {
        assert_eq!(
            (cut("日本語", 5).as_str(), cut("abc", 3).as_str(), cut("abc", 0).as_str()),
            ("日本…", "abc", "")
        );
        assert_eq!(cut_beginning("src/日本/x.rs", 7), "…/x.rs");
        assert_eq!(cut_beginning("a/b", 3), "a/b");
    }
}
