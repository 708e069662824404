//! Makes the work tree and the state of a spec here what the remote has of them.

use std::fs;
use std::time::Duration;

use jiff::Timestamp;

use super::request::{RemoteRequest, note};
use super::spec_remote::SpecRemote;
use super::start_over::{check_out, go_back};
use super::strayed::other_branch;
use crate::config::Tick;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::push::SeenRefs;
use crate::fleet::saved::SavedSpec;
use crate::git::call::{GitError, Supervisor};
use crate::git::repository::Repository;
use crate::project::{SpecPlace, own_tree as tree_place};
use crate::report::text::{plural, sanitise_line};
use crate::run::active_run;
use crate::run::own_tree;
use crate::run::prepare::set_aside;
use crate::run::recorded_commits::{lost_commits, lost_from};
use crate::run::tree_setup::TreeRequest;
use crate::run::undecided::undecided;
use crate::state::{End, SeenTasks, SpecState};
use crate::store::state_file::{StateText, Unreadable};
use crate::sys::files;

/// So many machines in a row that are lost with a task are a need.
const LOST_MACHINES: u32 = 3;
/// The trailer of commits that names their task.
const TASK: &str = "Seqorch-Task";

/// What is to be restored.
pub(super) struct Restore<'a> {
    pub(super) request: &'a RemoteRequest<'a>,
    pub(super) here: &'a SpecPlace,
    pub(super) seen: &'a SeenRefs,
    /// What the remote keeps.
    pub(super) before: &'a mut SavedSpec,
    /// A process of this clone pushed last, so what is here is as new.
    pub(super) is_own: bool,
    /// Another machine had the lease and is gone.
    pub(super) is_loss: bool,
    pub(super) branch: &'a str,
}

/// A spec here, as the remote has it.
pub(super) struct RestoredSpec {
    /// Its place in the work tree of its branch.
    pub(super) place: SpecPlace,
    pub(super) state: SpecState,
    /// The commit of the branch that the work tree is on top of. What people pushed after it is found by the first push.
    pub(super) tip: Option<String>,
}

/// Makes the work tree and the state of the spec what the remote has.
pub(super) fn restore(wanted: Restore<'_>, remote: &mut SpecRemote) -> Result<RestoredSpec> {
    let Restore { request, here, seen, before, is_own, is_loss, branch } = wanted;
    let record = tree_place::record(here);
    let tree = record.as_ref().and_then(|record| Some((record, record.existing()?)));
    let there = tree.as_ref().map(|(record, tree)| tree_place::moved(here.clone(), record, tree));
    let last = match &there {
        Some(place) if is_own => place.store().load()?,
        _ => published(before)?.unwrap_or_default(),
    };
    let is_undecided =
        matches!(last.run.over().map(|over| &over.end), Some(End::History { .. } | End::Branch { .. }));
    if is_undecided && !request.accepts_branch {
        let tree = there.as_ref().filter(|_| is_own);
        if !is_settled(&last, tree, seen, before, branch, remote)? {
            return Err(undecided(here, &last));
        }
    }
    if is_own
        && let Some(place) = &there
        && let Some(tip) = tip_here(place, seen, request, branch)?
    {
        let place = made(request, branch)?;
        let state = place.store().load()?;
        return Ok(RestoredSpec { place, state, tip });
    }
    if let Some(place) = &there {
        let patience = request.config.timeout.grace.saturating_add(Duration::from_secs(30));
        if active_run::end_orphans(place, &place.store(), patience)? {
            note(&format!(
                "an agent that still worked on {} without a lease was ended",
                sanitise_line(&here.name)
            ));
        }
    }
    let has_moved_files = match (&seen.branch, &before.at.tip) {
        (Some(tip), _) => check_out(request, there.as_ref(), branch, tip, remote)?,
        (None, Some(tip)) => deleted(request, there.as_ref(), (branch, tip.as_str()), remote)?,
        (None, None) => go_back(request, there.as_ref(), branch, remote)?,
    };
    let place = made(request, branch)?;
    let mut state = state_of(before, &place)?;
    // what this clone pushed has its sessions and snapshots here; what an agent left elsewhere, or has lost, is done again
    if !is_own || has_moved_files || is_about_history(&state) {
        state.moved_elsewhere();
        if let Some((unit, attempt)) = state.running() {
            // its agent may have ended here, but its files are not in this tree any more
            let dir = place.store().attempt_dir(state.folder(unit), attempt.number);
            if dir.path().exists() {
                set_aside(dir.path())?;
            }
        }
    }
    if let Some(tip) = &seen.branch {
        let key = format!("{}/", remote.names.key);
        // what a push that landed in part names may not be on the branch
        let mut since = None;
        for known in [&before.at.tip, &before.at.prev_tip].into_iter().flatten() {
            if since.is_none() && remote.repository.is_ancestor(known, tip)? {
                since = Some(known.clone());
            }
        }
        for (commit, task) in remote.repository.trailers(since.as_deref(), tip, TASK)? {
            if let Some(unit) = task.strip_prefix(&key) {
                state.done_on_branch(Timestamp::now(), unit, &commit);
            }
        }
    }
    if let Some(tree) = Repository::find(&place.root, &Supervisor::default())? {
        settle_lost_commits((request, &place), &tree, before, seen, &mut state)?;
    }
    if is_loss {
        for (task, count) in before.at.lost.clone() {
            if count >= LOST_MACHINES {
                state.machines_were_lost(Timestamp::now(), &task, count);
                before.at.lost.remove(&task);
            }
        }
    }
    if !before.state.is_empty() {
        let store = place.store().prepared()?;
        store.save(&state)?;
        let progress = store.progress_path();
        if !before.progress.is_empty() && fs::symlink_metadata(&progress).is_err() {
            files::replace(&progress, before.progress.as_bytes(), 0o644)?;
        }
        let done = plural(state.completed.len(), "task");
        note(&format!(
            "{} continues where it stands on {}: {done} done",
            sanitise_line(&here.name),
            remote.name
        ));
    }
    Ok(RestoredSpec { place, state, tip: seen.branch.clone() })
}

