//! What a run prints while it works, and its summary.

use crate::common::Project;
use crate::common::git::{WRITES, git, hook, init, repo};

use super::{check, compare, project, redaction};

fn three(agent: &str) -> Project {
    project()
        .spec(
            "login",
            "- [ ] 1. Add the route\n- [ ] 2. Test the route\n- [ ]* 3. Measure it\n- [ ] 4. Describe it\n",
        )
        .agent(agent)
}

#[test]
fn a_run_of_the_hello_example() {
    let project = crate::examples::copy("hello").env("TZ", "UTC");
    init(&project);
    check(&project, "run", "hello", &[&["run", "--no-tmux", "--delay", "0"]]);
}

#[test]
fn a_run_with_a_failed_task() {
    let project = three(
        "echo \"I try task $SEQORCH_UNIT.\"; [ $SEQORCH_UNIT = 2 ] && { echo 'error: it does not compile'; exit 3; }; say_done",
    );
    // a shorter pause is over on a busy machine before it is said
    let project = project.config("[retry]\nbackoff = \"1s\"\n");
    check(&project, "run", "failed", &[&["run"]]);
}

#[test]
fn a_run_that_skips_failed_tasks() {
    let project = three("[ $SEQORCH_UNIT = 2 ] && exit 3; say_done")
        .config("[run]\non_failure = \"skip\"\n[retry]\nattempts = 1\n");
    check(&project, "run", "failed_and_skipped", &[&["run"]]);
}

#[test]
fn a_run_that_halts_and_is_resumed() {
    let asks = "[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 2-1 ] && { echo 'Which database, Postgres or SQLite?'; say_halt; exit; }; say_done";
    check(&three(asks), "run", "halted", &[&["run"], &["run"], &["resume", "--answer", "Postgres"]]);
}

#[test]
fn a_run_that_reaches_its_iteration_limit() {
    check(&three("say_done"), "run", "iteration_limit", &[&["run", "--max-iterations", "1"]]);
}

#[test]
fn a_run_of_selected_tasks() {
    check(&three("say_done"), "run", "selected_tasks", &[&["run", "--only", "1"], &["run", "--only", "1"]]);
}

#[test]
fn a_run_with_a_check_that_fails_once() {
    let project = three("touch \"try-$SEQORCH_ATTEMPT\"; say_done").config(
        "[verify]\ncommands = [[\"sh\", \"-c\", \"test -e try-2 || { echo '1 test failed'; exit 1; }\"], [\"true\"]]\n",
    );
    check(&project, "run", "failing_check", &[&["run", "--only", "1"]]);
}

#[test]
fn a_run_of_a_complete_spec() {
    check(&project().spec("login", "- [x] 1. A\n"), "run", "complete", &[&["run"]]);
}

#[test]
fn stop_mark_and_undo_answer() {
    let project = three("say_done");
    check(
        &project,
        "run",
        "mark",
        &[&["mark", "1", "done"], &["mark", "2", "skip"], &["mark", "2", "todo"], &["stop"]],
    );
}

#[test]
fn logs_of_a_task() {
    let project = three("echo 'I add the route.'; say_done")
        .config("[verify]\ncommands = [[\"echo\", \"12 tests passed\"]]\n");
    project.run(&["run", "--only", "1"]).code(0);
    check(&project, "run", "logs", &[&["logs", "1"], &["logs", "1", "--verify"]]);
}

#[test]
fn the_events_of_a_run() {
    check(&three("say_done"), "run", "events_json", &[&["run", "--json"]]);
}

#[test]
fn the_events_of_a_run_on_a_pipe() {
    let project = three("[ $SEQORCH_UNIT = 2 ] && { echo 'Which database?'; say_halt; exit; }; say_done");
    project.run(&["run"]).code(2);
    check(&project, "run", "watch", &[&["status", "--watch"]]);
}

#[test]
fn the_progress_log_and_the_commit_of_a_step() {
    let project = repo(WRITES, "").env("TZ", "UTC");
    project.run(&["run"]).code(0);
    let log = redaction::redact(&project, &project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md"));
    compare("run", "progress_log", &log);
    let commit = git(&project, &["log", "-1", "--format=%an <%ae>%n%n%B", "--stat"]);
    compare("run", "commit", &redaction::redact(&project, &commit));
}

#[test]
fn undo_of_a_task() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    check(&project, "run", "undo", &[&["undo", "2"]]);
}

#[test]
fn a_run_that_waits_for_a_limit() {
    let pattern =
        "[{ match = \"^You've hit your 5-hour limit\", kind = \"quota_exhausted\", reset = \"none\" }]";
    let agent =
        "[ $SEQORCH_ATTEMPT = 1 ] && { echo \"You've hit your 5-hour limit\" >&2; exit 1; }; say_done";
    let project = project().spec("login", "- [ ] 1. Add the route\n").agent(agent).config(&format!(
        "[limit]\nmargin = \"0s\"\nunknown = [\"2s\"]\n[backend.fake]\nlimit_patterns = {pattern}\n"
    ));
    check(&project, "run", "limit", &[&["run"]]);
}

#[test]
fn a_run_whose_commit_is_refused() {
    let project = repo(WRITES, "on_refused = \"halt\"\n").env("TZ", "UTC");
    hook(&project, "pre-commit", "echo 'line too long: made-1:1' >&2\nexit 1");
    check(&project, "run", "refused_commit", &[&["run"]]);
}
