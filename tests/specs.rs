//! How a spec is found, and `seqorch specs`.

use serde_json::{Value, json};

use crate::common::Project;

pub(crate) const KIRO: &str = "# Plan\n\n- [x] 1. One\n- [ ] 2. Two\n  - [x] 2.1 A\n  - [ ] 2.2 B\n    - _Requirements: 1.1_\n  - [ ]* 2.3 C\n";

const SPEC_KIT: &str =
    "# Tasks: Photos\n\n## Phase 1: Setup\n\n- [x] T001 Make the folders\n- [ ] T002 [P] Add a linter\n";

const OPEN_SPEC: &str =
    "## 1. Server\n\n- [ ] 1.1 Add the route\n- [ ] 1.2 Test it\n\n## 2. Client\n\n- [ ] 2.1 Call it\n";

pub(crate) fn three_tools() -> Project {
    Project::new()
        .spec("login", KIRO)
        .file("specs/001-photos/tasks.md", SPEC_KIT)
        .file("openspec/changes/add-search/tasks.md", OPEN_SPEC)
        .file("openspec/changes/archive/2025-01-01-old/tasks.md", OPEN_SPEC)
        .file("openspec/changes/archive/tasks.md", OPEN_SPEC)
}

pub(crate) fn plan(project: &Project, spec: &str) -> Value {
    serde_json::from_str(&project.run(&["plan", spec, "--json", "--dry-run"]).code(0).stdout).unwrap()
}

#[test]
fn a_spec_name_is_found_in_the_folders_of_each_tool() {
    let project = three_tools();
    for (name, dialect, tasks) in
        [("login", "kiro", 5), ("001-photos", "speckit", 2), ("add-search", "openspec", 3)]
    {
        let plan = plan(&project, name);
        assert_eq!((&plan["spec"], plan["tasks"].as_array().unwrap().len()), (&json!(name), tasks));
        assert!(
            plan["dialect"].to_string().to_lowercase().replace('-', "").contains(dialect),
            "{}",
            plan["dialect"]
        );
    }
}

#[test]
fn archived_changes_are_not_specs() {
    let project = three_tools();
    for name in ["archive", "2025-01-01-old"] {
        project.run(&["plan", name, "--dry-run"]).code(66).says(&["add-search", "001-photos", "login"]);
    }
    project.run(&["plan", "openspec/changes/archive/2025-01-01-old", "--dry-run"]).code(0);
}

#[test]
fn the_only_spec_needs_no_name() {
    let project = Project::new().file("openspec/changes/add-search/tasks.md", OPEN_SPEC);
    project.run(&["plan", "--dry-run"]).code(0).says(&["Plan of add-search"]);
    let project = project.file("specs/001-photos/tasks.md", SPEC_KIT);
    project.run(&["plan", "--dry-run"]).code(66).says(&["there are 2 specs", "add-search", "001-photos"]);
}

#[test]
fn logs_are_found_after_spec_root_changes() {
    let project =
        Project::new().file("openspec/changes/add-search/tasks.md", OPEN_SPEC).agent("echo $ROOT; say_done");
    project.run(&["run", "add-search", "--only", "1.1"]).code(0);
    let printed = project.root().display().to_string();
    project.run(&["logs", "--spec", "add-search", "1.1"]).code(0).says(&[&printed]);
    let project = project.config("[run]\nspec_root = \"openspec/changes\"\n");
    project.run(&["logs", "--spec", "add-search", "1.1"]).code(0).says(&[&printed]);
    // a spec of the same name in another folder has its own logs
    let project =
        project.file("specs/add-search/tasks.md", "- [ ] 1.1 Other\n").agent("echo another; say_done");
    project.run(&["run", "specs/add-search"]).code(0);
    project.run(&["logs", "--spec", "specs/add-search", "1.1"]).code(0).says(&["another"]);
    project.run(&["logs", "--spec", "openspec/changes/add-search", "1.1"]).code(0).says(&[&printed]);
    assert_eq!(project.read(".seqorch/add-search/spec"), "openspec/changes/add-search");
}

