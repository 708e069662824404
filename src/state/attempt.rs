//! PURE. One attempt of a unit: what it was asked for, how it ended, and what is known of it.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::limited::WindowUse;
use super::outcome::{CancelledBy, Outcome, TimedOut};
use super::work_tree::{AgentCommit, HistoryChange, TreeRecord};
use crate::agent::AttemptRole;
use crate::agent::Usage;
use crate::agent::session_error::is_same_error;

/// One attempt of a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Its number, from 1, never used twice.
    pub number: u32,
    /// What it is for.
    #[serde(default, skip_serializing_if = "AttemptRole::is_work")]
    pub role: AttemptRole,
    /// Name of the backend.
    pub backend: String,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When its end was known.
    pub ended_at: Option<Timestamp>,
    /// How it ended; `None` while it runs.
    pub outcome: Option<Outcome>,
    /// Ids that it completes when it is done.
    #[serde(default)]
    pub completes: Vec<String>,
    /// Whether it counts against the attempts of this run's retry policy.
    #[serde(default)]
    pub counts: bool,
    /// The session that it resumes, and why; `None`: it begins one.
    #[serde(alias = "goes_on", default, skip_serializing_if = "Option::is_none")]
    pub resumes: Option<Resumption>,
    /// The model that was asked for; `None`: the agent's own choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_model: Option<String>,
    /// Where it works: a session can be resumed only there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cwd: String,
    /// The work tree before it; `None` where no snapshots are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<TreeRecord>,
    /// What was learned of it apart from its outcome.
    #[serde(flatten)]
    pub learned: Learned,
}

/// What is known of an attempt apart from how it ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learned {
    /// The agent's session, where it has one that can be resumed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The model that it said it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What this attempt alone used, as far as its vendor says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The total of its session, where the vendor says only that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_total: Option<Usage>,
    /// How much of its plan's window is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowUse>,
    /// The work tree after it and its verify commands. What lies between the trees before and after it is its change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<TreeRecord>,
    /// Settings and hooks that would execute something new and that came up during this attempt. No run executes them
    /// before a person trusts them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub untrusted: Vec<UntrustedChange>,
    /// Calls of tools that were refused because no person was there to allow them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// Files that a reviewer changed, and that were put back.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub undone: Vec<String>,
    /// What its last message asks, without the signal that asks a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asks: Option<String>,
    /// When it ended or showed its last sign of life, where no run was there to see it.
    #[serde(skip)]
    pub over_at: Option<Timestamp>,
    /// Whether its session cannot continue, as its error says. It is never resumed again.
    #[serde(skip_serializing_if = "is_false")]
    pub session_over: bool,
    /// Whether it and the attempts before it changed no file; `false` where that is not known.
    #[serde(skip)]
    pub unchanged: bool,
    /// Whether the agent did anything at all: said a word, used a tool.
    #[serde(skip)]
    pub worked: bool,
    /// Where its login was refused: whether a call with the same login succeeded lately.
    #[serde(skip)]
    pub login_worked: bool,
}

/// Something that came up during an attempt and would be executed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UntrustedChange {
    /// What it is and says: `hooks.step_end = ["./x"] (seqorch.toml:4)`.
    pub what: String,
    /// Whether it is git's: such a one may be honest work, as where `npm ci` installs hooks.
    pub of_git: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde gives a reference")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// An attempt resumes the session of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resumption {
    /// The session's id, in the agent's own terms.
    pub session: String,
    /// Why.
    pub reason: ResumeReason,
}

/// Why an attempt resumes a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResumeReason {
    /// The attempt before ended without a signal, and the agent is asked for one.
    Nudge,
    /// The attempt before changed no file, and the agent is asked whether its task is really done.
    Unchanged,
    /// The attempt before did not succeed.
    Retry,
    /// A person answered its question.
    Answer,
    /// A limit cut the attempt before off.
    Limit,
}

impl ResumeReason {
    /// The word for prompts and programs.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nudge => "nudge",
            Self::Unchanged => "unchanged",
            Self::Retry => "retry",
            Self::Answer => "answer",
            Self::Limit => "limit",
        }
    }
}

impl AttemptRecord {
    /// Until when it worked, as far as is known at `now`.
    #[must_use]
    pub fn until(&self, now: Timestamp) -> Timestamp {
        let over = self.learned.over_at.map(|at| at.min(now));
        self.ended_at.or(over).unwrap_or(now).max(self.started_at)
    }

