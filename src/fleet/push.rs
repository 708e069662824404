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

/// What is asked of a remote beside where the refs of a spec lead.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RefQuestion {
    /// Whether the chain of the ref with the lease has one of these objects.
    pub objects: Vec<String>,
    /// Whether the branch has this commit.
    pub commit: Option<String>,
    /// What the ref leads to that keeps commits and has these numbers in its name: the take, and the push.
    pub kept: Option<(u64, u64)>,
}

/// The refs of a spec, as a remote has them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SeenRefs {
    /// The ref with the lease; `None`: it does not exist.
    pub run: Option<RunTip>,
    /// The commit of the branch; `None`: it does not exist.
    pub branch: Option<String>,
    /// The commit of [`RefQuestion::kept`]; `None`: that ref does not exist.
    pub kept: Option<String>,
    /// The answer to [`RefQuestion::objects`].
    pub has_object: bool,
    /// The answer to [`RefQuestion::commit`]; true where there is no question.
    pub has_commit: bool,
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
    /// A commit that a ref of its own is to keep, which is not there yet: the number in the ref's name, and the commit.
    pub kept: Option<(u64, String)>,
}
