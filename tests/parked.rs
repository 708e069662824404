//! A task that asks is parked with `run.on_halt = "skip"`: the run continues without it, and ends with 2.

use crate::common::Project;
use crate::common::git::{git, init, repo};

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
    out.says(&["not started, since first needs you: second"]);
}

#[test]
fn what_an_agent_left_behind_does_not_stop_the_next_spec() {
    let agent = "echo x > wip-$SEQORCH_SPEC; [ $SEQORCH_SPEC = demo ] && [ $SEQORCH_ATTEMPT = 1 ] && { say_halt; exit; }; say_done";
    let project = repo(agent, "").spec("other", "- [ ] 1. Other\n");
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "other"]);
    project.run(&["run", "demo", "other", "--on-halt", "skip"]).code(2);
    assert_eq!(git(&project, &["log", "-1", "--format=%s"]), "1: Other");
    let files = git(&project, &["show", "--format=", "--name-only", "HEAD"]);
    assert!(files.contains("wip-other") && !files.contains("wip-demo"), "{files}");
    // what a person wrote still has to be committed first
    project.write("mine", "mine\n");
    let project = project.spec("third", "- [ ] 1. Third\n");
    project.run(&["run", "third"]).code(2).says(&["  mine"]);
}

#[test]
fn a_parked_question_is_answered_while_the_run_works() {
    let project = Project::new()
        .spec("demo", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n")
        .agent("[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && { say_halt; exit; }; [ $SEQORCH_UNIT = 2 ] && gate; say_done")
        .config("[run]\non_halt = \"skip\"\n");
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    // a run that works says so, too
    project
        .run(&["status"])
        .code(0)
        .says(&["demo: running, needs you: task 1 asks", "1  A: asks, parked until you answer (1 attempt)"]);
    project
        .run(&["resume", "demo", "1", "--answer", "the red one"])
        .code(0)
        .says(&["task 1: answered; the run"]);
    project.release();
    run.wait().code(0).says(&["answered task 1: the red one"]);
    assert_eq!(project.ledger(), ["1 1", "2 1", "1 2", "3 1"]);
}

#[test]
fn a_queue_that_an_error_ends_names_what_is_not_started() {
    let project = Project::new().agent("say_done").spec("a", "- [ ] 1. A\n").spec("c", "- [ ] 1. C\n");
    let project = project.spec("b", "- [ ] 1. B\n- [ ] 1. B again\n");
    let out = project.run(&["run", "a", "b", "c"]);
    assert_eq!(out.code, 65);
    out.says(&["not started, since b could not run: c"]);
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

#[test]
fn the_diff_of_a_task_has_no_lines_of_tasks_between_its_attempts() {
    let agent = "echo $SEQORCH_UNIT-$SEQORCH_ATTEMPT >> all.txt; \
                 case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in 1-1) echo 'Which one?'; say_halt; exit;; 1-*) exit 3;; esac; say_done";
    let config = "[run]\non_halt = \"skip\"\n[retry]\nattempts = 1\n[git]\ncommit = \"off\"\n";
    let project = Project::new().spec("demo", "- [ ] 1. A\n- [ ] 2. B\n").agent(agent).config(config);
    let project = project.file("all.txt", "");
    init(&project);
    project.run(&["run"]).code(2);
    let parked = project.run(&["diff", "1"]).code(0).stdout;
    assert!(parked.contains("\n+1-1") && !parked.contains("2-1"), "{parked}");
    project.run(&["resume", "--answer", "this one"]).code(2);
    let failed = project.run(&["diff", "1"]).code(0).stdout;
    assert!(failed.contains("\n+1-1") && failed.contains("\n+1-2"), "{failed}");
    assert!(!failed.contains("\n+2-1"), "{failed}");
    let stat = project.run(&["diff", "1", "--stat"]).code(0).stdout;
    assert_eq!(stat.matches("all.txt | 1 +").count(), 2, "{stat}");
    assert_eq!(git(&project, &["fsck", "--no-progress"]), "", "nothing of ours in git");
}

#[test]
fn who_answered_is_known_without_user_and_logname() {
    let project = project().env("USER", "").env("LOGNAME", "");
    init(&project);
    project.run(&["run"]).code(2);
    project.run(&["resume", "demo", "1", "--answer", "this one"]).code(2);
    let id = project.command_of("id", &["-un"]).output().unwrap();
    let name = String::from_utf8(id.stdout).unwrap();
    let by = project.state("demo")["decisions"][0]["by"].clone();
    assert_eq!(by, if name.trim().is_empty() { "uid" } else { name.trim() });
}

#[test]
fn a_run_of_other_tasks_leaves_questions_and_failures_as_they_are() {
    let agent = "case $SEQORCH_UNIT in 1) echo 'A or B?'; say_halt; exit;; 2) exit 3;; esac; say_done";
    let rules = "[run]\non_halt = \"skip\"\non_failure = \"skip\"\n[retry]\nattempts = 1\n";
    let project = Project::new()
        .spec("demo", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n- [ ] 10. D\n")
        .agent(agent)
        .config(rules);
    project.run(&["run", "--only", "1-3"]).code(2);
    let both = ["task 1 asks", "task 2 failed"];
    project.run(&["run", "--only", "10"]).code(2).says(&both);
    project.run(&["run", "--only", "10", "--retry"]).code(2).says(&both);
    project.run(&["run", "--only", "2", "--retry"]).code(2).says(&both);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1", "10 1", "2 2"]);
    project.run(&["status"]).code(0).says(&both);
}

#[test]
fn a_second_answer_to_a_question_is_refused_and_not_lost_in_silence() {
    let agent = "case $SEQORCH_UNIT-$SEQORCH_ATTEMPT in 1-1) echo 'A or B?'; say_halt; exit;; 2-1) gate;; esac; say_done";
    let project = Project::new().spec("demo", FOUR).agent(agent).config("[run]\non_halt = \"skip\"\n");
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    project.run(&["resume", "demo", "1", "--answer", "A"]).code(0).says(&["answered"]);
    let late = project.run(&["resume", "demo", "1", "--answer", "B"]).code(64);
    late.says(&["is not halted, so there is nothing to resume"]);
    project.release();
    run.wait().code(0);
    assert_eq!(project.state("demo")["decisions"][0]["answer"], "A");
}
