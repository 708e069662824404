//! Whether a heading names a task by its id.

use super::grammar::{Heading, IdShape};

/// Whether a heading without a box names a task: `Task 1.1:`, `T1:`, `G0.1`, `PR-3:`.
pub(crate) fn names_task(heading: &Heading, text: &str) -> bool {
    heading.id.as_ref().is_some_and(|id| {
        id.word
            || match id.shape {
                IdShape::LetterT => true,
                IdShape::Prefixed => {
                    let s = &text[id.span.clone()];
                    !is_label(s)
                        && !is_range(s)
                        && (s.contains('.') || s.contains('-') && s.ends_with(|c: char| c.is_ascii_digit()))
                }
                _ => false,
            }
    })
}

/// Whether an id is the label of a criterion, a requirement or a decision: `AC1`, `FR-003`.
pub(crate) fn is_label(id: &str) -> bool {
    let letters = id.trim_end_matches(|c: char| c.is_ascii_digit() || matches!(c, '-' | '.' | '_'));
    ["AC", "FR", "NFR", "REQ", "SC", "ADR"].contains(&letters)
}

/// Whether it names several: `M3-M7`.
fn is_range(id: &str) -> bool {
    let letters = |part: &str| part.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    id.split_once('-').is_some_and(|(first, last)| {
        let (a, b) = (letters(first), letters(last));
        a > 0 && a < first.len() && b > 0 && b < last.len() && first[..a] == last[..b]
    })
}

/// Whether a heading starts with a number.
pub(crate) fn numbered(heading: &Heading) -> bool {
    heading
        .id
        .as_ref()
        .is_some_and(|id| id.shape == IdShape::Dotted || id.shape == IdShape::Number && id.closed)
}
