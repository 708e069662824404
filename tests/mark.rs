//! `seqorch mark`: a person sets the state of a task.

use crate::common::Project;
use crate::common::git::{WRITES, git, repo};

pub(crate) const TASKS: &str =
    "- [ ] 1. A\n  - [ ] 1.1 Part\n  - [ ] 1.2 Part\n- [ ] 2. B\n- [ ] 3. C\n  - depends on: 2\n";

pub(crate) fn project() -> Project {
    Project::new().spec("login", TASKS).agent("say_done")
}

#[test]
fn mark_done_ticks_the_task_and_its_subtasks_and_skips_them() {
    let project = project();
    project.run(&["mark", "1", "done"]).code(0).says(&["1, 1.1, 1.2 of login: done"]);
    assert!(project.tasks("login").starts_with("- [x] 1. A\n  - [x] 1.1 Part\n  - [x] 1.2 Part\n- [ ] 2."));
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["2 1", "3 1"]);
}

#[test]
fn mark_todo_runs_a_done_task_again() {
    let project = project();
    project.run(&["run"]).code(0);
    project.run(&["mark", "2", "todo"]).code(0);
    assert!(project.tasks("login").contains("- [ ] 2. B\n"));
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1", "2 2"]);
}

#[test]
fn mark_todo_of_a_committed_task_says_what_stays_and_what_changed() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    let commit = git(&project, &["log", "--format=%H", "--grep", "^2: "]);
    project.run(&["mark", "2", "todo"]).code(0).says(&[
        &format!("task 2: its commit {} stays", &commit[..9]),
        ".kiro/specs/demo/tasks.md is changed and not committed; commit it when you want",
    ]);
    assert!(git(&project, &["status", "--porcelain"]).contains("tasks.md"));
    // the same mark again changes nothing
    let again = project.run(&["mark", "2", "todo"]).code(0).stdout;
    assert!(!again.contains("not committed"), "{again}");
}

#[test]
fn mark_skip_leaves_a_task_out_and_blocks_its_dependants() {
    let project = project();
    project.run(&["mark", "2", "skip"]).code(0);
    project.run(&["plan"]).code(0);
    project.run(&["run"]);
    assert_eq!(project.ledger(), ["1 1"]);
    project.run(&["mark", "2", "todo"]).code(0);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
}

#[test]
fn a_task_that_is_done_can_not_be_skipped() {
    let done = "- [ ] 1. A\n  - [x] 1.1 Part\n  - [ ] 1.2 Part\n- [x] 2. B\n- [ ] 3. C\n";
    for tick in ["done", "off"] {
        let tasks = format!("[tasks]\ntick = \"{tick}\"\n");
        let project = Project::new().spec("login", done).agent("say_done").config(&tasks);
        // its box is ticked; then its run did it
        for id in ["2", "3"] {
            let says = format!("task {id} is done, so it can't be skipped");
            let again = format!("`seqorch mark --spec login {id} todo` has the next run do it again");
            project.run(&["mark", id, "skip"]).code(64).says(&[&says, &again]);
            project.run(&["run", "--only", "3"]).code(0);
        }
        project.run(&["mark", "2-3", "skip"]).code(64).says(&["tasks 2, 3 are done, so they can't"]);
        let skipped = project.run(&["mark", "1-3", "skip"]).code(0).stdout;
        assert_eq!(skipped, "1, 1.2 of login: skipped\n1.1, 2, 3 of login: done, and stays done\n");
        project.run(&["status"]).code(0).says(&["2 of 3 tasks done · 1 skipped"]);
        assert_eq!(project.run(&["mark", "1.2", "todo"]).code(0).stdout, "1.2 of login: to do\n");
        project.run(&["status"]).code(0).says(&["2 of 3 tasks done · 1 to do"]);
    }
}

