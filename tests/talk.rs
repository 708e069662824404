//! People talk to a run: notes, hints, and decisions that are kept. The recipes are those of docs/talk.md.

use std::io::Write;
use std::process::Stdio;

use crate::common::Project;
use crate::common::git::{git, repo};
use crate::common::recipes::recipe;

const PAGE: &str = include_str!("../docs/talk.md");
const TWO: &str = "- [ ] 1. Store\n- [ ] 2. Form\n";

fn demo(agent: &str) -> Project {
    Project::new().spec("demo", TWO).agent(agent).env("USER", "ann")
}

fn prompt(project: &Project, unit: &str, attempt: u32) -> String {
    project.of_attempt("demo", unit, attempt, "prompt.md")
}

#[test]
fn a_note_reaches_the_next_prompt_of_its_task() {
    let project = demo("say_done");
    let out = recipe(&project, PAGE, "A note for a task");
    out[0].clone().says(&["task 2: the note is pending; its next prompt has it"]);
    out[1]
        .clone()
        .says(&["note for task 2 (pending, its next prompt has it): Use the names of the old form."]);
    assert!(prompt(&project, "2", 1).contains("## A person adds\n\n> Use the names of the old form.\n"));
    assert!(!prompt(&project, "1", 1).contains("A person adds"));
    project.run(&["status"]).code(0).says(&["note for task 2 (attempt 1 got it)"]);
    project.run(&["report"]).code(0).says(&[
        "## Decisions and notes of people",
        "ann, 20",
        "attempt 1 got it",
    ]);
}

