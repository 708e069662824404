//! What an attempt's window shows.
//!
//! A thread prints from a bounded queue. The agent never waits for it: what the terminal cannot take in time is left out
//! of the window, and the window says so.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread;

use crate::agent::redact::Redactor;
use crate::agent::redact_stream::StreamRedactor;
use crate::agent::sanitise::Sanitiser;

/// Pieces that may wait for the terminal.
const BACKLOG: usize = 64;

enum ScreenPiece {
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
    /// Stdout as text for people.
    Rendered(String),
    /// A line of our own.
    Line(String),
}

/// The window's terminal.
#[derive(Clone)]
pub(super) struct WindowScreen {
    queue: SyncSender<ScreenPiece>,
    dropped: Arc<AtomicU64>,
}

impl WindowScreen {
    /// Starts the printing thread. It ends after the last clone of the screen is dropped; the receiver is cut off then.
    pub(super) fn start(color: bool, redactor: Redactor) -> (Self, Receiver<Infallible>) {
        let (queue, pieces) = sync_channel(BACKLOG);
        let dropped = Arc::new(AtomicU64::new(0));
        let mut printer = Printer::new(color, dropped.clone(), redactor);
        let (alive, end) = channel();
        thread::spawn(move || {
            printer.print_all(&pieces);
            drop(alive);
        });
        (Self { queue, dropped }, end)
    }

    /// Shows plain stdout.
    pub(super) fn stdout(&self, bytes: &[u8]) {
        self.show(ScreenPiece::Stdout(bytes.to_vec()), bytes.len());
    }

    /// Shows stderr.
    pub(super) fn stderr(&self, bytes: &[u8]) {
        self.show(ScreenPiece::Stderr(bytes.to_vec()), bytes.len());
    }

    /// Shows stdout as text for people.
    pub(super) fn rendered(&self, text: String) {
        if !text.is_empty() {
            let bytes = text.len();
            self.show(ScreenPiece::Rendered(text), bytes);
        }
    }

    /// Shows a line of our own. It waits for its turn and is never left out.
    pub(super) fn line(&self, text: String) {
        let _ = self.queue.send(ScreenPiece::Line(text));
    }

    fn show(&self, piece: ScreenPiece, bytes: usize) {
        if self.queue.try_send(piece).is_err() {
            self.dropped.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }
}

struct Printer {
    dim: &'static str,
    plain: &'static str,
    stdout: Sanitiser,
    stderr: Sanitiser,
    at_line_start: bool,
    after_stderr: bool,
    dropped: Arc<AtomicU64>,
    /// A window may be seen by others.
    stdout_secrets: StreamRedactor,
    stderr_secrets: StreamRedactor,
    rendered_secrets: StreamRedactor,
}

impl Printer {
    fn new(color: bool, dropped: Arc<AtomicU64>, redactor: Redactor) -> Self {
        let (dim, plain) = if color { ("\x1b[2m", "\x1b[0m") } else { ("", "") };
        Self {
            dim,
            plain,
            stdout: Sanitiser::redrawing(),
            stderr: Sanitiser::redrawing(),
            at_line_start: true,
            after_stderr: false,
            dropped,
            stdout_secrets: StreamRedactor::new(redactor.clone()),
            stderr_secrets: StreamRedactor::new(redactor.clone()),
            rendered_secrets: StreamRedactor::new(redactor),
        }
    }

    fn print_all(&mut self, pieces: &Receiver<ScreenPiece>) {
        let terminal = io::stdout();
        let mut text = String::new();
        for piece in pieces {
            text.clear();
            self.add_missing(&mut text);
            self.add(piece, &mut text);
            self.print(&terminal, &text);
        }
        text.clear();
        self.add_rest(&mut text);
        self.print(&terminal, &text);
    }

    fn print(&mut self, terminal: &io::Stdout, text: &str) {
        if let Some(last) = text.trim_end_matches(self.plain).chars().next_back() {
            self.at_line_start = last == '\n';
        }
        // a terminal that is gone must not end the attempt: the log has everything
        let mut terminal = terminal.lock();
        let _ = terminal.write_all(text.as_bytes());
        let _ = terminal.flush();
    }

    /// Adds what waits for its end.
    fn add_rest(&mut self, text: &mut String) {
        for stream in [&mut self.rendered_secrets, &mut self.stdout_secrets] {
            stream.finish(text);
        }
        let mut rest = String::new();
        self.stderr_secrets.finish(&mut rest);
        self.add_dimmed(&rest, text);
    }

    fn add_dimmed(&self, what: &str, text: &mut String) {
        if !what.is_empty() {
            text.push_str(self.dim);
            text.push_str(what);
            text.push_str(self.plain);
        }
    }

    fn add_missing(&mut self, text: &mut String) {
        let missing = self.dropped.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let _ = writeln!(text, "\n{}[{missing} bytes not shown, see the log]{}", self.dim, self.plain);
            self.at_line_start = true;
        }
    }

    fn add(&mut self, piece: ScreenPiece, text: &mut String) {
        let after_stderr = std::mem::replace(&mut self.after_stderr, matches!(piece, ScreenPiece::Stderr(_)));
        match piece {
            ScreenPiece::Rendered(rendered) => {
                // half a line of stderr must not continue as a line of the agent
                if after_stderr && !self.at_line_start {
                    text.push('\n');
                }
                self.rendered_secrets.feed(&rendered, text);
            }
            ScreenPiece::Stdout(bytes) => {
                let mut clean = String::new();
                self.stdout.feed(&bytes, &mut clean);
                self.stdout_secrets.feed(&clean, text);
            }
            ScreenPiece::Stderr(bytes) => {
                let (mut clean, mut shown) = (String::new(), String::new());
                self.stderr.feed(&bytes, &mut clean);
                self.stderr_secrets.feed(&clean, &mut shown);
                self.add_dimmed(&shown, text);
            }
            ScreenPiece::Line(line) => {
                self.add_rest(text);
                let end = text.trim_end_matches(self.plain).chars().next_back();
                if !end.map_or(self.at_line_start, |last| last == '\n') {
                    text.push('\n');
                }
                text.push_str(&line);
                text.push('\n');
            }
        }
    }
}
