//! Flipping marks: the bytes between the brackets change, and no other byte of the file.

use std::collections::HashMap;
use std::fmt;
use std::ops::Range;

use super::model::{Dialect, Task};
use super::parse::parse_as;

/// Why a mark cannot be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TickError {
    /// The task has no box (a plain heading, a numbered line, a table row).
    NoBox {
        /// Its id.
        id: String,
    },
    /// The text is not the one that the task was parsed from.
    Moved {
        /// Its id.
        id: String,
    },
}

impl fmt::Display for TickError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TickError::NoBox { id } => write!(f, "task {id} has no checkbox to set"),
            TickError::Moved { id } => write!(f, "task {id} is not where it was; the file changed"),
        }
    }
}

impl std::error::Error for TickError {}

/// Sets the mark of a task of this very text.
///
/// The mark is looked at first: a text that changed since it was parsed is refused, never written to blindly.
pub fn set_mark(source: &str, task: &Task, mark: char) -> Result<String, TickError> {
    let Some(range) = task.mark.clone() else { return Err(TickError::NoBox { id: task.id.clone() }) };
    if !between_brackets(source, &range) {
        return Err(TickError::Moved { id: task.id.clone() });
    }
    let mut out = String::with_capacity(source.len() + mark.len_utf8());
    splice(&mut out, source, &[range], mark);
    Ok(out)
}

/// Parses the text and sets the marks of these tasks in one go. Returns the new text, and the ids that were not set:
/// not there, without a box, or used twice (which of the two is meant, only a human knows).
#[must_use]
pub fn tick(source: &str, ids: &[&str], mark: char) -> (String, Vec<String>) {
    tick_as(source, None, ids, mark)
}

/// Like [`tick`], with the dialect given instead of told by evidence.
#[must_use]
pub fn tick_as(source: &str, dialect: Option<Dialect>, ids: &[&str], mark: char) -> (String, Vec<String>) {
    let file = parse_as(source, dialect);
    let mut by_id: HashMap<&str, (Option<&Task>, usize)> = ids.iter().map(|id| (*id, (None, 0))).collect();
    for task in &file.tasks {
        if let Some(found) = by_id.get_mut(task.id.as_str()) {
            *found = (Some(task), found.1 + 1);
        }
    }
    let mut ranges = Vec::new();
    let mut missed: Vec<String> = Vec::new();
    for &id in ids {
        // Taken out, so that an id given twice is looked at once.
        match by_id.remove(id) {
            Some((Some(Task { mark: Some(range), .. }), 1)) => ranges.push(range.clone()),
            Some(_) => missed.push(id.to_owned()),
            None => {}
        }
    }
    ranges.sort_unstable_by_key(|r| r.start);
    ranges.dedup();
    let mut out = String::with_capacity(source.len() + ranges.len() * mark.len_utf8());
    splice(&mut out, source, &ranges, mark);
    (out, missed)
}

fn between_brackets(source: &str, range: &Range<usize>) -> bool {
    range.start > 0
        && source.get(range.clone()).is_some_and(|m| !m.contains(['\n', '[', ']']) && m.chars().count() <= 8)
        && source.as_bytes()[range.start - 1] == b'['
        && source.as_bytes().get(range.end) == Some(&b']')
}

