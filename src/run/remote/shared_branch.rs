//! Two specs with one branch: each would commit on top of the other, and take the other's commits for those of people.

use super::keeper::Kept;
use super::spec_remote::{SpecRemote, read_saved};
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::ref_names::RUNS;
use crate::git::spec_refs::RefUpdate;
use crate::report::text::sanitise_line;

/// Refuses a spec that no run on the remote has begun, if another spec has its branch there.
pub(super) fn refuse(remote: &SpecRemote) -> Result<()> {
    let branch = remote.names.branch.trim_start_matches("refs/heads/");
    let into = format!("refs/seqorch/seen/{}/runs", remote.names.key);
    let (caller, deadline) = remote.caller();
    let found = caller.fetch_below(&remote.address, RUNS, &into, deadline);
    caller.remove_own_refs(&into);
    for (key, object) in found?.into_iter().filter(|(key, _)| *key != remote.names.key) {
        let at = match read_saved(&remote.repository, &object) {
            Ok(saved) => saved.at,
            // what cannot be read names no branch
            Err(error) if error.kind() == ErrorKind::Human => continue,
            Err(error) => return Err(error),
        };
        if at.branch.as_deref() == Some(branch) {
            let spec = sanitise_line(at.spec.as_deref().unwrap_or(&key));
            let name = &remote.name;
            return Err(Error::new(
                ErrorKind::Config,
                format!("the branch {branch} on {name} is that of another spec: {spec}"),
            )
            .hint("Give one of them another branch: remote.branch, or SEQORCH_REMOTE__BRANCH for one run.")
            .hint(format!(
                "If that spec is gone: git push {name} --delete {RUNS}{key}. No agent was started."
            )));
        }
    }
    Ok(())
}

/// Looks once more after the first take of a spec: two that begin at once see each other now. Takes back what was taken where
/// it must not be.
pub(super) fn refuse_taken(kept: &Kept) -> Result<()> {
    let remote = &kept.remote;
    refuse(remote).inspect_err(|_| {
        let taken = RefUpdate {
            name: remote.names.run.clone(),
            from: kept.hold.object().map(str::to_owned),
            to: None,
        };
        // where it cannot be removed, its lease ends
        let _ = remote.repository.push_refs(&remote.address, &[taken], remote.deadline);
    })
}
