//! Dependencies: the spellings that real files use, and what only looks like a dependency.

use super::*;

/// What each task of a file depends on: `3: 1 2; 4: 3`.
fn waits(source: &str) -> String {
    let file = parse(source);
    let all = file.tasks.iter().filter(|t| !t.depends_on.is_empty());
    all.map(|t| format!("{}: {}", t.id, t.depends_on.join(" "))).collect::<Vec<_>>().join("; ")
}

#[test]
fn a_line_below_a_task_names_its_dependencies() {
    for text in [
        "_Depends: 1, 2_",
        "_Depends on: 1, 2_",
        "**Dependencies:** Task 1, Task 2",
        "**Dependencies:** 1 (agent module init), 2 (lazy)",
        "depends on: 1, 2",
        "**Depends On**: Task 1-2",
        "**Depends**: 1, 2",
        "**Deps**: 1 (why), 2",
        "Depend on tasks 1 and 2; follow the doc.",
        "**DEPENDENCY**: Tasks 1 and 2 (the base) must be completed first",
        "**依赖**: Task 1-2",
        "**依赖**: Task 1–2",
        "**依存**: Task 1, Task 2",
        "**依存関係**: 1、2",
        "**Dependencies:** [D: 1, 2]",
        "Dependencies: #1, #2",
        "**Dependencies**: 1、2",
        "Blocked by: 1, 2",
        "_Blocked-by: 1, 2_",
        "depends_on: [1, 2]",
        "Depends on completion of tasks 1 and 2",
        "This task depends on tasks 1 and 2.",
        "Dependencies: Requires Task 1, Task 2",
        "**Dependencies (hard)**: 1, 2",
        "Prerequisites: Task 1, Task 2",
        "Dependencias: 1, 2",
        "Dependências: Tarefa 1, Tarefa 2",
        "Depende de: 1, 2",
        "Abhängigkeiten: Aufgabe 1 und 2",
        "Dépendances : Tâche 1, Tâche 2",
        "Зависимости: 1, 2",
        "의존성: 1, 2",
        "前置依赖: 任务 1, 任务 2",
        "依存タスク: タスク1、タスク2",
    ] {
        let source = format!("- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n  - {text}\n");
        assert_eq!(waits(&source), "3: 1 2", "{text}");
        assert!(parse(&source).diagnostics.is_empty(), "{text}: {:?}", parse(&source).diagnostics);
    }
}

#[test]
fn dependencies_can_name_ids_of_every_shape() {
    for (ids, text, expected) in [
        ("1 1.1 1.2 2", "_Depends: 1.1, 1.2_", "1.1 1.2"),
        ("1 1.1 1.2 2", "**依存**: Task 1.1, Task 1.2", "1.1 1.2"),
        ("1 1.1 1.2 2", "Dependencies: 1", "1"),
        ("T003 T004 T005", "**Deps**: T003, T004 (lazy)", "T003 T004"),
        ("T003 T004 T005 T006", "**Dependencies:** T003–T005", "T003 T004 T005"),
        ("T003 T004 T005 T006", "**Dependencies:** T003-T005", "T003 T004 T005"),
        ("T003 T004 T005 T006", "**Dependencies:** T003-005", "T003 T004 T005"),
        ("CORE-1 CORE-2 CORE-3", "**Dependencies:** CORE-1, CORE-2", "CORE-1 CORE-2"),
        ("T1 T2 T3", "- **Depends**: T1, T2", "T1 T2"),
        // a range follows the order of the document, at the depth of its first task
        ("1 1.1 1.2 2 3", "**Depends On**: Task 1-2", "1 2"),
        ("1 1.1 1.2 1.3 2", "**Depends On**: 1.1-1.3", "1.1 1.2 1.3"),
    ] {
        let ids: Vec<&str> = ids.split(' ').collect();
        let last = ids[ids.len() - 1];
        let mut source = String::new();
        for id in &ids {
            let indent = if id.contains('.') { "  " } else { "" };
            writeln!(source, "{indent}- [ ] {id} Title").unwrap();
        }
        writeln!(source, "  - {text}").unwrap();
        assert_eq!(waits(&source), format!("{last}: {expected}"), "{source}");
    }
}

#[test]
fn a_title_can_name_dependencies() {
    for (title, id) in [
        ("B (depends on T001)", "T002"),
        ("B *(depends on T001)*", "T002"),
        ("B (DEFERRED - depends on T001)", "T002"),
        ("B (blocked by T001)", "T002"),
        ("B (after T001)", "T002"),
        ("B (requires T001)", "T002"),
        ("B (deps: T001)", "T002"),
        ("B. Depends on T001", "T002"),
    ] {
        assert_eq!(waits(&format!("- [ ] T001 A\n- [ ] T002 {title}\n")), format!("{id}: T001"), "{title}");
    }
    assert_eq!(
        waits("- [ ] T001 A\n- [ ] T002 B\n- [ ] T003 C *(depends on T001, T002)*\n"),
        "T003: T001 T002"
    );
}

