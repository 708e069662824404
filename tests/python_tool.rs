//! Flags and state files of the Python tool work.

use std::fs;

use serde_json::json;

use crate::common::Project;

#[test]
#[ignore = "slow"]
fn the_python_tools_flags_work() {
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
    // the agent runs in the work dir, so its script must be there
    fs::copy(project.path("agent.sh"), project.path("work/agent.sh")).unwrap();
    project.run(&["run", "--spec", ".kiro/specs/login/tasks.md", "--workdir", "work"]).code(0);
    assert_eq!(project.ledger(), ["1 4".to_owned(), project.path("work").display().to_string()]);
}

#[test]
fn the_python_tools_state_file_is_continued() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n- [ ] 2. B\n")
        .file(".kiro/specs/SEQUENTIAL_STATE.json", r#"{"completed": ["1"], "halted": false}"#);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["2 1"]);
    assert_eq!(project.state("login")["completed"], json!(["1", "2"]));
}
