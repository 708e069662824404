//! `seqorch plan` prints what runs, and changes nothing.

use serde_json::{Value, json};

use crate::common::Project;
use crate::readme::{json_fields, keys};

pub(crate) const MIXED: &str = "\
# Plan

- [x] 1. Parent that was ticked too early
  - [x] 1.1 Done leaf
  - [ ] 1.2 Open leaf
  - [ ]* 1.3 Optional leaf
- [ ] 2. Second
- [x] 3. Done before
- [ ]* 4. Nice to have
- [ ] 5. Needs the sixth
  - _Depends: 6_
- [ ] 6. Sixth
";

fn plan_json(project: &Project, args: &[&str]) -> Value {
    let output = project.run(&[&["plan", "--json"], args].concat()).code(0);
    serde_json::from_str(&output.stdout).unwrap()
}

fn ids(value: &Value, key: &str) -> Vec<String> {
    value.as_array().unwrap().iter().map(|v| v[key].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_dry_run_writes_nothing_and_starts_nothing() {
    let project = Project::new().spec("login", MIXED);
    let before = project.tree();
    for args in [
        &["plan", "--dry-run"][..],
        &["plan"],
        &["plan", "--json", "--dry-run"],
        &["plan", "--prompt", "2"],
        &["run", "--dry-run"],
        &["status"],
        &["config", "show"],
    ] {
        project.run(args).code(0);
    }
    assert!(!project.path(".seqorch").exists());
    assert_eq!(project.ledger(), [""; 0]);
    assert_eq!(project.tree(), before);
}

#[test]
fn plan_json_has_exactly_the_documented_keys() {
    let project = Project::new().spec("login", MIXED);
    let plan = plan_json(&project, &[]);
    assert_eq!(keys([&plan]), json_fields("plan --json", "in the object"));
    // its step is blocked
    let blocked = plan_json(&project, &["--only", "5"]);
    let grouped = "## 1. Setup\n- [ ] 1.1 A\n- [ ] 1.2 B\n\n## Acceptance Criteria\n- [ ] It works\n";
    let grouped = plan_json(&Project::new().spec("shop", grouped), &[]);
    for list in ["steps", "skipped", "tasks", "groups", "ignored_lines"] {
        let plans = [&plan, &blocked, &grouped];
        let entries = plans.into_iter().flat_map(|plan| plan[list].as_array().unwrap());
        assert_eq!(keys(entries), json_fields("plan --json", &format!("in each of `{list}`")), "{list}");
    }
    assert_eq!(plan["total_steps"], plan["steps"].as_array().unwrap().len());
    assert_eq!((&plan["spec"], &plan["max_iterations"]), (&json!("login"), &json!(50)));
}

#[test]
fn plan_json_of_an_invalid_file_exits_with_65_and_has_its_tasks() {
    let project = Project::new().spec("login", "- [ ] 1. A\n- [ ] 1. Twice\n");
    let output = project.run(&["plan", "--json"]).code(65);
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(plan["errors"][0]["line"], 2);
    assert_eq!(ids(&plan["tasks"], "title"), ["A", "Twice"]);
    assert_eq!(plan["steps"], json!([]));
}

#[test]
fn an_open_subtask_of_a_ticked_parent_is_planned_and_prompted() {
    let project = Project::new().spec("login", MIXED);
    let plan = plan_json(&project, &[]);
    assert_eq!(plan["steps"][0]["id"], "1");
    assert_eq!(plan["steps"][0]["tasks"], json!(["1.2"]));
    assert_eq!(plan["notes"][0]["line"], 3);
    let prompt = project.run(&["plan", "--prompt", "1"]).code(0).stdout;
    assert!(prompt.contains("- 1.2 Open leaf"), "{prompt}");
    assert!(!prompt.contains("Done leaf") && !prompt.contains("Optional leaf"), "{prompt}");
}

#[test]
fn every_skipped_task_has_a_reason() {
    let project = Project::new().spec("login", MIXED);
    let plan = plan_json(&project, &["--only", "2,4"]);
    let reasons: Vec<(String, String)> =
        ids(&plan["skipped"], "id").into_iter().zip(ids(&plan["skipped"], "reason")).collect();
    for (id, reason) in [("3", "done"), ("1", "not_selected"), ("6", "not_selected")] {
        assert!(reasons.contains(&(id.into(), reason.into())), "{id} {reason}: {reasons:?}");
    }
    // a task that --only names runs even if it is optional
    assert_eq!(ids(&plan["steps"], "id"), ["2", "4"]);
    let all = plan_json(&project, &[]);
    let optional = all["skipped"].as_array().unwrap().iter().find(|s| s["id"] == "4").unwrap();
    assert_eq!(optional["reason"], "optional");
    assert_eq!(ids(&plan_json(&project, &["--include-optional"])["steps"], "id"), ["1", "2", "4", "6", "5"]);
}

#[test]
fn the_printed_plan_is_what_runs() {
    let project = Project::new().spec("login", MIXED);
    let printed = plan_json(&project, &[]);
    let order = ids(&printed["steps"], "id");
    assert_eq!(order, ["1", "2", "6", "5"], "a dependency goes first");
    project.run(&["run"]).code(0);
    let ran: Vec<String> = project.ledger().iter().map(|l| l.split(' ').next().unwrap().to_owned()).collect();
    assert_eq!(ran, order);
    // and the command is the one that was printed
    let attempt: Value = serde_json::from_str(&project.of_attempt("login", "2", 1, "attempt.json")).unwrap();
    assert_eq!(attempt["argv"], printed["steps"][1]["argv"]);
    assert_eq!(plan_json(&project, &[])["total_steps"], 0);
}

#[test]
fn an_unknown_task_id_is_a_usage_error_that_names_it() {
    let project = Project::new().spec("login", MIXED);
    project.run(&["plan", "--only", "99"]).code(64).says(&["99"]);
    project.run(&["run", "--from", "nope"]).code(64).says(&["nope"]);
    project.run(&["plan", "--prompt", "99"]).code(64).says(&["99"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn plan_json_of_a_binary_file_is_an_object_with_the_error() {
    let project = Project::new().spec("login", b"- [ ] 1. A\n- [ ] 2. \xff\xfe\n");
    let output = project.run(&["plan", "--json"]).code(65);
    let plan: Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!((&plan["spec"], &plan["steps"], &plan["tasks"]), (&json!("login"), &json!([]), &json!([])));
    assert_eq!(plan["errors"][0]["line"], 2);
    assert!(plan["errors"][0]["message"].as_str().unwrap().contains("not text: invalid UTF-8"), "{plan}");
}

#[test]
#[ignore = "slow"]
fn v_shows_config_files_and_commands_and_vv_every_effect() {
    let project = Project::new().spec("login", "- [ ] 1. A\n").config("[run]\ndelay = \"0s\"\n");
    let printed = project.run(&["plan", "-v"]).code(0).stderr;
    let files = ["seqorch.toml", "seqorch.local.toml"]
        .map(|f| format!("configuration: {}", project.path(f).display()));
    assert_eq!(
        printed.lines().collect::<Vec<_>>(),
        [&format!("project {}", project.root().display()), &files[0], &files[1]]
    );
    project.run(&["run", "-v"]).code(0).says(&[
        "  /bin/sh agent.sh\n",
        &format!(
            "in {}, output in {}",
            project.root().display(),
            project.path(".seqorch/login/1/1").display()
        ),
    ]);
    project.run(&["mark", "1", "todo"]).code(0);
    let effects = project.run(&["run", "-vv"]).code(0).stdout;
    let at = |what: &str| effects.find(what).unwrap_or_else(|| panic!("{what:?} is not in {effects}"));
    assert!(at(" save the state") < at(" start attempt 2 of 1"), "{effects}");
    assert!(at(" start attempt 2 of 1") < at(" tick 1"), "{effects}");
    project.run(&["mark", "1", "todo"]).code(0);
    let quiet = project.run(&["run"]).code(0).stdout;
    assert!(!quiet.contains("save the state") && !quiet.contains("output in"), "{quiet}");
}
