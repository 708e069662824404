//! Turns the signals that a person or the system sends into events.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};
use signal_hook::iterator::Signals;

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupt {
    /// Ctrl-C.
    Interrupt,
    /// TERM.
    Terminate,
    /// The terminal or the window is gone.
    HangUp,
    /// USR1, from `seqorch stop`: as the first Ctrl-C, but a second one asks for no more.
    AfterStep,
    /// USR2, from `seqorch resume --now`: a wait for a limit is over. It asks for no end.
    TryNow,
}

/// What [`Interrupt::AfterStep`] comes as.
pub const AFTER_STEP: rustix::process::Signal = rustix::process::Signal::USR1;

/// What [`Interrupt::TryNow`] comes as.
pub const TRY_NOW: rustix::process::Signal = rustix::process::Signal::USR2;

/// Calls `on` in a thread of its own for each INT, TERM, HUP, USR1 and USR2, for the rest of the process's life.
///
/// The signals are caught by handlers, never ignored: what is ignored would be inherited by the agent. So is XFSZ: a
/// write beyond a limit of the shell (`ulimit -f`) shall fail with an error, not end the process.
pub fn watch(mut on: impl FnMut(Interrupt) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGXFSZ])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            on(match signal {
                SIGINT => Interrupt::Interrupt,
                SIGTERM => Interrupt::Terminate,
                SIGHUP => Interrupt::HangUp,
                SIGUSR1 => Interrupt::AfterStep,
                SIGUSR2 => Interrupt::TryNow,
                _ => continue,
            });
        }
    })?;
    Ok(())
}
