//! What the parser promises, with one test for each promise.

use std::fmt::Write as _;

use super::*;

mod dependencies;
mod hostile;
mod spellings;

fn ids(source: &str) -> Vec<String> {
    parse(source).tasks.into_iter().map(|t| t.id).collect()
}

fn one(source: &str) -> Task {
    let file = parse(source);
    assert_eq!(file.tasks.len(), 1, "{:?}", file.tasks);
    file.tasks[0].clone()
}

fn errors(source: &str) -> Vec<String> {
    parse(source)
        .diagnostics
        .into_iter()
        .filter(|d| d.severity == Severity::Error)
        .map(|d| d.message)
        .collect()
}

fn warnings(source: &str) -> Vec<String> {
    parse(source)
        .diagnostics
        .into_iter()
        .filter(|d| d.severity == Severity::Warning)
        .map(|d| d.message)
        .collect()
}

fn parents(source: &str) -> Vec<(String, Option<String>)> {
    parse(source).tasks.into_iter().map(|t| (t.id, t.parent)).collect()
}

fn pair(id: &str, parent: Option<&str>) -> (String, Option<String>) {
    (id.to_owned(), parent.map(str::to_owned))
}

#[test]
fn every_form_of_a_box_line_is_a_task() {
    for (line, id, title) in [
        ("- [ ] 1. Title", "1", "Title"),
        ("- [x] 1.1 Title", "1.1", "Title"),
        ("* [ ] 2. Title", "2", "Title"),
        ("+ [ ] 2. Title", "2", "Title"),
        ("- [ ]   1. Title", "1", "Title"),
        ("- [ ] **3.** Title", "3", "Title"),
        ("- [ ] **3. Title**", "3", "Title"),
        ("- [ ] Task 4: Title", "4", "Title"),
        ("- [ ] 5.2b Title", "5.2b", "Title"),
        ("- [ ] T001 [P] [US1] Title", "T001", "Title"),
        ("- [ ] [T001] Title", "T001", "Title"),
        ("- [ ] 1.1. Title <!-- abc -->", "1.1", "Title"),
        ("[x] **T1.1** Title", "T1.1", "Title"),
        ("3. [ ] Title", "3", "Title"),
        ("* [x] fix-this-1: Title", "fix-this-1", "Title"),
        ("### Task 1.1: Title", "1.1", "Title"),
        ("## [x] Task 1: Title ##", "1", "Title"),
        ("\t- [ ] 1. Title", "1", "Title"),
        ("- [ ] Just do it", "1", "Just do it"),
    ] {
        let task = one(line);
        assert_eq!((task.id.as_str(), task.title.as_str()), (id, title), "{line}");
        assert_eq!(task.span, 0..line.len());
    }
}

#[test]
fn marks_give_the_state() {
    let state = |mark: &str| one(&format!("- [{mark}] 1. T\n  - _Requirements: 1_\n")).state;
    assert_eq!(state(" "), TaskState::Todo);
    assert_eq!(state(""), TaskState::Todo);
    for done in ["x", "X", "✓", "✅", "✔\u{FE0F}", " x "] {
        assert_eq!(state(done), TaskState::Done, "{done}");
    }
    assert_eq!(state("-"), TaskState::InProgress);
    assert_eq!(state("~"), TaskState::Queued);
    assert_eq!(state("!"), TaskState::Blocked);
}

#[test]
fn a_legend_explains_marks_and_is_not_a_task() {
    let file = parse(
        "## Legend\n\n- [ ] Not started\n- [+] Blocked\n- [~] In progress\n\n## Tasks\n\n- [+] 1. A\n- [~] 2. B\n",
    );
    assert_eq!(
        file.tasks.iter().map(|t| t.state).collect::<Vec<_>>(),
        [TaskState::Blocked, TaskState::InProgress]
    );
    assert_eq!(file.ignored.iter().map(|i| i.why).collect::<Vec<_>>(), [IgnoredReason::Legend; 3]);
}

