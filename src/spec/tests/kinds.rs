//! Kinds of files that are easily read wrongly: what is work, what only looks like it, and what an id means.

use super::*;

/// Line, id, state and title of each task.
fn rows(source: &str) -> Vec<String> {
    let state = |task: &Task| format!("{:?}", task.state).to_lowercase();
    parse(source).tasks.iter().map(|t| format!("{} {} {} {}", t.line, t.id, state(t), t.title)).collect()
}

fn after(source: &str) -> Vec<(String, Vec<String>)> {
    parse(source).tasks.into_iter().map(|t| (t.id, t.depends_on)).collect()
}

#[test]
fn columns_of_a_board_are_states_and_their_boxes_are_work() {
    let board = "# Board\n## In Progress\n- [ ] A\n## Review page\n- [ ] B\n## In review\n- [ ] C\n## Done\n- [x] D\n";
    assert_eq!(rows(board), ["3 1 todo A", "5 2 todo B", "9 3 done D"]);
}

#[test]
fn boxes_of_checklists_are_tasks_where_there_are_no_others() {
    assert_eq!(rows("# 7 - Paging\n\n## Checklist\n- [x] A\n- [ ] B\n"), ["4 1 done A", "5 2 todo B"]);
    let criteria = "# Story\n\n## Acceptance criteria\n- [ ] A\n";
    assert!(parse(criteria).last_resort && rows(criteria) == ["4 1 todo A"]);
    let both = "# Story\n\n## Progress\n- [ ] A\n\n## Validation and Acceptance\n- [ ] B\n";
    assert_eq!(rows(both), ["4 1 todo A"]);
}

#[test]
fn beside_a_list_of_tasks_other_sections_hold_none() {
    let plan = "# X\n\n## Task Breakdown\n1. [x] A\n2. [ ] B\n\n## Validation Plan\n- [ ] `make`\n\n## Review Follow-ups\n- [ ] C\n";
    assert_eq!(rows(plan), ["4 1 done A", "5 2 todo B", "11 box-1 todo C"]);
    assert_eq!(parse(plan).ignored.iter().map(|i| i.line).collect::<Vec<_>>(), [8]);
    assert_eq!(rows("## 1. Code\n- [x] 1.1 A\n\n## 2. Validation\n- [ ] 2.1 B\n").len(), 2, "numbered on");
}

#[test]
fn one_heading_that_looks_like_an_id_takes_over_nothing() {
    assert_eq!(rows("# PROJ-12: Export\n\n- [ ] A\n- [ ] B\n"), ["3 1 todo A", "4 2 todo B"]);
    assert_eq!(rows("# Fixes\n\n### M1 - Reader\n- [ ] A\n\n### M3-M7\n\nSee it.\n"), ["4 1 todo A"]);
    assert_eq!(rows("# X\n\n## Base\n- [ ] A\n\n### Task 7: Rest\n- [ ] B\n"), ["4 1 todo A", "7 2 todo B"]);
}

#[test]
fn one_box_with_an_id_decides_nothing_beside_headings_with_fields() {
    let todo = "# Urgent\n\n### Done\n- [x] **Task 9:** A\n\n## High\n\n### 1. B\n**Status:** full\n\n### 2. C\n**Status:** off\n";
    assert_eq!(rows(todo), ["4 9 done A", "8 1 todo B", "11 2 todo C"]);
}

#[test]
fn a_list_of_boxes_that_repeats_headings_says_which_are_done() {
    let plan = "## Checklist\n- [x] Step 1: Model\n- [ ] Step 2: Tracker\n\n## Step 1: Model\n\na\n\n## Step 2: Tracker\n\n- [ ] b\n";
    assert_eq!(rows(plan), ["5 1 done Model", "9 2 todo Tracker"]);
    assert_eq!(parse(plan).tasks[1].details, "- [ ] b");
    let stale = "### Task 1.1: A\n- [x] a\n\n### Task 1.2: B\n- [ ] b\n\n## Tracking\n- [ ] Task 1.1: A\n- [ ] Task 1.2: B\n";
    assert_eq!(rows(stale), ["1 1.1 done A", "4 1.2 todo B"]);
}

