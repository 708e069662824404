//! Takes the lease of a spec, and makes the work tree of its branch what the remote says.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::answers;
use super::keeper::{Keeper, Kept, moment};
use super::outcome::RemoteRun;
use super::packed;
use super::record::CloneRecord;
use super::request::{RemoteRequest, note};
use super::restore::{Restore, RestoredSpec, restore};
use super::shared_branch;
use super::spec_remote::{SpecRemote, unreadable_lease};
use crate::config::Commit;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::hold::{Hold, HoldAnswer, HolderId, Publication};
use crate::fleet::lease::{Lease, LeaseTiming};
use crate::fleet::push::{RefQuestion, SeenRefs};
use crate::fleet::ref_names::RefNames;
use crate::fleet::saved::{SavedSpec, Standpoint};
use crate::fleet::take::{TakeAnswer, Watched};
use crate::git::call::Supervisor;
use crate::git::repository::Repository;
use crate::project::{SpecPlace, own_tree};
use crate::report::text::{plural, sanitise_line};
use crate::report::times::to_the_second;
use crate::run::branch;
use crate::run::own_tree::in_checkout;
use crate::run::protected;
use crate::run::trust::RunTrust;
use crate::state::SpecState;
use crate::store::lock;
use crate::sys::interrupt::Interrupt;
use crate::sys::random;

/// How often a remote is asked that does not answer.
const ASKED: u32 = 3;
/// The longest pause between two looks at a lease that another process has. A short lease is looked at more often.
const LOOK_AGAIN: Duration = Duration::from_secs(15);
/// How often `--take-lease` tries to be faster than a holder that renews.
const TAKES: u32 = 10;
/// How long the push that takes the lease may take.
const TAKE_PATIENCE: Duration = Duration::from_secs(60);

/// Takes the lease, or ends with an error that says who has it. Returns the spec's place in the work tree of its branch.
pub fn enter(request: &RemoteRequest<'_>) -> Result<(SpecPlace, RemoteRun)> {
    let RemoteRequest { config, trust, inbox, .. } = *request;
    let here = in_checkout(request.place);
    let record = own_tree::record(&here).ok_or_else(no_repository)?;
    if config.git.commit != Commit::Step {
        return Err(Error::new(
            ErrorKind::Config,
            "remote.name needs git.commit = \"step\": other machines get commits only",
        )
        .hint("Set it in seqorch.toml. No agent was started."));
    }
    // a push must end also where the run is to end at once
    let found = Repository::find(&here.root, &Supervisor::default())?.ok_or_else(no_repository)?;
    let repository = Repository { pin: trust.git.clone(), ..found };
    let name = branch::checked_name(&repository, &config.remote.branch, &here.name)?;
    protected::check_branch(config, &name)?;
    let names = RefNames::of(&record.spec.to_string_lossy(), &name);
    let own = CloneRecord::take(&repository.common_dir, &names.key)?;
    let timing = LeaseTiming::of(config.remote.lease);
    let id = id()?;
    let target = address(trust, &repository)?;
    let mut remote = SpecRemote::new(repository, target, names, timing, own, &id);
    check_remote(&remote)?;
    let mut tries = 0;
    let mut last: Option<(SeenSpec, Restored)> = None;
    let (kept, place, take) = loop {
        let seen = free(request, &here, &mut remote)?;
        let is_first = seen.run.is_none() && config.remote.branch.contains("{spec}");
        if is_first {
            shared_branch::refuse(&remote)?;
        }
        let spec = SeenSpec::of(&seen, &remote)?;
        let restored = match last.take().filter(|(of, _)| *of == spec) {
            // only the lease was renewed, so the next push can be faster than the one after it
            Some((_, restored)) => restored,
            None => restored(request, &here, &seen, &name, &mut remote)?,
        };
        last = Some((spec, restored.clone()));
        let (place, state, at) = restored;
        let me = HolderId { id: id.clone(), host: lock::host() };
        // what people pushed beyond that is news to the first push
        let known = SeenRefs { branch: at.tip.clone(), ..seen };
        let hold = Hold::new(me, timing, &known, moment());
        let take = format!("{id}/{}", hold.epoch());
        let mut kept = Kept::new(hold, remote, at);
        let Some(lease) = publish_take(&mut kept, &place, &state)? else {
            if is_first {
                shared_branch::refuse_taken(&kept)?;
            }
            break (kept, place, take);
        };
        tries += 1;
        if !request.takes_lease || tries >= TAKES {
            let (who, spec) = (sanitise_line(&lease.who()), sanitise_line(&here.name));
            return Err(Error::new(ErrorKind::Locked, format!("{who} was faster, and works on {spec} now"))
                .hint("Try again later, or wait with --wait."));
        }
        // the holder renewed it meanwhile
        remote = kept.remote;
    };
    let (key, name) = (kept.remote.names.key.clone(), kept.remote.name.clone());
    let ends = inbox.end_flag();
    let keeper = Keeper::start(kept, inbox.sender(), ends.clone());
    let run = RemoteRun {
        keeper,
        take,
        key,
        since: Timestamp::now(),
        ends,
        moved: false.into(),
        trouble: None.into(),
        kept_as: None.into(),
        accounts: BTreeMap::new().into(),
        checked: None.into(),
        checks_again: false.into(),
        looks_for_unchecked: true.into(),
    };
    // a later run without --remote is not to work here without the lease
    if let Err(error) = own_tree::note_remote(&here, Some(&name)) {
        let _ = run.release(&place, config, error.kind().exit_code());
        return Err(error);
    }
    Ok((place, run))
}

