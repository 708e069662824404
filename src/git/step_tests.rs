//! Steps in all kinds of repositories: what is committed, and what stays as it was.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use super::call::GitError;
use super::commit::{CommitError, CommitOutcome, CommitRequest};
use super::history::HeadMovement;
use super::operation::GitOperation;
use super::restore::RestoreOutcome;
use super::snapshot::Snapshots;
use super::status::Head;
use super::testing::*;
use crate::sys::stop_flag::StopFlag;

fn write(top: &Path, name: &str, text: &str) {
    let path = top.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn is_new(done: &Result<CommitOutcome, CommitError>) -> bool {
    matches!(done, Ok(CommitOutcome::New { beyond, .. }) if beyond.is_empty())
}

#[test]
fn a_step_commits_its_own_files_and_nothing_else() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    write(top, "human.txt", "dirty before\n");
    write(top, "staged.txt", "staged before\n");
    git(top, &["add", "staged.txt"]);
    let done = step(&repo, |top| {
        write(top, "a b/new.txt", "x\n");
        write(top, "first", "changed\n");
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["A\ta b/new.txt", "M\tfirst"]);
    assert_eq!(status(top), ["A  staged.txt", "?? human.txt"]);
    assert_eq!(git(top, &["fsck", "--full"]), "");
    assert!(!git(top, &["log", "--all", "--format=%s"]).contains("seqorch"));
    let commit = git(top, &["rev-parse", "HEAD"]);
    fs::remove_dir_all(repo.private_folder("test")).unwrap();
    git(top, &["gc", "-q", "--prune=now"]);
    assert_eq!(git(top, &["fsck", "--full"]), "");
    assert_eq!(git(top, &["rev-parse", "HEAD"]), commit);
}

#[test]
fn files_of_seqorch_that_an_agent_staged_are_in_no_commit() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    write(top, "SEQUENTIAL_STATE.json", "{}");
    git(top, &["add", "-A"]);
    let done = step(&repo, |top| write(top, "made", "x"));
    assert!(is_new(&done), "{done:?}");
    assert_eq!(
        (last_commit(top), status(top)),
        (vec!["A\tmade".into()], vec!["A  SEQUENTIAL_STATE.json".into()])
    );
}

#[test]
fn the_first_commit_of_a_repository_may_be_a_tasks() {
    let (_dir, repo) = unborn();
    write(&repo.top, "human.txt", "not the agent's\n");
    let done = step(&repo, |top| write(top, "made", "x"));
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(&repo.top), ["A\tmade"]);
    assert_eq!(status(&repo.top), ["?? human.txt"]);
}

#[test]
fn links_for_folders_and_back_are_committed_as_they_are() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    for folder in ["d", "e"] {
        write(top, &format!("{folder}/x"), folder);
    }
    git(top, &["add", "."]);
    git(top, &["commit", "-qm", "folders"]);
    let done = step(&repo, |top| {
        fs::remove_dir_all(top.join("d")).unwrap();
        symlink("e", top.join("d")).unwrap();
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["A\td", "D\td/x"]);
    assert!(status(top).is_empty());
    let done = step(&repo, |top| {
        fs::remove_file(top.join("d")).unwrap();
        write(top, "d/y", "back");
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["D\td", "A\td/y"]);
    assert!(status(top).is_empty());
}

#[test]
fn a_file_for_a_folder_and_back_is_committed() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let done = step(&repo, |top| {
        fs::remove_file(top.join("first")).unwrap();
        write(top, "first/inside", "x");
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["D\tfirst", "A\tfirst/inside"]);
    let done = step(&repo, |top| {
        fs::remove_dir_all(top.join("first")).unwrap();
        write(top, "first", "file");
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["A\tfirst", "D\tfirst/inside"]);
    assert!(status(top).is_empty());
}

#[test]
fn names_of_any_bytes_and_modes_are_committed() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let odd = std::ffi::OsStr::from_bytes(b"caf\xe9 \"q\"\t.txt");
    let done = step(&repo, |top| {
        fs::write(top.join(odd), "x").unwrap();
        write(top, "line\nbreak", "x");
        fs::set_permissions(top.join("first"), fs::Permissions::from_mode(0o755)).unwrap();
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top).len(), 3);
    assert!(status(top).is_empty());
}

#[test]
fn a_case_only_rename_is_a_removal_and_a_new_file() {
    let (_dir, repo) = repository();
    let done = step(&repo, |top| fs::rename(top.join("first"), top.join("First")).unwrap());
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(&repo.top), ["A\tFirst", "D\tfirst"]);
}

#[test]
fn what_the_agent_staged_moved_or_removed_with_git_is_committed() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    write(top, "dead", "x");
    git(top, &["add", "dead"]);
    git(top, &["commit", "-qm", "dead"]);
    let done = step(&repo, |top| {
        git(top, &["mv", "first", "moved"]);
        git(top, &["rm", "-q", "dead"]);
        write(top, "made", "x");
        git(top, &["add", "made"]);
        write(top, "made", "y");
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["D\tdead", "D\tfirst", "A\tmade", "A\tmoved"]);
    assert!(status(top).is_empty());
}

