//! cline 3.0: `--json`. The `run_result` record decides.

use serde_json::Value;

use super::json::{call, error, result, say, session, text, usage};
use super::vendor::{EventSink, VendorStream};
use crate::agent::event::AgentEvent;

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Cline {
    has_session: bool,
}

impl VendorStream for Cline {
    type Record<'a> = Value;

    fn is_certain(record: &Value) -> bool {
        record["ts"].is_string() && record["type"].is_string()
    }

    fn take(&mut self, record: Value, json: &[u8], sink: EventSink<'_>) {
        let event = &record["event"];
        match (text(&record, &["type"]), text(event, &["type"]), text(event, &["contentType"])) {
            ("hook_event", ..) if !self.has_session && record["parentAgentId"].is_null() => {
                self.has_session = true;
                session(&record["taskId"], &Value::Null, sink);
            }
            ("agent_event", "iteration_start", _) => sink(AgentEvent::Step),
            ("agent_event", "content_end", "text") => say(text(event, &["text"]).to_owned(), sink),
            ("agent_event", "content_end", "reasoning") => {
                sink(AgentEvent::Aside { text: text(event, &["text"]).to_owned() });
            }
            ("agent_event", "content_end", "tool") => tool(event, sink),
            ("agent_event", "error", _) => error(text(event, &["error", "message"]), json, sink),
            ("error", ..) => error(text(&record, &["message"]), json, sink),
            ("run_result", ..) => {
                let keys = ["inputTokens", "cacheReadTokens", "outputTokens", "reasoningTokens"];
                let tokens = &record["usage"];
                let mut used = usage(tokens, keys, &tokens["totalCost"]);
                // its input has the cached tokens already
                used.input = tokens["inputTokens"].as_u64();
                if used.output.is_some_and(|n| n > 0) {
                    sink(AgentEvent::Usage(used));
                }
                let ok = record["finishReason"] == "completed";
                let said = text(&record, &["text"]).to_owned();
                if ok {
                    sink(AgentEvent::End { ok, text: Some(said), error: None });
                } else {
                    error(&said, json, sink);
                    sink(AgentEvent::End { ok, text: None, error: Some(said) });
                }
            }
            _ => {}
        }
    }
}

/// One call may run several commands.
fn tool(event: &Value, sink: EventSink<'_>) {
    let name = text(event, &["toolName"]);
    let outputs = event["output"].as_array().filter(|all| !all.is_empty());
    let Some(outputs) = outputs else {
        call(name, &event["input"], sink);
        return result(event["error"].is_null(), text(event, &["error"]), sink);
    };
    for output in outputs {
        call(name, &output["query"], sink);
        let ok = output["success"].as_bool().unwrap_or(true);
        let shown = [text(output, &["result"]), text(output, &["error"])];
        result(ok, shown.into_iter().find(|text| !text.is_empty()).unwrap_or_default(), sink);
    }
}
