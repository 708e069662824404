//! Hooks: what they are given, when they are called, and what happens when they fail.

use serde_json::{Value, json};

use crate::common::programs::program;
use crate::common::{Project, wait_until};

pub(crate) const TWO: &str = "- [ ] 1. A\n- [ ] 2. B\n";

pub(crate) fn lines(text: &str) -> Vec<Value> {
    text.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

/// Every hook appends its variables to `calls`, and its standard input to `events`.
fn all_hooks(more: &str) -> String {
    let argv = "[\"sh\", \"-c\", \"echo $SEQORCH_EVENT $SEQORCH_SPEC $SEQORCH_UNIT $SEQORCH_OUTCOME >> calls; cat >> events\"]";
    let hooks = ["run_start", "step_start", "step_end", "halt", "run_end"];
    let list: Vec<String> = hooks.iter().map(|name| format!("{name} = {argv}\n")).collect();
    format!("[hooks]\n{}{more}", list.concat())
}

#[test]
fn hooks_get_each_event_in_order_with_variables_and_json() {
    let project = Project::new().spec("login", TWO).agent("say_done").config(&all_hooks(""));
    project.run(&["run"]).code(0);
    assert_eq!(
        project.read("calls").lines().map(str::trim_end).collect::<Vec<_>>(),
        [
            "run_start login",
            "step_start login 1",
            "step_end login 1 done",
            "step_start login 2",
            "step_end login 2 done",
            "run_end login complete",
        ]
    );
    let payloads = lines(&project.read("events"));
    assert_eq!(payloads[0]["steps"], serde_json::json!(["1", "2"]));
    assert_eq!((&payloads[2]["event"], &payloads[2]["title"]), (&"step_ended".into(), &"A".into()));
    assert_eq!(payloads[5]["exit_code"], 0);
}

#[test]
fn a_run_that_waits_for_its_last_hooks_says_so() {
    let waits = "[\"sh\", \"-c\", \"until [ -e go ]; do sleep 0.01; done\"]";
    let hooks = format!("[hooks]\nstep_end = {waits}\nrun_end = {waits}\n");
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("say_done").config(&hooks);
    let run = project.start(&["run"]);
    run.wait_for("… waiting for 2 hooks to end (each has ");
    project.write("go", "");
    run.wait().code(0).says(&["all complete"]);
}

#[test]
fn a_halt_calls_its_hook_with_the_question() {
    let hook = "[hooks]\nhalt = [\"sh\", \"-c\", \"echo $SEQORCH_UNIT: $SEQORCH_MESSAGE > calls\"]\n";
    let project = Project::new().spec("login", TWO).agent("echo Which port; say_halt").config(hook);
    project.run(&["run"]).code(2);
    assert_eq!(project.read("calls"), "1: Which port\n");
}

#[test]
fn a_failed_task_calls_the_halt_hook_once_at_the_end_of_the_run() {
    let says = "echo $SEQORCH_EVENT $SEQORCH_UNIT $SEQORCH_OUTCOME: $SEQORCH_MESSAGE >> calls";
    let hooks = format!(
        "[run]\non_failure = \"skip\"\n[retry]\nattempts = 1\n[hooks]\nhalt = [\"sh\", \"-c\", \"{says}\"]\n"
    );
    let project = Project::new().spec("login", TWO).agent("exit 3").config(&hooks);
    let out = project.run(&["run", "--json"]).code(2);
    let calls = project.read("calls");
    assert!(calls.starts_with("halt 1 stuck: task 1 failed, no attempts left: "), "{calls}");
    assert!(calls.contains("exit code 3") && calls.lines().count() == 1, "{calls}");
    let events = lines(&out.stdout);
    let need = events.iter().find(|event| event["event"] == "needs_human").unwrap();
    assert_eq!((&need["unit"], &need["why"]), (&"1".into(), &"stuck".into()));
    let end = events.last().unwrap();
    assert_eq!((&end["unit"], &end["reason"]), (&need["unit"], &need["reason"]));
}

#[test]
fn a_failing_hook_is_reported_and_harms_nothing() {
    let hooks = "[hooks]\nstep_end = [\"sh\", \"-c\", \"echo no route to host >&2; exit 7\"]\nrun_end = [\"./gone\"]\n";
    let project = Project::new().spec("login", TWO).agent("rm -f gone; say_done").config(hooks);
    program(&project, project.path("gone").to_str().unwrap(), "");
    project.run(&["run"]).code(0).says(&[
        "! hooks.step_end: sh failed with exit code 7: no route to host",
        "! hooks.run_end: ./gone does not exist",
        "all complete",
    ]);
}

#[test]
fn the_log_of_hooks_says_which_ones_could_not_start() {
    let hooks = "[hooks]\nstep_end = [\"./hook.sh\"]\nrun_end = [\"./hook.sh\"]\n";
    let agent = "printf '#!/no/such\\n' > hook.sh; say_done";
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(agent).config(hooks);
    program(&project, project.path("hook.sh").to_str().unwrap(), "exit 0");
    project.run(&["run"]).code(0);
    let log = project.read(".seqorch/login/hooks.log");
    for hook in ["step_end", "run_end"] {
        assert!(log.contains(&format!("hooks.{hook}: ./hook.sh cannot be started: ")), "{log}");
    }
}

#[test]
fn a_failing_required_hook_ends_the_run_and_loses_nothing() {
    let hooks = "[hooks]\nrequired = true\nstep_start = [\"sh\", \"-c\", \"test -e ready\"]\n";
    let project = Project::new().spec("login", TWO).agent("note $SEQORCH_UNIT; say_done").config(hooks);
    let out = project.run(&["run"]).code(2);
    assert!(out.stderr.contains("hooks.step_start: sh failed with exit code 1"), "{out:?}");
    assert!(out.stderr.contains("hooks.required = false"), "{out:?}");
    assert!(project.ledger().is_empty(), "an agent was started");
    // and status does not show it as running
    assert_eq!(project.outcomes("login", "1"), ["cancelled"]);
    let status = project.run(&["status"]).code(0);
    assert!(status.stdout.starts_with("login: needs you: a hook failed\n"), "{status:?}");
    assert!(!status.stdout.contains("at work"), "{status:?}");
    let log = lines(&project.read(".seqorch/login/events.jsonl"));
    assert_eq!(
        (&log.last().unwrap()["why"], &log.last().unwrap()["exit_code"]),
        (&"error".into(), &2.into())
    );
    project.write("ready", "");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger().iter().filter(|line| line.contains("1 ")).count(), 1);
}

