//! PURE. What git said of the work tree at one moment.

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
}

/// A path that is in no snapshot and so in no commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutPath {
    /// The path, as people read it.
    pub path: String,
    /// Why: a sentence, or git's words.
    pub why: String,
}
