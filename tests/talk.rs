//! People talk to a run: notes, hints, and decisions that are kept. The recipes are those of docs/talk.md.

use std::io::Write;
use std::process::Stdio;

use crate::common::Project;
use crate::common::git::{git, repo};
use crate::common::recipes::{commands_below, recipe, settings_below};

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
    let config = settings_below(PAGE, "Decisions");
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

/// An agent as Claude Code with open input: it ends when its input ends.
const LISTENS: &str = r#"
record() { printf '%s\n' "$1"; }
turn() {
    record '{"type":"system","subtype":"init","session_id":"s1","model":"m"}'
    [ -z "$2" ] || gate
    record "{\"type\":\"assistant\",\"session_id\":\"s1\",\"message\":{\"model\":\"m\",\"content\":[{\"type\":\"text\",\"text\":\"$1\"}]}}"
    record "{\"type\":\"result\",\"subtype\":\"success\",\"is_error\":false,\"result\":\"$1\",\"session_id\":\"s1\"}"
}
echo "$*" >> arguments
read -r prompt; printf '%s\n' "$prompt" >> heard
turn 'first\n<promise>TASK_DONE</promise>' wait
while read -r words; do printf '%s\n' "$words" >> heard; turn "$(cat second)"; done
note ended
"#;
const OPEN: &str = "[backend.fake]\noutput = \"claude\"\nlive_input = true\ninput_args = [\"--open\"]\n\
                    args = [\"agent.sh\", \"{input_args}\"]\n";

fn listening() -> Project {
    demo(LISTENS)
        .spec("demo", "- [ ] 1. Store\n")
        .config(OPEN)
        .file("second", "second\\n<promise>TASK_DONE</promise>")
}

#[test]
fn words_reach_an_agent_at_work_and_begin_another_turn() {
    let project = listening();
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    crate::common::wait_until("the prompt", || !project.read("heard").is_empty());
    recipe(&project, PAGE, "Words for an agent at work")[0]
        .clone()
        .says(&["task 1: its agent has it (attempt 1)"]);
    project
        .run(&["status"])
        .code(0)
        .says(&["words for task 1 (attempt 1 got it while it worked): Leave the old form"]);
    project.release();
    let out = run.wait().code(0);
    out.clone()
        .says(&["✎ ann says: Leave the old form", "✎ ann said to the agent of task 1: Leave the old form"]);
    assert_eq!(project.ledger(), ["1 1", "ended"], "{}", out.stdout);
    assert_eq!(project.read("arguments"), "--open\n");
    let heard = project.read("heard");
    let lines: Vec<&str> = heard.lines().collect();
    let message =
        |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["message"]["content"].clone();
    assert_eq!(message(lines[0]).as_str().unwrap(), prompt(&project, "1", 1));
    assert!(message(lines[1]).as_str().unwrap().contains("\n\nLeave the old form as it is.\n\n"), "{heard}");
    assert_eq!(lines.len(), 2);
    let events = project.read(".seqorch/demo/events.jsonl");
    assert!(
        events.contains(r#""text":"Leave the old form as it is.","by":"ann","late":false,"said_to":1"#),
        "{events}"
    );
    project.run(&["logs", "1"]).code(0).says(&["ann said: Leave the old form as it is.", "second"]);
}

#[test]
fn an_agent_with_open_input_ends_after_its_turn_if_no_words_wait() {
    let project = listening();
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.release();
    run.wait().code(0);
    assert_eq!(project.read("heard").lines().count(), 1);
    project.run(&["mark", "1", "todo"]).code(0);
    project
        .run(&["say", "1", "Once more."])
        .code(0)
        .says(&["task 1: no agent works on it now, so this is a note", "its next prompt has it"]);
}

#[test]
fn the_last_turn_decides_about_an_attempt() {
    let project = listening()
        .file("second", "I have a problem.")
        .config(&format!("{OPEN}[done]\nnudges = 0\n[retry]\nattempts = 1\n"));
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["say", "1", "One more thing."]).code(0).says(&["its agent has it"]);
    project.release();
    run.wait().code(2);
    assert_eq!(project.outcomes("demo", "1"), ["no_signal"]);
}

#[test]
fn words_for_an_agent_that_takes_none_are_a_note() {
    let project = demo("gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["say", "1", "Soon."]).code(0).says(&[
        "task 1: fake takes no words while it works (backend.fake.live_input), so this is a note",
        "only a further attempt has it",
    ]);
    project.run(&["say", "2", "Later."]).code(0).says(&["task 2: no agent works on it now"]);
    project.release();
    project.wait_for_ledger(2);
    project.release();
    run.wait().code(0);
    assert!(prompt(&project, "2", 1).contains("> Later.\n"));
}

