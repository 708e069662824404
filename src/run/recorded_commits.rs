//! The commits that runs recorded, and which of them HEAD does not have in its history any more.

use super::resume::ResumeRequest;
use super::run_repository::RunRepository;
use crate::git::call::GitError;
use crate::git::repository::Repository;
use crate::state::{AttemptRecord, End, SpecState};

/// A recorded commit that is in no history of HEAD.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LostCommit {
    /// The unit.
    pub unit: String,
    /// Git's name of the commit.
    pub commit: String,
}

impl std::fmt::Display for LostCommit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "task {}: {:.9}", self.unit, self.commit)
    }
}

/// The commits of tasks, and those that agents made themselves, that HEAD does not have in its history any more.
pub fn lost_commits(repository: &Repository, state: &SpecState) -> Result<Vec<LostCommit>, GitError> {
    lost_from(repository, "HEAD", state)
}

/// The commits that a person does without: they saw that the history was changed, and continue with it as it is now.
pub(super) fn given_up(
    repository: &RunRepository,
    state: &SpecState,
    resume: Option<&ResumeRequest>,
) -> Result<Vec<String>, GitError> {
    let saw_it = state.run.over().is_some_and(|over| matches!(over.end, End::History { .. }));
    if !saw_it || resume != Some(&ResumeRequest::Retry) {
        return Ok(Vec::new());
    }
    let lost = lost_commits(repository.repository(), state)?;
    Ok(lost.iter().map(ToString::to_string).collect())
}

/// The same with another commit instead of HEAD.
pub(super) fn lost_from(
    repository: &Repository,
    from: &str,
    state: &SpecState,
) -> Result<Vec<LostCommit>, GitError> {
    let mut recorded: Vec<(&str, &str)> = Vec::new();
    for (id, unit) in state.units_by_id() {
        let agents = unit.attempts.iter().flat_map(AttemptRecord::own_commits);
        let own = unit.changes.as_ref().and_then(|changes| changes.commit.as_deref());
        recorded.extend(agents.map(|commit| commit.id.as_str()).chain(own).map(|commit| (id, commit)));
    }
    let ids: Vec<&str> = recorded.iter().map(|(_, commit)| *commit).collect();
    let gone = repository.unreachable_from(from, &ids)?;
    let lost = recorded.into_iter().filter(|(_, commit)| gone.contains(commit));
    Ok(lost.map(|(unit, commit)| LostCommit { unit: unit.to_owned(), commit: commit.to_owned() }).collect())
}
