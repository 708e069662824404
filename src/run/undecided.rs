//! Refuses to continue where the last run ended with a need about history or the branch that no person has decided since.

use super::recorded_commits::lost_commits;
use super::resume::ResumeRequest;
use super::run_repository::RunRepository;
use crate::config::{Config, HistoryRule};
use crate::error::{Error, ErrorKind, Result};
use crate::git::repository::Repository;
use crate::project::SpecPlace;
use crate::report::needs::shown;
use crate::state::needs::NeedKind;
use crate::state::work_tree::HistoryChange;
use crate::state::{End, SpecState};

/// Refuses a run of this machine alone, unless a person asks to try again, answers, or has brought HEAD back.
pub(super) fn refuse(
    place: &SpecPlace,
    config: &Config,
    resume: Option<&ResumeRequest>,
    state: &SpecState,
    repository: Option<&RunRepository>,
) -> Result<()> {
    let Some(End::History { unit, .. }) = state.run.over().map(|over| &over.end) else { return Ok(()) };
    let Some(repository) = repository.filter(|_| is_open(config, resume, state)) else { return Ok(()) };
    let repository = repository.repository();
    let is_back = match unit {
        Some(unit) => is_back(repository, unit, state)?,
        None => lost_commits(repository, state)?.is_empty(),
    };
    if is_back { Ok(()) } else { Err(undecided(place, state)) }
}

/// Whether a person has to decide about history before this run, as far as the state says it.
pub(super) fn is_open(config: &Config, resume: Option<&ResumeRequest>, state: &SpecState) -> bool {
    let is_decided = match resume {
        Some(ResumeRequest::Retry | ResumeRequest::Answers(_)) => true,
        None | Some(ResumeRequest::ForgetLimits) => config.git.history != HistoryRule::Halt,
    };
    !is_decided && matches!(state.run.over().map(|over| &over.end), Some(End::History { .. }))
}

/// Whether HEAD is where it was before the last attempt of a unit, or ahead of that.
fn is_back(repository: &Repository, unit: &str, state: &SpecState) -> Result<bool> {
    let attempt = state.units.get(unit).and_then(|unit| unit.attempts.last());
    let Some(attempt) = attempt else { return Ok(true) };
    let history = attempt.learned.after.as_ref().and_then(|after| after.history.as_ref());
    let Some((before, history)) = attempt.before.as_ref().zip(history) else { return Ok(true) };
    let Some(head) = repository.head()? else { return Ok(before.commit.is_none()) };
    if let HistoryChange::ByReviewer { commits } = history {
        let first = commits.first().map_or(head.as_str(), |commit| commit.id.as_str());
        return Ok(!repository.is_ancestor(first, &head)?);
    }
    let has_commit =
        before.commit.as_ref().map_or(Ok(true), |commit| repository.is_ancestor(commit, &head))?;
    Ok(has_commit && repository.branch()? == before.branch)
}

/// The need as an error: what happened, and the command that decides.
pub(super) fn undecided(place: &SpecPlace, state: &SpecState) -> Error {
    let needs = shown(&place.typed, state);
    let is_meant = |kind| matches!(kind, NeedKind::History | NeedKind::Branch);
    let Some(need) = needs.into_iter().find(|need| is_meant(need.kind)) else {
        return Error::new(ErrorKind::Human, format!("{} needs you", place.name));
    };
    Error::new(ErrorKind::Human, format!("{} needs you: {}", place.name, need.what))
        .detail(format!("  {}", need.why.replace('\n', "\n  ")))
        .hint(format!("{}: {}", need.lead(), need.command))
        .hint("No agent was started.")
}
