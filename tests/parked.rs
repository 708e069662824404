//! A task that asks is parked with `run.on_halt = "skip"`: the run continues without it, and ends with 2.

use crate::common::Project;
use crate::common::git::init;

const FOUR: &str = "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n  - _Depends: 1_\n- [ ] 4. D\n";
/// Tasks 1 and 4 ask in their first attempt.
const ASKS: &str = "case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in 1-1|4-1) echo \"Which one for $SEQORCH_UNIT?\"; say_halt; exit;; esac; say_done";

fn project() -> Project {
    Project::new().spec("demo", FOUR).agent(ASKS).config("[run]\non_halt = \"skip\"\n")
}

#[test]
fn a_task_that_asks_is_parked_and_the_others_run() {
    let project = project();
    let out = project.run(&["run"]).code(2);
    assert_eq!(project.ledger(), ["1 1", "2 1", "4 1"], "3 waits for 1");
    out.says(&[
        "parked until you answer",
        "Which one for 1?",
        "Which one for 4?",
        "1 of 4 tasks done · 2 halted",
        "seqorch resume demo 1 --answer",
        "seqorch resume demo 4 --answer",
    ]);
    project.run(&["plan"]).code(0).says(&["waits for your answer"]);
    // a later run leaves them parked, and has nothing else to do
    project.run(&["run"]).code(2);
    assert_eq!(project.ledger().len(), 3);
}

#[test]
fn parked_tasks_are_answered_one_by_one() {
    let project = project();
    project.run(&["run"]).code(2);
    project.run(&["resume", "demo", "--answer", "x"]).code(64).says(&[
        "2 tasks ask, so the answer needs the task",
        "seqorch resume demo 4 --answer",
        "Which one for 1?",
    ]);
    project
        .run(&["resume", "demo", "2", "--answer", "x"])
        .code(64)
        .says(&["asks nothing", "These ask: 1, 4."]);
    project.run(&["resume", "demo", "4", "--answer", "the red one"]).code(2).says(&["task 4 done"]);
    project.run(&["resume", "demo", "--answer", "the blue one"]).code(0).says(&["all complete"]);
    assert_eq!(project.ledger(), ["1 1", "2 1", "4 1", "4 2", "1 2", "3 1"]);
}

#[test]
fn a_queue_continues_after_a_question_where_the_settings_say_so() {
    let queue = |config: &str| {
        let project =
            Project::new().spec("first", FOUR).spec("second", "- [ ] 2. E\n").agent(ASKS).config(config);
        let out = project.run(&["run", "first", "second"]).code(2);
        (project, out)
    };
    let (project, _) = queue("[run]\non_halt = \"skip\"\n");
    assert_eq!(project.state("second")["completed"].as_array().map(Vec::len), Some(1));
    let (_, out) = queue("");
    out.says(&["not started, since first did not end well: second"]);
}

#[test]
fn a_parked_task_counts_only_what_was_changed_for_it() {
    let agent = "echo $SEQORCH_UNIT $SEQORCH_ATTEMPT >> all.txt; \
                 case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in 1-1) echo 'Which one?'; say_halt; exit;; esac; say_done";
    for (commit, counted) in [("step", "2 files +3 -1"), ("off", "1 file +2 -0")] {
        let config = format!("[run]\non_halt = \"skip\"\n[git]\ncommit = \"{commit}\"\n");
        let project = Project::new()
            .spec("demo", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n")
            .agent(agent)
            .file("all.txt", "")
            .config(&config);
        init(&project);
        project.run(&["run"]).code(2);
        let out = project.run(&["resume", "--answer", "this one"]).code(0).stdout;
        let line = out.lines().find(|line| line.contains("A: done")).unwrap();
        assert!(line.contains(counted), "{commit}: {out}");
    }
}