#[test]
fn a_file_removed_from_the_index_and_ignored_is_removed_by_the_commit() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let done = step(&repo, |top| {
        git(top, &["rm", "-q", "--cached", "first"]);
        write(top, ".gitignore", "first\n");
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["A\t.gitignore", "D\tfirst"]);
    assert!(top.join("first").exists() && status(top).is_empty());
}

#[test]
fn an_ignored_file_that_the_agent_adds_by_force_is_committed() {
    let (_dir, repo) = repository();
    write(&repo.top, ".gitignore", "*.log\n");
    git(&repo.top, &["add", "."]);
    git(&repo.top, &["commit", "-qm", "ignore"]);
    let done = step(&repo, |top| {
        write(top, "keep.log", "x");
        write(top, "other.log", "x");
        git(top, &["add", "-f", "keep.log"]);
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(&repo.top), ["A\tkeep.log"]);
}

#[test]
fn a_commit_of_the_agents_own_leaves_nothing_to_commit() {
    let (_dir, repo) = repository();
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(&repo.top, "made", "x");
    git(&repo.top, &["add", "made"]);
    git(&repo.top, &["commit", "-qm", "by the agent"]);
    let after = snapshots.take().unwrap();
    assert_eq!(commit_between(&mut snapshots, &before, &after), Ok(CommitOutcome::Nothing));
    let HeadMovement::Ahead(commits) = repo.movement(&before.head, &after.head).unwrap() else { panic!() };
    assert_eq!(commits.iter().map(|c| c.subject.as_str()).collect::<Vec<_>>(), ["by the agent"]);
}

#[test]
fn history_that_was_rewritten_or_left_is_known() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    write(top, "b", "x");
    git(top, &["add", "b"]);
    git(top, &["commit", "-qm", "second"]);
    let before = snapshots.take().unwrap().head;
    let recorded = before.commit.clone().unwrap();
    git(top, &["commit", "-q", "--amend", "-m", "amended"]);
    let amended = snapshots.take().unwrap().head;
    assert_eq!(repo.movement(&before, &amended).unwrap(), HeadMovement::Rewritten);
    git(top, &["reset", "-q", "--hard", "HEAD~1"]);
    let reset = snapshots.take().unwrap().head;
    assert_eq!(repo.movement(&before, &reset).unwrap(), HeadMovement::Rewritten);
    assert_eq!(repo.unreachable(&[&recorded]).unwrap(), [recorded.as_str()]);
    git(top, &["checkout", "-q", "-b", "other"]);
    let other = snapshots.take().unwrap().head;
    assert_eq!(repo.movement(&reset, &other).unwrap(), HeadMovement::Elsewhere);
    git(top, &["checkout", "-q", "--detach"]);
    let detached = snapshots.take().unwrap().head;
    assert_eq!(detached, Head { commit: other.commit.clone(), branch: None });
    assert_eq!(repo.movement(&other, &detached).unwrap(), HeadMovement::Elsewhere);
}

#[test]
fn a_detached_head_and_a_linked_work_tree_take_commits() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    git(top, &["worktree", "add", "-q", "--detach", "../linked"]);
    let linked = find(&top.parent().unwrap().join("linked"));
    let done = step(&linked, |top| write(top, "made", "x"));
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(&linked.top), ["A\tmade"]);
    assert!(status(top).is_empty() && status(&linked.top).is_empty());
}

#[test]
fn a_nested_repository_is_left_out_and_named() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    for name in ["empty", "full"] {
        write(top, &format!("{name}/file"), "x");
        git(&top.join(name), &["init", "-q"]);
    }
    git(&top.join("full"), &["add", "."]);
    git(&top.join("full"), &["-c", "user.name=t", "-c", "user.email=t@x", "commit", "-qm", "x"]);
    write(top, "made", "x");
    let after = snapshots.take().unwrap();
    let left: Vec<&str> = after.left_out.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(left, ["empty", "full"], "{:?}", after.left_out);
    assert!(matches!(commit_between(&mut snapshots, &before, &after), Ok(CommitOutcome::New { .. })));
    assert_eq!(last_commit(top), ["A\tmade"]);
}

#[test]
fn a_submodule_that_moved_is_committed() {
    let (dir, repo) = repository();
    let top = &repo.top;
    let library = dir.path().join("library");
    fs::create_dir(&library).unwrap();
    git(&library, &["init", "-q"]);
    let author = ["-c", "user.name=t", "-c", "user.email=t@x"];
    let commit = ["commit", "-q", "--allow-empty", "-m", "x"];
    git(&library, &[&author[..], &commit[..]].concat());
    let url = library.to_str().unwrap();
    git(top, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "lib"]);
    git(top, &["commit", "-qm", "submodule"]);
    let done = step(&repo, |top| {
        git(&top.join("lib"), &[&author[..], &commit[..]].concat());
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["M\tlib"]);
}