#[test]
fn a_star_makes_a_task_optional_and_a_word_in_its_title_does_not() {
    for line in ["- [ ]* 2.3 T", "- [ ]\\* 2.3 T", "- [ ]*2.3 T", "- [x]* 2.3 T"] {
        let task = one(line);
        assert!(task.optional && !task.optional_by_text, "{line}");
        assert_eq!((task.id.as_str(), task.title.as_str()), ("2.3", "T"), "{line}");
    }
    for title in ["T (optional)", "[optional] T", "T (Optional)", "T（可选）"] {
        let task = one(&format!("- [ ] 2.3 {title}"));
        assert!(!task.optional && task.optional_by_text, "{title}");
        assert_eq!(task.title, title);
    }
    assert!(!one("- [ ] 1. Make optional fields (strict)").optional_by_text);
}

#[test]
fn boxes_in_fences_comments_and_quotes_are_not_tasks() {
    let source = "```\n- [ ] 1. fence\n```\n<!--\n- [ ] 2. comment\n-->\n> - [ ] 3. quote\n~~~md\n```\n- [ ] 4. tilde\n~~~\n- [ ] 5. task\n";
    let file = parse(source);
    assert_eq!(file.tasks.len(), 1);
    assert_eq!(file.tasks[0].id, "5");
    assert_eq!(
        file.ignored.iter().map(|i| (i.line, i.why)).collect::<Vec<_>>(),
        [
            (2, IgnoredReason::Fence),
            (5, IgnoredReason::Comment),
            (7, IgnoredReason::Quote),
            (10, IgnoredReason::Fence)
        ]
    );
}

#[test]
fn a_comment_beats_the_fences_inside() {
    assert_eq!(ids("<!-- old\n```\n- [ ] 1. a\n-->\n- [ ] 2. b\n```\n- [ ] 3. c\n```\n"), ["2"]);
}

#[test]
fn a_fence_or_comment_that_never_closes_hides_nothing() {
    let file = parse("- [ ] 1. a\n  ```\n- [ ] 2. b\n");
    assert_eq!(file.tasks.len(), 2);
    assert_eq!(file.diagnostics[0].line, 2);
    assert_eq!(ids("- [ ] 1. a <!-- b\n- [ ] 2. c\n"), ["1", "2"]);
    assert_eq!(ids("- [ ] 1. write `<!--` here\n- [ ] 2. c\n-->\n"), ["1", "2"]);
}

#[test]
fn numbered_lines_are_tasks_only_where_nothing_else_is() {
    assert_eq!(ids("# Plan\n\n1. First\n2. Second\n   1. step\n"), ["1", "2"]);
    assert_eq!(ids("1. First\n   1.1 Part\n2. Second\n"), ["1", "1.1", "2"]);
    // A parent without a box over subtasks with boxes.
    assert_eq!(
        parents("1. First\n   - [ ] 1.1 Part\n2. Second\n   - [ ] 2.1 Part\n")[..2],
        [pair("1", None), pair("1.1", Some("1"))]
    );
    // Steps, notes and overviews are not tasks.
    let file = parse("## Overview\n\n1. Plan\n2. Build\n\n## Tasks\n\n- [ ] 1. Real\n  1. step\n");
    assert_eq!(file.tasks.len(), 1);
    assert_eq!(file.ignored.iter().map(|i| i.line).collect::<Vec<_>>(), [3, 4, 9]);
    assert!(ids("## Notes\n\n1. Mind this\n2. And that\n").is_empty());
    assert!(ids("## A\n1. x\n2. y\n## B\n1. z\n").is_empty());
    assert!(ids("1) prose\n2) more\n").is_empty());
}