#[test]
fn numbers_that_come_again_name_their_section() {
    let cases = "### Scenario 1: x\n- [x] 1. A\n- [ ] 2. B\n\n### Scenario 2: y\n- [ ] 1. C\n- [ ] 2. D\n  - depends on: 1\n";
    let ids: Vec<String> =
        rows(cases).iter().map(|row| row.split(' ').nth(1).unwrap_or_default().to_owned()).collect();
    assert_eq!(ids, ["scenario-1/1", "scenario-1/2", "scenario-2/1", "scenario-2/2"]);
    assert_eq!(after(cases)[3].1, ["scenario-2/1"]);
    assert_eq!(
        parents("## A\n- [ ] 1. A\n  - [ ] 1.1 B\n\n## B\n- [ ] 1. C\n  - [ ] 1.1 D\n")[3],
        pair("b/1.1", Some("b/1"))
    );
}

#[test]
fn a_repeated_id_of_done_tasks_is_a_warning() {
    let both = "- [x] 5.3 A\n- [x] 5.3 B\n- [ ] 5.4 C\n";
    assert!(errors(both).is_empty() && warnings(both).len() == 1);
    assert_eq!(rows("- [x] 1. A\n- [ ] 1. B\n"), ["1 1 done A", "2 1~2 todo B"], "the first keeps it");
    assert_eq!(rows("- [x] 1. A\n- [x] 1. B\n"), ["1 1 done A", "2 1~2 done B"], "a tick changes no id");
    assert_eq!(rows("- [ ] 1. A\n- [x] 1. B\n"), ["1 1 todo A", "2 1~2 done B"]);
    assert_eq!(errors("- [ ] 1. A\n- [ ] 1. B\n").len(), 1);
    assert_eq!(
        rows("- [x] AC1: A\n- [ ] AC1: B\n"),
        ["1 1 done AC1: A", "2 2 todo AC1: B"],
        "a criterion's label"
    );
}

#[test]
fn a_mark_without_an_explanation_is_open_work_with_a_warning() {
    let source =
        "- [x] 1. A\n- [y] 2. B\n- [xs] 3. C\n- [?] 4. D\n- [done] 5. E\n- [link](url) f\n- [1] Knuth\n";
    assert_eq!(rows(source)[1..], ["2 2 todo B", "3 3 todo C", "4 4 todo D", "5 5 done E"]);
    assert_eq!(warnings(source).len(), 3, "{:?}", warnings(source));
    assert_eq!(rows("- [P] tasks = parallel\n- [US1] a story\n\n- [ ] 1. A\n"), ["4 1 todo A"]);
    assert_eq!(rows("# X\n\n- `[?]` waiting\n\n- [?] A\n- [ ] B\n"), ["5 1 todo A", "6 2 todo B"]);
    assert_eq!(rows("# X\n\n`[~]` dropped\n\n- [~] A\n- [ ] B\n"), ["5 1 skipped A", "6 2 todo B"]);
    assert_eq!(
        rows("- [-] A (superseded by B)\n- [-] B\n"),
        ["1 1 skipped A (superseded by B)", "2 2 inprogress B"]
    );
}

#[test]
fn nested_numbers_with_boxes_are_parts() {
    let nested = "1) [ ] Build\n   1) [ ] Reader\n   2) [ ] Writer\n2) [ ] Ship\n";
    assert_eq!(
        parents(nested),
        [pair("1", None), pair("1.1", Some("1")), pair("1.2", Some("1")), pair("2", None)]
    );
}

#[test]
fn a_struck_out_box_is_dropped_and_said() {
    let file =
        parse("- [ ] 1. A\n- [ ] ~~2. Old~~\n- [ ] 3. Use ~~this~~ that for all of it\n- [x] ~~4. Done~~\n");
    let states: Vec<TaskState> = file.tasks.iter().map(|t| t.state).collect();
    assert_eq!(states, [TaskState::Todo, TaskState::Skipped, TaskState::Todo, TaskState::Done]);
    assert_eq!(file.reading, "4 tasks; 1 is struck out and dropped");
}

