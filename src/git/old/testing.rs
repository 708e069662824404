//! What the tests of this room share.

use super::runner::run;

/// A repository with one empty commit.
pub(super) fn repo() -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for args in [
        &["init", "-q", "-b", "main"][..],
        &["config", "user.name", "t"],
        &["config", "user.email", "t@localhost"],
        &["config", "commit.gpgsign", "false"],
        &["commit", "-q", "--allow-empty", "-m", "first"],
    ] {
        run(dir.path(), args).unwrap();
    }
    dir
}

/// Owned paths, as `commit` takes them.
pub(super) fn paths(names: &[&str]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}
