//! Which records of an agent's stream have a say, by their shape, and what they say.
//!
//! The shapes of all known agents are told apart by their fields, so the family is not asked: a custom backend that
//! prints what Claude Code prints is read like it. What is not listed here (assistant text, tool results, user and
//! subagent records, progress) has no say.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::facts::{Due, Reader};
use super::judge::{self, Context, Finding, Rank, Said};
use super::{Family, LimitKind, when};

/// What a record or a line means for the whole.
#[derive(Debug)]
pub(super) enum Part {
    /// The agent ended well.
    Success,
    /// The agent ended badly; `None`: for another reason than a limit. The flag: without a word about it.
    Failed(Option<Finding>, bool),
    /// Something on the way.
    Sign(Finding),
}

/// A record of the stream.
pub(super) fn read(record: &Value, family: Family, context: &Context<'_>) -> Option<Part> {
    let record = record.as_object()?;
    let read = Read { record, family, context, at: said_at(record, context.now) };
    let kind = text(record, "type").or_else(|| text(record, "event")).unwrap_or_default();
    match kind {
        "result" => Some(read.result()),
        "turn.completed" => Some(Part::Success),
        "step_finish" => {
            let reason = record.get("part").and_then(|part| part.get("reason")).and_then(Value::as_str);
            (reason == Some("stop")).then_some(Part::Success)
        }
        "turn.failed" => Some(read.failed(record.get("error"))),
        "session.error" => Some(read.failed(record.get("data"))),
        "error" if record.get("error").is_some_and(Value::is_object) => Some(read.failed(None)),
        "error" if text(record, "severity") == Some("warning") => None,
        "error" => read.notice(record.get("message"), None),
        "rate_limit_event" => window(record.get("rate_limit_info")?),
        "assistant" => {
            let code = text(record, "error").filter(|_| !of_subagent(record))?;
            read.notice(record.get("message").and_then(|m| m.get("content")), Some(code))
        }
        "event_msg" => read.rollout(record.get("payload")?),
        "session.status" => read.status(record.get("properties").unwrap_or(&Value::Null).get("status")?),
        "retry" => read.status(&Value::Object(record.clone())),
        "" if text(record, "hook_event_name") == Some("StopFailure") => {
            let words = ["error_details", "message", "last_assistant_message"];
            read.notice(words.iter().find_map(|key| record.get(*key)), text(record, "error"))
        }
        "" if record.get("error").is_some_and(|e| !e.is_null()) => Some(read.failed(None)),
        "" if record.contains_key("response") => Some(Part::Success),
        _ => None,
    }
}

struct Read<'a> {
    record: &'a Map<String, Value>,
    family: Family,
    context: &'a Context<'a>,
    at: Timestamp,
}

impl Read<'_> {
    /// The record that ends the streams of Claude Code and those like it, of Gemini CLI and of Antigravity.
    fn result(&self) -> Part {
        let inner = self.record.get("result").and_then(Value::as_object);
        let record = inner.unwrap_or(self.record);
        let flagged = record.get("is_error").and_then(Value::as_bool);
        let subtype = text(record, "subtype").map(|subtype| !subtype.starts_with("error"));
        let status = text(record, "status").map(|status| {
            ["success", "ok", "done", "completed"].iter().any(|good| status.eq_ignore_ascii_case(good))
        });
        let code = record.get("exitCode").and_then(Value::as_i64).map(|code| code == 0);
        let signs = [flagged.map(|flag| !flag), subtype, status, code];
        if !signs.contains(&Some(false)) {
            return Part::Success;
        }
        // the rest of the record tells of the whole run; only these tell of its end
        let mut reader = Reader::new(self.at, self.context.zone);
        let ends = ["api_error", "api_error_status", "api_error_type", "api_error_params", "error", "errors"];
        let fields = ends.iter().filter_map(|key| Some(((*key).to_owned(), record.get(*key)?.clone())));
        reader.value(&Value::Object(fields.collect()));
        let said = text(record, "result").map(str::to_owned).or_else(|| words(record.get("error")));
        let said = said.or_else(|| words(record.get("errors"))).unwrap_or_default();
        self.end(reader, &said)
    }

    /// An error record that ends a stream; `part`: where in it the error is.
    fn failed(&self, part: Option<&Value>) -> Part {
        let whole = Value::Object(self.record.clone());
        let error = part.unwrap_or(&whole);
        let mut reader = Reader::new(self.at, self.context.zone);
        reader.value(error);
        let said = words(Some(error)).or_else(|| words(error.get("error"))).unwrap_or_default();
        self.end(reader, &said)
    }

    fn end(&self, mut reader: Reader<'_>, said: &str) -> Part {
        reader.text(said);
        Part::Failed(self.judge(Rank::End, reader, said), said.trim().is_empty())
    }

    /// An error that may be followed by success.
    fn notice(&self, said: Option<&Value>, code: Option<&str>) -> Option<Part> {
        let said = words(said).unwrap_or_default();
        let mut reader = Reader::new(self.at, self.context.zone);
        reader.text(&said);
        for key in ["api_error", "api_error_status", "api_error_type", "api_error_params"] {
            if let Some(value) = self.record.get(key) {
                reader.value(&serde_json::json!({ key: value }));
            }
        }
        reader.facts.codes.extend(code.map(str::to_owned));
        self.judge(Rank::Notice, reader, &said).map(Part::Sign)
    }

    fn judge(&self, rank: Rank, reader: Reader<'_>, text: &str) -> Option<Finding> {
        let said = Said {
            family: self.family,
            rank,
            at: self.at,
            text: text.to_owned(),
            facts: reader.facts,
            killed: false,
        };
        judge::judge(&said, self.context)
    }

    /// Codex's own record of a session.
    fn rollout(&self, payload: &Value) -> Option<Part> {
        match payload.get("type")?.as_str()? {
            "token_count" => {
                let limits = payload.get("rate_limits")?;
                let reached =
                    limits.get("rate_limit_reached_type").or(payload.get("rate_limit_reached_type"));
                let reached = reached?.as_str()?;
                let full =
                    ["primary", "secondary"].iter().filter_map(|name| limits.get(name)).filter(|window| {
                        window.get("used_percent").and_then(Value::as_f64).is_some_and(|used| used >= 100.0)
                    });
                let until = full.filter_map(|w| when::epoch(w.get("resets_at")?.as_i64()?)).max();
                Some(Part::Sign(Finding {
                    kind: LimitKind::QuotaExhausted,
                    rank: Rank::Window,
                    due: until.map(|at| Due::new(at, 55, "resets_at")),
                    source: "token_count".to_owned(),
                    scope: None,
                    message: reached.chars().take(80).collect(),
                }))
            }
            "task_complete" | "turn_complete" => match payload.get("error").filter(|e| e.is_object()) {
                Some(error) => Some(self.failed(Some(error))),
                None => Some(Part::Success),
            },
            "error" => Some(self.failed(Some(payload))),
            _ => None,
        }
    }

    /// `OpenCode` waits by itself until `next`.
    fn status(&self, status: &Value) -> Option<Part> {
        if status.get("type")?.as_str()? != "retry" {
            return None;
        }
        let next = status.get("next")?.as_i64()?;
        let pause = match when::epoch(next) {
            Some(at) => at.duration_since(self.at),
            None => SignedDuration::from_millis(next.max(0)),
        };
        let message = words(Some(status)).unwrap_or_default();
        // said like the line that it prints, so that it is judged like it
        let line = format!("{message} [retrying in {}s attempt #1]", pause.as_secs().max(0));
        self.judge(Rank::Notice, Reader::new(self.at, self.context.zone), &line).map(Part::Sign)
    }
}

