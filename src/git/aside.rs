//! Work of an agent that HEAD does not have although it is where it was: commits on other branches, and stashes.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::call::GitError;
use super::left_out::LeftOut;
use super::repository::Repository;

/// How long the logs of HEAD and of the stashes are. Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLengths {
    head: u64,
    stashes: u64,
}

impl Repository {
    /// How long the logs are now, to be given to [`Self::aside`] later.
    #[must_use]
    pub fn log_lengths(&self) -> LogLengths {
        let length = |path: &Path| fs::metadata(path).map_or(0, |data| data.len());
        LogLengths { head: length(&self.head_log()), stashes: length(&self.stash_log()) }
    }

    /// What was committed or stashed since then that HEAD does not have. In a repository without logs it is not known.
    pub fn aside(&self, since: LogLengths) -> Result<Vec<LeftOut>, GitError> {
        let mut found = self.on_other_branches(since.head)?;
        let stashed = entries(&self.stash_log(), since.stashes);
        found.extend(stashed.into_iter().rev().enumerate().map(|(number, entry)| LeftOut {
            path: format!("stash@{{{number}}}"),
            why: format!("stashed by the agent: {}; `git stash pop` brings it back", entry.what),
        }));
        Ok(found)
    }

    fn on_other_branches(&self, since: u64) -> Result<Vec<LeftOut>, GitError> {
        let entries = entries(&self.head_log(), since);
        if !entries.iter().any(|entry| entry.what.starts_with("checkout: ")) {
            return Ok(Vec::new());
        }
        let made = entries.iter().filter(|entry| entry.what.starts_with("commit"));
        let made: Vec<&str> = made.map(|entry| entry.commit.as_str()).collect();
        // commits that HEAD left from no branch
        let left = entries.iter().filter_map(|entry| entry.what.strip_prefix("checkout: moving from "));
        let left: Vec<&str> = left.filter_map(|what| what.split(' ').next()).collect();
        let mut found = Vec::new();
        for commit in self.unreachable(&made)? {
            let contains = format!("--contains={commit}");
            let args = ["for-each-ref", "--count=1", &contains, "--format=%(refname:short)", "refs/heads"];
            let Ok(printed) = self.call(args).read(&self.supervisor) else { continue };
            let branch = String::from_utf8_lossy(&printed).trim().to_owned();
            if !branch.is_empty() {
                let why = format!("committed by the agent on branch {branch}; HEAD does not have it");
                found.push(LeftOut { path: format!("commit {commit:.9}"), why });
            } else if self.is_beneath_any(commit, left.iter().filter(|left| made.contains(left)))? {
                let why = "committed by the agent on no branch; `git branch NAME COMMIT` keeps it".to_owned();
                found.push(LeftOut { path: format!("commit {commit:.9}"), why });
            }
            // what else is on no branch was amended or thrown away
        }
        Ok(found)
    }

    /// Whether a commit is one of these, or in the history of one.
    fn is_beneath_any<'c>(
        &self,
        commit: &str,
        mut tips: impl Iterator<Item = &'c &'c str>,
    ) -> Result<bool, GitError> {
        tips.try_fold(false, |found, tip| Ok(found || self.is_ancestor(commit, tip)?))
    }

    fn head_log(&self) -> std::path::PathBuf {
        self.git_dir.join("logs/HEAD")
    }

    fn stash_log(&self) -> std::path::PathBuf {
        self.common_dir.join("logs/refs/stash")
    }
}

/// An entry of a log.
struct LogEntry {
    commit: String,
    what: String,
}

/// The entries of a log behind so many bytes; none where it is shorter now.
fn entries(log: &Path, since: u64) -> Vec<LogEntry> {
    let bytes = fs::read(log).unwrap_or_default();
    let new = usize::try_from(since).ok().and_then(|since| bytes.get(since..)).unwrap_or_default();
    let text = String::from_utf8_lossy(new);
    // `OLD NEW NAME <EMAIL> TIME ZONE`, a tab, what was done
    let entry = |line: &str| {
        let (head, what) = line.split_once('\t')?;
        Some(LogEntry { commit: head.split(' ').nth(1)?.to_owned(), what: what.to_owned() })
    };
    text.lines().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    #[test]
    fn commits_on_other_branches_and_stashes_are_named() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let before = repo.log_lengths();
        assert!(repo.aside(before).unwrap().is_empty());
        git(top, &["commit", "-q", "--allow-empty", "-m", "here"]);
        git(top, &["switch", "-q", "-c", "other"]);
        fs::write(top.join("made"), "x").unwrap();
        git(top, &["add", "made"]);
        git(top, &["commit", "-qm", "there"]);
        let commit = git(top, &["rev-parse", "HEAD"]);
        git(top, &["switch", "-q", "main"]);
        fs::write(top.join("stashed"), "x").unwrap();
        git(top, &["stash", "-q", "-u", "-m", "later"]);
        let found = repo.aside(before).unwrap();
        let paths: Vec<&str> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, [format!("commit {commit:.9}").as_str(), "stash@{0}"]);
        assert!(found[0].why.contains("on branch other") && found[1].why.contains("later"), "{found:?}");
        assert!(repo.aside(repo.log_lengths()).unwrap().is_empty());
        git(top, &["stash", "pop", "-q"]);
        git(top, &["merge", "-q", "--no-edit", "other"]);
        assert!(repo.aside(before).unwrap().is_empty(), "HEAD has all of it");
    }

    #[test]
    fn commits_that_were_left_on_no_branch_are_named_and_amended_ones_are_not() {
        let (_dir, repo) = repository();
        let top = &repo.top;
        let before = repo.log_lengths();
        git(top, &["checkout", "-q", "--detach"]);
        git(top, &["commit", "-q", "--allow-empty", "-m", "first"]);
        let first = git(top, &["rev-parse", "HEAD"]);
        git(top, &["commit", "-q", "--allow-empty", "-m", "thrown away"]);
        git(top, &["commit", "-q", "--allow-empty", "--amend", "-m", "last"]);
        let last = git(top, &["rev-parse", "HEAD"]);
        git(top, &["switch", "-q", "main"]);
        let found = repo.aside(before).unwrap();
        let mut paths: Vec<&str> = found.iter().map(|one| one.path.as_str()).collect();
        paths.sort_unstable();
        let mut named = [format!("commit {first:.9}"), format!("commit {last:.9}")];
        named.sort_unstable();
        assert_eq!(paths, named, "{found:?}");
    }
}
