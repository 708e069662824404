//! Work trees that people or a kill left in another state than the last run did: on another branch, removed, half prepared.

use std::fs;
use std::path::Path;

use rustix::process::Signal;

use crate::common::git::{TWO, WRITES, git, subjects};
use crate::common::programs::program;
use crate::common::{Project, wait_until};
use crate::worktrees::{ground, tree, which};

/// Git in a work tree.
fn git_in(project: &Project, top: &Path, args: &[&str]) -> String {
    let mut all = vec!["-C", top.to_str().unwrap()];
    all.extend(args);
    git(project, &all)
}

#[test]
fn forget_keeps_commits_that_no_branch_has() {
    let project = ground(WRITES, "worktree = true\n");
    project.run(&["run", "demo", "--only", "1"]).code(0);
    let top = tree(&project, "seqorch/demo");
    git(&project, &["merge", "-q", "seqorch/demo"]);
    git_in(&project, &top, &["checkout", "-q", "--detach"]);
    git_in(&project, &top, &["commit", "-q", "--allow-empty", "-m", "mine"]);
    let kept = project.run(&["forget", "demo", "--yes"]).code(2);
    kept.says(&["1 commit that no branch has", "branch NAME"]);
    assert!(top.join("made-1").exists());
    git_in(&project, &top, &["branch", "kept"]);
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["removed the branch seqorch/demo"]);
    assert_eq!(git(&project, &["log", "-1", "--format=%s", "kept"]), "mine");
}

#[test]
fn a_run_goes_back_to_the_branch_of_its_tree() {
    let project = ground(WRITES, "worktree = true\n");
    project.run(&["run", "demo", "--only", "1"]).code(0);
    let top = tree(&project, "seqorch/demo");
    git_in(&project, &top, &["checkout", "-q", "--detach"]);
    project.run(&["status", "demo"]).code(0).says(&["on no branch (detached HEAD), not on seqorch/demo"]);
    let undo = project.run(&["undo", "1", "--commit"]).code(2);
    undo.says(&[
        "is on no branch (detached HEAD), not on seqorch/demo",
        "switch seqorch/demo. Nothing was changed",
    ]);
    project.run(&["run", "demo", "--only", "2"]).code(0).says(&[
        "on the branch seqorch/demo now, before it was a detached HEAD",
        "2 commits on seqorch/demo",
    ]);
    git_in(&project, &top, &["checkout", "-q", "-b", "mine"]);
    project.run(&["status", "demo"]).code(0).says(&["on the branch mine, not on seqorch/demo"]);
    // what somebody else checked out there is left alone
    git(&project, &["merge", "-q", "seqorch/demo"]);
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["removed the branch seqorch/demo"]);
    assert_eq!(git(&project, &["branch", "--format=%(refname:short)"]), "main\nmine");
}

#[test]
fn a_run_leaves_no_commits_behind_that_only_head_has() {
    let project = ground(WRITES, "worktree = true\n");
    project.run(&["run", "demo", "--only", "1"]).code(0);
    let top = tree(&project, "seqorch/demo");
    git_in(&project, &top, &["checkout", "-q", "--detach"]);
    git_in(&project, &top, &["commit", "-q", "--allow-empty", "-m", "mine"]);
    let refused = project.run(&["run", "demo"]).code(2);
    refused.says(&["is on no branch (detached HEAD), with 1 commit", "branch NAME"]);
    assert_eq!(git_in(&project, &top, &["log", "-1", "--format=%s"]), "mine");
    git_in(&project, &top, &["branch", "kept"]);
    project.run(&["run", "demo"]).code(0);
    assert_eq!(
        git(&project, &["log", "--format=%s", "seqorch/demo"]),
        "2: Second thing\n1: First thing\nstart"
    );
}