#[test]
fn large_new_files_are_left_out_and_tracked_ones_are_not() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 1000).unwrap();
    let before = snapshots.take().unwrap();
    write(top, "big", &"x".repeat(5000));
    write(top, "first", &"y".repeat(5000));
    let after = snapshots.take().unwrap();
    assert_eq!(after.left_out.len(), 1);
    assert!(after.left_out[0].path == "big" && after.left_out[0].why.contains("git.max_file"));
    assert!(matches!(commit_between(&mut snapshots, &before, &after), Ok(CommitOutcome::New { .. })));
    assert_eq!((last_commit(top), status(top)), (vec!["M\tfirst".to_owned()], vec!["?? big".to_owned()]));
}

#[test]
fn a_path_that_git_refuses_is_named_and_the_others_are_committed() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    git(top, &["config", "filter.broken.clean", "false"]);
    git(top, &["config", "filter.broken.required", "true"]);
    write(top, ".gitattributes", "*.bin filter=broken\n");
    git(top, &["add", "."]);
    git(top, &["commit", "-qm", "attributes"]);
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    for name in ["a.bin", "b.txt", "c.bin", "d.txt"] {
        write(top, name, name);
    }
    let after = snapshots.take().unwrap();
    let left: Vec<&str> = after.left_out.iter().map(|one| one.path.as_str()).collect();
    assert_eq!(left, ["a.bin", "c.bin"], "{:?}", after.left_out);
    assert!(after.left_out[0].why.contains("clean filter 'broken'"), "{:?}", after.left_out);
    assert!(matches!(commit_between(&mut snapshots, &before, &after), Ok(CommitOutcome::New { .. })));
    assert_eq!(last_commit(top), ["A\tb.txt", "A\td.txt"]);
    // it is tried again when it changes, also by another process
    git(top, &["config", "filter.broken.clean", "cat"]);
    write(top, "a.bin", "changed");
    let mut other = Snapshots::resume(&repo, "test", 0).unwrap();
    assert_eq!(other.take().unwrap().left_out.len(), 1);
}

#[test]
fn safecrlf_and_autocrlf_do_not_stop_a_step() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    for (key, value) in [("core.safecrlf", "true"), ("core.autocrlf", "input")] {
        git(top, &["config", key, value]);
    }
    let done = step(&repo, |top| write(top, "dos.txt", "a\r\nb\r\n"));
    assert!(is_new(&done), "{done:?}");
    assert_eq!(git(top, &["show", "HEAD:dos.txt"]), "a\nb");
    assert!(status(top).is_empty());
}

#[test]
fn a_sparse_checkout_keeps_what_it_does_not_show() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    for name in ["in/x", "out/x"] {
        write(top, name, "x");
    }
    git(top, &["add", "."]);
    git(top, &["commit", "-qm", "folders"]);
    git(top, &["sparse-checkout", "set", "--sparse-index", "in"]);
    let done = step(&repo, |top| write(top, "in/y", "y"));
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["A\tin/y"]);
    assert!(git(top, &["ls-tree", "-r", "--name-only", "HEAD"]).contains("out/x"));
    assert!(status(top).is_empty());
}

#[test]
fn sha256_repositories_work() {
    let dir = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(dir.path()).unwrap();
    git(&top, &["init", "-q", "--object-format=sha256"]);
    for (key, value) in [("user.name", "t"), ("user.email", "t@x")] {
        git(&top, &["config", key, value]);
    }
    let repo = find(&top);
    for name in ["a", "b"] {
        let done = step(&repo, |top| write(top, name, "x"));
        assert!(is_new(&done), "{done:?}");
        assert_eq!(last_commit(&top), [format!("A\t{name}")]);
    }
}

#[test]
fn edits_of_equal_size_right_after_a_look_are_seen() {
    let (_dir, repo) = repository();
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let mut trees = BTreeSet::new();
    for number in 0..40 {
        write(&repo.top, "first", &format!("{number:05}\n"));
        trees.insert(snapshots.take().unwrap().tree);
    }
    assert_eq!(trees.len(), 40);
}

#[test]
fn edits_of_equal_size_right_after_staging_are_seen() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    for number in 0..10 {
        write(top, "first", &format!("{number:05}\n"));
        git(top, &["add", "first"]);
        write(top, "first", &format!("{:05}\n", number + 50));
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        let tree = snapshots.take().unwrap().tree;
        let shown = snapshots.call(["cat-file", "-p", &format!("{tree}:first")]);
        let shown = shown.run(&repo.supervisor).unwrap();
        assert_eq!(shown, format!("{:05}\n", number + 50).into_bytes());
    }
}

