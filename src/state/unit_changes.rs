//! PURE. What a unit changed, and the commit of that.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The commit of a done unit that is not made yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingCommit {
    /// Since when.
    pub since: Timestamp,
    /// Why it was not made, in git's own words (their end); `None`: it was not tried yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// Git itself refused it, or a hook of it: then people change files of the unit so that git takes them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_git: bool,
}

/// What a unit changed, as git counts it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Files.
    pub files: u64,
    /// Lines added.
    pub insertions: u64,
    /// Lines removed.
    pub deletions: u64,
    /// Whether no file but that of the tasks differs.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unchanged: bool,
    /// The tree after it.
    pub after: String,
    /// Its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Files of it that are in no commit, because others have changed them, too.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_committed: Vec<String>,
    /// Files of it that its commit does not have as they are: a hook of git took them out, or changed them afterwards.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub left_by_hook: Vec<String>,
    /// Its commit is made, but the user's index does not have it yet: why, and what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub index_behind: Option<String>,
    /// Its commit is not all that it changed, or more than that: some of its files had changes before it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub commit_differs: bool,
}

/// The commit of a done unit was not made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitRefused {
    /// Why, in git's own words. Empty: it was not tried to the end, because the run is to stop.
    pub why: String,
    /// The unit's changes up to then: what others write from now on does not belong to them.
    pub changes: Option<Box<Changes>>,
    /// Git itself refused it, or a hook of it.
    pub by_git: bool,
    /// A hook refused what is in the commit, so its agent may be able to fix it.
    pub for_agent: bool,
    /// The tree after the last attempt with what the hooks changed; `None` where they changed nothing.
    pub left: Option<String>,
}
