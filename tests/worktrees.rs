//! A work tree of a spec's own: `run --worktree`, and verbs that a person types in the checkout.

use std::fs;
use std::path::PathBuf;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::common::git::{TWO, WRITES, git, init, repo, subjects};
use crate::common::programs::{json as json_of, program};
use crate::common::recipes::recipe;
use crate::common::{Project, wait_until};

const PAGE: &str = include_str!("../docs/worktrees.md");

/// A repository whose trees lie outside of it.
pub(crate) fn ground(agent: &str, more: &str) -> Project {
    with_state_outside(repo(agent, more))
}

fn with_state_outside(project: Project) -> Project {
    let state = project.outside().join("state");
    project.env("XDG_STATE_HOME", state)
}

/// The work tree of a branch.
pub(crate) fn tree(project: &Project, branch: &str) -> PathBuf {
    let trees = git(project, &["worktree", "list", "--porcelain"]);
    let of_branch = trees.split("\n\n").find(|tree| tree.ends_with(&format!("branch refs/heads/{branch}")));
    let top = of_branch.unwrap_or_else(|| panic!("no tree has {branch}:\n{trees}")).lines().next().unwrap();
    PathBuf::from(top.strip_prefix("worktree ").unwrap())
}

/// The state of the spec `demo` in its tree.
fn state(project: &Project) -> Value {
    let text =
        fs::read_to_string(tree(project, "seqorch/demo").join(".kiro/specs/SEQUENTIAL_STATE.json")).unwrap();
    json_of(&text)["specs"]["demo"].clone()
}

