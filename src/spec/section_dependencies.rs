//! Dependencies that a section names for its tasks: `**Dependencies:** Task Group 1` above the boxes of a group, and what a
//! quote below a heading requires.

use std::collections::HashMap;

use super::hierarchy::section_number;
use super::lines::SourceLines;
use super::sections::SectionMap;
use super::task_line::TaskLine;

/// How many sections a list may name; a range like `1-99999` names none.
const MOST_NUMBERS: usize = 500;

/// Finds which tasks stand at the top of a section, and which sections a list names.
pub(crate) struct SectionTasks<'a> {
    map: &'a SectionMap,
    /// Per section: its topmost tasks.
    tops: Vec<Vec<usize>>,
    /// Sections by their numbers.
    by_number: HashMap<&'a str, Vec<usize>>,
}

impl<'a> SectionTasks<'a> {
    pub(crate) fn new(
        lines: &SourceLines<'a>,
        map: &'a SectionMap,
        tasks: &[TaskLine<'_>],
        parents: &[Option<usize>],
    ) -> Self {
        let mut tops: Vec<Vec<usize>> = vec![Vec::new(); map.all.len()];
        for (i, task) in tasks.iter().enumerate() {
            if parents[i].is_none()
                && let Some(section) = map.of(task.line)
            {
                tops[section].push(i);
            }
        }
        let mut by_number: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, section) in map.all.iter().enumerate() {
            if let Some(heading) = lines.heading(section.line)
                && let Some((number, _)) = section_number(heading, lines.text(section.line))
            {
                by_number.entry(number).or_default().push(at);
            }
        }
        Self { map, tops, by_number }
    }

    /// The topmost tasks that stand right in a section.
    pub(crate) fn tops(&self, section: usize) -> &[usize] {
        &self.tops[section]
    }

    /// The topmost tasks of the sections that a list in `section` names by number: its siblings.
    pub(crate) fn named(&self, section: usize, list: &str) -> Vec<usize> {
        let own = &self.map.all[section];
        let mut found = Vec::new();
        for number in numbers(list) {
            let sections = self.by_number.get(number.as_str()).map_or(&[][..], Vec::as_slice);
            let sibling = sections.iter().find(|&&s| {
                let other = &self.map.all[s];
                s != section && other.level == own.level && !self.tops[s].is_empty()
            });
            found.extend(sibling.into_iter().flat_map(|&s| self.tops[s].iter().copied()));
        }
        found
    }
}

/// The numbers in a list like `Task Group 1`, `Groups 1, 2 and 4`, `Phases 1-3`. Text in brackets explains.
pub(crate) fn numbers(list: &str) -> Vec<String> {
    let list = list.find(['(', '（', '—', '|']).map_or(list, |cut| &list[..cut]);
    let mut out: Vec<String> = Vec::new();
    let mut ranged = false;
    let mut at = 0;
    while at < list.len() && out.len() < MOST_NUMBERS {
        let rest = &list[at..];
        let digits = rest.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
        if digits == 0 || digits > 8 {
            let c = rest.chars().next().map_or(1, char::len_utf8);
            ranged = ranged && rest.starts_with(' ') || rest.starts_with(['-', '–', '~']) && !out.is_empty();
            at += if digits > 8 { digits } else { c };
            continue;
        }
        let number = rest[..digits].trim_end_matches('.');
        let from = out.last().and_then(|last| last.parse::<usize>().ok());
        if let (true, Some(from), Ok(to)) = (ranged, from, number.parse::<usize>()) {
            if to > from && to - from < MOST_NUMBERS {
                out.extend((from + 1..=to).map(|n| n.to_string()));
            }
        } else if !number.is_empty() {
            out.push(number.to_owned());
        }
        ranged = false;
        at += digits;
    }
    out
}

/// The list of a quote that requires something: `> Requires: PRD-01`.
pub(crate) fn required_by_quote(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['>', ' ', '*', '_', '-']);
    let from = text.len() - body.len();
    let words = [
        "requires",
        "required",
        "depends on",
        "dependencies",
        "dependency",
        "needs",
        "blocked by",
        "after",
        "prerequisites",
        "prerequisite",
    ];
    let len = words.iter().find_map(|word| {
        let head = body.get(..word.len())?;
        head.eq_ignore_ascii_case(word).then_some(word.len())
    })?;
    let rest = body[len..].trim_start_matches(['*', '_', ' ']);
    let list = rest.strip_prefix([':', '：'])?;
    Some(from + body.len() - list.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_sections_are_read_from_lists_and_ranges() {
        for (list, expected) in [
            ("Task Group 1", &["1"][..]),
            ("Task Groups 1, 2 and 4", &["1", "2", "4"]),
            ("Phases 1-3", &["1", "2", "3"]),
            ("Phases 1 – 3, 5", &["1", "2", "3", "5"]),
            ("Phase 2.1.", &["2.1"]),
            ("None (uses 3 modules)", &[]),
            ("Nothing", &[]),
            ("1-99999", &["1"]),
            ("", &[]),
        ] {
            assert_eq!(numbers(list), expected, "{list}");
        }
    }

    #[test]
    fn a_quote_can_require_something() {
        let list = |text: &'static str| required_by_quote(text).map(|at| text[at..].trim());
        assert_eq!(list("> Requires: PRD-01"), Some("PRD-01"));
        assert_eq!(list("> **Depends on**: Task 2"), Some("Task 2"));
        assert_eq!(list("> Blocks: PRD-02"), None);
        assert_eq!(list("> After all, it is a quote"), None);
    }
}
