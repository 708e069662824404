//! With `git.commit = "step"` each done step is one commit that holds only its own changes.

use rustix::process::Signal;

use crate::common::git::{TWO, WRITES, git, hook, repo, subjects};
use crate::common::programs::program;
use crate::common::{kill, wait_until};

#[test]
fn each_done_step_is_one_commit_with_its_changes_and_its_tick() {
    let project = repo(WRITES, "message = \"{spec}/{id} {title} by {agent} in {attempts}\"\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    let log = ["start", "demo/1 First thing by fake in 1", "demo/2 Second thing by fake in 1"];
    assert_eq!(subjects(&project), log);
    let files = git(&project, &["show", "--name-only", "--format=%b", "HEAD"]);
    assert!(files.contains("Task: 2\nAgent: fake\nAttempts: 1"), "{files}");
    assert!(files.contains(".kiro/specs/demo/tasks.md\nmade-2"), "{files}");
    let commit = project.state("demo")["units"]["2"]["changes"]["commit"].clone();
    assert_eq!(commit, git(&project, &["rev-parse", "HEAD"]));
    assert!(out.stdout.contains("2 files +2 -1, commit "), "{}", out.stdout);
}

#[test]
fn files_that_an_agent_moves_or_removes_are_in_its_commit() {
    let project = repo(
        &format!("[ $SEQORCH_UNIT = 1 ] && {{ git mv old.rs new.rs; git rm -q dead.rs; }}; {WRITES}"),
        "",
    );
    for name in ["old.rs", "dead.rs"] {
        project.write(name, "fn main() {}\n");
    }
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "code"]);
    project.run(&["run"]).code(0);
    let changed = git(&project, &["show", "--no-renames", "--name-status", "--format=", "HEAD~1"]);
    assert_eq!(changed, "M\t.kiro/specs/demo/tasks.md\nD\tdead.rs\nA\tmade-1\nA\tnew.rs\nD\told.rs");
    assert_eq!(subjects(&project).last().unwrap(), "2: Second thing");
}

#[test]
fn what_an_agent_takes_back_after_its_own_commit_is_committed() {
    let back = "echo 2 > kept; git rm -q gone; echo new > junk; git add junk; git commit -qam own\n\
                echo 1 > kept; echo 1 > gone; rm junk";
    let project = repo(&format!("[ $SEQORCH_UNIT = 1 ] && {{ {back}; }}; {WRITES}"), "");
    for name in ["kept", "gone"] {
        project.write(name, "1\n");
    }
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "code"]);
    project.run(&["run"]).code(0);
    assert_eq!(git(&project, &["status", "--porcelain", "-uno"]), "");
    let all = ["start", "code", "own", "1: First thing", "2: Second thing"];
    assert_eq!(subjects(&project), all);
    let changed = git(&project, &["show", "--no-renames", "--name-status", "--format=", "HEAD~1"]);
    assert_eq!(changed, "M\t.kiro/specs/demo/tasks.md\nA\tgone\nD\tjunk\nM\tkept\nA\tmade-1");
}

