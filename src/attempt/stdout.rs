//! Reads an agent's stdout: its events, the facts they add up to, and the text that the window shows.

use std::fmt::Write as _;
use std::path::PathBuf;

use super::limit_watch::{LimitWatch, StatedLimit};
use super::words::{TurnEvent, WordsFeeder};
use crate::agent::digest::{Digest, StreamFacts};
use crate::agent::event::{AgentEvent, Format};
use crate::agent::render::Renderer;
use crate::agent::stream::StreamReader;
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_file::AttemptFile;
use crate::sys::files;

/// Most bytes that one piece of output may put on the screen.
const SHOWN: usize = 256 << 10;
/// Columns of the screen without a terminal.
const WIDTH: usize = 100;

/// Receives a limit that the agent states.
pub(super) type OnLimit = Box<dyn FnMut(StatedLimit) + Send>;

/// Reads one attempt's stdout.
pub(super) struct StdoutReader {
    reader: StreamReader,
    digest: Digest,
    /// `None` for plain text, which the screen shows as it comes.
    renderer: Option<Renderer>,
    /// `None` for a check, whose words are about what it checks.
    watch: Option<LimitWatch>,
    /// Receives a limit that the agent states.
    on_limit: OnLimit,
    /// Hears of the turns of an agent whose input is open.
    input: Option<WordsFeeder>,
    session_path: PathBuf,
    /// The session's id in that file.
    saved_session: Option<String>,
}

fn turn_of(event: &AgentEvent) -> Option<TurnEvent> {
    match event {
        AgentEvent::Session { .. } => Some(TurnEvent::Began),
        AgentEvent::End { .. } => Some(TurnEvent::Ended),
        _ => None,
    }
}

impl StdoutReader {
    /// A reader of the answer to `prompt`.
    pub(super) fn new(
        attempt: &AttemptFile,
        dir: &AttemptDir,
        prompt: &str,
        color: bool,
        on_limit: OnLimit,
    ) -> Self {
        let format = attempt.output;
        let renderer = (format != Format::Text)
            .then(|| Renderer::new(WIDTH, color).root(&attempt.cwd.to_string_lossy()));
        Self {
            reader: StreamReader::patient(format),
            digest: Digest::new(format, prompt),
            renderer,
            watch: (!dir.is_check()).then(|| LimitWatch::new(&attempt.vendor, &attempt.limit_patterns)),
            on_limit,
            input: None,
            session_path: dir.session(),
            saved_session: None,
        }
    }

    /// The same, which also says when turns begin and end.
    pub(super) fn feeding(self, input: Option<WordsFeeder>) -> Self {
        Self { input, ..self }
    }

    /// Takes the next piece and returns what the screen shows of it. `None` means the bytes themselves.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Option<String> {
        if let Some(renderer) = &mut self.renderer {
            // the person may have resized the window
            renderer.resize(terminal_size::terminal_size().map_or(WIDTH, |(w, _)| usize::from(w.0)));
        }
        if self.renderer.is_none()
            && let Some(limit) = self.watch.as_mut().and_then(|watch| watch.stdout(bytes))
        {
            (self.on_limit)(limit);
        }
        self.read(|reader, sink| reader.feed(bytes, sink))
    }

    /// Ends the output. Returns the rest of the text for the screen, and the facts of the whole stream.
    pub(super) fn finish(mut self) -> (String, StreamFacts) {
        let mut text = self.read(StreamReader::finish).unwrap_or_default();
        if let Some(renderer) = &mut self.renderer {
            renderer.finish(&mut text);
        }
        (text, self.digest.finish())
    }

    fn read(&mut self, read: impl FnOnce(&mut StreamReader, &mut dyn FnMut(AgentEvent))) -> Option<String> {
        let (digest, renderer) = (&mut self.digest, &mut self.renderer);
        let (watch, on_limit, input) = (&mut self.watch, &mut self.on_limit, &self.input);
        let mut text = String::new();
        let mut left_out = 0;
        read(&mut self.reader, &mut |event| {
            digest.take(&event);
            if let Some((turn, input)) = turn_of(&event).zip(input.as_ref()) {
                input.hear(turn);
            }
            if let Some(limit) = watch.as_mut().and_then(|watch| watch.event(&event)) {
                on_limit(limit);
            }
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
        self.save_session();
        self.renderer.as_ref().map(|_| text)
    }

    /// Saves the session's id as soon as it is known, so that a lost attempt can be resumed.
    fn save_session(&mut self) {
        let Some(id) = self.digest.session().filter(|id| self.saved_session.as_deref() != Some(*id)) else {
            return;
        };
        // a full disk must not end the attempt; the result has the id, too
        let _ = files::write_unsynced(&self.session_path, id.as_bytes(), 0o600);
        self.saved_session = Some(id.to_owned());
    }
}
