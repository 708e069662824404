//! One run at a time in a work tree: two would take each other's changes for their own.

use std::io;
use std::time::Duration;

use super::patience::{Turn, take_turn};
use super::run_repository::RunRepository;
use crate::error::{Error, ErrorKind, Result};
use crate::git::work_tree_lock::{AgentAtWork, LockAnswer, WorkTreeLock, WorkTreeOwner};

/// Takes the lock of the work tree for work on `spec`. With `wait`, waits until the run ends that has it; `stopped` says,
/// at most after the given time, whether somebody ends the wait.
pub(super) fn lock(
    spec: &str,
    wait: bool,
    repository: &RunRepository,
    stopped: &dyn Fn(Duration) -> bool,
) -> Result<WorkTreeLock> {
    take(
        &WorkTreeOwner { pid: std::process::id(), spec: spec.to_owned(), talk: false },
        wait,
        repository,
        stopped,
    )
}

/// Takes the lock for a talk of a person to an agent of `spec`; an error if a run has it.
pub(super) fn lock_for_talk(spec: &str, repository: &RunRepository) -> Result<WorkTreeLock> {
    let owner = WorkTreeOwner { pid: std::process::id(), spec: spec.to_owned(), talk: true };
    take(&owner, false, repository, &|_| true)
}

fn take(
    owner: &WorkTreeOwner,
    wait: bool,
    repository: &RunRepository,
    stopped: &dyn Fn(Duration) -> bool,
) -> Result<WorkTreeLock> {
    let watch = repository.repository().supervisor.watch.as_ref();
    let mut said = false;
    take_turn(stopped, || {
        let taken = WorkTreeLock::try_take(repository.repository(), owner, repository.key())
            .map_err(|e| cannot_lock(repository, e))?;
        // a talk is over soon
        let is_talk = matches!(&taken, LockAnswer::Busy(Some(other)) if other.talk && !owner.talk);
        let (who, end) = match taken {
            LockAnswer::Ours(lock) => {
                watch.filter(|_| said).into_iter().for_each(|watch| watch.over());
                return Ok(Turn::Ours(lock));
            }
            LockAnswer::Busy(other) => named_run(other),
            LockAnswer::AgentAtWork(agent) => named_agent(agent),
        };
        if !wait && !is_talk {
            return Err(refused(&who, end));
        }
        if let Some(watch) = watch.filter(|_| !said) {
            watch.slow(&format!("the lock of the work tree: {who} has it"));
        }
        said = true;
        Ok(Turn::Busy { who, does: "works in this work tree".to_owned() })
    })
}

fn cannot_lock(repository: &RunRepository, why: io::Error) -> Error {
    Error::io("locking the work tree in", &repository.repository().git_dir, why)
        .hint("Change its owner or mode (chown, chmod), or mount it writable. No agent was started.")
}

/// A run, and how to end it.
fn named_run(other: Option<WorkTreeOwner>) -> (String, Option<String>) {
    let Some(WorkTreeOwner { spec, pid, .. }) = other else { return ("another run".to_owned(), None) };
    let who = format!("the run of {spec} (process {pid})");
    (who, Some(format!("End the other run with `seqorch stop {spec}`.")))
}

/// An agent without a run, and how to end it.
fn named_agent(agent: Option<AgentAtWork>) -> (String, Option<String>) {
    let Some(AgentAtWork { spec, pid, .. }) = agent else {
        return ("an agent of another spec".to_owned(), None);
    };
    let hint =
        format!("Its run is gone: `seqorch run {spec}` takes it over, `seqorch stop {spec} --now` ends it.");
    (format!("an agent of {spec} (process {pid})"), Some(hint))
}

fn refused(who: &str, end: Option<String>) -> Error {
    let error = Error::new(ErrorKind::Locked, format!("{who} works in this work tree"))
        .hint("Wait for its turn with `--wait`, or give this one a work tree of its own (`--worktree`).");
    match end {
        Some(end) => error.hint(end),
        None => error,
    }
}