#[test]
fn a_tree_that_was_removed_is_made_again_also_for_a_plain_run() {
    for verb in [&["run", "demo"][..], &["run", "demo", "--retry"]] {
        let project = ground(WRITES, "");
        project.run(&["run", "demo", "--worktree", "--only", "1"]).code(0);
        fs::remove_dir_all(tree(&project, "seqorch/demo")).unwrap();
        project.run(&["plan", "demo", "--dry-run"]).code(0).says(&["the work tree of demo is gone"]);
        for args in [&["resume", "demo", "--now"][..], &["resume", "demo", "--answer", "x"]] {
            project.run(args).code(2).says(&["the work tree of demo is gone"]);
        }
        project.run(verb).code(0).says(&["which was there already"]);
        assert_eq!(subjects(&project), ["start"], "{verb:?}");
        assert_eq!((project.tasks("demo"), project.path("made-2").exists()), (TWO.to_owned(), false));
        let done = git(&project, &["log", "--format=%s", "seqorch/demo"]);
        assert_eq!(done, "2: Second thing\n1: First thing\nstart");
    }
}

#[test]
fn another_branch_in_the_settings_is_that_of_the_tree_from_then_on() {
    let project = ground(WRITES, "worktree = true\n");
    project.run(&["run", "demo", "--only", "1"]).code(0);
    let project = project.env("SEQORCH_GIT__BRANCH", "work/{spec}");
    let run = project.run(&["run", "demo", "--all"]).code(0);
    run.says(&["2 commits on work/demo that your checkout lacks", "git merge work/demo"]);
    for verb in ["status", "report"] {
        let shown = project.run(&[verb, "demo"]).code(0).stdout;
        assert!(shown.contains("on the branch work/demo\n"), "{shown}");
    }
    // also where the tree is made again
    fs::remove_dir_all(tree(&project, "work/demo")).unwrap();
    project.run(&["run", "demo"]).code(0).says(&["on the branch work/demo, which was there already"]);
}

#[test]
fn nothing_is_made_for_a_run_on_a_protected_branch() {
    let more = "worktree = true\nbranch = \"release/{spec}\"\nprotect = [\"release/*\"]\n";
    let project = ground(WRITES, more);
    project.run(&["run", "demo"]).code(78).says(&["the branch release/demo is protected"]);
    assert_eq!(git(&project, &["branch", "--format=%(refname:short)"]), "main");
    assert_eq!(git(&project, &["worktree", "list"]).lines().count(), 1);
    project.run(&["run", "demo", "--allow-protected"]).code(0);
    assert_eq!(git(&project, &["log", "-1", "--format=%s", "release/demo"]), "2: Second thing");
}

/// A spec whose tree is prepared by a command that says when it works, and ends once it is let through.
fn slowly_prepared() -> Project {
    let command =
        r#"echo "$$ works" >> "$ROOT/ledger"; read -r _ < "$ROOT/gate"; echo "$$ over" >> "$ROOT/ledger""#;
    let setup = format!("worktree = true\nworktree_setup = [[\"sh\", \"-c\", '{command}']]\n");
    let project = ground(WRITES, &setup);
    let root = project.root().to_owned();
    project.env("ROOT", root)
}

#[test]
fn one_request_ends_the_commands_that_prepare_a_tree() {
    let project = slowly_prepared();
    let interrupted = project.start(&["run", "demo"]);
    project.wait_for_ledger(1);
    project.run(&["status", "demo"]).code(0).says(&["run: process", "waiting for git.worktree_setup"]);
    interrupted.signal(Signal::INT);
    interrupted.wait().code(130).says(&["stopped during"]);
    for (number, stop) in [&["stop", "demo"][..], &["stop", "demo", "--now"]].iter().enumerate() {
        let stopped = project.start(&["run", "demo"]);
        project.wait_for_ledger(number + 2);
        project.run(stop).code(0).says(&["the run has ended"]);
        assert!(stopped.wait().code >= 130, "{stop:?}");
    }
    assert!(!project.read("ledger").contains("over"), "{}", project.read("ledger"));
    let run = project.start(&["run", "demo"]);
    project.wait_for_ledger(4);
    project.release();
    run.wait().code(0);
}