#[test]
fn a_heading_groups_only_the_tasks_that_all_stand_below_it() {
    let apart = "### Phase 1: A\n- [x] 2.1 a\n\n### Phase 2: B\n- [ ] 2.2 b\n- [ ] 2.3 c\n";
    assert!(parse(apart).tasks.iter().all(|t| t.group.is_none()));
    let late = "## A\n- [ ] 1. a\n\n## B\n- [ ] 2. b\n\n## C\n- [ ] 1.1 c\n";
    assert_eq!(parents(late)[2], pair("1.1", None));
}

#[test]
fn what_a_group_depends_on_and_demands_reaches_its_task() {
    let groups = "# Tasks\n\n#### Task Group 1: In\n**Dependencies:** None\n\n- [ ] 1.0 A\n  - [ ] 1.1 a\n\n\
                  #### Task Group 2: Out\n**Dependencies:** Task Group 1\n\n- [ ] 2.0 B\n\n**Acceptance Criteria:**\n- fast\n\n\
                  #### Task Group 3: End\n**Dependencies:** Task Groups 1-2\n\n- [ ] 3.0 C\n";
    let file = parse(groups);
    let deps: Vec<&[String]> = file.tasks.iter().map(|t| t.depends_on.as_slice()).collect();
    assert_eq!(deps[2], ["1.0"]);
    assert_eq!(deps[3], ["1.0", "2.0"]);
    assert!(
        file.tasks[2].details.contains("- fast") && file.diagnostics.is_empty(),
        "{:?}",
        file.diagnostics
    );
    let quote =
        "### PRD-01: A\n> Blocks: PRD-02\n\n- [ ] a\n\n### PRD-02: B\n> Requires: PRD-01\n\n- [ ] b\n";
    assert_eq!(after(quote)[1], ("PRD-02".to_owned(), vec!["PRD-01".to_owned()]));
}

#[test]
fn dependencies_on_something_elsewhere_need_no_warning() {
    for list in [
        "None | **Ref**: `design.md`",
        "`04-core`, `06-index`",
        "003-auth-service",
        "add-login, add-logout",
        "the API must be there",
        "Node 20",
        "Nothing (first task)",
    ] {
        let source = format!("- [ ] 1. A\n  - **Depends on**: {list}\n- [ ] 2. B\n");
        assert_eq!((warnings(&source), &after(&source)[0].1), (vec![], &vec![]), "{list}");
    }
}

#[test]
fn headings_that_count_are_work_only_where_nothing_else_is() {
    let plan =
        "# N\n\n## 1. Goal\n\na\n\n## 2. Milestones\n\n### Milestone 1: A\n\nb\n\n### Milestone 2: B\n\nc\n";
    assert_eq!(rows(plan), ["9 1 todo A", "13 2 todo B"]);
    assert_eq!(
        rows("# M\n\n### Phase 1: A\n\na\n\n### Phase 2: B\n\nb\n\n## Testing Checklist\n- [ ] c\n").len(),
        2
    );
    assert_eq!(
        rows("# M\n\n## Phase 1: A\n- [x] a\n\n## Phase 2: B\n- [ ] b\n"),
        ["4 1 done a", "7 2 todo b"]
    );
    assert!(rows("# Usage guide\n\n### Step 1: A\n\na\n\n### Step 2: B\n\nb\n").is_empty());
    assert!(rows("# X\n\n## Data flow\n\n### Step 1: A\n\na\n\n### Step 2: B\n\nb\n").is_empty());
    let archive = "# Archive: v1\n\n### Phase 1: A\n\n**Accomplishments**:\n- a\n\n### Phase 2: B\n\nb\n";
    assert_eq!(rows(archive), ["3 1 done A", "8 2 done B"]);
    assert_eq!(rows("# S\n\n### Iteration 1: A\n- [ ] a\n\n### Iteration 2: B\n- [ ] b\n").len(), 2);
}

#[test]
fn the_reading_says_what_was_read_as_what() {
    let plan = "# X\n\n## Tasks\n- [ ] 1. A\n- [ ] 2. B\n\n## Acceptance Criteria\n- [ ] a\n- [ ] b\n";
    assert_eq!(
        parse(plan).reading,
        "2 tasks from ## Tasks; 2 boxes under \"Acceptance Criteria\" are not tasks"
    );
}

