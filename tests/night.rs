//! A whole night: three specs in work trees of their own, with questions, a check that fails, a limit and a review, and the
//! morning after it.

use std::path::PathBuf;

use serde_json::json;

use crate::common::Project;
use crate::common::git::{git, init};
use crate::common::programs::json as json_of;

/// Twelve tasks, of which the last one needs the one before it.
fn twelve(names: &str) -> String {
    let tasks = (1..=12).map(|n| format!("- [ ] {n}. {names} {n}\n"));
    tasks.collect::<String>() + "  - _Depends: 11_\n"
}

/// Writes one file a task. Task 3 of `alpha` is reviewed, its tasks 4 and 11 of `gamma` ask; task 2 of `beta` meets a limit, and what
/// task 6 of it does first fails the check.
const AGENT: &str = r#"
made="$SEQORCH_SPEC-$SEQORCH_UNIT"
case "$made-$SEQORCH_ATTEMPT" in
  alpha-4-1) echo 'Which colour has the wall?'; say_halt; exit ;;
  gamma-11-1) echo 'Keep 30 days or 90 days?'; say_halt; exit ;;
  beta-2-1) echo "quota exceeded, retry at $(( $(date +%s) + 2 ))" >&2; exit 1 ;;
  beta-6-1) echo 'half' > "$made"; say_done; exit ;;
esac
echo "whole $SEQORCH_ATTEMPT" > "$made"
say_done
"#;

/// Wants changes in its first review of a task, and then approves.
const REVIEWER: &str = r"
if grep -q 'whole 1' alpha-3; then
  echo 'alpha-3: the first draft is not enough'; echo '<promise>CHANGES</promise>'
else
  echo 'All is well.'; echo '<promise>APPROVED</promise>'
fi
";

const CONFIG: &str = r#"
[git]
commit = "step"
decisions = true
[verify]
commands = [["sh", "-c", "! grep -l half *-*"]]
[limit]
margin = "0s"
[backend.fake]
limit_patterns = [{ match = "^quota exceeded, retry at (?P<epoch>[0-9]+)", kind = "quota_exhausted", reset = "epoch" }]
[backend.second]
command = "/bin/sh"
args = ["reviewer.sh"]
[[override]]
match = "^Login 3$"
review = "second"
"#;

const SPECS: [(&str, &str); 3] = [("alpha", "Login"), ("beta", "Search"), ("gamma", "Export")];

fn night() -> Project {
    let project = Project::new().agent(AGENT).file("reviewer.sh", REVIEWER).config(CONFIG);
    let project = SPECS.into_iter().fold(project, |project, (spec, names)| project.spec(spec, twelve(names)));
    init(&project);
    project.write("mine.txt", "not committed\n");
    let trees = project.outside().join("trees");
    project.env("SEQORCH_GIT__WORKTREE_DIR", trees)
}

fn tree(project: &Project, spec: &str) -> PathBuf {
    project.outside().join("trees").join(spec)
}

/// The commits of a spec's branch since `main`, oldest first: the subject and the files.
fn commits(project: &Project, spec: &str) -> Vec<(String, Vec<String>)> {
    let branch = format!("main..seqorch/{spec}");
    let log = git(project, &["log", "--reverse", "--format=%x00%s", "--name-only", &branch]);
    let commits = log.split('\0').skip(1).map(|commit| {
        let mut lines = commit.lines().filter(|line| !line.is_empty()).map(str::to_owned);
        (lines.next().unwrap(), lines.collect())
    });
    commits.collect()
}

/// What the commits of these tasks of a spec look like.
fn expected(spec: &str, names: &str, tasks: &[u32]) -> Vec<(String, Vec<String>)> {
    let commit = |n: &u32| {
        let files = vec![format!(".kiro/specs/{spec}/tasks.md"), format!("{spec}-{n}")];
        (format!("{n}: {names} {n}"), files)
    };
    tasks.iter().map(commit).collect()
}

/// How each attempt at a task ended.
fn outcomes(project: &Project, spec: &str, task: &str) -> Vec<String> {
    let status = json_of(&project.run(&["status", spec, "--json"]).code(0).stdout);
    let attempts = status["units"][task]["attempts"].as_array().cloned().unwrap_or_default();
    attempts
        .iter()
        .map(|attempt| attempt["outcome"]["kind"].as_str().unwrap_or_default().to_owned())
        .collect()
}