#[test]
fn a_hook_that_refuses_leaves_the_users_index_byte_for_byte() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    write(top, "first", "staged\n");
    git(top, &["add", "first"]);
    hook(top, "pre-commit", "echo not like this; exit 1");
    let index = fs::read(&repo.index).unwrap();
    let done = step(&repo, |top| write(top, "first", "by the agent\n"));
    let Err(CommitError::Refused(error)) = done else { panic!("{done:?}") };
    assert_eq!(error.words(), "not like this");
    assert_eq!(fs::read(&repo.index).unwrap(), index);
    assert!(!repo.private_folder("test").join("commit-index").exists());
}

#[test]
fn a_hook_sees_what_a_typed_commit_shows_it() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    hook(
        top,
        "pre-commit",
        "git diff --cached --name-only -- '*.txt' > \"$(git rev-parse --git-dir)/seen\"\nenv > \"$(git rev-parse --git-dir)/env\"",
    );
    let done = step(&repo, |top| write(top, "a.txt", "x"));
    assert!(is_new(&done), "{done:?}");
    assert_eq!(fs::read_to_string(top.join(".git/seen")).unwrap(), "a.txt\n");
    let env = fs::read_to_string(top.join(".git/env")).unwrap();
    for name in ["GIT_LITERAL_PATHSPECS", "LC_ALL=C", "GIT_OPTIONAL_LOCKS", "GIT_OBJECT_DIRECTORY"] {
        assert!(!env.contains(name), "{name} in {env}");
    }
}

#[test]
fn a_hook_that_formats_and_adds_leaves_a_clean_status() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    hook(top, "pre-commit", "for f in *.txt; do printf 'formatted\\n' > \"$f\"; git add \"$f\"; done");
    write(top, "human.txt", "mine\n");
    git(top, &["add", "human.txt"]);
    git(top, &["commit", "-qm", "human", "--no-verify"]);
    let done = step(&repo, |top| write(top, "a.txt", "raw\n"));
    let Ok(CommitOutcome::New { beyond, .. }) = done else { panic!("{done:?}") };
    assert_eq!(beyond.iter().map(ToString::to_string).collect::<Vec<_>>(), ["human.txt"]);
    assert_eq!(git(top, &["show", "HEAD:a.txt"]), "formatted");
    assert!(status(top).is_empty(), "{:?}", status(top));
}

#[test]
fn a_hook_that_hangs_is_ended_at_its_deadline() {
    let (_dir, repo) = repository();
    hook(&repo.top, "pre-commit", "echo waiting for you >&2; sleep 1000");
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    snapshots.take().unwrap();
    write(&repo.top, "a", "x");
    let after = snapshots.take().unwrap();
    let done = snapshots.commit(&CommitRequest {
        tree: &after.tree,
        paths: &paths(&["a"]),
        head: after.head.commit.as_deref(),
        base: after.head.commit.as_deref(),
        is_late: false,
        message: "x",
        deadline: Duration::from_millis(300),
    });
    let Err(CommitError::Refused(error)) = done else { panic!("{done:?}") };
    assert!(error.to_string().contains("took longer than 300ms"), "{error}");
    assert!(error.to_string().contains("waiting for you"), "{error}");
}

#[test]
fn a_merge_or_rebase_in_progress_is_never_concluded() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    git(top, &["checkout", "-q", "-b", "other"]);
    write(top, "other", "x");
    git(top, &["add", "other"]);
    git(top, &["commit", "-qm", "other"]);
    git(top, &["checkout", "-q", "main"]);
    git(top, &["merge", "-q", "--no-ff", "--no-commit", "other"]);
    let done = step(&repo, |top| write(top, "made", "x"));
    assert_eq!(done, Err(CommitError::InProgress(GitOperation::Merge)));
    assert_eq!(git(top, &["log", "--format=%s", "-1"]), "first");
}

#[test]
fn a_message_is_kept_as_it_is_with_a_template_and_cleanup() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    write(top, "template", "# fill this in\n");
    for (key, value) in
        [("commit.template", "template"), ("commit.verbose", "true"), ("commit.cleanup", "strip")]
    {
        git(top, &["config", key, value]);
    }
    let done = step(&repo, |top| write(top, "made", "x"));
    assert!(is_new(&done), "{done:?}");
    assert_eq!(git(top, &["log", "-1", "--format=%B"]).trim(), "the step");
}

#[test]
fn a_lock_of_another_git_is_waited_for() {
    let (_dir, repo) = repository();
    let lock = repo.top.join(".git/index.lock");
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(&repo.top, "made", "x");
    let after = snapshots.take().unwrap();
    fs::write(&lock, "").unwrap();
    let other = {
        let lock = lock.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(150));
            fs::remove_file(lock).unwrap();
        })
    };
    let done = commit_between(&mut snapshots, &before, &after);
    other.join().unwrap();
    assert!(is_new(&done), "{done:?}");
    assert!(status(&repo.top).is_empty());
}

