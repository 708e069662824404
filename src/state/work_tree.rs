//! PURE. What git said of the work tree at one moment.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// All files of the work tree at one moment, and where HEAD was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TreeRecord {
    /// The tree of all files, as git names it.
    pub tree: String,
    /// The commit that HEAD was; `None` before the first one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The branch; `None` where HEAD was detached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// Paths that are not in the tree.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOutPath>,
    /// How HEAD moved during the attempt before it; `None` where it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub history: Option<HistoryChange>,
}

/// A person talked to the agent of a unit in its session: what changed meanwhile is the unit's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TalkRecord {
    /// When the person left the session.
    pub at: Timestamp,
    /// The work tree before that.
    pub before: TreeRecord,
    /// The work tree after that.
    pub after: TreeRecord,
}

/// A person took back what a unit had changed: seqorch restored its files.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoRecord {
    /// When.
    pub at: Timestamp,
    /// The tree of all files before that.
    pub from: String,
    /// The tree of all files after that.
    pub to: String,
    /// The commit that it takes back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Whether its files may be restored in part only: something may have cut it off. `to` is not known then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_begun: bool,
}

/// How HEAD moved during an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "moved", rename_all = "snake_case")]
pub enum HistoryChange {
    /// The agent committed on the same branch.
    Commits {
        /// Its commits, oldest first.
        commits: Vec<AgentCommit>,
    },
    /// A reviewer committed on the same branch, though it may only look.
    ByReviewer {
        /// Its commits, oldest first.
        commits: Vec<AgentCommit>,
    },
    /// The branch does not have the commit any more that it was at: a reset, a rebase, an amended commit.
    Rewritten {
        /// That commit.
        from: String,
        /// The commit that the branch is at now; empty: none.
        to: String,
        /// The commands that lead back; empty: nothing does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        back: Option<String>,
    },
    /// HEAD is on another branch, or on none.
    Branch {
        /// The branch before; empty: none.
        from: String,
        /// The branch now; empty: none.
        to: String,
        /// The commit that HEAD was at.
        commit: String,
        /// The branch before has the name of the one now.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        renamed: bool,
        /// The commands that lead back; empty: nothing does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        back: Option<String>,
    },
}

/// A commit that an agent made itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentCommit {
    /// Git's name of it.
    pub id: String,
    /// The first line of its message.
    pub subject: String,
}

impl HistoryChange {
    /// Whether a person has to look at it: commits that were there before are no longer in the history of HEAD, or may be missed
    /// there, or there are some that were not asked for.
    #[must_use]
    pub fn leaves_commits(&self) -> bool {
        !matches!(self, Self::Commits { .. })
    }
}

impl fmt::Display for HistoryChange {
    /// What happened, and how to get back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let branch =
            |name: &str| if name.is_empty() { "no branch".to_owned() } else { format!("branch {name}") };
        match self {
            Self::Commits { commits } => write!(f, "the agent made {} commits", commits.len()),
            Self::ByReviewer { commits } => {
                let named: Vec<String> =
                    commits.iter().map(|one| format!("{:.9} {}", one.id, one.subject)).collect();
                let first = commits.first().map_or("HEAD", |one| &one.id);
                // keeps the files: the commit may have those of the task
                let back = format!("git reset {first:.9}~1");
                write!(f, "the reviewer committed {} ({})", named.join(", "), way_back(&back, first))
            }
            Self::Rewritten { from, to, back } => {
                let back = back.clone().unwrap_or_else(|| format!("git reset --keep {from:.9}"));
                let way = way_back(&back, from);
                if to.is_empty() {
                    return write!(f, "the agent removed all commits; HEAD was at {from:.9} ({way})");
                }
                write!(
                    f,
                    "the agent moved the branch from {from:.9} to {to:.9}, which does not have that commit ({way})"
                )
            }
            Self::Branch { from, to, commit, renamed, back } => {
                let back = back.clone().unwrap_or_else(|| {
                    let back = if from.is_empty() { format!("--detach {commit:.9}") } else { from.clone() };
                    format!("git switch {back}")
                });
                let way = way_back(&back, commit);
                if *renamed {
                    return write!(f, "the agent renamed branch {from} to {to} ({way})");
                }
                let (from, to) = (branch(from), branch(to));
                write!(f, "the agent went from {from} to {to} ({way})")
            }
        }
    }
}

/// How to get back, in brackets.
fn way_back(commands: &str, commit: &str) -> String {
    if commands.is_empty() {
        return format!("nothing leads back: {commit:.9} is not in the repository any more");
    }
    format!("back: {commands}")
}

/// A path that is in no snapshot and so in no commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutPath {
    /// The path, as people read it.
    pub path: String,
    /// Why: a sentence, or git's words.
    #[serde(rename = "reason", alias = "why")]
    pub why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_of_history_says_what_happened_and_how_to_get_back() {
        let change =
            HistoryChange::Rewritten { from: "0123456789abc".into(), to: "fedcba9876543".into(), back: None };
        assert_eq!(
            change.to_string(),
            "the agent moved the branch from 012345678 to fedcba987, which does not have that commit (back: git reset \
             --keep 012345678)"
        );
        let change = HistoryChange::Branch {
            from: "main".into(),
            to: String::new(),
            commit: "0123456789abc".into(),
            renamed: false,
            back: None,
        };
        assert_eq!(
            change.to_string(),
            "the agent went from branch main to no branch (back: git switch main)"
        );
        let gone = HistoryChange::Rewritten {
            from: "0123456789abc".into(),
            to: String::new(),
            back: Some(String::new()),
        };
        assert_eq!(
            gone.to_string(),
            "the agent removed all commits; HEAD was at 012345678 (nothing leads back: 012345678 is not in the repository any more)"
        );
        assert!(change.leaves_commits());
        assert!(!HistoryChange::Commits { commits: Vec::new() }.leaves_commits());
        let commits = vec![AgentCommit { id: "0123456789abc".into(), subject: "mine".into() }];
        let change = HistoryChange::ByReviewer { commits };
        assert!(change.leaves_commits());
        assert_eq!(change.to_string(), "the reviewer committed 012345678 mine (back: git reset 012345678~1)");
    }
}
