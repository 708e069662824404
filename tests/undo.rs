//! `seqorch undo` restores the files of a task and nothing that the user did.

use crate::common::git::{TWO, WRITES, git, repo};

#[test]
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