/// All that git says about files in the checkout, ignored ones too.
fn checkout(project: &Project) -> String {
    let all = git(project, &["status", "--porcelain", "--ignored", "--branch", "-uall"]);
    // except those of the test itself
    all.lines()
        .filter(|line| !line.starts_with("!! .out/") && *line != "!! ledger")
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn a_run_in_its_own_tree_leaves_the_dirty_checkout_as_it_is() {
    let project = ground(WRITES, "");
    project.write("mine.txt", "mine\n");
    project.write("agent.sh", project.read("agent.sh") + "# edited, not committed\n");
    let before = checkout(&project);
    let run = project.run(&["run", "demo", "--worktree"]).code(0);
    run.clone().says(&["on the branch seqorch/demo, made from HEAD", "2 commits on seqorch/demo"]);
    run.says(&["git merge seqorch/demo"]);
    assert_eq!(checkout(&project), before);
    assert_eq!(project.tasks("demo"), TWO);
    assert!(!project.path(".seqorch").exists() && project.state("demo").is_null());
    let there = tree(&project, "seqorch/demo");
    assert!(there.starts_with(project.outside().join("state/seqorch/trees")), "{}", there.display());
    assert_eq!(state(&project)["completed"], json!(["1", "2"]));
    assert_eq!(
        git(&project, &["log", "--format=%s", "seqorch/demo"]),
        "2: Second thing\n1: First thing\nstart"
    );
    git(&project, &["merge", "-q", "seqorch/demo"]);
    assert_eq!(project.read("made-2"), "2\n");
    assert!(project.tasks("demo").starts_with("- [x] 1. First thing"));
}

#[test]
fn the_recipe_of_the_page_works_as_it_is_typed() {
    let project = ground(WRITES, "");
    let [run, status, report, diff, merge, forget] =
        recipe(&project, PAGE, "From the evening to the merge").try_into().unwrap();
    run.code(0).says(&["git merge seqorch/demo"]);
    status.code(0).says(&["2 of 2 tasks done"]);
    report.code(0).says(&["demo: all complete"]);
    diff.code(0).says(&["made-1"]);
    merge.code(0);
    forget.code(0).says(&["removed the work tree", "removed the branch seqorch/demo"]);
    assert_eq!(subjects(&project), ["start", "1: First thing", "2: Second thing"]);
}

#[test]
fn verbs_that_look_work_from_the_checkout() {
    let project = ground(&format!("echo words of $SEQORCH_UNIT; {WRITES}"), "worktree = true\n");
    project.run(&["run", "demo", "--only", "1"]).code(0);
    let before = checkout(&project);
    assert!(project.run(&["status", "demo"]).code(0).stdout.contains("1 of 2 tasks done"));
    let status = json_of(&project.run(&["status", "--json"]).code(0).stdout);
    assert_eq!(status["completed"], json!(["1"]));
    project.run(&["logs", "1"]).code(0).says(&["words of 1"]);
    project.run(&["report"]).code(0).says(&["First thing", "made-1"]);
    project.run(&["diff", "1", "--stat"]).code(0).says(&["made-1"]);
    project.run(&["specs"]).code(0).says(&["1/2 done"]);
    project.run(&["plan", "demo", "--dry-run"]).code(0).says(&["Second thing"]);
    project.run(&["stop"]).code(0).says(&["nothing is running"]);
    project.run(&[]).code(0).says(&["1/2 done"]);
    let mut command = project.command(&["--", "seqorch", "run", "de"]);
    let proposed = command.env("SEQORCH_COMPLETE", "fish").output().unwrap();
    let proposed = String::from_utf8_lossy(&proposed.stdout).into_owned();
    assert!(proposed.contains("demo\t1/2 done"), "{proposed}");
    assert_eq!(checkout(&project), before);
}

#[test]
fn status_and_report_name_the_tree_and_its_branch() {
    let project = ground(WRITES, "");
    project.run(&["run", "demo", "--only", "1"]).code(0);
    assert!(!project.run(&["status", "demo"]).code(0).stdout.contains("work tree"));
    assert_eq!(json_of(&project.run(&["status", "demo", "--json"]).code(0).stdout)["work_tree"], Value::Null);
    git(&project, &["add", "-A"]);
    project.run(&["run", "demo", "--worktree"]).code(0);
    let top = tree(&project, "seqorch/demo").display().to_string();
    let line = format!("work tree: {top} on the branch seqorch/demo");
    project.run(&["status", "demo"]).code(0).says(&[&line]);
    project.run(&["report", "demo"]).code(0).says(&[&line]);
    let shown = json!({ "path": top, "branch": "seqorch/demo" });
    assert_eq!(json_of(&project.run(&["status", "demo", "--json"]).code(0).stdout)["work_tree"], shown);
    assert_eq!(json_of(&project.run(&["report", "demo", "--json"]).code(0).stdout)["work_tree"], shown);
    let page = project.run(&["report", "demo", "--html", "-"]).code(0).stdout;
    assert!(page.contains("<code>seqorch&#x2f;demo</code>"), "{page}");
}

#[test]
fn a_spec_that_only_its_tree_has_is_found_from_the_checkout() {
    let project =
        ground(&format!("[ $SEQORCH_UNIT.$SEQORCH_ATTEMPT = 1.1 ] && say_halt || {{ {WRITES}; }}"), "");
    project.run(&["run", "demo", "--worktree"]).code(2);
    git(&project, &["rm", "-rq", ".kiro/specs/demo"]);
    git(&project, &["commit", "-q", "-m", "elsewhere"]);
    let before = checkout(&project);
    for asked in [
        &["status"][..],
        &["status", "demo"],
        &["status", ".kiro/specs/demo"],
        &["status", ".kiro/specs/demo/tasks.md"],
    ] {
        project.run(asked).code(0).says(&["demo: needs you", "seqorch resume demo --answer"]);
    }
    project.run(&["specs"]).code(0).says(&["demo", ".kiro/specs/demo"]);
    project.run(&["plan", "demo", "--dry-run"]).code(0).says(&["Plan of demo: 2 steps"]);
    project.run(&["report"]).code(0).says(&["## Needs you"]);
    project.run(&["note", "2", "keep it short"]).code(0);
    project.run(&["resume", "demo", "--answer", "yes"]).code(0);
    project.run(&["logs", "2"]).code(0).says(&["TASK_DONE"]);
    project.run(&["diff", "2", "--stat"]).code(0).says(&["made-2"]);
    project.run(&["undo", "2", "--commit"]).code(0);
    project.run(&["run", "demo"]).code(0);
    project.run(&["run", "unknown"]).code(66).says(&["There are: demo."]);
    assert_eq!(checkout(&project), before);
    git(&project, &["merge", "-q", "--no-edit", "-s", "ours", "seqorch/demo"]);
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["removed the work tree"]);
    project.run(&["status", "demo"]).code(66);
}

