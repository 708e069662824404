//! `OpenHands` 1.16: `--headless --json`. Its records stand among lines for people. It exits with 0 on errors too.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::json::{at, call, error, result, say, session, text, words};
use super::vendor::{EventSink, VendorStream};
use crate::agent::event::AgentEvent;

/// How it says its session, at the end and not in a record.
static SESSION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"openhands --resume ([0-9a-f][0-9a-f-]{30,40})")
        .unwrap_or_else(|error| unreachable!("{error}"))
});

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Openhands {
    /// How the agent ended, as far as it is known: well, or with an error.
    ended: Option<Result<(), String>>,
}

impl VendorStream for Openhands {
    type Record<'a> = Value;

    fn is_certain(record: &Value) -> bool {
        record["id"].is_string() && record["source"].is_string()
    }

    fn take(&mut self, record: Value, json: &[u8], sink: EventSink<'_>) {
        let observation = &record["observation"];
        match text(&record, &["source"]) {
            "agent" if record["action"].is_object() => {
                sink(AgentEvent::Step);
                say(words(&record["thought"]), sink);
                let action = &record["action"];
                self.ended = None;
                if text(action, &["kind"]) == "FinishAction" {
                    say(text(action, &["message"]).to_owned(), sink);
                    self.ended = Some(Ok(()));
                } else {
                    call(text(&record, &["tool_name"]), action, sink);
                }
            }
            "agent" if record["llm_message"].is_object() => {
                sink(AgentEvent::Step);
                say(words(at(&record, &["llm_message", "content"])), sink);
                self.ended = Some(Ok(()));
            }
            "environment" if observation.is_object() => {
                let exit = observation["exit_code"].as_i64().unwrap_or(0);
                let ok = observation["is_error"].as_bool() != Some(true) && exit == 0;
                result(ok, &words(&observation["content"]), sink);
            }
            _ if record["detail"].is_string() => {
                let why = text(&record, &["detail"]);
                error(why, json, sink);
                self.ended = Some(Err(why.to_owned()));
            }
            _ => {}
        }
    }

    fn other_line(&mut self, line: &str, sink: EventSink<'_>) {
        if let Some(found) = SESSION.captures(line) {
            session(&Value::String(found[1].to_owned()), &Value::Null, sink);
        }
    }

    fn finish(&mut self, sink: EventSink<'_>) {
        match self.ended.take() {
            Some(Ok(())) => sink(AgentEvent::End { ok: true, text: None, error: None }),
            Some(Err(why)) => sink(AgentEvent::End { ok: false, text: None, error: Some(why) }),
            None => {}
        }
    }
}