#[test]
fn prose_that_starts_like_an_id_is_prose() {
    let file = parse("- [ ] 1. Build\n- [ ] 2. Ship\n- [ ] S3 + CloudFront\n- [x] 6 widgets\n");
    assert_eq!(file.tasks.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["1", "2", "box-1", "box-2"]);
    assert_eq!(file.tasks[3].title, "6 widgets");
    assert_eq!(ids("- [ ] 1 Build\n- [ ] 2 Ship\n"), ["1", "2"]);
    assert_eq!(ids("- [~] T029–T034 — reverted\n- [ ] T035 real\n"), ["box-1", "T035"]);
}

#[test]
fn the_number_beats_the_indentation() {
    let source = "- [ ] 6. A\n  - [ ] 6.7 B\n  - [ ] 7.1 C\n- [ ] 7. D\n- [ ] 7.2 E\n  - [ ] 7.2.1 F\n";
    assert_eq!(
        parents(source),
        [
            pair("6", None),
            pair("6.7", Some("6")),
            pair("7.1", Some("7")),
            pair("7", None),
            pair("7.2", Some("7")),
            pair("7.2.1", Some("7.2"))
        ]
    );
}

#[test]
fn indentation_decides_the_parent_of_a_number_with_a_letter() {
    assert_eq!(parents("- [ ] 5. A\n  - [ ] 5.2 B\n  - [ ] 5.2b C\n")[2], pair("5.2b", Some("5")));
    assert_eq!(parents("- [ ] 5. A\n  - [ ] 5.2 B\n    - [ ] 5.2b C\n")[2], pair("5.2b", Some("5.2")));
}

#[test]
fn a_whole_number_has_no_parent() {
    assert_eq!(
        parents("- [ ] 1 A\n  - [ ] 2 B\n    - [ ] 2.1 C\n"),
        [pair("1", None), pair("2", None), pair("2.1", Some("2"))]
    );
    assert_eq!(parents("- [ ] 3. A\n\n- [ ] 3.5. B\n\n- [ ] 4. C\n")[1], pair("3.5", None));
    // Numbers that count from one inside a task are its steps.
    assert_eq!(ids("- [ ] 3. A\n  - [ ] 1. step\n  - [ ] 2. step\n"), ["3"]);
}

#[test]
fn a_heading_makes_a_group_where_no_task_has_its_number() {
    let file = parse("## 1. Setup\n\n- [ ] 1.1 A\n- [ ] 1.2 B\n\n## 2. Core\n\n- [ ] 2.1 C\n");
    assert_eq!(file.dialect, Dialect::OpenSpec);
    assert_eq!(
        file.tasks.iter().map(|t| t.group.clone().unwrap_or_default()).collect::<Vec<_>>(),
        ["1", "1", "2"]
    );
    assert_eq!(
        (file.groups[0].id.as_str(), file.groups[0].title.as_str(), file.groups[0].line),
        ("1", "Setup", 1)
    );
    // A phase of that number stands between: `2.1` is not a child of task 2, and its group has an id of its own.
    let file = parse("## Phase 1\n\n- [ ] 1. A\n- [ ] 2. B\n\n## Phase 2\n\n- [ ] 2.1 C\n");
    assert_eq!((file.tasks[2].parent.as_deref(), file.tasks[2].group.as_deref()), (None, Some("section-2")));
}

#[test]
fn details_keep_order_nesting_and_fences_without_other_tasks() {
    let source = "- [ ] 1. A\n  - detail\n    - deeper\n\n    ```sh\nrun\n    - [ ] 9. no\n    ```\n  - [ ] 1.1 B\n    - of b\n  - of a again\n\nparagraph\n";
    let file = parse(source);
    assert_eq!(
        file.tasks[0].details,
        "  - detail\n    - deeper\n\n    ```sh\nrun\n    - [ ] 9. no\n    ```\n  - of a again"
    );
    assert_eq!(file.tasks[1].details, "- of b");
    assert_eq!(one("- [ ] 1. A\n  - b\n    - c\n").details, "- b\n  - c");
    assert_eq!(
        one("- [ ] 7. Implement parsing with backtracking,\n  input and alternatives.\n").details,
        "input and alternatives."
    );
}

