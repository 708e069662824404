//! The same tasks as other people write them, and lines in their files that only look like tasks.

use super::*;

/// Id, title and parent of each task.
fn read(source: &str) -> Vec<String> {
    let file = parse(source);
    let tasks = file.tasks.iter();
    tasks
        .map(|t| {
            let parent = t.parent.as_ref().map_or(String::new(), |p| format!(" in {p}"));
            format!("{} {}{parent}", t.id, t.title)
        })
        .collect()
}

fn states(source: &str) -> Vec<TaskState> {
    parse(source).tasks.iter().map(|t| t.state).collect()
}

#[test]
fn a_missing_blank_next_to_a_box_loses_no_task() {
    let tasks = read("-[ ] 7. A\n-[x] 8. B\n- [ ]9. C\n  -[ ]9.1 D\n");
    assert_eq!(tasks, ["7 A", "8 B", "9 C", "9.1 D in 9"]);
    assert_eq!(read("- [ ] 1. A\n-[x](docs/a.md)\n*[x] so* it is\n[2]9 B\n"), ["1 A"]);
}

#[test]
fn the_decoration_of_an_id_does_not_change_the_tasks() {
    let plain = read("- [ ] 1. **Bold** one\n  - [ ] 1.1 Part\n- [ ] 2. Two\n");
    for (name, before, after) in [
        ("dot", "", ". "),
        ("colon", "", ": "),
        ("bracket", "", ") "),
        ("dash", "", " - "),
        ("em dash", "", " — "),
        ("en dash", "", " – "),
        ("blank before the colon", "", " : "),
        ("full-width dot", "", "．"),
        ("bold", "**", ".** "),
        ("backticks", "`", "` "),
        ("brackets", "[", "] "),
        ("word", "Task ", ": "),
        ("number sign", "Task #", ": "),
        ("French", "Tâche ", " : "),
        ("Chinese", "任务 ", "："),
        ("Japanese", "タスク", ": "),
        ("Russian", "Задача ", ": "),
        ("below a task", "SubTask ", ": "),
        ("a sign", "🔴 ", ". "),
    ] {
        let id = |id: &str| format!("{before}{id}{after}");
        let source =
            format!("- [ ] {}**Bold** one\n  - [ ] {}Part\n- [ ] {}Two\n", id("1"), id("1.1"), id("2"));
        assert_eq!(read(&source), plain, "{name}: {source}");
    }
}

#[test]
fn ids_in_brackets_are_ids_and_estimates_are_not() {
    assert_eq!(read("- [ ] `T001` A\n- [ ] [T002] B\n- [ ] **`T003`** C\n"), ["T001 A", "T002 B", "T003 C"]);
    assert_eq!(read("- [ ] [2h] Do it\n- [ ] [US1] Do more\n"), ["1 [2h] Do it", "2 Do more"]);
    assert_eq!(
        read("- [ ] 1. A\n- [ ] 10:30 meet\n- [ ] Task-3: B\n"),
        ["1 A", "box-1 10:30 meet", "Task-3 B"]
    );
}

#[test]
fn a_range_is_not_an_id_and_a_dash_before_a_word_is_not_a_range() {
    assert_eq!(read("- [ ] 9. A\n- [ ] 10.1–10.7 → gone\n"), ["9 A", "box-1 10.1–10.7 → gone"]);
    assert_eq!(read("- [ ] 5.1 – E2E tests\n- [ ] 5.2 – 3rd party\n"), ["5.1 E2E tests", "5.2 3rd party"]);
}

#[test]
fn a_star_after_the_id_is_a_star() {
    for line in ["- [ ] 2.2* Tests", "- [ ] 2.2.* Tests", "- [ ] 2.2\\* Tests"] {
        let task = one(line);
        assert_eq!((task.id.as_str(), task.title.as_str(), task.optional), ("2.2", "Tests", true), "{line}");
    }
    assert!(!one("- [ ] 2.2 *Tests* first").optional);
}

