//! `seqorch resume` and `run --retry` continue where a run halted.

use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::json;

use crate::common::{Project, Running, kill, wait_until};

#[test]
fn run_retry_tries_a_halted_task_again_without_an_answer() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .agent("[ -e ok ] && { say_done; exit; }; echo Which one; say_halt");
    project.run(&["run"]).code(2).says(&["seqorch run login --retry"]);
    project.run(&["run"]).code(2);
    assert_eq!(project.ledger(), ["1 1"], "a run without an answer must not ask again");
    project.write("ok", "");
    project.run(&["run", "--retry"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2"]);
}

const THREE: &str = "- [ ] 1. A\n- [ ] 2. B\n- [ ]* 3. C\n- [ ] 4. D\n";

/// Each task asks a question in its first attempt.
fn asks() -> Project {
    let agent = r#"if [ "$SEQORCH_ATTEMPT" = 1 ]; then echo 'A or B?'; say_halt; else say_done; fi"#;
    Project::new().spec("login", THREE).agent(agent)
}

#[test]
#[ignore = "slow"]
fn resume_keeps_the_task_selection_of_the_halted_run() {
    let project = asks();
    project.run(&["run", "--only", "2"]).code(2).says(&["A or B?"]);
    let out = project.run(&["resume", "--answer", "A"]).code(0);
    out.says(&["note: with the options of the earlier run: --only=2 (--all forgets them)"]);
    assert_eq!(project.ledger(), ["2 1", "2 2"]);
    // that run is over: a later halt does not use its options
    project.run(&["run"]).code(2);
    let out = project.run(&["resume", "--answer", "A"]).code(2);
    assert!(!out.stderr.contains("note:"), "{}", out.stderr);
    assert_eq!(project.ledger(), ["2 1", "2 2", "1 1", "1 2", "4 1"]);
}

#[test]
#[ignore = "slow"]
fn retry_keeps_the_options_of_the_halted_run_and_all_drops_them() {
    let project = asks();
    project.run(&["run", "--include-optional", "--from", "3", "--max-iterations=9"]).code(2);
    let kept = "--max-iterations=9 --include-optional --from=3";
    assert_eq!(project.state("login")["run"]["args"], json!(kept.split(' ').collect::<Vec<_>>()));
    // a run that only shows the question keeps the options
    project.run(&["run"]).code(2);
    project
        .run(&["run", "--retry"])
        .code(2)
        .says(&[&format!("note: with the options of the earlier run: {kept}")]);
    assert_eq!(project.ledger(), ["3 1", "3 2", "4 1"]);
    project.run(&["resume", "--all", "--answer", "A"]).code(2);
    assert_eq!(project.ledger()[3..], ["1 1"]);
    assert_eq!(project.state("login")["run"]["args"], json!(null));
}

#[test]
fn options_of_resume_beat_those_of_the_halted_run() {
    let project = asks().config("[profile.other.backend.fake.env]\nWHO = \"other\"\n").agent(
        r#"note "$WHO"; if [ "$SEQORCH_ATTEMPT" = 1 ]; then echo 'A or B?'; say_halt; else say_done; fi"#,
    );
    project.run(&["--profile", "other", "run", "--only", "2"]).code(2);
    project.run(&["resume", "--only", "1,2", "--answer", "A"]).code(2);
    assert_eq!(project.ledger(), ["2 1", "other", "1 1", "other"]);
    project.run(&["run", "--retry"]).code(0).says(&["--only=1 --only=2", "--profile=other"]);
    assert_eq!(project.ledger()[4..], ["1 2", "other", "2 2", "other"]);
}

#[test]
fn an_answer_is_kept_when_the_run_cannot_begin() {
    let project = asks();
    project.run(&["run", "--only", "2"]).code(2);
    project.write("seqorch.local.toml", "[hooks]\nrequired = true\nrun_start = [\"false\"]\n");
    project.run(&["resume", "--answer", "A"]).code(2);
    assert_eq!(project.ledger(), ["2 1"], "no agent started");
    assert_eq!(project.state("login")["answers"][0]["answer"], "A");
    std::fs::remove_file(project.path("seqorch.local.toml")).unwrap();
    project.run(&["run", "--only", "2"]).code(0);
    assert_eq!(project.ledger(), ["2 1", "2 2"]);
}

#[test]
fn an_answer_is_kept_when_the_progress_file_cannot_be_written() {
    let project = asks();
    project.run(&["run", "--only", "2"]).code(2);
    let progress = project.path(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    std::fs::remove_file(&progress).unwrap();
    std::fs::create_dir(&progress).unwrap();
    project.run(&["resume", "--answer", "A"]).code(70).says(&["SEQUENTIAL_PROGRESS.md"]);
    assert_eq!(project.state("login")["answers"][0]["answer"], "A");
    std::fs::remove_dir(&progress).unwrap();
    project.run(&["run", "--only", "2"]).code(0);
    assert_eq!(project.ledger(), ["2 1", "2 2"]);
}

#[test]
fn a_kept_option_that_no_longer_fits_is_named_in_the_error() {
    let profile = "[profile.night.run]\ndelay = \"0s\"\n";
    let project = asks().config(profile);
    project.run(&["--profile", "night", "run", "--only", "2", "--no-tmux"]).code(2);
    project.write("seqorch.local.toml", profile.replace("night", "nights"));
    project
        .run(&["resume", "--answer", "A"])
        .code(78)
        .says(&["night", "had the options --only=2 --no-tmux --profile=night; --all"]);
    // the option of this command replaces the kept one, and is not listed as kept
    let out = project.run(&["--profile", "nights", "resume", "--answer", "A"]).code(0);
    out.says(&["the earlier run: --only=2 --no-tmux (--all"]);
}

#[test]
fn a_kept_config_file_is_found_from_any_folder() {
    let project = asks().file("alt.toml", "[run]\nbackend = \"fake\"\n[backend.fake]\ncommand = \"/bin/sh\"\nargs = [\"agent.sh\"]\n[tmux]\nmode = \"off\"\n");
    let root = project.root().display().to_string();
    let from_root = |args: &[&str]| {
        let all: Vec<&str> = ["-C", &root].into_iter().chain(args.iter().copied()).collect();
        project.command(&all).current_dir("/").output().unwrap().status.code()
    };
    assert_eq!(from_root(&["--config", "alt.toml", "run", "login", "--only", "2"]), Some(2));
    assert_eq!(from_root(&["resume", "login", "--answer", "A"]), Some(0));
}

#[test]
fn unknown_kept_options_are_refused_and_never_ignored() {
    let project = asks();
    project.run(&["run", "--only", "2"]).code(2);
    let state = project.read(".kiro/specs/SEQUENTIAL_STATE.json").replace("--only=2", "--solely=2");
    project.write(".kiro/specs/SEQUENTIAL_STATE.json", &state);
    project.run(&["resume", "--answer", "A"]).code(64).says(&["--solely=2", "--all"]);
    assert_eq!(project.read(".kiro/specs/SEQUENTIAL_STATE.json"), state);
    project.run(&["resume", "--answer", "A", "--all", "--only=2"]).code(0);
    assert_eq!(project.ledger(), ["2 1", "2 2"]);
}

#[test]
#[ignore = "slow"]
fn an_answer_comes_from_a_file_or_stdin_and_must_not_be_empty() {
    let agent = r#"cat > "$ROOT/prompt-$SEQORCH_UNIT-$SEQORCH_ATTEMPT"
        if [ "$SEQORCH_ATTEMPT" = 1 ]; then say_halt; else say_done; fi"#;
    let project = asks().agent(agent);
    project.run(&["run", "--only", "1,2"]).code(2);
    project.run(&["resume", "--answer-file", "gone.md"]).code(64).says(&["--answer-file gone.md"]);
    project.write("answer.md", " \n");
    project.run(&["resume", "--answer-file", "answer.md"]).code(64).says(&["there is no answer"]);
    project.write("answer.md", "The first.\nAnd quickly.\n");
    project.run(&["resume", "--answer-file", "answer.md"]).code(2);
    assert!(project.read("prompt-1-2").contains("> The first.\n> And quickly."));
    let mut child = project.command(&["resume", "--answer-file", "-"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"The second.").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(project.read("prompt-2-2").contains("> The second."));
}

#[test]
fn a_detached_resume_keeps_the_options_and_hides_the_answer() {
    let Some(project) = asks().tmux() else { return };
    let agent =
        r#"if [ "$SEQORCH_ATTEMPT" = 1 ]; then say_halt; else cat > "$ROOT/prompt"; gate; say_done; fi"#;
    let project = project.agent(agent);
    project.run(&["run", "--only", "2"]).code(2);
    project
        .run(&["resume", "--detach", "--answer", "Only-for-you"])
        .code(0)
        .says(&["1 step, detached", "--only=2"]);
    project.wait_for_ledger(2);
    let leaks: Vec<_> = project.alive_with("Only-for-you");
    assert!(leaks.is_empty(), "{leaks:?}");
    project.release();
    wait_until("the end of the run", || project.state("login")["units"]["2"]["status"] == "done");
    assert!(project.read("prompt").contains("> Only-for-you"));
    assert!(!project.path(".seqorch/login/resume.json").exists());
    assert_eq!(project.ledger(), ["2 1", "2 2"]);
}

#[test]
fn resume_json_prints_events() {
    let project = asks();
    project.run(&["run", "--only", "2"]).code(2);
    let out = project.run(&["resume", "--json", "--answer", "A"]).code(0);
    let kinds: Vec<_> =
        out.stdout.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()).collect();
    assert_eq!(kinds.last().unwrap()["event"], "run_ended", "{}", out.stdout);
}

/// Asks for the database until the prompt names it, then for the region.
const ASKS_TWICE: &str = r#"prompt=$(cat); echo "$prompt" > "$ROOT/prompt-$SEQORCH_ATTEMPT"
    case $prompt in
        *Postgres*EU*) say_done;;
        *Postgres*) echo 'Which region?'; say_halt;;
        *) echo 'Which database?'; say_halt;;
    esac"#;

