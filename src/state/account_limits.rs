//! PURE. What runs know together of an account: a login that several backends, specs or machines use.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::limited::{Limited, WindowUse};
use super::spec_state::SpecState;
use crate::agent::limit::LimitKind;

/// How the words begin that say where a limit was met.
const SEEN: &str = " (seen on ";

/// What is known of the limits of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct AccountLimits {
    /// The limit of the whole account.
    pub limited: Option<Limited>,
    /// The limits of its models.
    pub models: BTreeMap<String, Limited>,
    /// The use of a plan's window, from which on a rule lets no step start.
    pub used: Option<WindowUse>,
    /// The machine that saw this.
    pub host: String,
}

impl AccountLimits {
    /// The windows that are closed at this time: their names, and when they open.
    #[must_use]
    pub fn closed(&self, now: Timestamp) -> Vec<(&str, Timestamp)> {
        let whole = self.limited.iter().map(|limited| ("", limited));
        let models = self.models.iter().map(|(model, limited)| (model.as_str(), limited));
        let limits = whole.chain(models).filter_map(|(name, limited)| Some((name, limited.until?)));
        let used = self.used.and_then(|used| used.until).map(|until| ("%", until));
        limits.chain(used).filter(|(_, until)| *until > now).collect()
    }
}

/// Whether another machine with the same login would meet the limit, too, and it ends by itself.
fn is_of_plan(limited: &Limited) -> bool {
    limited.until.is_some() && matches!(limited.kind, LimitKind::RateLimited | LimitKind::QuotaExhausted)
}

/// Whether it is one of the login, and not of the service or of the way to it.
fn is_of_login(limited: &Limited) -> bool {
    limited.kind != LimitKind::Overloaded && !limited.kind.is_trouble()
}

impl SpecState {
    /// A backend was limited, or was let in: the same holds for the backends with its login.
    pub fn share_limits(&mut self, backend: &str, others: &[String]) {
        let whole = self.limits.get(backend).filter(|limited| is_of_login(limited)).cloned();
        let mut models = self.model_limits.get(backend).cloned().unwrap_or_default();
        for limited in models.values_mut() {
            // what this backend chose without a model may not be what another one chooses
            limited.asked.remove("");
        }
        for other in others.iter().filter(|other| *other != backend) {
            match &whole {
                Some(limited) => _ = self.limits.insert(other.clone(), limited.clone()),
                None if self.limits.get(other).is_some_and(is_of_login) => _ = self.limits.remove(other),
                None => {}
            }
            if models.is_empty() {
                self.model_limits.remove(other);
            } else {
                self.model_limits.insert(other.clone(), models.clone());
            }
        }
    }

    /// What this spec knows of an account with these backends. `most`: from so many percent of a window on, a rule lets no
    /// step start.
    #[must_use]
    pub fn account_limits(&self, backends: &[String], most: Option<u32>) -> AccountLimits {
        let mut known = AccountLimits::default();
        for (_, model, limited) in
            self.all_limits().filter(|(of, _, one)| is_of_plan(one) && backends.iter().any(|name| name == of))
        {
            let before = match model {
                None => known.limited.as_ref(),
                Some(model) => known.models.get(model),
            };
            if before.is_some_and(|before| before.until >= limited.until) {
                continue;
            }
            match model {
                None => known.limited = Some(limited.clone()),
                Some(model) => _ = known.models.insert(model.to_owned(), limited.clone()),
            }
        }
        let mine = self.asked_agents().filter(|attempt| backends.contains(&attempt.backend));
        let seen = mine.filter_map(|attempt| Some((attempt.ended_at?, attempt.learned.window?)));
        let last = seen.max_by_key(|(at, _)| *at).map(|(_, used)| used);
        known.used = last.filter(|used| most.is_some_and(|most| used.percent >= f64::from(most)));
        known
    }

