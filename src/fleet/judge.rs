//! PURE. What became of a push that failed or was not answered: read from the remote, never guessed from words.

use super::lease::Lease;
use super::push::{Push, RunTip, SeenRefs};

/// What became of a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushFate {
    /// It landed.
    Landed,
    /// The server was killed between its renames: the lease landed, the branch or the kept commit did not.
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
    /// The lease is released with all that was to be published: a push of it landed whose answer was lost. Another process
    /// may have the spec since.
    Released,
    /// Another process has the lease, or somebody removed it.
    Lost(Option<Lease>),
}

/// Judges a push of `object` by what the remote has now. `made`: the objects that this process made. `releases`: what this
/// process wants to publish releases the lease, and no commit is left to be kept.
#[must_use]
pub fn judge(push: &Push, object: &str, seen: &SeenRefs, made: &[String], releases: bool) -> PushFate {
    let run = seen.run.as_ref();
    let has_old_branch = push.branch.as_ref().is_none_or(|moved| moved.from == seen.branch);
    let has_new_branch = push.branch.as_ref().is_none_or(|moved| seen.branch.as_ref() == Some(&moved.to));
    let has_kept = push.kept.as_ref().is_none_or(|(_, commit)| seen.kept.as_ref() == Some(commit));
    if run.is_some_and(|tip| tip.object == object) {
        return match (has_new_branch, has_kept) {
            (true, true) => PushFate::Landed,
            (true, false) => PushFate::Torn,
            (false, _) if has_old_branch => PushFate::Torn,
            (false, _) => PushFate::Overtaken,
        };
    }
    if run.map(|tip| &tip.object) == push.parent.as_ref() {
        return if has_old_branch { PushFate::NotLanded } else { PushFate::BranchMoved };
    }
    if releases && seen.has_object && seen.has_commit {
        return PushFate::Released;
    }
    match run {
        Some(tip) if made.contains(&tip.object) => PushFate::CameLate(tip.clone()),
        other => PushFate::Lost(other.map(|tip| tip.lease.clone())),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::lease::testing::lease;
    use super::super::push::BranchMove;
    use super::super::saved::SavedSpec;
    use super::*;

    /// A push from object `p` to object `o`.
    fn push() -> Push {
        let saved = Arc::new(SavedSpec::default());
        let parent = Some("p".to_owned());
        Push { parent, lease: lease(None), saved, object: Some("o".into()), branch: None, kept: None }
    }

    fn seen(run: &str, branch: &str) -> SeenRefs {
        let run = Some(RunTip { object: run.into(), lease: lease(Some("other")) });
        SeenRefs { run, branch: Some(branch.into()), has_commit: true, ..SeenRefs::default() }
    }

    fn fate(push: &Push, seen: &SeenRefs, releases: bool) -> PushFate {
        judge(push, "o", seen, &["o".into(), "early".into()], releases)
    }

    #[test]
    fn a_push_without_its_kept_commit_is_torn() {
        let push = Push { kept: Some((3, "k".into())), ..push() };
        assert_eq!(fate(&push, &seen("o", "b"), true), PushFate::Torn);
        let there = SeenRefs { kept: Some("k".into()), ..seen("o", "b") };
        assert_eq!(fate(&push, &there, true), PushFate::Landed);
        let other = SeenRefs { kept: Some("x".into()), ..seen("o", "b") };
        assert_eq!(fate(&push, &other, true), PushFate::Torn);
    }

    #[test]
    fn a_torn_push_leaves_another_branch_than_people_who_overtake_it() {
        let moved = BranchMove { from: Some("b".into()), to: "c".into() };
        let push = Push { branch: Some(moved), ..push() };
        assert_eq!(fate(&push, &seen("o", "c"), false), PushFate::Landed);
        assert_eq!(fate(&push, &seen("o", "b"), false), PushFate::Torn);
        assert_eq!(fate(&push, &seen("o", "x"), false), PushFate::Overtaken);
        assert_eq!(fate(&push, &seen("p", "b"), false), PushFate::NotLanded);
        assert_eq!(fate(&push, &seen("p", "x"), false), PushFate::BranchMoved);
    }

    #[test]
    fn a_release_that_another_process_followed_is_no_loss() {
        let followed = SeenRefs { has_object: true, ..seen("of another", "b") };
        assert_eq!(fate(&push(), &followed, true), PushFate::Released);
        // what was to be released is not all there, or nothing was
        assert!(matches!(fate(&push(), &followed, false), PushFate::Lost(Some(_))));
        let without = SeenRefs { has_commit: false, ..followed };
        assert!(matches!(fate(&push(), &without, true), PushFate::Lost(Some(_))));
        assert!(matches!(fate(&push(), &seen("of another", "b"), true), PushFate::Lost(Some(_))));
        assert!(matches!(fate(&push(), &seen("early", "b"), true), PushFate::CameLate(_)));
    }
}
