//! Gemini CLI: `--output-format stream-json`.
//!
//! The prompt comes back as a message of the user. The answer comes in fragments; when the CLI tries again in the
//! middle of an answer, it begins anew without a word.

use serde::Deserialize;

use super::lax::{Message, Num, Obj, Printed, Str, What};
use super::{On, Vendor, raw};
use crate::agent::event::{About, AgentEvent, Usage};

/// Bytes of an answer's beginning by which a second beginning is known, and the fewest that prove one.
const BEGINNING: usize = 256;
const PROOF: usize = 8;

/// What is remembered between records.
#[derive(Debug, Default)]
pub(super) struct Gemini {
    /// The beginning of the answer that is coming, if one is.
    begun: String,
    speaking: bool,
    last_error: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    timestamp: Str<'a>,
    #[serde(borrow)]
    session_id: Str<'a>,
    #[serde(borrow)]
    model: Str<'a>,
    #[serde(borrow)]
    role: Str<'a>,
    #[serde(borrow)]
    content: Str<'a>,
    #[serde(borrow)]
    tool_name: Str<'a>,
    parameters: What,
    #[serde(borrow)]
    status: Str<'a>,
    output: Printed,
    error: Message,
    #[serde(borrow)]
    severity: Str<'a>,
    message: Message,
    stats: Obj<Stats>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stats {
    total_tokens: Num,
    input_tokens: Num,
    output_tokens: Num,
    cached: Num,
}

impl Vendor for Gemini {
    type Record<'a> = Record<'a>;

    fn sure(record: &Record<'_>) -> bool {
        record.kind.0.is_some() && record.timestamp.0.is_some()
    }

    fn take(&mut self, record: Record<'_>, json: &[u8], on: On<'_>) {
        let of_agent = record.kind.is("message") && record.role.is("assistant");
        if of_agent {
            self.say(record.content.text(), on);
            return;
        }
        self.speaking = false;
        match record.kind.get() {
            Some("init") => {
                if let Some(id) = record.session_id.owned() {
                    on(AgentEvent::Session { id, model: record.model.owned() });
                }
            }
            Some("tool_use") => {
                on(AgentEvent::ToolCall {
                    name: record.tool_name.text(),
                    what: record.parameters.0,
                    sub: false,
                });
            }
            Some("tool_result") => {
                let ok = !record.status.is("error");
                let printed = match record.error.0 {
                    Some(error) if record.output.lines == 0 => Printed::new(&error),
                    _ => record.output,
                };
                on(AgentEvent::ToolResult { ok, head: printed.head, lines: printed.lines });
            }
            Some("error") => {
                let text = record.message.0.or(record.error.0).map(plain).unwrap_or_default();
                if record.severity.is("warning") {
                    on(AgentEvent::Notice { text });
                } else {
                    self.last_error = Some(text.clone());
                    on(AgentEvent::Record { about: About::Error, raw: raw(json) });
                    on(AgentEvent::Error { text });
                }
            }
            Some("result") => self.result(record, json, on),
            _ => {}
        }
    }
}

impl Gemini {
    fn say(&mut self, text: String, on: On<'_>) {
        let continues = std::mem::replace(&mut self.speaking, true) && !self.begins_anew(&text);
        if !continues {
            self.begun.clear();
        }
        let mut room = BEGINNING.saturating_sub(self.begun.len()).min(text.len());
        while !text.is_char_boundary(room) {
            room -= 1;
        }
        self.begun.push_str(&text[..room]);
        on(AgentEvent::Text { text, continues });
    }

    fn begins_anew(&self, text: &str) -> bool {
        let (a, b) = (self.begun.as_bytes(), text.as_bytes());
        let length = a.len().min(b.len());
        length >= PROOF && a[..length] == b[..length]
    }

    fn result(&mut self, record: Record<'_>, json: &[u8], on: On<'_>) {
        // only answers that came to their end are counted: 0 says that none did, not that nothing was used
        if let Some(stats) = record.stats.0.filter(|stats| stats.total_tokens.count() != Some(0)) {
            on(AgentEvent::Usage(usage(&stats)));
        }
        let ok = record.status.is("success");
        let error = (!ok).then(|| {
            let said = record.error.0.or(record.message.0).map(plain).or(self.last_error.take());
            said.unwrap_or_else(|| "it ended with an error and did not say which".to_owned())
        });
        if !ok {
            on(AgentEvent::Record { about: About::Error, raw: raw(json) });
        }
        on(AgentEvent::End { ok, text: None, error });
    }
}

/// An error in the words of its message, where all of the server's answer stands in it:
/// `[API Error: {"error":{"code":400,"message":"API key not valid."}}]`.
fn plain(text: String) -> String {
    let json = text.strip_prefix("[API Error: ").filter(|rest| rest.starts_with('{'));
    let said =
        json.and_then(|json| serde_json::Deserializer::from_str(json).into_iter::<Message>().next()?.ok()?.0);
    said.unwrap_or(text)
}

fn usage(stats: &Stats) -> Usage {
    let (input, output) = (stats.input_tokens.count(), stats.output_tokens.count());
    // thoughts are in the total alone
    let all_output = || Some(stats.total_tokens.count()?.saturating_sub(input?).max(output?));
    Usage {
        input,
        cached_input: stats.cached.count(),
        output: all_output().or(output),
        reasoning: None,
        cost_usd: None,
        cumulative: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_servers_whole_answer_the_message_is_shown_and_other_errors_as_they_are() {
        let whole = r#"[API Error: {"error":{"code":400,"message":"API key not valid.","status":"X"}}]"#;
        assert_eq!(plain(whole.to_owned()), "API key not valid.");
        for text in ["[API Error: quota {x}.]\nWait.", "[API Error: {\"error\":", "fetch failed", ""] {
            assert_eq!(plain(text.to_owned()), text);
        }
    }
}
