//! How the files of each tool are read: `tests/fixtures/dialects`, with what is expected in `tests/snapshots/dialects`.

use std::fmt::Write as _;
use std::path::PathBuf;

use seqorch::spec::{self, TaskFile, TaskState};

use crate::common::Project;

fn fixtures() -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/dialects");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// What was read, one task a line.
fn table(file: &TaskFile) -> String {
    let mut out = format!("{}: {}\n{}\n", file.dialect.name(), file.dialect_reason, file.reading);
    for task in &file.tasks {
        let (parent, after) = (task.parent.as_deref().unwrap_or("-"), task.depends_on.join(", "));
        let state = serde_json::to_value(task.state).unwrap();
        let human = if task.human { " | human" } else { "" };
        let state = state.as_str().unwrap_or_default();
        let _ = writeln!(
            out,
            "{} | {} | {state} | {parent} | {after} | {}{human}",
            task.line, task.id, task.title
        );
    }
    for group in &file.groups {
        let _ = writeln!(out, "group {} on line {}: {}", group.id, group.line, group.title);
    }
    for found in &file.diagnostics {
        let _ = writeln!(out, "{:?} on line {}: {}", found.severity, found.line, found.message);
    }
    let ignored: Vec<String> = file.ignored.iter().map(|one| one.line.to_string()).collect();
    let _ = writeln!(out, "no tasks: {}", ignored.join(", "));
    out
}

#[test]
fn the_files_of_each_tool_are_read_as_it_means_them() {
    for (name, text) in fixtures() {
        let mut settings = insta::Settings::clone_current();
        settings.set_snapshot_path("snapshots/dialects");
        settings.set_prepend_module_to_snapshot(false);
        settings.set_omit_expression(true);
        settings.bind(|| insta::assert_snapshot!(name.replace('.', "-"), table(&spec::parse(&text))));
    }
}

/// What a plan follows from.
fn what_counts(file: TaskFile) -> TaskFile {
    TaskFile { dialect_reason: String::new(), diagnostics: Vec::new(), ..file }
}

#[test]
fn forcing_the_dialect_that_was_found_changes_no_task() {
    for (name, text) in fixtures() {
        let found = spec::parse(&text);
        let forced = spec::parse_as(&text, Some(found.dialect));
        assert_eq!(what_counts(forced), what_counts(found), "{name}");
    }
}

#[test]
fn a_forced_dialect_has_the_plan_of_the_dialect_that_was_found() {
    let project = Project::new();
    let plan = |name: &str| {
        let out = project.run(&["plan", name, "--dry-run", "--json"]);
        let mut json: serde_json::Value = serde_json::from_str(&out.stdout).unwrap();
        json.as_object_mut().unwrap().remove("dialect_reason");
        json
    };
    let config = project.read("seqorch.toml");
    for (name, text) in fixtures() {
        project.write(&name, &text);
        project.write("seqorch.toml", &config);
        let found = plan(&name);
        let dialect = found["dialect"].as_str().unwrap();
        assert_eq!(dialect, spec::parse(&text).dialect.name(), "{name}");
        project.write("seqorch.toml", format!("{config}[tasks]\ndialect = \"{dialect}\"\n"));
        assert_eq!(plan(&name), found, "{name}");
        std::fs::remove_file(project.path(&name)).unwrap();
    }
}

#[test]
fn a_form_that_is_forced_beats_what_the_file_looks_like() {
    let mixed = "# Plan\n\n- [ ] Buy milk\n\n## Phase 1: Store\n\nWrite it.\n\n## Phase 2: Ship\n\nTag it.\n";
    let titles = |dialect| -> Vec<String> {
        spec::parse_as(mixed, Some(dialect)).tasks.into_iter().map(|task| task.title).collect()
    };
    assert_eq!(titles(spec::Dialect::Plain), ["Buy milk"]);
    assert_eq!(titles(spec::Dialect::Milestones), ["Buy milk", "Store", "Ship"]);
}

#[test]
fn ticking_in_any_dialect_changes_one_state_and_few_bytes() {
    for (name, text) in fixtures() {
        let before = spec::parse(&text);
        for task in before.tasks.iter().filter(|task| task.mark.is_some() && task.state != TaskState::Done) {
            let (ticked, missed) = spec::tick(&text, &[&task.id], 'x');
            assert!(missed.is_empty(), "{name}: {missed:?}");
            let mark = task.mark.clone().unwrap();
            assert_eq!(ticked[..mark.start], text[..mark.start], "{name} {}", task.id);
            assert!(ticked.ends_with(&text[mark.end..]), "{name} {}", task.id);
            let after = spec::parse(&ticked);
            assert_eq!(after.tasks.len(), before.tasks.len(), "{name} {}", task.id);
            for (old, new) in before.tasks.iter().zip(&after.tasks) {
                let state = if old.id == task.id { TaskState::Done } else { old.state };
                assert_eq!(
                    (&old.id, &old.title, state),
                    (&new.id, &new.title, new.state),
                    "{name} {}",
                    task.id
                );
            }
        }
    }
}

