//! Attempts of earlier runs: those that still work, and those that are old enough to be removed.

use jiff::{SignedDuration, Timestamp};

use super::world::RealWorld;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::state::{SpecState, TreeRecord};
use crate::store::attempt_folder;
use crate::store::expiry::needed_trees;
use crate::store::spec_store::Store;

/// Refuses to begin while an agent works that the state does not know: the state file was moved away, or an old one came
/// back. A second agent must not start next to it.
pub(super) fn refuse_unknown_agent(store: &Store, state: &SpecState) -> Result<()> {
    let known = state.running().and_then(|(unit, attempt)| {
        let dir = store.attempt_dir(state.folder(unit), attempt.number);
        attempt_folder::is_of(&dir, attempt).then_some(dir)
    });
    let unknown = store
        .attempt_dirs()
        .into_iter()
        .find(|dir| Some(dir) != known.as_ref() && attempt_folder::alive(dir));
    unknown.map_or(Ok(()), |dir| {
        Err(Error::new(
            ErrorKind::Locked,
            format!("an agent that the state does not know is at work: {}", dir.path().display()),
        )
        .detail("  Nothing was started next to it.")
        .hint("End it with `seqorch stop --now`, or wait for its end."))
    })
}

/// Removes the attempts that are older than `log.keep`, and the snapshots that nothing needs any more. `now`: the tree of
/// this run's first snapshot.
pub(super) fn expire(
    config: &Config,
    store: &Store,
    now: Option<&TreeRecord>,
    world: &mut RealWorld<'_>,
) -> Result<()> {
    let span = Some(config.log.keep)
        .filter(|keep| !keep.is_zero())
        .and_then(|keep| SignedDuration::try_from(keep).ok());
    // a span that reaches back before all time keeps everything
    let limit = span.and_then(|span| Timestamp::now().checked_sub(span).ok());
    if let Some(limit) = limit {
        let (removed, complaints) = store.expire(limit)?;
        for complaint in complaints {
            world.say(&format!("! {complaint}"));
        }
        if removed > 0 {
            world.say_more(1, || format!("  {removed} old attempts were removed (log.keep)"));
        }
    }
    let state = store.load()?;
    if let (Some(repository), Some(now), None) = (&world.repository, now, state.running()) {
        let mut needed = needed_trees(&state, limit);
        needed.insert(&now.tree);
        if let Err(error) = repository.keep_only(&needed) {
            // they only take room
            world.say_more(1, || format!("  old snapshots were kept: {}", error.words()));
        }
    }
    Ok(())
}
