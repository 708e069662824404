//! Turns the signals that a person or the system sends into events.

use std::io;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
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
}

/// Calls `on` in a thread of its own for each INT, TERM and HUP, for the rest of the process's life.
///
/// The signals are caught by handlers, never ignored: what is ignored would be inherited by the agent.
pub fn watch(mut on: impl FnMut(Interrupt) + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            on(match signal {
                SIGINT => Interrupt::Interrupt,
                SIGTERM => Interrupt::Terminate,
                _ => Interrupt::HangUp,
            });
        }
    })?;
    Ok(())
}