#[test]
fn markers_are_removed_with_their_punctuation() {
    for line in ["- [ ] T001 [P]: A", "- [ ] T001 [P] - A", "- [ ] T001 [P] [US1]: A", "- [ ] T001 [P?] A"] {
        let task = one(line);
        assert_eq!((task.title.as_str(), task.parallel), ("A", true), "{line}");
    }
    // After ids of spec-kit, any brackets are a marker, except for a link, a box and `[Optional]`.
    for (text, title) in [
        ("[Story: US1] A", "A"),
        ("[Backend] A", "A"),
        ("[US1–US7] [ALL] A", "A"),
        ("[A](b.md) c", "[A](b.md) c"),
        ("[x] A", "[x] A"),
        ("[Optional] A", "[Optional] A"),
    ] {
        assert_eq!(one(&format!("- [ ] T001 {text}")).title, title);
    }
    assert_eq!(one("- [ ] 1.1 [Backend] A").title, "[Backend] A");
}

#[test]
fn a_dot_after_dotted_ids_matters_only_where_it_is_rare() {
    assert_eq!(read("- [ ] 3. A\n- [ ] 3.5. B\n- [ ] 4. C\n"), ["3 A", "3.5 B", "4 C"]);
    assert_eq!(
        read("- [ ] 3. A\n- [ ] 3.1. B\n- [ ] 4. C\n- [ ] 4.1. D\n- [ ] 4.2. E\n"),
        ["3 A", "3.1 B in 3", "4 C", "4.1 D in 4", "4.2 E in 4"]
    );
}

#[test]
fn list_numbers_that_start_again_are_not_ids() {
    let source = "## A\n\n1. [ ] One\n2. [ ] Two\n\n## B\n\n1. [ ] Three\n2. [x] Four\n";
    assert_eq!(read(source), ["1 One", "2 Two", "3 Three", "4 Four"]);
    assert!(errors(source).is_empty());
    assert_eq!(read("1. [ ] One\n2. [ ] Two\n"), ["1 One", "2 Two"]);
}

#[test]
fn a_number_in_a_checklist_is_a_number() {
    let source = "## 3. Build\n\n- [ ] 3.1 Code\n\n## Definition of Done\n\n- [ ] 3 people agree\n";
    let file = parse(source);
    assert_eq!(read(source), ["3.1 Code"]);
    assert_eq!((file.ignored[0].line, file.ignored[0].why), (7, IgnoredReason::Section));
    // elsewhere it is a parent only right above its subtasks
    assert_eq!(read("- [ ] 3 Build\n- [ ] 3.1 Code\n"), ["3 Build", "3.1 Code in 3"]);
    assert_eq!(
        read("## 3. A\n\n- [ ] 3.1 Code\n\n## 4. B\n\n- [ ] 3 buttons\n- [ ] 4.1 More\n"),
        ["3.1 Code", "box-1 3 buttons", "4.1 More"]
    );
}

#[test]
fn a_sample_that_markdown_shows_as_code_is_not_a_task() {
    let source = "## Format\n\n\t- [ ] T099 Like this\n\n## Work\n\n- [ ] T001 A\n    - [ ] T002 B\n";
    let file = parse(source);
    assert_eq!(ids(source), ["T001", "T002"]);
    assert_eq!((file.ignored[0].line, file.ignored[0].why), (3, IgnoredReason::Fence));
    assert_eq!(
        ids("# Plan\n\n    - [ ] 1. A\n    - [ ] 2. B\n"),
        ["1", "2"],
        "all tasks of this file are indented"
    );
}

