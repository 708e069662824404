//! Takes paths into the private index as they are now, and finds out which of them git cannot take.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::call::GitError;
use super::path::RepoPath;
use super::patience::{again_if_killed, patiently};
use super::snapshot::{RefusedPath, SETTINGS, Snapshots};
use super::stamp::Stamp;

impl Snapshots<'_> {
    /// Takes the paths into the private index as they are now. What git cannot take goes into `refused`.
    pub(super) fn update(
        &self,
        add: &BTreeSet<RepoPath>,
        forget: &BTreeSet<RepoPath>,
        refused: &mut BTreeMap<String, RefusedPath>,
    ) -> Result<(), GitError> {
        if !forget.is_empty() {
            self.feed(&["--force-remove"], forget.iter())?;
        }
        // removals first: a file may stand where a folder was
        let (gone, there): (Vec<_>, Vec<_>) =
            add.iter().partition(|path| fs::symlink_metadata(self.at(path)).is_err());
        // git does not look behind a link that took the place of a folder, wherever it leads
        let (hidden, plain): (Vec<&RepoPath>, Vec<&RepoPath>) =
            gone.into_iter().chain(there).partition(|path| self.is_behind_link(path));
        if !hidden.is_empty() {
            self.feed(&["--force-remove"], hidden.into_iter())?;
        }
        self.add(&plain, refused)
    }

    fn is_behind_link(&self, path: &RepoPath) -> bool {
        let folders = path.as_path().ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        folders.into_iter().any(|folder| self.repository().top.join(folder).is_symlink())
    }

    /// Adds paths; where git refuses, halves the list until the refused one is found.
    fn add(&self, paths: &[&RepoPath], refused: &mut BTreeMap<String, RefusedPath>) -> Result<(), GitError> {
        if paths.is_empty() {
            return Ok(());
        }
        let words = match self.feed(&["--add", "--remove", "--replace"], paths.iter().copied()) {
            Ok(said) => {
                // what git leaves out here is no error of it: names that would be `.git` on other systems
                for path in paths {
                    let line = format!("Ignoring path {}\n", String::from_utf8_lossy(path.bytes()));
                    if said.contains(&line) {
                        let (stamp, why) = (Stamp::of(&self.at(path)), IMPOSSIBLE_NAME.to_owned());
                        refused.insert(path.to_string(), RefusedPath { stamp, why });
                    }
                }
                return Ok(());
            }
            // a full disk, or a kill, says nothing about a path
            Err(error) if error.is_exhaustion() => return Err(error),
            Err(GitError::Failed { code: Some(_), words, .. }) => words,
            Err(error) => return Err(error),
        };
        if let [path] = paths {
            let stamp = Stamp::of(&self.at(path));
            let why = reason(&words);
            refused.insert(path.to_string(), RefusedPath { stamp, why });
            return Ok(());
        }
        let (one, other) = paths.split_at(paths.len() / 2);
        self.add(one, refused)?;
        self.add(other, refused)
    }

    /// What git says although it succeeds.
    fn feed<'p>(&self, how: &[&str], paths: impl Iterator<Item = &'p RepoPath>) -> Result<String, GitError> {
        let mut input = Vec::new();
        for path in paths {
            input.extend_from_slice(path.bytes());
            input.push(0);
        }
        let args = SETTINGS.iter().chain(&["update-index", "-z"]).chain(how).chain(&["--stdin"]);
        let call = self.repository().call(args).envs(self.env()).stdin(&input);
        let supervisor = &self.repository().supervisor;
        let run = || patiently(supervisor, &call.shown(), || call.run_with_warnings(supervisor));
        again_if_killed(run, || self.unlock()).map(|(_, said)| said)
    }
}

/// Why a file is in no snapshot whose name git never takes.
const IMPOSSIBLE_NAME: &str = "git takes no file of this name";

/// The line of git's words that says most: its last one names the path again, or only that it gives up.
fn reason(words: &str) -> String {
    let mut lines = words.lines().filter(|line| !line.starts_with("fatal: Unable to process path"));
    let fatal = lines.clone().find(|line| line.starts_with("fatal: "));
    let line = fatal.or_else(|| lines.next()).unwrap_or(words);
    line.trim_start_matches("error: ").trim_start_matches("fatal: ").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::repository;

    #[test]
    fn files_whose_names_git_does_not_take_are_named() {
        let (_dir, repo) = repository();
        let names = ["a/.git /x", "git~1", "sub/.GIT/y"];
        for name in names.into_iter().chain(["plain"]) {
            fs::create_dir_all(repo.top.join(name).parent().unwrap()).unwrap();
            fs::write(repo.top.join(name), "x").unwrap();
        }
        let mut snapshots = Snapshots::begin(&repo, "test", 0).unwrap();
        for _ in 0..2 {
            let taken = snapshots.take().unwrap();
            let left: Vec<&str> = taken.left_out.iter().map(|one| one.path.as_str()).collect();
            assert_eq!(left, names);
            assert!(taken.left_out.iter().all(|one| one.why == IMPOSSIBLE_NAME), "{:?}", taken.left_out);
            let changes = snapshots.changes_of_work_tree(taken.head.commit.as_deref(), &taken.tree).unwrap();
            assert_eq!(changes.len(), 1, "{changes:?}");
        }
    }
}
