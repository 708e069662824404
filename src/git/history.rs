//! What became of HEAD while an agent worked.

use std::collections::HashSet;

use super::call::{GitError, one_line};
use super::repository::Repository;
use super::status::Head;

/// A commit, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ListedCommit {
    /// Git's name of it.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

/// How HEAD moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HeadMovement {
    /// It did not.
    None,
    /// New commits on top of the old one, on the same branch, oldest first.
    Ahead(Vec<ListedCommit>),
    /// The old commit is no longer an ancestor: a reset, a rebase, an amended commit.
    Rewritten,
    /// Another branch, or none.
    Elsewhere,
}

/// More commits than this are counted by their oldest ones only.
const LISTED: &str = "--max-count=200";

impl Repository {
    /// How HEAD moved between two looks. No process where it did not move.
    pub fn movement(&self, before: &Head, after: &Head) -> Result<HeadMovement, GitError> {
        if before.branch != after.branch {
            return Ok(HeadMovement::Elsewhere);
        }
        let (old, new) = match (&before.commit, &after.commit) {
            (old, new) if old == new => return Ok(HeadMovement::None),
            // the first commit of an empty branch
            (None, Some(new)) => return Ok(HeadMovement::Ahead(self.commits(&[new])?)),
            (Some(old), Some(new)) => (old, new),
            (_, None) => return Ok(HeadMovement::Rewritten),
        };
        if !self.is_ancestor(old, new)? {
            return Ok(HeadMovement::Rewritten);
        }
        Ok(HeadMovement::Ahead(self.commits(&[new, &format!("^{old}")])?))
    }

    /// Whether a commit is in the history of another one. A commit that git does not have any more is in none.
    pub fn is_ancestor(&self, old: &str, new: &str) -> Result<bool, GitError> {
        match self.call(["merge-base", "--is-ancestor", old, new]).read(&self.supervisor) {
            Ok(_) => Ok(true),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(false),
            Err(GitError::Failed { code: Some(128), words, .. }) if words.contains("Not a valid") => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// The newest commit in the history of both; `None` where they share none, or git does not have them any more.
    pub fn common_commit(&self, one: &str, other: &str) -> Result<Option<String>, GitError> {
        match self.call(["merge-base", one, other]).read(&self.supervisor) {
            Ok(printed) => Ok(Some(one_line(&printed))),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(None),
            Err(GitError::Failed { code: Some(128), words, .. }) if words.contains("Not a valid") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes these commits, oldest first, off HEAD: it is where it was before them. The files and the index stay. An error
    /// where HEAD is not at the newest of them, or where they are not all that lies between.
    pub fn remove_commits(&self, commits: &[&str]) -> Result<(), GitError> {
        let (Some(first), Some(newest)) = (commits.first(), commits.last()) else { return Ok(()) };
        let asked = self.ask(["rev-parse", "--verify", "--quiet", &format!("{first}^")])?;
        let before = asked.trim();
        let between = self.ask(["rev-list", "--count", &format!("{before}..{newest}")])?;
        if between.trim() != commits.len().to_string() {
            return Err(GitError::Unusable { why: "there are more commits between".to_owned() });
        }
        // git itself refuses where HEAD is not at the newest one at that moment
        self.ask(["update-ref", "-m", "seqorch: put back what a reviewer committed", "HEAD", before, newest])
            .map(drop)
    }

    /// Whether a commit has some in its history that `tip` lacks and that were made before this time, in whole seconds.
    pub fn has_older(
        &self,
        commit: &str,
        tip: Option<&str>,
        time: jiff::Timestamp,
    ) -> Result<bool, GitError> {
        let until = format!("--until=@{}", time.as_second() - 1);
        let without = tip.map(|tip| format!("^{tip}"));
        let args = ["rev-list", "--max-count=1", &until, commit];
        let found = self.ask(args.into_iter().chain(without.as_deref()).chain(["--"]))?;
        Ok(!found.is_empty())
    }

    /// Whether a commit has merges in its history that `tip` lacks.
    pub fn has_merges(&self, commit: &str, tip: &str) -> Result<bool, GitError> {
        let without = format!("^{tip}");
        Ok(!self.ask(["rev-list", "--merges", "--max-count=1", commit, &without, "--"])?.is_empty())
    }

    /// Of these commits those that HEAD does not have in its history; also those that git does not have any more.
    pub fn unreachable<'c>(&self, commits: &[&'c str]) -> Result<Vec<&'c str>, GitError> {
        self.unreachable_from("HEAD", commits)
    }

    /// The same with another commit instead of HEAD.
    pub fn unreachable_from<'c>(&self, from: &str, commits: &[&'c str]) -> Result<Vec<&'c str>, GitError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let names: String = commits.iter().flat_map(|commit| [commit, "\n"]).collect();
        let call = self.call(["cat-file", "--batch-check=%(objectname)"]).stdin(names.as_bytes());
        let printed = call.read(&self.supervisor)?;
        let printed = String::from_utf8_lossy(&printed);
        let exists = |commit: &&str| printed.lines().any(|line| line == *commit);
        let (there, mut gone): (Vec<&'c str>, Vec<&'c str>) =
            commits.iter().copied().partition(|c| exists(c));
        if there.is_empty() {
            return Ok(gone);
        }
        // those that can be reached from them and not from there: without that, all
        let mut input: String = there.iter().flat_map(|commit| [commit, "\n"]).collect();
        if self.call(["rev-parse", "--verify", "--quiet", from]).read(&self.supervisor).is_ok() {
            input.extend(["^", from, "\n"]);
        }
        let printed = self.call(["rev-list", "--stdin"]).stdin(input.as_bytes()).read(&self.supervisor)?;
        let printed = String::from_utf8_lossy(&printed);
        let outside: HashSet<&str> = printed.lines().collect();
        gone.extend(there.into_iter().filter(|commit| outside.contains(commit)));
        Ok(gone)
    }

    fn commits(&self, range: &[&str]) -> Result<Vec<ListedCommit>, GitError> {
        let args = ["log", "--reverse", "--format=%H %s", "-z", LISTED].iter().chain(range).copied();
        let printed = self.call(args).read(&self.supervisor)?;
        let listed = printed.split(|b| *b == 0).filter(|record| !record.is_empty()).map(|record| {
            let text = String::from_utf8_lossy(record);
            let (id, subject) = text.split_once(' ').unwrap_or((&text, ""));
            ListedCommit { id: id.to_owned(), subject: subject.to_owned() }
        });
        Ok(listed.collect())
    }
}