#[test]
fn verbs_that_act_work_from_the_checkout() {
    let project =
        ground(&format!("[ $SEQORCH_UNIT.$SEQORCH_ATTEMPT = 1.1 ] && say_halt || {{ {WRITES}; }}"), "");
    let before = checkout(&project);
    project.run(&["run", "demo", "--worktree"]).code(2).says(&["resume demo"]);
    project.run(&["note", "2", "keep it short"]).code(0).says(&["the note is pending"]);
    project.run(&["resume", "demo", "--answer", "yes"]).code(0);
    assert_eq!(state(&project)["completed"], json!(["1", "2"]));
    assert_eq!(project.ledger(), ["1 1", "1 2", "2 1"]);
    project.run(&["undo", "2", "--commit"]).code(0);
    assert!(!tree(&project, "seqorch/demo").join("made-2").exists());
    project.run(&["mark", "2", "skip"]).code(0);
    assert_eq!(state(&project)["skipped"], json!(["2"]));
    assert_eq!(checkout(&project), before);
    // once the tree is there, no option is needed
    project.run(&["mark", "2", "todo"]).code(0);
    project.run(&["run", "demo"]).code(0);
    assert_eq!(checkout(&project), before);
    assert_eq!(state(&project)["completed"], json!(["1", "2"]));
}

#[test]
fn a_tree_that_somebody_removed_is_said_and_nothing_is_written_beside_it() {
    let project = ground(WRITES, "");
    project.run(&["run", "demo", "--worktree"]).code(0);
    fs::remove_dir_all(tree(&project, "seqorch/demo")).unwrap();
    let before = checkout(&project);
    for args in [&["mark", "1", "todo"][..], &["undo", "1"], &["note", "1", "Look again."], &["diff", "1"]] {
        let refused = project.run(args).code(2);
        assert!(refused.stderr.contains("the work tree of demo is gone"), "{args:?}: {}", refused.stderr);
    }
    for verb in ["status", "report"] {
        let shown = project.run(&[verb]);
        assert!(shown.stderr.contains("`seqorch run demo` makes it again"), "{}", shown.stderr);
    }
    assert_eq!(checkout(&project), before);
    project.run(&["run", "demo", "--worktree"]).code(0).says(&["complete"]);
    project.run(&["status"]).code(0).says(&["2 of 2"]);
}

#[test]
fn a_run_in_the_checkout_and_one_in_a_tree_work_at_once() {
    let agent = format!("[ $SEQORCH_SPEC = demo ] && gate; {WRITES}");
    let project = Project::new().spec("demo", "- [ ] 1. A\n").spec("other", "- [ ] 1. B\n").agent(&agent);
    let project = project.config("[git]\ncommit = \"step\"\n");
    init(&project);
    let trees = project.outside().join("trees");
    let project = project.env("SEQORCH_GIT__WORKTREE_DIR", trees.to_str().unwrap());
    let run = project.start(&["run", "demo"]);
    project.wait_for_ledger(1);
    project.run(&["run", "other", "--worktree"]).code(0);
    project.run(&["run", "other"]).code(0);
    assert_eq!(git(&project, &["log", "--format=%s", "main"]), "start");
    project.release();
    run.wait().code(0);
    assert_eq!(subjects(&project), ["start", "1: A"]);
    assert_eq!(git(&project, &["log", "--format=%s", "seqorch/other"]), "1: B\nstart");
    assert!(trees.join("other/made-1").exists());
}

#[test]
fn a_tree_and_a_branch_that_are_there_are_used_again() {
    let project = ground(WRITES, "worktree = true\n");
    project.run(&["run", "demo", "--only", "1"]).code(0);
    project.run(&["run", "demo", "--only", "1"]).code(0);
    let there = tree(&project, "seqorch/demo");
    // removed by hand: the branch still has what was done
    fs::remove_dir_all(&there).unwrap();
    project.run(&["status", "demo"]).code(0);
    project.run(&["run", "demo"]).code(0).says(&["which was there already"]);
    assert_eq!(tree(&project, "seqorch/demo"), there);
    assert_eq!(
        git(&project, &["log", "--format=%s", "seqorch/demo"]),
        "2: Second thing\n1: First thing\nstart"
    );
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    // where it is, is not written down any more
    fs::remove_dir_all(project.path(".git/seqorch/.trees")).unwrap();
    project.run(&["run", "demo"]).code(0).says(&["works in", "again"]);
    assert_eq!(project.ledger().len(), 2);
}

