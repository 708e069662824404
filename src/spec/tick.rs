//! Sets marks: the bytes between the brackets change, and no other byte of the file.

use std::collections::HashMap;
use std::ops::Range;

use super::mark_words;
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

/// Puts a mark into each of these places, which are those of [`Task::mark`]. Where a word and not a sign says the state,
/// the word changes.
#[must_use]
pub fn set_marks(source: &str, mut ranges: Vec<Range<usize>>, mark: char) -> String {
    ranges.sort_unstable_by_key(|r| r.start);
    ranges.dedup();
    let mut out = String::with_capacity(source.len() + ranges.len() * mark.len_utf8());
    let mut from = 0;
    for range in ranges {
        out.push_str(&source[from..range.start]);
        let word = if is_box(source, &range) {
            Some(mark.to_string())
        } else {
            mark_words::word(source, &range, mark)
        };
        out.push_str(word.as_deref().unwrap_or(&source[range.clone()]));
        from = range.end;
    }
    out.push_str(&source[from..]);
    out
}

fn is_box(source: &str, range: &Range<usize>) -> bool {
    source[..range.start].ends_with('[')
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
    fn in_a_list_of_values_only_the_value_changes() {
        let prd = "{ \"userStories\": [\n  {\"id\":\"US-1\",  \"title\": \"A\", \"passes\" :false}\r\n ] }";
        assert_eq!(one(prd, "US-1", 'x'), prd.replace("false", "true"));
        assert_eq!(one(prd, "US-1", '-'), prd, "it has no word for begun");
        let tasks = "{\"master\":{\"tasks\":[{\"id\":1,\"title\":\"A\",\"status\":\"done\",\"subtasks\":[\n\
                     {\"id\":2,\"title\":\"B\",\"status\":\"pending\"}]}]}}\n";
        assert_eq!(one(tasks, "1.2", 'x'), tasks.replace("pending", "done"));
        assert_eq!(one(tasks, "1.2", '-'), tasks.replace("pending", "in-progress"));
        assert_eq!(one(tasks, "1", ' '), tasks.replace("done", "pending"));
        let todos =
            "---\ntodos:\n  - id: a\n    content: \"A: b\"\n    status: \"pending\"\n---\n\n- [ ] no task\n";
        assert_eq!(one(todos, "a", 'x'), todos.replace("pending", "completed"));
    }

    #[test]
    fn a_list_that_repeats_the_headings_is_ticked() {
        let source = "## Checklist\n- [ ] Step 1: A\n- [ ] Step 2: B\n## Step 1: A\nx\n## Step 2: B\ny\n";
        assert_eq!(one(source, "2", 'x'), source.replace("[ ] Step 2", "[x] Step 2"));
    }

    #[test]
    fn a_box_behind_a_title_is_ticked() {
        assert_eq!(
            one("1. **A** - [x] done\n2. **B** - [ ]\n", "2", 'x'),
            "1. **A** - [x] done\n2. **B** - [x]\n"
        );
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

    /// An entry of a list of values: its title, its state, a comment behind it, and whether it stands on one line.
    fn entry() -> impl Strategy<Value = (String, &'static str, bool, bool)> {
        let state = prop_oneof![
            Just("pending"),
            Just("\"pending\""),
            Just("in_progress"),
            Just("completed"),
            Just("done"),
            Just("odd"),
            Just("null"),
            Just("7"),
            Just("true"),
            Just("false"),
            Just("")
        ];
        ("[a-zé][a-z :,#é]{0,12}", state, any::<bool>(), any::<bool>())
    }

    fn yaml(entries: &[(String, &str, bool, bool)]) -> String {
        let one = |(at, (title, state, comment, flow)): (usize, &(String, &str, bool, bool))| {
            let note = if *comment { "  # status: done" } else { "" };
            match (*flow, state.is_empty()) {
                (_, true) => format!("  - id: e{at}\n    content: >-\n      {title}\n      more{note}\n"),
                (true, _) => format!("  - {{id: e{at}, content: \"{title}\", status: {state}}}{note}\n"),
                (false, _) => format!("  - id: e{at}\n    content: {title}\n    status: {state}{note}\n"),
            }
        };
        let all: Vec<String> = entries.iter().enumerate().map(one).collect();
        format!("---\nname: x\ntodos:\n{}---\n# Text\n- [ ] no task\n", all.concat())
    }

    fn json(entries: &[(String, &str, bool, bool)]) -> String {
        let one = |(at, (title, state, flag, space)): (usize, &(String, &str, bool, bool))| {
            let bare = state.trim_matches('"');
            let quoted = matches!(bare, "null" | "7" | "true" | "false");
            let value = if quoted { bare.to_owned() } else { format!("\"{bare}\"") };
            let gap = if *space { "\n " } else { "" };
            let key = if *flag { "passes" } else { "status" };
            let said = if bare.is_empty() { String::new() } else { format!(",\"{key}\":{gap}{value}") };
            format!("{{\"id\":\"e{at}\",\"title\":{gap}\"{title}\"{said}{gap}}}")
        };
        let all: Vec<String> = entries.iter().enumerate().map(one).collect();
        format!("{{\"tasks\":[{}]}}\n", all.join(",\n"))
    }

    proptest! {
        #[test]
        fn ticking_a_list_of_values_changes_one_value(
            entries in proptest::collection::vec(entry(), 1..6), is_json: bool, pick: prop::sample::Index, mark in "[x -]"
        ) {
            let source = if is_json { json(&entries) } else { yaml(&entries) };
            let before = parse(&source);
            prop_assert!(!before.has_errors(), "{}{:?}", source, before.diagnostics);
            prop_assert_eq!(before.tasks.len(), entries.len());
            let task = &before.tasks[pick.index(entries.len())];
            let sign = mark.chars().next().unwrap();
            let (out, missed) = tick(&source, &[&task.id], sign);
            prop_assert_eq!(missed.is_empty(), task.mark.is_some());
            let Some(place) = task.mark.clone() else { prop_assert_eq!(&out, &source); return Ok(()); };
            prop_assert_eq!(&out[..place.start], &source[..place.start]);
            prop_assert!(out.ends_with(&source[place.end..]));
            let after = parse(&out);
            prop_assert_eq!(after.tasks.len(), before.tasks.len());
            for (a, b) in after.tasks.iter().zip(&before.tasks) {
                prop_assert_eq!(&a.title, &b.title);
                if a.id != task.id { prop_assert_eq!(a.state, b.state); }
                else if sign == 'x' { prop_assert_eq!(a.state, TaskState::Done, "{}", out); }
                else if sign == ' ' { prop_assert_eq!(a.state, TaskState::Todo, "{}", out); }
            }
            prop_assert_eq!(tick(&out, &[&task.id], sign).0, out);
        }

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
