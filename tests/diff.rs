//! `seqorch diff` shows what a task changed, from its commit or from its snapshots.

use crate::common::git::{WRITES, git, repo};

#[test]
#[ignore = "slow"]
fn diff_shows_the_changes_of_a_task_alone() {
    for commit in ["step", "off"] {
        let project = repo(&format!("echo $SEQORCH_UNIT >> shared; {WRITES}"), "");
        project.write("seqorch.local.toml", format!("[git]\ncommit = \"{commit}\"\n"));
        git(&project, &["config", "color.ui", "always"]);
        project.run(&["run"]).code(0);
        let out = project.run(&["diff", "2"]).code(0);
        assert!(out.stdout.contains("+++ b/made-2\n") && out.stdout.contains("\n+2\n"), "{commit}: {out:?}");
        assert!(!out.stdout.contains("made-1") && !out.stdout.contains('\u{1b}'), "{commit}: {out:?}");
        let stat = project.run(&["diff", "2", "--stat"]).code(0).stdout;
        assert!(stat.contains(" made-2 ") && stat.contains(" shared "), "{stat}");
        let coloured = project.run(&["--color", "always", "diff", "2"]).code(0).stdout;
        assert!(coloured.contains('\u{1b}'), "{coloured}");
    }
}

#[test]
#[ignore = "slow"]
fn diff_leaves_out_what_a_person_did_between_two_attempts() {
    let asks = r#"[ "$SEQORCH_ATTEMPT$SEQORCH_UNIT" = 11 ] && { echo a > part; echo 'Which?'; say_halt; exit; }
        echo "$SEQORCH_UNIT" > "made-$SEQORCH_UNIT"; say_done"#;
    let project = repo(asks, "");
    project.write("seqorch.local.toml", "[git]\ncommit = \"off\"\n");
    project.run(&["run"]).code(2);
    let first = project.run(&["diff", "1"]).code(0).stdout;
    assert!(first.contains("b/part") && !first.contains("mine"), "{first}");
    project.write("mine.txt", "mine\n");
    project.run(&["resume", "--answer", "This."]).code(0);
    let all = project.run(&["diff", "1"]).code(0).stdout;
    assert!(all.contains("b/part") && all.contains("b/made-1") && !all.contains("mine"), "{all}");
    assert_eq!(git(&project, &["fsck", "--no-progress"]), "", "nothing of ours in git");
}

#[test]
fn diff_has_the_commits_that_the_agent_made_itself() {
    let commits = "echo own > own; git add own; git commit -qm own; echo $SEQORCH_UNIT > rest; say_done";
    let project = repo(commits, "");
    project.run(&["run", "--only", "1"]).code(0);
    let stat = project.run(&["diff", "1", "--stat"]).code(0).stdout;
    assert!(stat.contains(" own ") && stat.contains(" rest "), "{stat}");
}

#[test]
fn diff_of_a_task_without_known_changes_names_those_that_have_some() {
    let project = repo(WRITES, "");
    project.run(&["run", "--only", "1"]).code(0);
    let out = project.run(&["diff", "2"]).code(64);
    assert!(out.stderr.contains("task 2") && out.stderr.contains("known changes: 1."), "{out:?}");
}