/// Claude's event about the windows of a plan; it comes on healthy turns, too, and only one status is a stop.
fn window(info: &Value) -> Option<Part> {
    if info.get("status")?.as_str()? != "rejected" {
        return None;
    }
    let moment = |value: &Value| when::epoch(value.get("resetsAt")?.as_i64()?);
    let windows = info.get("unifiedWindows").and_then(Value::as_object);
    let closed = windows
        .into_iter()
        .flat_map(Map::values)
        .filter(|window| window.get("status").and_then(Value::as_str) == Some("rejected"));
    let until = closed.filter_map(moment).max().or_else(|| moment(info));
    let name = info.get("rateLimitType").and_then(Value::as_str);
    let billing = ["errorCode", "error_code"]
        .iter()
        .any(|key| info.get(key).and_then(Value::as_str) == Some("credits_required"));
    // without window and time it is any refusal, a throttle, too
    let (kind, rank) = match (billing, name.is_some() || until.is_some()) {
        (true, _) => (LimitKind::Billing, Rank::Window),
        (false, true) => (LimitKind::QuotaExhausted, Rank::Window),
        (false, false) => (LimitKind::RateLimited, Rank::Notice),
    };
    let model = name.and_then(|name| name.strip_prefix("seven_day_"));
    Some(Part::Sign(Finding {
        kind,
        rank,
        due: until.filter(|_| !billing).map(|at| Due::new(at, 60, "resetsAt")),
        source: "rate_limit_event".to_owned(),
        scope: model.filter(|model| !matches!(*model, "overage_included" | "oauth_apps")).map(str::to_owned),
        message: name.map(|name| format!("{name} limit")).unwrap_or_default(),
    }))
}

fn of_subagent(record: &Map<String, Value>) -> bool {
    record.get("parent_tool_use_id").is_some_and(|id| !id.is_null())
}

fn text<'a>(record: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    record.get(key)?.as_str()
}

/// The words of an error, whether it is a text, holds one, or is a list of either.
fn words(value: Option<&Value>) -> Option<String> {
    match value? {
        Value::String(text) => Some(text.clone()),
        Value::Array(items) => {
            let texts: Vec<String> = items.iter().filter_map(|item| words(Some(item))).collect();
            (!texts.is_empty()).then(|| texts.join("\n"))
        }
        Value::Object(table) => {
            let inner = ["message", "text", "data", "error", "detail"];
            inner.iter().find_map(|key| words(table.get(*key)))
        }
        _ => None,
    }
}

/// When the record was written, as far as it says so and that can be.
fn said_at(record: &Map<String, Value>, now: Timestamp) -> Timestamp {
    let stamp = record.get("timestamp").and_then(|stamp| match stamp {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => when::epoch(number.as_i64()?),
        _ => None,
    });
    stamp.filter(|at| recent(*at, now)).unwrap_or(now)
}

/// Whether a stamp may be that of what is read now: clocks differ, and a log of yesterday is history.
pub(super) fn recent(at: Timestamp, now: Timestamp) -> bool {
    at <= now + SignedDuration::from_mins(1) && at >= now - SignedDuration::from_hours(24)
}