#[test]
fn a_heading_task_owns_all_lines_up_to_the_next() {
    let file = parse(
        "## Phase 1\n\n### Task 1.1: A\n\ntext\n\n- [x] step\n- [x] step\n\n#### Notes\n\nmore\n\n### Task 1.2: B\n- [ ] step\n",
    );
    assert_eq!(file.tasks[0].details, "text\n\n- [x] step\n- [x] step\n\n#### Notes\n\nmore");
    assert_eq!((file.tasks[0].state, file.tasks[1].state), (TaskState::Done, TaskState::Todo));
    assert_eq!(file.ignored.iter().map(|i| i.why).collect::<Vec<_>>(), [IgnoredReason::Step; 3]);
}

#[test]
fn metadata_loses_only_its_outer_underscores() {
    let task = one(
        "- [ ] 1. A\n  - _Requirements: 1.1, 2.3_\n  _writes: a/__init__.py_\n  - _not metadata_\n  - *Leverage: x*\n",
    );
    let pairs: Vec<(&str, &str)> = task.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(pairs, [("Requirements", "1.1, 2.3"), ("writes", "a/__init__.py"), ("Leverage", "x")]);
}

#[test]
fn a_dependency_that_names_no_task_is_a_warning() {
    let file = parse("- [ ] 1. A\n  - depends on: 7\n- [ ] 2. B\n  - Dependencies: react@19.2, zod\n");
    assert!(file.tasks.iter().all(|t| t.depends_on.is_empty()) && !file.has_errors());
    assert_eq!(file.diagnostics.len(), 2);
    assert_eq!((file.diagnostics[0].line, file.diagnostics[0].column), (2, 17));
    // Words are not a dependency.
    assert!(
        parse("- [ ] 1. A\n  - the result depends on 2 factors\n- [ ] 2. B\n").tasks[0].depends_on.is_empty()
    );
}

#[test]
fn a_circle_is_an_error_that_shows_its_tasks() {
    assert_eq!(
        errors("- [ ] 1. A\n  - depends on: 3\n- [ ] 2. B\n- [ ] 3. C\n  - depends on: 1\n"),
        ["tasks depend on each other in a circle: 1 → 3 → 1"]
    );
    assert_eq!(errors("- [ ] 3. A\n  - depends on: 3\n"), ["task 3 depends on itself: 3 → 3"]);
}

#[test]
fn a_chain_as_long_as_the_file_does_not_overflow_the_stack() {
    parses_a_circle_of(20_000);
}

#[test]
#[ignore = "takes seconds"]
fn a_chain_of_a_hundred_thousand_does_not_overflow_the_stack() {
    parses_a_circle_of(100_000);
}

/// Each task depends on the next one, and the last on the first.
fn parses_a_circle_of(tasks: usize) {
    let mut source = String::new();
    for i in 1..=tasks {
        let _ = writeln!(source, "- [ ] {i}. A (depends on: {})", if i == tasks { 1 } else { i + 1 });
    }
    let file = parse(&source);
    assert_eq!(file.tasks.len(), tasks);
    assert_eq!(file.diagnostics.len(), 1);
    assert!(file.diagnostics[0].message.len() < 200);
}

#[test]
fn a_duplicate_id_points_at_the_second_and_names_the_first() {
    let file = parse("\u{FEFF}- [ ] 1. A\r\n- [ ] 2. B\r\n- [ ] 1. C\r\n");
    let d = &file.diagnostics[0];
    assert_eq!((d.line, d.column, d.message.as_str()), (3, 7, "task id 1 is used twice, first on line 1"));
    assert_eq!(file.tasks[0].span.start, 3);
}

