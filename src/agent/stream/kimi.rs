//! Kimi Code 2.1: `--output-format stream-json`. The hint how to resume is its last record.

use serde_json::Value;

use super::json::{call, error, result, say, session, text, words};
use super::vendor::{EventSink, VendorStream};
use crate::agent::event::AgentEvent;

/// Keeps nothing between records.
#[derive(Debug, Default)]
pub(super) struct Kimi;

impl VendorStream for Kimi {
    type Record<'a> = Value;

    fn is_certain(record: &Value) -> bool {
        matches!(record["role"].as_str(), Some("meta" | "assistant" | "tool"))
    }

    fn take(&mut self, record: Value, json: &[u8], sink: EventSink<'_>) {
        match (text(&record, &["role"]), text(&record, &["type"])) {
            ("assistant", _) => {
                sink(AgentEvent::Step);
                say(words(&record["content"]), sink);
                for tool in record["tool_calls"].as_array().into_iter().flatten() {
                    call(text(tool, &["function", "name"]), &tool["function"]["arguments"], sink);
                }
            }
            ("tool", _) => {
                let output = words(&record["content"]);
                let first = output.lines().next().unwrap_or_default();
                // it marks a failure only in words
                let failed = first.starts_with("Command failed")
                    || first.starts_with("Error")
                    || first.starts_with("<error");
                result(!failed, &output, sink);
            }
            ("meta", "turn.step.retrying") => {
                let status = record["status_code"].as_u64().map_or_else(String::new, |n| format!("{n} "));
                let message = text(&record, &["error_message"]);
                let message = message.strip_prefix(status.as_str()).unwrap_or(message);
                let wait_s = record["delay_ms"].as_f64().map(|ms| ms / 1000.0);
                sink(AgentEvent::Retry { text: format!("{status}{message}"), wait_s });
            }
            ("meta", "session.resume_hint") => {
                session(&record["session_id"], &Value::Null, sink);
                sink(AgentEvent::End { ok: true, text: None, error: None });
            }
            ("meta", kind) if kind.contains("error") => error(text(&record, &["error_message"]), json, sink),
            _ => {}
        }
    }
}
