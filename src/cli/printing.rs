//! Prints logs on standard output: raw, as harmless text, or as their windows showed them. In bounded memory.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anstyle::Style;

use super::global::{Global, colored, raw_stdout, terminal_width};
use crate::agent::redact::Redactor;
use crate::agent::shown::ShownText;
use crate::agent::{AgentEvent, Format, Renderer, StreamReader};
use crate::error::{Error, Result};
use crate::store::attempt_dir::{AttemptDir, log_parts};
use crate::store::attempt_folder;
use crate::sys::nofollow;
use crate::sys::variables::text_variables;

/// Pause between two reads of a log that is followed.
pub(super) const FOLLOW: Duration = Duration::from_millis(200);

/// How the bytes of a log become output.
pub(super) enum LogDecoder {
    Raw,
    Text(ShownText),
    Events(Box<(StreamReader, Renderer)>),
}

impl LogDecoder {
    /// Decodes an agent's log as the window of its attempt showed it. Where output does not go to a terminal, no line is
    /// cut.
    pub(super) fn of_attempt(dir: &AttemptDir, global: &Global, follow: bool) -> Self {
        let attempt = attempt_folder::attempt(dir);
        match attempt.filter(|attempt| attempt.output != Format::Text) {
            None => Self::text(follow),
            Some(attempt) => {
                let width = terminal_width().unwrap_or(usize::MAX);
                let renderer = Renderer::new(width, colored(global, &io::stdout()));
                let renderer = renderer.root(&attempt.cwd.to_string_lossy());
                Self::Events(Box::new((StreamReader::new(attempt.output), renderer)))
            }
        }
    }

    /// Decodes plain text and removes what a terminal would act on.
    /// One that is followed gives each line at once.
    pub(super) fn text(follow: bool) -> Self {
        Self::Text(if follow { ShownText::default() } else { ShownText::whole() })
    }
}

/// The reader of standard output is gone. That is a normal end: someone left a pager.
pub(super) struct ReaderGone;

/// Standard output for logs.
#[derive(Default)]
pub(super) struct LogPrinter {
    text: String,
    /// Masks the secrets of this shell, and what looks like one.
    redactor: Option<Redactor>,
    /// The last byte that was printed.
    last: Option<u8>,
    /// How many bytes of a log are read: its last ones. `None`: all.
    most: Option<u64>,
}

impl LogPrinter {
    /// One that prints only the lines in the last `most` bytes of each log.
    pub(super) fn of_end(most: Option<u64>) -> Self {
        Self { most, ..Self::default() }
    }

    /// Prints all parts of a log, and follows it until `over` returns true. `all` gives the number of bytes that were
    /// written to it, once that is known.
    pub(super) fn log(
        &mut self,
        log: &Path,
        mut decoder: LogDecoder,
        all: impl Fn() -> Option<u64>,
        over: impl Fn() -> bool,
    ) -> Result<std::result::Result<(), ReaderGone>> {
        let [whole, older, newer] = log_parts(log);
        let mut file = nofollow::open(&whole).map_err(|e| Error::io("reading", &whole, e))?;
        let mut printed = match self.most {
            Some(most) => skip_to_end(&mut file, &[older.clone(), newer.clone()], most)
                .map_err(|e| Error::io("reading", &whole, e))?,
            None => 0,
        };
        loop {
            // asked before reading, so that the last bytes are not missed
            let over = over();
            match self.copy(&mut file, &whole, &mut decoder)? {
                Some(bytes) => printed += bytes,
                None => return Ok(Err(ReaderGone)),
            }
            if over {
                break;
            }
            std::thread::sleep(FOLLOW);
        }
        let ends: Vec<_> =
            [older, newer].into_iter().filter_map(|p: PathBuf| Some((nofollow::open(&p).ok()?, p))).collect();
        let kept: u64 = ends.iter().filter_map(|(f, _)| Some(f.metadata().ok()?.len())).sum();
        let missing = all().and_then(|all| all.checked_sub(printed + kept));
        if let Some(missing) = missing.filter(|n| *n > 0 && !ends.is_empty()) {
            let _ = writeln!(io::stderr(), "\n[{missing} bytes are not kept, see log.max_mb]");
            self.gap(&mut decoder);
        }
        for (mut file, path) in ends {
            if self.copy(&mut file, &path, &mut decoder)?.is_none() {
                return Ok(Err(ReaderGone));
            }
        }
        Ok(self.finish(&mut decoder))
    }