/// What follows where the branch does not have commits that the state names.
fn settle_lost_commits(
    (request, place): (&RemoteRequest<'_>, &SpecPlace),
    tree: &Repository,
    before: &SavedSpec,
    seen: &SeenRefs,
    state: &mut SpecState,
) -> Result<()> {
    let lost = lost_commits(tree, state)?;
    if lost.is_empty() {
        return Ok(());
    }
    let gone: Vec<String> = lost.iter().map(|one| one.commit.clone()).collect();
    let branch = seen.branch.as_deref().unwrap_or_default();
    let has =
        |commit: &Option<String>| commit.as_ref().map_or(Ok(true), |commit| tree.is_ancestor(commit, branch));
    if request.accepts_branch {
        // a person decided: a task whose box is open on the branch is not done there
        let config = &request.config.tasks;
        let ticked = match config.tick {
            Tick::Off => None,
            Tick::Done | Tick::Live => {
                Some(SeenTasks::of(&place.read_tasks()?.1, config.trust_checkboxes).ticked())
            }
        };
        let is_open =
            |commit: &String| ticked.as_ref().is_some_and(|ticked| state.has_open_box(commit, ticked));
        let (open, closed): (Vec<String>, Vec<String>) = gone.into_iter().partition(is_open);
        state.redo_commits(&open);
        state.forget_commits(&closed);
    } else if !has(&before.at.tip)? && has(&before.at.prev_tip)? {
        // the server, and then the machine, was killed between the two refs of a push
        state.redo_commits(&gone);
    } else {
        let names: Vec<String> = lost.iter().map(ToString::to_string).collect();
        return Err(Error::new(
            ErrorKind::Human,
            "people rewrote the branch: it has commits of tasks no more",
        )
        .detail(format!("  {}", sanitise_line(&names.join(", "))))
        .hint("Bring them back, or take the branch as it is with `run --retry`. No agent was started."));
    }
    Ok(())
}

/// Whether a person decided what a run needed to know about history or the branch: the branch was moved since, and has the
/// commits of all tasks that are done; or the work tree of this clone is back on it.
fn is_settled(
    last: &SpecState,
    tree: Option<&SpecPlace>,
    seen: &SeenRefs,
    before: &SavedSpec,
    branch: &str,
    remote: &SpecRemote,
) -> Result<bool> {
    if let Some(tip) = seen.branch.as_ref().filter(|tip| before.at.tip.as_ref() != Some(*tip))
        && lost_from(&remote.repository, tip, last)?.is_empty()
    {
        return Ok(true);
    }
    let Some(place) = tree.filter(|_| is_about_history(last)) else { return Ok(false) };
    let Some(repository) = Repository::find(&place.root, &Supervisor::default())? else { return Ok(false) };
    let Some(head) = repository.head()? else { return Ok(false) };
    let has_tip = seen.branch.as_ref().map_or(Ok(true), |tip| repository.is_ancestor(tip, &head))?;
    let is_back = has_tip && other_branch(&repository, branch)?.is_none();
    Ok(is_back && lost_commits(&repository, last)?.is_empty())
}

/// Whether the last run ended since an agent moved HEAD.
fn is_about_history(state: &SpecState) -> bool {
    matches!(state.run.over().map(|over| &over.end), Some(End::History { .. }))
}

/// The commit of the branch that the work tree here is on top of, where a run can continue as it is here: it has everything
/// that the branch has on the remote, or nothing but pushes of people are to be taken in.
#[expect(clippy::option_option, reason = "the remote may have no branch yet")]
fn tip_here(
    place: &SpecPlace,
    seen: &SeenRefs,
    request: &RemoteRequest<'_>,
    branch: &str,
) -> Result<Option<Option<String>>> {
    let Some(repository) = Repository::find(&place.root, &Supervisor::default())? else { return Ok(None) };
    let repository = Repository { pin: request.trust.git.clone(), ..repository };
    let Some(head) = repository.head()? else { return Ok(None) };
    let state = place.store().load()?;
    let is_at_work = state.running().is_some();
    let is_there = other_branch(&repository, branch)?.is_none();
    let has_tip = match &seen.branch {
        Some(tip) => repository.is_ancestor(tip, &head)?,
        None => true,
    };
    if has_tip {
        // what an agent at work does to HEAD is judged at its end
        return Ok((is_there || is_at_work).then(|| seen.branch.clone()));
    }
    let Some(tip) = &seen.branch else { return Ok(Some(None)) };
    // people pushed on top of all that is here
    let is_behind = repository.is_ancestor(&head, tip)? && !is_about_history(&state);
    if !is_there || !is_behind || is_at_work {
        return Ok(None);
    }
    match repository.move_head(tip, request.config.git.timeout) {
        Ok(()) => Ok(Some(Some(tip.clone()))),
        // files of a task that is done: its commit is made on what is below it, and then comes on top as any other one
        Err(GitError::Failed { .. }) if !state.pending_commits().is_empty() => Ok(Some(Some(head))),
        // what an agent had no time to end
        Err(GitError::Failed { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes the work tree of the branch, as far as it is not there.
fn made(request: &RemoteRequest<'_>, branch: &str) -> Result<SpecPlace> {
    let supervisor = Supervisor { stop: Some(request.inbox.request_flag()), watch: None };
    let mut config = request.config.clone();
    config.git.branch = Some(branch.to_owned());
    let (place, trust) = (request.place, request.trust);
    own_tree::make(&TreeRequest {
        place,
        config: &config,
        trust,
        supervisor: &supervisor,
        waits: request.waits.then_some(request.inbox),
    })
}

/// People deleted the branch. Where they want to continue all the same, it is made again from its last commit, where this clone
/// has that; else it begins anew.
fn deleted(
    request: &RemoteRequest<'_>,
    there: Option<&SpecPlace>,
    (branch, tip): (&str, &str),
    remote: &SpecRemote,
) -> Result<bool> {
    let is_here = remote.repository.has_commit(tip)?;
    if request.accepts_branch {
        return if is_here { check_out(request, there, branch, tip, remote) } else { Ok(false) };
    }
    let error =
        Error::new(ErrorKind::Human, format!("the branch {branch} is not on {} any more", remote.name));
    let error = if is_here {
        error.hint(format!(
            "Its last commit is here, {tip}: with --retry, the run makes the branch again from it."
        ))
    } else {
        error.hint(format!(
            "This clone does not have its last commit, {tip}: with --retry, the run begins the branch anew, and does all tasks again whose boxes are open. In a clone that has the commit, --retry makes the branch again."
        ))
    };
    Err(error.hint("Or begin anew with `seqorch forget SPEC --remote`. No agent was started."))
}

/// The state that the remote keeps; that which is here where it keeps none.
fn state_of(before: &SavedSpec, place: &SpecPlace) -> Result<SpecState> {
    published(before)?.map_or_else(|| place.store().load(), Ok)
}

/// The state that the remote keeps; `None` where it keeps none.
fn published(before: &SavedSpec) -> Result<Option<SpecState>> {
    if before.state.is_empty() {
        return Ok(None);
    }
    match StateText::read(&before.state) {
        Ok(StateText::Ours(mut file)) => {
            Ok(Some(file.specs.pop_first().map(|(_, state)| state).unwrap_or_default()))
        }
        Err(Unreadable::Newer { schema, written_by }) => {
            let by = written_by.map_or_else(String::new, |version| format!(" by seqorch {version}"));
            Err(Error::new(
                ErrorKind::Human,
                format!("the state on the remote was written{by} (schema {schema}), which is newer"),
            )
            .hint("Update seqorch on this machine. No agent was started."))
        }
        Ok(StateText::Python { .. }) | Err(_) => {
            Err(Error::new(ErrorKind::Human, "the state on the remote cannot be read")
                .hint("`seqorch forget SPEC --remote` removes it; the branch stays. No agent was started."))
        }
    }
}
