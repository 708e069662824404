//! `seqorch undo` restores the files of a task and nothing that the user did.

use rustix::process::Signal;

use crate::common::Project;
use crate::common::git::{TWO, WRITES, git, hook, repo, subjects};
use crate::common::programs::program;
use crate::common::wait_until;

#[test]
#[ignore = "slow"]
fn undo_keeps_what_the_user_did_between_a_tasks_attempts() {
    let asks = r#"[ "$SEQORCH_ATTEMPT$SEQORCH_UNIT" = 11 ] && { echo 'Which?'; say_halt; exit; }
        echo "$SEQORCH_UNIT" > "made-$SEQORCH_UNIT"; say_done"#;
    let project = repo(asks, "");
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    assert_eq!(project.run(&["run"]).code, 2);
    project.write("mine.txt", "mine\n");
    assert_eq!(project.run(&["resume", "--answer", "This."]).code, 0);
    assert_eq!(project.state("demo")["units"]["1"]["changes"]["files"], 1, "its file");
    // the checkbox of task 2 is on the next line
    let out = project.run(&["undo", "1"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert!(!project.path("made-1").exists() && project.path("made-2").exists());
    assert_eq!(project.read("mine.txt"), "mine\n");
    assert_eq!(project.read(".kiro/specs/demo/tasks.md"), TWO.replace("[ ] 2", "[x] 2"));
}

#[test]
#[ignore = "slow"]
fn undo_restores_the_files_and_reopens_the_task() {
    let project = repo(WRITES, "");
    assert_eq!(project.run(&["run"]).code, 0);
    let out = project.run(&["undo", "2"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert!(!project.path("made-2").exists() && project.path("made-1").exists());
    assert_eq!(project.read(".kiro/specs/demo/tasks.md"), TWO.replace("[ ] 1", "[x] 1"));
    assert_eq!(project.state("demo")["completed"], serde_json::json!(["1"]));
    project.write("made-1", "changed since\n");
    let out = project.run(&["undo", "1"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert_eq!(project.read("made-1"), "changed since\n");
}

/// The tasks are rows of a table; without the forced dialect the box below it would be the only task.
#[test]
fn undo_reads_the_tasks_in_the_forced_dialect() {
    const ROWS: &str = "- [ ] 1.1 A note\n- [ ] 1.2 Another\n\n| id | task | done |\n|---|---|---|\n| T1 | First | [ ] |\n| T2 | Second | [ ] |\n";
    let project = repo(WRITES, "[tasks]\ndialect = \"table\"\n");
    // git does not have the file, so only the tick can open the row again
    project.write(".gitignore", format!("{}.kiro\n", project.read(".gitignore")));
    git(&project, &["rm", "-rq", "--cached", ".kiro"]);
    git(&project, &["add", ".gitignore"]);
    git(&project, &["commit", "-qm", "keep the specs out"]);
    project.write(".kiro/specs/demo/tasks.md", ROWS);
    project.run(&["run", "--only", "T1"]).code(0);
    assert_eq!(project.read(".kiro/specs/demo/tasks.md"), ROWS.replace("First | [ ]", "First | [x]"));
    project.run(&["undo", "T1"]).code(0);
    assert_eq!(project.read(".kiro/specs/demo/tasks.md"), ROWS);
}

#[test]
#[ignore = "slow"]
fn undo_works_for_two_specs_of_one_name_even_after_git_gc() {
    let project = repo("echo x > made-$(ls -d made-* 2>/dev/null | wc -l); say_done", "");
    let specs = [".kiro/specs/demo", "specs/demo"];
    project.write("specs/demo/tasks.md", TWO);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "another of that name"]);
    for spec in specs {
        project.run(&["run", spec, "--only", "1"]).code(0);
    }
    git(&project, &["reflog", "expire", "--expire=now", "--all"]);
    git(&project, &["gc", "--quiet", "--prune=now"]);
    for (spec, made) in specs.iter().zip(["made-0", "made-1"]) {
        assert!(project.path(made).exists());
        project.run(&["undo", "1", "--spec", spec]).code(0).says(&[made]);
        assert!(!project.path(made).exists());
        assert_eq!(project.read(format!("{spec}/tasks.md")), TWO);
    }
}

#[test]
#[ignore = "slow"]
fn undo_refuses_and_explains_when_git_no_longer_has_the_trees() {
    let project = repo(WRITES, "");
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    project.run(&["run"]).code(0);
    assert_eq!(git(&project, &["for-each-ref", "refs/seqorch"]), "");
    std::fs::remove_dir_all(project.path(".git/seqorch")).unwrap();
    let out = project.run(&["undo", "1"]).code(2);
    assert!(
        out.stderr.contains("git no longer has the files") && out.stderr.contains("git revert"),
        "{out:?}"
    );
    assert!(project.path("made-1").exists());
    assert_eq!(project.state("demo")["completed"], serde_json::json!(["1", "2"]));
}

#[test]
#[ignore = "slow"]
fn undo_names_the_files_to_commit_and_the_next_run_takes_them() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    let out = project.run(&["undo", "2"]).code(0);
    let listed = out.stdout.split_once("commit these files").unwrap().1;
    assert!(
        listed.contains("made-2") && listed.contains("tasks.md") && !listed.contains("made-1"),
        "{out:?}"
    );
    project.write("agent.sh", project.read("agent.sh").replace("made-", "again-"));
    git(&project, &["commit", "-qm", "another agent", "--", "agent.sh"]);
    project.run(&["run"]).code(0);
    let last = git(&project, &["show", "--no-renames", "--name-status", "--format=", "HEAD"]);
    assert_eq!(last, "A\tagain-2\nD\tmade-2");
    assert_eq!(git(&project, &["status", "--short", "--untracked-files=no"]), "");
}

#[test]
#[ignore = "slow"]
fn undo_commits_the_revert_at_once_or_later() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    let out = project.run(&["undo", "2", "--commit"]).code(0);
    assert!(out.stdout.contains("the revert is commit"), "{out:?}");
    project.run(&["undo", "1"]).code(0);
    project.run(&["undo", "1", "--commit"]).code(0);
    let log = git(&project, &["log", "-2", "--format=%s"]);
    assert_eq!(log, "Undo task 1: First thing\nUndo task 2: Second thing");
    assert_eq!(git(&project, &["status", "--short", "--untracked-files=no"]), "");
    assert_eq!(git(&project, &["diff", "--stat", "HEAD~4", "HEAD"]), "", "as before both tasks");
}

#[test]
fn undo_keeps_changes_of_a_person_out_of_its_commit() {
    let project = repo(&format!("echo more >> mine.txt; {WRITES}"), "dirty = \"allow\"\n");
    project.write("mine.txt", "mine\n");
    project.run(&["run", "--only", "1"]).code(0);
    let tasks = project.tasks("demo");
    project.write(".kiro/specs/demo/tasks.md", format!("{tasks}\nA note of mine.\n"));
    let out = project.run(&["undo", "1", "--commit"]).code(0);
    assert_eq!(project.read("mine.txt"), "mine\n", "{out:?}");
    let changed = git(&project, &["show", "--name-status", "--format=", "HEAD"]);
    assert_eq!(changed, "D\tmade-1", "{out:?}");
}

#[test]
#[ignore = "slow"]
fn undo_of_a_task_whose_commit_a_hook_refuses_is_committed_later() {
    let project = repo(WRITES, "");
    project.run(&["run", "--only", "1"]).code(0);
    let hook = project.path(".git/hooks/pre-commit");
    program(&project, hook.to_str().unwrap(), "echo no reverts >&2; exit 1");
    let out = project.run(&["undo", "1", "--commit"]).code(2);
    assert!(out.stderr.contains("no reverts") && out.stderr.contains("undo 1 --commit"), "{out:?}");
    assert!(!project.path("made-1").exists());
    std::fs::remove_file(hook).unwrap();
    project.run(&["undo", "1", "--commit"]).code(0);
    assert_eq!(git(&project, &["log", "-1", "--format=%s"]), "Undo task 1: First thing");
}

#[test]
#[ignore = "slow"]
fn undo_waits_for_the_work_tree_and_ctrl_c_ends_that() {
    let waits = "[ $SEQORCH_SPEC = other ] && gate; ";
    let project = repo(&format!("{waits}{WRITES}"), "").spec("other", TWO);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "another spec"]);
    project.run(&["run", "demo", "--only", "1"]).code(0);
    let other = project.start(&["run", "other", "--only", "1"]);
    project.wait_for_ledger(2);
    let out = project.run(&["undo", "1", "--spec", "demo"]).code(75);
    assert!(out.stderr.contains("the run of other") && out.stderr.contains("--wait"), "{out:?}");
    let stopped = project.start(&["undo", "1", "--spec", "demo", "--wait"]);
    wait_until("a note of the wait", || stopped.complaints().contains("waiting for the run of other"));
    stopped.signal(Signal::INT);
    stopped.wait().code(130);
    assert!(project.path("made-1").exists());
    let undo = project.start(&["undo", "1", "--spec", "demo", "--wait"]);
    wait_until("a note of the wait", || undo.complaints().contains("waiting for the run of other"));
    project.release();
    undo.wait().code(0);
    other.wait().code(0);
    assert!(!project.read(".kiro/specs/demo/tasks.md").contains("[x]"));
}

