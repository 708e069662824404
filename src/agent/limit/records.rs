//! Which records of an agent's stream have authority, and what they mean.
//!
//! The fields of a record show its vendor, so the family does not matter here: a custom backend that prints what Claude
//! Code prints is read like Claude Code. Records that are not listed here (assistant text, tool results, user and subagent
//! records, progress) have no authority.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

use super::family::Family;
use super::fields::{FieldReader, ResetTime};
use super::judge::{JudgeContext, LimitFinding, Statement, StatementRank, judge};
use super::kind::LimitKind;
use super::times;

/// What a record or a line shows about the attempt.
#[derive(Debug)]
pub(super) enum Evidence {
    /// The agent ended well.
    Success,
    /// The agent failed.
    Failed {
        /// The limit that was the reason, if it was one.
        finding: Option<LimitFinding>,
        /// Whether the record gives no reason at all.
        silent: bool,
    },
    /// A sign of a limit that does not end the stream.
    Sign(LimitFinding),
}

/// Reads a record of the stream. `None` if it has no authority.
pub(super) fn read(record: &Value, family: Family, context: &JudgeContext<'_>) -> Option<Evidence> {
    let record = record.as_object()?;
    let read = RecordReader { record, family, context, at: printed_at(record, context.now) };
    let kind = text(record, "type").or_else(|| text(record, "event")).unwrap_or_default();
    match kind {
        "result" => Some(read.result()),
        "run_result" if text(record, "finishReason") == Some("error") => {
            Some(read.failed(record.get("text")))
        }
        "turn.completed" | "run_result" => Some(Evidence::Success),
        "step_finish" => {
            let reason = record.get("part").and_then(|part| part.get("reason")).and_then(Value::as_str);
            (reason == Some("stop")).then_some(Evidence::Success)
        }
        "turn.failed" => Some(read.failed(record.get("error"))),
        "session.error" => Some(read.failed(record.get("data"))),
        "error" if record.get("error").is_some_and(Value::is_object) => Some(read.failed(None)),
        "error" if text(record, "severity") == Some("warning") => None,
        "error" => read.notice(record.get("message"), None),
        "rate_limit_event" => window(record.get("rate_limit_info")?),
        "assistant" => {
            let code = text(record, "error").filter(|_| !is_of_subagent(record))?;
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
        // cline
        "agent_event" => {
            read.notice(record.get("event").filter(|e| e["type"] == "error")?.get("error"), None)
        }
        // kimi
        kind if kind.contains("error") && text(record, "role") == Some("meta") => {
            read.notice(record.get("error_message"), None)
        }
        // cn
        "" if text(record, "status") == Some("error") => Some(read.failed(None)),
        // OpenHands
        "" if text(record, "source") == Some("environment") && record.contains_key("detail") => {
            Some(read.failed(record.get("detail")))
        }
        "" if record.contains_key("response") => Some(Evidence::Success),
        _ => None,
    }
}

struct RecordReader<'a> {
    record: &'a Map<String, Value>,
    family: Family,
    context: &'a JudgeContext<'a>,
    at: Timestamp,
}

