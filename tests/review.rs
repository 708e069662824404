//! `[review]`: a second agent looks at what the first one calls done.

use serde_json::Value;

use crate::common::git::{git, init};
use crate::common::{Project, wait_until};

const TWO: &str = "- [ ] 1. Build it\n  The wall is blue.\n- [ ] 2. Paint it\n";

/// A worker that writes a file, and a reviewer that does what `reviews` says: its n-th call of a task has `n`. Both keep their
/// prompts in git's folder, where no snapshot looks.
fn project(reviews: &str, config: &str) -> Project {
    let keep = "mkdir -p .git/asks; cat > .git/asks/$SEQORCH_ROLE-$SEQORCH_UNIT-$SEQORCH_ATTEMPT";
    let worker = format!("{keep}; echo \"$SEQORCH_UNIT $SEQORCH_ATTEMPT\" >> built; say_done");
    let reviewer = format!(
        "n=$(ls .git/asks | grep -c \"^review-$SEQORCH_UNIT-\"); {keep}; \
         approve() {{ echo 'All is well.'; echo '<promise>APPROVED</promise>'; }}; \
         want() {{ echo \"$*\"; echo '<promise>CHANGES</promise>'; }}; {reviews}\n"
    );
    let project =
        Project::new().spec("demo", TWO).agent(&worker).file("reviewer.sh", reviewer).config(&format!(
            "[git]\ncommit = \"step\"\n[retry]\nbackoff = \"0s\"\n[backend.second]\ncommand = \"/bin/sh\"\n\
         args = [\"reviewer.sh\"]\n[review]\nbackend = \"second\"\n{config}"
        ));
    init(&project);
    project
}

/// Role and outcome of each attempt of a task.
fn attempts(project: &Project, unit: &str) -> Vec<String> {
    let all = project.state("demo")["units"][unit]["attempts"].as_array().cloned().unwrap_or_default();
    let one = |one: &Value| {
        let role = one["role"].as_str().unwrap_or("work");
        format!("{role} {}", one["outcome"]["kind"].as_str().unwrap_or_default())
    };
    all.iter().map(one).collect()
}

fn asked(project: &Project, name: &str) -> String {
    project.read(format!(".git/asks/{name}"))
}

#[test]
#[ignore = "slow"]
fn findings_go_to_the_worker_and_an_approved_task_is_done() {
    let project = project("[ \"$n\" = 0 ] && want 'wall.rs:7 the wall is red' || approve", "");
    let out = project.run(&["run", "--only", "1"]).code(0);
    assert_eq!(
        attempts(&project, "1"),
        ["work verify_failed", "review changes_wanted", "work done", "review approved"]
    );
    let first = asked(&project, "review-1-2");
    for part in ["# Review of task 1: Build it", "> built  (+1 -0)", "> +1 1", "The wall is blue."] {
        assert!(first.contains(part), "{part:?} is not in\n{first}");
    }
    assert!(asked(&project, "work-1-3").contains("> wall.rs:7 the wall is red"));
    assert!(asked(&project, "review-1-4").contains("> +1 3"), "the diff is of the whole task");
    out.says(&[
        "review of 1 Build it",
        "task 1 wants changes: wall.rs:7",
        "task 1 approved",
        "a review follows",
    ]);
    let status = project.run(&["status"]).code(0).stdout;
    assert!(status.contains("Build it: done (2 attempts, 2 reviews"), "{status}");
    assert_eq!(git(&project, &["log", "--format=%s", "--", "built"]).lines().count(), 1, "one commit");
    let logs = project.run(&["logs", "1", "--attempt", "2"]).code(0).stdout;
    assert!(logs.contains("wall.rs:7 the wall is red"), "{logs}");
}