#[test]
fn the_items_below_a_key_are_its_list() {
    for text in [
        "  - **Dependencies:**\n    - 1\n    - Task 2 (the base)\n",
        "  - Dependencies:\n\n    - Task 1\n    - Task 2\n  - 3 more things\n",
    ] {
        let source = format!("- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n{text}");
        assert_eq!(waits(&source), "3: 1 2", "{source}");
    }
    let source = "### Task 1: A\n\n### Task 2: B\n\n**Dependencies:**\n- Task 1\n\n**Files:**\n- Task 2\n";
    assert_eq!(waits(source), "2: 1");
    let packages = "- [ ] 1. A\n- [ ] 2. B\n  - Dependencies:\n    - react 19\n    - zod\n";
    assert_eq!((waits(packages), parse(packages).diagnostics.len()), (String::new(), 0));
}

#[test]
fn a_prompt_for_another_agent_is_not_a_dependency() {
    for line in ["- **Prompt**: \"Do T002; depends on T002\"", "- _Prompt: Wait, depends on T002_"] {
        assert_eq!(waits(&format!("- [ ] T001 A\n  {line}\n- [ ] T002 B\n")), "", "{line}");
    }
}

#[test]
fn a_list_in_brackets_followed_by_words_is_prose() {
    assert_eq!(waits("- [ ] T001 A\n- [ ] T002 B (after T001 was seen to work)\n"), "");
}

#[test]
fn a_table_column_names_dependencies() {
    let table = "| ID | Task | Depends |\n|---|---|---|\n| T1 | A | - |\n| T2 | B | T1 |\n| T3 | C | T1, T2 |\n| T4 | D | none |\n";
    assert_eq!(waits(table), "T2: T1; T3: T1 T2");
}

#[test]
fn a_section_about_order_names_both_tasks() {
    for section in ["# Task Dependencies", "## 任务依赖"] {
        let word = if section.is_ascii() { "depends on" } else { "依赖" };
        let source =
            format!("## [ ] Task 1: A\n\n## [ ] Task 2: B\n\n{section}\n\n- [Task 1] {word} [Task 2]\n");
        assert_eq!(waits(&source), "1: 2", "{source}");
        assert_eq!(waits(&source.replace(['[', ']'], "").replace("##  ", "## [ ] ")), "1: 2", "{source}");
    }
}

#[test]
fn heading_tasks_name_dependencies_in_a_field() {
    for field in [
        "**Dependencies**: Task 1.1, Task 1.2",
        "- **Depends on:** 1.1, 1.2",
        "**Dependencies:** Task 1.1-1.2",
    ] {
        let source = format!("### Task 1.1: A\n\n### Task 1.2: B\n\n### Task 1.3: C\n\n{field}\n");
        assert_eq!(waits(&source), "1.3: 1.1 1.2", "{field}");
    }
}

#[test]
fn none_has_many_spellings_and_is_not_an_error() {
    for text in [
        "None",
        "none",
        "N/A",
        "—",
        "-",
        "无",
        "無",
        "なし",
        "None (can start at once)",
        "No dependencies",
        "∅",
        "[]",
        "无依赖",
    ] {
        for key in ["**Dependencies:**", "**Deps**:", "- **Depends On**:", "- **依赖**:"] {
            let source = format!("- [ ] 1. A\n- [ ] 2. B\n  {key} {text}\n");
            let file = parse(&source);
            assert_eq!(waits(&source), "", "{key} {text}");
            assert!(file.diagnostics.is_empty(), "{key} {text}: {:?}", file.diagnostics);
        }
    }
}

#[test]
fn words_that_are_not_ids_make_no_dependency() {
    for text in [
        "**Dependencies:** [D: Checkpoint 2]",
        "**Dependencies:** All previous tasks",
        "Dependencies: react@19.2, zod",
        "Requires DI in route",
        "the result depends on 2 factors",
        "_Requirements: 1, 2_",
    ] {
        assert_eq!(waits(&format!("- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n  - {text}\n")), "", "{text}");
    }
}

#[test]
fn prose_about_order_at_the_end_of_a_file_adds_nothing() {
    let prose = "\n## Dependencies & Execution Order\n\n- T001-T002 (setup) depends on T003\n- Polish depends on T001\n\n\
                 ```mermaid\ngraph TD\n  T003 --> T001\n```\n";
    assert_eq!(waits(&format!("- [ ] T001 A\n- [ ] T002 B\n- [ ] T003 C\n{prose}")), "");
}
