//! Removes snapshots that nothing needs any more.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::call::GitError;
use super::snapshot::Snapshots;

impl Snapshots<'_> {
    /// Removes all objects of snapshots but those of these trees, and those that the private index holds. No other process
    /// may work with the snapshots.
    pub fn keep_only(&self, trees: &BTreeSet<&str>) -> Result<(), GitError> {
        let objects = self.loose_objects();
        if objects.is_empty() {
            return Ok(());
        }
        let there = self.those_that_exist(trees)?;
        let needed = self.reachable(&there)?;
        for (name, path) in objects.iter().filter(|(name, _)| !needed.contains(name.as_str())) {
            fs::remove_file(path)
                .map_err(|e| GitError::Unusable { why: format!("removing the object {name}: {e}") })?;
            // goes only when it is empty
            let _ = path.parent().map(fs::remove_dir);
        }
        Ok(())
    }

    /// Removes the objects that a git left half-written that failed: on a full disk, a result needs their room.
    pub(super) fn remove_temp_objects(&self) {
        for (_, path) in self.loose_objects() {
            if path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"tmp_obj_")) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// The names and files of the objects in the folder of the snapshots. They are never packed.
    fn loose_objects(&self) -> Vec<(String, PathBuf)> {
        let below = |dir: PathBuf| fs::read_dir(dir).into_iter().flatten().flatten();
        let folders = below(self.objects()).filter(|e| e.file_name().len() == 2);
        let files = folders.flat_map(|folder| {
            let start = folder.file_name().to_string_lossy().into_owned();
            below(folder.path())
                .map(move |e| (format!("{start}{}", e.file_name().to_string_lossy()), e.path()))
        });
        files.collect()
    }

    fn those_that_exist<'t>(&self, trees: &BTreeSet<&'t str>) -> Result<Vec<&'t str>, GitError> {
        if trees.is_empty() {
            return Ok(Vec::new());
        }
        let input: String = trees.iter().flat_map(|tree| [tree, "\n"]).collect();
        let call = self.call(["cat-file", "--batch-check=%(objectname)"]).stdin(input.as_bytes());
        let printed = call.read(&self.repository().supervisor)?;
        let printed = String::from_utf8_lossy(&printed);
        Ok(trees
            .iter()
            .zip(printed.lines())
            .filter(|(tree, line)| *tree == line)
            .map(|(tree, _)| *tree)
            .collect())
    }

    /// The objects of trees. Those of HEAD are the repository's own, so it does not matter whether they are among them.
    fn reachable(&self, trees: &[&str]) -> Result<HashSet<String>, GitError> {
        if trees.is_empty() {
            return Ok(HashSet::new());
        }
        let mut input: String = trees.iter().flat_map(|tree| [tree, "\n"]).collect();
        if self.head_commit()?.is_some() {
            input.push_str("^HEAD^{tree}\n");
        }
        let call =
            self.call(["rev-list", "--objects", "--no-object-names", "--stdin"]).stdin(input.as_bytes());
        let printed = call.read(&self.repository().supervisor)?;
        Ok(String::from_utf8_lossy(&printed).lines().map(str::to_owned).collect())
    }
}
