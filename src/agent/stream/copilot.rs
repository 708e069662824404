//! GitHub Copilot CLI 1.0: `--output-format json`. The `result` record decides by its exit code.

use serde_json::{Value, json};

use super::json::{at, call, error, result, say, session, text, words};
use super::vendor::{EventSink, VendorStream};
use crate::agent::event::{AgentEvent, RecordTopic};

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Copilot {
    last_error: Option<String>,
    /// The status and the words of the last call of a model that failed: the CLI retries some without a word.
    failed_call: Option<String>,
}

impl VendorStream for Copilot {
    type Record<'a> = Value;

    fn is_certain(record: &Value) -> bool {
        record["type"].as_str().is_some_and(|kind| kind.contains('.') && record["data"].is_object())
            || (record["type"] == "result" && record["sessionId"].is_string())
    }

    fn take(&mut self, record: Value, json: &[u8], sink: EventSink<'_>) {
        let data = &record["data"];
        match text(&record, &["type"]) {
            "session.start" => session(&data["sessionId"], &data["selectedModel"], sink),
            "assistant.turn_start" => sink(AgentEvent::Step),
            "assistant.message" if data["parentToolCallId"].is_null() => say(words(&data["content"]), sink),
            "assistant.message" | "assistant.reasoning" => {
                sink(AgentEvent::Aside { text: words(&data["content"]) });
            }
            "tool.execution_start" => call(text(data, &["toolName"]), &data["arguments"], sink),
            "tool.execution_complete" => {
                let exit = at(data, &["shellExecution", "exitCode"]).as_i64().unwrap_or(0);
                let ok = data["success"].as_bool().unwrap_or(true) && exit == 0;
                let (output, why) = (text(data, &["result", "content"]), text(data, &["error", "message"]));
                if text(data, &["error", "code"]) == "denied" {
                    sink(AgentEvent::Denied { tool: None, target: None });
                }
                result(ok, if output.trim().is_empty() { why } else { output.trim() }, sink);
            }
            "model.call_failure" => {
                let status = &data["statusCode"];
                let why = text(data, &["errorMessage"]);
                let body: Value = serde_json::from_str(why).unwrap_or_else(|_| json!({ "message": why }));
                self.failed_call = Some(format!("{status} {}", body["message"].as_str().unwrap_or(why)));
                let record = json!({ "type": "session.error",
                    "data": { "statusCode": status, "error": body, "message": body["message"] } });
                sink(AgentEvent::Record { topic: RecordTopic::Error, json: record.to_string() });
            }
            "assistant.turn_retry" => {
                let reason = || text(data, &["reason"]).to_owned();
                let text = self.failed_call.take().unwrap_or_else(reason);
                sink(AgentEvent::Retry { text, wait_s: None });
            }
            "session.error" => {
                let message = text(data, &["message"]);
                self.last_error = Some(message.to_owned());
                error(message, json, sink);
            }
            "result" => {
                session(&record["sessionId"], &Value::Null, sink);
                let ok = record["exitCode"].as_i64() == Some(0);
                let error = self.last_error.take().filter(|_| !ok);
                sink(AgentEvent::End { ok, text: None, error });
            }
            _ => {}
        }
    }
}