#[test]
fn an_agent_whose_run_was_killed_still_hears() {
    let project = listening();
    project.kill_a_run_at_the_gate();
    project.run(&["say", "1", "Go on."]).code(0).says(&["its agent has it (attempt 1)"]);
    let next = project.start(&["run"]);
    next.wait_for("taking it over");
    project.release();
    next.wait().code(0).says(&["✎ ann said to the agent of task 1: Go on."]);
    assert!(project.read("heard").contains("Go on."));
}

/// An agent whose sessions a person can open: `talk.sh` is its program for people.
fn with_sessions(agent: &str) -> Project {
    demo(agent)
        .file("talk.sh", "cd \"$TEST_PROJECT\"; echo \"talk $*\" >> ledger; until read -r _ < gate; do :; done; echo left >> ledger")
        .config(
            "[retry]\nattempts = 1\n[backend.fake]\nargs = [\"agent.sh\", \"{session_args}\", \"{resume}\"]\n\
             session_args = [\"--session-id\", \"{new_session}\"]\nresume = [\"--resume\", \"{session}\"]\n\
             talk_args = [\"talk.sh\", \"{session}\"]\n",
        )
}

/// `seqorch talk` at a terminal; `None` where there is none.
fn talk(project: &Project, id: &str) -> Option<std::process::Child> {
    let program = env!("CARGO_BIN_EXE_seqorch");
    let command = format!("exec {program} talk {id} --here");
    let mut command = project.command_of("script", &["-qec", &command, "/dev/null"]);
    let file = std::fs::File::create(project.path("talked")).unwrap();
    let spawned = command.stdin(Stdio::piped()).stdout(file).spawn();
    if spawned.is_err() {
        crate::common::skipped("no `script` here");
    }
    spawned.ok()
}

/// What the person types when the session is over.
fn answer(person: &mut std::process::Child, text: &str) {
    writeln!(person.stdin.as_mut().unwrap(), "{text}").unwrap();
}

#[test]
fn a_talk_that_did_not_answer_leaves_the_question_open() {
    let asks = "[ $SEQORCH_ATTEMPT = 1 ] && { echo 'A or B?'; say_halt; exit; }; say_done";
    let project = with_sessions(asks).spec("demo", "- [ ] 1. Store\n").file("talk.sh", "exit 1");
    project.run(&["run"]).code(2);
    let Some(mut person) = talk(&project, "1") else { return };
    answer(&mut person, "");
    assert!(!person.wait().unwrap().success());
    let talked = project.read("talked");
    assert!(talked.contains("[y/N]") && talked.contains("its question is still open"), "{talked}");
    let status = project.run(&["status"]).code(0).stdout;
    assert!(status.contains("A or B?") && !status.contains("I talked to you"), "{status}");
    project.run(&["resume", "--answer", "A"]).code(0);
}

#[test]
fn what_changes_in_a_talk_is_in_the_commit_of_its_task() {
    let agent = "[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && { echo mine > made; echo 'A or B?'; say_halt; exit; }; say_done";
    let project = repo(agent, "").spec("demo", TWO);
    let sessions = with_sessions("").read("seqorch.local.toml");
    let sessions = sessions.split_once("[retry]").unwrap().1.to_owned();
    let project = project.config(&format!("[git]\ncommit = \"step\"\n[retry]{sessions}"));
    project.write(".gitignore", "talked\n.out/\nledger\ngate\nseqorch.local.toml\n");
    project.write("talk.sh", "cd \"$TEST_PROJECT\"; echo person >> made; echo new > added");
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "ready"]);
    project.run(&["run"]).code(2);
    let Some(mut person) = talk(&project, "1") else { return };
    answer(&mut person, "y");
    assert!(person.wait().unwrap().success(), "{}", project.read("talked"));
    project.run(&["run"]).code(0);
    let commit = git(&project, &["log", "-1", "--format=%H", "--grep=^1: "]);
    assert_eq!(git(&project, &["show", &format!("{commit}:made")]), "mine\nperson");
    assert_eq!(git(&project, &["show", &format!("{commit}:added")]), "new");
    assert_eq!(git(&project, &["status", "--short", "made", "added"]), "");
}

fn session_of(project: &Project, unit: &str) -> String {
    project.state("demo")["units"][unit]["attempts"][0]["session"].as_str().unwrap().to_owned()
}

#[test]
fn a_person_talks_in_the_session_and_the_next_attempt_continues_it() {
    let project = with_sessions("note \"$*\"; [ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 11 ] && exit 3; say_done");
    project.run(&["run"]).code(2);
    assert_eq!(commands_below(PAGE, "Talk to an agent in its session"), ["seqorch talk 1 --here"]);
    let Some(mut person) = talk(&project, "1") else { return };
    project.wait_for_ledger(3);
    let session = session_of(&project, "1");
    assert_eq!(project.ledger()[2], format!("talk {session}"));
    project.release();
    assert!(person.wait().unwrap().success());
    assert!(
        project.read("talked").contains("`seqorch run demo` continues in this session"),
        "{}",
        project.read("talked")
    );
    project
        .run(&["status"])
        .code(0)
        .says(&["note for task 1 (pending, its next prompt has it): I talked to you"]);
    project.run(&["run", "--retry"]).code(0);
    assert!(project.ledger().contains(&format!("--resume {session}")), "{:?}", project.ledger());
    assert!(prompt(&project, "1", 2).contains("I talked to you in this session"));
}