#[test]
#[ignore = "slow"]
fn without_a_session_each_prompt_repeats_all_decisions_of_the_task() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 2. B\n").agent(ASKS_TWICE);
    project.run(&["run", "--only", "1"]).code(2).says(&["Which database?"]);
    project.run(&["resume", "--answer", "Postgres"]).code(2).says(&["Which region?"]);
    let status = project.run(&["status"]).code(0);
    status.says(&["decided for task 1: Which database? Postgres", "needs you: task 1 asks", "Which region?"]);
    // without a new answer, earlier decisions still hold
    project.run(&["run", "--retry"]).code(2).says(&["Which region?"]);
    let prompt = project.run(&["plan", "--prompt", "1"]).code(0).stdout;
    assert!(prompt.contains("> Which database?") && prompt.contains("> Postgres"), "{prompt}");
    project.run(&["resume", "--answer", "EU"]).code(0);
    assert_eq!(project.outcomes("login", "1"), ["halted", "halted", "halted", "done"]);
    let prompt = project.read("prompt-4");
    let place = |part: &str| prompt.find(part).unwrap_or_else(|| panic!("{part} is not in\n{prompt}"));
    assert!(
        place("> Which database?") < place("> Postgres") && place("> Postgres") < place("> Which region?")
    );
    assert!(place("> Which region?") < place("> EU"));
    assert_eq!(project.state("login")["answers"], json!(null), "of a task that is done");
}

