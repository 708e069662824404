//! PURE. The command line that starts an agent in its sandbox.

pub use super::engine::PersonIds;
use super::environment::{OF_SEQORCH, is_allowed};
pub use super::mounts::SandboxPlaces;
use super::mounts::text;
use super::used::{ContainerEngine, UsedSandbox};
use super::{bwrap, engine};
use crate::config::{ARGV, Sandbox, SandboxMode};

/// What is started in a sandbox.
#[derive(Debug, Clone, Copy)]
pub struct WrapRequest<'a> {
    /// The sandbox.
    pub settings: &'a Sandbox,
    /// The command line of the agent.
    pub argv: &'a [String],
    /// What of the disk it sees.
    pub places: &'a SandboxPlaces,
    /// The names of all variables that it would get without a sandbox.
    pub variables: &'a [String],
    /// The names and patterns of those that it gets, beside the common ones.
    pub allowed: &'a [&'a [String]],
    /// A name that no other attempt has.
    pub name: &'a str,
    /// The person.
    pub ids: PersonIds,
}

/// A command line in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedCommand {
    /// The whole command line.
    pub argv: Vec<String>,
    /// The sandbox, as the attempt records it.
    pub used: UsedSandbox,
}

/// The command line in its sandbox; `None` where there is none.
#[must_use]
pub fn wrap(request: &WrapRequest<'_>) -> Option<WrappedCommand> {
    let WrapRequest { settings, argv, places, ids, name, .. } = *request;
    let mut env: Vec<String> =
        request.variables.iter().filter(|name| is_allowed(name, request.allowed)).cloned().collect();
    env.extend(OF_SEQORCH.map(str::to_owned));
    env.sort();
    env.dedup();
    let container = |engine| WrappedCommand {
        argv: engine::argv(engine, settings, places, argv, &for_container(&env), name, ids),
        used: UsedSandbox::Container { engine, name: name.to_owned() },
    };
    Some(match settings.mode {
        SandboxMode::Off => return None,
        SandboxMode::Bwrap => WrappedCommand {
            argv: bwrap::argv(settings, places, argv, ids.user == 0),
            used: UsedSandbox::Bwrap { env },
        },
        SandboxMode::Podman => container(ContainerEngine::Podman),
        SandboxMode::Docker => container(ContainerEngine::Docker),
        SandboxMode::Command => {
            let workdir = text(&places.cwd);
            let parts = settings.command.iter();
            let argv = parts.flat_map(|part| match part.as_str() {
                ARGV => argv.to_vec(),
                part => vec![part.replace("{workdir}", &workdir)],
            });
            WrappedCommand { argv: argv.collect(), used: UsedSandbox::Command { env } }
        }
    })
}

/// Programs and temporary folders are others in a container.
fn for_container(env: &[String]) -> Vec<String> {
    env.iter().filter(|name| !["PATH", "SHELL", "TMPDIR"].contains(&name.as_str())).cloned().collect()
}

#[cfg(test)]
#[path = "wrap_tests.rs"]
mod tests;
