//! Collects the facts of an agent's stream by which an attempt is judged.

use std::collections::VecDeque;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

use super::event::{AgentEvent, CliVerdict, Format, KEPT, RecordTopic};
use super::signal::{SignalScan, SignalScanner};
use super::usage::Usage;
use super::utf8::first_bytes;

/// How many error records and stdout lines are kept: the last ones.
pub const RECORDS: usize = 20;
/// Lines at the end of a plain text that may be an error of the CLI.
const LAST_LINES: usize = 60;
/// Most bytes kept of one record or line.
pub const RECORD_BYTES: usize = 16 << 10;

/// Collects what matters of an agent's stdout, in bounded memory.
#[derive(Debug)]
pub struct Digest {
    format: Format,
    scanner: SignalScanner,
    facts: StreamFacts,
    errors: VecDeque<String>,
    lines: VecDeque<String>,
    denied: VecDeque<String>,
    /// The last call of a tool.
    last_call: (String, String),
    /// Fingerprint of the last block of text.
    last_block: Option<Fingerprint>,
}

/// Length and hash of a text, to compare texts without keeping them.
type Fingerprint = (usize, u64);

/// What a whole stream says about its attempt.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StreamFacts {
    /// The signals and the final message.
    pub signals: SignalScan,
    /// The agent's session.
    pub session: Option<String>,
    /// The model, if the stream names it.
    pub model: Option<String>,
    /// Tokens and money. `None` if the stream reports nothing about them.
    pub usage: Option<Usage>,
    /// How the CLI says it ended. `None` if the format has no closing record.
    pub verdict: Option<CliVerdict>,
    /// The last error that the CLI reported, fatal or not.
    pub error: Option<String>,
    /// The last records about errors and limits, oldest first, each of them JSON.
    pub error_records: Vec<String>,
    /// The last lines on stdout that may be the CLI's own: those that are not records. Of plain text, the last lines.
    pub lines: Vec<String>,
    /// The last record about how much of a limit is used.
    pub utilization: Option<String>,
    /// The CLI's notice that it retries, if nothing came after it.
    pub retrying: Option<String>,
    /// The last calls that were refused because no person was there to allow them: tool and target.
    pub denied: Vec<String>,
    /// How many tools were called.
    pub calls: usize,
}

impl Digest {
    /// A digest of the answer to `prompt`.
    #[must_use]
    pub fn new(format: Format, prompt: &str) -> Self {
        let verdict = (format != Format::Text).then_some(CliVerdict::Unknown);
        Self {
            format,
            scanner: match format {
                Format::Text => SignalScanner::plain(prompt).with_footer(),
                _ => SignalScanner::new(prompt),
            },
            facts: StreamFacts { verdict, ..StreamFacts::default() },
            errors: VecDeque::new(),
            lines: VecDeque::new(),
            denied: VecDeque::new(),
            last_call: (String::new(), String::new()),
            last_block: None,
        }
    }

    /// The agent's session, as soon as the stream names it.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.facts.session.as_deref()
    }

    /// Takes the next event.
    pub fn take(&mut self, event: &AgentEvent) {
        let facts = &mut self.facts;
        match event {
            AgentEvent::Retry { text, .. } => facts.retrying = Some(excerpt(text)),
            // codex reports each of its retries as an error, too
            AgentEvent::Record { .. } | AgentEvent::Notice { .. } | AgentEvent::Stray { .. } => {}
            _ => facts.retrying = None,
        }
        match event {
            AgentEvent::ToolCall { name, target, .. } => {
                facts.calls += 1;
                self.last_call = (name.clone(), target.clone());
            }
            AgentEvent::Denied { tool, target } => {
                let (name, last) = &self.last_call;
                let (tool, target) = (tool.as_ref().unwrap_or(name), target.as_ref().unwrap_or(last));
                let call = excerpt(&format!("{tool} {target}"));
                if !self.denied.contains(&call) {
                    push_bounded(&mut self.denied, call);
                }
            }
            _ => {}
        }
        match event {
            AgentEvent::Text { text, continues } => {
                if !continues {
                    self.scanner.end_block();
                    self.last_block = Some(fingerprint(text));
                }
                self.scanner.feed(text.as_bytes());
            }
            AgentEvent::Session { id, model } if is_session_id(id) => {
                facts.session = Some(id.clone());
                facts.model = model.clone().or(facts.model.take());
                // another turn begins, and its own end decides
                facts.verdict = Some(CliVerdict::Unknown);
            }
            AgentEvent::Step | AgentEvent::ToolCall { subagent: false, .. } => self.scanner.begin_step(),
            AgentEvent::Summary => self.scanner.discard_step(),
            AgentEvent::Usage(usage) => facts.usage.get_or_insert_default().add(usage),
            AgentEvent::Error { text } => facts.error = Some(excerpt(text)),
            AgentEvent::Record { topic: RecordTopic::Error, json } => {
                push_bounded(&mut self.errors, fit_record(json));
            }
            AgentEvent::Record { topic: RecordTopic::Utilization, json } => {
                facts.utilization = Some(fit_record(json));
            }
            AgentEvent::Stray { text, verbatim: true } => {
                push_bounded(&mut self.lines, first_bytes(text, RECORD_BYTES).to_owned());
            }
            AgentEvent::End { ok: true, text, .. } => {
                facts.verdict = Some(CliVerdict::Success);
                // the record with the final message may have been lost
                if let Some(text) = text.as_deref().filter(|text| self.last_block != Some(fingerprint(text)))
                {
                    self.scanner.end_block();
                    self.scanner.feed(text.as_bytes());
                }
            }
            AgentEvent::End { ok: false, error, .. } => {
                let error = error.as_deref().map(excerpt).or(facts.error.take()).unwrap_or_default();
                facts.verdict = Some(CliVerdict::Failure(error.clone()));
                facts.error = Some(error);
            }
            AgentEvent::Session { .. }
            | AgentEvent::Aside { .. }
            | AgentEvent::ToolCall { .. }
            | AgentEvent::ToolResult { .. }
            | AgentEvent::Denied { .. }
            | AgentEvent::Retry { .. }
            | AgentEvent::Notice { .. }
            | AgentEvent::Stray { .. } => {}
        }
    }

    /// Ends the stream and returns its facts.
    #[must_use]
    pub fn finish(self) -> StreamFacts {
        let mut facts = self.facts;
        facts.signals = self.scanner.finish();
        facts.error_records = self.errors.into();
        facts.lines = self.lines.into();
        facts.denied = self.denied.into();
        if self.format == Format::Text {
            let words = facts.signals.last_words.lines();
            facts.lines.extend(words.rev().take(LAST_LINES).map(str::to_owned));
            facts.lines.reverse();
        }
        facts
    }
}