#[test]
fn a_slow_hook_delays_no_step_and_is_awaited_at_the_end() {
    let slow = "run_start = [\"sh\", \"-c\", \"read -r _ < gate; echo $SEQORCH_EVENT >> calls\"]\n";
    let quick = "[\"sh\", \"-c\", \"echo $SEQORCH_EVENT $SEQORCH_UNIT >> calls\"]\n";
    let hooks = format!("[hooks]\n{slow}step_start = {quick}step_end = {quick}run_end = {quick}");
    let project = Project::new().spec("login", TWO).agent("say_done").config(&hooks);
    let mut run = project.start(&["run"]);
    // both tasks are done while the first hook still waits
    run.wait_for("all complete");
    assert!(!run.is_over() && project.read("calls").is_empty());
    project.release();
    run.wait().code(0);
    let calls = project.read("calls");
    let calls: Vec<_> = calls.lines().map(str::trim_end).collect();
    assert_eq!(calls, ["run_start", "step_start 1", "step_end 1", "step_start 2", "step_end 2", "run_end"]);
}

#[test]
fn a_required_hook_ends_before_the_agent_starts() {
    let hooks =
        "[hooks]\nrequired = true\nstep_start = [\"sh\", \"-c\", \"read -r _ < gate; touch ready\"]\n";
    let project =
        Project::new().spec("login", "- [ ] 1. A\n").agent("test -e ready && say_done").config(hooks);
    let run = project.start(&["run"]);
    project.release();
    run.wait().code(0);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
}

#[test]
#[ignore = "slow"]
fn a_hanging_hook_is_ended_with_all_its_processes() {
    let hooks = "[hooks]\ntimeout = \"1s\"\nrun_start = [\"sh\", \"-c\", \"trap '' TERM; sleep 4711 & wait; wait\"]\n";
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("say_done").config(hooks);
    project.run(&["run"]).code(0).says(&["! hooks.run_start: sh did not end within 1s"]);
    wait_until("the hook's end", || project.alive_with("4711").is_empty());
}

#[test]
fn an_attempt_that_never_started_shows_no_older_output() {
    let hooks = "[hooks]\nrequired = true\nstep_start = [\"sh\", \"-c\", \"test -e ready\"]\n";
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("echo OLD WORDS; say_done");
    let project = project.config(hooks).file("ready", "");
    project.run(&["run"]).code(0);
    // the state file is removed, the folders of its attempts are not
    std::fs::remove_file(project.path(".kiro/specs/SEQUENTIAL_STATE.json")).unwrap();
    std::fs::remove_file(project.path("ready")).unwrap();
    project.write(".kiro/specs/login/tasks.md", "- [ ] 1. A\n");
    project.run(&["run"]).code(2);
    project.run(&["status"]).code(0).says(&["1  A: to do, last attempt: never started\n"]);
    let logs = project.run(&["logs", "1"]).code(64).says(&["attempt 1 of task 1 never started"]);
    let report = project.run(&["report"]).code(0).says(&["never started"]);
    assert!(!logs.stdout.contains("OLD WORDS") && !report.stdout.contains("OLD WORDS"), "{report:?}");
}