#[test]
#[ignore = "slow"]
fn a_dirty_tree_is_refused_or_stays_out_of_every_commit() {
    let project = repo(&format!("echo more >> mine.txt; {WRITES}"), "");
    project.write("mine.txt", "precious\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stderr.contains("mine.txt") && out.stderr.contains("git.dirty"), "{}", out.stderr);
    assert!(project.ledger().is_empty());
    project.write("seqorch.local.toml", "[git]\ncommit = \"step\"\ndirty = \"allow\"\n");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert!(out.stdout.contains("not committed, because others have changed them, too: mine.txt"));
    assert!(!git(&project, &["log", "--name-only", "--format="]).contains("mine.txt"));
    assert_eq!(project.read("mine.txt"), "precious\nmore\nmore\n");
}

#[test]
#[ignore = "slow"]
fn a_halted_tasks_commit_has_its_own_changes_and_not_the_users() {
    let asks = r#"echo "$SEQORCH_UNIT" >> "made-$SEQORCH_UNIT"
        if [ "$SEQORCH_UNIT" = 1 ] && ! grep -q 'Use blue'; then echo 'Which colour?'; say_halt; else say_done; fi"#;
    let project = repo(asks, "");
    let out = project.run(&["run"]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stdout.contains("1 halted · 1 to do"), "{}", out.stdout);
    project.write("mine.txt", "mine\n");
    let out = project.run(&["resume", "--answer", "Use blue."]);
    assert_eq!(out.code, 2, "{out:?}");
    assert!(out.stderr.contains("mine.txt") && !out.stderr.contains("made-1"), "{}", out.stderr);
    // a refused start loses nothing: the answer waits for the run that can begin
    assert!(project.kept("demo").join("summary.txt").exists(), "a watcher still sees how the last run ended");
    for args in [&["run", "--retry"][..], &["run"]] {
        assert_eq!(project.run(args).code, 2);
    }
    project.run(&["status"]).says(&[
        "demo: needs you: the work tree has changes",
        "the answer to task 1 goes into its next prompt: Use blue.",
    ]);
    std::fs::remove_file(project.path("mine.txt")).unwrap();
    let out = project.run(&["run", "--retry"]);
    assert_eq!(out.code, 0, "{out:?}");
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    assert!(git(&project, &["show", "HEAD~1", "--name-only", "--format="]).contains("made-1"));
    assert_eq!(git(&project, &["status", "--porcelain", "--", "made-1", "made-2"]), "");
    let progress = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(progress.contains("- **Changes:** 2 files +3 -1, commit "), "{progress}");
}

#[test]
#[ignore = "slow"]
fn an_agent_that_resets_the_branch_halts_the_run_until_you_decide() {
    let agent = "echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 21 ] && git reset -q --hard HEAD~1; say_done";
    let project = repo(agent, "");
    let parts = ["the git history was changed", "the agent moved the branch from", "git reset --keep"];
    let out = project.run(&["run"]).code(2).says(&parts);
    assert!(!out.stdout.contains("all complete"), "{out:?}");
    let commit = project.state("demo")["units"]["1"]["changes"]["commit"].as_str().unwrap().to_owned();
    git(&project, &["reset", "-q", "--keep", &commit]);
    project.run(&["run", "--retry"]).code(0).says(&["all complete"]);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    assert_eq!(git(&project, &["status", "--porcelain", "--untracked-files=no"]), "");
}

#[test]
fn the_history_is_watched_where_an_attempt_is_killed() {
    let agent = "echo x > made-$SEQORCH_UNIT; \
                 [ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 21 ] && { git checkout -q -b side; echo on side >> ledger; gate; }; say_done";
    for kills_run in [false, true] {
        let project = repo(agent, "");
        let run = project.start(&["run"]);
        project.wait_for_ledger(3);
        let (attempt, _) = project.alive_with("__attempt").into_iter().next().unwrap();
        if kills_run {
            kill(run.pid(), Signal::KILL);
        }
        kill(attempt, Signal::KILL);
        let ended = run.wait();
        wait_until("the end of the agent", || project.left_alive().is_empty());
        let moved = "the agent went from branch main to branch side (back: git switch main)";
        if kills_run {
            project.run(&["run"]).code(2).says(&[moved]);
        } else {
            ended.code(2).says(&[moved]);
        }
        assert_eq!(project.ledger(), ["1 1", "2 1", "on side"]);
        project.run(&["run"]).code(2).says(&["the git history was changed"]);
        git(&project, &["switch", "-q", "main"]);
        project.run(&["run"]).code(0).says(&["all complete"]);
        assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    }
}

#[test]
#[ignore = "slow"]
fn the_way_back_works_where_an_agent_committed_all_files() {
    for act in [
        "git checkout -q --detach; git add -A; git commit -qm work",
        "git add -A; git commit -q --amend --no-edit",
    ] {
        let project = repo(
            &format!("echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT = 2 ] && {{ {act}; }}; say_done"),
            "",
        );
        let status = project.run(&["run"]).code(2).stdout;
        let (_, back) = status.split_once("back: ").unwrap();
        let (back, _) = back.split_once(')').unwrap();
        for command in back.split("; ") {
            let args: Vec<&str> = command.split(' ').skip(1).collect();
            git(&project, &args);
        }
        project.run(&["run", "--retry"]).code(0).says(&["all complete"]);
        assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"], "{act}");
        let tracked = git(&project, &["ls-tree", "-r", "--name-only", "HEAD"]);
        assert!(tracked.contains("made-2") && !tracked.contains("SEQUENTIAL"), "{act}: {tracked}");
        assert_eq!(git(&project, &["status", "--porcelain", "--untracked-files=no"]), "", "{act}");
    }
}

#[test]
fn a_run_continues_beside_no_branch_that_its_agent_left() {
    let agent = "[ $SEQORCH_UNIT = 1 ] && git checkout -q -b other; echo x > made-$SEQORCH_UNIT; say_done";
    let project = repo(agent, "");
    project.run(&["run"]).code(2);
    project.run(&["run"]).code(2).says(&[
        "the git history was changed",
        "from branch main",
        "run demo --retry",
    ]);
    assert_eq!((project.ledger(), subjects(&project)), (vec!["1 1".to_owned()], vec!["start".to_owned()]));
    git(&project, &["switch", "-q", "main"]);
    project.run(&["run"]).code(0);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
}

#[test]
#[ignore = "slow"]
fn a_run_is_not_complete_while_a_commit_of_a_task_is_lost() {
    // in the end the person says to do without it
    let agent = "echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT = 2 ] && git reset -q --soft HEAD~1; say_done";
    let project = repo(agent, "history = \"halt\"\n");
    project
        .run(&["run"])
        .code(2)
        .says(&["Get back, or keep it as it is; then continue with: seqorch run demo --retry"]);
    let missing = "all tasks done, but commits are not in the history of HEAD: task 1: ";
    let printed = project.run(&["run", "--retry"]).code(0).says(&[missing]).stdout;
    let report = project.run(&["report"]).stdout;
    let status = project.run(&["status"]).stdout;
    assert!(![&printed, &report, &status].iter().any(|text| text.contains("complete")), "{report}{status}");
    assert!(
        report.contains("commits are not in the history") && status.contains("task 1: "),
        "{report}{status}"
    );
    project.run(&["run"]).code(0).says(&[missing]);
}

#[test]
fn commits_of_the_agent_itself_are_listed() {
    let agent = "echo x > made-$SEQORCH_UNIT; git add made-*; git commit -qm 'by the agent'; say_done";
    let project = repo(agent, "");
    project.run(&["run", "--only", "1"]).code(0).says(&["its own commit: ", " by the agent"]);
    assert_eq!(
        subjects(&project),
        ["start", "by the agent", "1: First thing"],
        "the box is the task's commit"
    );
    project.run(&["report"]).code(0).says(&["Commits that agents made", " by the agent"]);
    let progress = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
    assert!(
        progress.contains("- **Commit of the agent:** ") && progress.contains(" by the agent"),
        "{progress}"
    );
    let events = project.read(".seqorch/demo/events.jsonl");
    assert!(events.contains("\"own_commits\":[{\"id\":"), "{events}");
}

#[test]
fn a_commit_of_the_agent_itself_must_stay_reachable() {
    let agent = "[ $SEQORCH_UNIT = 1 ] && { echo x > own; git add own; git commit -qm own; }; \
                 [ $SEQORCH_UNIT = 2 ] && git reset -q --soft HEAD~2; say_done";
    let project = repo(agent, "history = \"warn\"\n");
    let out = project.run(&["run"]).code(0);
    let lost = out.stdout.split_once("no longer in the history of HEAD: ").unwrap().1.lines().next().unwrap();
    assert_eq!(lost.matches("task 1: ").count(), 2, "its own commit and that of the task: {lost}");
}

#[test]
#[ignore = "slow"]
fn history_that_a_person_rewrites_later_is_a_note_and_not_a_need() {
    let project = repo(WRITES, "");
    project.run(&["run", "--only", "1"]).code(0);
    git(&project, &["commit", "-q", "--amend", "-m", "mine now"]);
    let out = project.run(&["status"]).code(0);
    assert!(out.stdout.contains("note: no longer in the history of HEAD: task 1: "), "{out:?}");
    assert!(!out.stdout.contains("Needs you"), "{out:?}");
    project
        .run(&["run"])
        .code(0)
        .says(&["note: not in the history of HEAD since before this run", "all complete"]);
}

#[test]
#[ignore = "slow"]
fn a_refused_commit_goes_back_to_the_agent_within_its_attempts() {
    let agent = "if [ $SEQORCH_ATTEMPT = 1 ]; then echo bad > made-$SEQORCH_UNIT; \
                 else grep -q 'no bad files' && echo good > made-$SEQORCH_UNIT; fi; say_done";
    let project = repo(agent, "");
    hook(
        &project,
        "pre-commit",
        "git grep --cached -q bad -- 'made-*' || exit 0; echo no bad files >&2; exit 1",
    );
    let out = project.run(&["run"]).code(0);
    assert_eq!(project.outcomes("demo", "1"), ["verify_failed", "done"], "{out:?}");
    assert!(out.stdout.contains("`git commit` does not succeed"), "{out:?}");
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    let files = git(&project, &["show", "--name-only", "--format=", "HEAD~1"]);
    assert_eq!(files, ".kiro/specs/demo/tasks.md\nmade-1");
    assert_eq!(project.tasks("demo"), TWO.replace("[ ]", "[x]"));
    assert_eq!(git(&project, &["status", "--short", "--untracked-files=no"]), "");
}

#[test]
fn work_that_an_agent_hides_from_the_branch_is_named() {
    let agent = "echo x > made-$SEQORCH_UNIT; case $SEQORCH_UNIT in \
                 1) echo 'hidden*' >> .git/info/exclude; echo x > hidden-1;; \
                 2) git stash push -q -u -m later -- made-2; echo x > made-2; git switch -q -c aside; git add made-2; \
                    git commit -qm there; git switch -q main;; esac; say_done";
    let project = repo(agent, "");
    project.run(&["run"]).code(0).says(&[
        "! left out: hidden-1 (ignored by the new rule hidden* in ",
        " (committed by the agent on branch aside; HEAD does not have it)",
        "! left out: stash@{0} (stashed by the agent: On main: later; `git stash pop` brings it back)",
    ]);
}

#[test]
fn a_name_that_is_not_utf8_is_in_no_command_line() {
    let agent = "echo x > plain; echo x > \"$(printf 'n\\377')\"; say_done";
    let project = repo(
        agent,
        "[verify]\ncommands = [[\"sh\", \"-c\", \"echo $@ > .out/args\", \"sh\", \"{files}\"]]\n",
    );
    project.write(".out/x", "");
    let out = project.run(&["run", "--only", "1"]).code(0);
    out.says(&["! not in {files}, because its name is not UTF-8: n\\xff"]);
    assert_eq!(project.read(".out/args"), "plain\n");
}

#[test]
fn an_agent_that_gives_git_another_work_tree_is_a_need() {
    let agent =
        "echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT = 1 ] && git config core.worktree /usr/share; say_done";
    let project = repo(agent, "");
    project.run(&["run"]).code(2).says(&["git takes /usr/share for the work tree now"]);
    git(&project, &["config", "--unset", "core.worktree"]);
    project.run(&["run", "--retry"]).code(0).says(&["all complete"]);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
}

/// Formats the files of the task and refuses those that have "bad" in them.
const FORMATS: &str = "for f in $(git diff --cached --name-only --diff-filter=ACM -- 'made-*'); do \
                       grep -q formatted $f || { echo formatted >> $f; MORE; }; \
                       grep -q bad $f && { echo no bad files >&2; exit 1; }; done; exit 0";

#[test]
fn what_a_hook_formats_before_it_refuses_belongs_to_the_task() {
    for more in ["true", "git add $f", "echo formatted >> notes.md"] {
        let agent = "if [ -e made-$SEQORCH_UNIT ]; then sed -i s/bad/good/ made-$SEQORCH_UNIT; \
                     else echo bad > made-$SEQORCH_UNIT; fi; say_done";
        let project = repo(agent, "");
        hook(&project, "pre-commit", &FORMATS.replace("MORE", more));
        let out = project.run(&["run", "--only", "1"]).code(0);
        assert!(!out.stdout.contains("others had changed"), "{more}: {out:?}");
        assert_eq!(git(&project, &["show", "HEAD:made-1"]), "good\nformatted", "{more}");
        let left = git(&project, &["status", "--short", "--", ".", ":(exclude).kiro/specs/SEQUENTIAL*"]);
        assert_eq!(left, "", "{more}");
    }
}

#[test]
fn a_hook_that_formats_and_always_refuses_does_not_block_the_next_run() {
    let project = repo(WRITES, "[retry]\nattempts = 1\n");
    hook(&project, "pre-commit", "test -e .out/fixed && exit 0; echo formatted >> made-1; exit 1");
    project.run(&["run", "--only", "1"]).code(2);
    project.write(".out/fixed", "");
    project.run(&["run", "--only", "1", "--retry"]).code(0);
    assert_eq!(subjects(&project), ["start", "1: First thing"]);
}

#[test]
fn a_hook_of_git_that_commits_keeps_its_commit() {
    let project = repo(WRITES, "");
    let script = "[ -n \"$AGAIN\" ] && exit 0; export AGAIN=1; unset GIT_INDEX_FILE; \
                  echo x >> CHANGES; git add CHANGES; git commit -qm log -- CHANGES";
    hook(&project, "post-commit", script);
    project.run(&["run"]).code(0).says(&["all complete"]);
    assert_eq!(subjects(&project), ["start", "1: First thing", "log", "2: Second thing", "log"]);
    assert_eq!(git(&project, &["status", "--short", "--untracked-files=no"]), "");
}

#[test]
fn a_hook_of_git_that_takes_the_commit_back_is_a_need() {
    let project = repo(WRITES, "");
    hook(&project, "post-commit", "git log -1 --format=%s | grep -q ^2 && git reset -q --soft HEAD~1");
    project.run(&["run"]).code(2).says(&["a hook of git or a person took it back"]);
    assert_eq!(subjects(&project), ["start", "1: First thing"]);
}

#[test]
fn work_whose_snapshot_failed_is_committed_once_git_works_again() {
    let agent = "echo x > made-$SEQORCH_UNIT; [ $SEQORCH_UNIT = 2 ] && echo garbage > .git/index; say_done";
    let project = repo(agent, "");
    project.run(&["run"]).code(2);
    std::fs::remove_file(project.path(".git/index")).unwrap();
    git(&project, &["reset", "-q"]);
    let out = project.run(&["run", "--retry"]).code(0);
    out.says(&["all complete"]);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
}

#[test]
fn work_after_which_no_look_was_possible_stays_its_agents() {
    let agent = "echo x > made-$SEQORCH_UNIT\n\
                 [ $SEQORCH_UNIT$SEQORCH_ATTEMPT = 11 ] && { mv .git/HEAD .git/away; kill -9 $PPID; sleep 9; }\n\
                 say_done";
    let project = repo(agent, "");
    assert_ne!(project.run(&["run"]).code, 0);
    std::fs::rename(project.path(".git/away"), project.path(".git/HEAD")).unwrap();
    project.run(&["run", "--retry"]).code(0).says(&["all complete"]);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    assert!(git(&project, &["show", "--stat", "HEAD~1"]).contains("made-1"));
}

#[test]
fn what_a_hook_for_references_says_goes_back_to_the_agent() {
    let agent = "echo $SEQORCH_ATTEMPT > made-$SEQORCH_UNIT; cat > .out/prompt-$SEQORCH_UNIT-$SEQORCH_ATTEMPT; say_done";
    let project = repo(agent, "");
    let refuses = "[ \"$1\" = prepared ] && grep -q 1 made-1 && grep -q refs/heads && { echo try harder >&2; exit 1; }; exit 0";
    hook(&project, "reference-transaction", refuses);
    project.run(&["run"]).code(0).says(&["all complete"]);
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
    assert!(project.read(".out/prompt-1-2").contains("try harder"));
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    assert_eq!(git(&project, &["status", "--porcelain", "-uno"]), "");
}

#[test]
fn a_commit_that_is_always_refused_fails_the_task_and_opens_its_box() {
    let project = repo(WRITES, "[retry]\nattempts = 2\n");
    let hook = project.path(".git/hooks/pre-commit");
    program(&project, hook.to_str().unwrap(), "echo $$ never >&2; exit 1");
    let out = project.run(&["run"]).code(2);
    assert_eq!(project.ledger(), ["1 1", "1 2"], "{out:?}");
    assert!(
        out.stdout.contains("task 1 failed, no attempts left") && out.stdout.contains("never"),
        "{out:?}"
    );
    assert_eq!(project.tasks("demo"), TWO);
    assert_eq!(project.state("demo")["completed"], serde_json::json!([]));
}

#[test]
fn a_commit_that_git_itself_cannot_make_is_a_need_at_once() {
    let project = repo(WRITES, "");
    git(&project, &["config", "commit.gpgsign", "true"]);
    git(&project, &["config", "gpg.program", "false"]);
    let out = project.run(&["run"]).code(2);
    assert_eq!(project.ledger(), ["1 1"], "{out:?}");
    assert!(out.stdout.contains("task 1 is done, but not committed"), "{out:?}");
}

#[test]
fn a_hook_that_git_cannot_start_is_a_need_and_costs_no_attempt() {
    let project = repo(WRITES, "");
    hook(&project, "pre-commit", "exit 0");
    let path = project.path(".git/hooks/pre-commit");
    std::fs::write(&path, "#!/no/such/interpreter\n").unwrap();
    project.run(&["run"]).code(2).says(&["cannot exec"]);
    assert_eq!(project.outcomes("demo", "1"), ["done"]);
    std::fs::remove_file(&path).unwrap();
    project.run(&["run", "--retry"]).code(0).says(&["all complete"]);
}

#[test]
fn a_second_run_in_one_work_tree_is_refused() {
    let project = repo(WRITES, "");
    std::fs::create_dir_all(project.path(".git/seqorch")).unwrap();
    let lock = std::fs::File::create(project.path(".git/seqorch/work-tree.lock")).unwrap();
    lock.lock().unwrap();
    std::fs::write(project.path(".git/seqorch/work-tree.lock"), r#"{"pid":1,"spec":"other"}"#).unwrap();
    let out = project.run(&["run"]).code(75);
    let said = &out.stderr;
    assert!(said.contains("the run of other (process 1) works in this work tree"), "{said}");
    assert!(said.contains("--wait") && said.contains("seqorch stop other"), "{said}");
    drop(lock);
    project.run(&["run", "--wait"]).code(0);
}

#[test]
fn large_new_files_and_nested_repositories_are_named_as_left_out() {
    let agent = "mkdir -p app; git init -q app; echo x > app/f; head -c 1100000 /dev/zero > big; echo x > made; say_done";
    let project = repo(agent, "max_file = 1\n");
    let out = project.run(&["run", "--only", "1"]).code(0);
    out.says(&["! left out: app (a git repository of its own", "! left out: big (1 MB, above git.max_file)"]);
    assert_eq!(
        git(&project, &["show", "--name-only", "--format=", "HEAD"]),
        ".kiro/specs/demo/tasks.md\nmade"
    );
}

#[test]
fn commits_without_a_name_are_refused_before_an_agent_works() {
    let project = repo(WRITES, "");
    git(&project, &["config", "--unset", "user.name"]);
    git(&project, &["config", "--unset", "user.email"]);
    git(&project, &["config", "user.useConfigOnly", "true"]);
    let out = project.run(&["run"]).code(78);
    assert!(out.stderr.contains("no name and address") && project.ledger().is_empty(), "{out:?}");
}

#[test]
#[ignore = "slow"]
fn status_names_a_git_command_that_takes_long() {
    let project = repo(WRITES, "");
    let hook = project.path(".git/hooks/pre-commit");
    program(&project, hook.to_str().unwrap(), "until read -r _ < gate; do :; done");
    let run = project.start(&["run", "--only", "1"]);
    wait_until("status names git", || {
        project.run(&["status"]).stdout.contains("waiting for git commit --quiet")
    });
    project.release();
    run.wait().code(0);
    assert!(!project.run(&["status"]).stdout.contains("waiting for"));
}

#[test]
fn a_run_that_waits_for_the_work_tree_says_so_and_ctrl_c_ends_it() {
    let project = repo(&format!("[ $SEQORCH_SPEC = other ] && gate; {WRITES}"), "").spec("other", TWO);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "another spec"]);
    let other = project.start(&["run", "other", "--only", "1"]);
    project.wait_for_ledger(1);
    let waits = project.start(&["run", "demo", "--wait"]);
    wait_until("a note of the wait", || waits.complaints().contains("waiting for the run of other"));
    let status = project.run(&["status", "demo"]).code(0);
    assert!(status.stdout.contains("waiting for the lock of the work tree: the run of other"), "{status:?}");
    waits.signal(Signal::INT);
    waits.wait().code(130);
    assert_eq!(project.ledger().len(), 1);
    project.release();
    other.wait().code(0);
}