#[test]
fn what_is_not_committed_is_not_in_the_tree_and_that_is_said() {
    let project = ground(WRITES, "worktree = true\n").spec("new", "- [ ] 1. New\n");
    project
        .run(&["run", "new"])
        .code(2)
        .says(&[".kiro/specs/new/tasks.md is not committed", "git add .kiro/specs/new && git commit"]);
    assert_eq!(git(&project, &["branch", "--list", "seqorch/*"]), "");
    project.write(".kiro/specs/demo/tasks.md", format!("{TWO}- [ ] 3. Third thing\n"));
    let run = project.run(&["run", "demo"]).code(0);
    run.says(&["warning: .kiro/specs/demo/tasks.md in your checkout differs"]);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    // boxes alone are no difference
    project.write(".kiro/specs/demo/tasks.md", TWO);
    let again = project.run(&["run", "demo"]).code(0);
    assert!(!again.stderr.contains("differs"), "{}", again.stderr);
}

#[test]
fn what_stands_in_the_way_of_a_tree_is_named_and_starts_no_agent() {
    let project = ground(WRITES, "");
    git(&project, &["switch", "-q", "-c", "seqorch/demo"]);
    let run = project.run(&["run", "demo", "--worktree"]).code(2);
    run.says(&["the branch seqorch/demo is checked out in", "your checkout"]);
    git(&project, &["switch", "-q", "main"]);
    let elsewhere = project.outside().join("elsewhere");
    git(&project, &["worktree", "add", "-q", elsewhere.to_str().unwrap(), "seqorch/demo"]);
    project.run(&["run", "demo", "--worktree"]).code(2).says(&["is checked out in", "elsewhere"]);
    git(&project, &["worktree", "remove", elsewhere.to_str().unwrap()]);
    let trees = project.outside().join("trees");
    project.write(trees.join("demo/file"), "");
    let project = project.env("SEQORCH_GIT__WORKTREE_DIR", trees.to_str().unwrap());
    project.run(&["run", "demo", "--worktree"]).code(2).says(&["is not a work tree of this repository"]);
    fs::remove_file(trees.join("demo/file")).unwrap();
    git(&project, &["rm", "-q", "--cached", "-r", ".kiro"]);
    git(&project, &["commit", "-q", "-m", "without the spec"]);
    git(&project, &["branch", "-f", "seqorch/demo"]);
    project
        .run(&["run", "demo", "--worktree"])
        .code(2)
        .says(&["the branch seqorch/demo has no .kiro/specs/demo"]);
    let project = project.config("[git]\nbranch = \"a b\"\n");
    project.run(&["run", "demo", "--worktree"]).code(78).says(&["git.branch", "not a valid branch name"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn a_repository_without_commits_and_none_at_all_get_no_tree() {
    let project = Project::new().spec("demo", TWO);
    project.run(&["run", "demo", "--worktree"]).code(78).says(&["is in no git repository"]);
    git(&project, &["init", "-q"]);
    project.run(&["run", "demo", "--worktree"]).code(2).says(&["has no commit yet"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn a_detached_head_and_a_project_below_the_top_get_a_tree() {
    let project = ground(WRITES, "");
    git(&project, &["checkout", "-q", "--detach"]);
    project.run(&["run", "demo", "--worktree"]).code(0).says(&["git merge seqorch/demo"]);
    let below = Project::new().file("app/specs/x/tasks.md", "- [ ] 1. A\n").agent(WRITES);
    below.write("app/seqorch.toml", below.read("seqorch.toml") + "[git]\ncommit = \"step\"\n");
    below.write("app/agent.sh", below.read("agent.sh"));
    init(&below);
    let below = with_state_outside(below);
    below.run(&["-C", "app", "run", "x", "--worktree"]).code(0);
    assert!(tree(&below, "seqorch/x").join("app/made-1").exists());
    below.run(&["-C", "app", "status", "x"]).code(0).says(&["1 of 1 task done"]);
}

#[test]
fn a_tree_is_prepared_once_and_a_command_that_fails_starts_no_agent() {
    let project = ground(WRITES, "worktree = true\n");
    let step = program(&project, "prepare", "echo to out; echo \"to err $1\" >&2; cat .env; test -e \"$1\"");
    let ready = project.path(".out/ready");
    let setup = format!(
        "[git]\ncommit = \"step\"\nworktree = true\nworktree_copy = [\".env\", \"gone\"]\n\
         worktree_setup = [[\"true\"], [\"{}\", \"{}\"]]\n",
        step.display(),
        ready.display()
    );
    project.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\n.env\n");
    let project = project.config(&setup).file(".env", "PORT=1\n").env("API_TOKEN", "tok-123456789");
    project.write(".env", "PORT=1\nx tok-123456789\n");
    let failed = project.run(&["run", "demo"]).code(69);
    failed.clone().says(&["failed (exit code 1)", "to out", "to err", "worktree-setup.log", "there is no"]);
    assert!(!failed.stderr.contains("tok-123456789"), "{}", failed.stderr);
    assert_eq!(project.ledger(), [""; 0]);
    let log = failed.stderr.lines().find_map(|line| line.split_once("All of its output: ")).unwrap().1;
    let log = fs::read_to_string(log).unwrap();
    assert!(log.contains("$ true\n") && log.contains("PORT=1") && !log.contains("tok-123"), "{log}");
    fs::write(&ready, "").unwrap();
    project.run(&["run", "demo", "--only", "1"]).code(0).says(&["preparing the work tree"]);
    assert_eq!(
        fs::read_to_string(tree(&project, "seqorch/demo").join(".env")).unwrap(),
        project.read(".env")
    );
    let again = project.run(&["run", "demo"]).code(0);
    assert!(!again.stderr.contains("preparing"), "{}", again.stderr);
}

#[test]
fn what_is_added_to_the_setup_later_is_done_in_the_tree_that_is_there() {
    let project = ground(WRITES, "worktree = true\n").file(".env", "PORT=1\n");
    project.write(".git/info/exclude", "ledger\ngate\n.out/\n.home/\n.env\nprepared\n");
    project.run(&["run", "demo", "--only", "1"]).code(0);
    let there = tree(&project, "seqorch/demo");
    let added = "[git]\ncommit = \"step\"\nworktree = true\nworktree_copy = [\".env\"]\n\
                 worktree_setup = [[\"sh\", \"-c\", \"echo once >> prepared\"]]\n";
    project.write("seqorch.local.toml", added);
    project.run(&["run", "demo"]).code(0).says(&["preparing the work tree"]);
    project.run(&["run", "demo"]).code(0);
    assert_eq!(fs::read_to_string(there.join("prepared")).unwrap(), "once\n");
    assert_eq!(fs::read_to_string(there.join(".env")).unwrap(), "PORT=1\n");
}

#[test]
fn forget_keeps_a_tree_whose_submodule_has_commits_of_its_own() {
    let library = repo("", "");
    let commit =
        "cd lib && echo more > more && git add more && git -c user.name=t -c user.email=t commit -qm more";
    let setup = "worktree_setup = [[\"git\", \"-c\", \"protocol.file.allow=always\", \"submodule\", \"update\", \"--init\"]]\n";
    let project = ground(&format!("( [ $SEQORCH_UNIT = 2 ] || {{ {commit}; }} ); {WRITES}"), setup);
    let from = library.root().to_str().unwrap();
    git(&project, &["-c", "protocol.file.allow=always", "submodule", "add", "-q", from, "lib"]);
    git(&project, &["commit", "-q", "-m", "with a submodule"]);
    project.run(&["run", "demo", "--worktree"]).code(0);
    git(&project, &["merge", "-q", "seqorch/demo"]);
    let kept = project.run(&["forget", "demo", "--yes"]).code(2);
    kept.says(&["submodules with commits of their own", "lib: 1 commit that none of its remotes has"]);
    let there = tree(&project, "seqorch/demo").join("lib");
    git(&project, &["-C", there.to_str().unwrap(), "push", "-q", "origin", "HEAD:refs/heads/more"]);
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["removed the work tree"]);
}

#[test]
fn commands_that_prepare_a_tree_have_to_be_trusted() {
    let project =
        ground(WRITES, "worktree_setup = [[\"touch\", \"prepared\"]]\nworktree_copy = [\"../x\"]\n");
    let project = project.env("SEQORCH_TRUST", "0");
    project.run(&["run", "demo", "--worktree"]).code(78).says(&["git.worktree_setup", "git.worktree_copy"]);
    assert_eq!(git(&project, &["branch", "--list", "seqorch/*"]), "");
}

#[test]
fn a_copy_follows_no_link_out_of_the_project() {
    let project = ground(WRITES, "worktree_copy = [\"secret\"]\n");
    let outside = project.outside().join("key");
    fs::write(&outside, "PRIVATE").unwrap();
    std::os::unix::fs::symlink(&outside, project.path("secret")).unwrap();
    project.run(&["run", "demo", "--worktree"]).code(78).says(&["secret leads out of the project"]);
    assert_eq!(project.ledger(), [""; 0]);
}

#[test]
fn a_kill_while_git_makes_the_tree_costs_nothing() {
    // killed after the branch is there, and while the files are checked out
    for act in [
        "\"$real\" branch seqorch/demo HEAD; kill -9 $PPID; exit 1",
        "\"$real\" \"$@\"; rm \"$(\"$real\" worktree list | tail -1 | cut -d' ' -f1)/agent.sh\"; kill -9 $PPID; exit 1",
    ] {
        let project = ground(WRITES, "");
        let real = which("git");
        let script =
            format!("real='{real}'\ncase \"$*\" in *'worktree add'*) {act};; esac\nexec \"$real\" \"$@\"");
        let git_of_test = program(&project, "git", &script);
        let path = std::env::var("PATH").unwrap();
        let mut killed = project.command(&["run", "demo", "--worktree"]);
        killed.env("PATH", format!("{}:{path}", git_of_test.parent().unwrap().display()));
        assert!(!killed.output().unwrap().status.success());
        assert_eq!(
            git(&project, &["branch", "--list", "seqorch/*", "--format=%(refname:short)"]),
            "seqorch/demo"
        );
        project.run(&["run", "demo", "--worktree"]).code(0);
        assert_eq!(state(&project)["completed"], json!(["1", "2"]));
        assert_eq!(git(&project, &["status", "--short"]), "");
    }
}

pub(crate) fn which(name: &str) -> String {
    let path = std::env::var_os("PATH").unwrap();
    let found = std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file());
    found.unwrap().display().to_string()
}

#[test]
fn a_run_that_was_killed_continues_in_its_tree() {
    let project = ground(&format!("gate; {WRITES}"), "");
    let run = project.start(&["run", "demo", "--worktree"]);
    project.wait_for_ledger(1);
    run.signal(Signal::KILL);
    drop(run);
    project.run(&["status", "demo"]).code(0).says(&["no run watches it"]);
    let again = project.start(&["run", "demo", "--retry"]);
    project.release();
    project.wait_for_ledger(2);
    project.release();
    again.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
    assert_eq!(state(&project)["completed"], json!(["1", "2"]));
    assert!(!project.path(".seqorch").exists());
}

#[test]
fn submodules_that_are_empty_in_the_tree_are_named() {
    let project = ground(WRITES, "");
    project.write(".gitmodules", "[submodule \"lib\"]\n\tpath = lib\n\turl = ../lib\n");
    git(&project, &["add", ".gitmodules"]);
    git(&project, &["commit", "-qm", "a submodule"]);
    project.run(&["run", "demo", "--worktree"]).code(0).says(&["submodules are empty in the work tree"]);
}

#[test]
fn a_protected_branch_does_not_stop_a_run_in_its_own_tree() {
    let project = ground(WRITES, "protect = [\"main\"]\n");
    project.run(&["run", "demo"]).code(78);
    project.run(&["run", "demo", "--worktree"]).code(0);
    let project = ground(WRITES, "protect = [\"seqorch/*\"]\n");
    project.run(&["run", "demo", "--worktree"]).code(78).says(&["seqorch/demo is protected"]);
}

#[test]
fn several_specs_get_a_tree_each() {
    let project = Project::new().spec("a", "- [ ] 1. A\n").spec("b", "- [ ] 1. B\n").agent(WRITES);
    let project = project.config("[git]\ncommit = \"step\"\nworktree = true\nbranch = \"night/{spec}\"\n");
    init(&project);
    let project = with_state_outside(project);
    project.run(&["run", "a", "b"]).code(0);
    for name in ["a", "b"] {
        assert!(tree(&project, &format!("night/{name}")).join("made-1").exists());
    }
    assert_eq!(git(&project, &["status", "--short"]), "");
    project.run(&["specs"]).code(0).says(&["1/1 done"]);
}

#[test]
fn a_detached_run_works_in_its_tree() {
    let Some(project) = Project::new().spec("demo", TWO).agent(WRITES).tmux() else { return };
    let project = project.config("[git]\ncommit = \"step\"\n");
    init(&project);
    let project = with_state_outside(project);
    project.run(&["run", "demo", "--worktree", "--detach"]).code(0).says(&["detached"]);
    wait_until("the end of the run", || {
        project.run(&["status", "demo"]).stdout.contains("2 of 2 tasks done")
    });
    assert_eq!(state(&project)["completed"], json!(["1", "2"]));
    assert_eq!(git(&project, &["status", "--short"]), "");
    project.run(&["attach", "demo", "1"]).code(64).says(&["attach needs a terminal"]);
    assert!(project.windows("sequential-demo").iter().any(|name| name.contains("main")));
}

#[test]
fn forget_removes_the_tree_and_a_branch_that_is_merged() {
    let project = ground(WRITES, "");
    project.run(&["run", "demo", "--worktree"]).code(0);
    let there = tree(&project, "seqorch/demo");
    project.run(&["forget", "demo"]).code(64).says(&["forget asks first"]);
    fs::write(there.join("mine"), "").unwrap();
    project.run(&["forget", "demo", "--yes"]).code(2).says(&["has 1 file not committed", "  mine"]);
    fs::remove_file(there.join("mine")).unwrap();
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["the branch seqorch/demo stays"]);
    assert!(!there.exists() && !project.path(".git/seqorch/demo").exists());
    assert_eq!(git(&project, &["worktree", "list"]).lines().count(), 1);
    project.run(&["status", "demo"]).code(0).says(&["0 of 2 tasks done"]);
    // the branch has what was done
    project.run(&["run", "demo", "--worktree"]).code(0).says(&["which was there already", "all complete"]);
    git(&project, &["merge", "-q", "seqorch/demo"]);
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["removed the branch seqorch/demo"]);
    assert_eq!(git(&project, &["branch", "--list", "seqorch/*"]), "");
    assert_eq!(git(&project, &["status", "--short"]), "");
}

#[test]
fn forget_asks_for_a_branch_that_is_not_merged() {
    let project = ground(WRITES, "");
    project.run(&["run", "demo", "--worktree"]).code(0);
    let asked = in_terminal(&project, "forget demo", "y\nn\n");
    assert!(asked.contains("Delete the branch seqorch/demo, too, with 2 commits"), "{asked}");
    assert!(asked.contains("the branch seqorch/demo stays"), "{asked}");
    project.run(&["run", "demo", "--worktree"]).code(0);
    let asked = in_terminal(&project, "forget demo", "y\ny\n");
    assert!(asked.contains("removed the branch seqorch/demo"), "{asked}");
    assert_eq!(git(&project, &["branch", "--list", "seqorch/*"]), "");
}

/// What the program prints on a terminal of its own to a person who types this.
fn in_terminal(project: &Project, args: &str, typed: &str) -> String {
    let line = format!("'{}' {args}", env!("CARGO_BIN_EXE_seqorch"));
    let mut command = project.command_of("script", &["-qec", &line, "/dev/null"]);
    command.stdin(std::process::Stdio::piped()).stdout(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), typed.as_bytes()).unwrap();
    String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout).into_owned()
}