/// Copies the text with these ranges, in order, replaced.
fn splice(out: &mut String, source: &str, ranges: &[Range<usize>], mark: char) {
    let mut from = 0;
    for range in ranges {
        out.push_str(&source[from..range.start]);
        out.push(mark);
        from = range.end;
    }
    out.push_str(&source[from..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::spec::{TaskState, parse};

    fn one(source: &str, id: &str, mark: char) -> String {
        let (out, missed) = tick(source, &[id], mark);
        assert_eq!(missed, Vec::<String>::new());
        out
    }

    #[test]
    fn only_the_mark_changes() {
        assert_eq!(one("- [ ] 1. A\n- [ ] 2. B\n", "2", 'x'), "- [ ] 1. A\n- [x] 2. B\n");
        assert_eq!(one("\u{FEFF}- [ ] 1. A\r\n- [x] 2. B", "1", 'x'), "\u{FEFF}- [x] 1. A\r\n- [x] 2. B");
        assert_eq!(one("- [] 14. A", "14", 'x'), "- [x] 14. A");
        assert_eq!(one("- [✅] 1. A", "1", ' '), "- [ ] 1. A");
        assert_eq!(one("## [ ] Task 3: A\n", "3", 'x'), "## [x] Task 3: A\n");
    }

    #[test]
    fn a_title_with_brackets_keeps_them() {
        assert_eq!(one("- [ ] T001 [P] [US1] do [ ] it\n", "T001", 'x'), "- [x] T001 [P] [US1] do [ ] it\n");
        assert_eq!(
            one("- [ ] - [X] T002 two boxes\n- [ ] T003 a\n", "T002", 'x'),
            "- [x] - [X] T002 two boxes\n- [ ] T003 a\n"
        );
    }

    #[test]
    fn tasks_without_a_box_twice_or_missing_are_reported_and_untouched() {
        let source = "- [ ] 1. A\n- [ ] 1. B\n- [ ] 2. C\n";
        let (out, missed) = tick(source, &["1", "9", "2", "9"], 'x');
        assert_eq!(out, "- [ ] 1. A\n- [ ] 1. B\n- [x] 2. C\n");
        assert_eq!(missed, ["1", "9"]);
        let (out, missed) = tick("1. First\n2. Second\n", &["1"], 'x');
        assert_eq!((out.as_str(), missed.as_slice()), ("1. First\n2. Second\n", &["1".to_owned()][..]));
    }

    #[test]
    fn a_box_in_a_fence_is_never_ticked() {
        let source = "```\n- [ ] 1. sample\n```\n- [ ] 1. real\n";
        assert_eq!(one(source, "1", 'x'), "```\n- [ ] 1. sample\n```\n- [x] 1. real\n");
    }

    #[test]
    fn a_text_that_changed_is_refused() {
        let file = parse("- [ ] 1. A\n");
        assert_eq!(set_mark("- [ ] 1. A\n", &file.tasks[0], 'x').as_deref(), Ok("- [x] 1. A\n"));
        assert_eq!(
            set_mark("new line\n- [ ] 1. A\n", &file.tasks[0], 'x'),
            Err(TickError::Moved { id: "1".into() })
        );
        assert_eq!(set_mark("", &file.tasks[0], 'x'), Err(TickError::Moved { id: "1".into() }));
    }

    fn line_end() -> impl Strategy<Value = &'static str> {
        prop_oneof![Just("\n"), Just("\r\n"), Just("\r")]
    }

    fn line() -> impl Strategy<Value = String> {
        prop_oneof![
            4 => ("[ ]{0,4}", "[-*+]", "[ xX~!-]?", "(\\*|\\\\\\*)?", "[0-9]{1,2}(\\.[0-9]{1,2}){0,2}[a-c]?", "\\.?", "[ a-zäé\u{1F600}✅\\[\\]*`]{0,12}")
                .prop_map(|(i, b, m, o, id, dot, t)| format!("{i}{b} [{m}]{o} {id}{dot} {t}")),
            1 => Just("```".to_owned()),
            1 => Just("## 1. Setup".to_owned()),
            1 => Just("<!-- note".to_owned()),
            1 => Just("-->".to_owned()),
            1 => "[ ]{0,6}- [a-z _:]{0,12}",
            1 => Just(String::new()),
        ]
    }

    proptest! {
        #[test]
        fn ticking_changes_one_state_and_one_mark(
            lines in proptest::collection::vec((line(), line_end()), 0..25), bom: bool, pick: prop::sample::Index
        ) {
            let mut source = String::from(if bom { "\u{FEFF}" } else { "" });
            for (text, end) in &lines { source.push_str(text); source.push_str(end); }
            let before = parse(&source);
            let boxed: Vec<_> = before.tasks.iter().filter(|t| t.mark.is_some()).collect();
            prop_assume!(!boxed.is_empty());
            let task = boxed[pick.index(boxed.len())];
            let unique = before.tasks.iter().filter(|t| t.id == task.id).count() == 1;
            let (out, missed) = tick(&source, &[&task.id], 'x');
            prop_assert_eq!(missed.is_empty(), unique);
            if !unique { prop_assert_eq!(&out, &source); return Ok(()); }
            // Byte for byte the same, but for the mark.
            let mark = task.mark.clone().unwrap();
            prop_assert_eq!(&out[..mark.start], &source[..mark.start]);
            prop_assert_eq!(&out[mark.start + 1..], &source[mark.end..]);
            // One state changes, ids and order stay.
            let after = parse(&out);
            prop_assert_eq!(after.tasks.len(), before.tasks.len());
            for (a, b) in after.tasks.iter().zip(&before.tasks) {
                prop_assert_eq!(&a.id, &b.id);
                if a.line == task.line { prop_assert_eq!(a.state, TaskState::Done); } else { prop_assert_eq!(a.state, b.state); }
            }
            // Twice is once.
            prop_assert_eq!(tick(&out, &[&task.id], 'x').0, out);
        }
    }
}
