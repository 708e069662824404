//! Work that is done but that git refused to commit: it stays pending, and the user's changes stay apart.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::git::{WRITES, git, hook, subjects};
use crate::common::{Project, wait_until};

/// A repository whose runs end where git refuses a commit.
fn repo(agent: &str, more: &str) -> Project {
    crate::common::git::repo(agent, &format!("on_refused = \"halt\"\n{more}"))
}

/// Installs a git hook that refuses a commit if this script fails.
fn refuses_unless(project: &Project, script: &str) {
    hook(project, "pre-commit", &format!("{script} && exit 0\necho not like this >&2\nexit 1"));
}

/// The files that a commit changed.
fn files_of(project: &Project, commit: &str) -> Vec<String> {
    let list = git(project, &["show", "--name-only", "--format=", commit]);
    list.lines().map(str::to_owned).collect()
}

/// What is not committed, without the files of seqorch itself.
fn dirty(project: &Project) -> Vec<String> {
    let list = git(project, &["status", "--porcelain", "--", ".", ":(exclude).kiro/specs/SEQUENTIAL*"]);
    list.lines().map(str::to_owned).collect()
}

#[test]
#[ignore = "slow"]
fn a_pending_commit_takes_fixes_of_its_own_files_and_nothing_else() {
    let project = repo(&format!("echo junk > junk; {WRITES}"), "");
    project.write("rules", "strict\n");
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "rules"]);
    refuses_unless(&project, "grep -q relaxed rules && test ! -e junk && grep -q tidy made-1");
    project.run(&["run"]).code(2).says(&["task 1 is done, but not committed"]);
    project.write("rules", "relaxed\n");
    project.write("new.txt", "mine\n");
    project.run(&["run"]).code(2).says(&["task 1 is done, but not committed"]);
    project.write("new.txt", "still mine\n");
    project.write("made-1", "tidy\n");
    std::fs::remove_file(project.path("junk")).unwrap();
    let out = project.run(&["run"]).code(2);
    out.says(&["the work tree has changes", "new.txt, rules", "Commit or stash them"]);
    assert_eq!(project.ledger().len(), 1, "no step starts while the user's changes are there");
    for args in [&["status"][..], &["report"], &["doctor"]] {
        let out = project.run(args).says(&["new.txt, rules", "seqorch run demo --retry"]);
        assert!(out.stdout.contains("eeds you"), "{out:?}");
    }
    assert_eq!(git(&project, &["log", "-1", "--format=%s"]), "1: First thing");
    assert_eq!(files_of(&project, "HEAD"), [".kiro/specs/demo/tasks.md", "made-1"]);
    assert_eq!(git(&project, &["show", "HEAD:made-1"]), "tidy");
    assert_eq!(dirty(&project), ["M rules", "?? new.txt"]);
    assert_eq!(project.state("demo")["units"]["1"]["changes"]["files"], 2);
    // a second try without a change is refused in the same way
    let out = project.run(&["run"]).code(2);
    assert!(out.stderr.contains("new.txt") && out.stderr.contains("rules"), "{out:?}");
    project.run(&["undo", "1"]).code(0);
    assert!(!project.path("made-1").exists());
    assert_eq!((project.read("rules"), project.read("new.txt")), ("relaxed\n".into(), "still mine\n".into()));
}

#[test]
#[ignore = "slow"]
fn a_file_that_is_gone_at_one_try_and_back_at_the_next_is_committed() {
    let project = repo(&format!("mkdir -p d; echo y > d/g; {WRITES}"), "");
    refuses_unless(&project, "test -e .out/fixed");
    project.run(&["run", "--only", "1"]).code(2);
    std::fs::remove_file(project.path("d/g")).unwrap();
    for _ in 0..2 {
        project.run(&["run", "--retry"]).code(2).says(&["task 1 is done, but not committed"]);
    }
    project.write("d/g", "fixed\n");
    project.write(".out/fixed", "");
    project.run(&["run", "--retry"]).code(0);
    assert_eq!(files_of(&project, "HEAD"), [".kiro/specs/demo/tasks.md", "d/g", "made-1"]);
    assert_eq!(git(&project, &["show", "HEAD:d/g"]), "fixed");
    assert!(dirty(&project).is_empty(), "{:?}", dirty(&project));
    assert!(project.state("demo")["units"]["1"]["changes"]["left"].is_null(), "no commit is pending");
    project.run(&["undo", "1"]).code(0);
    assert!(!project.path("d/g").exists());
}

