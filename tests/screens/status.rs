//! `seqorch status` and `seqorch specs`, as text and as JSON.

use rustix::process::Signal;

use crate::common::git::{WRITES, hook, repo};
use crate::common::{Project, kill, wait_until};

use super::{check, compare, project, screen};

const THREE: &str =
    "- [ ] 1. Add the route\n- [ ] 2. Test the route\n- [ ]* 3. Measure it\n- [ ] 10. Describe it\n";

fn three(agent: &str) -> Project {
    project().spec("login", THREE).agent(agent)
}

/// Text and JSON.
fn status(project: &Project, name: &str) {
    check(project, "status", name, &[&["status"]]);
    check(project, "status", &format!("{name}_json"), &[&["status", "--json"]]);
}

#[test]
fn status_of_a_spec_that_never_ran() {
    status(&three("say_done"), "never_ran");
}

#[test]
fn status_of_a_spec_that_is_idle() {
    let project = three("say_done");
    project.run(&["run", "--max-iterations", "1"]).code(1);
    status(&project, "idle");
}

#[test]
fn status_of_a_run() {
    let project = three("[ $SEQORCH_UNIT = 2 ] && { echo 'I look around.'; gate; }; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    wait_until("its output", || project.of_attempt("login", "2", 1, "output.jsonl").contains("around"));
    let texts = [&["status"][..], &["status", "--json"], &["specs"]].map(|args| screen(&project, args));
    project.release();
    run.wait().code(0);
    compare("status", "running", &texts[0]);
    compare("status", "running_json", &texts[1]);
    compare("status", "running_specs", &texts[2]);
}

#[test]
fn status_of_a_run_that_was_killed() {
    let project = three("[ $SEQORCH_UNIT = 2 ] && gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    kill(run.pid(), Signal::KILL);
    run.wait().code(137);
    status(&project, "killed");
}

#[test]
fn status_of_a_spec_that_halted() {
    let project = three("[ $SEQORCH_UNIT = 2 ] && { echo 'Which database?'; say_halt; exit; }; say_done");
    project.run(&["run"]).code(2);
    status(&project, "halted");
    project.run(&["resume", "--answer", "Postgres"]).code(2);
    status(&project, "halted_again");
}

#[test]
fn status_of_a_spec_with_a_failed_task() {
    let project = three("[ $SEQORCH_UNIT = 2 ] && { echo 'error: it does not compile'; exit 3; }; say_done");
    project.run(&["run"]).code(2);
    status(&project, "failed");
}

#[test]
fn status_of_a_spec_with_a_pending_commit() {
    let project = repo(WRITES, "on_refused = \"halt\"\n");
    hook(&project, "pre-commit", "test -e made-2 || exit 0\necho 'line too long: made-2:1' >&2\nexit 1");
    project.run(&["run"]).code(2);
    status(&project, "pending_commit");
}

#[test]
fn status_of_a_complete_spec() {
    let project = three("say_done");
    project.run(&["run"]).code(0);
    status(&project, "complete");
}

#[test]
fn status_of_a_spec_that_waits_for_a_limit() {
    let pattern = "[{ match = \"^quota exceeded\", kind = \"quota_exhausted\", reset = \"none\" }]";
    let project = three("echo 'quota exceeded' >&2; exit 1")
        .config(&format!("[limit]\nunknown = [\"1h\"]\n[backend.fake]\nlimit_patterns = {pattern}\n"));
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("login")["run"]["wait"]["until"].is_string());
    let texts = [&["status"][..], &["status", "--json"]].map(|args| screen(&project, args));
    run.signal(Signal::INT);
    run.wait().code(130);
    compare("status", "waiting", &texts[0]);
    compare("status", "waiting_json", &texts[1]);
}

#[test]
fn specs_of_a_project() {
    let project = three("[ $SEQORCH_UNIT = 2 ] && { echo 'Which database?'; say_halt; exit; }; say_done")
        .spec("logout", "- [x] 1. A\n- [x] 2. B\n")
        .spec("search", "- [ ] 1. A\n- [ ] 1. A\n");
    project.run(&["run", "login"]).code(2);
    check(&project, "status", "specs", &[&["specs"]]);
}
