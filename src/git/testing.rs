//! Repositories for tests.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;

use super::call::Supervisor;
use super::commit::{CommitError, CommitOutcome, CommitRequest};
use super::path::RepoPath;
use super::repository::Repository;
use super::snapshot::{Snapshot, Snapshots};

/// Runs git in a folder; what it prints.
pub(crate) fn git(dir: &Path, args: &[&str]) -> String {
    let output = std::process::Command::new("git").args(args).current_dir(dir).output().unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "git {args:?}: {out}{err}");
    out.trim_end_matches('\n').to_owned()
}

/// A repository with an identity and no commit, in a folder of its own below the temporary one.
pub(crate) fn unborn() -> (TempDir, Repository) {
    let dir = tempfile::tempdir().unwrap();
    let top = fs::canonicalize(dir.path()).unwrap().join("repo");
    fs::create_dir(&top).unwrap();
    git(&top, &["init", "-q", "-b", "main"]);
    for (key, value) in [("user.name", "t"), ("user.email", "t@x"), ("commit.gpgsign", "false")] {
        git(&top, &["config", key, value]);
    }
    let repository = find(&top);
    (dir, repository)
}

/// The same with a first commit of the file `first`.
pub(crate) fn repository() -> (TempDir, Repository) {
    let (dir, repository) = unborn();
    fs::write(repository.top.join("first"), "first\n").unwrap();
    git(&repository.top, &["add", "first"]);
    git(&repository.top, &["commit", "-qm", "first"]);
    (dir, repository)
}

pub(crate) fn find(top: &Path) -> Repository {
    Repository::find(top, &Supervisor::default()).unwrap().unwrap()
}

pub(crate) fn paths(names: &[&str]) -> BTreeSet<RepoPath> {
    names.iter().map(|name| RepoPath::new(*name)).collect()
}

/// What an agent does between two snapshots, and the commit of exactly that.
pub(crate) fn step(repository: &Repository, work: impl FnOnce(&Path)) -> Result<CommitOutcome, CommitError> {
    let mut snapshots = Snapshots::begin(repository, "test", 50_000_000).unwrap();
    let before = snapshots.take().unwrap();
    work(&repository.top);
    let after = snapshots.take().unwrap();
    commit_between(&mut snapshots, &before, &after)
}

/// Commits what lies between two snapshots.
pub(crate) fn commit_between(
    snapshots: &mut Snapshots<'_>,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<CommitOutcome, CommitError> {
    commit_at(snapshots, before, after, false)
}

/// The same, long after the work.
pub(crate) fn late_commit_between(
    snapshots: &mut Snapshots<'_>,
    before: &Snapshot,
    after: &Snapshot,
) -> Result<CommitOutcome, CommitError> {
    commit_at(snapshots, before, after, true)
}

fn commit_at(
    snapshots: &mut Snapshots<'_>,
    before: &Snapshot,
    after: &Snapshot,
    is_late: bool,
) -> Result<CommitOutcome, CommitError> {
    let changes = snapshots.changes(&before.tree, &after.tree).unwrap();
    let done = snapshots.commit(&CommitRequest {
        tree: &after.tree,
        paths: &changes.into_iter().map(|change| change.path).collect(),
        head: after.head.commit.as_deref(),
        base: after.head.commit.as_deref(),
        is_late,
        message: "the step\n",
        deadline: Duration::from_secs(30),
    });
    done.map(|(outcome, _)| outcome)
}

/// `STATUS\tPATH` of each file of the last commit.
pub(crate) fn last_commit(top: &Path) -> Vec<String> {
    let text = git(top, &["show", "--root", "--no-renames", "--name-status", "--format=", "HEAD"]);
    text.lines().map(str::to_owned).collect()
}

/// `git status --short`, line by line.
pub(crate) fn status(top: &Path) -> Vec<String> {
    git(top, &["status", "--short", "--untracked-files=all"]).lines().map(str::to_owned).collect()
}

/// A hook of the repository.
pub(crate) fn hook(top: &Path, name: &str, script: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = top.join(".git/hooks").join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}
