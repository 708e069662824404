//! PURE. Which session the next attempt of a unit resumes.

use super::attempt::{AttemptRecord, ResumeReason, Resumption};
use super::outcome::Outcome;
use super::spec_state::SpecState;
use crate::agent::AttemptRole;

impl SpecState {
    /// The session that the next attempt of a unit can resume, and why; `None`: it begins one.
    ///
    /// A session belongs to the backend and the folder that it was begun with: some CLIs hang elsewhere.
    #[must_use]
    pub fn session_for(
        &self,
        unit: &str,
        role: AttemptRole,
        backend: &str,
        cwd: &str,
        nudges: u32,
    ) -> Option<Resumption> {
        let known = self.units.get(unit)?;
        let last = match role {
            AttemptRole::Work => known.work().rev().find(|a| a.reached_agent())?,
            // each round is looked at with fresh eyes
            AttemptRole::Review => known.last_reviews().find(|a| a.reached_agent())?,
        };
        // the state is a file of the project, and an id must not become an option
        let session = last.learned.session.clone().filter(|session| !session.starts_with('-'));
        let session = session.filter(|_| last.backend == backend && last.cwd == cwd)?;
        if known.session_is_over(&session) {
            return None;
        }
        let reason = self.resume_reason(unit, last, known.nudges(role) < nudges)?;
        Some(Resumption { session, reason })
    }

    fn resume_reason(&self, unit: &str, last: &AttemptRecord, may_nudge: bool) -> Option<ResumeReason> {
        let was = last.resumes.as_ref().map(|resumes| resumes.reason);
        Some(match last.outcome.as_ref()? {
            Outcome::Done | Outcome::Approved | Outcome::ChangesWanted { .. } => return None,
            _ if self.is_answered(unit, last) => ResumeReason::Answer,
            // the agent may not have read an answer or a nudge that a limit cut off, so it gets it again
            Outcome::Limited { .. } if was == Some(ResumeReason::Answer) => ResumeReason::Answer,
            Outcome::Limited { .. } if last.is_nudge() && may_nudge => ResumeReason::Nudge,
            Outcome::Limited { .. } if was == Some(ResumeReason::Unchanged) => ResumeReason::Unchanged,
            Outcome::Limited { .. } => ResumeReason::Limit,
            Outcome::Unchanged => ResumeReason::Unchanged,
            Outcome::NoSignal | Outcome::NoVerdict if may_nudge => ResumeReason::Nudge,
            _ => ResumeReason::Retry,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::{CancelledBy, TimedOut};
    use super::super::testing::attempt;
    use super::super::unit::UnitState;
    use super::*;
    use crate::agent::Usage;
    use crate::agent::limit::LimitKind;

    /// Whether a session is resumed after attempts in it that ended so.
    fn is_resumed(ends: &[Outcome]) -> bool {
        is_resumed_with(ends, None)
    }

    fn is_resumed_with(ends: &[Outcome], usage: Option<Usage>) -> bool {
        let attempts = (1..).zip(ends).map(|(number, end)| {
            let mut one = attempt(number, Some(end.clone()));
            one.learned.session = Some("s".to_owned());
            one.learned.usage = usage;
            one
        });
        let mut state = SpecState::default();
        state.units.insert("1".into(), UnitState { attempts: attempts.collect(), ..UnitState::default() });
        state.session_for("1", AttemptRole::Work, "agent", "/", 0).is_some()
    }

    fn timed_out(which: TimedOut) -> Outcome {
        Outcome::TimedOut { which }
    }

    #[test]
    fn a_session_that_fails_twice_in_the_same_way_is_not_resumed() {
        let failed = |code, why: Option<&str>| Outcome::Failed { code, why: why.map(str::to_owned) };
        for (one, other) in [
            (timed_out(TimedOut::FirstOutput), timed_out(TimedOut::FirstOutput)),
            (timed_out(TimedOut::Idle), timed_out(TimedOut::FirstOutput)),
            (timed_out(TimedOut::Total), timed_out(TimedOut::Total)),
            (failed(1, Some("bad at req_1")), failed(1, Some("bad at req_2"))),
            (failed(3, None), failed(3, None)),
            (Outcome::Signaled { signal: 6 }, Outcome::Signaled { signal: 6 }),
        ] {
            assert!(is_resumed(std::slice::from_ref(&one)), "{one:?} alone");
            assert!(!is_resumed(&[one.clone(), other.clone()]), "{one:?}, {other:?}");
            assert!(is_resumed(&[one, Outcome::NoSignal, other.clone()]), "{other:?} after an answer");
        }
        let other_ends = [failed(1, None), failed(2, None), Outcome::Signaled { signal: 9 }, Outcome::Lost];
        assert!(is_resumed(&other_ends) && is_resumed(&[Outcome::Lost, Outcome::Lost]));
    }

    #[test]
    fn what_stopped_an_attempt_from_outside_is_no_end_of_its_own() {
        let silent = || timed_out(TimedOut::FirstOutput);
        let limited =
            Outcome::Limited { limit: LimitKind::Network, why: String::new(), until: None, model: None };
        for between in [limited, Outcome::Cancelled { by: CancelledBy::Interrupt }, Outcome::Lost] {
            assert!(!is_resumed(&[silent(), between.clone(), silent(), between]));
        }
    }

    #[test]
    fn an_agent_that_works_until_its_time_is_up_keeps_its_session() {
        let total = || timed_out(TimedOut::Total);
        let usage = Some(Usage { output: Some(500), ..Usage::default() });
        assert!(is_resumed_with(&[total(), total(), total()], usage));
    }
}