    /// Notes what was learned of it, and its end. Returns how long it worked.
    pub fn end(&mut self, now: Timestamp, learned: Learned) -> Duration {
        (self.ended_at, self.learned) = (None, learned);
        // the time between a kill and the next run is no work
        let ended_at = self.until(now);
        (self.ended_at, self.learned.over_at) = (Some(ended_at), None);
        ended_at.duration_since(self.started_at).try_into().unwrap_or(Duration::ZERO)
    }

    /// Whether its agent is only asked for the signal that its last answer lacked.
    #[must_use]
    pub fn is_nudge(&self) -> bool {
        self.resumes.as_ref().is_some_and(|resumes| resumes.reason == ResumeReason::Nudge)
    }

    /// Whether its vendor answered it at least once.
    #[must_use]
    pub fn was_answered(&self) -> bool {
        let used =
            self.learned.usage.as_ref().and_then(|usage| usage.output).is_some_and(|tokens| tokens > 0);
        let spoke = matches!(
            self.outcome,
            Some(
                Outcome::Done
                    | Outcome::Halted { .. }
                    | Outcome::Unchanged
                    | Outcome::NoSignal
                    | Outcome::ForReview
                    | Outcome::Approved
                    | Outcome::NoVerdict
                    | Outcome::ChangesWanted { .. }
                    | Outcome::VerifyFailed { .. }
                    | Outcome::Unchecked { .. }
            )
        );
        used || spoke
    }

    /// Whether its agent is only asked about its last answer, so that it is no attempt of its own.
    #[must_use]
    pub fn is_question(&self) -> bool {
        let asks =
            |resumes: &Resumption| matches!(resumes.reason, ResumeReason::Nudge | ResumeReason::Unchanged);
        self.resumes.as_ref().is_some_and(asks)
    }

    /// Whether a limit ended it.
    #[must_use]
    pub fn is_limited(&self) -> bool {
        matches!(self.outcome, Some(Outcome::Limited { .. }))
    }

    /// Whether an agent was started for it.
    #[must_use]
    pub fn reached_agent(&self) -> bool {
        !matches!(
            self.outcome,
            Some(Outcome::Unavailable { .. } | Outcome::Cancelled { by: CancelledBy::NoOrchestrator })
        )
    }

    /// The commits that its agent made itself on the branch.
    #[must_use]
    pub fn own_commits(&self) -> &[AgentCommit] {
        match self.learned.after.as_ref().and_then(|after| after.history.as_ref()) {
            Some(HistoryChange::Commits { commits }) => commits,
            _ => &[],
        }
    }

    /// Whether people count it as a try: an agent was started, and no limit cut it off.
    #[must_use]
    pub fn is_try(&self) -> bool {
        self.reached_agent() && !self.is_limited()
    }

    /// Whether its end says something of its session: no limit, no person and no lost process was the reason.
    #[must_use]
    pub fn counts_for_its_session(&self) -> bool {
        let outside = matches!(self.outcome, None | Some(Outcome::Cancelled { .. } | Outcome::Lost));
        self.is_try() && !outside
    }

    /// Whether it and an earlier attempt failed in the same way: with the same error, code or signal, or both without a word
    /// until a deadline.
    #[must_use]
    pub fn failed_like(&self, earlier: &Self) -> bool {
        let is_mute = |attempt: &Self| match attempt.outcome {
            Some(Outcome::TimedOut { which: TimedOut::Idle | TimedOut::FirstOutput }) => true,
            // one that is known to have worked up to its time limit had too little time
            Some(Outcome::TimedOut { which: TimedOut::Total }) => !attempt.was_answered(),
            _ => false,
        };
        match (&self.outcome, &earlier.outcome) {
            (Some(Outcome::Failed { code, why }), Some(Outcome::Failed { code: before, why: was })) => {
                match (why, was) {
                    (Some(why), Some(was)) => is_same_error(why, was),
                    (None, None) => code == before,
                    _ => false,
                }
            }
            (Some(Outcome::Signaled { signal }), Some(Outcome::Signaled { signal: before })) => {
                signal == before
            }
            _ => is_mute(self) && is_mute(earlier),
        }
    }

    /// Whether it was to resume a session and the agent did nothing at all: most likely the session is gone.
    #[must_use]
    pub fn lost_its_session(&self, learned: &Learned) -> bool {
        let ended_by_itself = matches!(
            self.outcome,
            Some(Outcome::Failed { .. } | Outcome::NoSignal | Outcome::NoVerdict | Outcome::Signaled { .. })
        );
        self.resumes.is_some() && ended_by_itself && !learned.worked
    }
}