#[test]
fn forget_leaves_a_tree_in_which_a_run_works() {
    let project = ground(&format!("gate; {WRITES}"), "");
    let run = project.start(&["run", "demo", "--worktree", "--only", "1"]);
    project.wait_for_ledger(1);
    project.run(&["forget", "demo", "--yes"]).code(75);
    project.release();
    run.wait().code(0);
    assert!(tree(&project, "seqorch/demo").join("made-1").exists());
}

#[test]
fn an_agent_in_a_sandbox_writes_its_tree_and_reads_git() {
    let Some(project) = crate::sandbox::in_bwrap("[git]\ncommit = \"step\"\n") else { return };
    let script = format!(
        "cat '{root}/secret' 2>&1; echo x > '{root}/made-by-agent'; git log --format=%s > seen; git config a.b c; {WRITES}",
        root = project.root().display()
    );
    let project = project.agent(&script);
    init(&project);
    let project = with_state_outside(project.file("secret", "PRIVATE"));
    let run = project.run(&["run", "login", "--worktree"]).code(0);
    let there = tree(&project, "seqorch/login");
    assert_eq!(fs::read_to_string(there.join("seen")).unwrap(), "start\n");
    assert!(!run.stdout.contains("PRIVATE") && !project.path("made-by-agent").exists(), "{}", run.stdout);
    assert_eq!(git(&project, &["config", "a.b"]), "");
    assert_eq!(git(&project, &["log", "--format=%s", "seqorch/login"]), "1: A\nstart");
}

