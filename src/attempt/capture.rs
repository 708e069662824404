//! Captures an agent's output: into the log byte for byte, to the reader of stdout, and onto the screen.
//!
//! The log and the reader never wait for the screen, because a frozen terminal must not stop an agent.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
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
/// Longest work of a capturing thread on what came, once its agent has ended.
const WORK: Duration = Duration::from_secs(60);
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

/// A stream that a thread captures.
#[derive(Debug)]
pub(super) struct Capture {
    ended: Receiver<CapturedStream>,
    /// Whether the thread waits for output. If not, it works on what came.
    is_waiting: Arc<AtomicBool>,
}

impl Capture {
    fn start(
        mut pipe: impl Read + Send + 'static,
        log: OutputLog,
        activity: &Arc<OutputActivity>,
        sink: impl FnMut(&[u8]) + Send + 'static,
    ) -> Self {
        let (activity, is_waiting) = (activity.clone(), Arc::new(AtomicBool::new(false)));
        let waits = is_waiting.clone();
        let (done, ended) = channel();
        thread::spawn(move || done.send(capture(&mut pipe, log, &activity, &waits, sink)));
        Self { ended, is_waiting }
    }

    /// The stream, once it ends. `None` if nothing comes for `patience`, or if the thread works for [`WORK`] on what came:
    /// a busy machine delays it by seconds.
    pub(super) fn finish(self, patience: Duration) -> Option<CapturedStream> {
        let began = Instant::now();
        loop {
            match self.ended.recv_timeout(patience) {
                Ok(stream) => return Some(stream),
                Err(RecvTimeoutError::Timeout)
                    if !self.is_waiting.load(Ordering::Relaxed) && began.elapsed() < WORK => {}
                Err(_) => return None,
            }
        }
    }
}

/// Captures the agent's stdout in a thread, to its end.
pub(super) fn capture_stdout(
    pipe: impl Read + Send + 'static,
    log: OutputLog,
    reader: &Arc<Mutex<Option<StdoutReader>>>,
    activity: &Arc<OutputActivity>,
    screen: &WindowScreen,
) -> Capture {
    let (reader, screen) = (reader.clone(), screen.clone());
    Capture::start(pipe, log, activity, move |bytes| {
        let rendered = reader.lock().ok().and_then(|mut reader| reader.as_mut()?.take(bytes));
        match rendered {
            Some(text) => screen.rendered(text),
            None => screen.stdout(bytes),
        }
    })
}

/// Captures the agent's stderr in a thread, to its end.
pub(super) fn capture_stderr(
    pipe: impl Read + Send + 'static,
    log: OutputLog,
    activity: &Arc<OutputActivity>,
    screen: &WindowScreen,
    mut watch: impl FnMut(&[u8]) + Send + 'static,
) -> Capture {
    let screen = screen.clone();
    Capture::start(pipe, log, activity, move |bytes| {
        watch(bytes);
        screen.stderr(bytes);
    })
}

fn capture(
    pipe: &mut impl Read,
    mut log: OutputLog,
    activity: &OutputActivity,
    is_waiting: &AtomicBool,
    mut sink: impl FnMut(&[u8]),
) -> CapturedStream {
    let mut stream = CapturedStream::default();
    let mut piece = vec![0; PIECE];
    loop {
        is_waiting.store(true, Ordering::Relaxed);
        let read = pipe.read(&mut piece);
        is_waiting.store(false, Ordering::Relaxed);
        let bytes = match read {
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
        let stream = capture(&mut text.as_bytes(), log, &activity, &AtomicBool::default(), |_| {});
        assert_eq!(stream.bytes, text.len() as u64);
        let lines = stream.last_lines();
        assert_eq!((lines.len(), lines[0].as_str()), (LINES, "line number 1936"));
        assert!(stream.excerpt().ends_with("line number 1999") && stream.excerpt().len() <= EXCERPT);
        assert!(matches!(activity.last(), LastOutput::At(_)));
    }

    #[test]
    fn a_slow_look_at_the_output_loses_nothing_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = OutputLog::create(&folder.path().join("log"), 1 << 20).unwrap();
        let activity = Arc::new(OutputActivity::new(Instant::now()));
        let patience = Duration::from_millis(10);
        // it works for longer than the patience of `finish`
        let look = move |_: &[u8]| {
            let began = Instant::now();
            while began.elapsed() < 5 * patience {
                thread::yield_now();
            }
        };
        let capture = Capture::start("quota used up\n".as_bytes(), log, &activity, look);
        while activity.pieces() == 0 {
            thread::yield_now();
        }
        assert_eq!(capture.finish(patience).unwrap().last_lines(), ["quota used up"]);
    }

    #[test]
    fn an_output_that_stays_open_without_a_word_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let log = OutputLog::create(&folder.path().join("log"), 1 << 20).unwrap();
        let (read, _write) = io::pipe().unwrap();
        let capture = Capture::start(read, log, &Arc::new(OutputActivity::new(Instant::now())), |_| {});
        while !capture.is_waiting.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        assert!(capture.finish(Duration::from_millis(1)).is_none());
    }
}