/// What a remote has of a spec beside the lease.
#[derive(PartialEq)]
struct SeenSpec {
    branch: Option<String>,
    saved: SavedSpec,
}

impl SeenSpec {
    fn of(seen: &SeenRefs, remote: &SpecRemote) -> Result<Self> {
        let saved = seen.run.as_ref().map(|tip| remote.saved_in(&tip.object)).transpose()?;
        Ok(Self { branch: seen.branch.clone(), saved: saved.unwrap_or_default() })
    }
}

/// The place of a spec in the work tree of its branch, its state, and where it stands.
type Restored = (SpecPlace, SpecState, Standpoint);

/// Makes the work tree and the state here what the remote has, as far as the lease is about to be taken from `seen`.
fn restored(
    request: &RemoteRequest<'_>,
    here: &SpecPlace,
    seen: &SeenRefs,
    branch: &str,
    remote: &mut SpecRemote,
) -> Result<Restored> {
    let tip = seen.run.as_ref();
    let mut before = tip.map(|tip| remote.saved_in(&tip.object)).transpose()?.unwrap_or_default();
    let is_own = tip.is_some_and(|tip| remote.record.made().contains(&tip.object));
    let is_loss = tip.is_some_and(|tip| tip.lease.is_held()) && !is_own;
    if is_loss {
        before.at.count_loss();
    }
    let wanted = Restore { request, here, seen, before: &mut before, is_own, is_loss, branch };
    let RestoredSpec { place, mut state, tip } = restore(wanted, remote)?;
    own_tree::note_branch(&place, branch)?;
    let taken = answers::apply(&remote.answers()?, &mut state);
    if taken > 0 {
        // the take has the answer and its effect
        place.store().prepared()?.save(&state)?;
        let (spec, taken) = (sanitise_line(&here.name), plural(taken, "answer"));
        note(&format!("{spec} has {taken} that people left on {}", remote.name));
    }
    // from now on git works in the tree of the branch
    let tree = Repository::find(&place.root, &Supervisor::default())?.ok_or_else(no_repository)?;
    remote.repository = Repository { pin: request.trust.git.clone(), ..tree };
    before.at.tip = tip;
    before.at.branch = Some(branch.to_owned());
    before.at.spec = own_tree::record(here).map(|record| record.spec.to_string_lossy().into_owned());
    Ok((place, state, before.at))
}

/// Looks at the remote until the lease is free.
fn free(request: &RemoteRequest<'_>, here: &SpecPlace, remote: &mut SpecRemote) -> Result<SeenRefs> {
    let mut watched = None;
    let (mut unanswered, mut said_held, mut said_ended) = (0, false, false);
    let lease_time = LeaseTiming::of(request.config.remote.lease).lease;
    let again = LOOK_AGAIN.min(lease_time / 4);
    loop {
        let Some(seen) = remote.read(&RefQuestion::default()) else {
            if let Some(why) = &remote.unreadable {
                return Err(unreadable_lease(&remote.name, why).hint("No agent was started."));
            }
            unanswered += 1;
            if unanswered >= ASKED {
                return Err(no_answer(remote));
            }
            pause(request, Duration::from_secs(1))?;
            continue;
        };
        unanswered = 0;
        let now = moment();
        let tip = seen.run.as_ref();
        let watched = watched.get_or_insert_with(|| Watched::begin(tip, now));
        watched.look(tip, now);
        match watched.may_take(tip, now, remote.record.made(), request.takes_lease) {
            TakeAnswer::Free => return Ok(seen),
            TakeAnswer::LookAgain(at) => {
                let left = at.saturating_sub(now.boot);
                if left > lease_time && !request.waits {
                    return Err(longer_than_ours(here, left));
                }
                if !said_ended {
                    said_ended = true;
                    note(&format!(
                        "the lease of {} ended by the clock of its holder; looking for {} s whether it is renewed",
                        sanitise_line(&here.name),
                        left.as_secs() + 1
                    ));
                }
                pause(request, left.min(again))?;
            }
            TakeAnswer::Held { certain, lease, .. } if request.waits => {
                if !said_held {
                    said_held = true;
                    let (who, spec) = (sanitise_line(&lease.who()), sanitise_line(&here.name));
                    note(&format!("waiting for {who}, which works on {spec}"));
                }
                pause(request, certain.saturating_sub(now.boot).min(again))?;
            }
            TakeAnswer::Held { lease, until, .. } => {
                let who = sanitise_line(&lease.who());
                let text = format!(
                    "{} works on {} until {}, or longer if it renews its lease",
                    who,
                    sanitise_line(&here.name),
                    to_the_second(until)
                );
                return Err(Error::new(ErrorKind::Locked, text)
                    .hint("Try again later, or wait with --wait.")
                    .hint("If that machine is gone: --take-lease takes the spec over at once. If it is not, it stops."));
            }
        }
    }
}

