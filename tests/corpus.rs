//! The parser against real files of many projects, which are not part of this repository: `../shared/corpus`, or the
//! folder that `SEQORCH_SHARED` names.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use seqorch::spec::{self, Severity, Task, TaskFile, TaskState};
use serde_json::Value;

/// Expectations that are surely wrong: file, line, field, reason.
const WRONG: &[(&str, u64, &str, &str)] = &[];

fn shared() -> PathBuf {
    std::env::var_os("SEQORCH_SHARED")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared"), PathBuf::from)
        .join("corpus")
}

fn files() -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(shared()).expect("the corpus is there") {
        let folder = entry.expect("readable").path();
        if folder.is_dir() {
            out.extend(std::fs::read_dir(folder).expect("readable").map(|f| f.expect("readable").path()));
        }
    }
    out.retain(|f| f.extension().is_some_and(|e| e == "md"));
    out.sort();
    out
}

fn name(file: &Path) -> String {
    let folder = file.parent().and_then(Path::file_name).unwrap_or_default();
    format!("{}/{}", folder.to_string_lossy(), file.file_stem().unwrap_or_default().to_string_lossy())
}

fn read(file: &Path) -> String {
    let bytes = std::fs::read(file).expect("readable");
    String::from_utf8(bytes).expect("text")
}

fn state(task: &Task) -> &'static str {
    match task.state {
        TaskState::Todo => "todo",
        TaskState::InProgress => "in_progress",
        TaskState::Queued => "queued",
        TaskState::Done => "done",
        TaskState::Blocked => "blocked",
        TaskState::Skipped => "skipped",
    }
}

/// The fields which a reason for doubt concerns; the others must match all the same.
fn doubtful(reason: &str) -> &'static [&'static str] {
    if reason.contains("duplicate id")
        || reason.contains("row of a table")
        || reason.contains("two checkboxes")
    {
        &[]
    } else if reason.contains("child of") || reason.contains("numbered below") || reason.contains("sibling") {
        &["parent"]
    } else if reason.contains("[~]") {
        &["state"]
    } else if reason.contains("dependency text") {
        &["depends_on"]
    } else if reason.contains("no id") || reason.contains("without id") {
        &["id", "taken"]
    } else {
        &["taken"]
    }
}

/// What a file gives, beside what is expected of it.
fn compare(name: &str, file: &TaskFile, expected: &Value) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut right = 0;
    let mut rest: BTreeMap<usize, &Task> = file.tasks.iter().map(|t| (t.line, t)).collect();
    for e in expected["tasks"].as_array().expect("tasks") {
        let line = e["line"].as_u64().expect("line");
        let open = e["reason"].as_str().map_or(&[][..], doubtful);
        let excused = |field: &str| {
            open.contains(&field) || WRONG.iter().any(|w| w.0 == name && w.1 == line && w.2 == field)
        };
        let Some(task) = rest.remove(&usize::try_from(line).expect("small")) else {
            if !excused("taken") {
                wrong.push(format!("line {line}: expected {} {}, nothing taken", e["id"], e["title"]));
            }
            continue;
        };
        let before = wrong.len();
        let mut check = |field: &str, got: Value| {
            if got != e[field] && !excused(field) && !(field == "id" && e["id"].is_null()) {
                wrong.push(format!("line {line}: {field} is {got}, expected {}", e[field]));
            }
        };
        check("id", task.id.clone().into());
        check("title", task.title.clone().into());
        check("state", state(task).into());
        check("optional", (task.optional && !task.optional_by_text).into());
        check("parent", task.parent.clone().into());
        check("depends_on", task.depends_on.clone().into());
        right += usize::from(wrong.len() == before);
    }
    for task in rest.values() {
        wrong.push(format!("line {}: {} \"{}\" taken, not expected", task.line, task.id, task.title));
    }
    if let Some(waves) = expected["waves"].as_array() {
        if file.waves.len() != waves.len() {
            wrong.push(format!("{} waves, expected {}", file.waves.len(), waves.len()));
        }
    } else if !file.waves.is_empty() {
        wrong.push("waves, none expected".to_owned());
    }
    (right, wrong)
}