#[test]
#[ignore = "slow"]
fn a_refused_commit_leaves_the_users_staged_changes_alone() {
    let project = repo(WRITES, "");
    refuses_unless(&project, "test -e .out/fixed");
    project.run(&["run", "--only", "1"]).code(2);
    project.write("made-1", "staged\n");
    git(&project, &["add", "made-1"]);
    project.write("made-1", "later\n");
    let before = dirty(&project);
    project.run(&["run", "--retry"]).code(2);
    assert_eq!(dirty(&project), before);
    assert_eq!(git(&project, &["show", ":made-1"]), "staged");
    project.write(".out/fixed", "");
    project.run(&["run", "--retry"]).code(0);
    assert_eq!(git(&project, &["show", "HEAD:made-1"]), "later");
    assert!(dirty(&project).is_empty(), "{:?}", dirty(&project));
}

#[test]
#[ignore = "slow"]
fn with_dirty_allowed_the_run_continues_after_the_pending_commit() {
    let project = repo(WRITES, "dirty = \"allow\"\n");
    refuses_unless(&project, "test -e new.txt");
    project.run(&["run"]).code(2);
    project.write("new.txt", "mine\n");
    project.run(&["run"]).code(0);
    let log = git(&project, &["log", "--format=%s", "--reverse"]);
    assert_eq!(log, "start\n1: First thing\n2: Second thing");
    assert_eq!(files_of(&project, "HEAD~1"), [".kiro/specs/demo/tasks.md", "made-1"]);
    assert_eq!(dirty(&project), ["?? new.txt"]);
}

#[test]
#[ignore = "slow"]
fn turning_commits_off_drops_the_pending_one_and_undo_still_works() {
    let project = repo(WRITES, "");
    refuses_unless(&project, "false");
    project.run(&["run", "--only", "1"]).code(2);
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    project.write("human.txt", "mine\n");
    project.run(&["run", "--only", "2"]).code(0);
    assert_eq!(project.state("demo")["units"]["1"]["changes"]["files"], 1, "its file");
    project.run(&["undo", "1"]).code(0);
    assert!(!project.path("made-1").exists() && project.path("made-2").exists());
    assert_eq!(project.read("human.txt"), "mine\n");
    assert!(project.path("seqorch.local.toml").exists());
}

#[test]
#[ignore = "slow"]
fn a_refusing_git_hook_stops_the_run_and_the_next_run_commits_first() {
    let project = repo(WRITES, "");
    refuses_unless(&project, "test -e made-2");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stdout.contains("not like this"), "{}", out.stdout);
    assert_eq!(project.ledger().len(), 1);
    std::fs::remove_file(project.path(".git/hooks/pre-commit")).unwrap();
    assert_eq!(project.run(&["run"]).code, 0);
    let log = git(&project, &["log", "--format=%s", "--reverse"]);
    assert_eq!(log, "start\n1: First thing\n2: Second thing");
    assert_eq!(project.ledger().len(), 2);
}

