//! What a stream of events comes to: the facts that an attempt is judged by.

use std::collections::VecDeque;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::event::{About, AgentEvent, Format, KEPT, Usage, Verdict};
use super::signal::{Found, SignalScanner};

/// Records of errors, and lines, that are kept: the last ones.
pub const RECORDS: usize = 20;
/// Bytes of one record, or line, that is kept.
pub const RECORD: usize = 16 << 10;

/// Collects what matters of an agent's stdout, in bounded memory.
#[derive(Debug)]
pub struct Digest {
    format: Format,
    scanner: SignalScanner,
    digested: Digested,
    errors: VecDeque<String>,
    lines: VecDeque<String>,
    /// Length and hash of the last block of text.
    last_block: Option<(usize, u64)>,
}

/// What the stream came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Digested {
    /// Signals, and the last words.
    pub found: Found,
    /// The agent's session.
    pub session: Option<String>,
    /// The model, where the stream names it.
    pub model: Option<String>,
    /// Tokens and money; `None` where nothing was said of them.
    pub usage: Option<Usage>,
    /// How the CLI says it ended; `None` where the format has no word for it.
    pub verdict: Option<Verdict>,
    /// The last error that it told of, fatal or not.
    pub error: Option<String>,
    /// The last records about errors and limits, oldest first; each JSON.
    pub error_records: Vec<String>,
    /// The last lines on stdout that can speak for the CLI: those that are no records, or in plain text the last
    /// line.
    pub lines: Vec<String>,
    /// The last record about how much of a limit is used.
    pub utilization: Option<String>,
}

impl Digest {
    /// A digest of the answer to `prompt`.
    #[must_use]
    pub fn new(format: Format, prompt: &str) -> Self {
        let verdict = (format != Format::Text).then_some(Verdict::Unknown);
        Self {
            format,
            scanner: SignalScanner::new(prompt),
            digested: Digested { verdict, ..Digested::default() },
            errors: VecDeque::new(),
            lines: VecDeque::new(),
            last_block: None,
        }
    }

    /// The agent's session, as soon as it is known.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.digested.session.as_deref()
    }

    /// Takes the next event.
    pub fn take(&mut self, event: &AgentEvent) {
        let to = &mut self.digested;
        match event {
            AgentEvent::Text { text, continues } => {
                if !continues {
                    self.scanner.end_block();
                    self.last_block = Some(print_of(text));
                }
                self.scanner.feed(text.as_bytes());
            }
            AgentEvent::Session { id, model } if is_id(id) => {
                to.session = Some(id.clone());
                to.model = model.clone().or(to.model.take());
                // another turn: its own end decides
                to.verdict = Some(Verdict::Unknown);
            }
            AgentEvent::Step | AgentEvent::ToolCall { sub: false, .. } => self.scanner.work_goes_on(),
            AgentEvent::Summary => self.scanner.forget(),
            AgentEvent::Usage(usage) => to.usage.get_or_insert_default().take(usage),
            AgentEvent::Error { text } => to.error = Some(words(text)),
            AgentEvent::Record { about: About::Error, raw } => keep(&mut self.errors, fitting(raw)),
            AgentEvent::Record { about: About::Utilization, raw } => to.utilization = Some(fitting(raw)),
            AgentEvent::Stray { text, line: true } => keep(&mut self.lines, head(text, RECORD).to_owned()),
            AgentEvent::End { ok: true, text, .. } => {
                to.verdict = Some(Verdict::Success);
                // the record of the last words may have been lost
                if let Some(text) = text.as_deref().filter(|text| self.last_block != Some(print_of(text))) {
                    self.scanner.end_block();
                    self.scanner.feed(text.as_bytes());
                }
            }
            AgentEvent::End { ok: false, error, .. } => {
                let error = error.as_deref().map(words).or(to.error.take()).unwrap_or_default();
                to.verdict = Some(Verdict::Failure(error.clone()));
                to.error = Some(error);
            }
            AgentEvent::Session { .. }
            | AgentEvent::Aside { .. }
            | AgentEvent::ToolCall { .. }
            | AgentEvent::ToolResult { .. }
            | AgentEvent::Retry { .. }
            | AgentEvent::Notice { .. }
            | AgentEvent::Stray { .. } => {}
        }
    }

    /// The end of the stream.
    #[must_use]
    pub fn finish(self) -> Digested {
        let mut digested = self.digested;
        digested.found = self.scanner.finish();
        digested.error_records = self.errors.into();
        digested.lines = self.lines.into();
        if self.format == Format::Text {
            digested.lines.extend(digested.found.last_words.lines().last().map(str::to_owned));
        }
        digested
    }
}

