//! Waits for a key, a signal or a timeout, whichever comes first, without polling.
//!
//! The terminal library does not read the keys, because its reader loops for ever after its terminal is closed, and a window
//! of tmux may close at any time.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGWINCH};

use crate::report::view::{Key, keys};

/// How long the rest of a sequence may take after its first byte.
const ESCAPE: Duration = Duration::from_millis(50);

/// What ended a wait.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum WakeReason {
    /// The timeout.
    Timeout,
    /// Keys were pressed.
    Keys(Vec<Key>),
    /// The terminal has a new size, or this process is in the foreground again.
    Resized,
    /// A signal asks the view to end.
    Leave,
    /// The terminal was closed.
    Gone,
}

/// The terminal's keys, and the signals of this process.
pub(super) struct TerminalInput {
    /// `None` if no keys are read.
    terminal: Option<OwnedFd>,
    signals: UnixStream,
    leave: Arc<AtomicBool>,
    hung_up: Arc<AtomicBool>,
    /// The first bytes of a key whose other bytes have not arrived yet.
    part: Vec<u8>,
}

impl TerminalInput {
    /// Opens the terminal for keys, and catches signals for the rest of the process's life.
    pub(super) fn open() -> io::Result<Self> {
        let terminal = if io::stdin().is_terminal() {
            Some(rustix::io::dup(io::stdin())?)
        } else {
            File::open("/dev/tty").ok().map(OwnedFd::from)
        };
        Ok(Self { terminal, ..Self::signals_only()? })
    }

    /// Catches signals only.
    pub(super) fn signals_only() -> io::Result<Self> {
        let (read, write) = UnixStream::pair()?;
        read.set_nonblocking(true)?;
        let leave = Arc::new(AtomicBool::new(false));
        let hung_up = Arc::new(AtomicBool::new(false));
        for signal in [SIGTERM, SIGINT] {
            signal_hook::flag::register(signal, Arc::clone(&leave))?;
        }
        signal_hook::flag::register(SIGHUP, Arc::clone(&hung_up))?;
        for signal in [SIGTERM, SIGINT, SIGHUP, SIGWINCH, SIGCONT] {
            signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
        }
        Ok(Self { terminal: None, signals: read, leave, hung_up, part: Vec::new() })
    }

    /// Forgets signals that were meant for a program that had the terminal.
    pub(super) fn forget_signals(&self) {
        self.leave.store(false, Ordering::Relaxed);
    }

    /// Waits for at most `limit`.
    pub(super) fn wait(&mut self, limit: Duration) -> io::Result<WakeReason> {
        let is_escape = self.part == [0x1b];
        let limit = if is_escape { limit.min(ESCAPE) } else { limit };
        let limit = Timespec::try_from(limit).ok();
        let mut wanted = vec![PollFd::new(&self.signals, PollFlags::IN)];
        wanted.extend(self.terminal.as_ref().map(|fd| PollFd::new(fd, PollFlags::IN)));
        match poll(&mut wanted, limit.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
        let signalled = !wanted[0].revents().is_empty();
        let typed = wanted.get(1).map_or(PollFlags::empty(), PollFd::revents);
        if typed.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return Ok(WakeReason::Gone);
        }
        if self.hung_up.swap(false, Ordering::Relaxed) && !is_usable() {
            return Ok(WakeReason::Gone);
        }
        if self.leave.load(Ordering::Relaxed) {
            return Ok(WakeReason::Leave);
        }
        if signalled {
            let mut bytes = [0; 64];
            while matches!((&self.signals).read(&mut bytes), Ok(n) if n > 0) {}
            return Ok(WakeReason::Resized);
        }
        if typed.contains(PollFlags::IN) {
            return Ok(self.read_keys());
        }
        if is_escape {
            // nothing followed, so it was the key
            self.part.clear();
            return Ok(WakeReason::Keys(vec![Key::Escape]));
        }
        Ok(WakeReason::Timeout)
    }

    fn read_keys(&mut self) -> WakeReason {
        let Some(terminal) = &self.terminal else { return WakeReason::Timeout };
        let mut bytes = [0; 512];
        match rustix::io::read(terminal, &mut bytes) {
            Ok(0) => WakeReason::Gone,
            Ok(n) => {
                self.part.extend_from_slice(&bytes[..n]);
                let (found, read) = keys(&self.part);
                self.part.drain(..read);
                WakeReason::Keys(found)
            }
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => WakeReason::Timeout,
            Err(_) => WakeReason::Gone,
        }
    }
}

/// Whether standard output still has a terminal. SIGHUP also arrives when the leader of the session ends, such as a killed
/// run whose window started this process; then the terminal stays open.
fn is_usable() -> bool {
    let mut wanted = [PollFd::from_borrowed_fd(rustix::stdio::stdout(), PollFlags::OUT)];
    let now = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut wanted, Some(&now)).is_ok() && !wanted[0].revents().intersects(PollFlags::HUP | PollFlags::ERR)
}
