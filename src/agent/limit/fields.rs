//! The fields of an error record: codes, HTTP status, and when the limit ends.
//!
//! Vendors nest the same few fields in many ways (a body as text inside a record, headers next to it), so the reader
//! walks through the whole error. Only errors are read here, never the words of an agent or a tool.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::times;

/// How deep JSON inside texts is followed.
const DEPTH: u8 = 4;
/// With a daily quota, a shorter pause is the server's default, not the end of the quota.
const DAY_PAUSE: jiff::SignedDuration = jiff::SignedDuration::from_hours(1);

/// The fields of an error that matter here.
#[derive(Debug, Default)]
pub(super) struct ErrorFields {
    /// `rate_limit_error`, `QUOTA_EXHAUSTED`, …
    pub(super) codes: Vec<String>,
    pub(super) status: Option<u16>,
    /// Whether the quota is per day.
    pub(super) daily: bool,
    /// Whether the quota is zero, so that waiting does not help.
    pub(super) zero: bool,
    /// The model that the quota is for.
    pub(super) model: Option<String>,
    /// The error's messages for people.
    pub(super) messages: Vec<String>,
    reset: Option<ResetTime>,
}

/// When a limit ends, and how far the source of the time is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ResetTime {
    pub(super) at: Timestamp,
    /// The greatest weight counts. Times from texts weigh less than 10.
    pub(super) weight: u8,
    /// Name of the field, or of the form in a text.
    pub(super) field: &'static str,
    /// Whether the source gives a pause, not a point in time.
    is_pause: bool,
}

impl ResetTime {
    pub(super) fn new(at: Timestamp, weight: u8, field: &'static str) -> Self {
        Self { at, weight, field, is_pause: false }
    }
}

/// Reads the fields of an error that was printed at `now`.
pub(super) struct FieldReader<'a> {
    pub(super) now: Timestamp,
    pub(super) zone: &'a TimeZone,
    pub(super) fields: ErrorFields,
}

impl<'a> FieldReader<'a> {
    pub(super) fn new(now: Timestamp, zone: &'a TimeZone) -> Self {
        Self { now, zone, fields: ErrorFields::default() }
    }

    /// Reads an error record, or a part of one.
    pub(super) fn value(&mut self, value: &Value) {
        self.walk(value, DEPTH);
    }

    /// Reads the JSON inside a text, like `API Error: 529 {"type":…`. Its quotes may be escaped.
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
            ) if is_code(code) => self.fields.codes.push(code.clone()),
            (
                "message" | "error" | "responseBody" | "body" | "detail" | "error_details",
                Value::String(text),
            ) => {
                if key != "responseBody" && key != "body" {
                    self.fields.messages.push(text.clone());
                }
                self.inner(text, depth);
            }
            (
                "statusCode" | "status_code" | "status" | "code" | "api_error_status" | "error_status",
                Value::Number(number),
            ) => {
                let status = number.as_u64().filter(|n| (400..600).contains(n));
                self.fields.status = status.and_then(|n| u16::try_from(n).ok()).or(self.fields.status);
            }
            ("quotaId", Value::String(id)) => {
                self.fields.daily |= id.contains("PerDay") || id.contains("Daily");
            }
            ("model", Value::String(model)) if is_code(model) => self.fields.model = Some(model.clone()),
            ("quotaValue", Value::String(number)) => self.fields.zero |= number.trim() == "0",
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
            // a header may have several values
            Value::Array(items) => items.first().and_then(Value::as_str).unwrap_or_default().to_owned(),
            _ => return,
        };
        let at = match weight {
            48 | 50 => text.parse().map_or_else(|_| times::iso(&text, self.zone), times::epoch),
            40 => times::retry_after(&text, now),
            41 => times::duration(&format!("{text}ms")).and_then(|pause| times::after(now, pause)),
            _ => times::duration(&text).and_then(|pause| times::after(now, pause)),
        };
        if let Some(at) = at {
            self.reset_at(ResetTime { at, weight, field, is_pause: weight < 46 });
        }
    }

    /// Reads headers that count only together with another header.
    fn headers(&mut self, table: &Map<String, Value>) {
        let text = |key: &str| table.get(key).and_then(Value::as_str);
        for window in ["primary", "secondary"] {
            let used = text(&format!("x-codex-{window}-used-percent")).and_then(|t| t.parse::<f64>().ok());
            let at = text(&format!("x-codex-{window}-reset-at")).and_then(|t| times::epoch(t.parse().ok()?));
            if let (Some(at), true) = (at, used.is_some_and(|used| used >= 100.0)) {
                self.reset_at(ResetTime::new(at, 47, "x-codex-reset-at"));
            }
        }
        let unified = text("anthropic-ratelimit-unified-reset").and_then(|t| times::epoch(t.parse().ok()?));
        if let (Some(at), Some("rejected")) = (unified, text("anthropic-ratelimit-unified-status")) {
            self.reset_at(ResetTime::new(at, 49, "anthropic-ratelimit-unified-reset"));
        }
        for quota in ["requests", "tokens", "input-tokens", "output-tokens"] {
            let header = |part: &str| text(&format!("anthropic-ratelimit-{quota}-{part}"));
            if let (Some("0"), Some(at)) = (header("remaining"), header("reset"))
                && let Some(at) = times::iso(at, self.zone)
            {
                self.reset_at(ResetTime::new(at, 43, "anthropic-ratelimit-reset"));
            }
        }
    }

    fn reset_at(&mut self, new: ResetTime) {
        // if two windows are full, the one that opens later counts
        let better =
            |old: ResetTime| new.weight > old.weight || (new.weight == old.weight && new.at > old.at);
        if self.fields.reset.is_none_or(better) {
            self.fields.reset = Some(new);
        }
    }
}

