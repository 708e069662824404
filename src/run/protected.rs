//! Branches to which no run commits: `git.protect`.

use super::run_repository::RunRepository;
use crate::config::{Commit, Config};
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::GitError;
use crate::plan::branch_names;
use crate::project::{SpecPlace, own_tree};
use crate::report::text::sanitise_line;
use crate::store::work_tree_folders::WorkTreeFolders;

/// Refuses a run that would commit to a protected branch: the one that it goes to, or else that of now.
pub(super) fn check(place: &SpecPlace, config: &Config, repository: &RunRepository) -> Result<()> {
    if config.git.protect.is_empty() {
        return Ok(());
    }
    let wanted = config.git.branch.as_deref().map(|pattern| branch_names::branch(pattern, &place.name));
    let branch = if wanted.is_some() { wanted } else { repository.repository().branch()? };
    branch.map_or(Ok(()), |branch| check_branch(config, &branch))
}

/// Refuses a run that would commit to this branch, where that is protected: before anything is made for it.
pub(super) fn check_branch(config: &Config, branch: &str) -> Result<()> {
    let commits = config.git.commit != Commit::Off;
    if commits && branch_names::is_protected(&config.git.protect, branch) {
        return Err(refusal(branch));
    }
    Ok(())
}

/// Says that a run would commit to a protected branch, as far as the files of git say it.
pub(super) fn foreseen(place: &SpecPlace, config: &Config) -> Option<String> {
    let git = &config.git;
    let of_remote = config.remote.name.as_ref().map(|_| config.remote.branch.as_str());
    let own = own_tree::tree_of(place).map(|tree| tree.branch);
    let of_own_tree = own.as_deref().or(git.worktree.then_some(branch_names::OF_OWN_TREES));
    let branch = match of_remote.or(git.branch.as_deref()).or(of_own_tree) {
        Some(pattern) => branch_names::branch(pattern, &place.name),
        None => WorkTreeFolders::find(&place.root)?.branch()?,
    };
    let is_refused = git.commit == Commit::Step && branch_names::is_protected(&git.protect, &branch);
    is_refused.then(|| format!("the branch {} is protected (git.protect)", sanitise_line(&branch)))
}

/// The protected branch that HEAD is on now, if it is on one: an agent may have gone there.
pub(super) fn protected_now(config: &Config, repository: &RunRepository) -> Result<Option<String>, GitError> {
    if config.git.protect.is_empty() {
        return Ok(None);
    }
    let branch = repository.repository().branch()?;
    Ok(branch.filter(|branch| branch_names::is_protected(&config.git.protect, branch)))
}

/// The error about a commit to a protected branch.
pub(super) fn refusal(branch: &str) -> Error {
    let branch = sanitise_line(branch);
    Error::new(
        ErrorKind::Config,
        format!("the branch {branch} is protected (git.protect), and a run would commit to it"),
    )
    .hint("Work on another branch: set git.branch = \"seqorch/{spec}\", or go to one with `git switch`.")
    .hint("To commit to it all the same, give --allow-protected.")
}