#[test]
#[ignore = "slow"]
fn printed_commands_name_the_spec_so_that_it_is_found() {
    let project = Project::new()
        .spec("login", "- [ ] 1. A\n")
        .file("specs/login/tasks.md", "- [ ] 1. A\n")
        .file("more specs/logout/tasks.md", "- [ ] 1. A\n")
        .agent("[ $SEQORCH_ATTEMPT = 1 ] && say_halt || say_done");
    for (spec, typed) in [("specs/login", "specs/login"), ("more specs/logout", "'more specs/logout'")] {
        let resume = format!("seqorch resume {typed} --answer");
        project.run(&["run", spec]).code(2).says(&[&resume, &format!("seqorch run {typed} --retry")]);
        project.run(&["status", spec]).code(0).says(&[&resume]);
        project.run(&["report", spec]).code(0).says(&[&resume]);
    }
    project.run(&["doctor"]).code(0).says(&["Answer with `seqorch resume specs/login --answer \"…\"`."]);
    // typed in another folder, and where another spec of that name is closer
    let root = project.root().display().to_string();
    let out = project
        .command(&["-C", &root, "status", "more specs/logout"])
        .current_dir(project.path(".home"))
        .output()
        .unwrap();
    let printed = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(printed.contains(&format!("seqorch resume '{root}/more specs/logout' --answer")), "{printed}");
    let project = project.spec("only", "- [ ] 1. A\n").file("only/tasks.md", "- [ ] 1. A\n");
    project.run(&["run", ".kiro/specs/only"]).code(2).says(&["seqorch resume .kiro/specs/only --answer"]);
    project.run(&["resume", "specs/login", "--answer", "A"]).code(0);
}

#[test]
fn an_ambiguous_name_is_refused_with_both_paths() {
    let project = Project::new().spec("search", KIRO).file("openspec/changes/search/tasks.md", OPEN_SPEC);
    let both = [".kiro/specs/search", "openspec/changes/search"];
    for verb in [&["plan", "search", "--dry-run"][..], &["run", "search"], &["status", "search"]] {
        project.run(verb).code(66).says(&[&both[..], &["2 specs have the name", "path"]].concat());
    }
    project.run(&["plan", "--dry-run"]).code(66).says(&both);
    for path in both {
        project.run(&["plan", path, "--dry-run"]).code(0);
    }
    assert_eq!(project.ledger(), [""; 0]);
}

#[cfg(unix)]
#[test]
fn two_names_of_one_folder_are_one_spec() {
    let project = Project::new().spec("login", KIRO);
    std::os::unix::fs::symlink(".kiro/specs", project.path("specs")).unwrap();
    project.run(&["plan", "login", "--dry-run"]).code(0);
    project.run(&["plan", "--dry-run"]).code(0);
}

#[test]
fn specs_lists_all_specs_with_their_progress() {
    let project = three_tools().file("specs/002-bad/tasks.md", "- [ ] 1. a\n- [ ] 1. b\n");
    let listed: Value = serde_json::from_str(&project.run(&["specs", "--json"]).code(0).stdout).unwrap();
    let rows: Vec<Value> = listed["specs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| {
            json!([
                s["name"],
                s["path"],
                s["done"],
                s["total"],
                s["optional"],
                s["errors"].as_array().unwrap().len()
            ])
        })
        .collect();
    assert_eq!(
        json!(rows),
        json!([
            ["login", ".kiro/specs/login", 1, 2, 0, 0],
            ["001-photos", "specs/001-photos", 1, 2, 0, 0],
            ["002-bad", "specs/002-bad", 0, 2, 0, 1],
            ["add-search", "openspec/changes/add-search", 0, 2, 0, 0],
        ])
    );
    project.run(&["specs"]).code(0).says(&[
        "login",
        "1/2 done",
        "001-photos",
        "tasks.md:2",
        ".kiro/specs/login",
    ]);
}

