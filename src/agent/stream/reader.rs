//! Reads an agent's stdout in the format that the backend prints.

use super::claude::Claude;
use super::cline::Cline;
use super::codex::Codex;
use super::copilot::Copilot;
use super::gemini::Gemini;
use super::gptme::Gptme;
use super::kimi::Kimi;
use super::lines::{LineSplitter, StreamLine};
use super::mini::Mini;
use super::opencode::Opencode;
use super::openhands::Openhands;
use super::pi::Pi;
use super::salvage::salvage;
use super::text::PlainText;
use super::vendor::{EventSink, VendorStream};
use super::vibe::Vibe;
use crate::agent::event::{AgentEvent, Format};

/// Turns an agent's stdout into events, piece by piece.
#[derive(Debug)]
pub struct StreamReader {
    lines: LineSplitter,
    parser: StreamParser,
}

#[derive(Debug)]
enum StreamParser {
    Claude(Claude),
    Codex(Codex),
    Gemini(Gemini),
    Opencode(Opencode),
    Copilot(Copilot),
    Pi(Pi),
    Cline(Cline),
    Kimi(Kimi),
    Vibe(Vibe),
    Gptme(Gptme),
    Openhands(Openhands),
    Mini(Mini),
    Text(PlainText),
}

impl StreamReader {
    /// A reader of this format.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let parser = match format {
            Format::Claude => StreamParser::Claude(Claude::default()),
            Format::Codex => StreamParser::Codex(Codex::default()),
            Format::Gemini => StreamParser::Gemini(Gemini::default()),
            Format::Opencode => StreamParser::Opencode(Opencode::default()),
            Format::Copilot => StreamParser::Copilot(Copilot::default()),
            Format::Pi => StreamParser::Pi(Pi::default()),
            Format::Cline => StreamParser::Cline(Cline::default()),
            Format::Kimi => StreamParser::Kimi(Kimi),
            Format::Vibe => StreamParser::Vibe(Vibe::default()),
            Format::Gptme => StreamParser::Gptme(Gptme::default()),
            Format::Openhands => StreamParser::Openhands(Openhands::default()),
            Format::Mini => StreamParser::Mini(Mini::default()),
            Format::Text => StreamParser::Text(PlainText::default()),
        };
        Self { lines: LineSplitter::default(), parser }
    }

    /// A reader of this format for who needs nothing before the end: of plain text it reports no line that the program may
    /// still write again.
    #[must_use]
    pub fn patient(format: Format) -> Self {
        match format {
            Format::Text => {
                Self { lines: LineSplitter::default(), parser: StreamParser::Text(PlainText::patient()) }
            }
            _ => Self::new(format),
        }
    }

    /// Takes the next piece of output, which may end anywhere.
    pub fn feed(&mut self, piece: &[u8], sink: &mut dyn FnMut(AgentEvent)) {
        match &mut self.parser {
            StreamParser::Text(text) => text.feed(piece, sink),
            parser => self.lines.feed(piece, &mut |line| parser.line(&line, sink)),
        }
    }

    /// Of plain text, the last line as far as it was printed. No event has it before its end.
    #[must_use]
    pub fn open_line(&self) -> String {
        match &self.parser {
            StreamParser::Text(text) => text.open_line(),
            _ => String::new(),
        }
    }

    /// Ends the output.
    pub fn finish(&mut self, sink: &mut dyn FnMut(AgentEvent)) {
        let parser = &mut self.parser;
        self.lines.finish(&mut |line| parser.line(&line, sink));
        match parser {
            StreamParser::Claude(p) => p.finish(sink),
            StreamParser::Codex(p) => p.finish(sink),
            StreamParser::Gemini(p) => p.finish(sink),
            StreamParser::Opencode(p) => p.finish(sink),
            StreamParser::Copilot(p) => p.finish(sink),
            StreamParser::Pi(p) => p.finish(sink),
            StreamParser::Cline(p) => p.finish(sink),
            StreamParser::Kimi(p) => p.finish(sink),
            StreamParser::Vibe(p) => p.finish(sink),
            StreamParser::Gptme(p) => p.finish(sink),
            StreamParser::Openhands(p) => p.finish(sink),
            StreamParser::Mini(p) => p.finish(sink),
            StreamParser::Text(p) => p.finish(sink),
        }
    }
}

impl StreamParser {
    fn line(&mut self, line: &StreamLine<'_>, sink: EventSink<'_>) {
        match self {
            Self::Claude(p) => read_line(p, line, sink),
            Self::Codex(p) => read_line(p, line, sink),
            Self::Gemini(p) => read_line(p, line, sink),
            Self::Opencode(p) => read_line(p, line, sink),
            Self::Copilot(p) => read_line(p, line, sink),
            Self::Pi(p) => read_line(p, line, sink),
            Self::Cline(p) => read_line(p, line, sink),
            Self::Kimi(p) => read_line(p, line, sink),
            Self::Vibe(p) => read_line(p, line, sink),
            Self::Gptme(p) => read_line(p, line, sink),
            Self::Openhands(p) => read_line(p, line, sink),
            Self::Mini(p) => p.line(line, sink),
            Self::Text(_) => {}
        }
    }
}

fn read_line<V: VendorStream>(vendor: &mut V, line: &StreamLine<'_>, sink: EventSink<'_>) {
    let line = match line {
        StreamLine::Whole(line) => line.trim_ascii(),
        StreamLine::TooLong(bytes) => {
            let text = format!("a record of {} MB is too long to be read, see the log", bytes / 1_000_000);
            sink(AgentEvent::Stray { text, verbatim: false });
            return;
        }
    };
    match serde_json::from_slice::<V::Record<'_>>(line) {
        _ if line.is_empty() => {}
        Ok(record) if line.starts_with(b"{") => vendor.take(record, line, sink),
        _ => {
            vendor.other_line(&String::from_utf8_lossy(line), sink);
            salvage(vendor, line, sink);
        }
    }
}