    /// Takes over what another run saw of an account with these backends, as far as it holds steps back for longer than what
    /// is known here.
    pub fn learn_limits(&mut self, backends: &[String], seen: &AccountLimits, now: Timestamp) {
        let longer = |own: Option<&Limited>, seen: &Limited| {
            own.is_none_or(|own| own.until.is_some() && own.until < seen.until)
        };
        let learned = |limited: &Limited| {
            let mut limited = limited.clone();
            if !limited.why.contains(SEEN) {
                limited.why = format!("{}{SEEN}{})", limited.why, seen.host);
            }
            limited
        };
        for backend in backends {
            let holds = |limited: &&Limited| is_of_plan(limited) && limited.holds(now);
            if let Some(limited) = seen.limited.as_ref().filter(holds)
                && longer(self.limits.get(backend), limited)
            {
                self.limits.insert(backend.clone(), learned(limited));
            }
            for (model, limited) in seen.models.iter().filter(|(_, limited)| holds(limited)) {
                let own = self.model_limits.get(backend).and_then(|models| models.get(model));
                if longer(own, limited) {
                    let models = self.model_limits.entry(backend.clone()).or_default();
                    models.insert(model.clone(), learned(limited));
                }
            }
            if let Some(used) = seen.used.filter(|used| used.until.is_some_and(|until| until > now)) {
                self.account_use.insert(backend.clone(), used);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::at;

    fn limited(kind: LimitKind, until: Option<i64>) -> Limited {
        let (why, until) = ("later".to_owned(), until.map(at));
        Limited { kind, why, since: at(0), until, stated: true, tries: 1, asked: [String::new()].into() }
    }

    fn names(all: &[&str]) -> Vec<String> {
        all.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn backends_with_one_login_are_limited_and_let_in_together() {
        let all = names(&["a", "b"]);
        let mut state = SpecState::default();
        state.limits.insert("a".into(), limited(LimitKind::Auth, None));
        state
            .model_limits
            .entry("a".into())
            .or_default()
            .insert("M".into(), limited(LimitKind::QuotaExhausted, Some(9)));
        state.share_limits("a", &all);
        assert_eq!(state.limits["b"].kind, LimitKind::Auth);
        assert!(
            state.model_limits["b"]["M"].asked.is_empty() && !state.model_limits["a"]["M"].asked.is_empty()
        );
        // it was let in
        (state.limits, state.model_limits) =
            ([("b".to_owned(), state.limits["b"].clone())].into(), [].into());
        state.share_limits("a", &all);
        assert_eq!(state, SpecState::default());
        // a service in trouble says nothing about a login
        state.limits.insert("a".into(), limited(LimitKind::Overloaded, Some(9)));
        state.share_limits("a", &all);
        assert!(!state.limits.contains_key("b"));
    }

    #[test]
    fn a_window_that_closed_elsewhere_is_closed_here_until_it_opens() {
        let all = names(&["a", "b"]);
        let mut there = SpecState::default();
        assert_eq!(there.account_limits(&all, None), AccountLimits::default());
        there.limits.insert("a".into(), limited(LimitKind::QuotaExhausted, Some(100)));
        there.limits.insert("b".into(), limited(LimitKind::Auth, None));
        let seen = AccountLimits { host: "h".into(), ..there.account_limits(&all, None) };
        assert_eq!(seen.closed(at(99)), [("", at(100))]);
        assert_eq!(seen.closed(at(100)), []);
        let mut here = SpecState::default();
        here.learn_limits(&all, &seen, at(99));
        assert_eq!(here.held_back("b", None, at(99)).unwrap().1.why, "later (seen on h)");
        let once = here.clone();
        here.learn_limits(&all, &seen, at(99));
        assert_eq!(here, once);
        let mut late = SpecState::default();
        late.learn_limits(&all, &seen, at(100));
        assert_eq!(late, SpecState::default());
        // what lasts longer here stays
        here.limits.insert("a".into(), limited(LimitKind::Auth, None));
        here.learn_limits(&all, &seen, at(99));
        assert_eq!(here.limits["a"].until, None);
    }

    #[test]
    fn a_window_that_a_rule_closes_is_shared() {
        use crate::state::testing::attempt;
        let all = names(&["a"]);
        let mut there = SpecState::default();
        let mut one = attempt(1, None);
        one.backend = "a".into();
        one.ended_at = Some(at(1));
        one.learned.window = Some(WindowUse { percent: 91.0, until: Some(at(100)) });
        there.units.entry("1".into()).or_default().attempts.push(one);
        assert_eq!(there.account_limits(&all, Some(95)).used, None);
        let seen = there.account_limits(&all, Some(90));
        assert_eq!(seen.closed(at(2)), [("%", at(100))]);
        let mut here = SpecState::default();
        here.learn_limits(&all, &seen, at(2));
        assert_eq!(here.account_use["a"].until, Some(at(100)));
    }
}
