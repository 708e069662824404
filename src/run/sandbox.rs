//! The sandbox of a run: tried before the first agent, and around each command line.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use crate::config::{AssignMode, Config};
use crate::error::Result;
use crate::plan::Plan;
use crate::project::SpecPlace;
use crate::project::sandbox_ground::SandboxGround;
use crate::sandbox::check::check;
use crate::sandbox::container;
use crate::sandbox::wrap::WrappedCommand;
use crate::sys::handoff::Environment;

/// What is to run in the sandbox.
#[derive(Clone, Copy)]
pub(super) struct Unwrapped<'a> {
    /// The command line.
    pub(super) argv: &'a [String],
    /// Its backend.
    pub(super) backend: &'a str,
    /// Where it works.
    pub(super) cwd: &'a Path,
    /// Whether it is a check of an agent's work.
    pub(super) is_check: bool,
    /// A word that no other attempt has.
    pub(super) token: &'a str,
}

/// The command line in the sandbox that the configuration wants for it.
pub(super) fn wrapped(
    place: &SpecPlace,
    config: &Config,
    env: &Environment,
    what: Unwrapped<'_>,
) -> Option<WrappedCommand> {
    if what.is_check && !config.sandbox.verify {
        return None;
    }
    let ground = SandboxGround::of(&place.root, what.cwd);
    let subject = ground.subject(config, what.backend, env);
    if config.sandbox.is_on() {
        subject.make_home();
    }
    subject.wrap(what.argv, &container::name(what.token))
}

/// Tries the sandbox with the program of each step, and of the agent that assigns tasks. A mistake must show before the first agent is paid.
pub(super) fn check_sandbox(
    place: &SpecPlace,
    config: &Config,
    plan: &Plan,
    env: &[(OsString, OsString)],
) -> Result<()> {
    if !config.sandbox.is_on() {
        return Ok(());
    }
    let mut groups: BTreeSet<(&str, &Path, &str)> = BTreeSet::new();
    for step in &plan.steps {
        let settings = &step.settings;
        let checks = settings.verify.iter().filter(|_| config.sandbox.verify);
        for argv in std::iter::once(&settings.argv).chain(checks) {
            groups.extend(
                argv.first()
                    .map(|program| (settings.backend.as_str(), settings.cwd.as_path(), program.as_str())),
            );
        }
    }
    let root = place.root.as_path();
    let workdir = config.run.workdir.as_deref().unwrap_or(root);
    let assign = Some(&config.assign.backend).filter(|_| config.assign.mode == AssignMode::Agent);
    if let Some((name, backend)) = assign.and_then(|name| config.backends.get_key_value(name)) {
        groups.insert((name, workdir, &backend.command));
    }
    for (backend, cwd, program) in groups {
        let ground = SandboxGround::of(&place.root, cwd);
        check(&ground.subject(config, backend, env), &[program], false)?;
    }
    Ok(())
}