#[test]
fn a_workdir_in_another_work_tree_is_refused_before_any_agent() {
    let project = repo(WRITES, "");
    git(&project, &["worktree", "add", "-q", ".out/other"]);
    let out = project.run(&["run", "--workdir", ".out/other"]).code(78);
    assert!(out.stderr.contains("is not in the git work tree of the project"), "{out:?}");
    assert!(project.ledger().is_empty());
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    let out = project.run(&["run", "--only", "1", "--workdir", ".out/other"]);
    assert!(out.stderr.contains("`diff` and `undo` know nothing"), "{out:?}");
}

#[test]
fn a_filter_and_a_hook_see_the_locale_of_the_user() {
    let project = repo(WRITES, "").env("LC_ALL", "C.UTF-8");
    let filter = project.path(".out/filter");
    program(&project, filter.to_str().unwrap(), "echo \"$LC_ALL\" >> .out/locale; cat");
    git(&project, &["config", "filter.f.clean", filter.to_str().unwrap()]);
    project.write(".git/info/attributes", "made-* filter=f\n");
    let hook = project.path(".git/hooks/pre-commit");
    program(&project, hook.to_str().unwrap(), "echo \"$LC_ALL\" >> .out/locale");
    project.run(&["run", "--only", "1"]).code(0);
    let seen = project.read(".out/locale");
    assert!(seen.lines().count() >= 2 && seen.lines().all(|line| line == "C.UTF-8"), "{seen}");
}

