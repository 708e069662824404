//! The branch on which a run works, where `git.branch` names one.

use std::io::{self, Write};

use super::inbox::Inbox;
use super::protected;
use super::run_repository::RunRepository;
use super::trust::RunTrust;
use super::work_tree;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::git::call::Supervisor;
use crate::git::repository::Repository;
use crate::plan::branch_names;
use crate::project::SpecPlace;

/// Goes to the branch of the spec in this work tree, before a run begins; makes it from HEAD where it does not exist. `wait`:
/// waits for the end of another run that works here.
pub fn enter(place: &SpecPlace, config: &Config, trust: &RunTrust, inbox: &Inbox, wait: bool) -> Result<()> {
    let Some(pattern) = &config.git.branch else { return Ok(()) };
    let supervisor = Supervisor { stop: Some(inbox.stop_flag()), watch: None };
    let found = RunRepository::find(place, config, &supervisor)?.ok_or_else(no_repository)?;
    let found = found.pinned(trust.git.clone());
    let repository = found.repository();
    let branch = checked_name(repository, pattern, &place.name)?;
    let before = repository.branch()?;
    if before.as_deref() == Some(&branch) {
        return Ok(());
    }
    if place.store().load()?.running().is_some() {
        // an agent that an earlier run left at work: this run looks whether it has moved HEAD
        return Ok(());
    }
    protected::check(place, config, &found)?;
    let stopped = |pause| inbox.stop_flag().raised_within(pause) || inbox.has_stop_request();
    let _lock = work_tree::lock(&place.typed, wait, &found, &stopped)?;
    if let Some(operation) = repository.operation()? {
        let text =
            format!("a {} is in progress, so the run can't go to the branch {branch}", operation.name());
        return Err(Error::new(ErrorKind::Human, text)
            .hint(format!("Finish it, or abort it: git {}. No agent was started.", operation.abort())));
    }
    let is_new = repository.switch(&branch, config.git.timeout).map_err(|error| {
        Error::from(error)
            .hint(format!("The run works on the branch {branch} (git.branch). No agent was started."))
    })?;
    let from = before.unwrap_or_else(|| "a detached HEAD".to_owned());
    let made = if is_new { format!("made from {from}") } else { format!("before it was {from}") };
    let _ = writeln!(io::stderr(), "note: this work tree is on the branch {branch} now, {made}");
    Ok(())
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
