//! What no snapshot holds.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::stamp::Stamp;

/// A path that no snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The path, as people read it.
    pub path: String,
    /// Why: a sentence, or git's words.
    pub why: String,
}

/// FIFOs, sockets and devices of a work tree, and what new rules hide.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SpecialFiles {
    /// Those that people may miss.
    pub(super) left_out: Vec<LeftOut>,
    /// Those that git ignores, so that it is not asked again.
    pub(super) ignored: BTreeSet<String>,
    /// The rules by which git ignored files when the run began.
    #[serde(default)]
    pub(super) rules: IgnoreRules,
}

/// The rules in one file by which git ignored files when a run began.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RuleFile {
    pub(super) stamp: Option<Stamp>,
    pub(super) rules: BTreeSet<String>,
}

/// The rules when a run began, by file.
pub(super) type IgnoreRules = BTreeMap<String, RuleFile>;