#[test]
fn a_full_disk_leaves_no_half_made_tree_and_no_branch() {
    use std::process::Command;
    if !Command::new("unshare").args(["--mount", "true"]).status().is_ok_and(|status| status.success()) {
        crate::common::skipped("no mount namespaces here");
        return;
    }
    let project = ground(WRITES, "");
    project.write("big", "x".repeat(400_000));
    git(&project, &["add", "big"]);
    git(&project, &["commit", "-qm", "big"]);
    let trees = project.outside().join("trees");
    fs::create_dir(&trees).unwrap();
    let project = project.env("SEQORCH_GIT__WORKTREE_DIR", trees.to_str().unwrap());
    let exe = env!("CARGO_BIN_EXE_seqorch");
    let folder = trees.display();
    let script = format!(
        "mount -t tmpfs -o size=64k tmpfs '{folder}' && '{exe}' run demo --worktree; code=$?; ls -A '{folder}'; exit $code"
    );
    let failed = project.command_of("unshare", &["--mount", "sh", "-c", &script]).output().unwrap();
    let text =
        String::from_utf8_lossy(&failed.stderr).into_owned() + &String::from_utf8_lossy(&failed.stdout);
    assert_eq!(failed.status.code(), Some(2), "{text}");
    assert!(text.contains("unable to write file") && text.contains("No agent was started"), "{text}");
    assert!(!text.lines().any(|line| line == "demo"), "{text}");
    assert_eq!(git(&project, &["branch", "--list", "seqorch/*"]), "");
    project.run(&["run", "demo", "--worktree"]).code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}

