//! PURE. What is pushed at once, and what a remote has.

use std::sync::Arc;

use super::lease::Lease;
use super::saved::SavedSpec;

/// The ref with the lease, as a remote has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunTip {
    /// Its object.
    pub object: String,
    /// The lease in it.
    pub lease: Lease,
}

/// The refs of a spec, as a remote has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenRefs {
    /// The ref with the lease; `None`: it does not exist.
    pub run: Option<RunTip>,
    /// The commit of the branch; `None`: it does not exist.
    pub branch: Option<String>,
}

/// A move of the branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchMove {
    /// The commit that it must have; `None`: it must not exist.
    pub from: Option<String>,
    /// The commit that it gets.
    pub to: String,
}

/// One atomic push. All of it lands, or nothing does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The object that the ref with the lease must have; `None`: it must not exist.
    pub parent: Option<String>,
    /// The lease in the new object.
    pub lease: Lease,
    /// What else is in the new object.
    pub saved: Arc<SavedSpec>,
    /// The new object, where an identical push was tried before.
    pub object: Option<String>,
    /// The move of the branch, if there is one.
    pub branch: Option<BranchMove>,
    /// A commit that a ref of its own keeps: the number in the ref's name, and the commit.
    pub kept: Option<(u64, String)>,
}
