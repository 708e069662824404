//! gptme 0.35: `--output-format json`. There is no closing record: its last message decides.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::json::{call, result, say, text, usage, words};
use super::vendor::{EventSink, VendorStream};
use crate::agent::event::AgentEvent;

/// A call of a tool, which stands in the agent's words: `@shell(call_1): {"command":"ls"}`.
static CALL: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?m)^@(\w+)\(([\w-]+)\): (\{.*)$").unwrap_or_else(|error| unreachable!("{error}"))
});

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Gptme {
    /// Whether the agent has nothing more to do: it called no tool in its last message, or the one that ends its work.
    finished: bool,
}

impl VendorStream for Gptme {
    type Record<'a> = Value;

    fn is_certain(record: &Value) -> bool {
        record["type"] == "message" && record["role"].is_string()
    }

    fn take(&mut self, record: Value, _json: &[u8], sink: EventSink<'_>) {
        if record["type"] != "message" {
            return;
        }
        let content = words(&record["content"]);
        match text(&record, &["role"]) {
            "assistant" => {
                sink(AgentEvent::Step);
                say(CALL.replace_all(&content, "").trim().to_owned(), sink);
                self.finished = true;
                for found in CALL.captures_iter(&content) {
                    if &found[1] == "complete" {
                        continue;
                    }
                    self.finished = false;
                    call(&found[1], &Value::String(found[3].to_owned()), sink);
                }
                let metadata = &record["metadata"];
                let keys = ["input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens"];
                if metadata["usage"].is_object() {
                    sink(AgentEvent::Usage(usage(&metadata["usage"], keys, &metadata["cost"])));
                }
            }
            "system"
                if !record["call_id"].is_null() && text(&record, &["metadata", "tool"]) != "complete" =>
            {
                let failed = content.contains("Return code: ") && !content.contains("Return code: 0");
                result(!failed && !content.starts_with("Error"), &content, sink);
            }
            _ => {}
        }
    }

    fn finish(&mut self, sink: EventSink<'_>) {
        if self.finished {
            sink(AgentEvent::End { ok: true, text: None, error: None });
        }
    }
}