#[test]
fn merge_conflicts_are_errors_and_samples_of_them_are_not() {
    let source = "- [ ] 1. A\n<<<<<<< HEAD\n- [ ] 2. B\n=======\n- [ ] 2. C\n>>>>>>> other\n";
    assert_eq!(errors(source)[0], "unresolved merge conflict, lines 2 to 6");
    assert!(errors("- [ ] 1. A\n  ```\n<<<<<<< HEAD\n=======\n>>>>>>> b\n  ```\n").is_empty());
    assert!(errors("Title\n=======\n\n- [ ] 1. A\n").is_empty());
}

#[test]
fn a_file_without_tasks_is_an_error_with_a_hint() {
    for source in ["", "\u{FEFF}", "\n\n", "# Tasks\n\nnothing yet\n", "- [P] tasks = parallel\n"] {
        let file = parse(source);
        assert_eq!(file.diagnostics.len(), 1, "{source:?}");
        assert!(file.has_errors() && file.diagnostics[0].hint.contains("- [ ] 1. Title"));
    }
}

#[test]
fn odd_lines_are_tasks_with_a_warning() {
    assert!(warnings("[x] 17.1 A\n")[0].contains("no list bullet"));
    assert!(warnings("- [ ] - [X] T002 A\n")[0].contains("two boxes"));
    assert!(warnings("- [ ] 1 A\n- [ ] 2 B\n  - [ ] 3 C\n")[0].contains("its number follows that one"));
}

#[test]
fn boxes_of_criteria_and_checklists_are_not_tasks() {
    let source = "## Tasks\n- [ ] 1. A\n\n## Definition of Done\n- [ ] all green\n\n## 验收标准\n- [ ] 通过\n\n## Progress Tracking\n### Sprint 1\n- [ ] half\n\n**Acceptance Criteria:**\n- [ ] fine\n";
    let file = parse(source);
    assert_eq!(file.tasks.len(), 1);
    assert_eq!(file.ignored.iter().map(|i| i.why).collect::<Vec<_>>(), [IgnoredReason::Section; 4]);
    assert_eq!(ids("## Phase 3: Progress bar\n- [ ] 1. A\n- [ ] loose\n"), ["1", "box-1"]);
}

#[test]
fn a_word_in_a_checklist_that_looks_like_an_id_is_a_word() {
    let tasks = "- [ ] T001 A\n- [ ] T002 B\n- [ ] T-HF01 C\n";
    for line in ["E2E tests pass", "E2Eテストが通るか", "IPv6 works", "S3バケットがある"] {
        let file = parse(&format!("{tasks}\n## Review checklist\n\n- [ ] {line}\n- [ ] Text\n"));
        assert_eq!(file.tasks.len(), 3, "{line}: {:?}", file.tasks[3..].first());
        assert_eq!(file.ignored.len(), 2, "{line}");
    }
    // an id in the form of the file's other ids counts in any section
    assert_eq!(parse(&format!("{tasks}\n## Review fixes\n\n- [ ] T-HF02 D\n")).tasks.len(), 4);
    assert_eq!(ids("- [ ] T1工作\n- [ ] 1.1工作\n- [ ] T-2：工作\n"), ["T1", "1.1", "T-2"]);
}

#[test]
fn table_rows_are_tasks_only_where_nothing_else_is() {
    let table = "| ID | Task | Status | Depends |\n|----|------|--------|---------|\n| 1.1 | A | done | — |\n| 1.2 | B \\| C | pending | 1.1 |\n";
    let file = parse(table);
    assert_eq!(file.dialect, Dialect::Table);
    assert_eq!(
        (file.tasks[1].title.as_str(), file.tasks[0].state, file.tasks[1].state),
        ("B \\| C", TaskState::Done, TaskState::Todo)
    );
    assert_eq!(file.tasks[1].depends_on, ["1.1"]);
    assert_eq!(ids(&format!("- [ ] 1. A\n\n{table}")), ["1"]);
}