#[test]
#[ignore = "slow"]
fn prompts_have_all_decisions_in_a_session_and_after_its_loss() {
    let agent = r#"cat > "$ROOT/prompt-$SEQORCH_ATTEMPT"
        case $SEQORCH_ATTEMPT in
            1) text='Which database?\n\n<promise>HALT</promise>';;
            2) text='Which region?\n\n<promise>HALT</promise>';;
            3) echo 'No conversation found' >&2; exit 1;;
            *) text='<promise>TASK_DONE</promise>';;
        esac
        echo '{"type":"system","subtype":"init","session_id":"S","cwd":"/","model":"m"}'
        printf '{"type":"assistant","session_id":"S","message":{"id":"m","role":"assistant","model":"m","content":[{"type":"text","text":"%s"}]}}\n' "$text"
        echo '{"type":"result","subtype":"success","is_error":false,"session_id":"S","result":""}'"#;
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(agent);
    let project = project.config("[backend.fake]\noutput = \"claude\"\nresume = [\"{session}\"]\n");
    project.run(&["run"]).code(2);
    project.run(&["resume", "--answer", "Postgres"]).code(2);
    project.run(&["resume", "--answer", "EU"]).code(0);
    let prompts = [2, 3, 4].map(|n| project.read(format!("prompt-{n}")));
    assert!(prompts[0].contains("> Postgres") && !prompts[0].contains("How to work"), "{}", prompts[0]);
    assert!(prompts[1].contains("> EU") && prompts[1].contains("> Postgres"), "{}", prompts[1]);
    assert!(!prompts[1].contains("How to work"), "{}", prompts[1]);
    assert!(prompts[2].contains("> EU") && prompts[2].contains("> Postgres"), "{}", prompts[2]);
}

