//! The branch of a run: `git.branch`, `git.protect`, `git.push`, and the hook that opens a pull request.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::Project;
use crate::common::git::{WRITES, git, hook, repo, subjects};
use crate::common::programs::program;

/// A bare repository that is the remote `origin` of the project.
fn origin(project: &Project) -> PathBuf {
    let remote = project.outside().join("remote.git");
    git(project, &["init", "-q", "--bare", remote.to_str().unwrap()]);
    git(project, &["remote", "add", "origin", remote.to_str().unwrap()]);
    remote
}

/// The subjects of a branch of the remote.
fn pushed(project: &Project, remote: &Path, branch: &str) -> String {
    git(project, &["-C", remote.to_str().unwrap(), "log", "--format=%s", "--reverse", branch])
}

#[test]
fn a_run_makes_its_branch_from_head_and_works_there() {
    let project = repo(WRITES, "branch = \"seqorch/{spec}\"\n");
    let base = git(&project, &["rev-parse", "main"]);
    project
        .run(&["run", "demo", "--only", "1"])
        .code(0)
        .says(&["on the branch seqorch/demo now, made from main"]);
    assert_eq!(git(&project, &["symbolic-ref", "--short", "HEAD"]), "seqorch/demo");
    assert_eq!(git(&project, &["rev-parse", "main"]), base);
    git(&project, &["switch", "-q", "main"]);
    project.run(&["run", "demo"]).code(0).says(&["on the branch seqorch/demo now, before it was main"]);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
}

#[test]
fn a_branch_that_git_refuses_or_files_in_its_way_start_no_agent() {
    let project = repo(WRITES, "branch = \"a b\"\n");
    project.run(&["run", "demo"]).code(78).says(&["git.branch:", "not a valid branch name"]);
    git(&project, &["switch", "-q", "-c", "other"]);
    project.write("agent.sh", "of the other branch\n");
    git(&project, &["commit", "-qam", "other"]);
    git(&project, &["switch", "-q", "main"]);
    project.write("agent.sh", "mine\n");
    let project = project.config("[git]\ncommit = \"step\"\ndirty = \"allow\"\nbranch = \"other\"\n");
    project.run(&["run", "demo"]).code(2).says(&["agent.sh", "No agent was started"]);
    assert_eq!(project.ledger(), [""; 0]);
    assert_eq!(project.read("agent.sh"), "mine\n");
}

#[test]
fn a_protected_branch_gets_no_commit_without_the_flag() {
    let project = repo(WRITES, "protect = [\"ma*\", \"release/*\"]\n");
    let foreseen = "a run would end at once: the branch main is protected (git.protect)";
    project.run(&["plan", "demo"]).code(0).says(&[foreseen]);
    let allowed = project.run(&["plan", "demo", "--allow-protected"]);
    assert!(!allowed.stderr.contains(foreseen), "{}", allowed.stderr);
    project.run(&["run", "demo"]).code(78).says(&["the branch main is protected", "--allow-protected"]);
    assert_eq!(project.ledger(), [""; 0]);
    project.run(&["run", "demo", "--max-iterations", "1", "--allow-protected"]).code(1);
    assert_eq!(subjects(&project), ["start", "1: First thing"]);
    // a run that continues keeps the flag
    project.run(&["run", "demo", "--retry", "--max-iterations", "2"]).code(0).says(&["--allow-protected"]);
    git(&project, &["switch", "-q", "-c", "release/1"]);
    let project = project.spec("more", "- [ ] 1. More\n");
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "more"]);
    project.run(&["run", "more"]).code(78).says(&["the branch release/1 is protected"]);
    git(&project, &["switch", "-q", "-c", "work"]);
    project.run(&["run", "more"]).code(0);
}

#[test]
fn an_agent_that_goes_to_a_protected_branch_gets_no_commit_there() {
    let agent = format!("git switch -q main; {WRITES}");
    let project = repo(&agent, "protect = [\"main\"]\nbranch = \"work\"\nhistory = \"off\"\n");
    project.run(&["run", "demo", "--only", "1"]).code(2).says(&["the branch main is protected"]);
    assert_eq!(git(&project, &["log", "--format=%s", "main"]), "start");
}

#[test]
fn each_commit_is_pushed_with_the_hook_of_pushes() {
    let project = repo(WRITES, "push = \"origin\"\nbranch = \"seqorch/{spec}\"\n");
    let remote = origin(&project);
    hook(&project, "pre-push", &format!("cat >> '{}'", project.path(".out/pushes").display()));
    project.run(&["run", "demo"]).code(0);
    assert_eq!(pushed(&project, &remote, "seqorch/demo"), "start\n1: First thing\n2: Second thing");
    let pushes = project.read(".out/pushes");
    assert_eq!(
        pushes.lines().filter(|line| line.starts_with("refs/heads/seqorch/demo ")).count(),
        2,
        "{pushes}"
    );
}

