//! A task is its text, not its number: what is known of it follows it through edits of tasks.md.

use serde_json::json;

use crate::common::Project;

const THREE: &str = "- [ ] 1. Build the store\n- [ ] 2. Draw the icons\n- [ ] 3. Ship it\n";

fn edit(project: &Project, text: &str) {
    project.write(".kiro/specs/login/tasks.md", text);
}

#[test]
#[ignore = "slow"]
fn a_new_task_under_the_number_of_a_done_one_is_done_too() {
    let project = Project::new().spec("login", THREE).agent("note \"$SEQORCH_UNIT\"; say_done");
    project.run(&["run", "--only", "1-2"]).code(0).says(&["selection complete, 1 task left"]);
    edit(&project, "- [x] 1. Draw the icons\n- [ ] 2. Write the login\n- [ ] 3. Ship it\n");
    project.run(&["plan"]).code(0).says(&[
        "tasks have other numbers than before, and keep what is known of them: 1 was 2",
        "2 is new work: its number was that of \"Draw the icons\", which is 1 now",
    ]);
    let plan = crate::common::programs::json(&project.run(&["plan", "--json"]).code(0).stdout);
    assert_eq!((&plan["skipped"][0]["id"], &plan["skipped"][0]["was"]), (&json!("1"), &json!("2")));
    assert_eq!(plan["steps"][0]["was"], json!(null));
    project.run(&["run"]).code(0);
    assert_eq!(
        project.tasks("login"),
        "- [x] 1. Draw the icons\n- [x] 2. Write the login\n- [x] 3. Ship it\n"
    );
    project.run(&["logs", "icons"]).code(0);
    project.run(&["status"]).code(0).says(&["1    Draw the icons: done", "2    Write the login: done"]);
    assert_eq!(project.state("login")["units"]["1"]["folder"], "2");
}

#[test]
fn an_agent_that_renumbers_its_list_gets_its_own_box_ticked() {
    // the agent of the second task removes the first one, and puts a new one before its own
    let rewrite = "printf -- '- [ ] 1. Something new\\n- [ ] 2. Draw the icons\\n- [ ] 3. Ship it\\n' > \"$ROOT/.kiro/specs/login/tasks.md\"";
    let project = Project::new()
        .spec("login", THREE)
        .agent(&format!("[ \"$SEQORCH_UNIT.$SEQORCH_ATTEMPT\" = 2.1 ] && [ ! -e \"$ROOT/once\" ] && {{ touch \"$ROOT/once\"; {rewrite}; }}; say_done"));
    project.run(&["run", "--only", "1,2"]).code(0);
    assert_eq!(project.tasks("login"), "- [ ] 1. Something new\n- [x] 2. Draw the icons\n- [ ] 3. Ship it\n");
    project.run(&["run"]).code(0);
    assert_eq!(project.tasks("login"), "- [x] 1. Something new\n- [x] 2. Draw the icons\n- [x] 3. Ship it\n");
    assert_eq!(project.ledger(), ["1 1", "2 1", "1 1", "3 1"]);
}

#[test]
#[ignore = "slow"]
fn a_box_that_a_person_opens_again_is_work_again() {
    let project = Project::new().spec("login", THREE);
    project.run(&["run"]).code(0);
    edit(&project, &THREE.replacen("[ ]", "[x]", 3).replacen("[x] 2", "[ ] 2", 1));
    project
        .run(&["plan"])
        .code(0)
        .says(&["reopened: it was done before", "2 was done, and its box was opened again"]);
    project.run(&["status"]).code(0).says(&["2  Draw the icons: to do, reopened"]);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1", "2 2"]);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger().len(), 4);
}

#[test]
fn a_box_that_an_agent_opens_is_reported_and_stays_done() {
    let open = "sed -i 's/\\[x\\] 1/[ ] 1/' \"$ROOT/.kiro/specs/login/tasks.md\"";
    let project =
        Project::new().spec("login", THREE).agent(&format!("[ $SEQORCH_UNIT = 2 ] && {open}; say_done"));
    project.run(&["run"]).code(0).says(&["boxes of done tasks were opened during the run: 1"]);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
}

#[test]
#[ignore = "slow"]
fn a_doubt_stops_a_run_until_a_person_decides() {
    let two =
        "### Task 1: Write the tests\n\nA\n\n### Task 2: Write the tests\n\nB\n\n### Task 3: Ship\n\nC\n";
    for (word, runs) in [("done", ["3 1"].as_slice()), ("todo", &["1 2", "3 1"])] {
        let project = Project::new().spec("login", two);
        project.run(&["run", "--only", "1"]).code(0);
        edit(&project, "### Task 1: Write the tests\n\nA\n\n### Task 3: Ship\n\nC\n");
        project.run(&["plan"]).code(0).says(&["No run begins before you decide"]);
        project.run(&["run"]).code(65).says(&[
            "line 1: `1 Write the tests` was taken for",
            "`1 Write the tests`, which is done",
            "`2 Write the tests`, which is not done",
            "`seqorch mark 1 done --spec login`",
            "`seqorch mark 1 todo --spec login`",
        ]);
        project.run(&["mark", "1", word, "--spec", "login"]).code(0);
        project.run(&["run"]).code(0);
        assert_eq!(project.ledger()[1..], *runs, "{word}");
    }
}

