//! The bundled examples do what the README says.

use std::path::Path;
use std::process::Command;

use crate::common::{Project, git};

/// A copy of an example with its files and their modes.
pub(crate) fn copy(name: &str) -> Project {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join(".");
    let project = Project::new();
    std::fs::remove_file(project.path("agent.sh")).unwrap();
    let copied = Command::new("cp").arg("-R").arg(here).arg(project.root()).status().unwrap();
    assert!(copied.success());
    project
}

#[test]
fn the_hello_example_needs_nothing_but_a_shell() {
    let project = copy("hello");
    project.run(&["run", "--no-tmux", "--delay", "0"]).code(0).says(&["all complete"]);
    let tasks = project.tasks("hello");
    let open: Vec<_> = tasks.lines().filter(|l| l.contains("[ ]")).collect();
    assert!(tasks.contains("[x] 1") && open.iter().all(|l| l.contains("[ ]*")), "{tasks}");
}

#[test]
#[ignore = "slow"]
fn the_night_example_gets_through_a_failure_a_limit_and_a_question() {
    let project = copy("night");
    git::init(&project);
    let project = project.env("NIGHT_PAUSE", "0").env("NIGHT_LIMIT", "1");
    let night = project.run(&["run", "--no-tmux", "--delay", "0"]).code(2);
    night.says(&[
        "`./test.sh` does not succeed",
        "script is limited (quota used up)",
        "Is it deleted at once, or moved to a trash?",
        "seqorch resume notes --answer",
    ]);
    let state = project.state("notes");
    let counted = |unit: &str| {
        let attempts = state["units"][unit]["attempts"].as_array().unwrap();
        attempts.iter().filter(|a| a["counts"] == true).count()
    };
    assert_eq!((counted("1"), counted("2"), counted("3")), (2, 1, 1), "{state}");
    project
        .run(&["resume", "--no-tmux", "--delay", "0", "--answer", "For good."])
        .code(0)
        .says(&["all complete"]);
    project.run(&["report"]).code(0).says(&["README.md", "$0."]);
    let log = Command::new("git").args(["log", "--format=%s"]).current_dir(project.root()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&log.stdout).lines().count(), 5);
}
