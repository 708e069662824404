//! PURE. What is known of a limited backend, and of the use of a plan's window.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::limit::{LimitKind, names_model};

/// A backend that said: later. It is forgotten with its first attempt that is not limited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limited {
    /// What kind of limit.
    pub kind: LimitKind,
    /// The vendor's words.
    pub why: String,
    /// Since when it is limited, without a success between.
    pub since: Timestamp,
    /// No try before; `None`: a person must do something first.
    pub until: Option<Timestamp>,
    /// Whether the vendor stated that time; else it is ours.
    pub stated: bool,
    /// Attempts in a row that it refused.
    pub tries: u32,
    /// Where only a model is limited: what the attempts that met it had asked for, as the configuration names it; the
    /// empty name is the agent's own choice.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub asked: BTreeSet<String>,
}

/// How much of a plan's window is used, as the agent reported it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowUse {
    /// Percent of it.
    pub percent: f64,
    /// When it ends.
    pub until: Option<Timestamp>,
}

impl WindowUse {
    /// Of Claude's `rate_limit_event` (its text as it was printed): the window of which most is used.
    #[must_use]
    pub fn of_claude(record: &str) -> Option<Self> {
        let record: serde_json::Value = serde_json::from_str(record).ok()?;
        let info = record.get("rate_limit_info").unwrap_or(&record);
        let windows = info.get("unifiedWindows").and_then(|all| all.as_object()).into_iter().flatten();
        let one = |window: &serde_json::Value| {
            let percent = window.get("utilization")?.as_f64()? * 100.0;
            let until = window.get("resetsAt").and_then(serde_json::Value::as_i64);
            Some(Self { percent, until: until.and_then(|s| Timestamp::from_second(s).ok()) })
        };
        let all = windows.map(|(_, window)| window).chain([info]).filter_map(one);
        all.max_by(|a, b| a.percent.total_cmp(&b.percent))
    }
}

/// Refusals of an overloaded service in a row that are answered by asking again soon.
pub const OVERLOADED_TRIES: u32 = 4;

impl Limited {
    /// Whether nothing is to be tried yet.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| until > now)
    }

    /// Whether another backend takes over: a service in trouble is only asked again for a while.
    #[must_use]
    pub fn gives_way(&self) -> bool {
        let passes = self.kind == LimitKind::Overloaded || self.kind.is_trouble();
        !passes || self.tries > OVERLOADED_TRIES
    }

    /// Whether this limit of the model that a vendor calls `named` is one of a step that asks for `model`.
    ///
    /// A step without a model gets the one that the agent chooses, which is not known before. So the limit applies to it
    /// only if such a step has met it.
    #[must_use]
    pub fn is_of(&self, named: &str, model: Option<&str>) -> bool {
        self.asked.contains(model.unwrap_or_default()) || model.is_some_and(|model| names_model(named, model))
    }
}

/// A limited account, or its model, as people read it: `claude`, `claude (Opus)`.
#[must_use]
pub fn who(backend: &str, model: Option<&str>) -> String {
    model.map_or_else(|| backend.to_owned(), |model| format!("{backend} ({model})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_windows_the_fullest_counts() {
        let record = r#"{"type":"rate_limit_event","rate_limit_info":{"status":"allowed_warning","resetsAt":1000,
            "utilization":0.5,"unifiedWindows":{"five_hour":{"utilization":0.92,"resetsAt":2000}}}}"#;
        let until = Timestamp::from_second(2000).ok();
        assert_eq!(WindowUse::of_claude(record), Some(WindowUse { percent: 92.0, until }));
        assert_eq!(WindowUse::of_claude("{\"rate_limit_info\":{\"status\":\"allowed\"}}"), None);
        assert_eq!(WindowUse::of_claude("torn {"), None);
    }
}