#[test]
fn a_step_is_restored_unless_a_file_changed_again() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap().tree;
    write(top, "first", "new\n");
    write(top, "made/deep/file", "x");
    let after = snapshots.take().unwrap().tree;
    write(top, "first", "newer\n");
    let refused = snapshots.restore(&before, &after, &BTreeSet::new()).unwrap();
    assert_eq!(refused, RestoreOutcome::ChangedSince(paths(&["first"]).into_iter().collect()));
    assert!(top.join("made/deep/file").exists());
    write(top, "first", "new\n");
    let RestoreOutcome::Done(done) = snapshots.restore(&before, &after, &BTreeSet::new()).unwrap() else {
        panic!()
    };
    assert_eq!(done.len(), 2);
    assert_eq!(fs::read_to_string(top.join("first")).unwrap(), "first\n");
    assert!(!top.join("made").exists() && status(top).is_empty());
}

#[test]
fn a_commit_that_waited_takes_the_tree_of_its_own_task() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(top, "one", "1");
    let one = snapshots.take().unwrap();
    write(top, "two", "2");
    write(top, "first", "2");
    let two = snapshots.take().unwrap();
    assert!(is_new(&commit_between(&mut snapshots, &before, &one)));
    assert_eq!(last_commit(top), ["A\tone"]);
    let now = snapshots.take().unwrap();
    let done = snapshots.commit(&CommitRequest {
        tree: &two.tree,
        paths: &paths(&["two", "first"]),
        head: now.head.commit.as_deref(),
        base: now.head.commit.as_deref(),
        is_late: false,
        message: "two",
        deadline: Duration::from_secs(30),
    });
    assert!(is_new(&done.map(|(outcome, _)| outcome)));
    assert_eq!(last_commit(top), ["M\tfirst", "A\ttwo"]);
    assert!(status(top).is_empty());
}

#[test]
fn a_hook_that_formats_and_refuses_is_tried_once_more() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    hook(
        top,
        "pre-commit",
        "grep -q formatted a.txt && exit 0; echo formatted > a.txt; echo fixed a.txt; exit 1",
    );
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(top, "a.txt", "raw\n");
    let after = snapshots.take().unwrap();
    write(top, "human.txt", "meanwhile\n");
    let request = CommitRequest {
        tree: &after.tree,
        paths: &paths(&["a.txt"]),
        head: before.head.commit.as_deref(),
        base: before.head.commit.as_deref(),
        is_late: false,
        message: "x",
        deadline: Duration::from_secs(30),
    };
    let (outcome, tree) = snapshots.commit(&request).unwrap();
    assert!(matches!(outcome, CommitOutcome::New { .. }) && tree != after.tree);
    assert_eq!(
        (last_commit(top), status(top)),
        (vec!["A\ta.txt".to_owned()], vec!["?? human.txt".to_owned()])
    );
    assert_eq!(git(top, &["show", "HEAD:a.txt"]), "formatted");
    // a kill before the state knew of the commit: it is asked for again
    let mut later = Snapshots::begin(&repo, "test", 0).unwrap();
    assert_eq!(later.commit(&request).unwrap().1, tree);
    assert_eq!(git(top, &["rev-list", "--count", "HEAD"]), "2");
}

#[test]
fn a_hook_that_always_formats_and_refuses_is_tried_only_twice() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    hook(
        top,
        "pre-commit",
        "echo x >> \"$(git rev-parse --git-dir)/tries\"; echo more >> a.txt; echo no; exit 1",
    );
    let done = step(&repo, |top| write(top, "a.txt", "raw\n"));
    assert!(matches!(&done, Err(CommitError::Refused(error)) if error.words() == "no"), "{done:?}");
    assert_eq!(fs::read_to_string(top.join(".git/tries")).unwrap(), "x\nx\n");
    assert_eq!(status(top), ["?? a.txt"]);
}

#[test]
fn hooks_of_another_folder_run() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    hook(top, "pre-commit", "exit 1");
    fs::rename(top.join(".git/hooks/pre-commit"), top.join(".git/info/commit-msg")).unwrap();
    git(top, &["config", "core.hooksPath", ".git/info"]);
    let done = step(&repo, |top| write(top, "a.txt", "x"));
    assert!(matches!(done, Err(CommitError::Refused(_))), "{done:?}");
}

/// A program that git takes for gpg.
fn signer(top: &Path, script: &str) {
    let path = top.join(".git/signer");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    git(top, &["config", "gpg.program", path.to_str().unwrap()]);
    git(top, &["config", "commit.gpgsign", "true"]);
}

