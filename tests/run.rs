//! `seqorch run` without tmux: what follows from what agents do.

use std::fs;
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
fn a_complete_run_ends_with_0_and_changes_only_the_marks() {
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
fn what_is_complete_is_never_dispatched_again() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n");
    project.run(&["run"]).code(0);
    project.run(&["run"]).code(0);
    // not even when somebody opens the boxes: the state says so
    project.write(".kiro/specs/login/tasks.md", "- [ ] 1. A\n- [ ] 2. B\n");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn optional_tasks_are_skipped_unless_asked_for() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ]* 2. B\n");
    project.run(&["run"]).code(0).says(&["1 optional, skipped"]);
    assert_eq!(project.ledger(), ["1 1"]);
    project.run(&["run", "--include-optional"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_eq!(project.tasks("login"), "- [x] 1. A\n- [x]* 2. B\n");
}

#[test]
fn the_iteration_cap_ends_with_1_and_the_next_run_goes_on() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n");
    project.run(&["run", "--max-iterations", "2"]).code(1).says(&["maximum of iterations", "1 left"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    project.run(&["run", "--max-iterations", "2"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1", "3 1"]);
}

#[test]
fn a_cap_that_the_last_task_just_meets_is_complete() {
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
fn halt_ends_with_2_and_the_question_waits_for_a_human() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n- [ ] 3. C\n").agent(ASKS);
    project.run(&["run"]).code(2).says(&["Postgres or SQLite?", "resume"]);
    let state = project.state("login");
    assert_eq!((&state["halted"], &state["halted_task"]), (&json!(true), &json!("2")));
    assert_eq!(state["question"], "Postgres or SQLite?\nBoth would do.");
    assert!(state["halted_at"].is_string());
    assert_eq!(state["units"]["2"]["status"], "halted");
    assert_eq!(project.tasks("login"), "- [x] 1. A\n- [ ] 2. B\n- [ ] 3. C\n");
    // a later run shows the question and starts nobody
    project.run(&["run"]).code(2).says(&["Postgres or SQLite?", "resume"]);
    project.run(&["status"]).code(0).says(&["halted", "Postgres or SQLite?"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    // the answer goes on, and into the prompt beside its question
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
fn resume_of_what_is_not_halted_says_so() {
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    project.run(&["resume", "--answer", "x"]).code(64).says(&["not halted"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn a_failing_unit_is_retried_with_backoff_and_then_a_human_is_needed() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("cat > \"$ROOT/prompt-$SEQORCH_ATTEMPT\"; echo 'segfault in parser'; echo 'boom' >&2; exit 3")
        .config("[retry]\nattempts = 3\nbackoff = \"100ms\"\n");
    let start = Instant::now();
    let output = project.run(&["run"]).code(2);
    assert!(start.elapsed().as_millis() >= 300, "100 ms and 200 ms of backoff");
    output.says(&["next attempt of 1", "failed for good: 1", "seqorch logs --spec login 1 --attempt 3"]);
    assert_eq!(project.ledger(), ["1 1", "1 2", "1 3"]);
    assert_eq!(project.outcomes("login", "1"), ["failed", "failed", "failed"]);
    assert_eq!(project.state("login")["units"]["1"]["status"], "failed");
    assert!(!project.read("prompt-1").contains("What went wrong before"));
    let prompt = project.read("prompt-2");
    for part in ["What went wrong before", "Attempt 1", "exit code 3", "> segfault in parser", "> boom"] {
        assert!(prompt.contains(part), "{part} is missing in:\n{prompt}");
    }
    // a later run tries it afresh
    let project = project.agent("say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger()[3..], ["1 4", "2 1"]);
}

#[test]
fn with_skip_the_independent_go_on_and_the_dependants_are_blocked() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n  - _Depends: 1_\n- [ ] 3. C\n")
        .agent("[ $SEQORCH_UNIT = 1 ] && exit 1; say_done")
        .config("[run]\non_failure = \"skip\"\n[retry]\nattempts = 2\n");
    project.run(&["run"]).code(2).says(&["failed for good: 1", "blocked: 2"]);
    assert_eq!(project.ledger(), ["1 1", "1 2", "3 1"]);
    assert_eq!(project.tasks("login"), "- [ ] 1. A\n- [ ] 2. B\n  - _Depends: 1_\n- [x] 3. C\n");
}

#[test]
fn an_end_without_signal_is_retried_and_the_prompt_says_what_went_wrong() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("cat > \"$ROOT/prompt-$SEQORCH_ATTEMPT\"; echo halfway; [ $SEQORCH_ATTEMPT = 1 ] || say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.outcomes("login", "1"), ["no_signal", "done"]);
    let prompt = project.read("prompt-2");
    assert!(prompt.contains("ended without TASK_DONE") && prompt.contains("> halfway"), "{prompt}");
}

#[test]
fn an_optional_signal_makes_a_good_end_enough_and_a_bad_one_not() {
    let config = "[done]\nsignal = \"optional\"\n[retry]\nattempts = 1\n";
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("echo fine").config(config);
    project.run(&["run"]).code(0);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("exit 1").config(config);
    project.run(&["run"]).code(2);
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent("echo why; say_halt").config(config);
    project.run(&["run"]).code(2);
    assert_eq!(project.state("login")["question"], "why");
}

#[test]
fn a_done_signal_before_a_failing_exit_is_no_success() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("say_done; exit 1")
        .config("[retry]\nattempts = 1\n");
    project.run(&["run"]).code(2);
    assert_eq!(project.outcomes("login", "1"), ["failed"]);
    assert_eq!(project.tasks("login"), "- [ ] 1. A\n");
}

fn times_out(agent: &str, timeout: &str, which: &str) {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent(agent)
        .config(&format!("[timeout]\n{timeout}\n[retry]\nattempts = 1\n"));
    project.run(&["run"]).code(2);
    let state = project.state("login");
    let outcome = &state["units"]["1"]["attempts"][0]["outcome"];
    assert_eq!((&outcome["kind"], &outcome["which"]), (&json!("timed_out"), &json!(which)));
    assert_eq!(project.alive_with("agent.sh"), []);
}

#[test]
fn an_agent_over_its_time_limit_is_ended_though_it_talks() {
    times_out("say_done; while :; do echo tick; sleep 0.05; done", "task = \"300ms\"", "total");
}

#[test]
fn an_agent_that_falls_silent_is_ended() {
    times_out("echo hello; gate", "idle = \"300ms\"", "idle");
}

#[test]
fn an_agent_that_hangs_after_its_closing_record_is_ended_and_its_task_is_not_done_again() {
    let said = "<promise>TASK_DONE</promise>";
    let agent = format!(
        r#"
echo '{{"type":"system","subtype":"init","session_id":"5f8e","model":"m"}}'
echo '{{"type":"assistant","message":{{"content":[{{"type":"text","text":"{said}"}}]}}}}'
echo '{{"type":"result","subtype":"success","is_error":false,"result":"{said}","session_id":"5f8e"}}'
sleep 4712
"#
    );
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent(&agent)
        .config("[timeout]\nidle = \"3s\"\n[backend.fake]\noutput = \"claude\"\n");
    project.run(&["run"]).code(0).says(&["ended: it did not exit after its closing record, TASK_DONE"]);
    assert_eq!(project.outcomes("login", "1"), ["done"]);
    assert!(project.alive_with("4712").is_empty());
}

#[test]
fn an_agent_that_never_says_anything_is_ended() {
    times_out("gate", "first_output = \"300ms\"", "first_output");
}

#[test]
fn output_moves_the_idle_deadline() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.2; done; say_done")
        .config("[timeout]\nidle = \"1s\"\n[retry]\nattempts = 1\n");
    project.run(&["run"]).code(0);
}

#[test]
fn the_prompt_comes_by_stdin_argument_or_file() {
    for (prompt, args, read) in [
        ("stdin", r#"["agent.sh"]"#, "cat"),
        ("arg", r#"["agent.sh", "{prompt}"]"#, r#"printf '%s' "$1""#),
        ("file", r#"["agent.sh", "{prompt_file}"]"#, r#"cat "$1""#),
    ] {
        let project = Project::new()
            .spec("login", "- [ ] 1. Say \"it's\" $HOME `id` \\n {prompt_file} 日本\n")
            .agent(&format!("{read} > \"$ROOT/got\"; say_done"))
            .config(&format!("[backend.fake]\nprompt = \"{prompt}\"\nargs = {args}\n"));
        project.run(&["run"]).code(0);
        let got = project.read("got");
        assert_eq!(got.trim_end(), project.of_attempt("login", "1", 1, "prompt.md").trim_end(), "{prompt}");
        assert!(got.contains("Say \"it's\" $HOME `id` \\n {prompt_file} 日本"), "{prompt}: {got}");
    }
}

#[test]
fn a_prompt_of_300_kb_arrives_whole_by_stdin() {
    let detail = format!("  - {}\n", "x".repeat(90)).repeat(3300);
    let project =
        Project::new().spec("login", format!("- [ ] 1. A\n{detail}")).agent("cat > \"$ROOT/got\"; say_done");
    project.run(&["run"]).code(0);
    let got = project.read("got");
    assert!(got.len() > 300_000, "{} bytes", got.len());
    assert_eq!(got, project.of_attempt("login", "1", 1, "prompt.md"));
}

#[test]
fn a_prompt_too_long_for_an_argument_says_what_to_do() {
    let detail = format!("  - {}\n", "x".repeat(90)).repeat(3300);
    let project = Project::new()
        .spec("login", format!("- [ ] 1. A\n{detail}"))
        .config("[backend.fake]\nprompt = \"arg\"\nargs = [\"agent.sh\", \"{prompt}\"]\n");
    project.run(&["run"]).code(69).says(&["too long for an argument", "\"file\""]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn an_agent_that_never_reads_a_long_prompt_does_not_block() {
    let detail = format!("  - {}\n", "x".repeat(90)).repeat(3300);
    let project = Project::new().spec("login", format!("- [ ] 1. A\n{detail}")).agent("say_done");
    project.run(&["run"]).code(0);
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
fn several_specs_run_one_after_another_and_keep_their_own_state() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .spec("logout", "- [ ] 1. B\n- [ ] 2. C\n")
        .agent("note \"of $SEQORCH_SPEC\"; say_done");
    project.run(&["run", "logout", "login"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "of logout", "2 1", "of logout", "1 1", "of login"]);
    assert_eq!(project.state("login")["completed"], json!(["1"]));
    assert_eq!(project.state("logout")["completed"], json!(["1", "2"]));
}

#[test]
fn a_spec_that_does_not_complete_keeps_the_next_ones_from_running() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .spec("logout", "- [ ] 1. B\n")
        .agent("note $SEQORCH_SPEC; say_halt");
    project.run(&["run", "login", "logout"]).code(2);
    assert_eq!(project.ledger(), ["1 1", "login"]);
    assert!(project.state("logout").is_null());
}

#[test]
fn a_misspelt_second_spec_is_found_before_the_first_begins() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").spec("logout", "- [ ] 1. B\n- [ ] 1. B\n");
    project.run(&["run", "login", "logoot"]).code(66).says(&["logoot", "logout"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn specs_of_one_name_in_two_folders_never_mix() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").file("old/login/tasks.md", "- [ ] 1. B\n");
    project.run(&["run", ".kiro/specs/login"]).code(0);
    let before = project.of_attempt("login", "1", 1, "prompt.md");
    project.run(&["run", "old/login"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 1"]);
    assert_eq!(project.read("old/login/tasks.md"), "- [x] 1. B\n");
    assert!(before.contains("Task 1: A"));
    assert_eq!(project.of_attempt("login", "1", 1, "prompt.md"), before, "the other's log is overwritten");
}

#[test]
fn the_flags_of_the_python_tool_are_taken() {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n").file("work/x", "").agent("note $PWD; say_done");
    let spec = project.path(".kiro/specs/login");
    project
        .run(&[
            "run",
            "--spec",
            spec.to_str().unwrap(),
            "--delay",
            "0",
            "--max-iterations",
            "5",
            "--backend",
            "fake",
            "--assign-backend",
            "fake",
            "--assign-opencode-agent",
            "gawain",
            "--tmux-session",
            "x",
            "--workdir",
            "work",
        ])
        .code(2);
    // the script is looked for in the work dir, as a person in that folder would
    fs::copy(project.path("agent.sh"), project.path("work/agent.sh")).unwrap();
    project.run(&["run", "--spec", ".kiro/specs/login/tasks.md", "--workdir", "work"]).code(0);
    assert_eq!(project.ledger(), ["1 4".to_owned(), project.path("work").display().to_string()]);
}

#[test]
fn the_python_tools_state_is_taken_over() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .file(".kiro/specs/SEQUENTIAL_STATE.json", r#"{"completed": ["1"], "halted": false}"#);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["2 1"]);
    assert_eq!(project.state("login")["completed"], json!(["1", "2"]));
}

#[test]
fn a_variable_turns_tmux_off() {
    let Some(project) = Project::new().spec("login", "- [ ] 1. A\n").tmux() else { return };
    let project = project.env("CODEAGENT_NO_TMUX", "1");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1"]);
    assert!(
        project.windows("sequential-login").iter().all(|l| l.contains("no server") || l.contains("error"))
    );
}

#[test]
fn the_agent_is_told_where_it_is_and_stands_in_the_project() {
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
fn boxes_that_an_agent_ticks_for_others_are_reported_and_not_believed() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("sed -i 's/\\[ \\]/[x]/' \"$ROOT/.kiro/specs/login/tasks.md\"; say_done");
    project.run(&["run"]).code(0).says(&["outside its own task: 2"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn what_an_agent_leaves_in_the_background_is_ended_and_holds_nothing_up() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .agent("setsid sleep 1000.1 & sleep 1000.1 & say_done");
    project.run(&["run"]).code(0);
    assert_eq!(project.alive_with("1000.1"), []);
}

#[test]
fn private_files_are_private() {
    use std::os::unix::fs::PermissionsExt;
    let project = Project::new().spec("login", "- [ ] 1. A\n");
    project.run(&["run"]).code(0);
    for name in ["attempt.json", "prompt.md", "output.jsonl", "stderr.log", "result.json", "lock"] {
        let mode = fs::metadata(project.path(".seqorch/login/1/1").join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}: {mode:o}");
    }
    let mode = fs::metadata(project.path(".seqorch")).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, ".seqorch: {mode:o}");
}

#[test]
fn a_backend_whose_sessions_never_go_on_costs_no_more_than_the_retry_policy_allows() {
    let agent = r#"[ -n "$1" ] && { echo "No conversation found with session ID: $1" >&2; exit 1; }
        echo '{"type":"system","subtype":"init","session_id":"S","cwd":"/","model":"m"}'
        echo '{"type":"assistant","session_id":"S","message":{"id":"m","role":"assistant","model":"m","content":[{"type":"text","text":"I did something."}]}}'
        echo '{"type":"result","subtype":"success","is_error":false,"session_id":"S","result":""}'"#;
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(agent);
    let project = project.config("[backend.fake]\noutput = \"claude\"\nresume = [\"{session}\"]\n");
    project.run(&["run"]).code(2).says(&["failed for good"]);
    let kinds = project.outcomes("login", "1");
    assert_eq!(kinds, ["no_signal", "failed", "no_signal", "failed", "no_signal", "failed"]);
}
