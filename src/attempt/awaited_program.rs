//! A check waits for its program where that is gone for a moment: an update of the machine replaces it.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::agent_process::{AttemptEvent, cancelled_by};
use crate::state::outcome::CancelledBy;
use crate::store::attempt_file::AttemptFile;
use crate::sys::handoff::Environment;
use crate::sys::programs::{find_program, is_of_machine};

/// How long a check waits for its program.
const MOST: Duration = Duration::from_secs(60);
/// The pause between two looks.
const PAUSE: Duration = Duration::from_secs(1);

/// Waits until the program of a check is there, and returns who ended the wait. A program that the project itself brings is
/// not waited for: its agent has removed it, and is to hear of that.
pub(super) fn wait(
    check: &AttemptFile,
    env: &Environment,
    inbox: &Receiver<AttemptEvent>,
) -> Option<CancelledBy> {
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.clone());
    let program = check.argv.first()?;
    let is_here = || find_program(OsStr::new(program), path.as_deref(), &check.cwd).is_some();
    // a container has programs of its own
    if check.sandbox.is_some() || is_here() || !is_of_machine(program, path.as_deref(), &check.cwd) {
        return None;
    }
    let mut screen = io::stdout();
    // the window may be closed
    let _ = writeln!(screen, "{program} was not found; waiting up to {} s for it", MOST.as_secs());
    let since = Instant::now();
    while since.elapsed() < MOST && !is_here() {
        match inbox.recv_timeout(PAUSE) {
            Ok(AttemptEvent::Signal(signal)) => {
                if let Some(by) = cancelled_by(signal) {
                    return Some(by);
                }
            }
            Ok(_) | Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
    None
}