#[test]
fn a_relative_git_dir_in_the_environment_leads_to_the_same_repository() {
    let project = repo(WRITES, "").env("GIT_DIR", ".git");
    project.run(&["run"]).code(0);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    project.run(&["diff", "2", "--stat"]).code(0).says(&["made-2"]);
}

#[test]
#[ignore = "slow"]
fn a_refusal_that_no_run_has_seen_goes_back_to_the_agent_too() {
    let agent = "if [ $SEQORCH_ATTEMPT = 1 ]; then echo bad > made-$SEQORCH_UNIT; \
                 else grep -q 'no bad files' && echo good > made-$SEQORCH_UNIT; fi; say_done";
    let project = repo(agent, "on_refused = \"halt\"\n");
    hook(
        &project,
        "pre-commit",
        "git grep --cached -q bad -- 'made-*' || exit 0; echo no bad files >&2; exit 1",
    );
    project.run(&["run", "--only", "1"]).code(2);
    // as if the run had been killed between the save of the done task and its commit
    let path = ".kiro/specs/SEQUENTIAL_STATE.json";
    let mut state: serde_json::Value = serde_json::from_str(&project.read(path)).unwrap();
    state["specs"]["demo"]["units"]["1"]["pending_commit"].as_object_mut().unwrap().remove("refused");
    project.write(path, state.to_string());
    project.write("seqorch.local.toml", "[git]\ncommit = \"step\"\n");
    git(&project, &["commit", "-qm", "retry", "--no-verify", "seqorch.local.toml"]);
    project.run(&["run", "--only", "1"]).code(0);
    assert_eq!(project.outcomes("demo", "1"), ["verify_failed", "done"]);
    assert_eq!(subjects(&project).last().unwrap(), "1: First thing");
    assert_eq!(git(&project, &["status", "--short", "--untracked-files=no"]), "");
}