#[test]
fn a_run_waits_while_a_person_talks_and_then_continues() {
    let project = with_sessions("[ $SEQORCH_UNIT = 1 ] && gate; say_done")
        .spec("demo", "- [ ] 1. Store\n- [ ] 2. Form\n");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let Some(mut person) = talk(&project, "1") else { return };
    crate::common::wait_until("that it waits", || {
        project.read("talked").contains("waiting for the end of this step: the agent of task 1")
    });
    project.release();
    project.wait_for_ledger(2);
    assert!(project.ledger()[1].starts_with("talk "), "{:?}", project.ledger());
    project
        .run(&["status"])
        .code(0)
        .says(&["waiting: ann talks to the agent of task 1; next step after the end of that session"]);
    project.release();
    assert!(person.wait().unwrap().success());
    run.wait().code(0).says(&["ann talks to the agent of task 1"]);
    assert_eq!(project.ledger().last().unwrap(), "2 1");
}

#[test]
fn a_talk_that_is_killed_lets_the_run_continue() {
    let project = with_sessions("[ $SEQORCH_UNIT = 1 ] && gate; say_done");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    let Some(mut person) = talk(&project, "1") else { return };
    crate::common::wait_until("that it waits", || {
        project.read("talked").contains("waiting for the end of this step")
    });
    project.release();
    project.wait_for_ledger(2);
    for part in ["talk 1 --here", "talk.sh"] {
        project
            .alive_with(part)
            .iter()
            .for_each(|(pid, _)| crate::common::kill(*pid, rustix::process::Signal::KILL));
    }
    let _ = person.wait();
    run.wait().code(0);
    assert_eq!(project.ledger().last().unwrap(), "2 1");
}

#[test]
fn a_question_is_answered_by_what_a_person_said_in_the_session() {
    let project = with_sessions(
        "note \"$*\"; [ $SEQORCH_ATTEMPT = 1 ] && { echo 'A or B?'; say_halt; exit; }; say_done",
    )
    .spec("demo", "- [ ] 1. Store\n");
    project.run(&["run"]).code(2);
    let Some(mut person) = talk(&project, "1") else { return };
    project.release();
    answer(&mut person, "");
    assert!(person.wait().unwrap().success());
    project.run(&["run"]).code(0);
    assert!(
        project.ledger().contains(&format!("--resume {}", session_of(&project, "1"))),
        "{:?}",
        project.ledger()
    );
    assert!(prompt(&project, "1", 2).contains("> I answered in this session."));
}

#[test]
fn talk_says_what_can_be_done_where_it_cannot_open_a_session() {
    let project = demo("say_done");
    project.run(&["talk", "1"]).code(64).says(&["task 1 has no session yet", "`seqorch note 1"]);
    project.run(&["run"]).code(0);
    project.run(&["talk", "1"]).code(64).says(&["fake named no session of task 1", "`seqorch logs 1"]);
    let project = with_sessions("say_done");
    project.run(&["run"]).code(0);
    project.run(&["talk", "1"]).code(64).says(&["talk needs a terminal, or tmux", "seqorch note"]);
    project.run(&["talk", "1-2"]).code(64).says(&["1-2 names 2 tasks; name one"]);
    let config = project.read("seqorch.local.toml").replace("talk_args", "# talk_args");
    let project = project.config(&config);
    project.run(&["talk", "1", "--here"]).code(64).says(&[
        "fake cannot open the session of task 1 for a person (backend.fake.talk_args)",
        "`seqorch logs 1 --spec demo`",
    ]);
}

#[test]
fn a_talk_opens_a_window_of_the_runs_session() {
    let Some(project) = with_sessions("say_done").tmux() else { return };
    project.run(&["run"]).code(0);
    let out = project.run(&["talk", "2"]).code(0);
    out.says(&["attach with: tmux"]);
    project.wait_for_ledger(3);
    assert!(project.windows("sequential-demo").contains(&"talk-2".to_owned()));
    let session = session_of(&project, "2");
    assert_eq!(project.ledger()[2], format!("talk {session}"));
    project.release();
    crate::common::wait_until("that the person left", || {
        project.ledger().last().is_some_and(|line| line == "left")
    });
    project.run(&["mark", "1", "todo"]).code(0);
    project.run(&["run"]).code(0);
}
