//! Reads fields of a record that is held whole, for vendors whose records are small.

use serde_json::Value;

use super::fields::{ToolOutput, excerpt};
use super::vendor::{EventSink, record_text};
use crate::agent::event::{AgentEvent, RecordTopic};
use crate::agent::usage::Usage;

/// The value at a path of keys. Null if there is none.
pub(super) fn at<'a>(value: &'a Value, path: &[&str]) -> &'a Value {
    path.iter().fold(value, |value, key| &value[*key])
}

/// The text at a path of keys, or an empty one.
pub(super) fn text<'a>(value: &'a Value, path: &[&str]) -> &'a str {
    at(value, path).as_str().unwrap_or_default()
}

/// The text of a message: a text itself, or the texts of a list of parts.
pub(super) fn words(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            let texts = parts.iter().filter(|part| matches!(part["type"].as_str(), Some("text") | None));
            texts.map(words).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("\n")
        }
        Value::Object(_) => text(content, &["text"]).to_owned(),
        _ => String::new(),
    }
}

/// What a tool works on: the most useful value of its input, which may be JSON in a text.
pub(super) fn target(input: &Value) -> String {
    let inner = input.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let input = inner.as_ref().filter(|value| value.is_object()).unwrap_or(input);
    if let Some(text) = input.as_str() {
        return excerpt(text).to_owned();
    }
    let keys =
        ["command", "cmd", "file_path", "path", "url", "pattern", "query", "description", "prompt", "name"];
    let found = keys.iter().find_map(|key| match &input[*key] {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Array(all) => {
            let words: Vec<&str> = all.iter().filter_map(Value::as_str).collect();
            (!words.is_empty()).then(|| words.join(" "))
        }
        _ => None,
    });
    excerpt(&found.unwrap_or_default()).to_owned()
}

/// Reports a call of a tool.
pub(super) fn call(name: &str, input: &Value, sink: EventSink<'_>) {
    sink(AgentEvent::ToolCall { name: name.to_owned(), target: target(input), subagent: false });
}

/// Reports the result of a call.
pub(super) fn result(ok: bool, output: &str, sink: EventSink<'_>) {
    let output = if output.is_empty() && !ok { "failed" } else { output };
    let ToolOutput { head, lines } = ToolOutput::new(output);
    sink(AgentEvent::ToolResult { ok, head, lines });
}

/// Reports the agent's own words.
pub(super) fn say(text: String, sink: EventSink<'_>) {
    if !text.is_empty() {
        sink(AgentEvent::Text { text, continues: false });
    }
}

/// Reports an error with the record that has it.
pub(super) fn error(message: &str, json: &[u8], sink: EventSink<'_>) {
    sink(AgentEvent::Record { topic: RecordTopic::Error, json: record_text(json) });
    sink(AgentEvent::Error { text: message.to_owned() });
}

/// The tokens under these keys: input without cached ones, cached input, output, reasoning.
pub(super) fn usage(value: &Value, [input, cached, output, reasoning]: [&str; 4], cost: &Value) -> Usage {
    let count = |key: &str| value[key].as_u64();
    Usage {
        input: count(input).map(|fresh| fresh + count(cached).unwrap_or(0)),
        cached_input: count(cached),
        output: count(output),
        reasoning: count(reasoning),
        cost_usd: cost.as_f64().filter(|cost| *cost > 0.0),
        cost_estimated: false,
        cumulative: false,
    }
}

/// The session under a key, if there is one.
pub(super) fn session(id: &Value, model: &Value, sink: EventSink<'_>) {
    if let Some(id) = id.as_str().filter(|id| !id.is_empty()) {
        sink(AgentEvent::Session { id: id.to_owned(), model: model.as_str().map(str::to_owned) });
    }
}
