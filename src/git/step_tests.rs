//! Steps in all kinds of repositories: what is committed, and what stays as it was.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::Duration;

use super::commit::{CommitError, CommitRequest, Committed};
use super::history::Movement;
use super::status::Head;
use super::restore::Restored;
use super::snapshot::Snapshots;
use super::testing::*;

fn write(top: &Path, name: &str, text: &str) {
    let path = top.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn is_new(done: &Result<Committed, CommitError>) -> bool {
    matches!(done, Ok(Committed::New { beyond, .. }) if beyond.is_empty())
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
fn a_file_that_the_agent_takes_out_of_git_and_ignores_is_removed_by_the_commit() {
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
    assert_eq!(commit_between(&snapshots, &before, &after), Ok(Committed::Nothing));
    let Movement::Ahead(commits) = repo.movement(&before.head, &after.head).unwrap() else { panic!() };
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
    assert_eq!(repo.movement(&before, &amended).unwrap(), Movement::Rewritten);
    git(top, &["reset", "-q", "--hard", "HEAD~1"]);
    let reset = snapshots.take().unwrap().head;
    assert_eq!(repo.movement(&before, &reset).unwrap(), Movement::Rewritten);
    assert_eq!(repo.unreachable(&[&recorded]).unwrap(), [recorded.as_str()]);
    git(top, &["checkout", "-q", "-b", "other"]);
    let other = snapshots.take().unwrap().head;
    assert_eq!(repo.movement(&reset, &other).unwrap(), Movement::Elsewhere);
    git(top, &["checkout", "-q", "--detach"]);
    let detached = snapshots.take().unwrap().head;
    assert_eq!(detached, Head { commit: other.commit.clone(), branch: None });
    assert_eq!(repo.movement(&other, &detached).unwrap(), Movement::Elsewhere);
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
    assert!(matches!(commit_between(&snapshots, &before, &after), Ok(Committed::New { .. })));
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
    assert!(matches!(commit_between(&snapshots, &before, &after), Ok(Committed::New { .. })));
    assert_eq!((last_commit(top), status(top)), (vec!["M\tfirst".to_owned()], vec!["?? big".to_owned()]));
}

#[test]
fn a_path_that_git_cannot_take_is_named_and_the_others_are_committed() {
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
    assert!(matches!(commit_between(&snapshots, &before, &after), Ok(Committed::New { .. })));
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
    let Ok(Committed::New { beyond, .. }) = done else { panic!("{done:?}") };
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
    assert_eq!(done, Err(CommitError::InProgress("merge")));
    assert_eq!(git(top, &["log", "--format=%s", "-1"]), "first");
}

#[test]
fn a_message_is_kept_as_it_is_whatever_git_is_told() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    write(top, "template", "# fill this in\n");
    for (key, value) in [("commit.template", "template"), ("commit.verbose", "true"), ("commit.cleanup", "strip")] {
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
    let done = commit_between(&snapshots, &before, &after);
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
    assert_eq!(refused, Restored::ChangedSince(paths(&["first"]).into_iter().collect()));
    assert!(top.join("made/deep/file").exists());
    write(top, "first", "new\n");
    let Restored::Done(done) = snapshots.restore(&before, &after, &BTreeSet::new()).unwrap() else { panic!() };
    assert_eq!(done.len(), 2);
    assert_eq!(fs::read_to_string(top.join("first")).unwrap(), "first\n");
    assert!(!top.join("made").exists() && status(top).is_empty());
}

#[test]
fn a_commit_that_waited_takes_the_tree_of_its_task_and_not_the_next_ones() {
    let (_dir, repo) = repository();
    let top = &repo.top;
    let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
    let before = snapshots.take().unwrap();
    write(top, "one", "1");
    let one = snapshots.take().unwrap();
    write(top, "two", "2");
    write(top, "first", "2");
    let two = snapshots.take().unwrap();
    assert!(is_new(&commit_between(&snapshots, &before, &one)));
    assert_eq!(last_commit(top), ["A\tone"]);
    let now = snapshots.take().unwrap();
    let done = snapshots.commit(&CommitRequest {
        tree: &two.tree,
        paths: &paths(&["two", "first"]),
        head: now.head.commit.as_deref(),
        message: "two",
        deadline: Duration::from_secs(30),
    });
    assert!(is_new(&done), "{done:?}");
    assert_eq!(last_commit(top), ["M\tfirst", "A\ttwo"]);
    assert!(status(top).is_empty());
}