#[test]
fn a_selection_keeps_its_tasks_when_they_get_other_numbers() {
    let project = Project::new()
        .spec("login", THREE)
        .agent("[ $SEQORCH_UNIT = 2 ] && printf -- '- [ ] 1. New\\n- [x] 2. Build the store\\n- [ ] 3. Draw the icons\\n- [ ] 4. Ship it\\n' > \"$ROOT/.kiro/specs/login/tasks.md\"; say_done");
    project.run(&["run", "--only", "2-3"]).code(0);
    let boxes = "- [ ] 1. New\n- [x] 2. Build the store\n- [x] 3. Draw the icons\n- [x] 4. Ship it\n";
    assert_eq!(project.tasks("login"), boxes);
    assert_eq!(project.ledger(), ["2 1", "4 1"]);
}

#[test]
fn an_agent_may_move_and_mark_its_own_card() {
    let board =
        "# Board\n\n## In work\n- [ ] Sort it\n\n## Up next\n- [ ] Add a test\n\n## Done\n- [x] Choose\n";
    let move_card = "[ $SEQORCH_UNIT.$SEQORCH_ATTEMPT = 1.1 ] && [ ! -e \"$ROOT/once\" ] && { touch \"$ROOT/once\"; sed -i '/Sort it/d; s/^## Done/## Done\\n- [x] Sort it (done 0f326fb)/' \"$ROOT/TASKS.md\"; }; say_done";
    let project = Project::new().file("TASKS.md", board).agent(move_card);
    project.run(&["run", "TASKS.md"]).code(0).says(&["all complete"]);
    assert_eq!(project.ledger().len(), 2, "{:?}", project.ledger());
    let after = std::fs::read_to_string(project.path("TASKS.md")).unwrap();
    assert!(
        after.ends_with(
            "## Up next\n- [x] Add a test\n\n## Done\n- [x] Sort it (done 0f326fb)\n- [x] Choose\n"
        ),
        "{after}"
    );
}

#[test]
fn what_an_agent_splits_off_its_task_is_work() {
    let split = "[ $SEQORCH_UNIT.$SEQORCH_ATTEMPT = 1.1 ] && [ ! -e \"$ROOT/once\" ] && { touch \"$ROOT/once\"; printf -- '- [ ] 1. Write the login\\n- [ ] 2. Write the logout\\n- [ ] 3. Ship it\\n' > \"$ROOT/.kiro/specs/login/tasks.md\"; }; say_done";
    let text = "- [ ] 1. Write the login and the logout\n- [ ] 2. Ship it\n";
    let project = Project::new().spec("login", text).agent(split);
    project.run(&["run"]).code(0).says(&["▶ 1 Write the login  (iteration 2", "▶ 2 Write the logout"]);
    assert_eq!(
        project.tasks("login"),
        "- [x] 1. Write the login\n- [x] 2. Write the logout\n- [x] 3. Ship it\n"
    );
    assert_eq!(project.ledger().len(), 4);
}

#[test]
fn open_tasks_that_an_agent_removes_are_reported() {
    let remove = "[ $SEQORCH_UNIT = 1 ] && sed -i '/2. Draw/d; s/3. Ship it/~~3. Ship it~~/' \"$ROOT/.kiro/specs/login/tasks.md\"; say_done";
    let project = Project::new().spec("login", THREE).agent(remove);
    project.run(&["run"]).code(0).says(&["! the agent removed open tasks that are not its own, or struck them out: 2 (Draw the icons), 3 (Ship it)"]);
    assert_eq!(project.ledger(), ["1 1"]);
}

#[test]
#[ignore = "slow"]
fn two_open_boxes_in_the_place_of_a_done_one_are_both_work() {
    let project = Project::new().spec("login", "- [ ] 1. Write the login\n- [ ] 2. Ship it\n");
    project.run(&["run", "--only", "1"]).code(0);
    edit(&project, "- [ ] 1. Write the login page\n- [ ] 2. Write the login form\n- [ ] 3. Ship it\n");
    project.run(&["plan"]).code(0).says(&["that task may also be `2 Write the login form`"]);
    project.run(&["run"]).code(0).says(&["all complete"]);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1", "3 1"]);
    assert_eq!(
        project.tasks("login"),
        "- [x] 1. Write the login page\n- [x] 2. Write the login form\n- [x] 3. Ship it\n"
    );
    // where boxes say nothing, one of the two would be left out, so nothing is run
    let project = Project::new()
        .spec("login", "- [ ] 1. Write the login\n- [ ] 2. Ship it\n")
        .config("[tasks]\ntick = \"off\"\n");
    project.run(&["run", "--only", "1"]).code(0);
    edit(&project, "- [ ] 1. Write the login page\n- [ ] 2. Write the login form\n- [ ] 3. Ship it\n");
    project
        .run(&["run"])
        .code(65)
        .says(&["`seqorch mark 1 done --spec login`", "`seqorch mark 1 todo --spec login`"]);
    assert_eq!(project.ledger(), ["1 1"]);
}
