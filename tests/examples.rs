//! The bundled example does what the README says, and the README says what is so.

use std::path::Path;
use std::process::Command;

use crate::common::Project;

#[test]
fn the_example_runs_with_nothing_but_a_shell() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hello/.");
    let project = Project::new();
    // the copy brings its own agent, with its own mode
    std::fs::remove_file(project.path("agent.sh")).unwrap();
    let copied = Command::new("cp").arg("-R").arg(here).arg(project.root()).status().unwrap();
    assert!(copied.success());
    project.run(&["run", "--no-tmux", "--delay", "0"]).code(0).says(&["all complete"]);
    let tasks = project.tasks("hello");
    let open: Vec<_> = tasks.lines().filter(|l| l.contains("[ ]")).collect();
    assert!(tasks.contains("[x] 1") && open.iter().all(|l| l.contains("[ ]*")), "{tasks}");
}

#[test]
fn the_readme_names_every_section_and_every_exit_code() {
    let readme = include_str!("../README.md");
    let example = include_str!("../seqorch.toml.example");
    for line in example.lines().map(|l| l.trim_start_matches('#')) {
        let section = line.trim();
        if section.starts_with('[')
            && section.ends_with(']')
            && !section.contains(' ')
            && !section.contains('.')
        {
            assert!(readme.contains(section), "README does not name {section}");
        }
    }
    for code in [0, 1, 2, 64, 65, 66, 69, 70, 75, 78, 130, 143] {
        assert!(readme.contains(&format!("\n| {code} |")), "README does not tell exit code {code}");
    }
}