#[test]
#[ignore = "slow"]
fn a_pending_commit_is_shown_everywhere_with_the_way_to_continue() {
    let project = repo(WRITES, "");
    hook(&project, "pre-commit", "test -e made-2 || exit 0\nprintf 'not \\033[31mlike this\\n' >&2\nexit 1");
    let out = project.run(&["run"]).code(2);
    out.says(&["task 2 is done, but not committed", "seqorch run demo"]);
    assert_eq!(project.state("demo")["completed"], serde_json::json!(["1", "2"]), "nothing is left to do");
    for args in [&["status"][..], &["status", "--watch"], &["report"], &["doctor"]] {
        let printed = project.run(args).stdout;
        assert!(printed.contains("eeds you"), "{args:?}:\n{printed}");
        for part in ["not like this", "seqorch run demo"] {
            assert!(printed.contains(part), "{part} is missing in {args:?}:\n{printed}");
        }
        assert!(!printed.contains("Commit or stash"), "it would be lost to its commit: {args:?}:\n{printed}");
        assert!(!printed.contains("complete\n") && !printed.contains("all complete"), "{args:?}:\n{printed}");
    }
    let report = project.run(&["report"]).stdout;
    assert!(report.starts_with("# demo: needs you\n"), "{report}");
    assert!(report.find("(Second thing)**").unwrap() < report.find("## Tasks").unwrap(), "{report}");
    let status: serde_json::Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!(status["state"], "uncommitted");
    assert_eq!(status["not_committed"][0]["unit"], "2");
    assert!(status["not_committed"][0]["why"].as_str().unwrap().contains("like this"), "{status}");
    std::fs::remove_file(project.path(".git/hooks/pre-commit")).unwrap();
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger().len(), 2, "only the commit was missing");
    assert_eq!(git(&project, &["log", "-1", "--format=%s"]), "2: Second thing");
    project.run(&["status"]).code(0).says(&["demo: complete"]);
    assert!(project.state("demo")["units"]["2"]["pending_commit"].is_null());
    assert!(project.run(&["report"]).stdout.starts_with("# demo: all complete\n"));
}

#[test]
fn a_refused_commit_calls_the_halt_hook_once_with_task_and_reason() {
    let hook = "[\"sh\", \"-c\", \"echo $SEQORCH_EVENT $SEQORCH_UNIT $SEQORCH_OUTCOME: $SEQORCH_MESSAGE >> calls; cat >> events\"]";
    let project = repo(WRITES, &format!("dirty = \"allow\"\n[hooks]\nhalt = {hook}\nrun_end = {hook}\n"));
    refuses_unless(&project, "false");
    project.run(&["run"]).code(2);
    let calls = project.read("calls");
    let calls: Vec<_> = calls.lines().collect();
    assert_eq!(calls.len(), 2, "{calls:?}");
    assert!(calls[0].starts_with("halt 1 not_committed: task 1 is done, but not committed: "), "{calls:?}");
    assert!(
        calls[0].ends_with("not like this") && calls[1].starts_with("run_end 1 not_committed: "),
        "{calls:?}"
    );
    let events = project.read("events");
    let events: Vec<Value> = events.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&events[0]["event"], &events[0]["why"]), (&json!("needs_human"), &json!("not_committed")));
    for event in events {
        assert_eq!((&event["v"], &event["unit"]), (&json!(1), &json!("1")));
        assert!(event["reason"].as_str().unwrap().contains("not like this"), "{event}");
    }
}

#[test]
#[ignore = "slow"]
fn undo_of_a_task_ends_its_pending_commit() {
    let project = repo(WRITES, "");
    refuses_unless(&project, "false");
    project.run(&["run", "--only", "1"]).code(2);
    project.write("mine.txt", "mine\n");
    project.run(&["undo", "1"]).code(0).says(&["task 1 is to do again", "made-1"]);
    assert_eq!(dirty(&project), ["?? mine.txt"], "also the index is as it was");
    let status = project.run(&["status"]).stdout;
    assert!(status.contains("1  First thing: to do") && !status.contains("committed,"), "{status}");
    assert!(!status.contains("not committed") && !status.contains("needs you"), "{status}");
    std::fs::remove_file(project.path("mine.txt")).unwrap();
    project.write(".git/hooks/pre-commit", "#!/bin/sh\n");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
    assert_eq!(files_of(&project, "HEAD~1"), [".kiro/specs/demo/tasks.md", "made-1"]);
}

