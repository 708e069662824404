//! What is not committed.

use std::path::Path;

use super::repository::NOT_OURS;
use super::runner::run;

/// The options of every question for the status: one entry a file, paths byte for byte.
const STATUS: [&str; 4] = ["status", "--porcelain=v1", "-z", "--no-renames"];

/// The files with uncommitted changes, new files included, seqorch's own files left out. `None` without a repository.
///
/// A renamed file is listed under both names.
#[must_use]
pub fn uncommitted_files(dir: &Path) -> Option<Vec<String>> {
    let mut args = STATUS.to_vec();
    args.extend(["--untracked-files=all", "--"]);
    args.extend(NOT_OURS);
    let list = run(dir, &args).ok()?;
    // `XY path`
    Some(list.split('\0').filter_map(|entry| entry.get(3..)).map(str::to_owned).collect())
}

/// Whether these files, which git knows, are as they were in the last commit.
pub(super) fn are_unchanged(top: &Path, paths: &[&str]) -> bool {
    let mut args = vec!["--literal-pathspecs"];
    args.extend(STATUS);
    args.extend(["--untracked-files=no", "--"]);
    args.extend(paths);
    run(top, &args).is_ok_and(|list| list.is_empty())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::old::testing::repo;

    #[test]
    fn uncommitted_files_are_listed_one_by_one_without_our_own() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(uncommitted_files(dir.path()), None);
        let dir = repo();
        let at = dir.path();
        assert_eq!(uncommitted_files(at), Some(Vec::new()));
        fs::create_dir(at.join("new")).unwrap();
        for name in ["a b.txt", "new/one", "new/two", "SEQUENTIAL_STATE.json", "SEQUENTIAL_PROGRESS.md"] {
            fs::write(at.join(name), "x").unwrap();
        }
        assert_eq!(uncommitted_files(at).unwrap(), ["a b.txt", "new/one", "new/two"]);
        run(at, &["add", "a b.txt"]).unwrap();
        run(at, &["commit", "-qm", "x"]).unwrap();
        run(at, &["mv", "a b.txt", "c.txt"]).unwrap();
        assert_eq!(uncommitted_files(at).unwrap(), ["a b.txt", "c.txt", "new/one", "new/two"]);
    }
}
