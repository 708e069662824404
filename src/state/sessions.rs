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
