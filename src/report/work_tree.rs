//! PURE. The work tree of a spec's own, in every output.

use serde::Serialize;

use super::text::sanitise_line;

/// A work tree and its branch, for people. No text in it has escape sequences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ShownTree {
    /// The top of the tree.
    pub path: String,
    /// The branch that is checked out in it; `None`: none is.
    pub branch: Option<String>,
    /// The branch that was made for it, where it is on another one or on none.
    #[serde(skip)]
    left: Option<String>,
}

impl ShownTree {
    /// The tree at `path`, with the branch that is checked out in it and that which was made for it.
    #[must_use]
    pub fn new(path: &str, branch: Option<&str>, own: &str) -> Self {
        let left = (branch != Some(own)).then(|| sanitise_line(own));
        Self { path: sanitise_line(path), branch: branch.map(sanitise_line), left }
    }
}

impl std::fmt::Display for ShownTree {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.branch {
            Some(branch) => write!(f, "work tree: {} on the branch {branch}", self.path)?,
            None => write!(f, "work tree: {} on no branch (detached HEAD)", self.path)?,
        }
        self.left.as_ref().map_or(Ok(()), |own| write!(f, ", not on {own}, which was made for it"))
    }
}

#[cfg(test)]
mod tests {
    use super::ShownTree;

    #[test]
    fn a_tree_shows_the_branch_that_is_checked_out_in_it() {
        let shown = |branch| ShownTree::new("/t", branch, "seqorch/a").to_string();
        assert_eq!(shown(Some("seqorch/a")), "work tree: /t on the branch seqorch/a");
        assert_eq!(
            shown(Some("mine")),
            "work tree: /t on the branch mine, not on seqorch/a, which was made for it"
        );
        assert!(shown(None).starts_with("work tree: /t on no branch (detached HEAD), not on seqorch/a"));
    }
}