#[test]
fn specs_whose_names_give_the_same_branch_have_trees_of_their_own() {
    let project = ground(WRITES, "").spec("user auth", TWO).spec("user-auth", TWO);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "two more"]);
    for spec in ["user auth", "user-auth"] {
        project.run(&["run", spec, "--worktree"]).code(0);
    }
    let branches = git(&project, &["branch", "--list", "--format=%(refname:short)", "seqorch/*"]);
    assert_eq!(branches.lines().count(), 2, "{branches}");
    assert_eq!(git(&project, &["worktree", "list"]).lines().count(), 3);
}

#[test]
fn forget_leaves_a_tree_in_which_another_spec_works_too() {
    let project = ground(WRITES, "branch = \"night\"\n").spec("more", TWO);
    git(&project, &["add", "-A"]);
    git(&project, &["commit", "-qm", "more"]);
    project.run(&["run", "demo", "--worktree"]).code(0);
    project.run(&["run", "more", "--worktree"]).code(0);
    let there = tree(&project, "night");
    project.run(&["forget", "demo", "--yes"]).code(0).says(&["stays, because .kiro/specs/more works in it"]);
    assert!(there.exists());
    project.run(&["status", "more"]).code(0).says(&["2 of 2 tasks done"]);
    project.run(&["forget", "more", "--yes"]).code(0).says(&["removed the work tree"]);
    assert!(!there.exists());
}

