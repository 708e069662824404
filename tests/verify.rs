//! What seqorch checks itself before a task counts as done.

use crate::common::Project;

const ONE: &str = "- [ ] 1. Build it\n";

#[test]
fn a_failing_command_becomes_the_next_attempts_prompt_and_a_good_one_completes_the_task() {
    let project = Project::new()
        .spec("demo", ONE)
        .agent("cat > prompt-$SEQORCH_ATTEMPT; [ \"$SEQORCH_ATTEMPT\" = 2 ] && touch built; say_done")
        .config("[verify]\ncommands = [[\"sh\", \"-c\", \"test -e built || { echo no such luck; exit 4; }\"], [\"true\"]]\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    let second = project.read("prompt-2");
    assert!(second.contains("`sh -c test -e built"), "{second}");
    assert!(second.contains("> failed with exit code 4\n> no such luck"), "{second}");
    let attempts = &project.state("demo")["units"]["1"]["attempts"];
    assert_eq!(attempts[0]["outcome"]["kind"], "verify_failed");
    assert_eq!(attempts[1]["outcome"]["kind"], "done");
    assert!(out.stdout.contains("1 says it is done; verifying with 2 commands"), "{}", out.stdout);
}

#[test]
fn the_same_failure_three_times_asks_for_a_human_before_the_attempts_are_used_up() {
    let project = Project::new()
        .spec("demo", ONE)
        .agent("say_done")
        .config("[retry]\nattempts = 9\n[verify]\ncommands = [[\"sh\", \"-c\", \"echo broken after $$ ms; exit 1\"]]\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert_eq!(project.ledger().len(), 3);
    let state = project.state("demo");
    assert_eq!(state["halted"], true);
    assert!(state["question"].as_str().unwrap().contains("failed 3 times in the same way"));
}

#[test]
fn an_override_has_commands_of_its_own() {
    let project = Project::new()
        .spec("demo", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("say_done")
        .config("[verify]\ncommands = [[\"false\"]]\n[[override]]\ntasks = [\"*\"]\nverify = []\n");
    assert_eq!(project.run(&["run"]).code, 0);
}

#[test]
fn a_run_that_executed_no_test_is_refused() {
    let commands = "[verify]\nmin_tests = 2\ncommands = [[\"cat\", \"result.txt\"]]\n[retry]\nattempts = 1\n";
    let project = Project::new().spec("demo", ONE).agent("say_done").config(commands);
    project.write("result.txt", "test result: ok. 1 passed; 0 failed; 0 ignored\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    let outcome = &project.state("demo")["units"]["1"]["attempts"][0]["outcome"];
    assert!(outcome["tail"].as_str().unwrap().contains("it ran 1 tests"), "{outcome}");
    project.write("result.txt", "test result: ok. 2 passed; 0 failed; 0 ignored\n");
    assert_eq!(project.run(&["run"]).code, 0);
}

#[test]
fn a_command_that_does_not_end_is_ended_with_all_it_started() {
    let project = Project::new()
        .spec("demo", ONE)
        .agent("say_done")
        .config("[retry]\nattempts = 1\n[verify]\ntimeout = \"200ms\"\ncommands = [[\"sh\", \"-c\", \"sleep 600 & wait\"]]\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    let outcome = &project.state("demo")["units"]["1"]["attempts"][0]["outcome"];
    assert!(outcome["tail"].as_str().unwrap().contains("over its time limit"), "{outcome}");
    assert_eq!(project.alive_with("sleep 600"), []);
}

#[test]
fn in_tmux_it_runs_in_a_pane_of_its_own_beside_the_agents() {
    let Some(project) = Project::new()
        .spec("demo", ONE)
        .agent("say_done")
        .config("[verify]\ncommands = [[\"echo\", \"all is well\"]]\n")
        .tmux()
    else {
        return;
    };
    assert_eq!(project.run(&["run"]).code, 0);
    let panes =
        project.ask_tmux(&["list-panes", "-s", "-t", "sequential-demo", "-F", "#{window_name} #{pane_id}"]);
    let of_task: Vec<&str> = panes.lines().filter(|l| l.starts_with("task-1 ")).collect();
    assert_eq!(of_task.len(), 2, "{panes}");
    let pane = of_task[1].split(' ').nth(1).unwrap();
    assert!(project.ask_tmux(&["capture-pane", "-p", "-t", pane]).contains("all is well"));
}
