//! What no snapshot holds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// A path that no snapshot holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The path, as people read it.
    pub path: String,
    /// Why: a sentence, or git's words.
    pub why: String,
}

/// FIFOs, sockets and devices of a work tree.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SpecialFiles {
    /// Those that people may miss.
    pub(super) left_out: Vec<LeftOut>,
    /// Those that git ignores, so that it is not asked again.
    pub(super) ignored: BTreeSet<String>,
}
