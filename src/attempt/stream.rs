//! The agent's output on its way: into the log byte for byte, past those who read it, onto the screen.
//!
//! The log and the readers never wait for the screen: a frozen terminal must not stop an agent. What the screen
//! cannot take in time is left out there, and said.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use super::log::Log;
use super::reading::Reading;
use crate::agent::sanitise::{Sanitiser, sanitise};

/// Bytes read at once.
const PIECE: usize = 64 * 1024;
/// Pieces that may wait for the screen.
const BACKLOG: usize = 64;
/// Bytes of stderr's end that are kept.
const TAIL: usize = 16 << 10;
/// Those of them that are kept for people, and the lines that are kept for the judge: a vendor's dump of one error
/// takes some thirty.
const WORDS: usize = 4096;
const LINES: usize = 64;

/// When the last byte came, shared with the deadlines.
#[derive(Debug)]
pub(super) struct Activity {
    start: Instant,
    /// Milliseconds since `start`, plus one; 0: never.
    last: AtomicU64,
}

impl Activity {
    pub(super) fn new(start: Instant) -> Self {
        Self { start, last: AtomicU64::new(0) }
    }

    pub(super) fn note(&self) {
        let ms = u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        self.last.store(ms + 1, Ordering::Relaxed);
    }

    pub(super) fn last(&self) -> super::deadline::LastOutput {
        match self.last.load(Ordering::Relaxed) {
            0 => super::deadline::LastOutput::Never,
            ms => super::deadline::LastOutput::At(std::time::Duration::from_millis(ms - 1)),
        }
    }
}

/// What a stream came to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) bytes: u64,
    pub(super) tail: Vec<u8>,
    pub(super) log_error: Option<String>,
}

impl Taken {
    /// Its end, for people.
    pub(super) fn last_words(&self) -> String {
        let tail = &self.tail[self.tail.len().saturating_sub(WORDS)..];
        String::from_utf8_lossy(tail).trim().to_owned()
    }

    /// Its last lines, whole ones only.
    pub(super) fn last_lines(&self) -> Vec<String> {
        let cut = self.bytes > self.tail.len() as u64;
        let text = sanitise(&self.tail);
        let lines: Vec<_> = text.lines().skip(usize::from(cut)).filter(|l| !l.trim().is_empty()).collect();
        lines[lines.len().saturating_sub(LINES)..].iter().map(|line| (*line).to_owned()).collect()
    }
}

/// What the screen shows.
pub(super) enum Show {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    /// What was made of stdout for the screen.
    Rendered(String),
    Line(String),
}

/// The screen: a thread that prints, and a bounded queue before it.
#[derive(Clone)]
pub(super) struct Screen {
    queue: SyncSender<Show>,
    dropped: Arc<AtomicU64>,
}

impl Screen {
    pub(super) fn start(color: bool) -> (Self, JoinHandle<()>) {
        let (queue, shown) = sync_channel(BACKLOG);
        let dropped = Arc::new(AtomicU64::new(0));
        let left_out = dropped.clone();
        let printer = thread::spawn(move || print(&shown, &left_out, color));
        (Self { queue, dropped }, printer)
    }

    fn show(&self, piece: Show, bytes: usize) {
        if self.queue.try_send(piece).is_err() {
            self.dropped.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// What was made of stdout.
    pub(super) fn rendered(&self, text: String) {
        if !text.is_empty() {
            let bytes = text.len();
            self.show(Show::Rendered(text), bytes);
        }
    }

    /// A line of our own; waits for its turn.
    pub(super) fn line(&self, text: String) {
        let _ = self.queue.send(Show::Line(text));
    }
}

fn print(shown: &Receiver<Show>, dropped: &AtomicU64, color: bool) {
    let (dim, plain) = if color { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
    let mut out = Sanitiser::default();
    let mut err = Sanitiser::default();
    let mut at_line_start = true;
    // half a line of stderr must not go on as a line of the agent
    let mut after_stderr = false;
    let mut text = String::new();
    // a screen that is gone must not end the attempt: what cannot be printed is in the log
    let screen = io::stdout();
    for piece in shown {
        text.clear();
        let missing = dropped.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let _ = writeln!(text, "\n{dim}[{missing} bytes not shown, see the log]{plain}");
            at_line_start = true;
        }
        let was_stderr = std::mem::replace(&mut after_stderr, matches!(piece, Show::Stderr(_)));
        match piece {
            Show::Rendered(rendered) => {
                if was_stderr && !at_line_start {
                    text.push('\n');
                }
                text.push_str(&rendered);
            }
            Show::Stdout(bytes) => out.feed(&bytes, &mut text),
            Show::Stderr(bytes) => {
                text.push_str(dim);
                err.feed(&bytes, &mut text);
                text.push_str(plain);
            }
            Show::Line(line) => {
                if !at_line_start {
                    text.push('\n');
                }
                text.push_str(&line);
                text.push('\n');
            }
        }
        if let Some(last) = text.trim_end_matches(plain).chars().next_back() {
            at_line_start = last == '\n';
        }
        let mut screen = screen.lock();
        let _ = screen.write_all(text.as_bytes());
        let _ = screen.flush();
    }
}

/// Takes the agent's stdout to its end.
pub(super) fn take_stdout(
    mut pipe: impl Read + Send + 'static,
    log: Log,
    reading: &Arc<Mutex<Option<Reading>>>,
    activity: &Arc<Activity>,
    screen: &Screen,
) -> JoinHandle<Taken> {
    let (reading, activity, screen) = (reading.clone(), activity.clone(), screen.clone());
    thread::spawn(move || {
        take(&mut pipe, log, &activity, |bytes| {
            let rendered = reading.lock().ok().and_then(|mut reading| reading.as_mut()?.take(bytes));
            match rendered {
                Some(text) => screen.rendered(text),
                None => screen.show(Show::Stdout(bytes.to_vec()), bytes.len()),
            }
        })
    })
}

/// Takes the agent's stderr to its end.
pub(super) fn take_stderr(
    mut pipe: impl Read + Send + 'static,
    log: Log,
    activity: &Arc<Activity>,
    screen: &Screen,
) -> JoinHandle<Taken> {
    let (activity, screen) = (activity.clone(), screen.clone());
    thread::spawn(move || {
        take(&mut pipe, log, &activity, |bytes| {
            screen.show(Show::Stderr(bytes.to_vec()), bytes.len());
        })
    })
}

fn take(pipe: &mut impl Read, mut log: Log, activity: &Activity, mut on: impl FnMut(&[u8])) -> Taken {
    let mut taken = Taken::default();
    let mut piece = vec![0; PIECE];
    loop {
        let bytes = match pipe.read(&mut piece) {
            Ok(0) => break,
            Ok(n) => &piece[..n],
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => {
                taken.log_error = Some(format!("reading the agent's output: {e}"));
                break;
            }
        };
        activity.note();
        taken.bytes += bytes.len() as u64;
        log.write(bytes);
        let keep = TAIL.saturating_sub(bytes.len()).min(taken.tail.len());
        taken.tail.drain(..taken.tail.len() - keep);
        taken.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(TAIL)..]);
        on(bytes);
    }
    taken.log_error = taken.log_error.or(log.error());
    taken
}
