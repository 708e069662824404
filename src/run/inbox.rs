//! What a run hears: signals, and the ends of attempts.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::interrupt::Interrupt;
use crate::sys::signals;

/// Something to react to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// The attempt that was waited for is over.
    Over,
    /// A person or the system asks for an end.
    Asked(Interrupt),
}

/// One for the whole process: what comes between two specs must not get lost.
#[derive(Debug)]
pub struct Ears {
    heard: Receiver<Heard>,
    tell: Sender<Heard>,
}

impl Ears {
    /// Listens from now on.
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

    /// For whoever waits for an attempt.
    #[must_use]
    pub fn teller(&self) -> Sender<Heard> {
        self.tell.clone()
    }

    /// Waits, at most for `limit`; `None` when that is over.
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

    /// What was asked for while nothing was at work.
    #[must_use]
    pub fn asked(&self) -> Option<Interrupt> {
        self.heard.try_iter().find_map(|heard| match heard {
            // nothing waits for a limit then
            Heard::Asked(Interrupt::TryNow) | Heard::Over => None,
            Heard::Asked(what) => Some(what),
        })
    }
}
