//! Mistral Vibe 3.0: `--output streaming`. There is no closing record: its last message decides.

use serde_json::Value;

use super::json::{call, result, say, session, text, words};
use super::vendor::{EventSink, VendorStream};
use crate::agent::event::AgentEvent;

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Vibe {
    session: Option<String>,
    /// Whether the last record is a whole message of the agent.
    answered: bool,
}

impl VendorStream for Vibe {
    type Record<'a> = Value;

    fn is_certain(record: &Value) -> bool {
        record["sessionId"].is_string() && record["turnId"].is_string()
    }

    fn take(&mut self, record: Value, _json: &[u8], sink: EventSink<'_>) {
        if self.session.as_deref() != record["sessionId"].as_str() {
            self.session = record["sessionId"].as_str().map(str::to_owned);
            session(&record["sessionId"], &Value::Null, sink);
        }
        self.answered = false;
        match (text(&record, &["type"]), text(&record, &["role"])) {
            ("message", "assistant") => {
                sink(AgentEvent::Step);
                say(words(&record["content"]), sink);
                self.answered = record["generationStatus"] == "completed";
            }
            ("effect", _) => {
                let detail = &record["detail"];
                let tool = text(detail, &["toolName"]);
                call(tool.rsplit('.').next().unwrap_or(tool), &detail["input"], sink);
                let state = &record["state"];
                let ok = state["status"] == "completed" && state["exitCode"].as_i64().unwrap_or(0) == 0;
                if !ok && matches!(text(state, &["decision"]), "skip" | "deny" | "reject") {
                    sink(AgentEvent::Denied { tool: None, target: None });
                }
                let shown =
                    [text(state, &["outputText"]), text(state, &["errorText"]), text(state, &["error"])];
                result(ok, shown.into_iter().find(|text| !text.is_empty()).unwrap_or_default(), sink);
            }
            _ => {}
        }
    }

    fn finish(&mut self, sink: EventSink<'_>) {
        if self.answered {
            sink(AgentEvent::End { ok: true, text: None, error: None });
        }
    }
}