#[test]
fn commits_are_signed_as_the_user_signs() {
    let (_dir, repo) = repository();
    signer(&repo.top, "cat > /dev/null; echo '[GNUPG:] SIG_CREATED ' >&2; echo signature");
    let done = step(&repo, |top| write(top, "a.txt", "x"));
    assert!(is_new(&done), "{done:?}");
    assert!(git(&repo.top, &["cat-file", "-p", "HEAD"]).contains("gpgsig signature"));
}

#[test]
fn a_signer_that_fails_is_a_refusal_with_its_words() {
    let (_dir, repo) = repository();
    signer(&repo.top, "cat > /dev/null; echo 'gpg: no secret key' >&2; exit 2");
    let done = step(&repo, |top| write(top, "a.txt", "x"));
    let Err(CommitError::Refused(error)) = done else { panic!("{done:?}") };
    assert!(error.words().contains("no secret key"), "{error}");
}

#[test]
fn a_signer_that_asks_is_ended_at_the_deadline_and_leaves_no_lock() {
    let (_dir, repo) = repository();
    signer(&repo.top, "echo 'Enter passphrase:' >&2; sleep 1000");
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    snapshots.take().unwrap();
    write(&repo.top, "a", "x");
    let after = snapshots.take().unwrap();
    let request = CommitRequest {
        tree: &after.tree,
        paths: &paths(&["a"]),
        head: after.head.commit.as_deref(),
        base: after.head.commit.as_deref(),
        is_late: false,
        message: "x",
        deadline: Duration::from_millis(300),
    };
    let done = snapshots.commit(&request);
    assert!(matches!(&done, Err(CommitError::Refused(GitError::TimedOut { .. }))), "{done:?}");
    git(&repo.top, &["config", "commit.gpgsign", "false"]);
    let (outcome, _) =
        snapshots.commit(&CommitRequest { deadline: Duration::from_secs(30), ..request }).unwrap();
    assert!(matches!(outcome, CommitOutcome::New { .. }));
    assert!(status(&repo.top).is_empty());
}

#[test]
fn a_request_to_stop_ends_a_hook_at_once() {
    let (_dir, mut repo) = repository();
    let stop = StopFlag::new().unwrap();
    repo.supervisor.stop = Some(stop.clone());
    hook(&repo.top, "pre-commit", "echo > \"$(git rev-parse --git-dir)/began\"; sleep 1000");
    let began = repo.top.join(".git/began");
    let stopper = std::thread::spawn(move || {
        while !began.exists() {
            std::thread::yield_now();
        }
        stop.raise();
    });
    let done = step(&repo, |top| write(top, "a.txt", "x"));
    stopper.join().unwrap();
    assert!(matches!(done, Err(CommitError::Failed(GitError::Stopped { .. }))), "{done:?}");
    assert_eq!(status(&repo.top), ["?? a.txt"]);
}

#[test]
fn a_rebase_in_progress_is_never_disturbed() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let commit = |text: &str| {
        write(top, "first", text);
        git(top, &["commit", "-qam", text.trim()]);
    };
    git(top, &["checkout", "-q", "-b", "other"]);
    commit("theirs\n");
    git(top, &["checkout", "-q", "main"]);
    commit("ours\n");
    let rebase = std::process::Command::new("git").args(["rebase", "-q", "other"]).current_dir(top).output();
    assert!(!rebase.unwrap().status.success());
    let done = step(&repo, |top| write(top, "made", "x"));
    assert_eq!(done, Err(CommitError::InProgress(GitOperation::Rebase)));
}

#[test]
fn a_file_with_a_conflict_is_a_file_like_any_other_in_a_snapshot() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    git(top, &["checkout", "-q", "-b", "other"]);
    write(top, "first", "theirs\n");
    git(top, &["commit", "-qam", "theirs"]);
    git(top, &["checkout", "-q", "main"]);
    write(top, "first", "ours\n");
    git(top, &["commit", "-qam", "ours"]);
    let merge = std::process::Command::new("git").args(["merge", "-q", "other"]).current_dir(top).output();
    assert!(!merge.unwrap().status.success());
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(top, "first", "solved\n");
    let after = snapshots.take().unwrap();
    assert_eq!(snapshots.changes(&before.tree, &after.tree).unwrap().len(), 1);
    assert_eq!(status(top), ["UU first"]);
}

#[test]
fn a_commit_of_a_person_between_look_and_commit_is_kept() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(top, "made", "x");
    let after = snapshots.take().unwrap();
    write(top, "human", "x");
    git(top, &["add", "human"]);
    git(top, &["commit", "-qm", "human"]);
    let done = commit_between(&mut snapshots, &before, &after);
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["A\tmade"]);
    assert_eq!(git(top, &["log", "--format=%s"]), "the step\nhuman\nfirst");
    assert!(status(top).is_empty(), "{:?}", status(top));
}