#[test]
#[ignore = "slow"]
fn undo_that_was_cut_off_is_finished_by_the_next_one() {
    let project = repo(&format!("echo $SEQORCH_UNIT >> shared; {WRITES}"), "");
    project.run(&["run"]).code(0);
    // as if it had been killed after its first file
    std::fs::remove_file(project.path("made-2")).unwrap();
    project.run(&["undo", "2"]).code(0);
    assert_eq!(project.read("shared"), "1\n");
    assert_eq!(project.state("demo")["units"]["2"]["status"], "todo");
}

#[test]
fn undo_that_fails_while_it_writes_can_be_repeated() {
    let project = repo(&format!("[ $SEQORCH_UNIT = 1 ] && echo 2 > held.txt; {WRITES}"), "");
    let filter = |smudge: &str| {
        git(&project, &["config", "filter.rot.clean", "cat"]);
        git(&project, &["config", "filter.rot.smudge", smudge]);
        git(&project, &["config", "filter.rot.required", "true"]);
    };
    filter("cat");
    project.write("held.txt", "1\n");
    project.write(".gitattributes", "held.txt filter=rot\n");
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "a filter"]);
    project.run(&["run"]).code(0);
    filter("false");
    let failed = project.run(&["undo", "1", "--commit"]);
    assert!(failed.code != 0 && failed.stderr.contains("Type `seqorch undo 1` again"), "{failed:?}");
    filter("cat");
    project.run(&["undo", "1", "--commit"]).code(0).says(&["the revert is commit"]);
    assert_eq!(project.read("held.txt"), "1\n");
    assert_eq!(git(&project, &["status", "--porcelain", "-uno"]), "");
    project.run(&["run"]).code(0).says(&["all complete"]);
}