#[test]
fn the_page_of_dialects_names_each_of_them() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/dialects.md")).unwrap();
    for dialect in spec::Dialect::ALL {
        assert!(
            page.contains(&format!("| `{}` |", dialect.name())),
            "docs/dialects.md lacks {}",
            dialect.name()
        );
    }
}

#[test]
fn any_file_is_a_spec_with_its_state_beside_it() {
    let prd = r#"{"userStories": [{"id": "US-1", "title": "Add it", "passes": false}]}"#;
    let project = Project::new()
        .file("TODO.md", "# Things\n\n- [ ] Write it\n")
        .file("prd.json", prd)
        .agent("say_done");
    project.run(&["run", "TODO.md"]).code(0);
    assert_eq!(project.read("TODO.md"), "# Things\n\n- [x] Write it\n");
    assert_eq!(project.read("prd.json"), prd);
    // the other list of the same folder has a state of its own
    project.run(&["run", "prd.json"]).code(0);
    assert_eq!(project.read("prd.json"), prd.replace("false", "true"));
    assert_eq!(project.ledger(), ["1 1", "US-1 1"]);
    let state: serde_json::Value = serde_json::from_str(&project.read("SEQUENTIAL_STATE.json")).unwrap();
    let names: Vec<&String> = state["specs"].as_object().unwrap().keys().collect();
    assert_eq!(names, ["TODO.md", "prd.json"]);
    project.run(&["status", "TODO.md"]).code(0).says(&["TODO.md"]);
    project.run(&["plan", "missing.md", "--dry-run"]).code(66).says(&["there is no spec missing.md"]);
}

#[test]
fn a_folder_means_its_only_task_list() {
    let project = Project::new()
        .file("docs/plans/export/plan.md", "# Export\n\n- [ ] Write it\n")
        .file("docs/plans/export/spec.md", "# Export\n\n## Acceptance Criteria\n\n- [ ] It opens\n")
        .file("docs/two/a.md", "- [ ] A\n")
        .file("docs/two/b.md", "- [ ] B\n");
    project
        .run(&["plan", "docs/plans/export", "--dry-run"])
        .code(0)
        .says(&["Plan of docs/plans/export/plan.md"]);
    project.run(&["plan", "docs/two", "--dry-run"]).code(66).says(&[
        "2 task lists",
        "docs/two/a.md",
        "docs/two/b.md",
    ]);
}

#[test]
fn numbered_prose_is_refused_and_the_error_names_the_setting() {
    let project =
        Project::new().file("plan.md", "# How it works\n\n1. The client asks.\n2. The server answers.\n");
    project.run(&["run", "plan.md"]).code(65).says(&["2 numbered lines", "tasks.dialect = \"numbered\""]);
    project
        .write("seqorch.toml", format!("{}[tasks]\ndialect = \"numbered\"\n", project.read("seqorch.toml")));
    project.run(&["plan", "plan.md", "--dry-run"]).code(0).says(&["2 steps"]);
}

#[test]
fn the_boxes_that_say_whether_a_heading_is_done_are_ticked_with_it() {
    let plan = "### Task 1: Store\n\n- [X] **Step 1: Test**\n- [ ] **Step 2: Code**\n\n### Task 2: Ship\n\n- [ ] **Step 1: Tag**\n";
    let project = Project::new().spec("login", plan);
    project.run(&["run", "--only", "1"]).code(0);
    let done = plan.replace("[ ] **Step 2", "[x] **Step 2");
    assert_eq!(project.tasks("login"), done);
    project.run(&["mark", "2", "done"]).code(0);
    assert_eq!(project.tasks("login"), done.replace("[ ]", "[x]"));
    project.write(
        ".kiro/specs/login/tasks.md",
        done.replace("[ ]", "[x]").replace("[x] **Step 2", "[ ] **Step 2"),
    );
    project.run(&["plan"]).code(0).says(&["1 was done, and its box was opened again"]);
    project.run(&["run"]).code(0);
    assert_eq!((project.tasks("login"), project.ledger().len()), (done.replace("[ ]", "[x]"), 2));
}