#[test]
fn a_push_that_fails_is_a_warning_and_is_tried_again_at_the_end() {
    let project = repo(WRITES, "push = \"origin\"\n");
    let remote = origin(&project);
    let refusing = |times: usize| {
        let count = project.path(".out/count");
        let _ = fs::remove_file(&count);
        let count = count.display().to_string();
        hook(
            &project,
            "pre-push",
            &format!("echo x >> {count}; test $(wc -l < {count}) -gt {times} || {{ echo closed; exit 1; }}"),
        );
    };
    refusing(2);
    project.run(&["run", "demo"]).code(0).says(&["! not pushed: ", "closed; it is tried again"]);
    assert_eq!(pushed(&project, &remote, "main"), "start\n1: First thing\n2: Second thing");
    let project = project.spec("more", "- [ ] 1. More\n");
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "more"]);
    let count = project.path(".out/count");
    hook(&project, "pre-push", "echo closed; exit 1");
    let _ = fs::remove_file(&count);
    let ended = project.run(&["run", "more"]).code(0);
    let summary = ended.stdout.rsplit("──").next().unwrap();
    assert!(summary.contains("not pushed: ") && summary.contains("closed"), "{summary}");
    assert_eq!(project.state("more")["completed"], serde_json::json!(["1"]));
}

#[test]
fn a_remote_that_changes_during_a_run_gets_nothing() {
    let project =
        repo("git remote set-url origin ../elsewhere.git; echo a > made; say_done", "push = \"origin\"\n");
    let remote = origin(&project);
    project.run(&["run", "demo", "--only", "1"]).code(0).says(&["is another one than when the run began"]);
    assert_eq!(pushed(&project, &remote, "--all"), "");
}

#[test]
fn a_remote_that_does_not_exist_starts_no_agent() {
    let project = repo(WRITES, "push = \"nowhere\"\n");
    project.run(&["run", "demo"]).code(78).says(&["git has no remote \"nowhere\""]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn where_a_run_pushes_to_has_to_be_trusted() {
    let project = repo(WRITES, "push = \"origin\"\n").env("SEQORCH_TRUST", "0");
    let remote = origin(&project);
    let said = project.run(&["run", "demo"]).code(78);
    said.says(&["git.push = \"origin\"", "git remote origin", remote.to_str().unwrap()]);
    project.run(&["trust"]).code(0);
    project.run(&["run", "demo", "--only", "1"]).code(0);
    git(&project, &["remote", "set-url", "origin", "../elsewhere.git"]);
    project.run(&["run", "demo"]).code(78).says(&["elsewhere.git"]);
}

#[test]
fn the_hook_for_pull_requests_opens_one_with_gh_or_glab() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/hooks/pull-request.sh");
    for (name, view, expected) in [
        ("gh", "pr view", "pr create --head seqorch/demo --title demo --body complete, 0 left --base trunk"),
        (
            "glab",
            "mr view",
            "mr create --yes --source-branch seqorch/demo --title demo --description complete, 0 left \
             --target-branch trunk",
        ),
    ] {
        let project = Project::new().spec("demo", "- [ ] 1. A\n").agent(WRITES);
        let text = "[git]\ncommit = \"step\"\nbranch = \"seqorch/{spec}\"\n[hooks]\nrun_end = [";
        let project = project.config(&format!("{text}\"{}\"]\n", script.display()));
        crate::common::git::init(&project);
        let called = project.path(".out/called");
        let cli =
            program(&project, name, &format!("echo \"$@\" >> '{}'; [ \"$2\" != view ]", called.display()));
        // nothing else of that name counts
        let path = format!("{}:/usr/bin:/bin", cli.parent().unwrap().display());
        let project = project.env("PATH", path).env("PULL_REQUEST_BASE", "trunk");
        project.run(&["run", "demo"]).code(0);
        let called = fs::read_to_string(called).unwrap();
        assert_eq!(called, format!("{view} seqorch/demo\n{expected}\n"));
    }
}

#[test]
fn what_no_run_could_push_is_pushed_by_the_next_one() {
    let project = repo(WRITES, "push = \"origin\"\n");
    let remote = origin(&project);
    hook(&project, "pre-push", "echo closed; exit 1");
    project.run(&["run", "demo"]).code(0).says(&["! not pushed: ", "not pushed: "]);
    let events = project.read(".seqorch/demo/events.jsonl");
    assert!(events.lines().last().unwrap().contains("\"not_pushed\":\""), "{events}");
    project.run(&["report"]).code(0).says(&["not pushed: "]);
    hook(&project, "pre-push", "exit 0");
    project.run(&["run", "demo"]).code(0);
    assert_eq!(pushed(&project, &remote, "main"), "start\n1: First thing\n2: Second thing");
}

#[test]
fn a_run_does_not_go_to_a_protected_branch() {
    let project = repo(WRITES, "branch = \"release/{spec}\"\nprotect = [\"release/*\"]\n");
    project.run(&["run", "demo"]).code(78).says(&["the branch release/demo is protected"]);
    assert_eq!(git(&project, &["symbolic-ref", "--short", "HEAD"]), "main");
}

#[test]
fn a_run_leaves_no_commits_of_a_detached_head_behind() {
    let project = repo(WRITES, "branch = \"seqorch/{spec}\"\n");
    git(&project, &["branch", "seqorch/demo"]);
    git(&project, &["checkout", "-q", "--detach"]);
    git(&project, &["commit", "-q", "--allow-empty", "-m", "mine"]);
    project.run(&["run", "demo"]).code(2).says(&["is on no branch (detached HEAD), with 1 commit"]);
    assert_eq!(subjects(&project), ["start", "mine"]);
    // a branch that is new begins there, so nothing is left behind
    git(&project, &["branch", "-q", "-D", "seqorch/demo"]);
    project.run(&["run", "demo"]).code(0).says(&["made from a detached HEAD"]);
    assert_eq!(subjects(&project), ["start", "mine", "1: First thing", "2: Second thing"]);
}
