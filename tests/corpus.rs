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
    if reason.contains("duplicate id") {
        // the section's name stands before a number that comes again in another section
        &["id"]
    } else if reason.contains("row of a table") || reason.contains("two checkboxes") {
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
            let shown = || parsed.tasks.iter().any(|t| t.details.lines().any(|l| l.trim() == text.trim()));
            let known = parsed.tasks.iter().any(|t| t.line == i + 1)
                || parsed.ignored.iter().any(|g| g.line == i + 1)
                || shown();
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

/// The files of `corpus/more` with what is expected of each: their dialect, the path that each had in its project, and bytes.
fn more() -> Vec<(String, String, Vec<u8>, Value)> {
    let folder = folder().join("more");
    let manifest = std::fs::read_to_string(folder.join("manifest.tsv")).expect("the manifest");
    let mut out = Vec::new();
    for line in manifest.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let file = folder.join(columns[0]);
        let Ok(expected) = std::fs::read_to_string(file.with_extension("expected.json")) else { continue };
        let path = columns[2].split_once(':').expect("repository and path").1.to_owned();
        let expected = serde_json::from_str(&expected).expect("json");
        out.push((columns[0].to_owned(), path, std::fs::read(&file).expect("readable"), expected));
    }
    assert!(out.len() >= 35, "{} files are not all", out.len());
    out
}

/// A task as it is compared: parents and dependencies by the lines that they point to.
#[derive(Debug, PartialEq)]
struct ComparedTask {
    id: Option<String>,
    title: String,
    state: String,
    optional: bool,
    parent: Option<u64>,
    after: Vec<u64>,
}

/// What must not run, must be named, or must be silent, and does not.
fn broken_demands(want: &Value, plan: &Value, steps: &[u64]) -> Vec<String> {
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut wrong = Vec::new();
    for line in list(&want["must_not_run"]) {
        if steps.contains(&line.as_u64().expect("a line")) {
            wrong.push(format!("line {line} must not run"));
        }
    }
    for line in list(&want["must_name"]) {
        let named = ["tasks", "warnings", "errors", "ignored_lines"]
            .iter()
            .any(|key| list(&plan[key]).iter().any(|found| found["line"] == line));
        if !named {
            wrong.push(format!("line {line} is named nowhere"));
        }
    }
    if want["no_warnings"] == true && !list(&plan["warnings"]).is_empty() {
        wrong.push(format!("warnings: {}", plan["warnings"]));
    }
    wrong
}