#[test]
#[ignore = "slow"]
fn after_the_last_round_a_task_fails_or_keeps_its_findings() {
    let failing = project("want 'round '$n", "");
    failing.run(&["run", "--only", "1"]).code(2).says(&["the review wants changes: round 1"]);
    let expected =
        ["work verify_failed", "review changes_wanted", "work verify_failed", "review changes_wanted"];
    assert_eq!(attempts(&failing, "1"), expected);
    assert_eq!(git(&failing, &["log", "--format=%s", "--", "built"]), "", "nothing is committed");
    let kept = project("want 'round '$n", "open = \"report\"\nrounds = 1\n");
    let words = "done, with open findings";
    kept.run(&["run", "--only", "1"]).code(0).says(&[words]);
    kept.run(&["report"]).code(0).says(&[words]);
    assert_eq!(attempts(&kept, "1"), ["work done", "review changes_wanted"]);
    assert_eq!(kept.state("demo")["units"]["1"]["findings"], "round 0");
    for verb in ["report", "status"] {
        let shown = kept.run(&[verb]).code(0).stdout;
        assert!(shown.contains("round 0"), "{verb}: {shown}");
    }
}

#[test]
fn what_a_reviewer_writes_is_put_back_and_reported() {
    let project = project("echo mine > built; mkdir -p sub; echo new > sub/file; approve", "");
    let out = project.run(&["run", "--only", "1"]).code(0);
    out.says(&["what the reviewer changed was put back: built, sub/file"]);
    assert_eq!(project.read("built"), "1 1\n");
    assert!(!project.path("sub").exists());
    let undone = &project.state("demo")["units"]["1"]["attempts"][1]["undone"];
    assert_eq!(undone, &serde_json::json!(["built", "sub/file"]));
}

#[test]
fn commits_of_a_reviewer_are_put_back_with_their_files() {
    let commit_twice =
        "echo x > rv; git add -A; git commit -qm mine; echo y > rv; git commit -qam again; approve";
    let project = project(commit_twice, "");
    let out = project.run(&["run", "--only", "1"]).code(0);
    out.says(&["what the reviewer changed was put back: commit ", ", rv"]);
    let committed = git(&project, &["show", "--name-only", "--format=%s", "HEAD"]);
    assert_eq!(committed, "1: Build it\n\n.kiro/specs/demo/tasks.md\nbuilt");
    assert_eq!(git(&project, &["log", "--format=%s", "--", "rv"]), "");
    assert_eq!(git(&project, &["status", "--porcelain", "built", "rv", ".kiro/specs/demo/tasks.md"]), "");
}

#[test]
fn a_reviewer_that_rewrites_history_is_a_need_that_names_the_way_back() {
    let project = project("git commit -q --amend -m mine; approve", "");
    let before = git(&project, &["rev-parse", "HEAD"]);
    let out = project.run(&["run", "--only", "1"]).code(2);
    out.says(&["the git history was changed", &format!("git reset --keep {before:.9}")]);
    git(&project, &["reset", "-q", "--soft", &before]);
    project.run(&["run", "--only", "1", "--retry"]).code(0);
}

#[test]
#[ignore = "slow"]
fn a_missing_verdict_is_asked_for_once_and_is_an_open_finding_then() {
    let asked_again = project("[ \"$n\" = 0 ] && echo 'Hm.' || approve", "");
    asked_again.run(&["run", "--only", "1"]).code(0);
    assert_eq!(attempts(&asked_again, "1"), ["work done", "review no_verdict", "review approved"]);
    let silent = project("echo 'Hm.'; echo '<promise>TASK_DONE</promise>'", "");
    silent.run(&["run", "--only", "1"]).code(2).says(&["there is no verdict"]);
    assert_eq!(attempts(&silent, "1"), ["work verify_failed", "review no_verdict", "review no_verdict"]);
}

#[test]
fn a_review_that_is_killed_with_its_run_is_taken_over() {
    let project = project(
        "[ \"$n\" = 0 ] && { echo x > .git/waits; gate() { until read -r _ < gate; do :; done; }; gate; }; approve",
        "",
    );
    let run = project.start(&["run", "--only", "1"]);
    wait_until("the review", || project.path(".git/waits").exists());
    crate::common::kill(run.pid(), rustix::process::Signal::KILL);
    let again = project.start(&["run", "--only", "1"]);
    again.wait_for("still works: taking it over");
    project.release();
    again.wait().code(0);
    assert_eq!(attempts(&project, "1"), ["work done", "review approved"]);
}

