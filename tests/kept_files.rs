//! What is kept of a run lies where `git clean` does not reach, and ends with `forget` and `log.keep`.

use std::fs;

use crate::common::Project;
use crate::common::git::{TWO, WRITES, git, hook, repo};
use crate::common::programs::json;

/// Everything below git's folder that is not git's.
fn ours(project: &Project) -> Vec<String> {
    let find = std::process::Command::new("find")
        .args([".git/seqorch", "-type", "f"])
        .current_dir(project.root())
        .output();
    String::from_utf8_lossy(&find.unwrap().stdout)
        .lines()
        .filter(|path| !["/work-tree.lock", "/agent.lock"].iter().any(|lock| path.ends_with(lock)))
        .map(str::to_owned)
        .collect()
}

fn objects(project: &Project) -> usize {
    ours(project).iter().filter(|path| path.contains("/objects/")).count()
}

#[test]
#[ignore = "slow"]
fn a_run_survives_an_agent_that_cleans_the_work_tree() {
    // git cleans ignored files, too, but not those that the test needs
    let cleans =
        "echo said by $SEQORCH_UNIT; git clean -fdxq -e ledger -e gate -e .out -e .home; rm -rf .seqorch; ";
    for config in ["commit = \"step\"", "commit = \"off\""] {
        let project = repo(&format!("{cleans}{WRITES}"), "");
        project.write("seqorch.local.toml", format!("[git]\n{config}\n"));
        git(&project, &["commit", "-qam", "configuration"]);
        project.run(&["run"]).code(0);
        assert_eq!(project.ledger(), ["1 1", "2 1"], "nothing was done twice");
        assert_eq!(project.outcomes("demo", "1"), ["done"]);
        for unit in ["1", "2"] {
            project.run(&["logs", unit]).code(0).says(&[&format!("said by {unit}")]);
        }
        let events = project.read(".seqorch/demo/events.jsonl");
        for event in ["run_started", "run_ended"] {
            assert_eq!(events.matches(&format!("\"{event}\"")).count(), 1, "{events}");
        }
        let progress = project.read(".kiro/specs/SEQUENTIAL_PROGRESS.md");
        assert_eq!(progress.matches("# Sequential Execution Progress").count(), 1, "{progress}");
        assert!(progress.contains("First thing") && progress.contains("Second thing"), "{progress}");
        assert_eq!(project.read(".seqorch/.gitignore"), "*\n");
    }
}

#[test]
fn a_run_whose_specs_an_agent_removed_says_so_and_repeats_nothing() {
    let project = repo(&format!("[ $SEQORCH_UNIT = 1 ] && rm -rf .kiro; {WRITES}"), "");
    project.run(&["run"]).code(66).says(&["there is no", ".kiro/specs any more", "Bring it back"]);
    git(&project, &["checkout", "-q", "--", ".kiro"]);
    project.run(&["run"]).code(0).says(&["taking its result"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"], "nothing was done twice");
}

#[test]
fn status_and_stop_find_a_run_whose_files_its_agent_removed() {
    let project = repo("rm -rf .seqorch .kiro/specs/SEQUENTIAL_*; note cleaned; gate; say_done", "");
    let run = project.start(&["run"]);
    project.wait_for_ledger(2);
    let status = json(&project.run(&["status", "--json"]).code(0).stdout);
    assert_eq!(status["run"]["pid"], run.pid(), "{status:#}");
    assert_eq!(
        (&status["state"], &status["running"]["unit"]),
        (&"running".into(), &"1".into()),
        "{status:#}"
    );
    project.run(&["stop", "--now"]).code(0);
    run.wait().code(143);
}

#[test]
fn what_an_older_version_kept_in_the_work_tree_stays_readable() {
    let project = repo(&format!("echo said by $SEQORCH_UNIT; {WRITES}"), "");
    project.write("seqorch.local.toml", "[git]\nsnapshot = false\n");
    project.run(&["run", "--only", "1"]).code(0);
    assert!(project.path(".seqorch/demo/1/1/result.json").exists());
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    project.run(&["run"]).code(0);
    assert!(project.path(".git/seqorch/demo/2/1/result.json").exists());
    for unit in ["1", "2"] {
        project.run(&["logs", unit]).code(0).says(&[&format!("said by {unit}")]);
    }
}

#[test]
fn without_snapshots_and_commits_nothing_is_written_to_gits_folder() {
    let project = repo(WRITES, "");
    project.write("seqorch.local.toml", "[git]\nsnapshot = false\n");
    let before = project.tree();
    project.run(&["run"]).code(0);
    let in_git = |tree: Vec<(std::path::PathBuf, Option<Vec<u8>>)>| {
        tree.into_iter().filter(|(path, _)| path.starts_with(project.path(".git"))).collect::<Vec<_>>()
    };
    assert_eq!(in_git(before), in_git(project.tree()));
}

#[test]
fn a_project_without_git_keeps_all_in_its_own_folder() {
    let project = Project::new().spec("demo", TWO);
    project.run(&["run"]).code(0);
    assert!(project.path(".seqorch/demo/1/1/result.json").exists() && !project.path(".git").exists());
}

#[test]
#[ignore = "slow"]
fn a_state_that_a_person_moved_away_between_runs_is_not_brought_back() {
    let project = repo(WRITES, "");
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n[tasks]\ntick = \"off\"\n");
    project.run(&["run"]).code(0);
    fs::remove_file(project.path(".kiro/specs/SEQUENTIAL_STATE.json")).unwrap();
    project.run(&["run"]).code(0);
    assert_eq!(project.ledger().len(), 4);
}

#[test]
#[ignore = "slow"]
fn forget_removes_all_that_is_kept_after_asking() {
    let project = repo(WRITES, "");
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    project.run(&["run"]).code(0);
    assert!(objects(&project) > 0);
    let out = project.run(&["forget", "demo"]).code(64);
    assert!(out.stderr.contains("--yes") && !ours(&project).is_empty(), "{out:?}");
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["2 attempts"]);
    assert!(ours(&project).is_empty() && !project.path(".seqorch/demo").exists());
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["nothing is kept"]);
    assert_eq!(project.state("demo")["completed"], serde_json::json!(["1", "2"]), "what is done stays done");
    project.run(&["diff", "1"]).code(64);
    project.run(&["undo", "1"]).code(64);
    project.run(&["run"]).code(0);
}