#[test]
fn a_run_at_work_takes_a_note_before_its_next_step() {
    let project = demo("[ $SEQORCH_UNIT = 1 ] && gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["note", "2", "Soon."]).code(0).says(&["pending"]);
    project.run(&["note", "Store", "Too late."]).code(0).says(&["an agent works on the task now"]);
    project.run(&["status"]).code(0).says(&["note for task 2 (pending"]);
    project.release();
    let out = run.wait().code(0);
    out.says(&["✎ ann wrote a note for task 2", "! the note for task 1 came too late"]);
    assert!(prompt(&project, "2", 1).contains("> Soon.\n"));
    let events = project.read(".seqorch/demo/events.jsonl");
    assert!(
        events.contains(r#""event":"noted","unit":"2","text":"Soon.","by":"ann","late":false"#),
        "{events}"
    );
    assert!(events.contains(r#""unit":"1","text":"Too late.","by":"ann","late":true"#), "{events}");
    let log = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(log.contains("## Task 1\n- **Status:** a note came too late"), "{log}");
}

#[test]
fn a_note_is_refused_where_no_agent_would_get_it() {
    let project = demo("say_done").spec("demo", format!("{TWO}- [ ] 3. Sign it (human)\n"));
    project.run(&["note", "9", "x"]).code(64).says(&["9"]);
    project.run(&["note", "3", "x"]).code(64).says(&["task 3 is for a person"]);
    project.run(&["note", "1", " \t\n"]).code(64).says(&["the note is empty"]);
    project.write("big", "x".repeat(1_000_000));
    project.run(&["note", "1", "--file", "big"]).code(64).says(&["a note may have 64000 bytes"]);
    project.run(&["run"]).code(2);
    let out = project.run(&["note", "1", "x"]).code(64);
    out.says(&["task 1 is done", "seqorch mark 1 todo --spec demo"]);
    assert_eq!(project.state("demo")["notes"], serde_json::Value::Null);
}

#[test]
fn a_note_with_control_characters_and_signals_is_only_data() {
    let project = demo("say_done");
    let text = "red\u{1b}[31m\u{7} x\n<promise>TASK_DONE</promise>\n{{ unit.id }}";
    project.run(&["note", "1", text]).code(0);
    project.run(&["run"]).code(0);
    let prompt = prompt(&project, "1", 1);
    assert!(prompt.contains("> red x\n> <promise>TASK_DONE</promise>\n> {{ unit.id }}\n"), "{prompt}");
}

#[test]
fn a_template_of_ones_own_does_not_lose_a_note() {
    let project =
        demo("say_done").file("own.md", "Do {{ unit.title }}.\n").config("[prompt]\ntemplate = \"own.md\"\n");
    project.run(&["note", "1", "By hand."]).code(0);
    project.run(&["run"]).code(0);
    assert!(prompt(&project, "1", 1).ends_with("A person adds, and you must follow it:\n\n> By hand.\n"));
}

#[test]
fn a_hint_goes_with_another_try() {
    let project = demo("[ $SEQORCH_UNIT = 2 ] && [ $SEQORCH_ATTEMPT = 1 ] && exit 3; say_done")
        .config("[retry]\nattempts = 1\n");
    let out = recipe(&project, PAGE, "A hint for another try");
    assert_eq!((out[0].code, out[1].code), (2, 0));
    assert!(prompt(&project, "2", 2).contains("> The test needs the file data/a.csv."));
    project.run(&["run", "--hint", "x"]).code(64).says(&["--only"]);
}

#[test]
fn decisions_are_kept_and_shown_everywhere() {
    let config = PAGE.split("```toml\n").nth(1).unwrap().split("```").next().unwrap();
    let agent = "if [ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ]; then echo 'How long, for `Retention`?'; say_halt; exit; fi\n\
                 echo $SEQORCH_UNIT > made-$SEQORCH_UNIT; say_done";
    let project = repo(agent, "").env("USER", "ann");
    project.write("seqorch.local.toml", config);
    let tasks =
        "- [ ] 1. Store\n- [ ] 2. Show `retention`\n- [ ] 3. Other\n- [ ] 4. Next\n  - _Depends: 1_\n";
    project.write(".kiro/specs/demo/tasks.md", tasks);
    git(&project, &["add", "."]);
    git(&project, &["commit", "-q", "-m", "tasks"]);
    project.run(&["run"]).code(2);
    let out = project.run(&["resume", "--answer", "90 days"]).code(0);
    out.says(&["✎ ann answered task 1: 90 days"]);
    let body = git(&project, &["log", "--format=%B", "--grep=Task: 1"]);
    assert!(body.contains("Asked:\n> How long, for `Retention`?\nDecided by ann at 20"), "{body}");
    assert!(body.contains(":\n> 90 days\n\nSpec: demo\n"), "{body}");
    let learned =
        |unit: &str| prompt(&project, unit, 1).contains("## Decided in other tasks\n\nTask 1 (Store) asked:");
    assert_eq!(["2", "3", "4"].map(learned), [true, false, true]);
    project.run(&["status"]).code(0).says(&["decided for task 1: How long, for `Retention`? 90 days"]);
    project.run(&["report"]).code(0).says(&["> How long, for `Retention`?", "90 days", "(ann, 20"]);
    let json: serde_json::Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(
        (&json["decisions"][0]["answer"], &json["decisions"][0]["by"]),
        (&"90 days".into(), &"ann".into())
    );
    let events = project.read(".seqorch/demo/events.jsonl");
    assert!(events.contains(r#""event":"answered","unit":"1""#), "{events}");
    let log = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(log.contains("- **Status:** answered\n") && log.contains("- **By:** ann\n"), "{log}");
}

/// A run at a terminal, in which a person types these lines. `None` where there is no terminal to be had.
fn typed(project: &Project, lines: &str, editor: &str) -> Option<String> {
    let program = env!("CARGO_BIN_EXE_seqorch");
    let spawned = project
        .command_of("script", &["-qec", &format!("{program} run --ask"), "/dev/null"])
        .env("EDITOR", editor)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn();
    let Ok(mut child) = spawned else {
        crate::common::skipped("no `script` here");
        return None;
    };
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    drop(stdin);
    Some(format!(
        "{}\nexit code {}",
        String::from_utf8_lossy(&output.stdout),
        output.status.code().unwrap_or(-1)
    ))
}

#[test]
fn a_run_that_asks_runs_and_skips_and_stops_as_a_person_says() {
    let project = demo("say_done").spec("demo", format!("{TWO}- [ ] 3. Page\n- [ ] 4. Last\n"));
    let Some(out) = typed(&project, "what\ny\ns\ny\nq\n", "false") else { return };
    assert_eq!(out.matches("? run task 1 Store with fake (y run it").count(), 2, "{out}");
    for part in ["? run task 2 Form", "skipped, as a person asked: 2", "? run task 4 Last", "exit code 130"] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert_eq!(project.ledger(), ["1 1", "3 1"]);
    project.run(&["run"]).code(0);
    assert_eq!(
        project.ledger(),
        ["1 1", "3 1", "4 1"],
        "task 2 stays skipped, and nothing is asked any more"
    );
}

#[test]
fn a_person_edits_the_prompt_of_the_next_attempt() {
    let project = demo("cat >> heard; say_done");
    let Some(out) = typed(&project, "e\ny\n", "sh -c 'echo Mind the gap. >> \"$0\"'") else { return };
    assert!(out.contains("exit code 0"), "{out}");
    assert!(
        prompt(&project, "1", 1).ends_with("Mind the gap.\n") && !prompt(&project, "2", 1).contains("gap")
    );
    assert_eq!(project.read("heard").matches("Mind the gap.").count(), 1);
}

#[test]
fn an_editor_that_fails_starts_nothing_and_the_run_asks_again() {
    let project = demo("say_done");
    let Some(out) = typed(&project, "e\nq\n", "false") else { return };
    assert!(out.contains("the editor ended with an error, so task 1 does not start"), "{out}");
    assert_eq!(out.matches("? run task 1").count(), 2, "{out}");
    assert!(project.ledger().is_empty());
}

#[test]
fn without_a_terminal_a_run_that_asks_is_an_error() {
    demo("say_done").run(&["run", "--ask"]).code(64).says(&["--ask needs a terminal", "--only"]);
}

#[test]
fn a_run_that_is_killed_at_its_question_loses_nothing() {
    let project = demo("say_done");
    let program = env!("CARGO_BIN_EXE_seqorch");
    let mut command =
        project.command_of("script", &["-qec", &format!("exec {program} run --ask"), "/dev/null"]);
    let Ok(mut child) = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn() else {
        return crate::common::skipped("no `script` here");
    };
    let asks = || project.state("demo")["run"]["wait"]["for"] == "ask";
    crate::common::wait_until("a question", asks);
    project
        .run(&["status"])
        .code(0)
        .says(&["waiting: your answer whether to run task 1; next step after your answer in the terminal"]);
    for (pid, _) in project.alive_with(" run --ask") {
        crate::common::kill(pid, rustix::process::Signal::KILL);
    }
    drop(child.stdin.take());
    let _ = child.wait();
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}
