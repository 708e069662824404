//! What an error record says in fields: codes, HTTP status, and when to come again.
//!
//! Vendors nest the same few fields in many ways (a body as text inside a record, headers beside it), so all of an error
//! is walked. Only errors come here, never what an agent or a tool said.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::when;

/// Texts inside texts are followed this deep.
const DEPTH: u8 = 4;
/// A pause shorter than this beside a daily quota is the server's habit, not the quota's end.
const DAY_PAUSE: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// What the fields of an error say.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// `rate_limit_error`, `QUOTA_EXHAUSTED`, …
    pub(super) codes: Vec<String>,
    pub(super) status: Option<u16>,
    /// The quota is one per day.
    pub(super) daily: bool,
    /// The quota is one per minute.
    pub(super) per_minute: bool,
    /// The quota is zero: waiting does not help.
    pub(super) zero: bool,
    /// The model that the quota is for.
    pub(super) model: Option<String>,
    /// What the error says to a person.
    pub(super) messages: Vec<String>,
    due: Option<Due>,
}

/// A time from a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) at: Timestamp,
    /// Which of several counts; those of texts are below 10.
    pub(super) weight: u8,
    /// The field's name.
    pub(super) field: &'static str,
    /// It was said as a pause, not as a moment.
    pause: bool,
}

impl Due {
    pub(super) fn new(at: Timestamp, weight: u8, field: &'static str) -> Self {
        Self { at, weight, field, pause: false }
    }
}

/// Reads fields that refer to a moment.
pub(super) struct Reader<'a> {
    pub(super) now: Timestamp,
    pub(super) zone: &'a TimeZone,
    pub(super) facts: Facts,
}

impl<'a> Reader<'a> {
    pub(super) fn new(now: Timestamp, zone: &'a TimeZone) -> Self {
        Self { now, zone, facts: Facts::default() }
    }

    /// Reads an error record, or a part of one.
    pub(super) fn value(&mut self, value: &Value) {
        self.walk(value, DEPTH);
    }

    /// Reads the JSON inside a text: `API Error: 529 {"type":…`, also where its quotes are escaped.
    pub(super) fn text(&mut self, text: &str) {
        self.inner(text, DEPTH);
    }

    fn inner(&mut self, text: &str, depth: u8) {
        if depth == 0 {
            return;
        }
        if let Some(value) =
            json_in(text).or_else(|| json_in(&text.replace("\\\"", "\"").replace("\\n", " ")))
        {
            self.walk(&value, depth - 1);
        }
    }

    fn walk(&mut self, value: &Value, depth: u8) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item, depth)),
            Value::Object(table) => {
                self.headers(table);
                for (key, inner) in table {
                    self.field(key, inner, depth);
                    self.walk(inner, depth);
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, key: &str, value: &Value, depth: u8) {
        match (key, value) {
            (
                "type" | "code" | "name" | "status" | "reason" | "error" | "errorType" | "errorCode"
                | "error_type" | "api_error" | "api_error_type" | "codex_error_info" | "errors",
                Value::String(code),
            ) if is_code(code) => self.facts.codes.push(code.clone()),
            (
                "message" | "error" | "responseBody" | "body" | "detail" | "error_details",
                Value::String(text),
            ) => {
                if key != "responseBody" && key != "body" {
                    self.facts.messages.push(text.clone());
                }
                self.inner(text, depth);
            }
            (
                "statusCode" | "status_code" | "status" | "code" | "api_error_status" | "error_status",
                Value::Number(number),
            ) => {
                let status = number.as_u64().filter(|n| (400..600).contains(n));
                self.facts.status = status.and_then(|n| u16::try_from(n).ok()).or(self.facts.status);
            }
            ("quotaId", Value::String(id)) => {
                self.facts.daily |= id.contains("PerDay") || id.contains("Daily");
                self.facts.per_minute |= id.contains("PerMinute");
            }
            ("model", Value::String(model)) if is_code(model) => self.facts.model = Some(model.clone()),
            ("quotaValue", Value::String(number)) => self.facts.zero |= number.trim() == "0",
            _ => self.time(key, value),
        }
    }

    fn time(&mut self, key: &str, value: &Value) {
        let now = self.now;
        let (weight, field) = match key.to_ascii_lowercase().as_str() {
            "resets_at" | "resetsat" | "reset_at" | "resetat" => (50, "resets_at"),
            "quotaresettimestamp" => (48, "quotaResetTimeStamp"),
            "resets_in_seconds" => (46, "resets_in_seconds"),
            "quotaresetdelay" => (44, "quotaResetDelay"),
            "retrydelay" => (42, "retryDelay"),
            "retry-after-ms" => (41, "retry-after-ms"),
            "retry-after" => (40, "retry-after"),
            _ => return,
        };
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            // some keep several values of a header
            Value::Array(items) => items.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
            _ => return,
        };
        let at = match weight {
            48 | 50 => text.parse().map_or_else(|_| when::iso(&text, self.zone), when::epoch),
            40 => when::retry_after(&text, now),
            41 => when::duration(&format!("{text}ms")).and_then(|pause| when::after(now, pause)),
            _ => when::duration(&text).and_then(|pause| when::after(now, pause)),
        };
        if let Some(at) = at {
            self.due(Due { at, weight, field, pause: weight < 46 });
        }
    }

    /// Headers that count only beside others.
    fn headers(&mut self, table: &Map<String, Value>) {
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        for window in ["primary", "secondary"] {
            let used = text(&format!("x-codex-{window}-used-percent")).and_then(|t| t.parse::<f64>().ok());
            let at = text(&format!("x-codex-{window}-reset-at")).and_then(|t| when::epoch(t.parse().ok()?));
            if let (Some(at), true) = (at, used.is_some_and(|used| used >= 100.0)) {
                self.due(Due::new(at, 47, "x-codex-reset-at"));
            }
        }
        let unified = text("anthropic-ratelimit-unified-reset").and_then(|t| when::epoch(t.parse().ok()?));
        if let (Some(at), Some("rejected")) = (unified, text("anthropic-ratelimit-unified-status")) {
            self.due(Due::new(at, 49, "anthropic-ratelimit-unified-reset"));
        }
        for what in ["requests", "tokens", "input-tokens", "output-tokens"] {
            let header = |part: &str| text(&format!("anthropic-ratelimit-{what}-{part}"));
            if let (Some("0"), Some(at)) = (header("remaining"), header("reset"))
                && let Some(at) = when::iso(at, self.zone)
            {
                self.due(Due::new(at, 43, "anthropic-ratelimit-reset"));
            }
        }
    }

    fn due(&mut self, due: Due) {
        // of two windows that are both full, the one that opens later
        let better = |old: Due| due.weight > old.weight || (due.weight == old.weight && due.at > old.at);
        if self.facts.due.is_none_or(better) {
            self.facts.due = Some(due);
        }
    }
}

