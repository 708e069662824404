//! A question on the terminal: what it is about, and what a person types.

use std::io;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// Pause between two looks at the terminal.
pub(super) const LOOK_AT_TERMINAL: Duration = Duration::from_millis(50);

/// The question that is on the terminal.
#[derive(Debug, Default)]
pub(super) struct TerminalQuestion {
    /// The unit that it is about.
    pub(super) unit: Option<String>,
    /// What was typed and is no whole line yet.
    pub(super) typed: Vec<u8>,
    /// The unit whose prompt a person wants to edit.
    pub(super) edits: Option<String>,
}

/// The next whole line that was typed, if there is one. An error: there will be none.
pub(super) fn typed_line(typed: &mut Vec<u8>) -> io::Result<Option<String>> {
    loop {
        if let Some(end) = typed.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = typed.drain(..=end).collect();
            return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
        }
        let stdin = rustix::stdio::stdin();
        let mut fds = [PollFd::new(&stdin, PollFlags::IN)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        match poll(&mut fds, Some(&now)) {
            Ok(0) | Err(rustix::io::Errno::INTR) => return Ok(None),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let mut block = [0; 4096];
        match rustix::io::read(stdin, &mut block) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => typed.extend_from_slice(&block[..count]),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::AGAIN) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
    }
}
