//! The branch on which a run works: that which `git.branch` names, or that of the spec's own work tree.

use std::io::{self, Write};

use super::inbox::Inbox;
use super::protected;
use super::resume::ResumeRequest;
use super::run_repository::RunRepository;
use super::trust::RunTrust;
use super::undecided;
use super::work_tree;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::git::repository::Repository;
use crate::plan::branch_names::{self, OF_OWN_TREES};
use crate::project::{SpecPlace, own_tree};
use crate::report::text::{plural, sanitise_line, shell_word};
use crate::store::spec_tree::{SpecTree, SpecTreeRecord};
use crate::sys::digest::digest;

/// Goes to the branch of the spec in this work tree, before a run begins; makes it from HEAD where it does not exist. `wait`:
/// waits for the end of another run that works here.
pub(super) fn enter(
    place: &SpecPlace,
    config: &Config,
    trust: &RunTrust,
    resume: Option<&ResumeRequest>,
    inbox: &Inbox,
    wait: bool,
) -> Result<()> {
    let own = own_tree::record(place).zip(own_tree::tree_of(place));
    if config.git.branch.is_none() && own.as_ref().is_none_or(|(_, tree)| is_at_home(tree)) {
        return Ok(());
    }
    let supervisor = Supervisor { stop: Some(inbox.stop_flag()), watch: None };
    let found = RunRepository::find(place, config, &supervisor)?.ok_or_else(no_repository)?;
    let found = found.pinned(trust.git.clone());
    let repository = found.repository();
    let branch = match (&config.git.branch, &own) {
        (None, Some((_, tree))) => tree.branch.clone(),
        (Some(_), Some((record, _))) => name_for_tree(repository, config, place, record)?,
        (pattern, None) => checked_name(repository, pattern.as_deref().unwrap_or(OF_OWN_TREES), &place.name)?,
    };
    let before = repository.branch()?;
    if before.as_deref() == Some(&branch) {
        return own_tree::note_branch(place, &branch);
    }
    let state = place.store().load()?;
    // an agent that an earlier run left at work: this run looks whether it has moved HEAD; or a person has to decide first
    if state.running().is_some() || config.git.branch.is_none() && undecided::is_open(config, resume, &state)
    {
        return Ok(());
    }
    protected::check_branch(config, &branch)?;
    let stopped = |pause| inbox.stop_flag().raised_within(pause) || inbox.has_stop_request();
    let _lock = work_tree::lock(&place.typed, wait, &found, &stopped)?;
    if let Some(operation) = repository.operation()? {
        let text =
            format!("a {} is in progress, so the run can't go to the branch {branch}", operation.name());
        return Err(Error::new(ErrorKind::Human, text)
            .hint(format!("Finish it, or abort it: git {}. No agent was started.", operation.abort())));
    }
    if before.is_none() && repository.commit_of_branch(&branch)?.is_some() {
        refuse_loss(repository, &branch)?;
    }
    let is_new = repository.switch(&branch, config.git.timeout).map_err(|error| {
        Error::from(error).hint(format!("The run works on the branch {branch}. No agent was started."))
    })?;
    own_tree::note_branch(place, &branch)?;
    let from = before.unwrap_or_else(|| "a detached HEAD".to_owned());
    let made = if is_new { format!("made from {from}") } else { format!("before it was {from}") };
    let _ = writeln!(io::stderr(), "note: this work tree is on the branch {branch} now, {made}");
    Ok(())
}

/// Whether a tree is on the branch that was made for it.
fn is_at_home(tree: &SpecTree) -> bool {
    tree.branch_now().as_ref() == Some(&tree.branch)
}

/// Refuses to leave commits that nothing would name any more.
fn refuse_loss(repository: &Repository, branch: &str) -> Result<()> {
    let left = repository.commits_without_ref()?;
    if left == 0 {
        return Ok(());
    }
    let top = repository.top.display().to_string();
    let (commits, git) = (plural(left, "commit"), format!("git -C {}", shell_word(&top)));
    let text = format!(
        "{} is on no branch (detached HEAD), with {commits} that no branch has; the run works on {branch}",
        sanitise_line(&top)
    );
    Err(Error::new(ErrorKind::Human, text)
        .hint(format!("Keep them on a branch: {git} branch NAME. The next run goes to {branch}."))
        .hint(format!(
            "Or add them to {branch}: {git} switch {}, then {git} merge with their id. No agent was started.",
            shell_word(branch)
        )))
}

/// The branch for the work tree of a spec's own. The name of another spec may give the same one; a pattern without `{spec}` says
/// that a person wants one branch for several.
pub(super) fn name_for_tree(
    repository: &Repository,
    config: &Config,
    place: &SpecPlace,
    record: &SpecTreeRecord,
) -> Result<String> {
    let pattern = config.git.branch.as_deref().unwrap_or(OF_OWN_TREES);
    let branch = checked_name(repository, pattern, &place.name)?;
    let mark: String = digest(record.spec.as_os_str().as_encoded_bytes()).chars().take(6).collect();
    let marked = format!("{branch}-{mark}");
    // it had to have a mark once, and the other spec may be forgotten since
    if own_tree::tree_of(place).is_some_and(|tree| tree.branch == marked) {
        return Ok(marked);
    }
    let is_anothers =
        |(other, tree): &(SpecTreeRecord, SpecTree)| other.spec != record.spec && tree.branch == branch;
    if !pattern.contains("{spec}") || !SpecTreeRecord::all(&place.root).iter().any(is_anothers) {
        return Ok(branch);
    }
    checked_name(repository, &marked, &place.name)
}

/// The branch of the spec, whose name git accepts.
pub(super) fn checked_name(repository: &Repository, pattern: &str, spec: &str) -> Result<String> {
    let branch = branch_names::branch(pattern, spec);
    match repository.check_branch_name(&branch) {
        Ok(()) => Ok(branch),
        Err(error) => Err(Error::new(ErrorKind::Config, format!("git.branch: {}", error.last_word()))),
    }
}

fn no_repository() -> Error {
    Error::new(ErrorKind::Config, "git.branch: this is not a git repository")
        .hint("Run `git init` and commit something, or remove git.branch.")
}
