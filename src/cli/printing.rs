//! Logs on standard output: as they are, as harmless text, or as their windows showed them. In bounded memory.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use anstyle::Style;

use super::{Global, colored, terminal_width};
use crate::agent::sanitise::Sanitiser;
use crate::agent::{AgentEvent, Format, Renderer, StreamReader};
use crate::error::{Error, Result};
use crate::store::attempt_dir::{AttemptDir, log_parts};
use crate::store::attempt_file::AttemptFile;

/// Columns where there is no terminal.
const WIDTH: usize = 100;

/// What becomes of the bytes.
pub(super) enum Shown {
    Raw,
    Text(Sanitiser),
    Events(Box<(StreamReader, Renderer)>),
}

impl Shown {
    /// What the attempt's window showed.
    pub(super) fn of(dir: &AttemptDir, global: &Global) -> Self {
        let attempt = fs::read(dir.attempt()).ok();
        let attempt = attempt.and_then(|bytes| serde_json::from_slice::<AttemptFile>(&bytes).ok());
        match attempt.filter(|attempt| attempt.output != Format::Text) {
            None => Self::text(),
            Some(attempt) => {
                let width = terminal_width().unwrap_or(WIDTH);
                let renderer = Renderer::new(width, colored(global, &io::stdout()));
                let renderer = renderer.root(&attempt.cwd.to_string_lossy());
                Self::Events(Box::new((StreamReader::new(attempt.output), renderer)))
            }
        }
    }

    /// Text without what a terminal would act on.
    pub(super) fn text() -> Self {
        Self::Text(Sanitiser::default())
    }
}

/// Whoever reads is gone: a pager that was left is a normal end.
pub(super) struct Gone;

/// Standard output. What it cannot take any more ends it with [`Gone`].
#[derive(Default)]
pub(super) struct Out {
    text: String,
    /// The last byte that was printed.
    last: Option<u8>,
}

impl Out {
    /// Prints a log in its parts, and goes on until `over` says that nothing comes any more. `all`: how many bytes there
    /// were, once that is known.
    pub(super) fn log(
        &mut self,
        log: &Path,
        mut shown: Shown,
        all: impl Fn() -> Option<u64>,
        over: impl Fn() -> bool,
    ) -> Result<std::result::Result<(), Gone>> {
        let [whole, older, newer] = log_parts(log);
        let mut file = File::open(&whole).map_err(|e| Error::io("reading", &whole, e))?;
        let mut printed = 0;
        loop {
            // first: what comes between the look and the end must not be missed
            let over = over();
            match self.copy(&mut file, &whole, &mut shown)? {
                Some(bytes) => printed += bytes,
                None => return Ok(Err(Gone)),
            }
            if over {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        let ends: Vec<_> =
            [older, newer].into_iter().filter_map(|p: PathBuf| Some((File::open(&p).ok()?, p))).collect();
        let kept: u64 = ends.iter().filter_map(|(f, _)| Some(f.metadata().ok()?.len())).sum();
        let missing = all().and_then(|all| all.checked_sub(printed + kept));
        if let Some(missing) = missing.filter(|n| *n > 0 && !ends.is_empty()) {
            let _ = writeln!(io::stderr(), "\n[{missing} bytes are not kept, see log.max_mb]");
            self.gap(&mut shown);
        }
        for (mut file, path) in ends {
            if self.copy(&mut file, &path, &mut shown)?.is_none() {
                return Ok(Err(Gone));
            }
        }
        Ok(self.finish(&mut shown))
    }

    /// A line of our own, which begins one; with a blank line before it where something stands above it and `apart`.
    pub(super) fn line(&mut self, style: Style, text: &str, apart: bool) -> std::result::Result<(), Gone> {
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

    fn put(&mut self, bytes: &[u8], flush: bool) -> std::result::Result<(), Gone> {
        self.last = bytes.last().copied().or(self.last);
        let mut out = io::stdout().lock();
        let written = out.write_all(bytes).and_then(|()| if flush { out.flush() } else { Ok(()) });
        written.map_err(|_| Gone)
    }

    fn put_text(&mut self, flush: bool) -> std::result::Result<(), Gone> {
        let text = std::mem::take(&mut self.text);
        let put = self.put(text.as_bytes(), flush);
        // its room serves the next piece
        self.text = text;
        self.text.clear();
        put
    }

    /// Prints what is left of a file and gives its length; `None` when nobody reads any more.
    fn copy(&mut self, file: &mut File, path: &Path, shown: &mut Shown) -> Result<Option<u64>> {
        let mut piece = vec![0; 64 * 1024];
        let mut bytes = 0;
        loop {
            let n = file.read(&mut piece).map_err(|e| Error::io("reading", path, e))?;
            bytes += n as u64;
            match shown {
                Shown::Raw => {}
                Shown::Text(sanitiser) => sanitiser.feed(&piece[..n], &mut self.text),
                Shown::Events(of) => {
                    let (reader, renderer) = &mut **of;
                    reader.feed(&piece[..n], &mut |event| renderer.render(&event, &mut self.text));
                }
            }
            let put = match shown {
                Shown::Raw => self.put(&piece[..n], n == 0),
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

    /// Something is missing here: a record that began before it does not end behind it.
    fn gap(&mut self, shown: &mut Shown) {
        if let Shown::Events(of) = shown {
            // a stray piece says nothing that is not said of the gap
            let (reader, renderer) = &mut **of;
            reader.feed(b"\n", &mut |event| {
                if !matches!(event, AgentEvent::Stray { .. }) {
                    renderer.render(&event, &mut self.text);
                }
            });
            let _ = self.put_text(false);
        }
    }

    /// What is still to be said at the end.
    fn finish(&mut self, shown: &mut Shown) -> std::result::Result<(), Gone> {
        if let Shown::Events(of) = shown {
            let (reader, renderer) = &mut **of;
            reader.finish(&mut |event| renderer.render(&event, &mut self.text));
            renderer.finish(&mut self.text);
        }
        self.put_text(true)
    }
}