#[test]
#[ignore = "slow"]
fn marking_a_task_todo_or_skip_ends_its_pending_commit() {
    let project = repo("echo x > \"made-$SEQORCH_UNIT-$SEQORCH_ATTEMPT\"; say_done", "");
    refuses_unless(&project, "false");
    for marks in [&["skip", "todo"][..], &["todo"]] {
        project.run(&["run", "--only", "1"]).code(2).says(&["task 1 is done, but not committed"]);
        for mark in marks {
            let released = "task 1: its changes stay in the files, and its pending commit is dropped";
            let out = project.run(&["mark", "1", mark]).code(0);
            assert_eq!(out.stdout.contains(released), *mark == marks[0], "{out:?}");
            let status = project.run(&["status"]).stdout;
            assert!(status.starts_with("demo: idle\n"), "{status}");
            assert!(!status.contains("not committed") && !status.contains("needs you"), "{mark}: {status}");
        }
    }
    project.write(".git/hooks/pre-commit", "#!/bin/sh\n");
    project.run(&["run", "--only", "1"]).code(0);
    assert_eq!(git(&project, &["log", "-1", "--format=%s"]), "1: First thing");
    assert_eq!(files_of(&project, "HEAD"), [".kiro/specs/demo/tasks.md", "made-1-1", "made-1-2", "made-1-3"]);
    assert!(dirty(&project).is_empty(), "{:?}", dirty(&project));
}

#[test]
#[ignore = "slow"]
fn without_commits_no_pending_commit_is_shown() {
    let project = repo(WRITES, "");
    refuses_unless(&project, "false");
    project.run(&["run", "--only", "1"]).code(2);
    project.run(&["doctor"]).says(&["needs you"]);
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    for args in [&["status"][..], &["report"], &["doctor"]] {
        let printed = project.run(args).stdout;
        assert!(
            ["eeds you:", "done, not committed"].iter().all(|part| !printed.contains(part)),
            "{args:?}:\n{printed}"
        );
    }
    let status: Value = serde_json::from_str(&project.run(&["status", "--json"]).stdout).unwrap();
    assert_eq!((&status["state"], &status["not_committed"]), (&json!("idle"), &json!([])));
    project.run(&["run", "--only", "2"]).code(0).says(&["✓ task 1 needs no commit any more: 1 file +1 -0\n"]);
}

#[test]
fn a_task_of_which_git_kept_nothing_is_committed_by_a_person() {
    let agent = "[ $SEQORCH_UNIT-$SEQORCH_ATTEMPT = 1-1 ] && gate; echo x > made-$SEQORCH_UNIT; say_done";
    let project = repo(agent, "");
    let settings = project.read("seqorch.local.toml");
    let without = settings.replace("commit = \"step\"", "commit = \"off\"\nsnapshot = false");
    assert_ne!(without, settings);
    project.write("seqorch.local.toml", &without);
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    run.signal(Signal::KILL);
    run.wait().code(137);
    project.write("seqorch.local.toml", &settings);
    project.release();
    let begun =
        "the task was begun without snapshots and commits, so its changes can't be distinguished from yours";
    project.run(&["run"]).code(2).says(&["task 1 is done, but not committed", begun]);
    project.run(&["status"]).says(&["needs you", begun, "Commit what belongs to the task yourself"]);
    assert_eq!(project.ledger(), ["1 1"]);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "what its agent did"]);
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_eq!(subjects(&project), ["start", "what its agent did", "2: Second thing"]);
    assert!(dirty(&project).is_empty(), "{:?}", dirty(&project));
}

#[test]
fn the_run_that_makes_the_pending_commit_reports_it() {
    let project = repo(WRITES, "");
    refuses_unless(&project, "false");
    project.run(&["run", "--only", "1"]).code(2);
    project.write(".git/hooks/pre-commit", "#!/bin/sh\n");
    let out = project.run(&["run", "--only", "1"]).code(0);
    let id = git(&project, &["rev-parse", "HEAD"]);
    let line = format!("2 files +2 -1, commit {}", &id[..9]);
    out.says(&[&format!("✓ task 1 committed: {line}\n")]);
    let progress = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(progress.contains(&format!("- **Changes:** {line}\n")), "{progress}");
    let log = project.read(".seqorch/demo/events.jsonl");
    let events = log.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let committed: Vec<_> = events.filter(|event| event["event"] == "committed").collect();
    assert_eq!(committed.len(), 1);
    assert_eq!(
        (&committed[0]["unit"], &committed[0]["commit"], &committed[0]["files"]),
        (&json!("1"), &json!(id), &json!(2))
    );
}