impl RecordReader<'_> {
    /// Reads the record that ends a stream of Claude Code (and CLIs like it), Gemini CLI or Antigravity.
    fn result(&self) -> Evidence {
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
            return Evidence::Success;
        }
        // only these fields are about the end; the others are about the whole run
        let mut reader = FieldReader::new(self.at, self.context.zone);
        let ends = ["api_error", "api_error_status", "api_error_type", "api_error_params", "error", "errors"];
        let fields = ends.iter().filter_map(|key| Some(((*key).to_owned(), record.get(*key)?.clone())));
        reader.value(&Value::Object(fields.collect()));
        let said = text(record, "result");
        let reason = said.map(str::to_owned).or_else(|| words(record.get("error")));
        let reason = reason.or_else(|| words(record.get("errors"))).unwrap_or_default();
        // where a turn ended for another reason, `result` has the agent's words
        self.end(reader, &reason, said.is_none() || subtype != Some(false))
    }

    /// Reads an error record that ends a stream. `part` is the error inside it.
    fn failed(&self, part: Option<&Value>) -> Evidence {
        let whole = Value::Object(self.record.clone());
        let error = part.unwrap_or(&whole);
        let mut reader = FieldReader::new(self.at, self.context.zone);
        reader.value(error);
        let reason = words(Some(error)).or_else(|| words(error.get("error"))).unwrap_or_default();
        self.end(reader, &reason, true)
    }

    fn end(&self, mut reader: FieldReader<'_>, reason: &str, marked: bool) -> Evidence {
        reader.text(reason);
        let finding = self.judge((StatementRank::End, marked), reader, reason);
        Evidence::Failed { finding, silent: reason.trim().is_empty() }
    }

    /// Reads an error that a success may still follow.
    fn notice(&self, message: Option<&Value>, code: Option<&str>) -> Option<Evidence> {
        let message = words(message).unwrap_or_default();
        let mut reader = FieldReader::new(self.at, self.context.zone);
        reader.text(&message);
        for key in ["api_error", "api_error_status", "api_error_type", "api_error_params"] {
            if let Some(value) = self.record.get(key) {
                reader.value(&serde_json::json!({ key: value }));
            }
        }
        reader.fields.codes.extend(code.map(str::to_owned));
        self.judge((StatementRank::Notice, true), reader, &message).map(Evidence::Sign)
    }

    /// Judges a text of this rank; `marked`: it is an error, no words of the agent.
    fn judge(
        &self,
        (rank, marked): (StatementRank, bool),
        reader: FieldReader<'_>,
        text: &str,
    ) -> Option<LimitFinding> {
        let statement = Statement {
            family: self.family,
            rank,
            at: self.at,
            text: text.to_owned(),
            fields: reader.fields,
            marked,
            killed: false,
            gave_up: false,
        };
        judge(&statement, self.context)
    }

    /// Reads a record of Codex's own session file.
    fn rollout(&self, payload: &Value) -> Option<Evidence> {
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
                let until = full.filter_map(|w| times::epoch(w.get("resets_at")?.as_i64()?)).max();
                Some(Evidence::Sign(LimitFinding {
                    kind: LimitKind::QuotaExhausted,
                    rank: StatementRank::Window,
                    reset: until.map(|at| ResetTime::new(at, 55, "resets_at")),
                    source: "token_count".to_owned(),
                    scope: None,
                    message: reached.chars().take(80).collect(),
                }))
            }
            "task_complete" | "turn_complete" => match payload.get("error").filter(|e| e.is_object()) {
                Some(error) => Some(self.failed(Some(error))),
                None => Some(Evidence::Success),
            },
            "error" => Some(self.failed(Some(payload))),
            _ => None,
        }
    }

    /// Reads a status of `OpenCode`, which waits by itself until `next`.
    fn status(&self, status: &Value) -> Option<Evidence> {
        if status.get("type")?.as_str()? != "retry" {
            return None;
        }
        let next = status.get("next")?.as_i64()?;
        let pause = match times::epoch(next) {
            Some(at) => at.duration_since(self.at),
            None => SignedDuration::from_millis(next.max(0)),
        };
        let message = words(Some(status)).unwrap_or_default();
        // in the words of the line that it prints, so that both are judged alike
        let line = format!("{message} [retrying in {}s attempt #1]", pause.as_secs().max(0));
        self.judge((StatementRank::Notice, true), FieldReader::new(self.at, self.context.zone), &line)
            .map(Evidence::Sign)
    }
}

/// Reads Claude's event about the windows of a plan. It comes on healthy turns, too; only one status is a stop.
fn window(info: &Value) -> Option<Evidence> {
    if info.get("status")?.as_str()? != "rejected" {
        return None;
    }
    let moment = |value: &Value| times::epoch(value.get("resetsAt")?.as_i64()?);
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
    // without a window and a time it may be any refusal, for example a throttle
    let (kind, rank) = match (billing, name.is_some() || until.is_some()) {
        (true, _) => (LimitKind::Billing, StatementRank::Window),
        (false, true) => (LimitKind::QuotaExhausted, StatementRank::Window),
        (false, false) => (LimitKind::RateLimited, StatementRank::Notice),
    };
    let model = name.and_then(|name| name.strip_prefix("seven_day_"));
    Some(Evidence::Sign(LimitFinding {
        kind,
        rank,
        reset: until.filter(|_| !billing).map(|at| ResetTime::new(at, 60, "resetsAt")),
        source: "rate_limit_event".to_owned(),
        scope: model.filter(|model| !matches!(*model, "overage_included" | "oauth_apps")).map(str::to_owned),
        message: name.map(|name| format!("{name} limit")).unwrap_or_default(),
    }))
}

fn is_of_subagent(record: &Map<String, Value>) -> bool {
    record.get("parent_tool_use_id").is_some_and(|id| !id.is_null())
}

fn text<'a>(record: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    record.get(key)?.as_str()
}

/// The words of an error: a text, an object that holds one, or a list of either.
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

/// When the record was written, if it says so credibly. Otherwise `now`.
fn printed_at(record: &Map<String, Value>, now: Timestamp) -> Timestamp {
    let stamp = record.get("timestamp").and_then(|stamp| match stamp {
        Value::String(text) => text.parse().ok(),
        Value::Number(number) => times::epoch(number.as_i64()?),
        _ => None,
    });
    stamp.filter(|at| is_recent(*at, now)).unwrap_or(now)
}

/// Whether a record of this time can be about the present. Clocks differ by a little, and a log may hold history.
pub(super) fn is_recent(at: Timestamp, now: Timestamp) -> bool {
    at <= now + SignedDuration::from_mins(1) && at >= now - SignedDuration::from_hours(24)
}