#[test]
fn signs_in_a_heading_give_its_state() {
    for (heading, state) in [
        ("## ✅ Task 1: A", TaskState::Done),
        ("## Task 1 ✅: A", TaskState::Done),
        ("## Task 1: A ✅", TaskState::Done),
        ("## Task 1: A ✅ COMPLETE", TaskState::Done),
        ("## Task 1: A [DONE]", TaskState::Done),
        ("## Task 1: A (Completed)", TaskState::Done),
        ("## Task 1: A [x]", TaskState::Done),
        ("## 🔄 Task 1: A", TaskState::InProgress),
        ("## Task 1: A 🚧", TaskState::InProgress),
        ("## ❌ Task 1: A", TaskState::Blocked),
        ("## ⬜ Task 1: A", TaskState::Todo),
        ("## Task 1: A (API)", TaskState::Todo),
        ("## Task 1: A (active)", TaskState::Todo),
    ] {
        assert_eq!(states(&format!("{heading}\n\nText.\n")), [state], "{heading}");
    }
    assert_eq!(states("## Task 1: Headers (new)\n\n- [x] a\n"), [TaskState::Done], "its boxes say it");
    let source = "### Task 1 ✅: A\n\n- [ ] a\n\n### Task 2 ✅: B\n\n- [ ] b\n";
    assert_eq!(states(source), [TaskState::Done; 2]);
    assert_eq!(warnings(source), ["task 1 and 1 more are marked done, but boxes below them are open"]);
}

#[test]
fn numbered_headings_with_task_fields_are_tasks() {
    let source = "# Plan\n\n### 1. A\n- do\n- _Requirements: 1.1_\n\n### 2. B\n- do\n- _Requirements: 1.2_\n\n\
                  ## Checklist\n\n1. [ ] all\n2. [ ] of it\n";
    assert_eq!(read(source), ["1 A", "2 B"]);
    assert!(
        ids("# Paper\n\n## 1. Aim\n\n**Status**: draft\n\n## 2. Scope\n\nText.\n\n## 3. End\n").is_empty()
    );
}

#[test]
fn a_heading_that_only_looks_like_a_task_is_said_to_be_none() {
    let file =
        parse("## Task 1: Prose\n\nDo it.\n\n## Task 2: Boxes\n\n- [ ] 2.1 a\n- [ ] 2.2 b\n- [ ] 2.3 c\n");
    assert_eq!(file.reading, "3 tasks from ## Task 2: Boxes; 1 heading names a task and is none: line 1");
    assert_eq!(file.groups.len(), 1);
}

#[test]
fn a_legend_may_be_a_table_or_use_unknown_words() {
    let source = "- [ ] Not started\n- [~] Half baked\n- [x] Done\n\n- [~] 1. A\n- [x] 2. B\n";
    assert_eq!(ids(source), ["1", "2"]);
    let source = "| Mark | Meaning |\n|---|---|\n| `[~]` | Deferred |\n| `[x]` | Done |\n\n- [~] T001 A\n- [ ] T002 B\n";
    assert_eq!(states(source), [TaskState::Skipped, TaskState::Todo]);
    // a list of work is not a legend
    assert_eq!(ids("- [ ] Todo\n- [x] Write the parser\n- [-] Read it\n"), ["1", "2", "3"]);
}

#[test]
fn a_merge_conflict_does_not_cut_a_table_in_two() {
    let source = "| ID | Task (what) | Status |\n|---|---|---|\n| 1 | a | done |\n<<<<<<< HEAD\n| 2 | b | done |\n=======\n\
                  | 3 | c | todo |\n>>>>>>> main\n| 4 | d | todo |\n";
    assert_eq!(ids(source), ["1", "2", "3", "4"]);
    assert_eq!(errors(source), ["unresolved merge conflict, lines 4 to 8"]);
}

#[test]
fn a_group_has_a_clean_title() {
    let file = parse("## **1. Base**\n\n- [ ] 1.1 a\n- [ ] 1.2 b\n\n## 🚀 Phase 2: Core\n\n- [ ] 2.1 c\n");
    let groups: Vec<_> = file.groups.iter().map(|g| (g.id.as_str(), g.title.as_str())).collect();
    assert_eq!(groups, [("1", "Base"), ("2", "Core")]);
}

