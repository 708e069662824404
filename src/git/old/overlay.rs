//! Trees that are made of two others.

use std::collections::HashSet;
use std::path::Path;

use super::change::FileChange;
use super::repository::work_tree;
use super::runner::{PATHS_PER_CALL, run, run_with_index};

/// The tree `base`, with the changes from one tree to another applied: each changed file as it is in `to`. `None` if git
/// no longer has one of the trees.
#[must_use]
pub fn overlay(dir: &Path, base: &str, from: &str, to: &str) -> Option<String> {
    apply(dir, base, (from, to), |_| true)
}

/// The tree `tree`, with these of its files as they are in the tree `now`. `None` if git no longer has one of the trees.
#[must_use]
pub fn overlay_files(dir: &Path, tree: &str, now: &str, files: &[FileChange]) -> Option<String> {
    let files: HashSet<&str> = files.iter().map(|change| change.path.as_str()).collect();
    apply(dir, tree, (tree, now), |path| files.contains(path))
}

fn apply(dir: &Path, base: &str, (from, to): (&str, &str), wanted: impl Fn(&str) -> bool) -> Option<String> {
    let top = work_tree(dir).ok()?;
    let folder = tempfile::tempdir().ok()?;
    let index = folder.path().join("index");
    let git = |args: &[&str]| run_with_index(&top, &index, args).ok();
    git(&["read-tree", base])?;
    let list = run(&top, &["diff-tree", "-r", "-z", "--no-renames", from, to]).ok()?;
    // `:OLD-MODE NEW-MODE OLD-ID NEW-ID STATUS`, then the path
    let mut fields = list.split('\0');
    let (mut changed, mut deleted) = (Vec::new(), Vec::new());
    while let (Some(entry), Some(path)) = (fields.next(), fields.next()) {
        let words: Vec<&str> = entry.split(' ').collect();
        let [_, mode, _, id, status] = words[..] else { return None };
        if !wanted(path) {
            continue;
        }
        if status == "D" {
            deleted.push(path);
        } else {
            changed.push(format!("{mode},{id},{path}"));
        }
    }
    for chunk in changed.chunks(PATHS_PER_CALL) {
        let entries = chunk.iter().flat_map(|entry| ["--cacheinfo", entry]);
        let args: Vec<&str> = ["update-index", "--add", "--replace"].into_iter().chain(entries).collect();
        git(&args)?;
    }
    for chunk in deleted.chunks(PATHS_PER_CALL) {
        git(&[&["update-index", "--force-remove", "--"], chunk].concat())?;
    }
    git(&["write-tree"])
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::old::diff::changes;
    use crate::git::old::snapshot::snapshot;
    use crate::git::old::testing::repo;

    fn changed_paths(dir: &Path, from: &str, to: &str) -> Vec<String> {
        changes(dir, from, to).unwrap().into_iter().map(|change| change.path).collect()
    }

    #[test]
    fn an_overlay_adds_what_others_changed_meanwhile_to_the_tree_before() {
        let dir = repo();
        let at = dir.path();
        for (name, text) in [("theirs", "old\n"), ("both", "old\n"), ("dropped", "old\n")] {
            fs::write(at.join(name), text).unwrap();
        }
        let before = snapshot(at).unwrap();
        fs::write(at.join("agents"), "new\n").unwrap();
        fs::write(at.join("both"), "agent\n").unwrap();
        let left = snapshot(at).unwrap();
        fs::write(at.join("theirs"), "human\n").unwrap();
        fs::write(at.join("notes of mine"), "human\n").unwrap();
        fs::remove_file(at.join("dropped")).unwrap();
        let now = snapshot(at).unwrap();
        let before = overlay(at, &before, &left, &now).unwrap();
        assert_eq!(changed_paths(at, &before, &now), ["agents", "both"]);
    }

    #[test]
    fn an_overlay_of_files_takes_only_these_files_as_they_are_now() {
        let dir = repo();
        let at = dir.path();
        fs::write(at.join("theirs"), "old\n").unwrap();
        let before = snapshot(at).unwrap();
        for name in ["kept", "fixed", "dropped"] {
            fs::write(at.join(name), "agent\n").unwrap();
        }
        let after = snapshot(at).unwrap();
        fs::write(at.join("fixed"), "human\n").unwrap();
        fs::write(at.join("theirs"), "human\n").unwrap();
        fs::write(at.join("new"), "human\n").unwrap();
        fs::remove_file(at.join("dropped")).unwrap();
        let now = snapshot(at).unwrap();
        let own = changes(at, &before, &after).unwrap();
        let tree = overlay_files(at, &after, &now, &own).unwrap();
        assert_eq!(changed_paths(at, &before, &tree), ["fixed", "kept"]);
        assert_eq!(changed_paths(at, &tree, &now), ["new", "theirs"]);
    }
}
