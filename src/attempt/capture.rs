//! Captures an agent's output: into the log byte for byte, to the reader of stdout, and onto the screen.
//!
//! The log and the reader never wait for the screen, because a frozen terminal must not stop an agent.

use std::io::{self, Read};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::deadline::LastOutput;
use super::log::OutputLog;
use super::screen::WindowScreen;
use super::stdout::StdoutReader;
use crate::agent::shown::shown;

/// Bytes read at once.
const PIECE: usize = 64 * 1024;
/// Bytes kept of a stream's end.
const TAIL: usize = 16 << 10;
/// Bytes of that end that are kept for people.
const EXCERPT: usize = 4096;
/// Lines of that end that are searched for a limit. A vendor's dump of one error takes about thirty.
const LINES: usize = 64;

/// When the agent printed its last byte. The deadlines read it, too.
#[derive(Debug)]
pub(super) struct OutputActivity {
    start: Instant,
    /// Milliseconds since `start`, plus one. 0 means never.
    last: AtomicU64,
    /// How many pieces of output came.
    pieces: AtomicU64,
}

impl OutputActivity {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, last: AtomicU64::new(0), pieces: AtomicU64::new(0) }
    }

    pub(super) fn note(&self) {
        let ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.last.store(ms + 1, Ordering::Relaxed);
        self.pieces.fetch_add(1, Ordering::Relaxed);
    }

    /// How many pieces of output came so far.
    pub(super) fn pieces(&self) -> u64 {
        self.pieces.load(Ordering::Relaxed)
    }

    pub(super) fn last(&self) -> LastOutput {
        match self.last.load(Ordering::Relaxed) {
            0 => LastOutput::Never,
            ms => LastOutput::At(Duration::from_millis(ms - 1)),
        }
    }
}

/// A stream that was read to its end.
#[derive(Debug, Default)]
pub(super) struct CapturedStream {
    /// Length of the whole stream.
    pub(super) bytes: u64,
    tail: Vec<u8>,
    /// When its last byte came.
    pub(super) last: Option<Instant>,
    /// Why the log is not complete.
    pub(super) log_error: Option<String>,
}

impl CapturedStream {
    /// The stream's end, for people.
    pub(super) fn excerpt(&self) -> String {
        let tail = shown(&self.tail);
        let mut from = tail.len().saturating_sub(EXCERPT);
        while !tail.is_char_boundary(from) {
            from += 1;
        }
        tail[from..].trim().to_owned()
    }

    /// The stream's last lines, only whole ones.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let cut = self.bytes > self.tail.len() as u64;
        let text = shown(&self.tail);
        let lines: Vec<_> = text.lines().skip(usize::from(cut)).filter(|l| !l.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned()).collect()
    }
}

/// Captures the agent's stdout in a thread, to its end.
pub(super) fn capture_stdout(
    mut pipe: impl Read + Send + 'static,
    log: OutputLog,
    reader: &Arc<Mutex<Option<StdoutReader>>>,
    activity: &Arc<OutputActivity>,
    screen: &WindowScreen,
) -> JoinHandle<CapturedStream> {
    let (reader, activity, screen) = (reader.clone(), activity.clone(), screen.clone());
    thread::spawn(move || {
        capture(&mut pipe, log, &activity, |bytes| {
            let rendered = reader.lock().ok().and_then(|mut reader| reader.as_mut()?.take(bytes));
            match rendered {
                Some(text) => screen.rendered(text),
                None => screen.stdout(bytes),
            }
        })
    })
}

/// Captures the agent's stderr in a thread, to its end.
pub(super) fn capture_stderr(
    mut pipe: impl Read + Send + 'static,
    log: OutputLog,
    activity: &Arc<OutputActivity>,
    screen: &WindowScreen,
    mut watch: impl FnMut(&[u8]) + Send + 'static,
) -> JoinHandle<CapturedStream> {
    let (activity, screen) = (activity.clone(), screen.clone());
    thread::spawn(move || {
        capture(&mut pipe, log, &activity, |bytes| {
            watch(bytes);
            screen.stderr(bytes);
        })
    })
}

fn capture(
    pipe: &mut impl Read,
    mut log: OutputLog,
    activity: &OutputActivity,
    mut sink: impl FnMut(&[u8]),
) -> CapturedStream {
    let mut stream = CapturedStream::default();
    let mut piece = vec![0; PIECE];
    loop {
        let bytes = match pipe.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => &piece[..n],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => {
                stream.log_error = Some(format!("reading the agent's output: {e}"));
                break;
            }
        };
        activity.note();
        stream.last = Some(Instant::now());
        stream.bytes += bytes.len() as u64;
        log.write(bytes);
        let keep = TAIL.saturating_sub(bytes.len()).min(stream.tail.len());
        stream.tail.drain(..stream.tail.len() - keep);
        stream.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        sink(bytes);
    }
    stream.log_error = stream.log_error.or(log.error());
    stream
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_stream_the_last_whole_lines_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let log = OutputLog::create(&folder.path().join("log"), 1 << 20).unwrap();
        let text = (0..2000).fold(String::new(), |text, n| format!("{text}line number {n}\n"));
        let activity = OutputActivity::new(Instant::now());
        let stream = capture(&mut text.as_bytes(), log, &activity, |_| {});
        assert_eq!(stream.bytes, text.len() as u64);
        let lines = stream.last_lines();
        assert_eq!((lines.len(), lines[0].as_str()), (LINES, "line number 1936"));
        assert!(stream.excerpt().ends_with("line number 1999") && stream.excerpt().len() <= EXCERPT);
        assert!(matches!(activity.last(), LastOutput::At(_)));
    }
}
