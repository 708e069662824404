//! PURE. The state file of the Python tool.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::model::{Read, SpecState};

/// The Python tool's keys are ours, but looser: ids may be numbers, times may be null or lack a zone.
pub(super) fn read(mut map: Map<String, Value>) -> Read {
    let spec = ["spec", "spec_path", "spec_dir"]
        .iter()
        .find_map(|key| map.get(*key)?.as_str())
        .and_then(|path| path.trim_end_matches('/').rsplit('/').next())
        .map(str::to_owned);
    let id = |v: &Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let mut entry = SpecState::default();
    if let Some(Value::Array(ids)) = map.shift_remove("completed") {
        let ids: Vec<String> = ids.iter().map(id).collect();
        entry.complete(&ids);
    }
    entry.halted = map.shift_remove("halted").and_then(|v| v.as_bool()).unwrap_or(false);
    entry.halted_task = map.shift_remove("halted_task").filter(|v| !v.is_null()).map(|v| id(&v));
    if entry.halted {
        // it kept no such thing; a human should not look for it here
        entry.question = Some("(The Python tool did not keep what was asked.)".to_owned());
    }
    let mut time = |key: &str| map.shift_remove(key).and_then(|v| v.as_str().and_then(timestamp));
    entry.halted_at = time("halted_at");
    entry.started_at = time("started_at");
    entry.completed_at = time("completed_at");
    if let Some(Value::Object(assignments)) = map.shift_remove("assignments") {
        entry.assignments = assignments;
    }
    entry.other = map;
    Read::Python { entry: Box::new(entry), spec }
}

fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}