#[test]
fn a_commit_that_a_kill_cut_off_is_finished_and_not_made_twice() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    hook(top, "post-commit", "kill -9 $PPID");
    let done = step(&repo, |top| write(top, "made", "x"));
    assert!(is_new(&done), "git was killed after it made the commit: {done:?}");
    assert!(status(top).is_empty());
    // seqorch was killed after git had made the commit
    fs::remove_file(top.join(".git/hooks/post-commit")).unwrap();
    let head = git(top, &["rev-parse", "HEAD"]);
    write(top, "more", "x");
    let index = fs::read(&repo.index).unwrap();
    git(top, &["add", "more"]);
    git(top, &["commit", "-qm", "the step"]);
    fs::write(&repo.index, index).unwrap();
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let after = snapshots.take().unwrap();
    let tree = &after.tree;
    let started = format!(
        "{{\"head\":\"{head}\",\"message\":\"the step\\n\",\"tree\":\"{tree}\",\"asked\":\"{tree}\"}}"
    );
    fs::write(repo.private_folder("test").join("commit.json"), started).unwrap();
    let request = CommitRequest {
        tree: &after.tree,
        paths: &paths(&["more"]),
        head: after.head.commit.as_deref(),
        base: after.head.commit.as_deref(),
        is_late: false,
        message: "the step\n",
        deadline: Duration::from_secs(30),
    };
    let (outcome, _) = snapshots.commit(&request).unwrap();
    assert_eq!(
        outcome,
        CommitOutcome::New {
            commit: after.head.commit.clone().unwrap(),
            beyond: Vec::new(),
            left: Vec::new(),
            note: None
        }
    );
    assert!(status(top).is_empty());
    assert_eq!(git(top, &["log", "--format=%s"]).lines().count(), 3);
    // seqorch was killed before the state had the commit, and asks for it again
    let (again, _) = snapshots.commit(&request).unwrap();
    assert!(
        matches!(again, CommitOutcome::New { commit, .. } if Some(&commit) == after.head.commit.as_ref())
    );
}

#[test]
fn a_commit_waits_for_the_git_of_a_killed_run_and_takes_what_it_made() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    snapshots.take().unwrap();
    write(top, "made", "x");
    let after = snapshots.take().unwrap();
    let request = CommitRequest {
        tree: &after.tree,
        paths: &paths(&["made"]),
        head: after.head.commit.as_deref(),
        base: after.head.commit.as_deref(),
        is_late: false,
        message: "the step\n",
        deadline: Duration::from_secs(30),
    };
    let turn = snapshots.commit_turn(Duration::from_secs(1)).unwrap();
    let busy = Snapshots::begin(&repo, "test", 0)
        .unwrap()
        .commit(&CommitRequest { deadline: Duration::from_millis(100), ..request.clone() });
    assert!(matches!(&busy, Err(CommitError::Failed(GitError::TimedOut { .. }))), "{busy:?}");
    // its index is still there while it works
    fs::write(snapshots.commit_index(), "in use").unwrap();
    let mut next = Snapshots::begin(&repo, "test", 0).unwrap();
    assert!(snapshots.commit_index().exists());
    drop(turn);
    next.take().unwrap();
    assert!(matches!(next.commit(&request), Ok((CommitOutcome::New { .. }, _))));
    assert!(!snapshots.commit_index().exists() && status(top).is_empty());
}

#[test]
fn locks_that_a_killed_git_left_are_removed_and_no_others() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    // git is killed while it holds the locks of the branch and of the index
    hook(
        top,
        "pre-commit",
        "touch .git/HEAD.lock .git/refs/heads/main.lock .git/index.lock; rm .git/hooks/pre-commit; kill -9 $PPID",
    );
    let done = step(&repo, |top| write(top, "made", "x"));
    assert!(is_new(&done), "{done:?}");
    for lock in ["HEAD.lock", "refs/heads/main.lock", "index.lock"] {
        assert!(!top.join(".git").join(lock).exists(), "{lock}");
    }
    assert!(status(top).is_empty());
}

#[test]
fn a_busy_branch_is_waited_for() {
    let (_dir, repo) = repository();
    let lock = repo.top.join(".git/refs/heads/main.lock");
    fs::write(&lock, "").unwrap();
    let tries = repo.top.join(".git/tries");
    hook(&repo.top, "pre-commit", "echo >> \"$(git rev-parse --git-dir)/tries\"");
    let other = std::thread::spawn(move || {
        while fs::read(&tries).map_or(0, |text| text.len()) < 2 {
            std::thread::yield_now();
        }
        fs::remove_file(lock).unwrap();
    });
    let done = step(&repo, |top| write(top, "made", "x"));
    other.join().unwrap();
    assert!(is_new(&done), "{done:?}");
}

