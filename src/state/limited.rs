//! PURE. What is known of a limited backend.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::model::SpecState;
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
    /// No try before; `None`: a human must do something first.
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

    /// Whether another backend takes over: an overloaded service is only asked again for a while.
    #[must_use]
    pub fn gives_way(&self) -> bool {
        self.kind != LimitKind::Overloaded || self.tries > OVERLOADED_TRIES
    }

    /// Whether this limit of the model that a vendor calls `named` is one of a step that asks for `model`.
    ///
    /// A step that asks for none gets what the agent chooses, which nobody knows before; so the limit is its own only
    /// where such a step has met it.
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

/// Limits are an account's (a backend's), or, where the vendor names one, those of a model of it.
impl SpecState {
    /// All that is known: the backend, the model where only that is limited, and the limit.
    pub fn all_limits(&self) -> impl Iterator<Item = (&str, Option<&str>, &Limited)> {
        let whole = self.limits.iter().map(|(backend, limited)| (backend.as_str(), None, limited));
        let models = self.model_limits.iter().flat_map(|(backend, models)| {
            models.iter().map(move |(model, limited)| (backend.as_str(), Some(model.as_str()), limited))
        });
        whole.chain(models)
    }

    /// The same, to be changed.
    pub fn all_limits_mut(&mut self) -> impl Iterator<Item = &mut Limited> {
        self.limits.values_mut().chain(self.model_limits.values_mut().flat_map(|models| models.values_mut()))
    }

    /// What now holds a step back that asks this backend for this model: of several limits the one that ends last, and
    /// its name for people.
    #[must_use]
    pub fn held_back(
        &self,
        backend: &str,
        model: Option<&str>,
        now: Timestamp,
    ) -> Option<(String, &Limited)> {
        let mine = self.all_limits().filter(|(of, named, limited)| {
            *of == backend && limited.holds(now) && named.is_none_or(|named| limited.is_of(named, model))
        });
        let last = mine.max_by_key(|(.., limited)| (limited.until.is_none(), limited.until));
        last.map(|(of, named, limited)| (who(of, named), limited))
    }

    /// The limits of a step that asks this backend for this model are over, or have come to their end.
    pub fn limits_of_step(
        &mut self,
        backend: &str,
        model: Option<&str>,
    ) -> impl Iterator<Item = &mut Limited> {
        let whole = self.limits.get_mut(backend).into_iter();
        let models = self.model_limits.get_mut(backend).into_iter().flatten();
        let mine = models.filter(move |(named, limited)| limited.is_of(named, model));
        whole.chain(mine.map(|(_, limited)| limited))
    }

    /// A step that asked this backend for this model was not refused: neither is limited any more.
    pub fn not_limited(&mut self, backend: &str, model: Option<&str>) {
        self.limits.remove(backend);
        if let Some(models) = self.model_limits.get_mut(backend) {
            models.retain(|named, limited| !limited.is_of(named, model));
        }
        self.model_limits.retain(|_, models| !models.is_empty());
    }

    /// Nothing is known of limits any more, so the next step tries.
    pub fn forget_limits(&mut self) {
        self.limits.clear();
        self.model_limits.clear();
    }

    /// Whoever begins again after a login or a payment has done what was needed.
    pub fn forget_what_a_human_mends(&mut self) {
        self.limits.retain(|_, limited| limited.until.is_some());
        for models in self.model_limits.values_mut() {
            models.retain(|_, limited| limited.until.is_some());
        }
        self.model_limits.retain(|_, models| !models.is_empty());
    }

    /// Whether the run waits for the end of a limit, and not for a rule of its user's.
    #[must_use]
    pub fn waits_for_limit(&self) -> bool {
        self.waiting_until.is_some() && self.waiting_for.as_ref().is_some_and(|why| !why.starts_with("pace."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn limited(until: Option<i64>, asked: &[&str]) -> Limited {
        let asked = asked.iter().map(ToString::to_string).collect();
        let (kind, until) = (LimitKind::QuotaExhausted, until.map(at));
        Limited { kind, why: String::new(), since: at(0), until, stated: true, tries: 1, asked }
    }

    #[test]
    fn a_limit_of_a_model_stops_that_model_alone_and_one_of_the_account_all() {
        let mut state = SpecState::default();
        let models = state.model_limits.entry("claude".into()).or_default();
        models.insert("Opus".into(), limited(Some(200), &[""]));
        let until = |state: &SpecState, model| {
            state.held_back("claude", model, at(100)).map(|(who, l)| (who, l.until.unwrap().as_second()))
        };
        let opus = Some(("claude (Opus)".to_owned(), 200));
        assert_eq!(until(&state, Some("claude-opus-4-5")), opus);
        // what the agent chose by itself was Opus
        assert_eq!(until(&state, None), opus);
        assert_eq!(until(&state, Some("sonnet")), None);
        assert_eq!(state.held_back("other", Some("opus"), at(100)), None);
        state.limits.insert("claude".into(), limited(Some(150), &[]));
        assert_eq!(until(&state, Some("sonnet")), Some(("claude".to_owned(), 150)));
        assert_eq!(until(&state, Some("opus")), opus, "the one that ends last");
        state.not_limited("claude", Some("sonnet"));
        assert_eq!((until(&state, Some("sonnet")), until(&state, Some("opus"))), (None, opus));
        state.not_limited("claude", Some("opus"));
        assert_eq!(state, SpecState::default());
    }

    #[test]
    fn a_state_from_before_there_were_limits_of_models_is_read_as_it_was_meant() {
        let text = r#"{"limits":{"claude":{"kind":"quota_exhausted","why":"w","since":"2026-01-01T00:00:00Z",
            "until":"2026-01-01T05:00:00Z","stated":true,"tries":1}}}"#;
        let state: SpecState = serde_json::from_str(text).unwrap();
        let now = "2026-01-01T01:00:00Z".parse().unwrap();
        assert!(state.held_back("claude", Some("opus"), now).is_some());
        let again = serde_json::to_value(&state).unwrap();
        assert!(again["limits"]["claude"].get("asked").is_none() && again.get("model_limits").is_none());
    }

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