impl Facts {
    /// When to come again, as far as the fields are to be believed.
    pub(super) fn due(&self, now: Timestamp) -> Option<Due> {
        self.due.filter(|due| !(self.daily && due.pause && too_soon(due.at, now)))
    }
}

/// Whether a time is too near to be the end of a daily quota.
pub(super) fn too_soon(at: Timestamp, now: Timestamp) -> bool {
    at < now + DAY_PAUSE
}

/// A code is one word; a sentence is none.
fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 80
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// The first object or list inside a text that is JSON.
pub(super) fn json_in(text: &str) -> Option<Value> {
    let starts = text.char_indices().filter(|(_, c)| matches!(c, '{' | '['));
    // few: a long text full of braces must not cost its square
    starts.take(8).find_map(|(at, _)| {
        let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        let value = values.next()?.ok()?;
        let holds =
            value.is_object() || value.as_array().is_some_and(|list| list.iter().any(Value::is_object));
        holds.then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(text: &str) -> (Facts, Timestamp) {
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        let zone = TimeZone::UTC;
        let mut reader = Reader::new(now, &zone);
        reader.text(text);
        (reader.facts, now)
    }

    fn due(text: &str) -> Option<(String, &'static str)> {
        let (facts, now) = facts(text);
        facts.due(now).map(|due| (due.at.to_string(), due.field))
    }

    #[test]
    fn a_moment_beats_a_pause_and_a_body_beats_a_header() {
        let text = r#"{"headers":{"retry-after":"60","retry-after-ms":"59500"},
            "responseBody":"{\"error\":{\"resets_in_seconds\":7200,\"resets_at\":1772362800}}"}"#;
        assert_eq!(due(text), Some(("2026-03-01T11:00:00Z".into(), "resets_at")));
        assert_eq!(
            due(r#"{"retry-after":"60","retry-after-ms":"59500"}"#),
            Some(("2026-03-01T09:00:59.5Z".into(), "retry-after-ms"))
        );
    }

    #[test]
    fn retry_after_is_seconds_or_an_http_date() {
        assert_eq!(due(r#"{"retry-after":"90"}"#).unwrap().0, "2026-03-01T09:01:30Z");
        let date = due(r#"{"Retry-After":"Sun, 01 Mar 2026 10:15:00 GMT"}"#);
        assert_eq!(date.unwrap().0, "2026-03-01T10:15:00Z");
        assert_eq!(due(r#"{"retry-after":"soon"}"#), None);
    }

    #[test]
    fn a_short_pause_is_not_the_end_of_a_daily_quota_and_a_long_one_may_be() {
        let with = |delay: &str| {
            due(&format!(r#"[{{"quotaId":"RequestsPerDayPerProject"}},{{"retryDelay":"{delay}"}}]"#))
        };
        assert_eq!(with("34s"), None);
        assert_eq!(with("40000.5s").unwrap().0, "2026-03-01T20:06:40.5Z");
    }

    #[test]
    fn only_a_window_that_is_full_says_when() {
        let with = |used: &str| {
            due(&format!(
                r#"{{"x-codex-primary-used-percent":"{used}","x-codex-primary-reset-at":"1772362800",
                    "x-codex-secondary-used-percent":"40","x-codex-secondary-reset-at":"1772999999"}}"#
            ))
        };
        assert_eq!(with("100").unwrap().0, "2026-03-01T11:00:00Z");
        assert_eq!(with("99"), None);
    }

    #[test]
    fn json_is_found_inside_a_line_also_with_escaped_quotes() {
        for text in [
            r#"API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}} · tail"#,
            r#"error=http 529: Some("{\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}")"#,
            r#"[API Error: [{ "error": { "type": "overloaded_error", "message": "Overloaded" } } ]]"#,
        ] {
            let (facts, _) = facts(text);
            assert!(facts.codes.iter().any(|c| c == "overloaded_error"), "{text}: {facts:?}");
            assert!(facts.messages.iter().any(|m| m == "Overloaded"), "{text}");
        }
        assert!(json_in("no [1, 2] and no {braces}").is_none());
    }
}
