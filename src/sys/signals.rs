//! Receives signals and turns them into [`Interrupt`]s.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGURG, SIGUSR1, SIGUSR2, SIGWINCH, SIGXFSZ};
use signal_hook::iterator::Signals;

use super::interrupt::Interrupt;
use crate::error::ErrorKind;

/// The signal that means [`Interrupt::AfterStep`].
pub const AFTER_STEP: rustix::process::Signal = rustix::process::Signal::USR1;

/// The signal that means [`Interrupt::TryNow`].
pub const TRY_NOW: rustix::process::Signal = rustix::process::Signal::USR2;

/// The signal that means [`Interrupt::KeepRunning`]. A process that does not know it ignores it.
pub const KEEP_RUNNING: rustix::process::Signal = rustix::process::Signal::URG;

/// The signal that means [`Interrupt::Look`]. A process that does not know it ignores it.
pub const LOOK: rustix::process::Signal = rustix::process::Signal::WINCH;

/// Whether TERM or HUP asked this process to end.
static IS_TERMINATED: AtomicBool = AtomicBool::new(false);

/// The exit code for an error of this kind. That of a process which was asked to end says with which signal.
#[must_use]
pub fn exit_code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Interrupted if IS_TERMINATED.load(Ordering::SeqCst) => 143,
        kind => kind.exit_code(),
    }
}

/// Calls `on` in its own thread for each INT, TERM, HUP, URG, USR1, USR2 and WINCH, as long as the process lives.
///
/// The signals are caught, never ignored, because an agent would inherit an ignored signal. XFSZ is caught as well: a
/// write beyond the shell's file size limit (`ulimit -f`) then fails with an error and does not kill the process.
pub fn watch(mut on: impl FnMut(Interrupt) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGURG, SIGUSR1, SIGUSR2, SIGWINCH, SIGXFSZ])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if matches!(signal, SIGTERM | SIGHUP) {
                IS_TERMINATED.store(true, Ordering::SeqCst);
            }
            on(match signal {
                SIGINT => Interrupt::Interrupt,
                SIGTERM => Interrupt::Terminate,
                SIGHUP => Interrupt::HangUp,
                SIGUSR1 => Interrupt::AfterStep,
                SIGUSR2 => Interrupt::TryNow,
                SIGURG => Interrupt::KeepRunning,
                SIGWINCH => Interrupt::Look,
                _ => continue,
            });
        }
    })?;
    Ok(())
}