#[test]
#[ignore = "slow"]
fn an_undo_that_is_killed_in_its_commit_is_finished_by_the_next_one() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    hook(&project, "pre-commit", "echo hook >> ledger; until read -r _ < gate; do :; done");
    let undo = project.start(&["undo", "2", "--commit"]);
    project.wait_for_ledger(3);
    undo.signal(Signal::KILL);
    undo.wait();
    project.release();
    wait_until("git's commit", || subjects(&project).len() == 4);
    std::fs::remove_file(project.path(".git/hooks/pre-commit")).unwrap();
    project.run(&["undo", "2", "--commit"]).code(0);
    assert_eq!(subjects(&project)[3..], ["Undo task 2: Second thing"]);
    assert_eq!(git(&project, &["status", "--porcelain", "-uno"]), "");
}

#[test]
fn undos_in_any_order_commit_all_boxes() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    project.run(&["undo", "2"]).code(0);
    project.run(&["undo", "1", "--commit"]).code(0);
    project.run(&["undo", "2", "--commit"]).code(0);
    assert_eq!(git(&project, &["status", "--porcelain", "-uno"]), "");
    assert!(!project.read(".kiro/specs/demo/tasks.md").contains("[x]"));
    assert_eq!(subjects(&project).last().unwrap(), "Undo task 2: Second thing");
}

#[test]
fn a_task_that_is_undone_is_not_skipped() {
    let project = repo(WRITES, "");
    project.run(&["run", "--only", "1"]).code(0);
    for mark in ["todo", "skip"] {
        project.run(&["mark", "1", mark]).code(0);
    }
    project.run(&["undo", "1"]).code(0).says(&["task 1 is to do again"]);
    project.run(&["status"]).says(&["1  First thing: to do"]);
}

#[test]
fn undo_opens_only_the_boxes_that_the_task_ticked() {
    let project = repo(WRITES, "");
    let tasks = "- [ ] 1. First\n  - [x] 1.1 By hand\n  - [ ] 1.2 By an agent\n- [ ] 2. Second\n";
    project.write(".kiro/specs/demo/tasks.md", tasks);
    git(&project, &["commit", "-qam", "a part is done by hand"]);
    project.run(&["run"]).code(0);
    assert_eq!(project.read(".kiro/specs/demo/tasks.md"), tasks.replace("[ ]", "[x]"));
    project.run(&["undo", "1"]).code(0);
    assert_eq!(project.read(".kiro/specs/demo/tasks.md"), tasks.replace("[ ] 2.", "[x] 2."));
}