/// Asks in its first attempt, prints nothing in its second, and is done in its third.
const ASKS_THEN_HANGS: &str = r#"cat > "$ROOT/prompt-$SEQORCH_ATTEMPT"
    case $SEQORCH_ATTEMPT in
        1) text='Which one?\n\n<promise>HALT</promise>';;
        2) exec sleep 600;;
        *) text='<promise>TASK_DONE</promise>';;
    esac
    echo '{"type":"system","subtype":"init","session_id":"S","cwd":"/","model":"m"}'
    printf '{"type":"assistant","session_id":"S","message":{"id":"m","role":"assistant","model":"m","content":[{"type":"text","text":"%s"}]}}\n' "$text"
    echo '{"type":"result","subtype":"success","is_error":false,"session_id":"S","result":""}'"#;

/// A project whose agent got an answer and has printed nothing since.
fn answered_and_silent() -> (Project, Running) {
    let project = Project::new().spec("login", "- [ ] 1. A\n").agent(ASKS_THEN_HANGS);
    let project = project.config("[backend.fake]\noutput = \"claude\"\nresume = [\"{session}\"]\n");
    project.run(&["run"]).code(2);
    let run = project.start(&["resume", "--answer", "TheFirst"]);
    wait_until("the agent with the answer", || !project.read("prompt-2").is_empty());
    (project, run)
}

#[test]
fn an_answer_survives_an_attempt_that_was_stopped() {
    let (project, run) = answered_and_silent();
    project.run(&["stop", "--now"]).code(0);
    run.wait();
    project.run(&["run"]).code(0);
    let prompt = project.read("prompt-3");
    assert!(prompt.contains("> Which one?") && prompt.contains("> TheFirst"), "{prompt}");
    assert!(!prompt.contains("How to work"), "it resumes its session:\n{prompt}");
}

#[test]
fn an_answer_survives_the_kill_of_run_attempt_and_agent() {
    let (project, run) = answered_and_silent();
    for (pid, _) in project.alive() {
        kill(pid, Signal::KILL);
    }
    run.wait();
    project.run(&["run"]).code(0);
    let prompt = project.read("prompt-3");
    assert!(prompt.contains("> Which one?") && prompt.contains("> TheFirst"), "{prompt}");
}
