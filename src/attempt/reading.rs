//! The agent's stdout on its way to meaning: events, what they come to, and what the screen shows of them.

use std::fmt::Write as _;
use std::path::PathBuf;

use crate::agent::digest::{Digest, Digested};
use crate::agent::{Format, Reader, Renderer};
use crate::store::record::{AttemptDir, AttemptFile};
use crate::sys::files;

/// Bytes that one piece of output may put on the screen.
const SHOWN: usize = 256 << 10;
/// Columns where there is no terminal.
const WIDTH: usize = 100;

/// Reads one attempt's stdout.
pub(super) struct Reading {
    reader: Reader,
    digest: Digest,
    /// None for plain text, which the screen shows as it comes.
    renderer: Option<Renderer>,
    /// Where the session's id belongs, and the id that is there.
    session: (PathBuf, Option<String>),
}

impl Reading {
    pub(super) fn new(attempt: &AttemptFile, dir: &AttemptDir, prompt: &str, color: bool) -> Self {
        let format = attempt.output;
        let renderer = (format != Format::Text)
            .then(|| Renderer::new(WIDTH, color).root(&attempt.cwd.to_string_lossy()));
        Self {
            reader: Reader::new(format),
            digest: Digest::new(format, prompt),
            renderer,
            session: (dir.session(), None),
        }
    }

    /// Takes the next piece, and gives what the screen shows of it; `None`: the bytes themselves.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<String> {
        if let Some(renderer) = &mut self.renderer {
            // the person may have made the window larger
            renderer.resize(terminal_size::terminal_size().map_or(WIDTH, |(w, _)| usize::from(w.0)));
        }
        self.read(|reader, on| reader.feed(bytes, on))
    }

    /// The end: what is left to be shown, and what all of it came to.
    pub(super) fn finish(mut self) -> (String, Digested) {
        let mut text = self.read(Reader::finish).unwrap_or_default();
        if let Some(renderer) = &mut self.renderer {
            renderer.finish(&mut text);
        }
        (text, self.digest.finish())
    }

    fn read(
        &mut self,
        read: impl FnOnce(&mut Reader, &mut dyn FnMut(crate::agent::AgentEvent)),
    ) -> Option<String> {
        let (digest, renderer) = (&mut self.digest, &mut self.renderer);
        let mut text = String::new();
        let mut left_out = 0;
        read(&mut self.reader, &mut |event| {
            digest.take(&event);
            if let Some(renderer) = renderer {
                let from = text.len();
                renderer.render(&event, &mut text);
                if text.len() > SHOWN {
                    left_out += text.len() - from;
                    text.truncate(from);
                }
            }
        });
        if left_out > 0 {
            let _ = writeln!(text, "\n[{left_out} bytes not shown, see the log]");
        }
        self.keep_session();
        self.renderer.as_ref().map(|_| text)
    }

    /// Writes the id down as soon as it is known, so that a lost attempt can be resumed.
    fn keep_session(&mut self) {
        let (path, kept) = &mut self.session;
        let Some(id) = self.digest.session().filter(|id| kept.as_deref() != Some(*id)) else { return };
        // a disk that is full must not end the attempt; the result may still get through
        let _ = files::replace(path, id.as_bytes(), 0o600);
        *kept = Some(id.to_owned());
    }
}