#[test]
fn every_output_counts_the_same_tasks() {
    let project = Project::new().file("openspec/changes/add-search/tasks.md", OPEN_SPEC);
    project.run(&["run", "--only", "1"]).code(0);
    project.run(&["specs"]).code(0).says(&["1/2 done"]);
    project.run(&[]).code(0).says(&["1/2 done"]);
    project.run(&["status"]).code(0).says(&["1 of 2 tasks done"]);
    project.run(&["doctor"]).says(&["add-search: 2 tasks"]);
}

#[test]
fn a_file_that_ran_is_the_spec_of_its_project() {
    let project = Project::new().file("TODO.md", "- [ ] 1. A\n- [ ] 2. B\n").agent("say_halt");
    project.run(&["doctor"]).says(&["TODO.md: 2 tasks"]);
    project.run(&["plan", "--dry-run"]).code(0).says(&["Plan of TODO.md"]);
    project.run(&[]).code(0).says(&["TODO.md  0/2 done  not started", "seqorch run TODO.md"]);
    project.run(&["run", "TODO.md", "--only", "1"]).code(2);
    // beside another list it is the one that ran
    let project = project.file("NOTES.md", "- [ ] Later\n").agent("say_done");
    project.run(&[]).code(0).says(&["needs you: task 1 asks"]);
    project.run(&["resume", "--answer", "red"]).code(0);
    for verb in [&["status"][..], &["report"], &["logs"], &["specs"], &["undo", "7"]] {
        assert_ne!(project.run(verb).code, 66, "{verb:?}");
    }
    project.run(&["status"]).code(0).says(&["TODO.md: "]);
    // and it is named beside other specs
    let project = project.spec("login", "- [ ] 1. A\n");
    project.run(&["specs"]).code(0).says(&["login", "TODO.md"]);
}

#[test]
fn what_is_missing_is_asked_for_with_the_verb_that_was_typed() {
    let project = three_tools();
    for (typed, wanted) in [
        (&["undo", "1"][..], "seqorch undo 1 --spec login"),
        (&["mark", "1", "done"], "seqorch mark 1 done --spec login"),
        (&["plan", "--dry-run"], "seqorch plan login --dry-run"),
        (&["when"], "seqorch when login"),
        (&["logs", "1"], "seqorch logs 1 --spec login"),
    ] {
        project.run(typed).code(66).says(&[&format!("For example: {wanted}\n")]);
    }
}

#[test]
fn an_example_is_a_command_for_a_spec_that_needs_something() {
    let project = Project::new().spec("demo", "- [ ] 1. A\n").spec("other", "- [ ] 1. B\n");
    project.run(&["run", "demo"]).code(0);
    let nothing = project.run(&["resume"]).code(66).says(&["none of them asks a question"]);
    assert!(!nothing.stderr.contains("For example"), "{}", nothing.stderr);
    let nothing = project.run(&["stop"]).code(66).says(&["none of them runs"]);
    assert!(!nothing.stderr.contains("For example"), "{}", nothing.stderr);
    let project = project.agent("fail");
    project.run(&["run", "other"]).code(2);
    project.run(&["resume"]).code(66).says(&["For example: seqorch run other --retry\n"]);
}

#[test]
fn tasks_that_a_run_completed_count_as_done() {
    let project = Project::new().spec("login", KIRO);
    project.run(&["run", "login", "--only", "2"]).code(0);
    let listed: Value = serde_json::from_str(&project.run(&["specs", "--json"]).code(0).stdout).unwrap();
    assert_eq!((&listed["specs"][0]["done"], &listed["specs"][0]["total"]), (&json!(2), &json!(2)));
}

#[test]
fn without_specs_the_searched_folders_are_listed() {
    let project = Project::new();
    project
        .run(&["specs"])
        .code(66)
        .says(&[".kiro/specs (Kiro), specs (spec-kit)", "openspec/changes (OpenSpec)"]);
    let listed: Value = serde_json::from_str(&project.run(&["specs", "--json"]).code(0).stdout).unwrap();
    assert_eq!(listed["specs"], json!([]));
}
