//! Gemini CLI: `--output-format stream-json`.
//!
//! The prompt comes back as a message of the user. The answer comes in fragments. If the CLI retries in the middle of
//! an answer, the answer begins again without any mark.

use serde::Deserialize;

use super::fields::{ErrorMessage, ToolOutput, ToolTarget, tool_result, written_exit_code};
use super::lax::{LaxNumber, LaxObject, LaxStr};
use super::vendor::{EventSink, VendorStream, record_text};
use crate::agent::event::{AgentEvent, RecordTopic};
use crate::agent::usage::Usage;
use crate::agent::utf8::first_bytes;

/// Bytes kept of an answer's beginning, to notice that the answer begins again.
const BEGINNING: usize = 256;
/// Equal bytes that prove such a second beginning.
const PROOF: usize = 8;

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Gemini {
    /// The beginning of the current answer.
    beginning: String,
    in_answer: bool,
    last_error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct GeminiRecord<'a> {
    #[serde(rename = "type")]
    kind: LaxStr<'a>,
    timestamp: LaxStr<'a>,
    session_id: LaxStr<'a>,
    model: LaxStr<'a>,
    role: LaxStr<'a>,
    content: LaxStr<'a>,
    tool_name: LaxStr<'a>,
    parameters: ToolTarget,
    status: LaxStr<'a>,
    output: ToolOutput,
    error: ErrorMessage,
    severity: LaxStr<'a>,
    message: ErrorMessage,
    stats: LaxObject<GeminiStats>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct GeminiStats {
    total_tokens: LaxNumber,
    input_tokens: LaxNumber,
    output_tokens: LaxNumber,
    cached: LaxNumber,
}

impl VendorStream for Gemini {
    type Record<'a> = GeminiRecord<'a>;

    fn is_certain(record: &GeminiRecord<'_>) -> bool {
        record.kind.0.is_some() && record.timestamp.0.is_some()
    }

    fn take(&mut self, record: GeminiRecord<'_>, json: &[u8], sink: EventSink<'_>) {
        if record.kind.is("message") && record.role.is("assistant") {
            self.fragment(record.content.owned_or_empty(), sink);
            return;
        }
        self.in_answer = false;
        match record.kind.get() {
            Some("init") => {
                if let Some(id) = record.session_id.owned() {
                    sink(AgentEvent::Session { id, model: record.model.owned() });
                }
            }
            Some("tool_use") => {
                let (name, target) = (record.tool_name.owned_or_empty(), record.parameters.0);
                sink(AgentEvent::ToolCall { name, target, subagent: false });
            }
            Some("tool_result") => {
                let ok = !record.status.is("error");
                let ToolOutput { head, lines } = match record.error.0 {
                    Some(error) if record.output.lines == 0 => ToolOutput::new(&error),
                    _ => record.output,
                };
                let exit = written_exit_code(&head);
                sink(tool_result(ok && exit == 0.0, head, lines, exit));
            }
            Some("error") => {
                let text = record.message.0.or(record.error.0).map(plain_error).unwrap_or_default();
                if record.severity.is("warning") {
                    sink(AgentEvent::Notice { text });
                } else {
                    self.last_error = Some(text.clone());
                    sink(AgentEvent::Record { topic: RecordTopic::Error, json: record_text(json) });
                    sink(AgentEvent::Error { text });
                }
            }
            Some("result") => self.result(record, json, sink),
            _ => {}
        }
    }
}

impl Gemini {
    fn fragment(&mut self, text: String, sink: EventSink<'_>) {
        let continues = std::mem::replace(&mut self.in_answer, true) && !self.begins_again(&text);
        if !continues {
            self.beginning.clear();
        }
        let room = BEGINNING.saturating_sub(self.beginning.len());
        self.beginning.push_str(first_bytes(&text, room));
        sink(AgentEvent::Text { text, continues });
    }

    fn begins_again(&self, text: &str) -> bool {
        let (a, b) = (self.beginning.as_bytes(), text.as_bytes());
        let length = a.len().min(b.len());
        length >= PROOF && a[..length] == b[..length]
    }

    fn result(&mut self, record: GeminiRecord<'_>, json: &[u8], sink: EventSink<'_>) {
        // the CLI counts only complete answers: 0 means that none was complete, not that nothing was used
        if let Some(stats) = record.stats.0.filter(|stats| stats.total_tokens.count() != Some(0)) {
            sink(AgentEvent::Usage(usage(&stats)));
        }
        let ok = record.status.is("success");
        let error = (!ok).then(|| {
            let reason = record.error.0.or(record.message.0).map(plain_error).or(self.last_error.take());
            reason.unwrap_or_else(|| "it ended with an error and did not say which".to_owned())
        });
        if !ok {
            sink(AgentEvent::Record { topic: RecordTopic::Error, json: record_text(json) });
        }
        sink(AgentEvent::End { ok, text: None, error });
    }
}

/// The message alone, if an error holds the server's whole answer:
/// `[API Error: {"error":{"code":400,"message":"API key not valid."}}]`.
fn plain_error(text: String) -> String {
    let json = text.strip_prefix("[API Error: ").filter(|rest| rest.starts_with('{'));
    let message = json.and_then(|json| {
        let mut values = serde_json::Deserializer::from_str(json).into_iter::<ErrorMessage>();
        values.next()?.ok()?.0
    });
    message.unwrap_or(text)
}

fn usage(stats: &GeminiStats) -> Usage {
    let (input, output) = (stats.input_tokens.count(), stats.output_tokens.count());
    // only the total includes thoughts
    let all_output = || Some(stats.total_tokens.count()?.saturating_sub(input?).max(output?));
    Usage {
        input,
        cached_input: stats.cached.count(),
        output: all_output().or(output),
        reasoning: None,
        cost_usd: None,
        cost_estimated: false,
        cumulative: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_whole_answer_is_reduced_to_its_message() {
        let whole = r#"[API Error: {"error":{"code":400,"message":"API key not valid.","status":"X"}}]"#;
        assert_eq!(plain_error(whole.to_owned()), "API key not valid.");
        for text in ["[API Error: quota {x}.]\nWait.", "[API Error: {\"error\":", "fetch failed", ""] {
            assert_eq!(plain_error(text.to_owned()), text);
        }
    }
}
