//! What agents and people do in a schedule, and what becomes of an attempt.

use crate::state::{Outcome, ResumeReason};
use crate::sys::interrupt::Interrupt;

/// What one dispatched agent does.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) does: Does,
    /// Seconds of work.
    pub(super) after: i64,
    /// Boxes it ticks just before its end.
    pub(super) ticks: Vec<String>,
    /// It ticks those of its own unit, too.
    pub(super) ticks_own: bool,
    /// Told to end, it still says DONE first.
    pub(super) finishes: bool,
    /// The commands that must succeed after it do.
    pub(super) passes: bool,
    /// It does anything at all; one that was to go on in a session and does not has found none.
    pub(super) speaks: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Does {
    /// Ends in this way, with a result file (`Lost`: without).
    Ends(Outcome),
    /// The program is not there.
    NotThere,
    /// The window never starts its attempt.
    NoHandshake,
    /// The attempt takes its lock and then finds nobody to shake hands with.
    LateHandshake,
}

impl Act {
    pub(super) fn of(does: Does, after: i64) -> Self {
        Self { does, after, ticks: Vec::new(), ticks_own: false, finishes: false, passes: true, speaks: true }
    }

    pub(super) fn ends(outcome: Outcome) -> Self {
        Self::of(Does::Ends(outcome), 60)
    }

    /// It finds nothing of the session that it was to go on in.
    pub(super) fn mute(mut self) -> Self {
        self.speaks = false;
        self
    }

    pub(super) fn ticking(mut self, ids: &[&str]) -> Self {
        self.ticks.extend(ids.iter().map(ToString::to_string));
        self
    }
}

/// What happens by itself.
#[derive(Debug, Clone)]
pub(super) enum Happening {
    Signal(Interrupt),
    /// The wall clock jumps by this many seconds.
    Jump(i64),
    Add(String),
    AddBelow(String, String),
    Remove(String),
    Tick(String),
    Untick(String),
    /// Somebody saves nonsense as tasks.md.
    Break,
    Mend,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Life {
    /// Only its folder is there.
    Folder,
    /// It holds its lock until then; an agent may work in it.
    Until(i64, Outcome),
    /// Over, with this in its result file.
    Over(Option<Outcome>),
}

/// An attempt's folder and processes, which do not depend on the orchestrator's.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) unit: String,
    pub(super) number: u32,
    pub(super) completes: Vec<String>,
    pub(super) act: Act,
    pub(super) life: Life,
    /// An agent worked in it.
    pub(super) agent: bool,
    /// Which run it belongs to.
    pub(super) run: u32,
    /// Why it was to go on in a session, if it was.
    pub(super) reason: Option<ResumeReason>,
    /// What an orchestrator was told of its end, and whether that spends nothing.
    pub(super) told: Option<(Outcome, bool)>,
    /// An orchestrator was told that all that must succeed after it did, or could not know what that is.
    pub(super) verified: bool,
}

impl Attempt {
    pub(super) fn works(&self) -> bool {
        self.agent && self.lasts()
    }
    pub(super) fn lasts(&self) -> bool {
        matches!(self.life, Life::Until(..))
    }
    pub(super) fn is_nudge(&self) -> bool {
        self.reason == Some(ResumeReason::Nudge)
    }
    /// Whether it ended by itself in this way without having found the session that it was to go on in.
    pub(super) fn lost_its_session(&self, outcome: &Outcome) -> bool {
        let by_itself = matches!(outcome, Outcome::Failed { .. } | Outcome::NoSignal);
        self.reason.is_some() && !self.act.speaks && by_itself
    }
    pub(super) fn wrote_done(&self) -> bool {
        self.life == Life::Over(Some(Outcome::Done))
    }
}
