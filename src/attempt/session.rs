//! `seqorch __session PARENT DIR PROGRAM ARGS…`: a session of its own for the agent, then `exec`.
//!
//! In a mere process group the kernel would stop the agent at its first read of the pane's terminal. Doing this in
//! a verb of our own, between fork and exec, needs no unsafe code.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, ErrorKind, Result};
use crate::store::record::AttemptDir;

/// Becomes the leader of a new session, asks to die with `parent`, and becomes the program.
pub fn exec_in_session(parent: i32, dir: &Path, argv: &[OsString]) -> Result<Infallible> {
    let [program, rest @ ..] = argv else {
        return Err(Error::new(ErrorKind::Usage, "no program to start"));
    };
    let _ = rustix::process::setsid();
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        let _ = set_parent_process_death_signal(Some(Signal::KILL));
        // the parent may have died before the wish was known
        if getppid().is_some_and(|p| p.as_raw_nonzero().get() != parent) {
            return Err(Error::new(ErrorKind::Internal, "the attempt is gone"));
        }
    }
    let why = Command::new(program).args(rest).exec();
    let text = cannot_start(&program.to_string_lossy(), &why);
    let _ = std::fs::write(AttemptDir::new(dir).unavailable(), &text);
    Err(Error::new(ErrorKind::Unavailable, text))
}

/// Why a program could not be started, with the way out where the prompt is the reason.
pub(super) fn cannot_start(program: &str, why: &std::io::Error) -> String {
    let mut text = format!("cannot start {program}: {why}");
    if why.raw_os_error() == Some(rustix::io::Errno::TOOBIG.raw_os_error()) {
        text.push_str(
            " (the prompt is too long for an argument; set prompt = \"stdin\" or \"file\" for this backend)",
        );
    }
    text
}
