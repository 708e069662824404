//! Bad input gets a clear error, loses nothing and starts nothing.

use serde_json::json;

use crate::common::{Output, Project, wait_long};

fn refused(project: &Project, code: i32, parts: &[&str]) -> Output {
    let output = project.run(&["run"]).code(code).says(parts);
    assert_eq!(project.ledger(), [""; 0], "something was started");
    output
}

#[test]
fn a_missing_or_ambiguous_spec_exits_with_66() {
    refused(&Project::new(), 66, &["there is no spec"]);
    let two = Project::new().spec("login", "- [ ] 1. A\n").spec("logout", "- [ ] 1. A\n");
    refused(&two, 66, &["2 specs", "login", "logout"]);
    two.run(&["run", "logni"]).code(66).says(&["logni", "login"]);
}

#[test]
fn an_invalid_tasks_file_exits_with_65_and_shows_the_place() {
    let spec = |tasks: &[u8]| Project::new().spec("login", tasks);
    refused(&spec(b""), 65, &["no task"]);
    refused(&spec(b"\x00\x01\xff\xfe binary"), 65, &["not text"]);
    refused(&spec(b"- [ ] 1. A\n- [ ] 1. B\n"), 65, &["tasks.md:2:", "- [ ] 1. B", "^"]);
    refused(
        &spec(b"- [ ] 1. A\n  - depends on: 2\n- [ ] 2. B\n  - depends on: 1\n"),
        65,
        &["tasks.md:", "^"],
    );
    refused(
        &spec(b"<<<<<<< a\n- [ ] 1. A\n=======\n- [ ] 1. B\n>>>>>>> b\n"),
        65,
        &["tasks.md:1:", "<<<<<<<"],
    );
}

#[test]
#[ignore = "slow"]
fn a_tasks_file_of_5_mb_is_run() {
    runs_a_large_file(5_000_000);
}

#[test]
#[ignore = "large"]
fn a_tasks_file_of_50_mb_is_run() {
    runs_a_large_file(50_000_000);
}

fn runs_a_large_file(size: usize) {
    let mut text = String::from("- [ ] 1. A\n");
    while text.len() < size {
        text.push_str(
            "  - a detail line without any meaning for a task, as real files have them, again and again\n",
        );
    }
    let project = Project::new()
        .spec("login", text)
        .config("[prompt]\ntemplate = \"short.md\"\n")
        .file("short.md", "Task {{ unit.id }}\n");
    let mut run = project.start(&["run"]);
    wait_long("the run of a large file", || run.is_over());
    run.wait().code(0);
    assert!(project.tasks("login").starts_with("- [x] 1. A\n"));
}

#[test]
fn all_configuration_mistakes_are_reported_at_once() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .config("[run]\ndelay = \"15 parsecs\"\nmax_iteratoins = 3\ninclude_optional = 7\n");
    refused(&project, 78, &["seqorch.local.toml:2", "15 parsecs", "max_iterations", "include_optional"]);
    let unknown = Project::new().spec("login", "- [ ] 1. A\n").config("[run]\nbackend = \"fale\"\n");
    refused(&unknown, 78, &["fale", "fake"]);
}

#[test]
fn a_missing_agent_program_exits_with_69_before_anything_runs() {
    let project =
        Project::new().spec("login", "- [ ] 1. A\n").config("[backend.fake]\ncommand = \"no-such-agent\"\n");
    refused(&project, 69, &["no-such-agent", "fake"]);
    // the need is all that it leaves
    let state = project.state("login");
    assert_eq!((&state["run"]["end"]["exit_code"], &state["units"]), (&json!(69), &json!({})));
    assert!(project.ledger().is_empty());
}

#[test]
fn a_usage_error_exits_with_64() {
    Project::new().run(&["run", "--no-such-flag"]).code(64);
    Project::new().run(&["rnu"]).code(64).says(&["did you mean `seqorch run`?"]);
    Project::new().spec("login", "- [ ] 1. A\n").run(&["run", "--only", "7"]).code(64).says(&["7"]);
}

/// Each mistake is refused with 64, in plain words, and says what to do.
#[test]
fn a_value_that_cannot_be_used_is_refused_in_plain_words() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").file("notes.txt", "");
    project.run(&["run"]).code(0);
    let mistakes: &[(&[&str], &[&str])] = &[
        (
            &["run", "--max-iterations", "abc"],
            &["'abc'", "it is not a valid number; write a whole number from 0 to"],
        ),
        (
            &["logs", "1", "--attempt", "x"],
            &["'x'", "it is not a valid number; write a whole number from 0 to"],
        ),
        (
            &["logs", "1", "--attempt", "-1"],
            &["'-1'", "it is not a valid number; write a whole number from 0 to"],
        ),
        (
            &["serve", "--listen", "abc"],
            &["it is not a valid address; write it with a port, like 127.0.0.1:7878"],
        ),
        (&["limits", "test", "--exit", "abc"], &["it is not a valid exit code; write a number, like 1"]),
        (
            &["run", "login", "--workdir", "/nonexist"],
            &["no such folder: /nonexist", "hint: Make it, or name"],
        ),
        (&["note", "1", ""], &["the note is empty", "hint: Write what"]),
        (
            &["report", "--html", "/nonexist/x.html"],
            &["there is no folder /nonexist", "Make it, or name another file"],
        ),
        (&["report", "--html", "."], &["is a folder", "hint: Name a file in it with --html."]),
        (&["export", "--output", "."], &["is a folder", "hint: Name a file in it with --output."]),
        (&["man", "notes.txt"], &["is a file", "hint: Name a folder"]),
        (&["-C", "notes.txt", "status"], &["-C: can't open the folder", "hint: Name a folder"]),
    ];
    for (args, parts) in mistakes {
        let said = project.run(args).code(64).says(parts).stderr;
        assert!(!said.contains("invalid digit") && !said.contains("intact"), "{said}");
    }
}

#[test]
fn a_file_that_is_no_text_is_refused_with_a_hint() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").file("bin.md", b"a\0b");
    project.run(&["plan", "bin.md"]).code(65).says(&["not text: NUL byte", "hint: "]);
}

#[test]
fn a_torn_foreign_or_newer_state_file_is_refused_and_kept() {
    for text in
        ["{\"schema\": 1, \"specs\": {\"lo", "{\"name\": \"package\"}", "{\"schema\": 99, \"specs\": {}}", ""]
    {
        let project =
            Project::new().spec("login", "- [ ] 1. A\n").file(".kiro/specs/SEQUENTIAL_STATE.json", text);
        refused(&project, 70, &["SEQUENTIAL_STATE.json"]);
        assert_eq!(project.read(".kiro/specs/SEQUENTIAL_STATE.json"), text);
    }
}