#[test]
fn edits_inside_a_submodule_are_named() {
    let (dir, repo) = repository();
    let top = &repo.top;
    let library = dir.path().join("library");
    fs::create_dir(&library).unwrap();
    git(&library, &["init", "-q"]);
    git(&library, &["-c", "user.name=t", "-c", "user.email=t@x", "commit", "-q", "--allow-empty", "-m", "x"]);
    let url = library.to_str().unwrap();
    git(top, &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", url, "lib"]);
    git(top, &["commit", "-qm", "submodule"]);
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    assert!(before.left_out.is_empty());
    write(top, "lib/new", "x");
    let after = snapshots.take().unwrap();
    assert_eq!(after.tree, before.tree);
    assert_eq!(after.left_out.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["lib"]);
}

#[test]
fn a_repository_that_is_made_in_a_tracked_folder_hides_no_tracked_file() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    write(top, "app/tracked", "x");
    git(top, &["add", "."]);
    git(top, &["commit", "-qm", "app"]);
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    git(&top.join("app"), &["init", "-q"]);
    write(top, "app/tracked", "y");
    write(top, "app/new", "y");
    let after = snapshots.take().unwrap();
    let changed = snapshots.changes(&before.tree, &after.tree).unwrap();
    let seen = changed.iter().map(|change| change.path.to_string());
    let seen: Vec<String> = seen.chain(after.left_out.iter().map(|one| one.path.clone())).collect();
    assert!(seen.contains(&"app/tracked".to_owned()), "{seen:?}");
    assert!(seen.iter().any(|path| path == "app/new" || path == "app"), "{seen:?}");
}

#[test]
fn a_new_file_that_grows_above_the_limit_is_left_out_again() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 1000).unwrap();
    let before = snapshots.take().unwrap();
    write(top, "log", &"x".repeat(500));
    let small = snapshots.take().unwrap();
    write(top, "log", &"x".repeat(5000));
    let after = snapshots.take().unwrap();
    assert_ne!(small.tree, before.tree);
    assert_eq!((after.tree, after.left_out.len()), (before.tree, 1));
}

#[test]
fn a_tracked_file_that_became_a_pipe_is_named() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    fs::remove_file(top.join("first")).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(top.join("first")).status().unwrap().success());
    write(top, "made", "x");
    let after = snapshots.take().unwrap();
    assert_eq!(after.left_out.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["first"]);
    assert!(is_new(&commit_between(&mut snapshots, &before, &after)));
    assert_eq!(last_commit(top), ["A\tmade"]);
}

#[test]
fn objects_that_gc_pruned_are_written_again() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    write(top, "new", "x");
    git(top, &["add", "new"]);
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    snapshots.take().unwrap();
    git(top, &["rm", "-q", "--cached", "new"]);
    git(top, &["gc", "-q", "--prune=now"]);
    write(top, "more", "y");
    let after = snapshots.take().unwrap();
    let listed = snapshots.call(["ls-tree", "-r", "--name-only", &after.tree]);
    assert_eq!(listed.run(&repo.supervisor).unwrap(), b"first\nmore\nnew\n");
    let shown = snapshots.call(["cat-file", "-p", &format!("{}:new", after.tree)]);
    assert_eq!(shown.run(&repo.supervisor).unwrap(), b"x");
}

#[test]
fn trees_can_be_compared_where_no_snapshot_was_ever_taken() {
    let (_dir, repo) = repository();
    let snapshots = Snapshots::open(&repo, "test", 0);
    assert_eq!(snapshots.changes("HEAD^{tree}", "HEAD").unwrap(), []);
    assert!(!repo.private_folder("test").exists());
}

#[test]
fn a_kill_between_the_index_and_the_tree_hides_no_change() {
    let (_dir, repo) = repository();
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(&repo.top, "made", "x");
    // the process of an attempt is killed after it wrote the index, and its git a moment later
    let old = snapshots.index();
    let folder = snapshots.folder().to_owned();
    let memory = fs::read(folder.join("memory.json")).unwrap();
    snapshots.take().unwrap();
    let newer = fs::read(&old).unwrap();
    fs::remove_file(folder.join("memory.json")).unwrap();
    let mut next = Snapshots::resume(&repo, "test", 0).unwrap();
    assert!(!old.exists() && next.index() != old);
    fs::write(&old, newer).unwrap();
    let after = next.take().unwrap();
    assert_eq!(next.changes(&before.tree, &after.tree).unwrap().len(), 1);
    assert_ne!(fs::read(folder.join("memory.json")).unwrap(), memory);
}

#[test]
fn a_kill_while_a_snapshot_is_taken_leaves_no_old_memory() {
    let (_dir, repo) = repository();
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(&repo.top, "made", "x");
    // no tree can be written: the index is newer than the last tree from here on
    let objects = snapshots.objects();
    fs::remove_dir_all(&objects).unwrap();
    fs::write(&objects, "").unwrap();
    assert!(snapshots.take().is_err());
    fs::remove_file(&objects).unwrap();
    let mut next = Snapshots::resume(&repo, "test", 0).unwrap();
    let after = next.take().unwrap();
    assert_eq!(next.changes(&before.tree, &after.tree).unwrap().len(), 1);
}
