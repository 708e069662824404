//! pi 1.6: `--mode json`. It exits with 0 on errors too, so the reason why its last message stopped decides.

use serde_json::Value;

use super::json::{at, call, error, result, say, session, text, usage, words};
use super::vendor::{EventSink, VendorStream};
use crate::agent::event::AgentEvent;

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Pi {
    /// How the last message of the agent ended: with an error, or well.
    ended: Option<Result<(), String>>,
}

impl VendorStream for Pi {
    type Record<'a> = Value;

    fn is_certain(record: &Value) -> bool {
        let kinds =
            ["session", "message_end", "tool_execution_end", "turn_end", "agent_settled", "agent_end"];
        record["type"].as_str().is_some_and(|kind| kinds.contains(&kind))
    }

    fn take(&mut self, record: Value, json: &[u8], sink: EventSink<'_>) {
        let message = &record["message"];
        match text(&record, &["type"]) {
            "session" => session(&record["id"], &Value::Null, sink),
            "turn_start" => sink(AgentEvent::Step),
            "message_end" if message["role"] == "assistant" => {
                self.ended = None;
                say(words(&message["content"]), sink);
                let tokens = &message["usage"];
                if tokens["totalTokens"].as_u64().is_some_and(|total| total > 0) {
                    let keys = ["input", "cacheRead", "output", "reasoning"];
                    sink(AgentEvent::Usage(usage(tokens, keys, at(tokens, &["cost", "total"]))));
                }
                match text(message, &["stopReason"]) {
                    "error" | "aborted" => {
                        let why = text(message, &["errorMessage"]);
                        error(why, why_record(why, json).as_bytes(), sink);
                        self.ended = Some(Err(why.to_owned()));
                    }
                    "toolUse" => {}
                    "length" => {
                        self.ended = Some(Err("its answer was cut by the limit of tokens".to_owned()));
                    }
                    _ => self.ended = Some(Ok(())),
                }
            }
            "tool_execution_start" => call(text(&record, &["toolName"]), &record["args"], sink),
            "tool_execution_end" => {
                let exit = at(&record, &["result", "structuredContent", "exit_code"]).as_i64().unwrap_or(0);
                let ok = record["isError"].as_bool() != Some(true) && exit == 0;
                result(ok, &words(at(&record, &["result", "content"])), sink);
            }
            "auto_retry_start" => {
                let wait_s = record["delayMs"].as_f64().map(|ms| ms / 1000.0);
                sink(AgentEvent::Retry { text: text(&record, &["errorMessage"]).to_owned(), wait_s });
            }
            "agent_settled" => match self.ended.take() {
                Some(Ok(())) => sink(AgentEvent::End { ok: true, text: None, error: None }),
                Some(Err(why)) => sink(AgentEvent::End { ok: false, text: None, error: Some(why) }),
                None => {}
            },
            _ => {}
        }
    }
}

/// The error as a record with authority. Its text is a status and the body of the answer: `429: {"message":…}`.
fn why_record(why: &str, json: &[u8]) -> String {
    let body = why.split_once(": ").and_then(|(status, body)| {
        Some((status.parse::<u16>().ok()?, serde_json::from_str::<Value>(body).ok()?))
    });
    match body {
        Some((status, body)) => {
            serde_json::json!({ "type": "session.error", "data": { "statusCode": status, "error": body, "message": body["message"] } })
                .to_string()
        }
        None if !why.is_empty() => serde_json::json!({ "type": "session.error", "data": { "message": why } }).to_string(),
        None => String::from_utf8_lossy(json).into_owned(),
    }
}
