//! What a human says of a task by hand.

use crate::common::Project;

const TASKS: &str =
    "- [ ] 1. A\n  - [ ] 1.1 Part\n  - [ ] 1.2 Part\n- [ ] 2. B\n- [ ] 3. C\n  - depends on: 2\n";

fn project() -> Project {
    Project::new().spec("login", TASKS).agent("say_done")
}

#[test]
fn what_is_marked_done_is_ticked_with_all_below_it_and_not_run() {
    let project = project();
    project.run(&["mark", "1", "done"]).code(0).says(&["1, 1.1, 1.2 of login: done"]);
    assert!(project.tasks("login").starts_with("- [x] 1. A\n  - [x] 1.1 Part\n  - [x] 1.2 Part\n- [ ] 2."));
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["2 1", "3 1"]);
}

#[test]
fn what_is_marked_to_do_is_done_again() {
    let project = project();
    project.run(&["run"]).code(0);
    project.run(&["mark", "2", "todo"]).code(0);
    assert!(project.tasks("login").contains("- [ ] 2. B\n"));
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1", "2 2"]);
}

#[test]
fn what_is_marked_to_be_skipped_is_left_out_and_blocks_what_needs_it_until_it_is_open_again() {
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
fn a_halted_task_that_a_human_did_is_no_halt_any_more() {
    let project =
        Project::new().spec("login", TASKS).agent("[ $SEQORCH_UNIT = 2 ] && { say_halt; exit; }; say_done");
    project.run(&["run"]).code(2);
    project.run(&["mark", "2", "done"]).code(0);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
}

#[test]
fn a_task_that_is_not_there_is_told_with_the_way_to_find_it() {
    let out = project().run(&["mark", "9", "done"]).code(64);
    assert!(out.stderr.contains("has no task 9") && out.stderr.contains("seqorch plan"), "{out:?}");
}

#[test]
fn nothing_is_marked_while_a_run_works() {
    let project = Project::new().spec("login", TASKS).agent("[ $SEQORCH_UNIT = 1 ] && gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["mark", "2", "done"]).code(75);
    project.release();
    run.wait().code(0);
}

#[test]
fn run_retry_tries_a_halted_task_once_more_without_an_answer() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("[ -e ok ] && { say_done; exit; }; echo Which one; say_halt");
    project.run(&["run"]).code(2).says(&["seqorch run login --retry"]);
    project.run(&["run"]).code(2);
    assert_eq!(project.ledger(), ["1 1"], "a run without an answer must not ask again");
    project.write("ok", "");
    project.run(&["run", "--retry"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2"]);
}
