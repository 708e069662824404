//! From the bytes of an agent's stdout to [`AgentEvent`]s, one parser per format.
//!
//! The parsers hold as little of a vendor's format as they need: records and fields that they do not know are passed
//! over (they are in the log), and a field of another type than expected is unknown and costs nothing else.

mod claude;
mod codex;
mod gemini;
mod lax;
mod lines;
mod opencode;
mod salvage;
mod text;

use serde::Deserialize;

use self::lines::{Line, Lines};
use super::event::{AgentEvent, Format};

/// Who takes the events.
type On<'a> = &'a mut dyn FnMut(AgentEvent);

/// A vendor's records and what they mean.
trait Vendor {
    /// A record, as far as it is read.
    type Record<'a>: Deserialize<'a>;

    /// Whether this can be nothing but a record of this vendor, although it stood among something else.
    fn sure(record: &Self::Record<'_>) -> bool;

    /// Takes the next record; `raw` is its JSON.
    fn take(&mut self, record: Self::Record<'_>, raw: &[u8], on: On<'_>);

    /// The stream is over.
    fn finish(&mut self, on: On<'_>) {
        let _ = on;
    }
}

/// Reads an agent's stdout, piece by piece.
#[derive(Debug)]
pub struct Reader {
    lines: Lines,
    parser: Parser,
}

#[derive(Debug)]
enum Parser {
    Claude(claude::Claude),
    Codex(codex::Codex),
    Gemini(gemini::Gemini),
    Opencode(opencode::Opencode),
    Text(text::Text),
}

impl Reader {
    /// A reader of this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let parser = match format {
            Format::Claude => Parser::Claude(claude::Claude::default()),
            Format::Codex => Parser::Codex(codex::Codex::default()),
            Format::Gemini => Parser::Gemini(gemini::Gemini::default()),
            Format::Opencode => Parser::Opencode(opencode::Opencode::default()),
            Format::Text => Parser::Text(text::Text::default()),
        };
        Self { lines: Lines::default(), parser }
    }

    /// Takes the next piece of output, which may end anywhere.
    pub fn feed(&mut self, piece: &[u8], on: &mut dyn FnMut(AgentEvent)) {
        match &mut self.parser {
            Parser::Text(text) => text.feed(piece, on),
            parser => self.lines.feed(piece, &mut |line| parser.line(&line, on)),
        }
    }

    /// The end of the output.
    pub fn finish(&mut self, on: &mut dyn FnMut(AgentEvent)) {
        let parser = &mut self.parser;
        self.lines.finish(&mut |line| parser.line(&line, on));
        match parser {
            Parser::Claude(p) => p.finish(on),
            Parser::Codex(p) => p.finish(on),
            Parser::Gemini(p) => p.finish(on),
            Parser::Opencode(p) => p.finish(on),
            Parser::Text(p) => p.finish(on),
        }
    }
}

impl Parser {
    fn line(&mut self, line: &Line<'_>, on: On<'_>) {
        match self {
            Self::Claude(p) => read(p, line, on),
            Self::Codex(p) => read(p, line, on),
            Self::Gemini(p) => read(p, line, on),
            Self::Opencode(p) => read(p, line, on),
            Self::Text(_) => {}
        }
    }
}

fn read<V: Vendor>(vendor: &mut V, line: &Line<'_>, on: On<'_>) {
    let line = match line {
        Line::Whole(line) => line.trim_ascii(),
        Line::TooLong(bytes) => {
            let text = format!("a record of {} MB is too long to be read, see the log", bytes / 1_000_000);
            on(AgentEvent::Stray { text, line: false });
            return;
        }
    };
    match serde_json::from_slice::<V::Record<'_>>(line) {
        _ if line.is_empty() => {}
        Ok(record) if line.starts_with(b"{") => vendor.take(record, line, on),
        _ => salvage::salvage(vendor, line, on),
    }
}

/// A record as text.
fn raw(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
