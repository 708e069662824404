//! An agent removes what seqorch keeps in git's folder, or makes the repository anew: its work is taken all the same.

use crate::common::git::{git, repo, subjects};

#[test]
#[ignore = "slow"]
fn an_agent_that_removes_git_seqorch_is_not_lost() {
    let agent = "[ $SEQORCH_ATTEMPT = 1 ] && { echo y > first-$SEQORCH_UNIT; exit 1; }; echo x > made-$SEQORCH_UNIT; \
                 rm -rf .git/seqorch; say_done";
    let project = repo(agent, "[retry]\nbackoff = \"1ms\"\n");
    project.run(&["run"]).code(0).says(&["all complete"]);
    assert_eq!(project.outcomes("demo", "1"), ["failed", "done"]);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    let files = git(&project, &["show", "--name-only", "--format=", "HEAD~1"]);
    assert_eq!(files, ".kiro/specs/demo/tasks.md\nfirst-1\nmade-1", "also what its first attempt left");
}

#[test]
fn a_run_is_found_again_after_its_lock_was_removed() {
    let agent = "[ $SEQORCH_UNIT = 1 ] && rm -rf .git/seqorch; [ $SEQORCH_UNIT = 2 ] && gate; say_done";
    let project = repo(agent, "");
    let run = project.start(&["run"]);
    crate::common::wait_until("the second task", || project.ledger().len() == 2);
    assert!(project.run(&["status"]).stdout.starts_with("demo: running"));
    project.run(&["run"]).code(75);
    project.write("gate", "\n");
    run.wait().code(0);
}

#[test]
#[ignore = "slow"]
fn a_repository_that_is_made_anew_is_a_need_and_then_continues() {
    let agent = "echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT = 1 ] && { ignored=$(cat .git/info/exclude); \
                 rm -rf .git; git init -q -b main; echo \"$ignored\" > .git/info/exclude; git config user.name a; git config user.email a@a; git add -A; git commit -qm anew; }; say_done";
    let project = repo(agent, "");
    let out = project
        .run(&["run"])
        .code(2)
        .says(&["the git history was changed", "is not in the repository any more"]);
    assert!(!out.stdout.contains("git reset"), "nothing leads back: {}", out.stdout);
    assert_eq!(project.outcomes("demo", "1"), ["done"]);
    project.run(&["run", "--retry"]).code(0).says(&["all complete"]);
    assert_eq!(subjects(&project), ["anew", "1: First thing", "2: Second thing"]);
}

#[test]
fn without_snapshots_the_changes_of_a_person_are_not_committed() {
    let agent = "echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT = 1 ] && rm -rf .git/seqorch; say_done";
    let project = repo(agent, "dirty = \"allow\"\n");
    project.write("mine.txt", "mine\n");
    project
        .run(&["run"])
        .code(2)
        .says(&["can't be distinguished from yours", "Commit what belongs to the task yourself"]);
    git(&project, &["add", "made-1", ".kiro/specs/demo"]);
    git(&project, &["commit", "-qm", "by hand"]);
    project.run(&["run", "--retry"]).code(0);
    assert_eq!(subjects(&project), ["start", "by hand", "2: Second thing"]);
    assert_eq!(git(&project, &["status", "--porcelain", "--", "mine.txt"]), "?? mine.txt");
}

#[test]
fn results_outlive_a_repository_that_an_agent_removes() {
    let agent = "echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT = 1 ] && rm -rf .git; say_done";
    let project = repo(agent, "");
    project.run(&["run"]).code(2).says(&["not a git repository"]);
    assert!(!project.path(".git").exists());
    assert!(project.path(".seqorch/demo/1/1/result.json").exists(), "it is kept elsewhere");
    project.run(&["status"]).code(0).says(&["task 1 is done, but not committed"]);
    git(&project, &["init", "-q", "-b", "main"]);
    git(&project, &["config", "user.name", "a"]);
    git(&project, &["config", "user.email", "a@a"]);
    std::fs::write(
        project.path(".git/info/exclude"),
        ".out\n.home\nledger\ngate\n.kiro/specs/SEQUENTIAL_*\n",
    )
    .unwrap();
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "anew"]);
    project.run(&["run", "--retry"]).code(0).says(&["all complete"]);
    assert_eq!(subjects(&project), ["anew", "2: Second thing"]);
    assert_eq!(project.outcomes("demo", "1"), ["done"]);
}