#[test]
fn a_tasks_md_that_was_dirty_before_is_named_where_it_stays_uncommitted() {
    let project = repo(WRITES, "dirty = \"allow\"\n");
    let tasks = project.tasks("demo") + "\nA note of mine.\n";
    project.write(".kiro/specs/demo/tasks.md", &tasks);
    let out = project.run(&["run"]).code(0);
    let words = "not committed, because others have changed it, too";
    for id in ["1", "2"] {
        let line = format!("left out of task {id}: .kiro/specs/demo/tasks.md ({words})");
        assert!(out.stdout.contains(&line), "{}", out.stdout);
    }
    assert!(project.run(&["report"]).stdout.contains(words));
    let log = project.read(".seqorch/demo/events.jsonl");
    assert!(log.lines().last().unwrap().contains(words), "{log}");
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
    assert_eq!(
        git(&project, &["status", "--porcelain", "--", ".kiro/specs/demo"]),
        "M .kiro/specs/demo/tasks.md"
    );
}

#[test]
fn a_tasks_md_at_the_top_keeps_its_state_in_the_repository() {
    let project = repo(WRITES, "");
    git(&project, &["mv", ".kiro/specs/demo/tasks.md", "tasks.md"]);
    git(&project, &["commit", "-qm", "at the top"]);
    project.run(&["run", "tasks.md"]).code(0).says(&["all complete"]);
    assert!(
        project.path("SEQUENTIAL_STATE.json").exists() && project.path("SEQUENTIAL_PROGRESS.md").exists()
    );
    assert!(!project.root().parent().unwrap().join("SEQUENTIAL_STATE.json").exists());
    assert_eq!(subjects(&project), ["start", "at the top", "1: First thing", "2: Second thing"]);
    project.run(&["status", "."]).code(0).says(&["complete"]);
}

