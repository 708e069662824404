//! A commit that git made for us, and those that others made on top of it.

use serde::{Deserialize, Serialize};

use super::call::GitError;
use super::change::TreeChange;

/// What `git commit` made.
pub(super) struct NewCommit {
    pub(super) commit: String,
    pub(super) parent: Option<String>,
    pub(super) changes: Vec<TreeChange>,
    /// The commits that others made on top of it, oldest first.
    pub(super) later: Vec<LinkedCommit>,
    /// Git was ended after it had made the commit: why.
    pub(super) ended: Option<GitError>,
}

/// A commit and its first parent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LinkedCommit {
    pub(super) parent: Option<String>,
    pub(super) commit: String,
}
