//! Snapshots: the state of all files as a tree in git.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::repository::index_file;
use super::runner::{run, run_with_index};
use crate::sys::digest::digest;

/// Writes a tree with all files that git would add, and returns its id. `None` without a repository or without git.
///
/// It uses a copy of the user's index: the user's own stays as it is, and git need not read files again that the index
/// says are unchanged.
#[must_use]
pub fn snapshot(dir: &Path) -> Option<String> {
    let index = index_file(dir)?;
    let folder = tempfile::tempdir().ok()?;
    let copy = folder.path().join("index");
    let _ = std::fs::copy(&index, &copy);
    let add = |pathspecs: &[&str]| {
        let mut args = vec!["add", "--all", "--ignore-errors", "--"];
        args.extend(pathspecs);
        run_with_index(dir, &copy, &args)
    };
    add(&[":/"]).or_else(|_| add(&[":/", ":(exclude).seqorch"])).ok()?;
    run_with_index(dir, &copy, &["write-tree"]).ok()
}

/// Keeps a tree from `git gc`, by a ref below `refs/seqorch`. `None` if git could not.
///
/// `folder` is the spec's private folder and `name` says which tree of it this is. All specs, projects and work trees of a
/// repository share these refs, so the ref's name holds a digest of both.
pub fn keep_tree(dir: &Path, folder: &Path, name: &str, tree: &str) -> Option<()> {
    let author = ["-c", "user.name=seqorch", "-c", "user.email=seqorch@localhost"];
    let mut args = author.to_vec();
    args.extend(["commit-tree", tree, "-m", "seqorch: a tree kept for undo"]);
    let commit = run(dir, &args).ok()?;
    let spec = folder.file_name().unwrap_or_default().to_string_lossy();
    let identity = [folder.as_os_str().as_bytes(), name.as_bytes()].join(&0);
    let readable: String = format!("{spec}-{name}")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    let reference = format!("refs/seqorch/{readable}-{}", digest(&identity));
    run(dir, &["update-ref", &reference, &commit]).ok().map(drop)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::old::diff::changes;
    use crate::git::old::testing::repo;

    #[test]
    fn snapshots_show_changes_of_old_and_new_files_and_leave_the_index_alone() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(snapshot(dir.path()), None, "no repository, no snapshot");
        let dir = repo();
        let at = dir.path();
        fs::write(at.join("a.txt"), "one\ntwo\n").unwrap();
        fs::write(at.join("dirty.txt"), "before\n").unwrap();
        let before = snapshot(at).unwrap();
        fs::write(at.join("a.txt"), "one\nthree\nfour\n").unwrap();
        fs::write(at.join("new name.txt"), "x\n").unwrap();
        fs::write(at.join("SEQUENTIAL_STATE.json"), "{}").unwrap();
        let found = changes(at, &before, &snapshot(at).unwrap()).unwrap();
        let counts: Vec<_> = found.iter().map(|c| (c.path.as_str(), c.insertions, c.deletions)).collect();
        assert_eq!(counts, [("a.txt", Some(2), Some(1)), ("new name.txt", Some(1), Some(0))]);
        assert_eq!(run(at, &["ls-files"]).unwrap(), "");
    }

    #[test]
    fn a_kept_tree_never_replaces_that_of_another_spec_or_task() {
        let dir = repo();
        let at = dir.path();
        let mut trees = Vec::new();
        for folder in ["/a/.seqorch/demo", "/b/.seqorch/demo"] {
            for unit in ["1.1", "1_1", "一", "二"] {
                fs::write(at.join("f"), format!("{folder} {unit}")).unwrap();
                let tree = snapshot(at).unwrap();
                keep_tree(at, Path::new(folder), unit, &tree).unwrap();
                trees.push(tree);
            }
        }
        run(at, &["gc", "--quiet", "--prune=now"]).unwrap();
        for pair in trees.windows(2) {
            assert_eq!(changes(at, &pair[0], &pair[1]).map(|list| list.len()), Some(1));
        }
    }
}
