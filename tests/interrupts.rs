//! Ctrl-C, TERM and HUP end a run as the user expects.

use rustix::process::Signal;

use crate::common::{Project, kill, tasks, wait_until};

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
fn a_second_ctrl_c_ends_the_agent_and_its_processes_now() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("setsid sleep 4711 & sleep 4711");
    let run = project.start(&["run"]);
    wait_until("both sleepers", || project.alive_with("sleep 4711").len() >= 2);
    run.signal(Signal::INT);
    run.wait_for("stopping after this step");
    run.signal(Signal::INT);
    run.wait().code(130);
    assert_eq!(project.alive(), []);
    // ended by the user: it costs no attempt, and the next run starts with this task
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
fn ctrl_c_ends_a_delay_at_once() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").config("[run]\ndelay = \"1h\"\n");
    let run = project.start(&["run"]);
    run.wait_for("next step in 1h");
    run.signal(Signal::INT);
    run.wait().code(130);
    assert_eq!(project.ledger(), ["1 1"]);
}

#[test]
fn a_hangup_leaves_the_agent_at_work_for_the_next_run() {
    let Some(project) = Project::new().tmux() else { return };
    let project = project.spec("login", tasks(1)).agent("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    kill(run.pid(), Signal::HUP);
    run.wait().code(143);
    let next = project.start(&["run"]);
    next.wait_for("taking it over");
    project.release();
    next.wait().code(0);
    assert_eq!(project.ledger(), ["1 1"]);
}
