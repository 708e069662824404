//! `seqorch run` without tmux: one spec, from its first task to its last.

use std::time::Instant;

use serde_json::json;

use crate::common::Project;

const TREE: &str = "\
# Tasks\r
\r
* [ ] 1. First  \r
  - [ ] 1.1 Sub\r
  - [ ]* 1.2 Optional sub\r
\t- some [ ] detail\r
- [ ] 2. Zweite Aufgabe – später\r
- [ ]* 3. Optional\r
";

#[test]
fn a_complete_run_exits_with_0_and_changes_only_the_marks() {
    let project = Project::new().spec("login", TREE);
    project.run(&["run", "--delay", "0"]).code(0).says(&["all complete", "1 First", "2 done"]);
    let expected = TREE
        .replace("* [ ] 1. First", "* [x] 1. First")
        .replace("- [ ] 1.1", "- [x] 1.1")
        .replace("- [ ] 2.", "- [x] 2.");
    assert_eq!(project.tasks("login"), expected);
    let state = project.state("login");
    assert_eq!(state["completed"], json!(["1", "1.1", "2"]), "subtasks too, optional ones not");
    assert_eq!(state["halted"], false);
    assert!(state["started_at"].is_string() && state["completed_at"].is_string());
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    let log = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(log.starts_with("# Sequential Execution Progress") && log.contains("## Task 2 - "), "{log}");
    assert_eq!(project.read(".seqorch/.gitignore"), "*\n");
}

#[test]
fn a_completed_task_never_runs_again() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n");
    project.run(&["run"]).code(0);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn a_task_whose_box_was_never_ticked_is_done_all_the_same() {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").config("[tasks]\ntick = \"off\"\n");
    project.run(&["run"]).code(0);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn optional_tasks_are_skipped_unless_requested() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ]* 2. B\n");
    project.run(&["run"]).code(0).says(&["1 of 2 tasks done · 1 skipped"]);
    assert_eq!(project.ledger(), ["1 1"]);
    project.run(&["run", "--include-optional"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_eq!(project.tasks("login"), "- [x] 1. A\n- [x]* 2. B\n");
}

#[test]
fn the_iteration_limit_exits_with_1_and_the_next_run_continues() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n");
    project
        .run(&["run", "--max-iterations", "2"])
        .code(1)
        .says(&["iteration limit reached", "2 of 3 tasks done · 1 to do"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    project.run(&["run", "--max-iterations", "2"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
}

#[test]
fn reaching_the_iteration_limit_with_the_last_task_is_complete() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n");
    project.run(&["run", "--max-iterations", "2"]).code(0);
}

const ASKS: &str = r#"
cat > "$ROOT/prompt-$SEQORCH_ATTEMPT"
if [ "$SEQORCH_UNIT $SEQORCH_ATTEMPT" = "2 1" ]; then
  echo 'Postgres or SQLite?'; echo 'Both would do.'; say_halt
else
  say_done
fi
"#;

#[test]
fn a_halt_exits_with_2_and_keeps_the_question() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n").agent(ASKS);
    project.run(&["run"]).code(2).says(&["Postgres or SQLite?", "resume"]);
    let state = project.state("login");
    assert_eq!((&state["halted"], &state["halted_task"]), (&json!(true), &json!("2")));
    assert_eq!(state["units"]["2"]["question"], "Postgres or SQLite?\nBoth would do.");
    assert!(state["halted_at"].is_string());
    assert_eq!(state["units"]["2"]["status"], "halted");
    assert_eq!(project.tasks("login"), "- [x] 1. A\n- [ ] 2. B\n- [ ] 3. C\n");
    // a later run shows the question and starts no agent
    project.run(&["run"]).code(2).says(&["Postgres or SQLite?", "resume"]);
    project.run(&["status"]).code(0).says(&["halted", "Postgres or SQLite?"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    // the answer is in the next prompt, with its question
    project.run(&["resume", "--answer", "SQLite, please; no $HOME `x`"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "2 2", "3 1"]);
    let prompt = project.read("prompt-2");
    for part in ["> Postgres or SQLite?", "> SQLite, please; no $HOME `x`"] {
        assert!(prompt.contains(part), "{part} is missing in:\n{prompt}");
    }
    assert!(!project.of_attempt("login", "3", 1, "prompt.md").contains("SQLite"), "only that unit gets it");
    assert_eq!(project.state("login")["halted"], false);
}

#[test]
fn resume_of_a_spec_that_is_not_halted_is_refused() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    project.run(&["resume", "--answer", "x"]).code(64).says(&["not halted"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn the_delay_between_steps_is_kept_and_shown() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n");
    let start = Instant::now();
    let output = project.run(&["run", "--delay", "0.4"]).code(0);
    assert!(start.elapsed().as_millis() >= 400);
    assert_eq!(output.stdout.matches("next step in").count(), 1, "none after the last: {}", output.stdout);
}

#[test]
fn the_agent_gets_its_place_in_variables_and_runs_in_the_project() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n  - [ ] 1.1 B\n")
        .agent("note \"$SEQORCH_SPEC $SEQORCH_UNIT $SEQORCH_ATTEMPT $SEQORCH_DIR $PWD $MINE\"; say_done")
        .env("MINE", "kept");
    project.run(&["run"]).code(0);
    let root = project.root().display();
    assert_eq!(project.ledger()[1], format!("login 1 1 {root}/.seqorch/login/1/1 {root} kept"));
}

#[test]
fn tasks_added_during_the_run_are_done_too() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(
        "[ $SEQORCH_UNIT = 1 ] && echo '- [ ] 2. Added' >> \"$ROOT/.kiro/specs/login/tasks.md\"; say_done",
    );
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_eq!(project.tasks("login"), "- [x] 1. A\n- [x] 2. Added\n");
}

#[test]
fn boxes_that_an_agent_ticks_for_other_tasks_are_reported_not_believed() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("sed -i 's/\\[ \\]/[x]/' \"$ROOT/.kiro/specs/login/tasks.md\"; say_done");
    project.run(&["run"]).code(0).says(&["outside its own task: 2"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn background_processes_of_an_agent_are_ended_and_delay_nothing() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("setsid sleep 1000.1 & sleep 1000.1 & say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.alive_with("1000.1"), []);
}