fn checkout(project: &Project) -> String {
    let all = git(project, &["status", "--porcelain", "--ignored", "--branch", "-uall"]);
    let others = all.lines().filter(|line| !line.starts_with("!! .out/") && *line != "!! ledger");
    others.collect::<Vec<_>>().join("\n")
}

#[test]
#[ignore = "slow"]
fn a_night_of_three_specs_is_all_done_after_two_answers() {
    let project = night();
    let before = (checkout(&project), git(&project, &["rev-parse", "HEAD"]));
    let run = project.run(&["run", "alpha", "beta", "gamma", "--worktree", "--on-halt", "skip"]).code(2);
    run.clone().says(&["parked until you answer", "fake is limited", "wants changes", "approved"]);
    assert!(!run.stderr.contains("not started"), "{}", run.stderr);
    assert_eq!((checkout(&project), git(&project, &["rev-parse", "HEAD"])), before);

    let left_out = |without: &[u32]| (1..=12).filter(|n| !without.contains(n)).collect::<Vec<u32>>();
    assert_eq!(commits(&project, "alpha"), expected("alpha", "Login", &left_out(&[4])));
    assert_eq!(commits(&project, "beta"), expected("beta", "Search", &left_out(&[])));
    assert_eq!(commits(&project, "gamma"), expected("gamma", "Export", &left_out(&[11, 12])));
    assert_eq!(outcomes(&project, "alpha", "3"), ["verify_failed", "changes_wanted", "done", "approved"]);
    assert_eq!(outcomes(&project, "beta", "2"), ["limited", "done"]);
    assert_eq!(outcomes(&project, "beta", "6"), ["verify_failed", "done"]);
    for (spec, _) in SPECS {
        let there = tree(&project, spec);
        let rest = [".", ":!.kiro/specs/SEQUENTIAL_*"];
        let status = ["-C", there.to_str().unwrap(), "status", "--short", "--", rest[0], rest[1]];
        assert_eq!(git(&project, &status), "");
    }

    for (spec, task, question, left) in [
        ("alpha", "4", "Which colour has the wall?", vec![]),
        ("gamma", "11", "Keep 30 days or 90 days?", vec!["12"]),
    ] {
        let command = format!("seqorch resume {spec} --answer");
        let status = json_of(&project.run(&["status", spec, "--json"]).code(0).stdout);
        assert_eq!(status["needs"].as_array().unwrap().len(), 1, "{status}");
        assert_eq!((&status["needs"][0]["task"], &status["halted_task"]), (&json!(task), &json!(task)));
        assert_eq!(status["question"].as_str().unwrap().trim(), question);
        let report = project.run(&["report", spec]).code(0).stdout;
        let at = |part: &str| report.find(part).unwrap_or_else(|| panic!("{part:?} is not in:\n{report}"));
        let order = [at(&format!("# {spec}: needs you")), at("## Needs you"), at(question), at(&command)];
        assert!(order.is_sorted() && order[3] < at("## Tasks"), "{report}");
        for task in left {
            assert!(report[at("## Left")..].contains(&format!("\n- {task} ")), "{report}");
        }
    }
    let report = project.run(&["report", "beta"]).code(0).stdout;
    assert!(report.contains("# beta: all complete") && report.contains("for limits"), "{report}");

    // a later run leaves both parked
    let again = ["run", "alpha", "beta", "gamma", "--on-halt", "skip"];
    let calls = project.ledger().len();
    project.run(&again).code(2);
    assert_eq!(project.ledger().len(), calls);
    project.run(&["resume", "alpha", "4", "--answer", "blue"]).code(0).says(&["all complete"]);
    project.run(&["resume", "--answer", "90 days"]).code(0).says(&["all complete"]);
    project.run(&again).code(0);
    assert_eq!(commits(&project, "alpha").len() + commits(&project, "gamma").len(), 24);
    let body = git(&project, &["log", "-1", "--format=%b", "seqorch/alpha"]);
    assert!(body.contains("Which colour has the wall?") && body.contains("blue"), "{body}");
    assert_eq!((checkout(&project), git(&project, &["rev-parse", "HEAD"])), before);

    for (spec, _) in SPECS {
        git(&project, &["merge", "-q", "--no-edit", &format!("seqorch/{spec}")]);
        assert_eq!(project.tasks(spec).matches("- [x]").count(), 12, "{spec}");
        let made = git(&project, &["ls-files", &format!("{spec}-*")]);
        assert_eq!(made.lines().count(), 12, "{made}");
    }
    assert_eq!(project.read("mine.txt"), "not committed\n");
}