#[test]
#[ignore = "slow"]
fn a_running_review_is_shown_as_one() {
    let waits = "[ \"$n\" = 0 ] && { echo x > .git/waits; gate() { until read -r _ < gate; do :; done; }; gate; }; approve";
    let Some(project) = project(waits, "").tmux() else { return };
    git(&project, &["commit", "-qam", "with tmux"]);
    let run = project.start(&["run", "--only", "1"]);
    wait_until("the review", || project.path(".git/waits").exists());
    project.run(&["status"]).code(0).says(&["reviewing: 1 (attempt 1, second) for"]);
    let json: Value = serde_json::from_str(&project.run(&["status", "--json"]).code(0).stdout).unwrap();
    assert_eq!(json["running"]["role"], "review");
    project.run(&["report"]).code(0).says(&["reviewing"]);
    let windows = ["list-windows", "-t", "=sequential-demo:", "-F", "#{window_name} #{@seqorch_mark}"];
    wait_until("the window's mark", || project.ask_tmux(&windows).contains("task-1 ▶ review"));
    project.release();
    run.wait().code(0);
}

#[test]
#[ignore = "slow"]
fn the_whole_spec_is_reviewed_at_the_end_and_fixed_once() {
    let project = project("want 'spec.rs:1 is missing'", "when = \"end\"\n");
    let out = project.run(&["run"]).code(0);
    assert_eq!(attempts(&project, "1"), ["work done"]);
    assert_eq!(attempts(&project, "@review"), ["review changes_wanted", "work done"]);
    let review = asked(&project, "review-@review-1");
    assert!(review.contains("# Review of the spec demo") && review.contains("> +2 1"), "{review}");
    assert!(asked(&project, "work-@review-2").contains("> spec.rs:1 is missing"));
    assert_eq!(git(&project, &["log", "--format=%s", "--", "built"]).lines().count(), 3);
    out.says(&["wants changes: spec.rs:1 is missing"]);
    let subject = git(&project, &["log", "-1", "--format=%s"]);
    assert_eq!(subject.trim(), "@review: Fix what the review of the whole spec found");
    let report = project.run(&["report"]).code(0).stdout;
    assert!(report.contains("spec.rs:1 is missing"), "{report}");
    let calls = project.ledger().len();
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger().len(), calls, "a complete spec is not reviewed again");
}

#[test]
#[ignore = "slow"]
fn an_assignment_to_codex_review_is_a_review() {
    let assign = "[[assign.rule]]\ntasks = [\"2\"]\nowner = \"codex-review\"\n[assign.owners]\ncodex-review = \"second\"\n";
    let project = project("approve", &format!("[assign]\nmode = \"rules\"\n{assign}"));
    let local = project.read("seqorch.local.toml").replace("[review]\nbackend = \"second\"\n", "");
    project.write("seqorch.local.toml", local);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "no review"]);
    project.run(&["run"]).code(0);
    assert_eq!(attempts(&project, "1"), ["work done"]);
    assert_eq!(attempts(&project, "2"), ["work done", "review approved"]);
    let backends = &project.state("demo")["units"]["2"]["attempts"];
    assert_eq!((&backends[0]["backend"], &backends[1]["backend"]), (&"fake".into(), &"second".into()));
}

#[test]
fn the_plan_names_the_reviewer_and_counts_its_iterations() {
    let project = project("approve", "");
    let plan = project.run(&["plan"]).code(0).stdout;
    assert!(plan.contains("review") && plan.contains("/bin/sh reviewer.sh < prompt"), "{plan}");
    assert!(plan.contains("2 steps: at least 4 iterations"), "{plan}");
    let json: Value = serde_json::from_str(&project.run(&["plan", "--json"]).code(0).stdout).unwrap();
    assert_eq!(json["steps"][0]["review"]["backend"], "second");
    let missing = project.read("seqorch.local.toml").replace("/bin/sh\"\nargs", "no-such-reviewer\"\nargs");
    project.write("seqorch.local.toml", missing);
    let refused = project.run(&["run"]).code(69);
    assert!(refused.stderr.contains("backend `second` of task 1: no-such-reviewer"), "{}", refused.stderr);
}
