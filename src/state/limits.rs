//! PURE. The limits that are known of a spec's backends: of an account (a backend), or, where the vendor names one, of a
//! model of it.

use jiff::{SignedDuration, Timestamp};

use super::attempt::AttemptRecord;
use super::limited::{Limited, who};
use super::spec_state::SpecState;

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

    /// Whether a call of this backend succeeded in this run or within the last day, so that its login is good.
    #[must_use]
    pub fn answered_lately(&self, backend: &str, now: Timestamp) -> bool {
        let day = now.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MIN);
        let since = self.run.open().map_or(day, |run| run.began.min(day));
        let mut mine =
            self.asked_agents().filter(|a| a.backend == backend && a.ended_at.is_some_and(|at| at >= since));
        mine.any(AttemptRecord::was_answered)
    }

    /// Nothing is known of limits any more, so the next step tries.
    pub fn forget_limits(&mut self) {
        self.limits.clear();
        self.model_limits.clear();
    }

    /// Forgets the limits that only a person can end: who begins a run has logged in or paid.
    pub fn forget_limits_of_humans(&mut self) {
        self.limits.retain(|_, limited| limited.until.is_some());
        for models in self.model_limits.values_mut() {
            models.retain(|_, limited| limited.until.is_some());
        }
        self.model_limits.retain(|_, models| !models.is_empty());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::limit::LimitKind;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn limited(until: Option<i64>, asked: &[&str]) -> Limited {
        let asked = asked.iter().map(ToString::to_string).collect();
        let (kind, until) = (LimitKind::QuotaExhausted, until.map(at));
        Limited { kind, why: String::new(), since: at(0), until, stated: true, tries: 1, asked }
    }

    #[test]
    fn a_limit_of_a_model_stops_that_model_alone() {
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
}