#[test]
#[ignore = "slow"]
fn a_filter_sees_the_environment_of_a_plain_commit_in_snapshots() {
    let project = repo(WRITES, "").env("LANGUAGE", "xx");
    let filter = project.path(".out/filter");
    let seen = project.path(".out/seen");
    let look = format!(
        "env | grep -E '^(GIT_|LANGUAGE|LC_)' | sort | tr '\\n' ' ' >> {0}; echo >> {0}; cat",
        seen.display()
    );
    program(&project, filter.to_str().unwrap(), &look);
    git(&project, &["config", "filter.f.clean", filter.to_str().unwrap()]);
    project.write(".git/info/attributes", "made-* filter=f\n");
    project.write("made-0", "0\n");
    let add = project.command_of(
        "git",
        &["-c", "core.fsmonitor=false", "commit", "-q", "--include", "made-0", "-m", "by hand"],
    );
    git(&project, &["add", "-N", "made-0"]);
    std::fs::remove_file(&seen).ok();
    let mut add = add;
    assert!(add.output().unwrap().status.success());
    let by_hand = project.read(".out/seen").lines().last().unwrap().to_owned();
    std::fs::remove_file(&seen).unwrap();
    project.run(&["run"]).code(0);
    let seen = project.read(".out/seen");
    assert!(seen.lines().count() > 1, "{seen}");
    // a file that is as new as the index is looked at once more by the commit itself, with the index that it commits
    let index =
        format!("GIT_INDEX_FILE={} ", project.path(".git/seqorch/demo/.snapshots/commit-index").display());
    for line in seen.lines() {
        assert_eq!(line.replace(&index, ""), by_hand);
    }
}

