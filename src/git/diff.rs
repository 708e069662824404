//! What lies between two trees.

use super::call::GitError;
use super::change::{TreeChange, parse};
use super::snapshot::Snapshots;

impl Snapshots<'_> {
    /// What lies between two trees, sorted by path. An error where git does not have one of them any more.
    pub fn changes(&self, from: &str, to: &str) -> Result<Vec<TreeChange>, GitError> {
        if from == to {
            return Ok(Vec::new());
        }
        let call = self.call([
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--numstat",
            "--no-renames",
            "--no-ext-diff",
            "--ignore-submodules=none",
            from,
            to,
        ]);
        let printed = call.run(&self.repository().supervisor)?;
        parse(&printed)
            .ok_or_else(|| GitError::Unusable { why: "git diff-tree prints an unknown format".into() })
    }
}
