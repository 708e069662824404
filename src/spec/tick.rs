//! Sets marks: the bytes between the brackets change, and no other byte of the file.

use std::collections::HashMap;
use std::ops::Range;

use super::model::{Dialect, Task};
use super::parse::parse_as;

/// Parses the text and sets the marks of these tasks. Returns the new text, and the ids whose marks it did not set: no
/// task has the id, the task has no box, or two tasks have the id.
#[must_use]
pub fn tick(source: &str, ids: &[&str], mark: char) -> (String, Vec<String>) {
    tick_as(source, None, ids, mark)
}

/// Like [`tick`], but a given dialect decides instead of the evidence in the file.
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
        // Removed, so that an id given twice counts once.
        match by_id.remove(id) {
            Some((Some(Task { mark: Some(range), .. }), 1)) => ranges.push(range.clone()),
            Some(_) => missed.push(id.to_owned()),
            None => {}
        }
    }
    (set_marks(source, ranges, mark), missed)
}

/// Puts a mark into each of these places, which are those of [`Task::mark`].
#[must_use]
pub fn set_marks(source: &str, mut ranges: Vec<Range<usize>>, mark: char) -> String {
    ranges.sort_unstable_by_key(|r| r.start);
    ranges.dedup();
    let mut out = String::with_capacity(source.len() + ranges.len() * mark.len_utf8());
    let mut from = 0;
    for range in ranges {
        out.push_str(&source[from..range.start]);
        out.push(mark);
        from = range.end;
    }
    out.push_str(&source[from..]);
    out
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
    fn brackets_in_a_title_stay() {
        assert_eq!(one("- [ ] T001 [P] [US1] do [ ] it\n", "T001", 'x'), "- [x] T001 [P] [US1] do [ ] it\n");
        assert_eq!(
            one("- [ ] - [X] T002 two boxes\n- [ ] T003 a\n", "T002", 'x'),
            "- [x] - [X] T002 two boxes\n- [ ] T003 a\n"
        );
    }

    #[test]
    fn ids_that_cannot_be_ticked_are_returned() {
        let source = "- [ ] 1. A\n- [ ] 1. B\n- [ ] 2. C\n";
        let (out, missed) = tick(source, &["1", "9", "2", "9"], 'x');
        assert_eq!(out, "- [ ] 1. A\n- [ ] 1. B\n- [x] 2. C\n");
        assert_eq!(missed, ["1", "9"]);
        let (out, missed) = tick("1. First\n2. Second\n", &["1"], 'x');
        assert_eq!((out.as_str(), missed.as_slice()), ("1. First\n2. Second\n", &["1".to_owned()][..]));
    }

    #[test]
    fn a_box_in_a_code_fence_is_not_ticked() {
        let source = "```\n- [ ] 1. sample\n```\n- [ ] 1. real\n";
        assert_eq!(one(source, "1", 'x'), "```\n- [ ] 1. sample\n```\n- [x] 1. real\n");
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
            // Every byte but the mark stays.
            let mark = task.mark.clone().unwrap();
            prop_assert_eq!(&out[..mark.start], &source[..mark.start]);
            prop_assert_eq!(&out[mark.start + 1..], &source[mark.end..]);
            // One state changes; ids and order stay.
            let after = parse(&out);
            prop_assert_eq!(after.tasks.len(), before.tasks.len());
            for (a, b) in after.tasks.iter().zip(&before.tasks) {
                prop_assert_eq!(&a.id, &b.id);
                if a.line == task.line { prop_assert_eq!(a.state, TaskState::Done); } else { prop_assert_eq!(a.state, b.state); }
            }
            // Ticking again changes nothing.
            prop_assert_eq!(tick(&out, &[&task.id], 'x').0, out);
        }
    }
}
