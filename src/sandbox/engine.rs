//! PURE. The command line of podman and docker.

use super::mounts::{Access, SandboxPlaces, text};
use super::used::ContainerEngine;
use crate::config::{GitAccess, Sandbox};

/// The person on whose behalf a container writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PersonIds {
    /// The user.
    pub user: u32,
    /// The group.
    pub group: u32,
}

/// `argv` in a container of this name, with these variables by their names.
pub(super) fn argv(
    engine: ContainerEngine,
    settings: &Sandbox,
    places: &SandboxPlaces,
    argv: &[String],
    variables: &[String],
    name: &str,
    ids: PersonIds,
) -> Vec<String> {
    let mut all = vec![engine.program().to_owned()];
    all.extend(settings.engine_args.iter().cloned());
    let mut add = |parts: &[&str]| all.extend(parts.iter().map(|part| (*part).to_owned()));
    // the name is how it is found again and ended; what it prints is in our own logs
    add(&["run", "--rm", "--interactive", "--name", name, "--log-driver", "none", "--pull", "never"]);
    add(&["--cap-drop", "all", "--security-opt", "no-new-privileges", "--security-opt", "label=disable"]);
    add(&["--network", settings.network.name()]);
    if ids.user != 0 {
        match engine {
            ContainerEngine::Podman => add(&["--userns", "keep-id"]),
            ContainerEngine::Docker => add(&["--user", &format!("{}:{}", ids.user, ids.group)]),
        }
    }
    if let Some(bytes) = settings.memory {
        add(&["--memory", &bytes.to_string(), "--memory-swap", &bytes.to_string()]);
    }
    if let Some(count) = settings.processes {
        add(&["--pids-limit", &count.to_string()]);
    }
    let git = if settings.git == GitAccess::ReadWrite { Access::Write } else { Access::Read };
    for mount in places.mounts(git, false) {
        let path = text(&mount.path);
        match mount.access {
            // podman would fill it with what is below it
            Access::Private if engine == ContainerEngine::Podman => {
                add(&["--tmpfs", &format!("{path}:notmpcopyup")]);
            }
            Access::Private => add(&["--tmpfs", &path]),
            Access::Read => add(&["--mount", &format!("type=bind,{},readonly", both(&path))]),
            Access::Write => add(&["--mount", &format!("type=bind,{}", both(&path))]),
        }
    }
    add(&["--tmpfs", "/tmp", "--workdir", &text(&places.cwd), "--entrypoint", ""]);
    for variable in variables {
        add(&["--env", variable]);
    }
    all.extend(settings.args.iter().cloned());
    all.extend(settings.image.iter().cloned());
    all.extend(argv.iter().cloned());
    all
}

/// Both ends of a mount, as a field of a line of CSV.
fn both(path: &str) -> String {
    [("source", path), ("target", path)].map(|(end, path)| field(&format!("{end}={path}"))).join(",")
}

fn field(text: &str) -> String {
    if text.contains([',', '"', '\n']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