#[test]
fn a_task_knows_what_its_section_says() {
    let plan = "# X\n\n## Reader\n\nUse the old format.\n\n- [ ] A\n- [ ] B\n  - detail\n\nKeep it small.\n";
    let tasks = parse(plan).tasks;
    assert_eq!((&*tasks[1].section, &*tasks[1].around), ("Reader", "Use the old format.\n\nKeep it small."));
    assert!(one("- [ ] 1. Ask the board (human)").human && !one("- [ ] 1. Human words").human);
}

/// Lines of the tasks that are to be done, and of the boxes that are not taken.
fn open_and_ignored(source: &str) -> (Vec<usize>, Vec<usize>) {
    let file = parse(source);
    let open = file.tasks.iter().filter(|task| !matches!(task.state, TaskState::Done | TaskState::Skipped));
    (open.map(|task| task.line).collect(), file.ignored.iter().map(|line| line.line).collect())
}

#[test]
fn boxes_that_check_a_plan_in_headings_are_not_the_plan() {
    let plan = "# Menu\n\n## Phase 1: View\n\nCreate it.\n\n## Phase 2: Wrapper\n\nWrap it.\n\n";
    for name in [
        "Verification",
        "Validation",
        "Risks",
        "Testing",
        "Deliverables",
        "Files to change",
        "Checklist",
        "Rollout plan",
        "Manual checks",
        "验证",
    ] {
        let file = parse(&format!("{plan}## {name}\n\n- [ ] It opens\n- [ ] It closes\n"));
        let lines: Vec<usize> = file.tasks.iter().map(|task| task.line).collect();
        assert_eq!((lines, file.ignored.len(), file.diagnostics.len()), (vec![3, 7], 2, 0), "{name}");
    }
    // nothing says what these are
    let file = parse(&format!("{plan}## Polish\n\n- [ ] It opens\n- [ ] It closes\n"));
    assert_eq!((file.tasks.len(), file.tasks[0].line), (2, 3));
    assert!(
        file.diagnostics[0].message.ends_with("2 boxes are none: lines 13 to 14"),
        "{:?}",
        file.diagnostics
    );
    // these are the work
    for name in ["Tasks", "TODO", "Next steps", "In Progress", "Bug fixes"] {
        let found = open_and_ignored(&format!("{plan}## {name}\n\n- [ ] It opens\n- [ ] It closes\n"));
        assert_eq!(found.0, [13, 14], "{name}");
    }
    let prose = "# Menu\n\n## 1. View\n\nCreate it.\n\n## 2. Wrapper\n\nWrap it.\n\n## Verification\n\n- [ ] It opens\n";
    let file = parse(prose);
    assert_eq!((file.tasks.len(), file.tasks[0].line, file.diagnostics.len()), (1, 13, 1));
    assert!(file.diagnostics[0].message.contains("lines 3 to 7"), "{:?}", file.diagnostics);
}

#[test]
fn beside_a_list_of_tasks_only_checks_and_logs_are_left_out() {
    let list = "# Shop\n\n## Tasks\n- [ ] Write it\n\n";
    for name in ["Frontend", "Deployment", "Docs", "Database migration", "Follow-ups", "API"] {
        assert_eq!(
            open_and_ignored(&format!("{list}## {name}\n- [ ] Do it\n")),
            (vec![4, 7], vec![]),
            "{name}"
        );
    }
    for name in [
        "Validation",
        "Test plan",
        "Commit log",
        "Merge Watchlist",
        "Done Criteria",
        "Files to modify",
        "Risks",
    ] {
        assert_eq!(
            open_and_ignored(&format!("{list}## {name}\n- [ ] Do it\n")),
            (vec![4], vec![7]),
            "{name}"
        );
    }
}

#[test]
fn cards_that_wait_and_ideas_are_not_run_whatever_their_ids_are() {
    for name in [
        "In review",
        "Ideas",
        "🧊 Icebox",
        "Blocked",
        "Waiting for",
        "Someday / Maybe",
        "Won't do",
        "Nice to have",
    ] {
        for card in ["Use the proxy", "T-3: Use the proxy", "3. Use the proxy", "**#3** Use the proxy"] {
            let board =
                format!("# Board\n## In work\n- [ ] T-1: Sort\n- [ ] T-2: Draw\n## {name}\n- [ ] {card}\n");
            assert_eq!(open_and_ignored(&board), (vec![3, 4], vec![6]), "{name} {card}");
        }
    }
    assert_eq!(open_and_ignored("# X\n## In review\n- [ ] Use it\n").0, [0; 0]);
    assert_eq!(open_and_ignored("# X\n## Ideas\n- [ ] Use it\n").0, [3]);
}