/// No lease of this configuration is so long: its record is broken, or of another configuration.
fn longer_than_ours(here: &SpecPlace, left: Duration) -> Error {
    let (spec, left) =
        (sanitise_line(&here.name), humantime::format_duration(Duration::from_secs(left.as_secs())));
    let text = format!(
        "the lease of {spec} ended by the clock of its holder, and is so long that only {left} without a sign free it"
    );
    Error::new(ErrorKind::Locked, text)
        .hint("Wait with --wait, or take the spec over at once with --take-lease. No agent was started.")
}

/// Publishes the take: who works on the spec now, and what it begins with. Returns the lease of a process that was faster.
fn publish_take(kept: &mut Kept, place: &SpecPlace, state: &SpecState) -> Result<Option<Lease>> {
    let saved = packed::saved(kept, place, state, None)?;
    let patience = Some(TAKE_PATIENCE);
    let answer = kept.publish(Publication { saved, commit: None, kept: None, releases: false, patience });
    match answer {
        HoldAnswer::Published => Ok(None),
        HoldAnswer::Lost(Some(lease)) => Ok(Some(lease)),
        HoldAnswer::Refused | HoldAnswer::BranchMoved(_) => {
            let text = format!("{} refuses {}", kept.remote.name, kept.remote.names.run);
            Err(Error::new(ErrorKind::Human, text)
                .detail(format!("  {}", sanitise_line(&kept.remote.words)))
                .hint("The remote must let you push to refs/seqorch/, and several refs at once (`git push --atomic`). No agent was started."))
        }
        HoldAnswer::NoAnswer | HoldAnswer::Lost(None) => Err(no_answer(&kept.remote)),
    }
}

/// Finds out before anything else what the remote, or this machine, cannot do.
fn check_remote(remote: &SpecRemote) -> Result<()> {
    let name = &remote.name;
    remote.check_atomic_pushes().map_err(|error| {
        let text = format!(
            "{name} does not move several refs at once (`git push --atomic`), and a lease needs that"
        );
        Error::new(ErrorKind::Config, text)
            .detail(format!("  {}", sanitise_line(&error.words())))
            .hint("Use a remote that does: GitHub, GitLab, Gitea and plain git do. No agent was started.")
    })?;
    let repository = &remote.repository;
    if let Some(head) = repository.head()?
        && repository.uses_lfs(&head)?
        && !repository.has_lfs()
    {
        let text = "files of this repository are kept by Git LFS, and `git lfs` does not run here";
        return Err(Error::new(ErrorKind::Unavailable, text)
            .hint("Install git-lfs, so that other machines get the files. No agent was started."));
    }
    Ok(())
}

fn no_answer(remote: &SpecRemote) -> Error {
    Error::new(ErrorKind::Locked, format!("{} does not answer", remote.name))
        .detail(format!("  {}", sanitise_line(&remote.words)))
        .hint("Try again later. No agent was started.")
}

fn no_repository() -> Error {
    Error::new(ErrorKind::Config, "remote.name: the spec is in no git repository")
        .hint("Clone the repository, and run there.")
}

/// The one address that the remote is pushed to, which is read, too.
fn address(trust: &RunTrust, repository: &Repository) -> Result<(String, String)> {
    let target = trust.push_target().ok_or_else(no_repository)?;
    match target.addresses.as_slice() {
        [address] => Ok((target.remote.clone(), repository.address_from_anywhere(address))),
        all => Err(Error::new(
            ErrorKind::Config,
            format!(
                "remote.name: {} has {} addresses for pushes, and a lease needs one",
                target.remote,
                all.len()
            ),
        )),
    }
}

/// Waits, unless this process is to end.
fn pause(request: &RemoteRequest<'_>, length: Duration) -> Result<()> {
    if request.inbox.stop_flag().raised_within(length) || request.inbox.asked().is_some_and(Interrupt::ends) {
        return Err(Error::new(ErrorKind::Interrupted, "stopped before the spec was free"));
    }
    Ok(())
}

fn id() -> Result<String> {
    let part = || {
        random::bits().map_err(|e| Error::new(ErrorKind::Internal, "drawing a random number").caused_by(e))
    };
    Ok(format!("{:016x}{:016x}", part()?, part()?))
}