#[test]
fn a_mark_of_a_person_goes_into_the_next_commit_and_refuses_none() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    project.run(&["mark", "1", "todo"]).code(0);
    let tasks = ".kiro/specs/demo/tasks.md";
    assert_eq!(git(&project, &["status", "--porcelain", "--", tasks]), format!("M {tasks}"));
    project.run(&["run"]).code(0).says(&["task 1 done"]);
    assert_eq!(git(&project, &["status", "--porcelain", "--", tasks]), "");

    // of another task, with work that is committed after it
    project.write(tasks, "- [x] 1. First thing\n- [x] 2. Second thing\n- [ ] 3. Third\n- [ ] 4. Fourth\n");
    git(&project, &["commit", "-qam", "more"]);
    project.run(&["mark", "3", "done"]).code(0);
    let out = project.run(&["run"]).code(0);
    assert!(!out.stdout.contains("not committed"), "{out:?}");
    assert_eq!(git(&project, &["status", "--porcelain", "--", tasks]), "");
    assert!(git(&project, &["show", "HEAD", "--", tasks]).contains("+- [x] 3. Third"));

    // more than marks is still a change of others
    project.write(tasks, project.read(tasks) + "- [ ] 5. Fifth\n");
    project.run(&["run"]).code(2).says(&["the work tree has changes", tasks]);
}

