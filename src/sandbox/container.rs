//! Ends containers. An engine runs them somewhere else, so no end of our processes reaches them.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::used::ContainerEngine;
use crate::sys::command::{OutputLimit, Supervised, run};
use crate::sys::programs::find_in_path;

/// The hidden verb of the process that ends a container when its attempt is gone.
pub const VERB: &str = "__guard";

/// How long an engine may take to end one.
const PATIENCE: Duration = Duration::from_secs(60);
/// How the names of our containers begin.
const PREFIX: &str = "seqorch-";

/// The name of the container of an attempt with this token.
#[must_use]
pub fn name(token: &str) -> String {
    format!("{PREFIX}{token}")
}

/// Ends and removes the container of this name, if it is there. The name may come from a file, so only one that could be
/// ours is passed on.
pub fn remove(engine: ContainerEngine, name: &str) {
    let is_ours = name.strip_prefix(PREFIX).is_some_and(|token| {
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    });
    let program = find_in_path(engine.program(), Path::new("/"));
    let Some(program) = program.filter(|_| is_ours) else { return };
    let mut command = Command::new(program);
    command.args(["rm", "--force", name]).current_dir("/");
    let shown = format!("{} rm", engine.program());
    let call = Supervised {
        command,
        stdin: &[],
        holds: None,
        deadline: PATIENCE,
        keep: OutputLimit::End(1024),
        shown: &shown,
    };
    // one that is gone already is no error, and the next run tries again
    let _ = run(call, None, None);
}

/// Starts a process of our own that removes the container as soon as this process is gone, however it ends. It holds what
/// this process holds, so the lock of the attempt, too, until the container is gone.
///
/// The guard ends with the returned child's standard input.
pub fn guard(exe: &Path, engine: ContainerEngine, name: &str) -> io::Result<std::process::Child> {
    let mut command = Command::new(exe);
    command.args([VERB, engine.program(), name]).current_dir("/");
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn()
}

/// Is the guard: the arguments behind the verb. `false` if they are not ours.
pub fn be_guard(mut args: impl Iterator<Item = OsString>) -> bool {
    let engine = args.next().and_then(|word| ContainerEngine::named(word.to_str()?));
    let name = args.next().and_then(|name| name.into_string().ok());
    let Some((engine, name)) = engine.zip(name) else { return false };
    let _ = rustix::process::setsid();
    let mut rest = [0; 64];
    let mut stdin = io::stdin();
    while !matches!(stdin.read(&mut rest), Ok(0) | Err(_)) {}
    remove(engine, &name);
    true
}