#[test]
fn a_task_with_a_part_to_do_again_is_to_do_everywhere() {
    let parts = "- [ ] 1. A\n  - [ ] 1.1 Part\n  - [ ] 1.2 Part\n- [ ] 2. B\n";
    let finished = || {
        let project = Project::new().spec("login", parts).agent("say_done");
        project.run(&["run"]).code(0).says(&["2 of 2 tasks done"]);
        project
    };
    let is_open = |project: &Project, part: &str| {
        let line = "1 of 2 tasks done · 1 to do";
        project.run(&["status"]).code(0).says(&[line, &format!("A: done in part, to do: {part}")]);
        project.run(&["report"]).code(0).says(&["# login: 1 task left", line]);
        let json: serde_json::Value =
            serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
        assert_eq!((&json["counts"]["todo"], &json["left"]), (&1.into(), &serde_json::json!(["1"])));
        let run = project.run(&["run"]).code(0);
        run.says(&["seqorch · login · 1 step", "2 of 2 tasks done"]);
        assert_eq!(project.ledger(), ["1 1", "2 1", "1 2"]);
    };
    let marked = finished();
    marked
        .run(&["mark", "1.1", "todo"])
        .code(0)
        .says(&["1.1 of login: to do\n", "1 of login: to do, because a part is\n"]);
    assert!(marked.tasks("login").starts_with("- [ ] 1. A\n  - [ ] 1.1 Part\n  - [x] 1.2 Part\n"));
    is_open(&marked, "1.1");
    let added = finished();
    added.write(
        ".kiro/specs/login/tasks.md",
        added.tasks("login").replace("- [x] 2.", "  - [ ] 1.3 New\n- [x] 2."),
    );
    is_open(&added, "1.3");
}

#[test]
fn where_seqorch_ticks_nothing_a_box_above_stays_as_a_person_set_it() {
    let parts = "- [ ] 1. A\n  - [ ] 1.1 Part\n  - [ ] 1.2 Part\n- [ ] 2. B\n";
    let project = Project::new().spec("login", parts).agent("say_done").config("[tasks]\ntick = \"off\"\n");
    project.run(&["run"]).code(0).says(&["2 of 2 tasks done"]);
    let ticked = parts.replace("[ ] 1. A", "[x] 1. A");
    project.write(".kiro/specs/login/tasks.md", &ticked);
    project.run(&["mark", "1.1", "todo"]).code(0).says(&["1 of login: to do, because a part is\n"]);
    assert_eq!(project.tasks("login"), ticked);
    project.run(&["run"]).code(0).says(&["2 of 2 tasks done"]);
    assert_eq!(project.ledger(), ["1 1", "2 1", "1 2"]);
}

#[test]
fn mark_done_ends_the_halt_of_a_task() {
    let project =
        Project::new().spec("login", TASKS).agent("[ $SEQORCH_UNIT = 2 ] && { say_halt; exit; }; say_done");
    project.run(&["run"]).code(2);
    project.run(&["mark", "2", "done"]).code(0);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
}

#[test]
fn an_unknown_task_is_refused_with_the_ids_that_there_are() {
    let out = project().run(&["mark", "9", "done"]).code(64);
    assert!(out.stderr.contains("there is no task 9"), "{out:?}");
    assert!(out.stderr.ends_with("It has: 1, 2, 3.\n"), "{out:?}");
}

#[test]
fn marks_know_ranges_patterns_titles_and_headings_that_make_units() {
    let project = project();
    project.run(&["mark", "2-3", "done"]).code(0).says(&["2, 3 of login: done"]);
    project.run(&["mark", "2-3", "todo"]).code(0);
    project.run(&["mark", "1.*", "done"]).code(0).says(&["1.1, 1.2 of login: done"]);
    project
        .run(&["mark", "part", "done"])
        .code(64)
        .says(&["in the titles of 2 tasks", "  1.1 Part\n  1.2 Part"]);
    let groups = "## 1. Setup\n- [ ] 1.1 Store\n- [ ] 1.2 Index\n## 2. Work\n- [ ] 2.1 Login page\n";
    let project = Project::new().spec("add", groups).agent("say_done");
    project.run(&["mark", "2", "skip"]).code(0);
    project.run(&["mark", "1", "done"]).code(0).says(&["1, 1.1, 1.2 of add: done"]);
    project.run(&["run"]).code(0);
    assert!(project.ledger().is_empty(), "{:?}", project.ledger());
    project.run(&["mark", "login", "todo"]).code(0);
}

#[test]
fn mark_is_refused_while_a_run_works() {
    let project = Project::new().spec("login", TASKS).agent("[ $SEQORCH_UNIT = 1 ] && gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["mark", "2", "done"]).code(75);
    project.release();
    run.wait().code(0);
}