/// Every command that describes a spec says that it needs you, and why.
fn needs_you_everywhere(project: &Project, reason: &str) {
    for args in [&["status"][..], &["status", "--watch"], &["report"], &["doctor"]] {
        let printed = project.run(args).stdout;
        assert!(printed.contains("eeds you"), "{args:?}:\n{printed}");
        for part in [reason, "seqorch run login --retry"] {
            assert!(printed.contains(part), "{part} is missing in {args:?}:\n{printed}");
        }
    }
    let status: Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["state"], "needs_human");
    assert!(status["ended"]["reason"].as_str().unwrap().contains(reason), "{status}");
}

/// No command says any more that the spec needs you.
fn needs_nothing(project: &Project) {
    for args in [&["status"][..], &["report"], &["doctor"]] {
        let printed = project.run(args).stdout;
        assert!(!printed.contains("eeds you:"), "{args:?}:\n{printed}");
    }
    let status: Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!((&status["needs"], &status["ended"]), (&json!([]), &Value::Null));
}

#[test]
#[ignore = "slow"]
fn an_error_that_ends_a_run_is_shown_until_the_next_run() {
    let agent = "[ -e ok ] || echo '<<<<<<< HEAD' >> \"$ROOT/.kiro/specs/login/tasks.md\"; say_done";
    let project = Project::new().spec("login", TWO).agent(agent).config(&all_hooks(""));
    project.run(&["run"]).code(65);
    let calls = project.read("calls");
    let calls: Vec<_> = calls.lines().map(str::trim_end).collect();
    assert_eq!(calls[calls.len() - 2..], ["halt login error", "run_end login error"]);
    let log = lines(&project.read(".seqorch/login/events.jsonl"));
    let (need, end) = (&log[log.len() - 2], &log[log.len() - 1]);
    assert_eq!((&need["event"], &need["why"]), (&"needs_human".into(), &"error".into()));
    assert!(need["reason"].as_str().unwrap().ends_with("tasks.md can't be run"), "{need}");
    assert_eq!((&end["reason"], &end["left"]), (&need["reason"], &1.into()));
    needs_you_everywhere(&project, "tasks.md can't be run");
    project.write("ok", "");
    project.write(".kiro/specs/login/tasks.md", "- [x] 1. A\n- [ ] 2. B\n");
    project.run(&["run", "login", "--retry"]).code(0);
    needs_nothing(&project);
}

#[test]
#[ignore = "slow"]
fn a_failing_required_hook_is_shown_until_the_next_run() {
    let says = "[\"sh\", \"-c\", \"echo $SEQORCH_EVENT $SEQORCH_REASON >> calls\"]";
    for failing in ["run_start", "step_start", "step_end", "run_end"] {
        let fails = "[\"sh\", \"-c\", \"test -e ok || { echo not now >&2; exit 1; }\"]";
        let hooks = format!("[hooks]\nrequired = true\nhalt = {says}\n{failing} = {fails}\n");
        let project = Project::new().spec("login", TWO).agent("say_done").config(&hooks);
        project.run(&["run"]).code(2);
        let why = format!("hooks.{failing}: sh failed with exit code 1: not now");
        // the end was already reported
        let called = if failing == "run_end" { String::new() } else { format!("halt {why}\n") };
        assert_eq!(project.read("calls"), called, "{failing}");
        if failing == "run_start" {
            let status = project.run(&["status"]).code(0);
            status.says(&["needs you", &why]);
        } else {
            needs_you_everywhere(&project, &why);
        }
        project.write("ok", "");
        project.run(&["run", "login", "--retry"]).code(0);
        needs_nothing(&project);
    }
}

#[test]
#[ignore = "slow"]
fn a_failing_required_halt_hook_is_called_once_and_hides_no_error() {
    let hooks = "[hooks]\nrequired = true\nhalt = [\"sh\", \"-c\", \"echo called >> calls; exit 1\"]\n\
                 step_end = [\"false\"]\nrun_end = [\"sh\", \"-c\", \"echo end >> calls\"]\n";
    let project = Project::new().spec("login", TWO).agent("say_done").config(hooks);
    let out = project.run(&["run"]).code(2);
    assert!(out.stderr.contains("hooks.step_end: "), "the first error is reported: {out:?}");
    assert_eq!(project.read("calls"), "called\nend\n");
    needs_you_everywhere(&project, "hooks.step_end: ");
}
