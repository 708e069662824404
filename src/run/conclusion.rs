//! Judges an attempt that has ended, by the files that it left.

use jiff::tz::TimeZone;

use super::driver::Ending;
use super::limit_outcome;
use super::verdict::{judge, judge_review, learned, of_backend};
use crate::agent::AttemptRole;
use crate::config::{Config, DoneSignal};
use crate::state::{Learned, Outcome};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::store::attempt_result::AttemptResult;
use crate::sys::nofollow::{self, WHOLE_MAX};

/// The outcome of an attempt that is over, with the facts of its result. An attempt without one is lost, but its session may be
/// known.
pub(super) fn conclusion(
    config: &Config,
    dir: &AttemptDir,
    facts: Option<&AttemptResult>,
    signal: DoneSignal,
) -> Ending {
    if let Some(facts) = facts {
        let attempt = attempt_folder::attempt(dir);
        let is_review = attempt.as_ref().is_some_and(|attempt| attempt.role == AttemptRole::Review);
        let outcome = if is_review { judge_review(facts) } else { judge(facts, signal) };
        let outcome = match &attempt {
            Some(attempt) => of_backend(outcome, &attempt.backend),
            None => outcome,
        };
        let resumed = attempt.as_ref().is_some_and(|attempt| attempt.resumes);
        let limited = attempt.and_then(|attempt| {
            let backend = config.backends.get(&attempt.backend);
            limit_outcome::limited(&outcome, facts, &attempt.backend, backend, &TimeZone::system())
        });
        return (limited.unwrap_or(outcome), learned(facts, resumed));
    }
    let session = nofollow::read(&dir.session(), WHOLE_MAX).ok();
    let session = session.and_then(|id| Some(String::from_utf8(id).ok()?.trim().to_owned()));
    (Outcome::Lost, Learned { session: session.filter(|id| !id.is_empty()), ..Learned::default() })
}
