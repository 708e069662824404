//! What a remote has of a spec, as a place that the verbs can show: its task list and its state in a folder of their own.

use std::fs;

use tempfile::TempDir;

use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::fleet::lease::Lease;
use crate::project::SpecPlace;
use crate::report::text::sanitise_line;
use crate::report::times::to_the_second;
use crate::run::remote::view::{RemoteSpec, RemoteView};
use crate::sys::files;

/// A spec as a remote has it.
pub(super) struct ShownSpec {
    pub(super) place: SpecPlace,
    pub(super) lease: Lease,
    _folder: TempDir,
}

/// The spec on the remote of this name; an empty one is that of the configuration, or `origin`.
pub(super) fn look(project: &Project, place: &SpecPlace, remote: &str) -> Result<ShownSpec> {
    look_if_readable(project, place, remote)?
}

/// The same. The inner error: the remote answers, and what it has cannot be read.
pub(super) fn look_if_readable(
    project: &Project,
    place: &SpecPlace,
    remote: &str,
) -> Result<Result<ShownSpec>> {
    let name = Some(remote).filter(|name| !name.is_empty());
    let spec = RemoteSpec::find(place, &project.loaded.config, name)?;
    let view = spec.look_if_readable()?.ok_or_else(|| never_ran(place, &spec.name))?;
    Ok(view.and_then(|view| shown(place, view)))
}

/// Writes it to a folder of its own.
fn shown(place: &SpecPlace, view: RemoteView) -> Result<ShownSpec> {
    let failed = |e| Error::io("making a folder in", &std::env::temp_dir(), e);
    let folder = tempfile::Builder::new().prefix("seqorch-").tempdir().map_err(failed)?;
    let root = fs::canonicalize(folder.path()).map_err(failed)?;
    let below = place.dir.strip_prefix(&place.root).unwrap_or(&place.dir);
    let dir = root.join(below.strip_prefix("/").unwrap_or(below));
    let shown = SpecPlace { root, dir, keeps_in_git: false, checkout: None, ..place.clone() };
    files::create_private_dir(&shown.dir)?;
    let tasks = match view.tasks {
        Some(tasks) => tasks,
        None => place.read_tasks()?.0.into_bytes(),
    };
    files::replace(&shown.tasks_path(), &tasks, 0o600)?;
    shown.store().prepared()?.save(&view.state)?;
    Ok(ShownSpec { place: shown, lease: view.lease, _folder: folder })
}

pub(super) fn never_ran(place: &SpecPlace, remote: &str) -> Error {
    let name = sanitise_line(&place.name);
    Error::new(ErrorKind::NoSpec, format!("no run of {name} was ever on {remote}"))
        .hint(format!("Start one with `seqorch run {name} --remote {remote}`."))
}

/// Who works on the spec, for people.
pub(super) fn lease_line(lease: &Lease) -> String {
    if lease.is_held() {
        format!("lease: {} until {}", sanitise_line(&lease.who()), to_the_second(lease.expires))
    } else {
        format!("lease: free, last run on {}", sanitise_line(&lease.host))
    }
}
