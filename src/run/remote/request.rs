//! What a run on a remote is asked for, and what it says before it begins.

use std::io::{self, Write};

use crate::config::Config;
use crate::project::SpecPlace;
use crate::run::inbox::Inbox;
use crate::run::trust::RunTrust;

/// What a run on a remote is asked for.
#[derive(Clone, Copy)]
pub struct RemoteRequest<'a> {
    /// The spec in the checkout in which a person names it, or in its own tree.
    pub place: &'a SpecPlace,
    /// The configuration, whose `remote.name` is set.
    pub config: &'a Config,
    /// What was trusted.
    pub trust: &'a RunTrust,
    /// The inbox of this process.
    pub inbox: &'a Inbox,
    /// Take the lease also from a process that has it.
    pub takes_lease: bool,
    /// The branch is the truth, also where it does not have commits of tasks any more.
    pub accepts_branch: bool,
    /// Wait while another process has it.
    pub waits: bool,
}

/// Says something to the person.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "note: {text}");
}
