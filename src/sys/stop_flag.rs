//! A request to end what runs, which every wait for something else also hears.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A request to end what runs. Every clone is the same request.
#[derive(Debug, Clone)]
pub struct StopFlag {
    pipe: Arc<(OwnedFd, OwnedFd)>,
}

impl StopFlag {
    /// A flag that is not raised.
    pub fn new() -> io::Result<Self> {
        let pipe = cloexec_pipe()?;
        rustix::io::ioctl_fionbio(&pipe.0, true)?;
        rustix::io::ioctl_fionbio(&pipe.1, true)?;
        Ok(Self { pipe: Arc::new(pipe) })
    }

    /// Ends what runs now, and everything that would be started later.
    pub fn raise(&self) {
        // a full pipe has been written to already
        let _ = rustix::io::write(&self.pipe.1, &[1]);
    }

    /// Takes the request back.
    pub fn lower(&self) {
        while rustix::io::read(&self.pipe.0, &mut [0; 64]).is_ok_and(|count| count > 0) {}
    }

    /// Whether somebody asked for the end.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        self.raised_within(Duration::ZERO)
    }

    /// By this a wait for something else also hears the request.
    pub(super) fn poll_fd(&self) -> PollFd<'_> {
        PollFd::new(&self.pipe.0, PollFlags::IN)
    }

    /// Waits for the request, at most for `limit`.
    #[must_use]
    pub fn raised_within(&self, limit: Duration) -> bool {
        let end = Instant::now() + limit;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match poll(&mut [PollFd::new(&self.pipe.0, PollFlags::IN)], Some(&timespec(left))) {
                Ok(0) => return false,
                Ok(_) => return true,
                Err(_) if left.is_zero() => return false,
                Err(_) => {}
            }
        }
    }
}

/// A pipe that no child inherits: its reading and its writing end.
pub(super) fn cloexec_pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = io::pipe()?;
    Ok((read.into(), write.into()))
}

pub(super) fn timespec(limit: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: i64::from(limit.subsec_nanos()),
    }
}

#[cfg(test)]
mod tests {
    use super::StopFlag;

    #[test]
    fn a_request_counts_until_it_is_taken_back() {
        let flag = StopFlag::new().unwrap();
        let other = flag.clone();
        flag.raise();
        flag.raise();
        assert!(other.is_raised());
        other.lower();
        assert!(!flag.is_raised());
        flag.raise();
        assert!(other.is_raised());
    }
}