/// Compares a plan with the expectation for a file of `corpus/more`. Returns how many tasks match, and the differences.
fn compare_more(project: &Project, path: &str, want: &Value) -> (usize, Vec<String>) {
    let output = project.run(&["plan", path, "--json", "--dry-run"]);
    let plan: Value = serde_json::from_str(&output.stdout).expect("JSON whatever the file holds");
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let line = |value: &Value| value["line"].as_u64().expect("a line");
    let tasks = list(&want["tasks"]);
    let units = list(&want["units"]);
    let mut wrong = Vec::new();
    let mut places: BTreeMap<u64, u64> = BTreeMap::new();
    for task in &tasks {
        places.entry(line(task)).or_insert_with(|| line(task));
        for also in list(&task["also"]).iter().filter(|also| also.get("line").is_some()) {
            places.entry(line(also)).or_insert_with(|| line(task));
        }
    }
    let got: BTreeMap<u64, Value> =
        list(&plan["tasks"]).into_iter().map(|task| (line(&task), task)).collect();
    let of = |all: &[(String, u64)], id: &Value| {
        let id = id.as_str()?;
        all.iter().find(|(known, _)| known == id).map(|(_, line)| places.get(line).copied().unwrap_or(0))
    };
    let ids = |tasks: Vec<&Value>| -> Vec<(String, u64)> {
        tasks.iter().filter_map(|task| Some((task["id"].as_str()?.to_owned(), line(task)))).collect()
    };
    let (wanted_ids, got_ids) = (ids(tasks.iter().collect()), ids(got.values().collect()));
    let compared = |task: &Value, all: &[(String, u64)], named: bool| {
        let mut after: Vec<u64> =
            list(&task["depends_on"]).iter().map(|id| of(all, id).unwrap_or(0)).collect();
        after.sort_unstable();
        ComparedTask {
            id: task["id"].as_str().filter(|_| named).map(str::to_owned),
            title: task["title"].as_str().unwrap_or_default().to_owned(),
            state: task["state"].as_str().unwrap_or_default().to_owned(),
            optional: task["optional"].as_bool().unwrap_or_default(),
            parent: of(all, &task["parent"]),
            after,
        }
    };
    let mut right = 0;
    for task in tasks.iter().filter(|task| task["ambiguous"] != true) {
        let mut readings = vec![task.clone()];
        for also in list(&task["also"]) {
            let mut other = task.clone();
            for (key, value) in also.as_object().expect("fields") {
                other[key] = value.clone();
            }
            readings.push(other);
        }
        let met = readings.iter().any(|reading| {
            let named = reading["id"].is_string();
            let wanted = compared(reading, &wanted_ids, named);
            got.get(&line(reading)).is_some_and(|found| compared(found, &got_ids, named) == wanted)
        });
        right += usize::from(met);
        if !met {
            wrong.push(format!("line {}: {} {}", line(task), task["id"], task["title"]));
        }
    }
    for (line, task) in &got {
        let none = want["none"] == true && task["state"] == "done";
        if !places.contains_key(line) && !none {
            wrong.push(format!("line {line}: {} {} taken, not expected", task["id"], task["title"]));
        }
    }
    let open = |line: &u64| {
        tasks.iter().find(|task| task["line"] == *line).is_some_and(|task| {
            task["ambiguous"] == true && task["step"] != true && !units.contains(&task["line"])
        })
    };
    let steps: Vec<u64> = list(&plan["steps"]).iter().map(line).collect();
    let firm: Vec<Value> = steps
        .iter()
        .map(|line| *places.get(line).unwrap_or(line))
        .filter(|line| !open(line))
        .map(Value::from)
        .collect();
    let whole: Value = steps.clone().into();
    if !want["units"].is_null() && firm != units && !list(&want["units_also"]).contains(&whole) {
        wrong.push(format!("steps on lines {steps:?}, expected {units:?}"));
    }
    wrong.extend(broken_demands(want, &plan, &steps));
    let texts = want["body_has"].as_object().cloned().unwrap_or_default();
    for (at, texts) in texts {
        let at: u64 = at.parse().expect("a line");
        let step = list(&plan["steps"]).into_iter().find(|step| places.get(&line(step)) == Some(&at));
        let Some(step) = step else { continue };
        let prompt = project.run(&["plan", path, "--prompt", step["id"].as_str().expect("an id")]).stdout;
        for text in list(&texts) {
            if !prompt.contains(text.as_str().expect("a text")) {
                wrong.push(format!("the prompt of line {at} lacks {text}"));
            }
        }
    }
    (right, wrong)
}

#[test]
#[ignore = "needs ../shared"]
fn plans_of_the_newer_files_match_their_expectations() {
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut failures = Vec::new();
    for (name, path, bytes, expected) in more() {
        let row = rows.entry(name.split('/').next().unwrap_or_default().to_owned()).or_default();
        row.files += 1;
        row.tasks += expected["tasks"]
            .as_array()
            .map_or(0, |all| all.iter().filter(|task| task["ambiguous"] != true).count());
        let mut missed = false;
        // at its own path, and as the tasks.md of a spec
        for (own, spec) in [(true, path.as_str()), (false, ".kiro/specs/demo/tasks.md")] {
            let project = Project::new().file(spec, &bytes);
            let (right, wrong) = compare_more(&project, spec, &expected);
            assert_eq!(project.read(spec).as_bytes(), bytes);
            row.tasks_met += if own { right } else { 0 };
            missed |= !wrong.is_empty();
            failures.extend(wrong.into_iter().map(|w| format!("{name} as {spec}: {w}")));
        }
        row.files_met += usize::from(!missed);
    }
    println!("dialect    files met   tasks met");
    for (dialect, row) in &rows {
        println!(
            "{dialect:10} {:>3} of {:<3} {:>5} of {:<5}",
            row.files_met, row.files, row.tasks_met, row.tasks
        );
    }
    assert!(failures.is_empty(), "{} differences:\n{}", failures.len(), failures.join("\n"));
}

#[test]
#[ignore = "needs ../shared"]
fn forcing_the_dialect_of_a_real_spec_changes_no_task() {
    for (name, _, bytes) in files() {
        let Ok(text) = String::from_utf8(bytes) else { continue };
        let found = spec::parse(&text);
        let forced = spec::parse_as(&text, Some(found.dialect));
        assert_eq!((forced.tasks, forced.groups), (found.tasks, found.groups), "{name}");
    }
}
