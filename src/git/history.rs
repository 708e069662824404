//! What became of HEAD while an agent worked.

use std::collections::BTreeSet;

use super::call::{GitCall, GitError};
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
        match self.call(["merge-base", "--is-ancestor", old, new]).run(&self.supervisor) {
            Ok(_) => Ok(true),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(false),
            Err(GitError::Failed { code: Some(128), words, .. }) if words.contains("Not a valid") => {
                Ok(false)
            }
            Err(error) => Err(error),
        }
    }

    /// Of these commits those that HEAD does not have in its history.
    pub fn unreachable<'c>(&self, commits: &[&'c str]) -> Result<Vec<&'c str>, GitError> {
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let lines =
            |names: &[&str]| names.iter().flat_map(|name| [name, "\n"].concat().into_bytes()).collect();
        let asked: Vec<u8> = lines(&[commits, &["HEAD"]].concat());
        let known = self.call(["cat-file", "--batch-check"]).stdin(&asked).run(&self.supervisor)?;
        let known: Vec<bool> =
            known.split(|b| *b == b'\n').map(|line| !line.ends_with(b" missing")).collect();
        let there = commits.iter().zip(&known).filter(|(_, known)| **known).map(|(commit, _)| *commit);
        let there: Vec<&str> = there.collect();
        if there.is_empty() || known.get(commits.len()) == Some(&false) {
            return Ok(commits.to_vec());
        }
        // a commit that HEAD has is not listed
        let asked: Vec<u8> = lines(&[&there[..], &["^HEAD"]].concat());
        let listed = self.call(["rev-list", "--stdin"]).stdin(&asked).run(&self.supervisor)?;
        let listed: BTreeSet<&[u8]> = listed.split(|b| *b == b'\n').collect();
        let is_gone = |commit: &&&str| !there.contains(commit) || listed.contains(commit.as_bytes());
        Ok(commits.iter().filter(is_gone).copied().collect())
    }

    fn commits(&self, range: &[&str]) -> Result<Vec<ListedCommit>, GitError> {
        let args = ["log", "--reverse", "--format=%H %s", "-z", LISTED].iter().chain(range).copied();
        let printed = GitCall::new(&self.top, args).run(&self.supervisor)?;
        let listed = printed.split(|b| *b == 0).filter(|record| !record.is_empty()).map(|record| {
            let text = String::from_utf8_lossy(record);
            let (id, subject) = text.split_once(' ').unwrap_or((&text, ""));
            ListedCommit { id: id.to_owned(), subject: subject.to_owned() }
        });
        Ok(listed.collect())
    }
}
