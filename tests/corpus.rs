//! The parser against real specs of many projects, which are not part of this repository: `../shared/corpus`, or `corpus`
//! in the folder that `SEQORCH_SHARED` names.
//!
//! The expectations are compared with what a user gets: `seqorch plan --json` of a project with that file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use seqorch::spec::{self, TaskState};
use serde_json::Value;

use crate::common::{Project, shared};

/// Expectations that are wrong: file, line, field, reason. They are not compared.
const WRONG: &[(&str, u64, &str, &str)] = &[];

pub(crate) fn folder() -> PathBuf {
    shared().join("corpus")
}

/// All files with their names (`kiro/001`) and bytes.
pub(crate) fn files() -> Vec<(String, PathBuf, Vec<u8>)> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(folder()).expect("the corpus is there") {
        let folder = entry.expect("readable").path();
        if !folder.is_dir() {
            continue;
        }
        for file in std::fs::read_dir(&folder).expect("readable") {
            let file = file.expect("readable").path();
            if file.extension().is_some_and(|e| e == "md") {
                let of = folder.file_name().unwrap_or_default().to_string_lossy();
                let name = format!("{of}/{}", file.file_stem().unwrap_or_default().to_string_lossy());
                let bytes = std::fs::read(&file).expect("readable");
                out.push((name, file, bytes));
            }
        }
    }
    assert!(out.len() >= 87, "{} files are not the whole corpus", out.len());
    out.sort();
    out
}

/// The output of `plan --json` for a file. The exit code must be 65 if it has errors, or else 0.
fn plan(bytes: &[u8]) -> Value {
    let project = Project::new().spec("corpus", bytes);
    let output = project.run(&["plan", "--json", "--dry-run", "corpus"]);
    let value: Value = serde_json::from_str(&output.stdout).expect("JSON whatever the file holds");
    let errors = value["errors"].as_array().expect("a list").len();
    assert_eq!(output.code, if errors > 0 { 65 } else { 0 }, "{}", output.stderr);
    assert_eq!(project.read(".kiro/specs/corpus/tasks.md").as_bytes(), bytes);
    value
}

/// The fields that an expectation marks as doubtful for this reason; all other fields must match.
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

/// The fields of a task that are compared; `group` only if it is expected.
const FIELDS: [&str; 7] = ["id", "title", "state", "optional", "parent", "depends_on", "group"];

/// The number of tasks that match, and the differences.
fn compare(name: &str, plan: &Value, expected: &Value) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut right = 0;
    let tasks = plan["tasks"].as_array().expect("tasks");
    let mut rest: BTreeMap<u64, &Value> =
        tasks.iter().map(|t| (t["line"].as_u64().expect("line"), t)).collect();
    assert_eq!(rest.len(), tasks.len(), "{name}: one line is two tasks");
    for e in expected["tasks"].as_array().expect("tasks") {
        let line = e["line"].as_u64().expect("line");
        let open = e["reason"].as_str().filter(|_| e["ambiguous"] == true).map_or(&[][..], doubtful);
        let excused = |field: &str| {
            open.contains(&field) || WRONG.iter().any(|w| w.0 == name && w.1 == line && w.2 == field)
        };
        let Some(task) = rest.remove(&line) else {
            if excused("taken") {
                right += 1;
            } else {
                wrong.push(format!("line {line}: expected {} {}, nothing taken", e["id"], e["title"]));
            }
            continue;
        };
        let before = wrong.len();
        for field in FIELDS {
            let unnamed = field == "id" && e["id"].is_null();
            let absent = field == "group" && e.get("group").is_none();
            if task[field] != e[field] && !unnamed && !absent && !excused(field) {
                wrong.push(format!("line {line}: {field} is {}, expected {}", task[field], e[field]));
            }
        }
        right += usize::from(wrong.len() == before);
    }
    for task in rest.values() {
        wrong.push(format!("line {}: {} {} taken, not expected", task["line"], task["id"], task["title"]));
    }
    let waves = |v: &Value| -> Vec<Value> {
        v.as_array()
            .map_or(Vec::new(), |all| all.iter().map(|w| w.get("tasks").unwrap_or(w).clone()).collect())
    };
    if waves(&plan["waves"]) != waves(&expected["waves"]) {
        wrong.push(format!("waves are {}, expected {}", plan["waves"], expected["waves"]));
    }
    (right, wrong)
}

#[derive(Default)]
struct Row {
    files: usize,
    files_met: usize,
    tasks: usize,
    tasks_met: usize,
    without: usize,
    without_tasks: usize,
}