/// Whether this can be an id. It becomes an argument when the session is resumed, so it must not be an option or code.
fn is_session_id(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b':');
    !id.is_empty() && id.len() <= 200 && !id.starts_with('-') && id.bytes().all(fits)
}

fn excerpt(text: &str) -> String {
    first_bytes(text.trim(), KEPT).to_owned()
}

fn fingerprint(text: &str) -> Fingerprint {
    let text = text.trim();
    (text.len(), BuildHasherDefault::<DefaultHasher>::default().hash_one(text))
}

fn push_bounded(last: &mut VecDeque<String>, text: String) {
    if last.len() == RECORDS {
        last.pop_front();
    }
    last.push_back(text);
}

/// A record of at most [`RECORD_BYTES`]. The longest strings are cut first, so that the record stays JSON.
fn fit_record(json: &str) -> String {
    if json.len() <= RECORD_BYTES {
        return json.to_owned();
    }
    let Ok(mut value) = serde_json::from_str::<serde_json::Value>(json) else {
        return first_bytes(json, RECORD_BYTES).to_owned();
    };
    for most in [2000, 200, 20] {
        shorten(&mut value, most);
        let text = value.to_string();
        if text.len() <= RECORD_BYTES {
            return text;
        }
    }
    // thousands of fields, which no vendor writes
    first_bytes(json, RECORD_BYTES).to_owned()
}

fn shorten(value: &mut serde_json::Value, most: usize) {
    match value {
        serde_json::Value::String(text) => text.truncate(first_bytes(text, most).len()),
        serde_json::Value::Array(all) => all.iter_mut().for_each(|v| shorten(v, most)),
        serde_json::Value::Object(all) => all.values_mut().for_each(|v| shorten(v, most)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(events: &[AgentEvent]) -> StreamFacts {
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
    fn a_stream_without_a_closing_record_is_not_a_success() {
        assert_eq!(digest(&[text("<promise>TASK_DONE</promise>")]).verdict, Some(CliVerdict::Unknown));
        assert_eq!(Digest::new(Format::Text, "").finish().verdict, None);
    }

    #[test]
    fn the_last_turn_decides_the_verdict() {
        let session = AgentEvent::Session { id: "s".into(), model: None };
        let failed = digest(&[session.clone(), end(true, None), end(false, None)]);
        assert_eq!(failed.verdict, Some(CliVerdict::Failure("broken".into())));
        assert_eq!(digest(&[end(false, None), end(true, None)]).verdict, Some(CliVerdict::Success));
        assert_eq!(digest(&[end(true, None), session]).verdict, Some(CliVerdict::Unknown));
    }

    #[test]
    fn a_session_id_that_could_be_an_option_or_a_command_is_refused() {
        let session = |id: &str| AgentEvent::Session { id: id.into(), model: None };
        assert_eq!(digest(&[session("ses_1-a.b:c")]).session.as_deref(), Some("ses_1-a.b:c"));
        for id in ["", "--dangerous", "a b", "a\nb", "a;b", &"x".repeat(300)] {
            assert_eq!(digest(&[session(id)]).session, None, "{id}");
        }
    }

    #[test]
    fn the_final_message_counts_once_even_if_its_own_record_was_lost() {
        let said = "Ready.\n<promise>TASK_DONE</promise>";
        let both = digest(&[text(said), end(true, Some(said))]).signals;
        assert_eq!((both.done, both.last_words.as_str()), (true, "Ready."));
        assert!(digest(&[end(true, Some(said))]).signals.done);
    }

    #[test]
    fn a_huge_record_stays_json_and_only_the_last_records_are_kept() {
        let huge = format!(r#"{{"type":"error","message":"limit","body":"{}"}}"#, "x".repeat(1 << 20));
        let record = AgentEvent::Record { topic: RecordTopic::Error, json: huge };
        let kept = digest(&vec![record; 50]).error_records;
        assert_eq!(kept.len(), RECORDS);
        let value: serde_json::Value = serde_json::from_str(&kept[0]).unwrap();
        assert!(kept[0].len() <= RECORD_BYTES && value["message"] == "limit");
    }
}
