//! The bundled examples do and print what the README and the tutorial say.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use regex::Regex;

use crate::common::{Project, git};

/// A copy of an example with its files and their modes.
pub(crate) fn copy(name: &str) -> Project {
    copy_to(Project::new(), name)
}

fn copy_to(project: Project, name: &str) -> Project {
    let here = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name).join(".");
    std::fs::remove_file(project.path("agent.sh")).unwrap();
    let copied = Command::new("cp").arg("-R").arg(here).arg(project.root()).status().unwrap();
    assert!(copied.success());
    project
}

/// A copy in a repository, for runs in tmux with short waits. The server is the project's own: its socket lies in
/// `TMUX_TMPDIR`. `None`, with a note, if tmux is missing.
fn in_tmux(name: &str) -> Option<Project> {
    let project = copy_to(Project::new().tmux()?, name);
    git::init(&project);
    let ignored = project.read(".git/info/exclude");
    project.write(".git/info/exclude", ignored + "tmux-*/\n");
    git::git(&project, &["commit", "-q", "--amend", "-m", "Before the night"]);
    let project = project.env("SEQORCH_RUN__DELAY", "20ms").env("SEQORCH_RETRY__BACKOFF", "20ms");
    Some(project.env("NIGHT_PAUSE", "0").env("NIGHT_LIMIT", "3").env("USER", "ada"))
}

/// A text without what differs from run to run: durations, times, commits, widths that follow from them, and pauses between
/// steps, which a busy machine has behind it before it would print them.
fn lines_of_any_run(text: &str) -> Vec<String> {
    let unit = r"\d+ ?(?:ms|s|m|h)\b";
    let forms = [
        (r"(?m)^  next (?:step|attempt of \S+) in .*\n".to_owned(), ""),
        (r"(?:\w{3} )?\d\d:\d\d:\d\d".to_owned(), "TIME"),
        (format!("{unit}(?: {unit})*"), "LONG"),
        (r"\b[0-9a-f]{9}\b".to_owned(), "COMMIT"),
        (" +".to_owned(), " "),
        ("-{3,}".to_owned(), "---"),
    ];
    let text = forms.iter().fold(text.to_owned(), |text, (form, name)| {
        Regex::new(form).unwrap().replace_all(&text, *name).into_owned()
    });
    text.trim().lines().map(|line| line.trim_end().to_owned()).collect()
}

/// The commands of an example that a page shows, each with what it prints.
fn shown<'a>(page: &'a str, spec: &str) -> Vec<(&'a str, &'a str)> {
    let blocks = page.split("\n```").skip(1).step_by(2).map(|block| block.trim_start_matches('\n'));
    let of_spec = blocks.filter(|block| block.starts_with("$ ") && block.contains(spec));
    let commands = of_spec.flat_map(|block| block["$ ".len()..].split("\n$ "));
    commands.map(|shown| shown.split_once('\n').unwrap()).collect()
}

/// Holds what a page shows against what commands printed. A line `…` stands for lines that the page leaves out.
fn holds(page: &str, spec: &str, printed: &BTreeMap<&str, String>) {
    let shown = shown(page, spec);
    assert!(!shown.is_empty(), "no block shows {spec}");
    for (command, text) in shown {
        let printed = printed.get(command).unwrap_or_else(|| panic!("{command} was not tried"));
        let printed = lines_of_any_run(printed);
        let expected = lines_of_any_run(text);
        let mut rest = printed.as_slice();
        let parts = expected.split(|line| line == "…").enumerate();
        for (at, part) in parts.filter(|(_, part)| !part.is_empty()) {
            let start = rest.windows(part.len()).position(|lines| lines == part);
            let start = start.filter(|start| *start == 0 || at > 0);
            let start = start.unwrap_or_else(|| {
                panic!("`{command}` does not print\n{}\nbut\n{}", part.join("\n"), printed.join("\n"))
            });
            rest = &rest[start + part.len()..];
        }
        assert!(rest.is_empty() || text.trim_end().ends_with('…'), "`{command}` prints more: {rest:#?}");
    }
}

#[test]
fn the_hello_example_prints_what_the_readme_shows() {
    let Some(project) = in_tmux("hello") else { return };
    let run = project.run(&["run"]).code(0).stdout;
    let tasks = project.tasks("hello");
    let open: Vec<_> = tasks.lines().filter(|l| l.contains("[ ]")).collect();
    assert!(tasks.contains("[x] 1") && open.iter().all(|l| l.contains("[ ]*")), "{tasks}");
    holds(include_str!("../README.md"), "hello", &BTreeMap::from([("seqorch run", run)]));
}

#[test]
#[ignore = "slow"]
fn the_night_example_prints_what_readme_and_tutorial_show() {
    let Some(project) = in_tmux("night") else { return };
    let run = project.run(&["run"]).code(2).stdout;
    let state = project.state("notes");
    let counted = |unit: &str| {
        let attempts = state["units"][unit]["attempts"].as_array().unwrap();
        attempts.iter().filter(|a| a["counts"] == true).count()
    };
    assert_eq!((counted("1"), counted("2"), counted("3")), (2, 1, 1), "{state}");
    let report = project.run(&["report"]).code(0).stdout;
    let answer = ["resume", "--answer", "It is deleted at once."];
    let resume = project.run(&answer).code(0).stdout;
    project.run(&["report"]).code(0).says(&["README.md", "$0."]);
    let printed = BTreeMap::from([
        ("seqorch run", run),
        ("seqorch report", report),
        ("seqorch resume --answer \"It is deleted at once.\"", resume),
        ("git log --format=%s", git::git(&project, &["log", "--format=%s"])),
    ]);
    for page in [include_str!("../README.md"), include_str!("../docs/tutorial.md")] {
        holds(page, "otes", &printed);
    }
}
