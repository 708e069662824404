//! All checks of doctor, in the order of their output.

use super::subject::DoctorSubject;
use super::{agents, commands, configuration, folders, git, messages, runs, sandbox, sleep, specs, tmux};
use crate::error::Result;
use crate::setup::findings::DoctorFinding;

/// Checks everything that a run needs.
pub fn check_setup(subject: &DoctorSubject<'_>) -> Result<Vec<DoctorFinding>> {
    let mut found = configuration::check(subject);
    found.extend(specs::check(subject));
    found.extend(agents::check(subject)?);
    found.extend(sandbox::check(subject));
    found.extend(commands::check(subject));
    found.extend(messages::check(subject));
    found.extend(tmux::check(subject));
    found.extend(git::check(subject));
    found.extend(folders::check_access(subject));
    found.extend(folders::check_space(subject));
    found.extend(sleep::check(subject));
    found.extend(runs::check(subject));
    Ok(found)
}
