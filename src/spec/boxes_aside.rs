//! Boxes beside headings that may be the work: a list of checks below a plan in prose is no plan.

use super::heading_families::HeadingFamily;
use super::lines::SourceLines;
use super::section_names::{SectionKind, names_no_work, names_work};
use super::sections::SectionMap;

/// The boxes of a file, none of which stands in a section that names work.
pub(crate) struct BoxesAside {
    pub(crate) boxes: Vec<usize>,
    /// Of those, the ones in sections whose names say that they hold no work.
    said: usize,
    named: Vec<bool>,
}

/// All boxes of a file that are taken as work, if none of them stands outside of a section, or in one that names work.
pub(crate) fn find(
    lines: &SourceLines<'_>,
    map: &SectionMap,
    sections: &[SectionKind],
) -> Option<BoxesAside> {
    let is_box = |line: &usize| {
        sections[*line].is_work() && lines.item(*line).is_some_and(|item| item.mark.is_some() && item.bullet)
    };
    let boxes: Vec<usize> = (0..lines.all.len()).filter(is_box).collect();
    let mut named = Vec::with_capacity(boxes.len());
    for &line in &boxes {
        let section = map.of(line).filter(|&section| map.title != Some(map.all[section].line))?;
        let kind = map.all[section].kind;
        let is_list = kind == SectionKind::Side
            && map.says(lines, section, |name| name.to_lowercase().trim_end().ends_with("checklist"));
        if !(kind == SectionKind::Open || is_list) || map.says(lines, section, names_work) {
            return None;
        }
        named.push(is_list || map.says(lines, section, names_no_work));
    }
    let said = named.iter().filter(|named| **named).count();
    Some(BoxesAside { boxes, said, named })
}

impl BoxesAside {
    /// Whether no box is a part of one of these headings.
    pub(crate) fn is_beside(&self, family: &HeadingFamily) -> bool {
        !self.boxes.is_empty() && !self.boxes.iter().any(|&line| family.holds(line))
    }

    /// Whether all of them stand in sections whose names say that they hold no work.
    pub(crate) fn are_checks(&self) -> bool {
        self.said == self.boxes.len()
    }

    /// The boxes in sections whose names say nothing.
    pub(crate) fn unknown(self) -> Vec<usize> {
        let all = self.boxes.into_iter().zip(self.named);
        all.filter(|(_, named)| !named).map(|(line, _)| line).collect()
    }
}