#[test]
fn waves_are_kept_as_written() {
    let waves = |json: &str| {
        parse(&format!("- [ ] 1. A\n\n## Task Dependency Graph\n\n```json\n{json}\n```\n")).waves
    };
    assert_eq!(
        waves("{\"waves\": [{\"id\": 0, \"tasks\": [\"1.1\", \"1.2\"]}, {\"tasks\": [2]}]}"),
        [vec!["1.1", "1.2"], vec!["2"]]
    );
    assert_eq!(waves("{\"waves\": [[1], [2, \"3\"]]}"), [vec!["1"], vec!["2", "3"]]);
    assert!(waves("{\"waves\": broken").is_empty());
}

#[test]
fn the_graph_gives_order_and_not_dependencies() {
    let source = "- [ ] 1. A\n- [ ] 2. B\n\n## Task Dependency Graph\n\n```json\n{\"waves\": [[2], {\"tasks\": [1, 9], \"dependsOn\": {\"1\": [2]}}]}\n```\n";
    let file = parse(source);
    assert_eq!(file.waves, [vec!["2"], vec!["1", "9"]]);
    assert_eq!(file.waves_line, 6);
    assert_eq!((&file.tasks[0].after[..], &file.tasks[0].depends_on[..]), (&["2".to_owned()][..], &[][..]));
    assert_eq!(warnings(source), ["the dependency graph names \"9\", which is not a task of this file"]);
}

#[test]
fn a_broken_graph_is_a_warning_and_a_sample_in_a_task_is_ignored() {
    let broken = "- [ ] 1. A\n\n## Task Dependency Graph\n\n```json\n{\"waves\": broken\n```\n";
    assert!(warnings(broken)[0].starts_with("the dependency graph cannot be read"), "{:?}", warnings(broken));
    let sample = "- [ ] 1. A\n  ```json\n  {\"waves\": [[1]]}\n  ```\n";
    assert!(parse(sample).waves.is_empty() && warnings(sample).is_empty());
}

#[test]
fn a_circle_through_the_graph_is_an_error() {
    let source = "- [ ] 1. A\n  - _Depends: 2_\n- [ ] 2. B\n\n## Task Dependency Graph\n\n```json\n{\"waves\": [{\"tasks\": [1, 2], \"dependsOn\": {\"2\": [1]}}]}\n```\n";
    assert_eq!(errors(source).len(), 1);
}

#[test]
fn ranges_that_name_too_many_tasks_are_an_error() {
    let mut source = String::new();
    for i in 1..=2_000 {
        let _ = writeln!(source, "- [ ] {i}. A\n  - Depends on: 1-2000");
    }
    assert!(errors(&source).iter().any(|e| e.contains("more than a million")), "{:?}", errors(&source).len());
}

#[test]
fn a_forced_dialect_beats_the_evidence() {
    let source = "## 1. Setup\n\n- [ ] 1.1 A\n\n## 2. Build\n\n- [ ] 2.1 B\n\n| ID | Task |\n|---|---|\n| 7 | C |\n\n3. D\n";
    let ids = |dialect| parse_as(source, dialect).tasks.into_iter().map(|t| t.id).collect::<Vec<_>>();
    assert_eq!(ids(None), ["1.1", "2.1"]);
    assert_eq!(ids(Some(Dialect::Kiro)), ["1.1", "2.1"]);
    assert_eq!(ids(Some(Dialect::Headings)), ["1", "1.1", "2", "2.1"]);
    assert_eq!(ids(Some(Dialect::Table)), ["7"]);
    let file = parse_as(source, Some(Dialect::Table));
    assert_eq!((file.dialect, file.dialect_reason.as_str()), (Dialect::Table, "tasks.dialect says so"));
    let none = parse_as("- [ ] 1. A\n", Some(Dialect::Table));
    assert!(none.diagnostics[0].hint.contains("tasks.dialect"), "{:?}", none.diagnostics);
}
