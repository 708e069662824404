//! How wide text is on a terminal.

use std::borrow::Cow;
use std::ops::RangeInclusive;

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

/// Ends a sequence of characters and is not drawn itself.
const APART: char = '\u{200b}';

/// Emoji before those of Unicode 15, in the blocks where new ones are added: older systems do not know how wide those are,
/// and tmux leaves them out there.
const KNOWN_EMOJI: [RangeInclusive<u32>; 8] = [
    0x1FA70..=0x1FA74,
    0x1FA78..=0x1FA7C,
    0x1FA80..=0x1FA86,
    0x1FA90..=0x1FAAC,
    0x1FAB0..=0x1FABA,
    0x1FAC0..=0x1FAC5,
    0x1FAD0..=0x1FAD9,
    0x1FAE0..=0x1FAE7,
];

/// The text with only such characters as every terminal draws equally wide, each in columns of its own. Terminals disagree
/// about sequences: one draws a family of emoji as one sign, another as all its members, and what follows in the line would
/// be moved; tmux keeps the parts of a flag in two columns, and clears one. A flag becomes its letters, other sequences of
/// emoji their first character, and letters that join stand apart. What is too new for a terminal becomes `�`.
#[must_use]
pub fn steady(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || text.graphemes(true).all(|sign| steady_sign(sign).is_none()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.graphemes(true).fold(String::with_capacity(text.len()), |mut out, sign| {
        match steady_sign(sign) {
            None => out.push_str(sign),
            Some(other) => out.push_str(&other),
        }
        out
    }))
}

/// What is drawn instead of a sign; `None`: the sign itself.
fn steady_sign(sign: &str) -> Option<String> {
    let first = sign.chars().next().filter(|_| !sign.is_ascii())?;
    if is_too_new(first) {
        return Some('\u{fffd}'.to_string());
    }
    let letters: Option<String> = sign.chars().map(flag_letter).collect();
    if letters.is_some() {
        return letters;
    }
    let width_of = |c: char| c.width().unwrap_or(0);
    if sign.chars().map(width_of).sum::<usize>() != UnicodeWidthStr::width(sign) {
        return Some(first.to_string());
    }
    if sign.chars().filter(|c| width_of(*c) > 0).count() < 2 {
        return None;
    }
    let mut apart = String::with_capacity(2 * sign.len());
    for c in sign.chars() {
        if width_of(c) > 0 && !apart.is_empty() {
            apart.push(APART);
        }
        apart.push(c);
    }
    Some(apart)
}

/// The letter of a half of a flag.
fn flag_letter(half: char) -> Option<char> {
    let at = u32::from(half).checked_sub(0x1F1E6).filter(|at| *at < 26)?;
    char::from_u32(u32::from('A') + at)
}

fn is_too_new(c: char) -> bool {
    match u32::from(c) {
        0x1F6D8 | 0x1F6DC => true,
        // hands
        at @ 0x1FAF0..=0x1FAFF => at > 0x1FAF6,
        at @ 0x1FA70..=0x1FAEF => !KNOWN_EMOJI.iter().any(|known| known.contains(&at)),
        // ideographs
        at => (0x2EBF0..=0x2EE5F).contains(&at) || (0x31350..=0x3347F).contains(&at),
    }
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
            ("e\u{301} 日本 שלום", "e\u{301} 日本 שלום"),
            ("flag 🇩🇪", "flag DE"),
            ("🫨 🪿 🪴 🫶", "\u{fffd} \u{fffd} 🪴 🫶"),
            ("क्ष", "क्\u{200b}ष"),
        ] {
            assert_eq!(steady(text), shown);
            let of_chars: usize = shown.chars().map(|c| c.width().unwrap_or(0)).sum();
            assert_eq!(width(shown), of_chars, "{shown}");
            // a terminal that keeps each character in a cell of its own needs no more cells
            for sign in shown.graphemes(true) {
                assert!(sign.chars().filter(|c| c.width().unwrap_or(0) > 0).count() < 2, "{sign:?}");
            }
        }
    }
}
