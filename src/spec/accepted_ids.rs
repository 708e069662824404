//! Which of the doubtful ids count in a file: `CORE-1`, `1 Title` and the numbers of lists are ids in some files only.

use std::collections::HashSet;

use super::grammar::{IdShape, IdToken, ListItem};
use super::heading_names::is_label;
use super::lines::SourceLines;
use super::section_names::SectionKind;

/// Which of the doubtful ids count in a file.
#[derive(Debug, Default)]
pub(crate) struct AcceptedIds {
    /// `CORE-1`, `fix-this:` count, since most boxes carry such an id.
    letters: bool,
    /// `1 Title` without a dot counts, since the file numbers its tasks so.
    bare: bool,
    /// Whole numbers that have dotted children; filled only where the file writes them without a dot.
    parents: HashSet<String>,
    /// In `1. [ ] Title`, the number of the list is the id, since no box has an id of its own.
    pub(crate) lists: bool,
    /// The whole numbers before the dot of dotted ids.
    children: HashSet<String>,
}

impl AcceptedIds {
    /// Whether the id at the head of a box counts as one.
    pub(crate) fn accepts(&self, id: &IdToken, text: &str) -> bool {
        id.word
            || match id.shape {
                IdShape::Dotted | IdShape::LetterT => true,
                IdShape::Number => id.closed || self.bare || self.parents.contains(text),
                IdShape::Hash => self.letters,
                IdShape::Prefixed if is_label(text) => false,
                // In `**M29-prep follow-ups**` the bold text continues after the id, so it is a phrase.
                IdShape::Prefixed | IdShape::Slug => {
                    self.letters && (!id.deco || id.closed) || id.closed && task_hyphen(text)
                }
            }
    }
}

/// `Task-3` is an id, whatever the other ids of the file look like.
fn task_hyphen(id: &str) -> bool {
    id.get(..5).is_some_and(|w| w.eq_ignore_ascii_case("task-"))
        && id[5..].starts_with(|c: char| c.is_ascii_digit())
}

/// The id of a boxed item, if it counts: from its text, or the number of its list.
pub(crate) fn box_id<'a>(item: &ListItem, text: &'a str, ids: &AcceptedIds) -> Option<(&'a str, IdShape)> {
    if let Some(id) = &item.id {
        let s = &text[id.span.clone()];
        if ids.accepts(id, s) {
            return Some((s, id.shape));
        }
    }
    let number = &text[item.list_number.clone()?];
    (ids.lists || ids.children.contains(number)).then_some((number, IdShape::Number))
}

/// Finds out which doubtful ids the file really uses.
pub(crate) fn accepted_ids(lines: &SourceLines<'_>, sections: &[SectionKind]) -> AcceptedIds {
    let mut bare: Vec<u32> = Vec::new();
    let mut closed = 0;
    // Index 0 counts boxes at the margin, index 1 nested ones.
    let mut letters = [0usize; 2];
    let mut boxes = [0usize; 2];
    let mut children = HashSet::new();
    // Bare numbers right above their first child.
    let mut parents = HashSet::new();
    let mut above = "";
    for (index, line) in lines.all.iter().enumerate() {
        let Some(item) = lines.item(index).filter(|i| i.mark.is_some()) else { continue };
        let nested = usize::from(line.indent > 0);
        if sections[index] == SectionKind::Open {
            boxes[nested] += 1;
        }
        let Some(id) = &item.id else { continue };
        let text = &lines.text(index)[id.span.clone()];
        if is_label(text) {
            continue;
        }
        match id.shape {
            IdShape::Dotted => {
                if let Some((head, _)) = text.split_once('.') {
                    if !children.contains(head) {
                        children.insert(head.to_owned());
                    }
                    if head == above {
                        parents.insert(head.to_owned());
                    }
                    above = "";
                }
            }
            IdShape::Number if id.closed || id.word => closed += 1,
            // `3 reviewers agree` in a checklist is not task 3.
            IdShape::Number if line.indent == 0 && sections[index] == SectionKind::Open => {
                bare.extend(text.parse::<u32>());
                above = text;
            }
            IdShape::Number => {}
            IdShape::LetterT | IdShape::Prefixed | IdShape::Slug | IdShape::Hash => letters[nested] += 1,
        }
    }
    let counts_up = bare.first().is_some_and(|&f| f <= 1)
        && (bare.len() > 1 || boxes[0] == 1)
        && bare.windows(2).filter(|w| w[1] == w[0] + 1).count() * 5 >= (bare.len() - 1) * 4;
    if closed > bare.len() || bare.is_empty() {
        parents.clear();
    }
    let mut ids = AcceptedIds {
        letters: letters[0] * 2 > boxes[0] || boxes[0] == 0 && letters[1] * 2 > boxes[1],
        bare: counts_up && closed <= bare.len(),
        parents,
        lists: false,
        children,
    };
    // Own ids beat the numbers of lists: `1. [ ] check` at the end of a file of `T001` is not task 1.
    ids.lists = !(0..lines.all.len()).any(|i| {
        lines.item(i).is_some_and(|item| item.mark.is_some() && box_id(item, lines.text(i), &ids).is_some())
    });
    ids
}