    /// Prints a heading on a line of its own; with `apart`, after a blank line where something precedes it.
    pub(super) fn heading(
        &mut self,
        style: Style,
        text: &str,
        apart: bool,
    ) -> std::result::Result<(), ReaderGone> {
        let mut whole = String::new();
        if self.last.is_some_and(|last| last != b'\n') {
            whole.push('\n');
        }
        if apart && self.last.is_some() {
            whole.push('\n');
        }
        let _ = writeln!(whole, "{style}── {text} ──{style:#}");
        self.put(whole.as_bytes(), true)
    }

    fn put(&mut self, bytes: &[u8], flush: bool) -> std::result::Result<(), ReaderGone> {
        self.last = bytes.last().copied().or(self.last);
        let mut out = raw_stdout();
        let written = out.write_all(bytes).and_then(|()| if flush { out.flush() } else { Ok(()) });
        written.map_err(|_| ReaderGone)
    }

    fn put_text(&mut self, flush: bool) -> std::result::Result<(), ReaderGone> {
        let text = std::mem::take(&mut self.text);
        let redactor = self.redactor.get_or_insert_with(|| Redactor::new(text_variables()));
        let shown = redactor.redact(&text);
        let put = self.put(shown.as_bytes(), flush);
        // keeps its capacity for the next piece
        self.text = text;
        self.text.clear();
        put
    }

    /// Prints the rest of a file and returns its length; `None` once the reader is gone.
    fn copy(&mut self, file: &mut File, path: &Path, decoder: &mut LogDecoder) -> Result<Option<u64>> {
        let mut piece = vec![0; 64 * 1024];
        let mut bytes = 0;
        loop {
            let n = file.read(&mut piece).map_err(|e| Error::io("reading", path, e))?;
            bytes += n as u64;
            match decoder {
                LogDecoder::Raw => {}
                LogDecoder::Text(shown) => shown.feed(&piece[..n], &mut self.text),
                LogDecoder::Events(events) => {
                    let (reader, renderer) = &mut **events;
                    reader.feed(&piece[..n], &mut |event| renderer.render(&event, &mut self.text));
                }
            }
            let put = match decoder {
                LogDecoder::Raw => self.put(&piece[..n], n == 0),
                _ => self.put_text(n == 0),
            };
            if put.is_err() {
                return Ok(None);
            }
            if n == 0 {
                return Ok(Some(bytes));
            }
        }
    }

    /// Ends the current record where bytes are missing: what follows the gap does not continue it.
    fn gap(&mut self, decoder: &mut LogDecoder) {
        if let LogDecoder::Events(events) = decoder {
            // the half record would show as a stray line that says nothing
            let (reader, renderer) = &mut **events;
            reader.feed(b"\n", &mut |event| {
                if !matches!(event, AgentEvent::Stray { .. }) {
                    renderer.render(&event, &mut self.text);
                }
            });
            let _ = self.put_text(false);
        }
    }

    fn finish(&mut self, decoder: &mut LogDecoder) -> std::result::Result<(), ReaderGone> {
        match decoder {
            LogDecoder::Raw => {}
            LogDecoder::Text(shown) => shown.finish(&mut self.text),
            LogDecoder::Events(events) => {
                let (reader, renderer) = &mut **events;
                reader.finish(&mut |event| renderer.render(&event, &mut self.text));
                renderer.finish(&mut self.text);
            }
        }
        self.put_text(true)
    }
}

/// Goes to the first line in the last `most` bytes of a log whose later parts are in `others`. Returns how many bytes that skips.
fn skip_to_end(file: &mut File, others: &[PathBuf], most: u64) -> io::Result<u64> {
    let later: u64 =
        others.iter().filter_map(|path| Some(nofollow::open(path).ok()?.metadata().ok()?.len())).sum();
    let length = file.metadata()?.len();
    let skipped = (length + later).saturating_sub(most).min(length);
    if skipped == 0 {
        return Ok(0);
    }
    file.seek(SeekFrom::Start(skipped - 1))?;
    // the line in which the end begins has lost its beginning
    let rest = BufReader::new(&mut *file).skip_until(b'\n')? as u64;
    file.seek(SeekFrom::Start(skipped - 1 + rest))
}
