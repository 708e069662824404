//! How wide text is on a terminal.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Number of columns that a text occupies: those of its characters as people count them, such as an emoji that is a
/// sequence of others.
#[must_use]
pub fn width(text: &str) -> usize {
    if text.is_ascii() {
        return UnicodeWidthStr::width(text);
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// The text with only such characters as every terminal draws equally wide. Terminals disagree about sequences: one draws
/// a family of emoji as one sign, another as all its members, and what follows in the line would be moved. Of such a
/// sequence the first character stays.
#[must_use]
pub fn steady(text: &str) -> Cow<'_, str> {
    let is_steady = |sign: &str| {
        let of_parts: usize = sign.chars().map(|c| c.width().unwrap_or(0)).sum();
        of_parts == UnicodeWidthStr::width(sign)
    };
    if text.is_ascii() || text.graphemes(true).all(is_steady) {
        return Cow::Borrowed(text);
    }
    let first = |sign: &str| sign.chars().next().map(String::from).unwrap_or_default();
    let signs = text.graphemes(true);
    Cow::Owned(signs.map(|sign| if is_steady(sign) { sign.to_owned() } else { first(sign) }).collect())
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
    for (at, sign) in text.grapheme_indices(true).rev() {
        used += UnicodeWidthStr::width(sign);
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
    for (at, sign) in text.grapheme_indices(true) {
        used += UnicodeWidthStr::width(sign);
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

    #[test]
    fn no_sequence_is_cut_and_its_width_is_that_of_one_sign() {
        let family = "👩‍👩‍👧";
        assert_eq!((width(family), width("🇩🇪"), width("e\u{301}"), width("שלום")), (2, 2, 1, 4));
        assert_eq!((head("👩‍👩‍👧x", 2), head("👩‍👩‍👧x", 1)), (family, ""));
        assert_eq!(cut_beginning("abc👩‍👩‍👧", 3), "…👩‍👩‍👧");
    }

    #[test]
    fn what_terminals_draw_differently_is_drawn_as_its_first_sign() {
        for (text, shown) in [
            ("a 👩‍👩‍👧 b", "a 👩 b"),
            ("👍🏽", "👍"),
            ("❤\u{fe0f} x", "❤ x"),
            ("1\u{fe0f}\u{20e3}", "1"),
            ("e\u{301} 日本 שלום 🇩🇪", "e\u{301} 日本 שלום 🇩🇪"),
        ] {
            assert_eq!(steady(text), shown);
            let of_chars: usize = shown.chars().map(|c| c.width().unwrap_or(0)).sum();
            assert_eq!(width(shown), of_chars, "{shown}");
        }
    }
}
