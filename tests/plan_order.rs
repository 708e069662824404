//! In each dialect: which tasks one agent gets, in which order, and what waits for what.

use serde_json::Value;

use crate::common::Project;

const KIRO: &str = "# Plan\n\n- [ ] 1. Base\n  - [ ] 1.1 A\n    - _Requirements: 1.1_\n  - [ ] 1.2 B\n- [ ] 2. Checkpoint\n\
                    - [ ] 3. Last\n  - [ ]* 3.1 Tests\n  - [ ] 3.2 Work\n";

const CC_SDD: &str = "- [ ] 1. Base\n- [ ] 1.1 A (P)\n- [ ] 1.2 B (P)\n  - _Depends: 2.1_\n- [ ] 2. Other\n- [ ] 2.1 C\n  - _Boundary: X_\n";

const SPEC_KIT: &str = "# Tasks: Photos\n\n## Phase 1: Setup\n\n- [ ] T001 Folders\n- [ ] T002 [P] Linter (depends on T003)\n\n\
                        ## Phase 2: Story\n\n- [ ] T003 [US1] Model\n- [ ] T004 [US1] View\n";

const OPEN_SPEC: &str =
    "## 1. Server\n\n- [ ] 1.1 Route\n- [x] 1.2 Store\n- [ ] 1.3 Test\n\n## 2. Client\n\n- [ ] 2.1 Call\n";

const HEADINGS: &str = "### Task 1: Model\n\n- [ ] define it\n- [ ] test it\n\n### Task 2: View\n\n**Dependencies:** Task 3\n\n### Task 3: Route\n\nText.\n";

const PLAIN: &str = "# To do\n\n- [ ] Shop\n- [ ] Cook\n  - [ ] Cut\n  - [ ] Boil\n- [x] Rest\n- [ ] Eat\n";

const TABLE: &str =
    "| ID | Task | Depends | Status |\n|---|---|---|---|\n| T1 | A | T2 | todo |\n| T2 | B | - | todo |\n";

const NUMBERED: &str = "# Tasks\n\n1. First thing\n2. Second thing\n3. Third thing\n";

/// The steps of a plan, each with its tasks: `1: 1.1 1.2; 2`.
fn steps(text: &str, granularity: &str) -> String {
    let project = Project::new().spec("s", text).env("SEQORCH_RUN__GRANULARITY", granularity);
    // numbered lines are a plan only where the configuration says so
    let dialect = if text == NUMBERED { "numbered" } else { "auto" };
    let project = project.env("SEQORCH_TASKS__DIALECT", dialect);
    let plan: Value =
        serde_json::from_str(&project.run(&["plan", "--json", "--dry-run"]).code(0).stdout).unwrap();
    let steps = plan["steps"].as_array().unwrap().iter().map(|step| {
        let unit = step["id"].as_str().unwrap().to_owned();
        let tasks: Vec<&str> =
            step["tasks"].as_array().unwrap().iter().map(|t| t.as_str().unwrap()).collect();
        if tasks == [&unit] { unit } else { format!("{unit}: {}", tasks.join(" ")) }
    });
    steps.collect::<Vec<_>>().join("; ")
}

#[test]
#[ignore = "slow"]
fn each_dialect_has_its_units_and_its_order() {
    for (name, text, by_unit, by_task) in [
        ("kiro", KIRO, "1: 1.1 1.2; 2; 3: 3.2", "1.1; 1.2; 2; 3.2"),
        ("cc-sdd", CC_SDD, "2: 2.1; 1: 1.1 1.2", "1.1; 2.1; 1.2"),
        ("spec-kit", SPEC_KIT, "T001; T003; T002; T004", "T001; T003; T002; T004"),
        ("openspec", OPEN_SPEC, "1: 1.1 1.3; 2: 2.1", "1.1; 1.3; 2.1"),
        ("headings", HEADINGS, "1; 3; 2", "1; 3; 2"),
        ("plain", PLAIN, "1; 2; 4", "1; 2; 4"),
        ("table", TABLE, "T2; T1", "T2; T1"),
        ("numbered", NUMBERED, "1; 2; 3", "1; 2; 3"),
    ] {
        assert_eq!(steps(text, "unit"), by_unit, "{name} by unit");
        assert_eq!(steps(text, "task"), by_task, "{name} by task");
    }
}

#[test]
fn a_dependency_on_a_parent_waits_for_all_its_tasks() {
    let text =
        "- [ ] 1. Early\n  - _Depends: 2_\n- [ ] 2. Parent\n  - [ ] 2.1 A\n  - [ ] 2.2 B\n- [ ] 3. Free\n";
    assert_eq!(steps(text, "unit"), "2: 2.1 2.2; 1; 3");
    assert_eq!(steps(text, "task"), "2.1; 2.2; 1; 3");
}

#[test]
fn a_dependency_on_a_skipped_optional_task_is_met() {
    let text = "- [ ]* 1. Nice\n- [ ] 2. Work\n  - _Depends: 1_\n- [ ] 3. More\n  - [ ]* 3.1 Nice too\n  - [ ] 3.2 Not so\n\
                - [ ] 4. End\n  - _Depends: 3.1_\n";
    assert_eq!(steps(text, "unit"), "2; 3: 3.2; 4");
    assert_eq!(steps(text, "task"), "2; 3.2; 4");
    let project = Project::new().spec("s", text);
    project.run(&["run"]).code(0);
    assert_eq!(project.state("s")["completed"].as_array().unwrap().len(), 4, "{}", project.state("s"));
}

#[test]
fn granularity_task_runs_subtasks_one_by_one() {
    let project = Project::new().spec("s", KIRO).env("SEQORCH_RUN__GRANULARITY", "task");
    project.run(&["run"]).code(0);
    let tasks = project.tasks("s");
    for line in [
        "- [x] 1. Base",
        "- [x] 1.1 A",
        "- [x] 1.2 B",
        "- [x] 2. Checkpoint",
        "- [ ]* 3.1 Tests",
        "- [x] 3.2 Work",
    ] {
        assert!(tasks.contains(line), "{line}\n{tasks}");
    }
    assert_eq!(project.ledger().iter().filter(|l| !l.is_empty()).count(), 4, "{:?}", project.ledger());
}
