//! PURE. The state file of the Python tool.

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::ErrorKind;
use crate::state::end::End;
use crate::state::spec_state::SpecState;

/// The progress of one spec in it, and the spec's name if it has one. Its keys are ours, but looser: ids may be numbers,
/// times may be null or lack a zone.
pub(super) fn read(mut map: Map<String, Value>) -> (SpecState, Option<String>) {
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
    let halted = map.shift_remove("halted").and_then(|v| v.as_bool()).unwrap_or(false);
    let halted_task = map.shift_remove("halted_task").filter(|v| !v.is_null()).map(|v| id(&v));
    let mut time = |key: &str| map.shift_remove(key).and_then(|v| v.as_str().and_then(timestamp));
    let halted_at = time("halted_at");
    entry.started_at = time("started_at");
    entry.completed_at = time("completed_at");
    if let Some(Value::Object(assignments)) = map.shift_remove("assignments") {
        entry.assignments = assignments;
    }
    if halted {
        let at = halted_at.or(entry.started_at).unwrap_or(Timestamp::UNIX_EPOCH);
        if let Some(unit) = halted_task {
            // a person should not look for the question here
            entry.halt(at, &unit, "(The Python tool did not keep what was asked.)");
        } else {
            let reason = "the Python tool halted and did not keep at which task".to_owned();
            let exit_code = ErrorKind::Human.exit_code();
            entry.end_run(at, End::Error { reason, exit_code }, true);
        }
    }
    entry.other = map;
    (entry, spec)
}

fn timestamp(text: &str) -> Option<Timestamp> {
    text.parse().ok().or_else(|| {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        Some(civil.to_zoned_datetime(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    })
}