impl ErrorFields {
    /// When the limit ends, if the fields say it credibly.
    pub(super) fn reset(&self, now: Timestamp) -> Option<ResetTime> {
        self.reset.filter(|reset| !(self.daily && reset.is_pause && too_soon(reset.at, now)))
    }
}

/// Whether a time is too close to be the end of a daily quota.
pub(super) fn too_soon(at: Timestamp, now: Timestamp) -> bool {
    at < now + DAY_PAUSE
}

/// Whether a text is a code: one word, not a sentence.
fn is_code(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 80
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// The first JSON object, or list of objects, inside a text.
pub(super) fn json_in(text: &str) -> Option<Value> {
    let starts = text.char_indices().filter(|(_, c)| matches!(c, '{' | '['));
    // only a few, because a long text full of braces would take quadratic time
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

    fn fields(text: &str) -> (ErrorFields, Timestamp) {
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        let zone = TimeZone::UTC;
        let mut reader = FieldReader::new(now, &zone);
        reader.text(text);
        (reader.fields, now)
    }

    fn reset(text: &str) -> Option<(String, &'static str)> {
        let (fields, now) = fields(text);
        fields.reset(now).map(|reset| (reset.at.to_string(), reset.field))
    }

    #[test]
    fn a_point_in_time_beats_a_pause_and_a_body_beats_a_header() {
        let text = r#"{"headers":{"retry-after":"60","retry-after-ms":"59500"},
            "responseBody":"{\"error\":{\"resets_in_seconds\":7200,\"resets_at\":1772362800}}"}"#;
        assert_eq!(reset(text), Some(("2026-03-01T11:00:00Z".into(), "resets_at")));
        assert_eq!(
            reset(r#"{"retry-after":"60","retry-after-ms":"59500"}"#),
            Some(("2026-03-01T09:00:59.5Z".into(), "retry-after-ms"))
        );
    }

    #[test]
    fn retry_after_is_seconds_or_an_http_date() {
        assert_eq!(reset(r#"{"retry-after":"90"}"#).unwrap().0, "2026-03-01T09:01:30Z");
        let date = reset(r#"{"Retry-After":"Sun, 01 Mar 2026 10:15:00 GMT"}"#);
        assert_eq!(date.unwrap().0, "2026-03-01T10:15:00Z");
        assert_eq!(reset(r#"{"retry-after":"soon"}"#), None);
    }

    #[test]
    fn a_short_pause_does_not_end_a_daily_quota_but_a_long_one_may() {
        let with = |delay: &str| {
            reset(&format!(r#"[{{"quotaId":"RequestsPerDayPerProject"}},{{"retryDelay":"{delay}"}}]"#))
        };
        assert_eq!(with("34s"), None);
        assert_eq!(with("40000.5s").unwrap().0, "2026-03-01T20:06:40.5Z");
    }

    #[test]
    fn only_a_full_window_gives_the_time() {
        let with = |used: &str| {
            reset(&format!(
                r#"{{"x-codex-primary-used-percent":"{used}","x-codex-primary-reset-at":"1772362800",
                    "x-codex-secondary-used-percent":"40","x-codex-secondary-reset-at":"1772999999"}}"#
            ))
        };
        assert_eq!(with("100").unwrap().0, "2026-03-01T11:00:00Z");
        assert_eq!(with("99"), None);
    }

    #[test]
    fn json_is_found_inside_a_line_even_with_escaped_quotes() {
        for text in [
            r#"API Error: 529 {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}} · tail"#,
            r#"error=http 529: Some("{\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}")"#,
            r#"[API Error: [{ "error": { "type": "overloaded_error", "message": "Overloaded" } } ]]"#,
        ] {
            let (fields, _) = fields(text);
            assert!(fields.codes.iter().any(|c| c == "overloaded_error"), "{text}: {fields:?}");
            assert!(fields.messages.iter().any(|m| m == "Overloaded"), "{text}");
        }
        assert!(json_in("no [1, 2] and no {braces}").is_none());
    }
}