#[test]
fn a_log_of_iterations_is_done() {
    let log = "# Store\n\n### Iteration 1: Tables\n\nAdded the tables.\n\n### Iteration 2: Service\n\n";
    for (text, open) in [
        ("- Built the service\n- Wrote its tests", 0),
        ("We wrote the service. All tests pass.", 0),
        ("**Status:** completed\n\nThe service reads the tables.", 0),
        ("1. Implemented it.\n2. Fixed the reader.\n3. Open: the writer", 0),
        ("Use the tables.", 1),
        ("- Write the service\n- Write its tests\n- Added later: docs", 1),
        ("Shared types for both sides.", 1),
    ] {
        assert_eq!(open_and_ignored(&format!("{log}{text}\n")).0.len(), open, "{text}");
    }
}

#[test]
fn an_entry_without_a_box_among_boxes_behind_titles_is_work() {
    let list = "# X\n1. **Reader** - [x] done\n   - opens\n2. **Writer**\n3. **Help** - [ ]\n4. **Tests**\n\n## Notes\n1. Ask first\n";
    assert_eq!(open_and_ignored(list).0, [4, 5, 6]);
}

#[test]
fn a_struck_out_entry_with_a_note_is_dropped() {
    for note in ["replaced by 1", "see 4", "→ 1", "(moved)", "not needed", "superseded"] {
        assert_eq!(open_and_ignored(&format!("- [ ] 1. A\n- [ ] ~~7. h~~ {note}\n")).0, [1], "{note}");
    }
    assert_eq!(open_and_ignored("- [ ] 1. A\n- [ ] 2. ~~h~~ Write the reader\n").0, [1, 2]);
}

#[test]
fn an_entry_without_a_box_in_a_list_of_numbered_boxes_is_named() {
    for (list, lines) in [
        ("- [ ] 1. A\n- [ ] 2. B\n- 3. C\n- [ ] 4. D\n", vec![3]),
        ("1. [ ] A\n2. B\n3. C\n4. [ ] D\n", vec![2, 3]),
        ("- [ ] 1. A\n- [ ] 2. B\n- 3. C\n\n3. steps\n", vec![3]),
        ("- [ ] 1. A\n  1. how\n  2. then\n- [ ] 2. B\n- 7 reasons\n", vec![]),
    ] {
        let found: Vec<usize> = parse(list).diagnostics.iter().map(|found| found.line).collect();
        assert_eq!(found, lines, "{list}");
    }
}

#[test]
fn what_follows_a_checkpoint_waits_for_a_human() {
    let task = |kind: &str, name: &str| format!("<task type=\"{kind}\">\n<name>{name}</name>\n</task>\n");
    let plan = [task("auto", "A"), task("checkpoint:decision", "Which?"), task("auto", "B")].concat();
    let file = parse(&format!("<tasks>\n{plan}</tasks>\n"));
    let after: Vec<&[String]> = file.tasks.iter().map(|task| &task.after[..]).collect();
    assert_eq!(after, [&[][..], &[], &["checkpoint-2".to_owned()]]);
    assert!(file.tasks[1].human);
}

#[test]
fn what_a_review_found_is_work_wherever_it_stands() {
    let story =
        "# Story 2.1: X\n\n## Tasks / Subtasks\n- [ ] Task 1: A (AC: 1)\n\n## Dev Notes\n- [ ] see docs\n\n";
    for name in [
        "### Review Findings",
        "### Review Follow-ups (AI)",
        "## Senior Developer Review (AI)\n\n### Review Follow-ups",
    ] {
        let found = open_and_ignored(&format!("{story}{name}\n- [ ] [Review][Patch] Fix it\n"));
        assert_eq!((found.0.len(), found.1), (2, vec![7]), "{name}");
    }
}

