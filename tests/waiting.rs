//! A run that meets a limit: it spends nothing, waits as long as it must, and goes on with the same task.

use crate::common::{Project, wait_until};

/// The agent is limited in its first attempt, for so many seconds from then on, in the words of Codex.
fn limited(seconds: u32) -> String {
    format!(
        "if [ \"$SEQORCH_ATTEMPT\" = 1 ] && [ \"$SEQORCH_UNIT\" = 1 ]; then \
         echo \"quota exceeded, retry at $(( $(date +%s) + {seconds} ))\" >&2; exit 1; fi; say_done"
    )
}

const PATTERN: &str = "limit_patterns = [{ match = \"^quota exceeded, retry at (?P<epoch>[0-9]+)\", kind = \"quota_exhausted\", reset = \"epoch\" }]\n";
const TWO: &str = "- [ ] 1. A\n- [ ] 2. B\n";

fn project(seconds: u32, limit: &str, more: &str) -> Project {
    Project::new()
        .spec("login", TWO)
        .agent(&limited(seconds))
        .config(&format!("[limit]\nmargin = \"0s\"\n{limit}\n[backend.fake]\n{PATTERN}{more}"))
}

#[test]
fn a_limit_is_waited_out_and_the_same_task_goes_on_without_an_attempt_or_an_iteration_spent() {
    let project = project(3, "", "[retry]\nattempts = 1\n[run]\nmax_iterations = 2\n");
    let out =
        project.run(&["run"]).code(0).says(&["quota used up: quota exceeded", "fake is limited", "waited"]);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"], "{out:?}");
    let state = project.state("login");
    let attempts = &state["units"]["1"]["attempts"];
    assert_eq!((&attempts[0]["outcome"]["kind"], &attempts[0]["counts"]), (&"limited".into(), &false.into()));
    assert!(state["waiting_until"].is_null() && state["limits"].is_null(), "{state}");
    assert!(project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md").contains("**Waiting:** fake: quota used up"));
}

#[test]
fn a_run_that_is_killed_while_it_waits_waits_for_the_rest() {
    let project = project(6, "", "");
    let run = project.start(&["run"]);
    wait_until("the wait", || project.state("login")["waiting_until"].is_string());
    let until = project.state("login")["limits"]["fake"]["until"].clone();
    project.run(&["status"]).code(0).says(&["waiting: fake: quota used up; next try in"]);
    run.signal(rustix::process::Signal::KILL);
    run.wait();
    let again = project.start(&["run"]);
    again.wait_for("fake is limited");
    assert_eq!(project.state("login")["limits"]["fake"]["until"], until, "it waits for something else");
    again.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
    let started = project.state("login")["units"]["1"]["attempts"][1]["started_at"].clone();
    let time = |at: &serde_json::Value| at.as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
    assert!(time(&started) >= time(&until), "{started} is before {until}");
}

#[test]
fn another_backend_takes_over_while_one_is_limited() {
    let project = project(
        3600,
        "fallback = [\"spare\"]",
        "[backend.spare]\ncommand = \"/bin/sh\"\nargs = [\"spare.sh\"]\n",
    );
    project.write("spare.sh", "echo spare $SEQORCH_UNIT >> ledger; echo '<promise>TASK_DONE</promise>'\n");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "spare 1", "spare 2"]);
    assert_eq!(project.state("login")["units"]["1"]["attempts"][1]["backend"], "spare");
}

#[test]
fn a_limit_that_ends_too_late_stops_the_run_for_a_human() {
    let project = project(3600, "max_wait = \"10m\"", "");
    project.run(&["run"]).code(2).says(&["fake is limited: a human is needed", "limit.max_wait"]);
    assert_eq!(project.ledger(), ["1 1"]);
    // nothing is burnt by the next one
    project.run(&["run"]).code(2);
    assert_eq!(project.ledger(), ["1 1"]);
    project.run(&["resume", "--now"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
}

#[test]
fn who_is_not_logged_in_stops_at_once_with_the_vendors_words_and_the_way_out() {
    let project = Project::new()
        .spec("login", TWO)
        .agent("[ -e key ] && { say_done; exit; }; echo 'Not logged in' >&2; exit 1")
        .config("[backend.fake]\nlimit_patterns = [{ match = \"^Not logged in\", kind = \"auth\", reset = \"none\" }]\n");
    project.run(&["run"]).code(2).says(&["Not logged in", "log in with"]);
    assert_eq!(project.ledger(), ["1 1"]);
    project.write("key", "");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
}

#[test]
fn ctrl_c_ends_a_wait_at_once() {
    let project = project(3600, "", "");
    let run = project.start(&["run"]);
    run.wait_for("fake is limited");
    run.signal(rustix::process::Signal::INT);
    run.wait().code(130);
    assert!(project.state("login")["waiting_until"].is_null());
}
