//! `seqorch run A B`: several specs in one command, and specs of one name.

use serde_json::json;

use crate::common::Project;

#[test]
fn several_specs_run_in_order_and_keep_their_own_state() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .spec("logout", "- [ ] 1. B\n- [ ] 2. C\n")
        .agent("note \"of $SEQORCH_SPEC\"; say_done");
    project.run(&["run", "logout", "login"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "of logout", "2 1", "of logout", "1 1", "of login"]);
    assert_eq!(project.state("login")["completed"], json!(["1"]));
    assert_eq!(project.state("logout")["completed"], json!(["1", "2"]));
}

#[test]
fn a_spec_that_does_not_complete_stops_the_following_ones() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .spec("logout", "- [ ] 1. B\n")
        .agent("note $SEQORCH_SPEC; say_halt");
    project.run(&["run", "login", "logout"]).code(2);
    assert_eq!(project.ledger(), ["1 1", "login"]);
    assert!(project.state("logout").is_null());
}

#[test]
fn a_misspelt_second_spec_is_reported_before_the_first_starts() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").spec("logout", "- [ ] 1. B\n- [ ] 1. B\n");
    project.run(&["run", "login", "logoot"]).code(66).says(&["logoot", "logout"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn specs_of_one_name_in_two_folders_never_mix() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").file("old/login/tasks.md", "- [ ] 1. B\n");
    project.run(&["run", ".kiro/specs/login"]).code(0);
    let before = project.of_attempt("login", "1", 1, "prompt.md");
    project.run(&["run", "old/login"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 1"]);
    assert_eq!(project.read("old/login/tasks.md"), "- [x] 1. B\n");
    assert!(before.contains("Task 1: A"));
    assert_eq!(project.of_attempt("login", "1", 1, "prompt.md"), before, "the other's log is overwritten");
}
