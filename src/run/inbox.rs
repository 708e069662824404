//! The messages that a run waits for: signals, and the ends of its children.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::sys::interrupt::Interrupt;
use crate::sys::signals;
use crate::sys::stop_flag::StopFlag;

/// A message to the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InboxMessage {
    /// The child of the run is over.
    Over,
    /// A signal asks the run to stop, or to retry now.
    Asked(Interrupt),
}

/// The inbox of the process. There is only one, so that no signal is lost between two specs.
#[derive(Debug)]
pub struct Inbox {
    receiver: Receiver<InboxMessage>,
    sender: Sender<InboxMessage>,
    stop: StopFlag,
    end: StopFlag,
    request: StopFlag,
}

impl Inbox {
    /// Catches signals from now on.
    pub fn open() -> Result<Self> {
        let inbox = Self::without_signals()?;
        let (sender, stop, end) = (inbox.sender(), inbox.stop_flag(), inbox.end_flag());
        let request = inbox.request_flag();
        let mut asked = false;
        signals::watch(move |what| {
            let at_once = what == Interrupt::Terminate || (what == Interrupt::Interrupt && asked);
            if at_once {
                // the run may wait for a tool right now, and reads its messages only after that
                stop.raise();
            }
            if what.ends() {
                end.raise();
            }
            if what.ends() || what == Interrupt::AfterStep {
                request.raise();
            } else if what == Interrupt::KeepRunning {
                request.lower();
            }
            asked = match what {
                Interrupt::Interrupt | Interrupt::AfterStep => true,
                Interrupt::KeepRunning => false,
                _ => asked,
            };
            let _ = sender.send(InboxMessage::Asked(what));
        })
        .map_err(|e| Error::new(ErrorKind::Internal, "catching signals").caused_by(e))?;
        Ok(inbox)
    }

    pub(super) fn without_signals() -> Result<Self> {
        let (sender, receiver) = channel();
        let flag =
            || StopFlag::new().map_err(|e| Error::new(ErrorKind::Internal, "opening a pipe").caused_by(e));
        Ok(Self { receiver, sender, stop: flag()?, end: flag()?, request: flag()? })
    }

    /// Raised by a request to end now.
    #[must_use]
    pub fn stop_flag(&self) -> StopFlag {
        self.stop.clone()
    }

    /// Raised by each signal that asks for an end, also where the run is first to end its step.
    #[must_use]
    pub(super) fn end_flag(&self) -> StopFlag {
        self.end.clone()
    }

    /// Raised by each request for an end, also one for an end after the step, until that is taken back: for what comes before
    /// the first step.
    #[must_use]
    pub fn request_flag(&self) -> StopFlag {
        self.request.clone()
    }

    /// A sender for the thread that waits for a child.
    #[must_use]
    pub fn sender(&self) -> Sender<InboxMessage> {
        self.sender.clone()
    }

    /// Waits for at most `limit`; `None` when that time is over.
    #[must_use]
    pub fn wait(&self, limit: Option<Duration>) -> Option<InboxMessage> {
        let received = match limit {
            None => self.receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(limit) => self.receiver.recv_timeout(limit),
        };
        match received {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(InboxMessage::Asked(Interrupt::Terminate)),
        }
    }

    /// Whether a signal asks for an end. The signal is consumed.
    #[must_use]
    pub(super) fn has_stop_request(&self) -> bool {
        self.asked().is_some()
    }

    /// Returns a signal that came while nothing waited for one: before the run began, or during work of its own.
    #[must_use]
    pub fn asked(&self) -> Option<Interrupt> {
        self.receiver.try_iter().find_map(|message| match message {
            // between attempts, no limit is waited for
            InboxMessage::Asked(Interrupt::TryNow | Interrupt::KeepRunning | Interrupt::Look)
            | InboxMessage::Over => None,
            InboxMessage::Asked(what) => Some(what),
        })
    }
}
