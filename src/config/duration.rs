//! PURE. Durations as people write them: `15s`, `2m 30s`, or whole seconds.

use std::time::Duration;

use serde_json::{Value, json};

use super::key::{ConfigType, KeyShape, ValueError, ValueFormat, read_element};
use super::tree::{TomlNode, TomlValue};

/// More than this, added to a clock, may overflow it, and is never meant.
const LONGEST: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// The units that humantime reads.
const UNITS: &str = "nanos|nsec|ns|usec|us|µs|millis|msec|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d|\
                     weeks?|wks?|w|months?|M|years?|yrs?|y";

/// Reads a humantime text or whole seconds.
pub(super) fn parse(text: &str) -> Result<Duration, ValueError> {
    let bare = text.trim();
    let read = if !bare.is_empty() && bare.bytes().all(|b| b.is_ascii_digit()) {
        bare.parse().ok().map(Duration::from_secs)
    } else {
        humantime::parse_duration(bare).ok()
    };
    match read {
        Some(read) if read > LONGEST => Err(ValueError::Because(format!("{text:?} is more than ten years"))),
        Some(read) => Ok(read),
        None => Err(ValueError::Form),
    }
}

fn tidy(node: &TomlNode) -> TomlValue {
    match &node.value {
        TomlValue::Int(seconds) => TomlValue::Text(format!("{seconds}s")),
        other => other.clone(),
    }
}

fn schema() -> Value {
    json!({ "anyOf": [
        { "type": "string", "pattern": format!("^\\s*([0-9]+|([0-9]+(\\.[0-9]+)?\\s*({UNITS})\\s*)+)\\s*$") },
        { "type": "integer", "minimum": 0, "maximum": LONGEST.as_secs() },
    ] })
}

impl ConfigType for Duration {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        tidy,
        schema,
        ..ValueFormat::of::<Self>("duration", "write it like \"15s\" or \"2m 30s\"")
    });

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        match &node.value {
            TomlValue::Text(text) => parse(text),
            TomlValue::Int(seconds) if *seconds >= 0 => parse(&seconds.to_string()),
            _ => Err(ValueError::Form),
        }
    }
}

/// A duration that is not zero.
pub(super) struct NonZeroDuration;

impl ConfigType for NonZeroDuration {
    type Value = Duration;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        tidy,
        schema,
        ..ValueFormat::of::<Self>("duration", "write it like \"15s\" or \"2m 30s\"")
    });

    fn read(node: &TomlNode) -> Result<Duration, ValueError> {
        match Duration::read(node)? {
            Duration::ZERO => Err(ValueError::Because("must be longer than \"0s\"".to_owned())),
            pause => Ok(pause),
        }
    }
}

/// A list of durations, at least one.
impl ConfigType for Vec<Duration> {
    type Value = Self;
    const SHAPE: KeyShape = KeyShape::Value(ValueFormat {
        tidy: |node| {
            let items = node.list().unwrap_or_default().iter();
            TomlValue::List(items.map(|inner| TomlNode { line: inner.line, value: tidy(inner) }).collect())
        },
        schema: || json!({ "type": "array", "items": schema(), "minItems": 1 }),
        ..ValueFormat::of::<Self>("list of durations", "write it like [\"5m\", \"1h\"]")
    });

    fn read(node: &TomlNode) -> Result<Self, ValueError> {
        let items = node.list().filter(|items| !items.is_empty()).ok_or(ValueError::Form)?;
        items.iter().map(read_element::<Duration>).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_text_or_whole_seconds() {
        assert_eq!(parse("2m 30s"), Ok(Duration::from_secs(150)));
        assert_eq!(parse("15"), Ok(Duration::from_secs(15)));
        assert_eq!(parse("0s"), Ok(Duration::ZERO));
        for text in ["", "-5s", "-5", "15 parsecs", "1.5", "99999999999999999999", "1000y"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(Duration::read(&TomlNode::from(TomlValue::Int(30))), Ok(Duration::from_secs(30)));
        for wrong in [TomlValue::Int(-30), TomlValue::Float(1.5), TomlValue::Bool(true)] {
            assert_eq!(Duration::read(&TomlNode::from(wrong)), Err(ValueError::Form));
        }
    }

    #[test]
    fn a_pause_is_longer_than_nothing() {
        assert_eq!(NonZeroDuration::read(&TomlNode::from(TomlValue::Int(5))), Ok(Duration::from_secs(5)));
        assert!(NonZeroDuration::read(&TomlNode::from(TomlValue::Int(0))).is_err());
    }
}