#[test]
fn yaml_in_the_head_is_read_as_yaml() {
    let source = "---\nname: x\ntodos:\n  - id: a\n    content: >-\n      Write the writer,\n      with all columns\n    status: completed # ok\n  - {id: b, content: \"Test: it\", status: pending, dependencies: [a]}\n  - id: c\n    content: Say it: in the help\n    status: odd\n    dependencies:\n      - b\n      - z\n    notes: Ask first\n  - Only a text\n---\n\n# X\n\n- [ ] a box\n";
    let file = parse(source);
    let said: Vec<_> = file.tasks.iter().map(|t| (t.id.as_str(), t.title.as_str(), t.state)).collect();
    assert_eq!(
        said,
        [
            ("a", "Write the writer, with all columns", TaskState::Done),
            ("b", "Test: it", TaskState::Todo),
            ("c", "Say it: in the help", TaskState::Todo),
            ("4", "Only a text", TaskState::Todo),
        ]
    );
    assert_eq!(
        (&file.tasks[1].depends_on[..], &file.tasks[2].depends_on[..]),
        (&["a".to_owned()][..], &["b".to_owned()][..])
    );
    assert_eq!(file.tasks[2].details, "Notes:\nAsk first");
    let warnings: Vec<_> = file.diagnostics.iter().map(|d| (d.line, d.message.as_str())).collect();
    assert_eq!(
        warnings,
        [
            (12, "the status `odd` of task c is not known, so the task is open"),
            (11, "task c depends on \"z\", which is not a task of this file"),
        ]
    );
    assert_eq!((file.ignored.len(), file.reading.as_str()), (1, "4 tasks; 1 box under \"X\" is not a task"));
    let (ticked, _) = tick(source, &["a", "b", "c"], 'x');
    let expected =
        source.replace("status: pending,", "status: completed,").replace("status: odd", "status: completed");
    assert_eq!(ticked, expected);
    let broken = parse("---\ntodos:\n  - id: [a\n    content: x\n---\n- [ ] no task\n");
    assert!(broken.has_errors() && broken.tasks.is_empty());
    assert_eq!(parse("---\ntodos: []\n---\n- [ ] a task\n").tasks.len(), 1);
}

#[test]
fn values_of_json_that_are_not_known_are_open_work_with_a_warning() {
    let source = "{\"tasks\": [\n{\"id\": 1, \"title\": \"A\", \"status\": \"weird\"},\n{\"id\": 2, \"title\": \"B\", \"status\": 1, \"dependencies\": \"1\"},\n{\"id\": 3, \"title\": \"C\", \"status\": null, \"subtasks\": [{\"id\": 1, \"title\": \"CA\", \"subtasks\": [{\"id\": 1, \"title\": \"CAA\"}]}]},\n\"A text\",\n7],\n\"next\": {\"tasks\": [{\"id\": 1, \"title\": \"X\"}]}}\n";
    let file = parse(source);
    let ids: Vec<_> = file.tasks.iter().map(|t| t.id.as_str()).collect();
    assert_eq!(ids, ["1", "2", "3", "3.1", "3.1.1", "4"]);
    let lines: Vec<_> = file.diagnostics.iter().map(|d| d.line).collect();
    assert_eq!(lines, [2, 3, 4, 6], "{:?}", file.diagnostics);
    assert_eq!(file.tasks[1].depends_on, ["1"]);
    assert_eq!(file.reading, "6 tasks from tasks; 1 task of next.tasks not read");
    let (ticked, missed) = tick(source, &["1", "2", "3", "4"], 'x');
    let expected = source.replace("\"weird\"", "\"done\"").replace("\"status\": 1", "\"status\": \"done\"");
    assert_eq!(ticked, expected.replace("\"status\": null", "\"status\": \"done\""));
    assert_eq!(missed, ["4"]);
    let odd =
        parse("[{\"name\": \"A\", \"passes\": \"no\"}, {\"content\": \"B\", \"status\": \"completed\"}]");
    assert_eq!((odd.diagnostics.len(), odd.tasks[1].state), (1, TaskState::Done));
}
