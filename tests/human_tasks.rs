//! Tasks that only a person does.

use crate::common::Project;

#[test]
fn a_task_for_a_person_is_a_need_when_it_is_its_turn() {
    let tasks = "- [ ] 1. Build\n- [ ] 2. Sign the release (manual)\n  - depends on: 1\n- [ ] 3. Publish\n  - depends on: 2\n- [ ] 4. Tidy\n";
    let project = Project::new().spec("login", tasks);
    project.run(&["run"]).code(2).says(&["task 2 is for you", "seqorch mark 2 done --spec login"]);
    assert_eq!(project.ledger(), ["1 1", "4 1"], "what depends on it waits");
    project.run(&["status"]).says(&["seqorch mark 2 done --spec login"]);
    project.run(&["mark", "2", "done"]).code(0);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "4 1", "3 1"]);
}

#[test]
fn an_override_keeps_tasks_for_people_and_gives_them_back() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B (human)\n").config(
        "[[override]]\ntasks = [\"1\"]\nhuman = true\n[[override]]\ntasks = [\"2\"]\nhuman = false\n",
    );
    project.run(&["run"]).code(2).says(&["task 1 is for you"]);
    assert_eq!(project.ledger(), ["2 1"]);
}

#[test]
fn a_part_for_a_person_is_named_itself_and_completes_its_task() {
    let tasks = "- [ ] 1. Release\n  - [ ] 1.1 Build\n  - [ ] 1.2 Sign it (human)\n";
    let project = Project::new().spec("login", tasks);
    project.run(&["run"]).code(2).says(&["task 1.2 is for you (Sign it (human))", "seqorch mark 1.2 done"]);
    project.run(&["status"]).says(&["Release: done in part; for you: no agent gets it"]);
    project.run(&["mark", "1.2", "done"]).code(0);
    assert_eq!(project.tasks("login"), tasks.replace("[ ]", "[x]"));
    project.run(&["run"]).code(0).says(&["all complete"]);
    assert_eq!(project.ledger(), ["1 1"]);
}
