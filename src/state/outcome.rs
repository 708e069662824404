//! PURE. How an attempt ended.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::limit::LimitKind;

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Outcome {
    /// The agent said so (or ended well where no signal is needed).
    Done,
    /// The agent asked for a person.
    Halted {
        /// Its text before the signal.
        question: String,
    },
    /// The agent said that it is done, and its task changed no file. It is asked once.
    Unchanged,
    /// The agent said that it is done, and a review of its work is due.
    ForReview,
    /// The reviewer found nothing that must change.
    Approved,
    /// The reviewer wants changes.
    ChangesWanted {
        /// What it found.
        findings: String,
    },
    /// The reviewer gave no verdict.
    NoVerdict,
    /// It ended well and said neither.
    NoSignal,
    /// It ended with another code.
    Failed {
        /// The exit code; 0 where the agent itself says that it failed.
        code: i32,
        /// The agent's own word for it, where it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<String>,
    },
    /// A signal ended it, and seqorch did not send that signal.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// The agent said that it is done, and a command that must succeed did not.
    VerifyFailed {
        /// The command, for people.
        command: String,
        /// How it ended, and the end of what it printed.
        tail: String,
        /// The line of its whole output that names the cause; `None` where it printed nothing, or the command is none of the
        /// configuration's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cause: Option<String>,
    },
    /// The agent said that it is done, and a command that must succeed could not be started. It uses up no attempt.
    Unchecked {
        /// The command, for people.
        command: String,
        /// Why it could not be started.
        why: String,
    },
    /// A deadline passed.
    TimedOut {
        /// Which one.
        which: TimedOut,
    },
    /// The vendor refused it because of a limit. It uses up no attempt.
    Limited {
        /// What kind of limit.
        limit: LimitKind,
        /// The vendor's words.
        why: String,
        /// When it ends, where that was said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
        /// The model that alone is limited, where it named one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        model: Option<String>,
    },
    /// It could not be started.
    Unavailable {
        /// Why, as a clause of its own: `cannot start make: No such file or directory`.
        why: String,
    },
    /// It was ended from outside.
    Cancelled {
        /// By whom.
        by: CancelledBy,
    },
    /// Its process is gone and left no result. Never a success.
    Lost,
}

/// The command of an [`Outcome::VerifyFailed`] whose commit git refused.
pub const REFUSED_COMMIT: &str = "git commit";

/// The command of an [`Outcome::VerifyFailed`] whose check was a review.
pub const REVIEW: &str = "review";

impl Outcome {
    /// Whether nothing in its output needs a look: it succeeded, or what it says is shown anyway.
    #[must_use]
    pub fn needs_no_look(&self) -> bool {
        matches!(
            self,
            Self::Done
                | Self::Halted { .. }
                | Self::ForReview
                | Self::Approved
                | Self::ChangesWanted { .. }
                | Self::Unavailable { .. }
        )
    }

    /// The line of a check's output that names why it failed.
    #[must_use]
    pub fn cause(&self) -> Option<&str> {
        match self {
            Self::VerifyFailed { cause, .. } => cause.as_deref(),
            _ => None,
        }
    }

    /// Whether a review wants changes of what the agent called done.
    #[must_use]
    pub fn is_review(&self) -> bool {
        matches!(self, Self::VerifyFailed { command, .. } if command == REVIEW)
    }

    /// Whether git refused the commit of what the agent called done. There is no log of that.
    #[must_use]
    pub fn is_refused_commit(&self) -> bool {
        matches!(self, Self::VerifyFailed { command, .. } if command == REFUSED_COMMIT)
    }
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Halted { .. } => f.write_str("halted with a question"),
            Self::Unchanged => f.write_str("said it is done, but no file has changed"),
            Self::ForReview => f.write_str("done, to be reviewed"),
            Self::Approved => f.write_str("approved"),
            Self::ChangesWanted { findings } => write!(f, "wants changes: {}", brief(findings)),
            Self::NoVerdict => f.write_str("reviewed without a verdict"),
            Self::NoSignal => f.write_str("ended without TASK_DONE"),
            Self::Failed { code, why: None } => write!(f, "failed with exit code {code}"),
            Self::Failed { code: 0, why: Some(why) } => write!(f, "failed: {}", brief(why)),
            Self::Failed { code, why: Some(why) } => {
                write!(f, "failed with exit code {code}: {}", brief(why))
            }
            Self::VerifyFailed { command, tail, .. } if command == REVIEW => {
                write!(f, "not done: the review wants changes: {}", brief(tail))
            }
            Self::VerifyFailed { command, tail, cause } => {
                // the first line says how: its exit code, its deadline, too few tests
                let how = tail.lines().next().map_or_else(String::new, |how| format!(": {}", brief(how)));
                let check = format!("`{command}` does not succeed{how}");
                match cause {
                    // what matters comes first, because lines are cut at their end
                    Some(cause) => write!(f, "not done: {} ({check})", brief(cause)),
                    None => write!(f, "not done: {check}"),
                }
            }
            Self::Unchecked { command, why } => write!(f, "not checked: `{command}`: {}", brief(why)),
            Self::Signaled { signal } => write!(f, "ended by signal {signal}"),
            Self::TimedOut { which: TimedOut::Total } => f.write_str("timed out: over its time limit"),
            Self::TimedOut { which: TimedOut::Idle } => f.write_str("timed out: no output for too long"),
            Self::TimedOut { which: TimedOut::FirstOutput } => f.write_str("timed out: it printed nothing"),
            Self::Limited { limit, why, .. } => {
                write!(f, "{}: {}", limit.need().unwrap_or(limit.words()), brief(why))
            }
            Self::Unavailable { why } => f.write_str(why),
            Self::Cancelled { by: CancelledBy::HangUp } => f.write_str("its window was closed"),
            Self::Cancelled { by: CancelledBy::SessionEnd } => f.write_str("its tmux session ended"),
            Self::Cancelled { by: CancelledBy::NoOrchestrator } => f.write_str("never started"),
            Self::Cancelled { by: CancelledBy::TimeUp } => f.write_str("stopped: the time of the run was up"),
            Self::Cancelled { .. } => f.write_str("stopped by you"),
            Self::Lost => f.write_str("lost: its process is gone and left no result"),
        }
    }
}

/// The first line, of a length that fits into a sentence.
fn brief(why: &str) -> &str {
    let line = why.trim().lines().next().unwrap_or_default();
    line.char_indices().nth(200).map_or(line, |(end, _)| &line[..end])
}

/// Which deadline passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimedOut {
    /// The whole attempt took too long.
    Total,
    /// It printed nothing for too long.
    Idle,
    /// It never said anything.
    FirstOutput,
}

/// Who or what ended an attempt from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelledBy {
    /// Ctrl-C in the window.
    Interrupt,
    /// TERM: the orchestrator's own way, or somebody's kill.
    Terminate,
    /// The window was closed.
    HangUp,
    /// The session of tmux ended, and with it all windows. It uses up no attempt.
    SessionEnd,
    /// The orchestrator was gone before the agent could start.
    NoOrchestrator,
    /// The run, with TERM: its time was up (`--until`, `--for`) and `run.hard_stop` is set. It uses up no attempt.
    TimeUp,
}