#[test]
#[ignore = "slow"]
fn forget_removes_what_is_kept_of_a_spec_that_was_renamed() {
    let project = repo(WRITES, "");
    project.run(&["run"]).code(0);
    git(&project, &["mv", ".kiro/specs/demo", ".kiro/specs/archived"]);
    git(&project, &["commit", "-qm", "archived"]);
    project.run(&["forget", "demo"]).code(64).says(&["demo is not in this work tree any more", "--yes"]);
    project.run(&["forget", "other", "--yes"]).code(66).says(&["there is no spec other"]);
    project
        .run(&["forget", "demo", "--yes"])
        .code(0)
        .says(&["demo: removed snapshots, results and logs of 2 attempts"]);
    assert!(ours(&project).is_empty(), "{:?}", ours(&project));
    project.run(&["forget", "demo", "--yes"]).code(66);
}

#[test]
#[ignore = "slow"]
fn forget_of_a_spec_that_is_gone_names_a_pending_commit() {
    let project = repo(WRITES, "on_refused = \"halt\"\n");
    hook(&project, "pre-commit", "exit 1");
    project.run(&["run", "--only", "1"]).code(2).says(&["task 1 is done, but not committed"]);
    std::fs::remove_dir_all(project.path(".kiro/specs/demo")).unwrap();
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["! not committed yet, and will not be: task 1"]);
    assert!(ours(&project).is_empty(), "{:?}", ours(&project));
}

#[test]
fn forget_refuses_while_a_run_works() {
    let project = repo("gate; say_done", "");
    let run = project.start(&["run"]);
    project.wait_for_ledger(1);
    project.run(&["forget", "demo", "--yes"]).code(75);
    project.run(&["stop", "--now"]).code(0);
    run.wait().code(143);
}

#[test]
#[ignore = "slow"]
fn snapshots_of_committed_tasks_go_and_their_changes_stay_known() {
    let project = repo("head -c 100000 /dev/urandom > big; say_done", "");
    project.run(&["run"]).code(0);
    // a third task: the run that begins removes what the first one left
    let tasks = project.tasks("demo");
    project.write(".kiro/specs/demo/tasks.md", format!("{tasks}- [ ] 3. Third thing\n"));
    git(&project, &["commit", "-qam", "a third task"]);
    let before = objects(&project);
    project.run(&["run"]).code(0);
    assert!(objects(&project) < before + 3, "{before}, then {}", objects(&project));
    project.run(&["diff", "1", "--stat"]).code(0).says(&["big"]);
    project.run(&["undo", "3"]).code(0);
    project.run(&["report"]).code(0).says(&["big"]);
}

#[test]
#[ignore = "slow"]
fn snapshots_of_open_tasks_are_kept() {
    let project = repo(WRITES, "");
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    project.run(&["run", "--only", "1"]).code(0);
    project.run(&["run"]).code(0);
    project.run(&["diff", "1"]).code(0).says(&["b/made-1"]);
    project.run(&["undo", "1"]).code(0);
    assert!(!project.path("made-1").exists());
}

#[test]
fn two_work_trees_of_a_repository_keep_their_own_files() {
    let project = repo(WRITES, "");
    git(&project, &["worktree", "add", "-q", ".out/linked"]);
    project.run(&["run", "--only", "1"]).code(0);
    let linked = project.path(".out/linked");
    let out = project.run(&["-C", linked.to_str().unwrap(), "logs", "1"]);
    assert_ne!(out.code, 0, "{out:?}");
}