#[test]
#[ignore = "needs ../shared"]
fn every_expectation_is_met() {
    let mut table = String::new();
    let (mut exact, mut total, mut tasks, mut right_tasks) = (0, 0, 0, 0);
    let mut failures = Vec::new();
    for file in files() {
        let Ok(expected) = std::fs::read_to_string(file.with_extension("expected.json")) else { continue };
        let expected: Value = serde_json::from_str(&expected).expect("json");
        let name = name(&file);
        let parsed = spec::parse(&read(&file));
        let (right, wrong) = compare(&name, &parsed, &expected);
        let count = expected["tasks"].as_array().map_or(0, Vec::len);
        total += 1;
        exact += usize::from(wrong.is_empty());
        tasks += count;
        right_tasks += right;
        let _ = writeln!(
            table,
            "{:14} {:10} {right:4}/{count:<4} {}",
            name,
            format!("{:?}", parsed.dialect),
            if wrong.is_empty() { "" } else { "DIFFERS" }
        );
        failures.extend(wrong.into_iter().map(|w| format!("{name} {w}")));
    }
    println!("{table}\n{exact}/{total} files, {right_tasks}/{tasks} tasks");
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
#[ignore = "needs ../shared"]
fn every_lookalike_is_a_task_or_listed_as_ignored() {
    for file in files() {
        let source = read(&file);
        let parsed = spec::parse(&source);
        let name = name(&file);
        for (i, line) in source.split('\n').enumerate() {
            let text = line.trim_start_matches([' ', '\t', '\u{FEFF}']);
            let boxed = ["- [ ] ", "- [x] ", "- [X] ", "* [ ] ", "* [x] ", "- [-] ", "- [~] "]
                .iter()
                .any(|b| text.starts_with(b));
            let known = parsed.tasks.iter().any(|t| t.line == i + 1)
                || parsed.ignored.iter().any(|g| g.line == i + 1);
            assert!(!boxed || known, "{name} line {}: {line}", i + 1);
        }
        for task in &parsed.tasks {
            assert_eq!(
                &source[task.span.clone()],
                source
                    .split('\n')
                    .nth(task.line - 1)
                    .map(|l| l.trim_start_matches('\u{FEFF}').trim_end_matches('\r'))
                    .unwrap_or_default(),
                "{name}"
            );
        }
    }
}

#[test]
#[ignore = "needs ../shared; prints what was made of the files without expectations"]
fn survey() {
    for file in files() {
        let parsed = spec::parse(&read(&file));
        let errors: Vec<&str> = parsed
            .diagnostics
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .map(|d| d.message.as_str())
            .collect();
        let expected = if file.with_extension("expected.json").exists() { "" } else { "*" };
        println!(
            "{:14}{expected:1} {:9} tasks {:4} ignored {:4} groups {:3} {} {} {:?}",
            name(&file),
            format!("{:?}", parsed.dialect),
            parsed.tasks.len(),
            parsed.ignored.len(),
            parsed.groups.len(),
            parsed.diagnostics.len(),
            parsed.dialect_reason,
            errors.iter().take(2).collect::<Vec<_>>(),
        );
    }
}

/// A file of this many tasks, each with details and requirements.
fn large(tasks: usize) -> String {
    let mut out = String::from("# Implementation Plan\n\n");
    for i in 0..tasks {
        let (a, b) = (i / 10 + 1, i % 10);
        let _ = if b == 0 {
            writeln!(
                out,
                "- [ ] {a}. Set up the part of the system that holds everything together\n  - why this comes first\n"
            )
        } else {
            writeln!(
                out,
                "  - [x] {a}.{b} Implement the thing\n    - Create the file and the tests\n    - _Requirements: {a}.{b}, 2.{b}_\n"
            )
        };
    }
    out
}

#[test]
#[ignore = "measures; run with --release --nocapture"]
fn speed_of_100_000_tasks() {
    let source = large(100_000);
    for _ in 0..5 {
        let start = std::time::Instant::now();
        let file = spec::parse(&source);
        let took = start.elapsed();
        println!(
            "{} tasks, {} bytes in {took:?}, {} MB/s",
            file.tasks.len(),
            source.len(),
            source.len() / took.as_micros().max(1) as usize
        );
    }
}
