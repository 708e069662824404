//! Takes in what people pushed to the branch of a spec.

use super::keeper::Kept;
use super::strayed::{branch_of, other_branch, without_commits};
use crate::config::Config;
use crate::error::Result;
use crate::project::SpecPlace;

/// What became of the branch and the commits of this run that were not on it.
#[derive(Debug)]
pub(super) enum Synced {
    /// The work tree has both. The commits with their old and new names.
    TakenIn(Vec<(String, String)>),
    /// A person must decide: why.
    Diverged(String),
}

/// Puts the commits of this run on top of the branch as the remote has it.
pub(super) fn sync(kept: &mut Kept, place: &SpecPlace, config: &Config) -> Result<Synced> {
    let deadline = config.git.timeout;
    let repository = &kept.remote.repository;
    let branch = branch_of(kept).to_owned();
    let whose = format!("the branch {branch} on {}", kept.remote.name);
    let Some(new) = kept.hold.branch().map(str::to_owned) else {
        return Ok(Synced::Diverged(format!("people deleted {whose}")));
    };
    let old = kept.at.tip.clone();
    let pushed = kept.hold.saved().and_then(|saved| saved.at.tip.clone());
    let old = pushed.or(old);
    if let Some(old) = &old
        && !repository.is_ancestor(old, &new)?
    {
        return Ok(Synced::Diverged(format!("people rewrote {whose}")));
    }
    if let Some(why) = other_branch(repository, &branch)? {
        return Ok(Synced::Diverged(why));
    }
    let head = repository.head()?;
    let Some(head) = head.filter(|head| *head != new) else { return Ok(Synced::TakenIn(Vec::new())) };
    if repository.is_ancestor(&new, &head)? {
        return Ok(Synced::TakenIn(Vec::new()));
    }
    let mut names = Vec::new();
    let mut to = new.clone();
    if !repository.is_ancestor(&head, &new)? {
        if let Some(old) = &old
            && !repository.is_ancestor(old, &head)?
        {
            return Ok(Synced::Diverged(without_commits(&branch)));
        }
        if repository.has_merges(&head, &new)? {
            let text = "merge commits of an agent cannot be put on top of what people pushed to";
            return Ok(Synced::Diverged(format!("{text} {whose}")));
        }
        let folder = kept.remote.short_tree();
        let Some(picked) = repository.pick_onto(&new, (old.as_deref(), &head), &folder, deadline)? else {
            let name = &place.name;
            return Ok(Synced::Diverged(format!(
                "what people pushed to {whose} conflicts with a task of {name}"
            )));
        };
        to = picked.last().map_or(to, |(_, new)| new.clone());
        names = picked;
    }
    repository.move_head(&to, deadline)?;
    Ok(Synced::TakenIn(names))
}
