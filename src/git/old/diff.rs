//! The differences between two trees.

use std::path::Path;

use super::change::{FileChange, parse_numstat};
use super::repository::NOT_OURS;
use super::runner::run;

/// The files that differ between two trees. `None` if git no longer has one of them.
#[must_use]
pub fn changes(dir: &Path, from: &str, to: &str) -> Option<Vec<FileChange>> {
    if from == to {
        return Some(Vec::new());
    }
    let mut args = vec!["diff-tree", "-r", "-z", "--no-renames", "--numstat", from, to, "--"];
    args.extend(NOT_OURS);
    run(dir, &args).ok().map(|list| parse_numstat(&list))
}
