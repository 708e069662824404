//! PURE. The command line of bubblewrap.

use super::mounts::{Access, SandboxPlaces, text};
use crate::config::{GitAccess, Sandbox, SandboxNetwork};

/// `argv` in bubblewrap: this machine's system folders to read, nothing else of its disk but the places, and processes of
/// its own, which end with it.
pub(super) fn argv(
    settings: &Sandbox,
    places: &SandboxPlaces,
    argv: &[String],
    is_root: bool,
) -> Vec<String> {
    let mut all = limits(settings, is_root);
    let mut add = |parts: &[&str]| all.extend(parts.iter().map(|part| (*part).to_owned()));
    add(&["bwrap", "--unshare-ipc", "--unshare-pid", "--unshare-uts", "--unshare-cgroup-try"]);
    if settings.network == SandboxNetwork::None {
        add(&["--unshare-net"]);
    }
    // a process that outlives the one that started it would be an agent without a run
    add(&["--die-with-parent"]);
    if is_root {
        add(&["--cap-drop", "ALL"]);
    }
    for path in &places.system {
        add(&["--ro-bind", &text(path), &text(path)]);
    }
    for (path, to) in &places.links {
        add(&["--symlink", &text(to), &text(path)]);
    }
    for path in &places.hidden {
        add(&["--ro-bind", "/dev/null", &text(path)]);
    }
    add(&["--proc", "/proc", "--dev", "/dev"]);
    for path in ["/tmp", "/var/tmp", "/run"] {
        add(&["--tmpfs", path]);
    }
    let git = if settings.git == GitAccess::ReadWrite { Access::Write } else { Access::Read };
    for mount in places.mounts(git, true) {
        let path = text(&mount.path);
        match mount.access {
            Access::Private => add(&["--tmpfs", &path]),
            Access::Read => add(&["--ro-bind", &path, &path]),
            Access::Write => add(&["--bind", &path, &path]),
        }
    }
    add(&["--chdir", &text(&places.cwd), "--"]);
    all.extend(argv.iter().cloned());
    all
}

/// What limits memory and processes: bubblewrap itself cannot, and systemd can without rights of root.
fn limits(settings: &Sandbox, is_root: bool) -> Vec<String> {
    if settings.memory.is_none() && settings.processes.is_none() {
        return Vec::new();
    }
    let mut all: Vec<String> = ["systemd-run", "--scope", "--quiet", "--collect"].map(str::to_owned).to_vec();
    if !is_root {
        all.push("--user".to_owned());
    }
    let mut set = |property: String| all.extend(["-p".to_owned(), property]);
    if let Some(bytes) = settings.memory {
        set(format!("MemoryMax={bytes}"));
        set("MemorySwapMax=0".to_owned());
    }
    if let Some(count) = settings.processes {
        set(format!("TasksMax={count}"));
    }
    all.push("--".to_owned());
    all
}