/// An id is put on a command line to resume the session: nothing else may get there.
fn is_id(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
    !id.is_empty() && id.len() <= 200 && !id.starts_with('-') && id.bytes().all(fits)
}

fn words(text: &str) -> String {
    head(text.trim(), KEPT).to_owned()
}

fn print_of(text: &str) -> (usize, u64) {
    let text = text.trim();
    (text.len(), BuildHasherDefault::<DefaultHasher>::default().hash_one(text))
}

fn keep(last: &mut VecDeque<String>, text: String) {
    if last.len() == RECORDS {
        last.pop_front();
    }
    last.push_back(text);
}

fn head(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// A record that is too large, with its longest strings cut, so that it stays JSON.
fn fitting(raw: &str) -> String {
    if raw.len() <= RECORD {
        return raw.to_owned();
    }
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(raw) else {
        return head(raw, RECORD).to_owned();
    };
    for most in [2000, 200, 20] {
        shorten(&mut value, most);
        let text = value.to_string();
        if text.len() <= RECORD {
            return text;
        }
    }
    // thousands of fields: what no vendor writes
    head(raw, RECORD).to_owned()
}

fn shorten(value: &mut serde_json::Value, most: usize) {
    match value {
        serde_json::Value::String(text) if text.len() > most => {
            text.truncate(head(text, most).len());
        }
        serde_json::Value::Array(all) => all.iter_mut().for_each(|v| shorten(v, most)),
        serde_json::Value::Object(all) => all.values_mut().for_each(|v| shorten(v, most)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(events: &[AgentEvent]) -> Digested {
        let mut digest = Digest::new(Format::Claude, "");
        for event in events {
            digest.take(event);
        }
        digest.finish()
    }

    fn text(text: &str) -> AgentEvent {
        AgentEvent::Text { text: text.into(), continues: false }
    }

    fn end(ok: bool, text: Option<&str>) -> AgentEvent {
        AgentEvent::End { ok, text: text.map(str::to_owned), error: (!ok).then(|| "broken".to_owned()) }
    }

    #[test]
    fn no_closing_record_is_no_success() {
        assert_eq!(digest(&[text("<promise>TASK_DONE</promise>")]).verdict, Some(Verdict::Unknown));
        assert_eq!(Digest::new(Format::Text, "").finish().verdict, None);
    }

    #[test]
    fn the_last_turn_decides() {
        let session = AgentEvent::Session { id: "s".into(), model: None };
        let failed = digest(&[session.clone(), end(true, None), end(false, None)]);
        assert_eq!(failed.verdict, Some(Verdict::Failure("broken".into())));
        assert_eq!(digest(&[end(false, None), end(true, None)]).verdict, Some(Verdict::Success));
        assert_eq!(digest(&[end(true, None), session]).verdict, Some(Verdict::Unknown));
    }

    #[test]
    fn what_cannot_be_an_id_is_not_taken_for_one() {
        let session = |id: &str| AgentEvent::Session { id: id.into(), model: None };
        assert_eq!(digest(&[session("ses_1-a.b:c")]).session.as_deref(), Some("ses_1-a.b:c"));
        for id in ["", "--dangerous", "a b", "a\nb", "a;b", &"x".repeat(300)] {
            assert_eq!(digest(&[session(id)]).session, None, "{id}");
        }
    }

    #[test]
    fn the_final_text_counts_once_even_when_its_own_record_was_lost() {
        let said = "Ready.\n<promise>TASK_DONE</promise>";
        let both = digest(&[text(said), end(true, Some(said))]);
        assert_eq!((both.found.done, both.found.last_words.as_str()), (true, "Ready."));
        assert!(digest(&[end(true, Some(said))]).found.done);
    }

    #[test]
    fn a_huge_record_is_kept_as_json_and_old_ones_go() {
        let huge = format!(r#"{{"type":"error","message":"limit","body":"{}"}}"#, "x".repeat(1 << 20));
        let records: Vec<_> =
            (0..50).map(|_| AgentEvent::Record { about: About::Error, raw: huge.clone() }).collect();
        let kept = digest(&records).error_records;
        assert_eq!(kept.len(), RECORDS);
        let value: serde_json::Value = serde_json::from_str(&kept[0]).unwrap();
        assert!(kept[0].len() <= RECORD && value["message"] == "limit");
    }
}
