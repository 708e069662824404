//! A repository whose commits are made, refused or made late, or whose git is killed in the middle of them.

use std::collections::{BTreeSet, VecDeque};

use crate::state::work_tree::HistoryChange;
use crate::sys::dice::Dice;

/// What git does with a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GitAct {
    /// Makes it.
    Commits,
    /// A hook refuses it, for a reason that no agent can do anything about.
    Refuses,
    /// A hook refuses it, and its words go to the agent.
    SendsBack,
    /// A hook hangs until the deadline, and is ended.
    Hangs,
    /// It fails before it begins: no disk, no program.
    Fails,
    /// Another git holds a lock for so many seconds.
    IsLocked(i64),
    /// It is killed after it has made the commit.
    IsKilled,
    /// It makes the commit, but another git keeps the lock of the index for so many seconds.
    KeepsIndex(i64),
}

/// The repository, which lives on when the orchestrator is killed.
#[derive(Debug, Clone, Default)]
pub(super) struct GitModel {
    /// What it does with the next commits. It makes all later ones.
    pub(super) acts: VecDeque<GitAct>,
    /// Numbers of the looks at the work tree that fail.
    pub(super) look_fails: BTreeSet<u32>,
    pub(super) looks: u32,
    /// The unit of each commit, and the number of the attempt that was done.
    pub(super) commits: Vec<(String, u32)>,
    /// Until when the index cannot get the commits that it does not have.
    pub(super) index_behind: Option<i64>,
    /// The commit that was noted before it began.
    pub(super) started: Option<(String, u32)>,
}

impl GitModel {
    /// One that has trouble now and then.
    pub(super) fn by_chance(dice: &mut Dice) -> Self {
        use GitAct as A;
        let act = |dice: &mut Dice| {
            dice.pick(&[
                A::Commits,
                A::Commits,
                A::Refuses,
                A::SendsBack,
                A::SendsBack,
                A::Hangs,
                A::Fails,
                A::IsLocked(5),
                A::IsLocked(90),
                A::IsKilled,
                A::KeepsIndex(5),
                A::KeepsIndex(5000),
            ])
        };
        let acts = (0..dice.roll(7)).map(|_| act(dice)).collect();
        let look_fails = if dice.one_in(3) { BTreeSet::from([1 + dice.roll(8)]) } else { BTreeSet::new() };
        Self { acts, look_fails, ..Self::default() }
    }
}

/// What an agent did that moved HEAD away from a commit.
pub(super) fn moved_head() -> HistoryChange {
    HistoryChange::Rewritten { from: "a".to_owned(), to: "b".to_owned(), back: None }
}
