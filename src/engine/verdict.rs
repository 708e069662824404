//! PURE. From the facts of an attempt to its outcome.

use crate::attempt::record::{Exit, Facts};
use crate::config::DoneSignal;
use crate::state::{Learned, Outcome};

/// Judges in this order: cancelled, timed out, not started, HALT, a bad end, DONE. A signal in the text of an agent
/// that then failed proves nothing, but its cry for a human does.
#[must_use]
pub fn judge(facts: &Facts, signal: DoneSignal) -> Outcome {
    if let Some(by) = facts.cancelled {
        return Outcome::Cancelled { by };
    }
    if let Some(which) = facts.timed_out {
        return Outcome::TimedOut { which };
    }
    if let Some(why) = &facts.unavailable {
        return Outcome::Unavailable { why: why.clone() };
    }
    if let Some(question) = &facts.halt {
        return Outcome::Halted { question: question.clone() };
    }
    match facts.exit {
        None => Outcome::Lost,
        Some(Exit::Signal(signal)) => Outcome::Signaled { signal },
        Some(Exit::Code(0)) if facts.done || signal == DoneSignal::Optional => Outcome::Done,
        Some(Exit::Code(0)) => Outcome::NoSignal,
        Some(Exit::Code(code)) => Outcome::Failed { code },
    }
}

/// What an attempt tells beside its outcome.
#[must_use]
pub fn learned(facts: &Facts) -> Learned {
    Learned { session: None, model: None, worked: facts.stdout_bytes > 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::record::{CancelledBy, SCHEMA, TimedOut};

    fn facts() -> Facts {
        Facts {
            schema: SCHEMA,
            started_at: jiff::Timestamp::UNIX_EPOCH,
            ended_at: jiff::Timestamp::UNIX_EPOCH,
            exit: Some(Exit::Code(0)),
            timed_out: None,
            cancelled: None,
            unavailable: None,
            done: false,
            halt: None,
            last_words: String::new(),
            stderr_tail: String::new(),
            stdout_bytes: 0,
            stderr_bytes: 0,
            leftovers: 0,
            log_error: None,
        }
    }

    #[test]
    fn done_needs_its_signal_and_a_good_end() {
        assert_eq!(judge(&facts(), DoneSignal::Required), Outcome::NoSignal);
        assert_eq!(judge(&facts(), DoneSignal::Optional), Outcome::Done);
        let done = Facts { done: true, ..facts() };
        assert_eq!(judge(&done, DoneSignal::Required), Outcome::Done);
        let failed = Facts { exit: Some(Exit::Code(3)), ..done };
        assert_eq!(judge(&failed, DoneSignal::Required), Outcome::Failed { code: 3 });
    }

    #[test]
    fn halt_beats_done_and_a_bad_end() {
        let both = Facts { done: true, halt: Some("A or B?".into()), exit: Some(Exit::Code(1)), ..facts() };
        assert_eq!(judge(&both, DoneSignal::Required), Outcome::Halted { question: "A or B?".into() });
    }

    #[test]
    fn what_was_ended_from_outside_is_never_done() {
        let late = Facts { done: true, timed_out: Some(TimedOut::Idle), ..facts() };
        assert_eq!(judge(&late, DoneSignal::Required), Outcome::TimedOut { which: TimedOut::Idle });
        let ended = Facts { cancelled: Some(CancelledBy::HangUp), halt: Some(String::new()), ..late };
        assert_eq!(judge(&ended, DoneSignal::Required), Outcome::Cancelled { by: CancelledBy::HangUp });
    }

    #[test]
    fn no_exit_is_lost_even_if_the_agent_said_done() {
        let gone = Facts { done: true, exit: None, ..facts() };
        assert_eq!(judge(&gone, DoneSignal::Optional), Outcome::Lost);
    }
}