#[test]
fn a_run_waits_while_another_makes_the_tree() {
    let setup = "worktree_setup = [[\"sh\", \"-c\", \"touch $TEST_PROJECT/.home/begun; while [ ! -e $TEST_PROJECT/.home/go ]; do sleep 0.02; done\"]]\n";
    let project = ground(WRITES, setup);
    fs::create_dir_all(project.path(".home")).unwrap();
    // one that waits may be the first to run once the tree is there, so this one may have to wait, too
    let first = project.start(&["run", "demo", "--worktree", "--wait"]);
    wait_until("the setup", || project.path(".home/begun").exists());
    project.run(&["run", "demo", "--worktree"]).code(75).says(&["makes or removes the work tree", "--wait"]);
    let stopped = project.start(&["run", "demo", "--worktree", "--wait"]);
    let second = project.start(&["run", "demo", "--worktree", "--wait"]);
    for waits in [&stopped, &second] {
        wait_until("a note of the wait", || waits.complaints().contains("makes the work tree of demo"));
    }
    stopped.signal(Signal::INT);
    stopped.wait().code(130);
    fs::write(project.path(".home/go"), "").unwrap();
    first.wait().code(0);
    second.wait().code(0);
    assert_eq!(project.ledger(), ["1 1", "2 1"]);
}
