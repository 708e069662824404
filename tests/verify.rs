//! `[verify]`: the checks that must pass before a task counts as done.

use crate::common::{Project, wait_long, wait_until};

const ONE: &str = "- [ ] 1. Build it\n";

#[test]
fn a_failing_check_is_in_the_next_prompt_and_a_passing_one_completes() {
    let project = Project::new()
        .spec("demo", ONE)
        .agent("cat > prompt-$SEQORCH_ATTEMPT; [ \"$SEQORCH_ATTEMPT\" = 2 ] && touch built; say_done")
        .config("[verify]\ncommands = [[\"sh\", \"-c\", \"test -e built || { echo no such luck; exit 4; }\"], [\"true\"]]\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    let second = project.read("prompt-2");
    // quoted as in a shell
    assert!(second.contains("`sh -c 'test -e built || { echo no such luck; exit 4; }'`"), "{second}");
    assert!(second.contains("> failed with exit code 4\n> no such luck"), "{second}");
    let attempts = &project.state("demo")["units"]["1"]["attempts"];
    assert_eq!(attempts[0]["outcome"]["kind"], "verify_failed");
    assert_eq!(attempts[1]["outcome"]["kind"], "done");
    assert!(out.stdout.contains("task 1 says it is done; verifying with 2 commands"), "{}", out.stdout);
}

#[test]
fn the_same_failure_three_times_halts_the_task() {
    let project = Project::new()
        .spec("demo", ONE)
        .agent("say_done")
        .config("[retry]\nattempts = 9\n[verify]\ncommands = [[\"sh\", \"-c\", \"echo broken after $$ ms; exit 1\"]]\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert_eq!(project.ledger().len(), 3);
    let state = project.state("demo");
    assert_eq!(state["halted"], true);
    assert!(state["units"]["1"]["question"].as_str().unwrap().contains("failed 3 times in the same way"));
}

#[test]
fn an_override_has_commands_of_its_own() {
    let project = Project::new()
        .spec("demo", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("say_done")
        .config("[verify]\ncommands = [[\"false\"]]\n[[override]]\ntasks = [\"*\"]\nverify = []\n");
    assert_eq!(project.run(&["run"]).code, 0);
}

/// A project with two tasks, whose check is the program `mycheck` of the machine, and the folder with that program. The
/// agent of the first task removes the program.
fn with_vanishing_check() -> (Project, tempfile::TempDir) {
    let machine = tempfile::tempdir().unwrap();
    let program = machine.path().join("mycheck");
    std::os::unix::fs::symlink("/bin/true", &program).unwrap();
    let rest = std::env::var("PATH").unwrap();
    let agent = format!("[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && rm -f {}; say_done", program.display());
    let project = Project::new()
        .spec("demo", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent(&agent)
        .config("[verify]\ncommands = [[\"mycheck\"]]\n")
        .env("PATH", format!("{}:{rest}", machine.path().display()));
    (project, machine)
}

#[test]
fn a_check_waits_for_a_program_that_an_update_replaces() {
    let (project, machine) = with_vanishing_check();
    let run = project.start(&["run"]);
    wait_until("the wait", || run.printed().contains("mycheck was not found"));
    std::os::unix::fs::symlink("/bin/true", machine.path().join("mycheck")).unwrap();
    run.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
#[ignore = "slow"]
fn a_check_whose_program_is_gone_ends_the_run_and_costs_no_attempt() {
    let (project, machine) = with_vanishing_check();
    let mut run = project.start(&["run"]);
    wait_long("the end of its patience", || run.is_over());
    run.wait().code(69).says(&["cannot start mycheck"]);
    let attempts = &project.state("demo")["units"]["1"]["attempts"];
    assert_eq!(
        (&attempts[0]["outcome"]["kind"], &attempts[0]["counts"]),
        (&"unchecked".into(), &false.into())
    );
    assert_eq!(attempts.as_array().unwrap().len(), 1);
    // no agent is paid while it is still gone
    project.run(&["run"]).code(69);
    assert_eq!(project.ledger(), ["1 1"]);
    std::os::unix::fs::symlink("/bin/true", machine.path().join("mycheck")).unwrap();
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
}

#[test]
fn a_check_that_ran_too_few_tests_fails() {
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
fn a_check_that_does_not_end_is_ended_with_all_its_processes() {
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
fn in_tmux_a_check_has_its_own_pane() {
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

/// The first check passes and prints to both streams, the second fails and prints an escape sequence, the third never runs.
const THREE_CHECKS: &str = "[retry]\nattempts = 1\n[verify]\ncommands = [\
    [\"sh\", \"-c\", \"echo all fine; echo a warning >&2\"], \
    [\"sh\", \"-c\", \"printf 'ha\\\\033]0;evil\\\\007 ha'; exit 4\"], \
    [\"echo\", \"never\"]]\n";

#[test]
fn logs_show_the_agent_and_then_each_check_with_its_result() {
    let project = Project::new().spec("demo", ONE).agent("echo I built it; say_done").config(THREE_CHECKS);
    project.run(&["run"]).code(2);
    let logs = project.run(&["logs", "1"]).code(0).stdout;
    let parts = [
        "I built it\n<promise>TASK_DONE</promise>\n\n",
        "── verify 1: sh -c 'echo all fine; echo a warning >&2' ──\nall fine\n── on stderr ──\na warning\n── succeeded after ",
        "\n\n── verify 2: sh -c 'printf '\\''ha",
        "ha ha\n── failed with exit code 4 after ",
    ];
    let mut rest = logs.as_str();
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not where it belongs in:\n{logs}"));
        rest = &rest[at + part.len()..];
    }
    assert!(!logs.contains('\u{1b}') && !logs.contains("never"), "{logs}");
}

#[test]
fn logs_can_show_only_the_checks_or_only_the_agent() {
    let project = Project::new()
        .spec("demo", ONE)
        .agent("echo I built it; echo psst >&2; say_done")
        .config(THREE_CHECKS);
    project.run(&["run"]).code(2);
    let shown = |args: &[&str]| project.run(&[&["logs", "1"], args].concat()).code(0).stdout;
    let checks = shown(&["--verify"]);
    assert!(checks.starts_with("── verify 1: ") && !checks.contains("I built it"), "{checks}");
    assert_eq!(shown(&["--raw", "--verify"]), "all fine\nha\u{1b}]0;evil\u{7} ha");
    assert_eq!(shown(&["--raw", "--verify", "--stderr"]), "a warning\n");
    let stderr = shown(&["--verify", "--stderr"]);
    assert!(stderr.contains("\na warning\n") && !stderr.contains("\nall fine\n"), "{stderr}");
    assert_eq!(shown(&["--raw"]), "I built it\n<promise>TASK_DONE</promise>\n");
    assert_eq!(shown(&["--stderr"]), "psst\n");
    project.run(&["logs", "1", "--verify", "--prompt"]).code(64);
}

#[test]
fn the_hint_below_a_failed_check_shows_its_output() {
    let project = Project::new().spec("demo", ONE).spec("other spec", ONE).agent("say_done").config(
        "[retry]\nattempts = 2\n[verify]\ncommands = [[\"sh\", \"-c\", \"echo broken in $SEQORCH_ATTEMPT; exit 1\"]]\n",
    );
    let run = project.run(&["run", "other spec"]).code(2).stdout;
    let hints: Vec<&str> = run.lines().filter_map(|line| line.strip_prefix("  its output: ")).collect();
    assert_eq!(hints.len(), 2, "{run}");
    for (hint, printed) in hints.iter().zip(["broken in 1", "broken in 2"]) {
        let typed = hint.replacen("seqorch", env!("CARGO_BIN_EXE_seqorch"), 1);
        let shown = project.command_of("sh", &["-c", &typed]).output().unwrap();
        let shown = String::from_utf8(shown.stdout).unwrap();
        assert!(shown.contains(&format!("\n{printed}\n")), "{hint}:\n{shown}");
    }
    let report = project.run(&["report", "other spec"]).code(0).stdout;
    assert!(report.contains("> broken in 2\n\n    seqorch logs --spec 'other spec' 1 --verify"), "{report}");
}

#[test]
fn logs_follow_shows_a_running_check_and_ends_with_it() {
    let project = Project::new().spec("demo", ONE).agent("echo I built it; say_done").config(
        "[retry]\nattempts = 1\n[verify]\ncommands = [[\"sh\", \"check.sh\"], [\"echo\", \"the second\"]]\n",
    );
    project.write("check.sh", "echo it begins; echo checking >> ledger; read -r _ < gate; echo it ends\n");
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    let follow = project.start(&["logs", "-f"]);
    follow.wait_for("it begins");
    project.run(&["logs"]).code(0).says(&["I built it", "it begins", "still running"]);
    project.release();
    let printed = follow.wait().code(0).stdout;
    for part in [
        "I built it",
        "it begins\nit ends\n── succeeded after",
        "verify 2: echo 'the second' ──\nthe second\n",
    ] {
        assert!(printed.contains(part), "{part} is missing in:\n{printed}");
    }
    run.wait().code(0);
}

#[test]
fn logs_of_an_attempt_without_checks_say_so() {
    let project = Project::new().spec("demo", ONE).agent("echo I built it; say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.run(&["logs"]).code(0).stdout, "I built it\n<promise>TASK_DONE</promise>\n");
    project
        .run(&["logs", "--verify"])
        .code(64)
        .says(&["no command of [verify] ran after attempt 1 of task 1"]);
}

#[test]
fn logs_say_that_a_check_ran_too_few_tests() {
    let commands =
        "[verify]\nmin_tests = 2\ncommands = [[\"echo\", \"nothing to test\"]]\n[retry]\nattempts = 1\n";
    let project = Project::new().spec("demo", ONE).agent("say_done").config(commands);
    project.run(&["run"]).code(2);
    project.run(&["logs"]).code(0).says(&["but it ran 0 tests, and verify.min_tests asks for 2"]);
}

#[test]
#[ignore = "slow"]
fn a_check_that_prints_too_much_keeps_both_ends() {
    let project = Project::new().spec("demo", ONE).agent("say_done").config(
        "[log]\nmax_mb = 1\n[retry]\nattempts = 1\n[verify]\ncommands = [[\"sh\", \"-c\", \
         \"echo the beginning; yes a line of no interest | head -c 3000000; echo; echo the end; exit 1\"]]\n",
    );
    project.run(&["run"]).code(2);
    let logs = project.run(&["logs", "--verify"]).code(0);
    assert!(logs.stdout.contains("──\nthe beginning\n") && logs.stdout.contains("\nthe end\n── failed with"));
    assert!(logs.stdout.len() < 1_100_000, "{}", logs.stdout.len());
    assert!(logs.stderr.contains("bytes are not kept, see log.max_mb"), "{}", logs.stderr);
}

#[test]
fn status_shows_the_check_that_runs() {
    let commands = "[[\"true\"], [\"sh\", \"-c\", \"touch there; read -r _ < gate\"]]";
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("say_done");
    let project = project.config(&format!("[verify]\ncommands = {commands}\n"));
    let run = project.start(&["run"]);
    wait_until("the second command", || project.path("there").exists());
    let status = project.run(&["status"]).code(0);
    status.says(&[
        "login: running",
        "verifying: 1 (attempt 1, fake) for",
        "command 2 of 2: sh -c 'touch there;",
    ]);
    let status = project.run(&["status", "--json"]).code(0);
    let value: serde_json::Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(
        (&value["running"]["doing"], &value["running"]["alive"]),
        (&"verifying".into(), &false.into())
    );
    let verifying = &value["running"]["verifying"];
    assert_eq!((&verifying["number"], &verifying["of"]), (&2.into(), &2.into()));
    assert!(verifying["command"].as_str().unwrap().starts_with("sh -c "), "{verifying}");
    project.release();
    run.wait().code(0);
}

#[test]
fn the_cause_far_above_the_end_of_a_log_is_named_everywhere() {
    let project = Project::new()
        .spec("demo", ONE)
        .agent("say_done")
        .env("API_KEY", "hunter22hunter22")
        .file(
            "check.sh",
            "echo \"FAIL two notes, key is $API_KEY\"\ni=0; while [ $i -lt 500 ]; do echo \"  at $i\"; i=$((i+1)); done\nexit 1\n",
        )
        .config("[verify]\ncommands = [[\"sh\", \"check.sh\"]]\n[retry]\nattempts = 1\n");
    let out = project.run(&["run"]).code(2);
    let cause = "not done: FAIL two notes, key is ";
    assert_eq!(out.stdout.matches(cause).count(), 3, "event, line of the task, need: {}", out.stdout);
    assert!(!out.stdout.contains("hunter22"), "{}", out.stdout);
    for args in [&["status"][..], &["report"]] {
        project.run(args).says(&[cause]);
    }
    let events = project.read(".seqorch/demo/events.jsonl");
    assert!(events.lines().filter(|line| line.contains(cause)).count() >= 2, "{events}");
}