#[test]
fn the_tasks_that_can_be_undone_are_named_in_their_order() {
    let project = repo(WRITES, "");
    let tasks: String = [1, 2, 10, 11].map(|n| format!("- [ ] {n}. Do {n}\n")).concat();
    project.write(".kiro/specs/demo/tasks.md", &tasks);
    git(&project, &["commit", "-qam", "more tasks"]);
    project.run(&["run", "--only", "2,10,11"]).code(0);
    project.run(&["undo", "1"]).code(64).says(&["Tasks that can be undone: 2, 10, 11."]);
}

/// Three tasks, each of which adds a line to `sh`; the second has a file of its own, too.
fn adding() -> Project {
    let agent = "echo $SEQORCH_UNIT >> sh; [ $SEQORCH_UNIT = 2 ] && echo 2 > own; say_done";
    let project = repo(agent, "");
    let tasks: String = [1, 2, 3].map(|n| format!("- [ ] {n}. Do {n}\n")).concat();
    project.write(".kiro/specs/demo/tasks.md", &tasks);
    git(&project, &["commit", "-qam", "three tasks"]);
    project.run(&["run", "--only", "1,2"]).code(0);
    project
}

#[test]
fn a_revert_takes_back_nothing_that_was_committed_since() {
    let by_a_run: fn(&Project) = |project| {
        project.run(&["run", "--only", "3"]).code(0);
    };
    let by_a_person: fn(&Project) = |project| {
        project.write("sh", "1\n3\n");
        git(project, &["commit", "-qm", "mine", "sh"]);
    };
    for commits in [by_a_run, by_a_person] {
        let project = adding();
        project.run(&["undo", "2"]).code(0);
        commits(&project);
        assert_eq!(git(&project, &["show", "HEAD:sh"]), "1\n3");
        project.run(&["undo", "2", "--commit"]).code(0);
        assert_eq!(
            (git(&project, &["show", "HEAD:sh"]), project.read("sh")),
            ("1\n3".into(), "1\n3\n".into())
        );
        assert!(!git(&project, &["ls-tree", "--name-only", "HEAD"]).contains("own"));
        assert_eq!(git(&project, &["status", "--porcelain", "-uno"]), "");
    }
    let project = adding();
    project.run(&["undo", "2"]).code(0);
    by_a_person(&project);
    project.write("sh", "1\n3\nmore\n");
    project.run(&["undo", "2", "--commit"]).code(0).says(&["others committed these files since", "  sh\n"]);
    assert_eq!(git(&project, &["show", "HEAD:sh"]), "1\n3");
    assert_eq!(git(&project, &["status", "--porcelain", "-uno"]), "M sh");
}

#[test]
fn undos_of_one_file_are_committed_in_any_order() {
    for order in [["1", "2"], ["2", "1"]] {
        let project = adding();
        project.run(&["undo", "2"]).code(0);
        project.run(&["undo", "1"]).code(0);
        for id in order {
            project.run(&["undo", id, "--commit"]).code(0);
        }
        assert_eq!(git(&project, &["status", "--porcelain", "-uno"]), "", "{order:?}");
        let tracked = git(&project, &["ls-tree", "--name-only", "HEAD"]);
        assert!(!tracked.lines().any(|file| file == "sh" || file == "own"), "{order:?}: {tracked}");
        project.run(&["run"]).code(0);
        assert_eq!(project.read("sh"), "1\n2\n3\n");
    }
}

#[test]
fn an_undo_names_the_submodule_that_it_leaves_alone() {
    let agent = "git -C lib -c user.name=t -c user.email=t@x commit -q --allow-empty -m more; echo x > other; say_done";
    let project = repo(agent, "");
    git(&project, &["init", "-q", "lib"]);
    let by = ["-C", "lib", "-c", "user.name=t", "-c", "user.email=t@x"];
    git(&project, &[&by[..], &["commit", "-q", "--allow-empty", "-m", "x"]].concat());
    git(&project, &["add", "lib"]);
    git(&project, &["commit", "-qm", "a submodule"]);
    let was = git(&project, &["-C", "lib", "rev-parse", "HEAD"]);
    project.run(&["run", "--only", "1"]).code(0);
    let back =
        format!("not restored, because it is a submodule: lib (back: git -C lib checkout {})", &was[..9]);
    project.run(&["undo", "1"]).code(0).says(&["  other\n", &back, "stays in the history"]);
}
