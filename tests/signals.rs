//! What counts as a signal of an agent, and what signals to seqorch do.

use std::time::Duration;

use rustix::process::Signal;

use crate::common::{Project, wait_until};

#[test]
fn an_echoed_prompt_is_no_signal_even_with_a_template_that_holds_both_alone() {
    let template = "Task {{ unit.id }}\nWhen done print:\n<promise>TASK_DONE</promise>\nElse:\n<promise>HALT</promise>\n";
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n  - <promise>HALT</promise>\n")
        .file("own.md", template)
        .config("[retry]\nattempts = 1\n")
        .agent("cat");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal"]);
    let project = project.config("[retry]\nattempts = 1\n[prompt]\ntemplate = \"own.md\"\n");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal", "no_signal"]);
    let project = project.agent("cat; echo 'All is written.'; say_done");
    project.run(&["run"]).code(0);
}

/// Codex without JSON prints its whole transcript there, the prompt and what its tools print included.
#[test]
fn a_signal_on_stderr_is_a_programs_log_and_not_the_agent() {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n").config("[retry]\nattempts = 1\n[done]\nnudges = 0\n");
    let project = project.agent("say_done >&2; say_halt >&2; echo finished");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal"]);
}

#[test]
fn a_signal_in_a_fence_or_a_sentence_does_not_count() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config("[retry]\nattempts = 2\n")
        .agent("if [ $SEQORCH_ATTEMPT = 1 ]; then echo '```'; say_done; echo '```'; else echo \"I say $(say_done) now\"; fi");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["no_signal", "no_signal"]);
}

#[test]
fn halt_beats_done_in_either_order() {
    for script in ["say_done; echo 'A or B?'; say_halt", "echo 'A or B?'; say_halt; say_done"] {
        let project = Project::new().spec("login", "- [ ] 1. A\n").agent(script);
        project.run(&["run"]).code(2).says(&["A or B?"]);
        assert_eq!(project.tasks("login"), "- [ ] 1. A\n");
    }
}

#[test]
fn one_ctrl_c_ends_the_run_after_the_step() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    run.signal(Signal::INT);
    run.wait_for("stopping after this step");
    project.release();
    run.wait().code(130);
    assert_eq!(project.ledger(), ["1 1"]);
    assert_eq!(project.tasks("login"), "- [x] 1. A\n- [ ] 2. B\n");
}

#[test]
fn a_second_ctrl_c_ends_the_agent_and_all_below_it_now() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("setsid sleep 4711 & sleep 4711");
    let run = project.start(&["run"]);
    wait_until("both sleepers", || project.alive_with("sleep 4711").len() >= 2);
    run.signal(Signal::INT);
    run.wait_for("stopping after this step");
    run.signal(Signal::INT);
    run.wait().code(130);
    assert_eq!(project.alive(), []);
    // ended by a human: it costs no attempt, and the next run begins where it was
    let project = project.agent("say_done");
    project.run(&["run"]).code(0);
}

#[test]
fn term_ends_the_agent_and_the_run_with_143() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("sleep 4712");
    let run = project.start(&["run"]);
    wait_until("the sleeper", || !project.alive_with("sleep 4712").is_empty());
    run.signal(Signal::TERM);
    run.wait().code(143);
    assert_eq!(project.alive(), []);
}

#[test]
fn a_delay_ends_at_once_with_ctrl_c() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").config("[run]\ndelay = \"1h\"\n");
    let run = project.start(&["run"]);
    run.wait_for("next step in 1h");
    run.signal(Signal::INT);
    run.wait().code(130);
    assert_eq!(project.ledger(), ["1 1"]);
}

#[test]
fn an_agent_that_ignores_term_is_killed_with_its_grandchildren_after_the_grace() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config("[retry]\nattempts = 1\n[timeout]\ntask = \"500ms\"\ngrace = \"200ms\"\n")
        .agent("trap '' TERM; (trap '' TERM; setsid sleep 4713) & while :; do sleep 4713; done");
    let start = std::time::Instant::now();
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["timed_out"]);
    assert_eq!(project.alive(), []);
    assert!(start.elapsed() < Duration::from_secs(30));
}