#[test]
fn a_persons_commit_after_a_killed_one_is_not_the_tasks() {
    let agent = "echo agent >> shared; echo x > made-$SEQORCH_UNIT; say_done";
    let project = repo(agent, "");
    hook(&project, "pre-commit", "until read -r _ < gate; do :; done");
    let run = project.start(&["run", "--only", "1"]);
    wait_until("the hook works", || project.run(&["status"]).stdout.contains("waiting for git commit"));
    run.signal(Signal::TERM);
    run.wait().code(143);
    std::fs::remove_file(project.path(".git/hooks/pre-commit")).unwrap();
    project.write("shared", "agent\nperson\n");
    git(&project, &["add", "shared"]);
    git(&project, &["commit", "-qm", "mine", "shared"]);
    let out = project.run(&["run", "--only", "1"]).code(0);
    assert!(!out.stdout.contains("not committed"), "{out:?}");
    assert_eq!(subjects(&project), ["start", "mine", "1: First thing"]);
    let files = git(&project, &["show", "--format=", "--name-only", "HEAD"]);
    assert!(files.contains("made-1") && !files.contains("shared"), "{files}");
    assert_eq!(git(&project, &["status", "--porcelain", "shared", "made-1"]), "");
}

#[test]
fn an_edit_after_a_stopped_commit_keeps_the_next_task_back() {
    let project = repo(WRITES, "");
    hook(&project, "pre-commit", "until read -r _ < gate; do :; done");
    let run = project.start(&["run"]);
    wait_until("the hook works", || project.run(&["status"]).stdout.contains("waiting for git commit"));
    run.signal(Signal::TERM);
    run.wait().code(143);
    std::fs::remove_file(project.path(".git/hooks/pre-commit")).unwrap();
    project.write("made-1", "mine\n");
    project.run(&["run"]).code(2).says(&["the work tree has changes", "made-1"]);
    assert_eq!((project.ledger().len(), subjects(&project).len()), (1, 2));
    assert_eq!(git(&project, &["show", "HEAD:made-1"]), "1");
    assert_eq!(project.read("made-1"), "mine\n");
}
