//! PURE. The work tree of a spec's own, in every output.

use serde::Serialize;

use super::text::sanitise_line;

/// A work tree and its branch, for people. No text in it has escape sequences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownTree {
    /// The top of the tree.
    pub path: String,
    /// The branch that was made for it.
    pub branch: String,
}

impl ShownTree {
    /// The tree at `path` with this branch.
    #[must_use]
    pub fn new(path: &str, branch: &str) -> Self {
        Self { path: sanitise_line(path), branch: sanitise_line(branch) }
    }
}

impl std::fmt::Display for ShownTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "work tree: {} on the branch {}", self.path, self.branch)
    }
}
