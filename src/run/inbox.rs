//! The messages that a run waits for: signals, and the ends of attempts.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::interrupt::Interrupt;
use crate::sys::signals;

/// A message to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The attempt is over.
    Over,
    /// A signal asks the run to stop, or to retry now.
    Asked(Interrupt),
}

/// The inbox of the process. There is only one, so that no signal is lost between two specs.
#[derive(Debug)]
pub struct Ears {
    heard: Receiver<Heard>,
    tell: Sender<Heard>,
}

impl Ears {
    /// Catches signals from now on.
    pub fn open() -> Result<Self> {
        let ears = Self::without_signals();
        let asked = ears.teller();
        signals::watch(move |what| {
            let _ = asked.send(Heard::Asked(what));
        })
        .map_err(|e| Error::new(ErrorKind::Internal, "catching signals").caused_by(e))?;
        Ok(ears)
    }

    pub(super) fn without_signals() -> Self {
        let (tell, heard) = channel();
        Self { heard, tell }
    }

    /// A sender for the thread that waits for an attempt.
    #[must_use]
    pub fn teller(&self) -> Sender<Heard> {
        self.tell.clone()
    }

    /// Waits for at most `limit`; `None` when that time is over.
    #[must_use]
    pub fn wait(&self, limit: Option<Duration>) -> Option<Heard> {
        let heard = match limit {
            None => self.heard.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(limit) => self.heard.recv_timeout(limit),
        };
        match heard {
            Ok(heard) => Some(heard),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Heard::Asked(Interrupt::Terminate)),
        }
    }

    /// A signal that came while no attempt ran.
    #[must_use]
    pub fn asked(&self) -> Option<Interrupt> {
        self.heard.try_iter().find_map(|heard| match heard {
            // no limit is waited for then
            Heard::Asked(Interrupt::TryNow) | Heard::Over => None,
            Heard::Asked(what) => Some(what),
        })
    }
}