#[test]
fn a_run_is_known_and_ends_while_git_makes_its_tree() {
    let project = ground(WRITES, "worktree = true\n");
    let (real, root) = (which("git"), project.root().display().to_string());
    let slow = format!("echo git >> '{root}/ledger'; read -r _ < '{root}/gate'");
    let script = format!("case \"$*\" in *'worktree add'*) {slow};; esac\nexec '{real}' \"$@\"");
    let bin = program(&project, "git", &script).parent().unwrap().to_owned();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let project = project.env("PATH", path);
    for (number, stop) in [&["stop"][..], &["stop", "demo", "--now"]].iter().enumerate() {
        let run = project.start(&["run", "demo"]);
        project.wait_for_ledger(number + 1);
        project.run(&["status", "demo"]).code(0).says(&["demo: running", "run: process"]);
        project.run(stop).code(0).says(&["the run has ended"]);
        assert!(run.wait().code >= 130, "{stop:?}");
    }
    assert_eq!(git(&project, &["worktree", "list"]).lines().count(), 1);
    project.run(&["stop", "demo"]).code(0).says(&["nothing is running"]);
    let run = project.start(&["run", "demo"]);
    project.wait_for_ledger(3);
    project.release();
    run.wait().code(0);
}

#[test]
fn a_run_waits_for_the_command_that_a_killed_one_left_at_work() {
    let project = slowly_prepared();
    let killed = project.start(&["run", "demo"]);
    project.wait_for_ledger(1);
    killed.signal(Signal::KILL);
    killed.wait();
    let said = "note: waiting for a command of git.worktree_setup, which an earlier run that was killed";
    let ended = project.start(&["run", "demo"]);
    wait_until("the run waits", || ended.complaints().contains(said));
    project.run(&["forget", "demo", "--yes"]).code(75);
    ended.signal(Signal::INT);
    ended.wait().code(130);
    let next = project.start(&["run", "demo"]);
    wait_until("the run waits", || next.complaints().contains(said));
    assert_eq!(project.ledger().len(), 1);
    project.release();
    project.wait_for_ledger(3);
    project.release();
    next.wait().code(0);
    let lines = project.ledger();
    assert!(lines[1].ends_with("over") && lines[2].ends_with("works"), "{lines:?}");
}

#[test]
fn a_copy_goes_through_no_link_that_is_committed() {
    let project = ground(WRITES, "worktree = true\nworktree_copy = [\"conf\"]\n");
    let (mine, folder) = (project.outside().join("mine"), project.outside().join("folder"));
    fs::write(&mine, "mine\n").unwrap();
    fs::create_dir(&folder).unwrap();
    fs::create_dir(project.path("conf")).unwrap();
    std::os::unix::fs::symlink(&mine, project.path("conf/file")).unwrap();
    std::os::unix::fs::symlink(&folder, project.path("conf/folder")).unwrap();
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-q", "-m", "links"]);
    for name in ["file", "folder"] {
        fs::remove_file(project.path("conf").join(name)).unwrap();
    }
    project.write("conf/file", "copied\n");
    project.write("conf/folder/inside", "copied\n");
    project.run(&["run", "demo"]);
    assert_eq!(fs::read_to_string(&mine).unwrap(), "mine\n");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    let top = tree(&project, "seqorch/demo");
    assert_eq!(fs::read_to_string(top.join("conf/folder/inside")).unwrap(), "copied\n");
}

#[test]
fn a_folder_for_trees_that_is_a_file_is_named() {
    let project = ground(WRITES, "worktree = true\n");
    let file = project.outside().join("file");
    fs::write(&file, "").unwrap();
    let project = project.env("SEQORCH_GIT__WORKTREE_DIR", file.join("trees"));
    project.run(&["run", "demo"]).code(78).says(&["git.worktree_dir: ", "is a file"]);
    assert_eq!(git(&project, &["branch", "--format=%(refname:short)"]), "main");
}
