//! PURE. What the lease of one process hears, and what it wants done and says.

use std::sync::Arc;
use std::time::Duration;

use super::lease::Lease;
use super::push::{Push, RefQuestion, SeenRefs};
use super::saved::SavedSpec;

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HolderId {
    /// The random id of this process.
    pub id: String,
    /// The machine.
    pub host: String,
}

/// What is to be published with the next push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Publication {
    /// What is kept beside the lease.
    pub saved: Arc<SavedSpec>,
    /// The commit that the branch is to have; `None`: it stays as it is.
    pub commit: Option<String>,
    /// A commit that a ref of its own keeps: a number from [`super::hold::Hold::next_number`], and the commit.
    pub kept: Option<(u64, String)>,
    /// Nothing works on the spec after it.
    pub releases: bool,
    /// How long it may take; `None`: until the lease ends.
    pub patience: Option<Duration>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldEvent {
    /// Time has passed.
    Time,
    /// The run wants this published.
    Publish(Publication),
    /// Git says that the push of this object landed.
    Pushed(String),
    /// The push of this object failed, or was not answered.
    PushFailed(String),
    /// What the remote has; `None`: it does not answer.
    Read(Option<SeenRefs>),
}

/// What to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldEffect {
    /// Read the refs, and what this asks, and come back with [`HoldEvent::Read`].
    Read(RefQuestion),
    /// Push, and come back with [`HoldEvent::Pushed`] or [`HoldEvent::PushFailed`].
    Push(Push),
    /// Come back with [`HoldEvent::Time`] at this time of the own clock.
    Wait(Duration),
    /// Say this to the run.
    Say(HoldAnswer),
}

/// What the run hears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HoldAnswer {
    /// It is published.
    Published,
    /// Somebody moved the branch to this commit, or deleted it, so that the own commit may be missing there; the lease holds.
    BranchMoved(Option<String>),
    /// The remote refuses it again and again, and the lease holds.
    Refused,
    /// The lease is lost: another process has it, or it ended without an answer of the remote (`None`).
    Lost(Option<Lease>),
    /// There was no answer in the time that it had. The lease may hold.
    NoAnswer,
}
