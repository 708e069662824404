//! What agents and users do in a schedule, and the life of an attempt.

use crate::agent::AttemptRole;
use crate::state::{Outcome, ResumeReason};
use crate::sys::interrupt::Interrupt;

/// What one agent does after its start.
#[derive(Debug, Clone)]
pub(super) struct Act {
    pub(super) does: Does,
    /// Seconds of work.
    pub(super) after: i64,
    /// Boxes it ticks just before its end.
    pub(super) ticks: Vec<String>,
    /// It also ticks those of its own unit.
    pub(super) ticks_own: bool,
    /// After TERM it still reports DONE.
    pub(super) finishes: bool,
    /// The verify commands after it succeed.
    pub(super) passes: bool,
    /// It moves HEAD away from the commit that it was at.
    pub(super) moves_head: bool,
    /// It prints something. An agent that should resume a session and prints nothing did not find it.
    pub(super) speaks: bool,
}

#[derive(Debug, Clone)]
pub(super) enum Does {
    /// Ends in this way, with a result file (`Lost`: without).
    Ends(Outcome),
    /// The program does not exist.
    NotThere,
    /// The window never starts its attempt.
    NoHandshake,
    /// The attempt takes its lock, and then no orchestrator answers it.
    LateHandshake,
}

impl Act {
    pub(super) fn of(does: Does, after: i64) -> Self {
        Self {
            does,
            after,
            ticks: Vec::new(),
            ticks_own: false,
            finishes: false,
            passes: true,
            moves_head: false,
            speaks: true,
        }
    }

    pub(super) fn ends(outcome: Outcome) -> Self {
        Self::of(Does::Ends(outcome), 60)
    }

    /// It does not find the session that it should resume.
    pub(super) fn mute(mut self) -> Self {
        self.speaks = false;
        self
    }

    pub(super) fn moving_head(mut self) -> Self {
        self.moves_head = true;
        self
    }

    pub(super) fn ticking(mut self, ids: &[&str]) -> Self {
        self.ticks.extend(ids.iter().map(ToString::to_string));
        self
    }
}

/// What happens from outside.
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
    /// A person pauses the run, for so many seconds or until they end the pause.
    Pause(Option<i64>),
    /// A person ends the pause, and every wait.
    Resume,
    /// A person talks to an agent in its session, for so many seconds.
    Talk(i64),
    /// A person wants a task left out.
    Skip(String),
    /// Somebody saves nonsense as tasks.md.
    Break,
    /// tasks.md is as it was before.
    Fix,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Life {
    /// Only its folder exists.
    Folder,
    /// It holds its lock until that time, and then has this outcome. An agent may work in it.
    Until(i64, Outcome),
    /// It is over, with this outcome in its result file, if it has one.
    Over(Option<Outcome>),
}

/// The folder and the processes of an attempt. They do not end with the orchestrator.
#[derive(Debug, Clone)]
pub(super) struct Attempt {
    pub(super) unit: String,
    pub(super) role: AttemptRole,
    pub(super) number: u32,
    pub(super) completes: Vec<String>,
    pub(super) act: Act,
    pub(super) life: Life,
    /// An agent worked in it.
    pub(super) agent: bool,
    /// The number of its run.
    pub(super) run: u32,
    /// Why it should resume a session, if it should.
    pub(super) reason: Option<ResumeReason>,
    /// The outcome that an orchestrator got, and whether it is free: it does not count as an attempt.
    pub(super) reported_end: Option<(Outcome, bool)>,
    /// Its verify commands succeeded, or the orchestrator could not know them.
    pub(super) verified: bool,
    /// A review of it approved it, or the orchestrator could not know that it is reviewed.
    pub(super) approved: bool,
    /// The run in which a review of it wanted changes: there it counts as an attempt.
    pub(super) failed_in: Option<u32>,
    /// Whether a hook of git refused its commit.
    pub(super) refusal: Refusal,
}

/// What a hook of git said about the commit of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Nothing.
    No,
    /// It refused, and an orchestrator heard of it.
    Heard,
    /// The disk says that the attempt is not done because of it.
    Saved,
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
    /// Whether it ended by itself, and did not find the session that it should resume.
    pub(super) fn lost_its_session(&self, outcome: &Outcome) -> bool {
        let by_itself = matches!(outcome, Outcome::Failed { .. } | Outcome::NoSignal | Outcome::NoVerdict);
        self.reason.is_some() && !self.act.speaks && by_itself
    }
    pub(super) fn wrote_done(&self) -> bool {
        self.life == Life::Over(Some(Outcome::Done))
    }
}