#[test]
#[ignore = "needs ../shared"]
fn plans_of_real_specs_match_the_expectations() {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut failures = Vec::new();
    for (name, path, bytes) in files() {
        let plan = plan(&bytes);
        let folder = name.split('/').next().unwrap_or_default().to_owned();
        let row = rows.entry(folder).or_default();
        let Ok(expected) = std::fs::read_to_string(path.with_extension("expected.json")) else {
            row.without += 1;
            row.without_tasks += plan["tasks"].as_array().map_or(0, Vec::len);
            continue;
        };
        let expected: Value = serde_json::from_str(&expected).expect("json");
        let (right, wrong) = compare(&name, &plan, &expected);
        row.files += 1;
        row.files_met += usize::from(wrong.is_empty());
        row.tasks += expected["tasks"].as_array().map_or(0, Vec::len);
        row.tasks_met += right;
        failures.extend(wrong.into_iter().map(|w| format!("{name} {w}")));
    }
    println!("corpus     files met   tasks met    without expectation: files, tasks");
    let mut all = Row::default();
    for (folder, row) in &rows {
        print_row(folder, row);
        all.files += row.files;
        all.files_met += row.files_met;
        all.tasks += row.tasks;
        all.tasks_met += row.tasks_met;
        all.without += row.without;
        all.without_tasks += row.without_tasks;
    }
    print_row("all", &all);
    for (file, line, field, reason) in WRONG {
        println!("left out: {file} line {line}, {field}: {reason}");
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
    assert!(all.files >= 58 && all.tasks >= 2242, "not all expectations were there");
}

fn print_row(name: &str, row: &Row) {
    println!(
        "{name:10} {:>3} of {:<3} {:>5} of {:<5} {:>8}, {}",
        row.files_met, row.files, row.tasks_met, row.tasks, row.without, row.without_tasks
    );
}

/// Whether a line can be a task at all: a checkbox, a heading, a table row, or a numbered item.
fn could_be_a_task(line: &str) -> bool {
    let text = line.trim_start_matches('\u{FEFF}').trim_start();
    let heading = text.starts_with('#');
    let boxed = text.split_once('[').is_some_and(|(before, after)| {
        before.len() < 8 && after.find(']').is_some_and(|end| after[..end].chars().count() <= 3)
    });
    let numbered = text.trim_start_matches('*').starts_with(|c: char| c.is_ascii_digit());
    heading || boxed || numbered || text.starts_with('|')
}

#[test]
#[ignore = "needs ../shared"]
fn every_checkbox_of_a_real_spec_is_a_task_or_listed_as_ignored() {
    for (name, _, bytes) in files() {
        let source = String::from_utf8(bytes).expect("text");
        let parsed = spec::parse(&source);
        let lines: Vec<&str> = source.split('\n').collect();
        assert!(parsed.tasks.windows(2).all(|w| w[0].line < w[1].line), "{name}: not in order");
        for task in &parsed.tasks {
            let line = lines[task.line - 1].trim_start_matches('\u{FEFF}').trim_end_matches('\r');
            assert_eq!(&source[task.span.clone()], line, "{name}");
            assert!(could_be_a_task(line), "{name} line {}: {line}", task.line);
            assert!(!task.id.is_empty(), "{name} line {}", task.line);
        }
        for (i, line) in lines.iter().enumerate() {
            let text = line.trim_start_matches([' ', '\t', '\u{FEFF}']);
            let boxed = ["- [ ] ", "- [x] ", "- [X] ", "* [ ] ", "* [x] ", "- [-] ", "- [~] "]
                .iter()
                .any(|b| text.starts_with(b));
            let known = parsed.tasks.iter().any(|t| t.line == i + 1)
                || parsed.ignored.iter().any(|g| g.line == i + 1);
            assert!(!boxed || known, "{name} line {}: {line}", i + 1);
        }
    }
}

#[test]
#[ignore = "needs ../shared"]
fn ticking_every_leaf_changes_only_the_marks() {
    for (name, _, bytes) in files() {
        let source = String::from_utf8(bytes).expect("text");
        let parsed = spec::parse(&source);
        let leaf = |t: &&spec::Task| parsed.tasks.iter().all(|o| o.parent.as_deref() != Some(&t.id));
        let twice = |t: &&spec::Task| parsed.tasks.iter().filter(|o| o.id == t.id).count() > 1;
        let open: Vec<&spec::Task> = parsed
            .tasks
            .iter()
            .filter(leaf)
            .filter(|t| t.mark.is_some() && !twice(t) && t.state != TaskState::Done)
            .collect();
        let ids: Vec<&str> = open.iter().map(|t| t.id.as_str()).collect();
        let (ticked, missed) = spec::tick(&source, &ids, 'x');
        assert_eq!(missed, [""; 0], "{name}");
        // outside of the marks every byte is the same
        let (mut old, mut new) = (0, 0);
        for task in &open {
            let mark = task.mark.clone().expect("a mark");
            let len = mark.start - old;
            assert_eq!(source[old..mark.start], ticked[new..new + len], "{name} {}", task.id);
            assert_eq!(&ticked[new + len..=new + len], "x", "{name} {}", task.id);
            (old, new) = (mark.end, new + len + 1);
        }
        assert_eq!(source[old..], ticked[new..], "{name}");
        assert_eq!(spec::tick(&ticked, &ids, 'x').0, ticked, "{name}: twice is once");
        // and the tasks are the same, except for those states
        let again = spec::parse(&ticked);
        assert_eq!(again.tasks.len(), parsed.tasks.len(), "{name}");
        for (before, after) in parsed.tasks.iter().zip(&again.tasks) {
            let now = if ids.contains(&before.id.as_str()) { TaskState::Done } else { before.state };
            assert_eq!((&before.id, &before.title, now), (&after.id, &after.title, after.state), "{name}");
        }
    }
}
