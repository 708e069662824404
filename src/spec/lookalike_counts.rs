//! How many lines of a file look like a task of each form.

use super::accepted_ids::{AcceptedIds, box_id};
use super::grammar::{Heading, ListItem};
use super::heading_families::{FamilyForm, HeadingFamily};
use super::heading_names::{names_task, numbered};
use super::lines::{LineKind, SourceLines};
use super::section_names::SectionKind;
use super::sections::SectionMap;
use super::vocabulary;

/// How many lines of a file look like a task of each form.
#[derive(Default)]
pub(crate) struct LookalikeCounts {
    pub(crate) heading_boxes: usize,
    pub(crate) heading_tasks: usize,
    pub(crate) id_boxes: usize,
    pub(crate) list_boxes: usize,
    pub(crate) plain_boxes: usize,
    pub(crate) numbered: usize,
    /// By level.
    pub(crate) numbered_headings: [usize; 7],
    /// Boxes without an id of their own, by the level of the numbered heading above them; 0 is none.
    pub(crate) boxes_below: [usize; 7],
    pub(crate) rows: usize,
}

impl LookalikeCounts {
    pub(crate) fn new(
        lines: &SourceLines<'_>,
        sections: &[SectionKind],
        ids: &AcceptedIds,
        families: &[HeadingFamily],
        map: &SectionMap,
    ) -> Self {
        let mut counts = Self { heading_tasks: named_headings(lines, sections, families), ..Self::default() };
        // Level of the numbered heading above the line.
        let mut above: Option<usize> = None;
        for (index, line) in lines.all.iter().enumerate() {
            match line.kind {
                // The title of the file is no task.
                LineKind::Heading(_) if map.title == Some(index) => {}
                LineKind::Heading(h) => {
                    let heading = &lines.headings[h as usize];
                    counts.heading(heading, lines.text(index), sections[index], &mut above);
                }
                LineKind::Item(i) => {
                    counts.item(
                        &lines.items[i as usize],
                        lines.text(index),
                        line.indent,
                        sections[index],
                        ids,
                        above,
                    );
                }
                LineKind::Row => counts.rows += 1,
                _ => {}
            }
        }
        counts
    }

    fn heading(&mut self, heading: &Heading, text: &str, section: SectionKind, above: &mut Option<usize>) {
        if heading.mark.is_some() {
            self.heading_boxes += 1;
        } else if names_task(heading, text) {
            // counted by families
        } else if numbered(heading) && section == SectionKind::Open {
            *above = Some(heading.level);
            self.numbered_headings[heading.level] += 1;
        } else if above.is_some_and(|level| heading.level <= level) {
            *above = None;
        }
    }

    fn item(
        &mut self,
        item: &ListItem,
        text: &str,
        indent: u32,
        section: SectionKind,
        ids: &AcceptedIds,
        above: Option<usize>,
    ) {
        let at_the_margin = indent == 0 && section == SectionKind::Open;
        if item.mark.is_none() {
            self.numbered += usize::from(at_the_margin && !item.paren);
        } else if let Some((id, _)) = box_id(item, text, ids).filter(|_| section.is_work()) {
            // The number of a list is a weak id: headings that name tasks beat it.
            if item.list_number.as_ref().is_some_and(|n| text[n.clone()] == *id) {
                self.list_boxes += usize::from(at_the_margin);
                self.boxes_below[above.unwrap_or(0)] += 1;
            } else {
                self.id_boxes += 1;
            }
        } else if item.bullet && section.is_work() {
            self.plain_boxes += 1;
            if let Some(level) = above {
                self.boxes_below[level] += 1;
            }
        }
    }
}

/// How many headings name a task: at least two of one form at one level, or one where no box stands outside of it.
fn named_headings(lines: &SourceLines<'_>, sections: &[SectionKind], families: &[HeadingFamily]) -> usize {
    // per line: how many boxes stand before it
    let mut before = Vec::with_capacity(lines.all.len() + 1);
    let mut boxes = 0;
    for (index, kind) in sections.iter().enumerate() {
        before.push(boxes);
        let is_box =
            kind.is_work() && lines.item(index).is_some_and(|item| item.mark.is_some() && item.bullet);
        boxes += usize::from(is_box);
    }
    before.push(boxes);
    let named = families.iter().filter(|f| matches!(f.form, FamilyForm::Named(_)));
    named
        .map(|family| match family.members.as_slice() {
            [only] => usize::from(before[only.body.end] - before[only.body.start] == boxes),
            all => all.len(),
        })
        .sum()
}

/// By level: how many numbered headings have a field like `_Requirements: 1.1_` or `**Status**: open` in their own text.
pub(crate) fn fields(lines: &SourceLines<'_>, sections: &[SectionKind]) -> [usize; 7] {
    let mut out = [0; 7];
    let mut level = 0;
    for (index, line) in lines.all.iter().enumerate() {
        match line.kind {
            LineKind::Heading(h) => {
                let heading = &lines.headings[h as usize];
                let counts = numbered(heading) && sections[index] == SectionKind::Open;
                level = if counts { heading.level } else { 0 };
            }
            LineKind::Text if level > 0 && vocabulary::field(lines.text(index)) => {
                out[level] += 1;
                level = 0;
            }
            _ => {}
        }
    }
    out
}
