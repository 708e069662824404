//! HEAD of the work tree, where it is not on top of the branch that the remote has: a push from there would take commits of
//! people and tasks off the branch, or put others on it.

use jiff::Timestamp;

use super::keeper::Kept;
use crate::error::Result;
use crate::git::repository::Repository;

/// Where the commits are that a run leaves beside the branch.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum LeftCommits {
    /// There are none: the branch has all that HEAD has.
    None,
    /// A ref of the remote is to keep them.
    ForRemote,
    /// A ref of this clone keeps them: some are older than the run, so they are not its to publish.
    Here(String),
}

/// The commit of HEAD, which the branch may get.
#[derive(Debug)]
pub(super) enum TreeHead {
    /// It is on the branch of the spec, on top of what the remote has.
    OnTop(Option<String>),
    /// It is not: why.
    Strayed(String),
}

/// Where HEAD is.
pub(super) fn tree_head(kept: &Kept) -> Result<TreeHead> {
    let repository = &kept.remote.repository;
    let head = repository.head()?;
    if let Some(why) = other_branch(repository, branch_of(kept))? {
        return Ok(TreeHead::Strayed(why));
    }
    let is_on_top = match (kept.hold.branch(), &head) {
        (None, _) => true,
        (Some(tip), Some(head)) => tip == head || repository.is_ancestor(tip, head)?,
        (Some(_), None) => false,
    };
    Ok(if is_on_top { TreeHead::OnTop(head) } else { TreeHead::Strayed(without_commits(branch_of(kept))) })
}

/// The name of the spec's branch.
pub(super) fn branch_of(kept: &Kept) -> &str {
    kept.remote.names.branch.trim_start_matches("refs/heads/")
}

/// Says where HEAD is if that is not the branch of the spec.
pub(super) fn other_branch(repository: &Repository, branch: &str) -> Result<Option<String>> {
    Ok(match repository.branch()? {
        Some(on) if on == branch => None,
        Some(on) => Some(format!("the work tree is on the branch {on} and not on {branch}")),
        None => Some(format!("the work tree is on no branch and not on {branch}")),
    })
}

/// Says that HEAD was moved away from commits of the branch.
pub(super) fn without_commits(branch: &str) -> String {
    format!(
        "HEAD of the work tree does not have commits of {branch} any more (a reset, a rebase, an amended commit)"
    )
}

/// Where the ref is that keeps a commit in this clone.
pub(super) fn kept_here(key: &str, commit: &str) -> String {
    format!("refs/seqorch/kept-here/{key}/{commit}")
}

/// Finds out what HEAD has that the branch on the remote lacks. Elsewhere than on the branch of the spec, HEAD may have commits
/// that a person made before the run began, `since` when: they stay in this clone.
pub(super) fn left_commits(kept: &Kept, since: Timestamp) -> Result<LeftCommits> {
    let repository = &kept.remote.repository;
    let Some(head) = repository.head()? else { return Ok(LeftCommits::None) };
    let tip = kept.hold.branch();
    if let Some(tip) = tip
        && repository.is_ancestor(&head, tip)?
    {
        return Ok(LeftCommits::None);
    }
    if other_branch(repository, branch_of(kept))?.is_none() || !repository.has_older(&head, tip, since)? {
        return Ok(LeftCommits::ForRemote);
    }
    let name = kept_here(&kept.remote.names.key, &head);
    repository.keep_under(&name, &head)?;
    Ok(LeftCommits::Here(name))
}
