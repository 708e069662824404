//! PURE. What became of a push that failed or was not answered: read from the remote, never guessed from words.

use super::lease::Lease;
use super::push::{Push, RunTip, SeenRefs};

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushFate {
    /// It landed.
    Landed,
    /// The server was killed between its two renames: the lease landed, the branch did not.
    Torn,
    /// The lease landed, and somebody has moved the branch since. Whether they have the pushed commit cannot be seen from
    /// the refs: the server may have been killed as in [`PushFate::Torn`].
    Overtaken,
    /// It did not land.
    NotLanded,
    /// Somebody moved the branch.
    BranchMoved,
    /// An earlier push of this process came late.
    CameLate(RunTip),
    /// Another process has the lease, or somebody removed it.
    Lost(Option<Lease>),
}

/// Judges a push of `object` by what the remote has now. `made`: the objects that this process made.
#[must_use]
pub fn judge(push: &Push, object: &str, seen: &SeenRefs, made: &[String]) -> PushFate {
    let run = seen.run.as_ref();
    let has_old_branch = push.branch.as_ref().is_none_or(|moved| moved.from == seen.branch);
    if run.is_some_and(|tip| tip.object == object) {
        return match &push.branch {
            Some(moved) if seen.branch.as_ref() != Some(&moved.to) => {
                if has_old_branch {
                    PushFate::Torn
                } else {
                    PushFate::Overtaken
                }
            }
            _ => PushFate::Landed,
        };
    }
    if run.map(|tip| &tip.object) == push.parent.as_ref() {
        return if has_old_branch { PushFate::NotLanded } else { PushFate::BranchMoved };
    }
    match run {
        Some(tip) if made.contains(&tip.object) => PushFate::CameLate(tip.clone()),
        other => PushFate::Lost(other.map(|tip| tip.lease.clone())),
    }
}