#[test]
fn boxes_beside_numbered_tasks_are_named_where_they_may_be_work() {
    let list = "# Shop\n\n## Tasks\n- [ ] 1. Api\n- [ ] 2. Db\n\n";
    let beside = |section: &str| warnings(&format!("{list}## {section}\n- [ ] Draw it\n- [ ] Test it\n"));
    assert_eq!(
        beside("Frontend"),
        [
            "2 open boxes are not tasks, since the list of tasks stands elsewhere: lines 8 to 9, the first below \"Frontend\""
        ]
    );
    for section in ["Commit log", "Definition of done", "Frontend tasks", "Files to watch"] {
        assert_eq!(beside(section), [""; 0], "{section}");
    }
    assert_eq!(warnings(&format!("{list}## Frontend\n- [x] Drawn\n- [ ] 3. Test it\n")), [""; 0]);
}

#[test]
fn what_validates_numbered_tasks_is_none_of_them() {
    let list = "# Tasks\n\n## Task List\n- [ ] 1.0 Api\n- [ ] 2.0 Ui\n\n";
    assert_eq!(open_and_ignored(&format!("{list}### Success Validation\n- [ ] It works\n")).0, [4, 5]);
    assert_eq!(open_and_ignored(&format!("{list}### Validation\n- [ ] 3.0 Run all\n")).0, [4, 5, 8]);
    assert_eq!(open_and_ignored(&format!("{list}### Screens\n- [ ] Draw them\n")).0, [4, 5, 8]);
}

#[test]
fn a_plain_bullet_among_boxes_is_named() {
    for (list, lines) in [
        ("- [ ] A\n- Write the docs\n- [ ] B\n", vec![2]),
        ("- [ ] A\n- [ ] B\n- Publish\n", vec![3]),
        ("- [ ] A\n\n- Write\n\n- [ ] B\n", vec![3]),
        ("- [ ] A\n- [ ] B\n\n- a note\n", vec![]),
        ("- [ ] A\n- [ ] B\n\n## Notes\n- a note\n", vec![]),
        ("- [ ] 1. A\n- **Files**: a.rs\n- Deps: none\n- _Requirements: 1_\n- [ ] 2. B\n", vec![]),
        ("- [ ] 1. A\n- first\n- then\n- [ ] 2. B\n- first\n- then\n", vec![]),
        ("- [ ] A\n  - how\n- [ ] B\n", vec![]),
    ] {
        let found: Vec<usize> = parse(list).diagnostics.iter().map(|found| found.line).collect();
        assert_eq!(found, lines, "{list}");
    }
}

#[test]
fn stages_that_a_plan_of_ai_dlc_leaves_out_do_not_run() {
    let stages = |texts: &[&str]| {
        let boxes = texts.iter().map(|text| format!("- [ ] {text}\n")).collect::<Vec<_>>().concat();
        open_and_ignored(&format!(
            "# Plan\n\n## INCEPTION\n{boxes}## CONSTRUCTION\n- [ ] Code — **EXECUTE**\n"
        ))
        .0
    };
    for text in [
        "Units — **SKIP**",
        "Units - SKIPPED (one unit)",
        "Units - [SKIP]",
        "Units: skip",
        "Operations - PLACEHOLDER",
        "유닛 — **건너뜀**",
    ] {
        assert_eq!(stages(&[text, "Design - EXECUTE"]), [5, 7], "{text}");
    }
    for text in ["Units - [EXECUTE/SKIP]", "Skip lists - EXECUTE", "Skipper", "Add `--skip`"] {
        assert_eq!(stages(&[text]), [4, 6], "{text}");
    }
    let plain = "## Tasks\n- [ ] The button - skip\n";
    assert_eq!(open_and_ignored(plain).0, [2], "only AI-DLC decides so");
}

#[test]
fn a_person_verifies_the_phases_of_conductor() {
    let plan = "# Plan\n\n## Phase 1: X\n- [ ] Task: Build\n- [ ] Task: Conductor - User Manual Verification 'Phase 1' (Protocol in workflow.md)\n";
    let human: Vec<bool> = parse(plan).tasks.iter().map(|task| task.human).collect();
    assert_eq!(human, [false, true]);
}

#[test]
fn the_choices_of_a_decision_do_not_name_it() {
    let task = "<task type=\"checkpoint:decision\">\n<decision>Which store?</decision>\n<options>\n<option id=\"a\"><name>sqlite</name></option>\n</options>\n</task>\n";
    assert_eq!(one(task).title, "Which store?");
}