#[test]
#[ignore = "slow"]
fn a_retry_keeps_the_options_of_the_run_whose_commit_was_refused() {
    let project =
        repo(&format!("note \"$WHO\"; {WRITES}"), "[profile.other.backend.fake.env]\nWHO = \"other\"\n");
    refuses_unless(&project, "false");
    let out = project.run(&["--profile", "other", "run", "--only", "1"]).code(2);
    out.says(&["Fix it, then continue with: seqorch run demo --retry"]);
    project.run(&["status"]).says(&["seqorch run demo --retry"]);
    project.write(".git/hooks/pre-commit", "#!/bin/sh\n");
    project.run(&["run", "demo", "--retry"]).code(0).says(&[
        "note: with the options of the earlier run: --only=1 --profile=other",
        "✓ task 1 committed",
        "selection complete, 1 task left",
    ]);
    assert_eq!(project.ledger(), ["1 1", "other"], "no other task is worked on");
    // that run is over: a later one runs all tasks
    project.run(&["run", "demo", "--retry"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "other", "2 1", ""]);
}

/// A git hook that holds the commit until it is let go. Returns where it says that it works.
fn holds_the_commit(project: &Project) -> std::path::PathBuf {
    refuses_unless(project, "touch .git/in-hook; until test -e .git/go; do sleep 0.05; done; true");
    project.path(".git/in-hook")
}

#[test]
#[ignore = "slow"]
fn term_during_a_commit_starts_no_further_agent() {
    let project = repo(WRITES, "");
    let in_hook = holds_the_commit(&project);
    let run = project.start(&["run"]);
    wait_until("the hook", || in_hook.exists());
    run.signal(Signal::TERM);
    run.wait().code(143);
    assert_eq!(project.ledger(), ["1 1"]);
    project.write(".git/go", "");
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn ctrl_c_during_a_commit_ends_the_run_after_it() {
    let project = repo(WRITES, "");
    let in_hook = holds_the_commit(&project);
    let run = project.start(&["run"]);
    wait_until("the hook", || in_hook.exists());
    run.signal(Signal::INT);
    project.write(".git/go", "");
    run.wait().code(130);
    assert_eq!(project.ledger(), ["1 1"]);
    assert!(git(&project, &["log", "-1", "--format=%s"]).starts_with("1: "));
}

#[test]
#[ignore = "slow"]
fn stop_now_during_a_commit_loses_and_repeats_nothing() {
    for (name, is_made) in [("pre-commit", false), ("post-commit", true)] {
        let project = repo(WRITES, "");
        hook(&project, name, "touch .git/in-hook; until test -e .git/go; do sleep 0.05; done");
        let run = project.start(&["run"]);
        wait_until("the hook", || project.path(".git/in-hook").exists());
        project.run(&["stop", "--now"]).code(0);
        let out = run.wait().code(143);
        assert_eq!(project.ledger(), ["1 1"], "{name}: {out:?}");
        out.says(&["the commit of task 1 is pending: the next run makes it"]);
        project.run(&["status"]).says(&["1  First thing: done, commit pending (1 attempt)"]);
        assert_eq!(subjects(&project).len(), 1 + usize::from(is_made), "{name}");
        project.write(".git/go", "");
        project.run(&["run"]).code(0);
        assert_eq!(project.ledger(), ["1 1", "2 1"], "{name}");
        assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"], "{name}");
        assert!(dirty(&project).is_empty(), "{name}: {:?}", dirty(&project));
    }
}
