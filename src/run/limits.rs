//! PURE. What follows when a backend is limited: the attempt does not count, and another backend takes over or the run
//! waits.
//!
//! The limits are in the state, so a run that continues after a kill waits only for the rest.

use std::time::Duration;

use jiff::Timestamp;

use super::backoff;
use super::holding::DUE;
use super::limit_outcome;
use super::machine::{Effect, End, Machine};
use crate::agent::limit::LimitKind;
use crate::config::{Limit, Retry};
use crate::plan::Step;
use crate::state::limited::OVERLOADED_TRIES;
use crate::state::{AccountLimits, Limited, Outcome, Remedy, WaitReason};

/// A stated end this close to now, or past, is not believed if the backend is limited again.
const STALE: Duration = Duration::from_secs(1);

/// The limit of a backend after one more refusal.
#[must_use]
pub(super) fn next_limit(
    before: Option<&Limited>,
    (kind, why, stated): (LimitKind, &str, Option<Timestamp>),
    now: Timestamp,
    limit: &Limit,
    retry: &Retry,
    login_worked: bool,
) -> Limited {
    let tries = before.map_or(0, |b| b.tries) + 1;
    let since = before.map_or(now, |b| b.since);
    let later = |pause: Duration| now.saturating_add(pause).unwrap_or(Timestamp::MAX);
    let pause = |tries: u32| {
        let at = usize::try_from(tries - 1).unwrap_or(usize::MAX).min(limit.unknown.len().saturating_sub(1));
        // never a tight loop, whatever the configuration says
        limit.unknown.get(at).copied().unwrap_or_default().max(Duration::from_secs(1))
    };
    // the stated end came and the limit did not end: guess from then on
    let believed = stated.filter(|at| *at > later(STALE));
    let (until, stated) = match (kind, believed) {
        (LimitKind::Billing, _) => (None, false),
        (LimitKind::Auth, _) => {
            let last = since.saturating_add(limit.login_wait).unwrap_or(Timestamp::MAX);
            (Some(later(pause(tries)).min(last)).filter(|_| login_worked && now < last), false)
        }
        (_, Some(at)) => (Some(at.saturating_add(limit.margin).unwrap_or(Timestamp::MAX)), true),
        // the end is now: only the difference between the clocks is left
        (_, None) if stated.is_some() && tries == 1 => (Some(later(limit.margin.max(STALE))), true),
        (LimitKind::Overloaded, None) if tries <= OVERLOADED_TRIES => {
            (Some(later(backoff::backoff(retry, tries).max(STALE))), false)
        }
        (LimitKind::Overloaded, None) => (Some(later(pause(tries - OVERLOADED_TRIES))), false),
        (_, None) => (Some(later(pause(tries))), false),
    };
    let asked = before.map(|b| b.asked.clone()).unwrap_or_default();
    Limited { kind, why: why.to_owned(), since, until, stated, tries, asked }
}

/// Whether an attempt that no limit ended shows that its backend has none.
fn was_answered(outcome: &Outcome) -> bool {
    !matches!(
        outcome,
        Outcome::Cancelled { .. } | Outcome::Lost | Outcome::Unavailable { .. } | Outcome::TimedOut { .. }
    )
}

impl Machine {
    /// Records a limit, or that the backend answered without one. `login_worked`: a call with its login succeeded lately, in
    /// another spec or with another backend.
    pub(super) fn limited(
        &mut self,
        now: Timestamp,
        (backend, asked): (&str, Option<&str>),
        outcome: &Outcome,
        retry: Option<&Retry>,
        login_worked: bool,
    ) {
        if let Outcome::Limited { limit, why, until, model } = outcome {
            let retry = retry.copied().unwrap_or(Retry {
                attempts: 1,
                backoff: Duration::from_secs(30),
                max_backoff: Duration::from_secs(600),
            });
            let login_worked = login_worked || self.state.answered_lately(backend, now);
            let stated = (*limit, why.as_str(), *until);
            self.note_limit((backend, asked), model.as_ref(), |before, limit| {
                next_limit(before, stated, now, limit, &retry, login_worked)
            });
        } else if was_answered(outcome) {
            self.state.not_limited(backend, asked);
        }
        for account in self.policy.accounts.iter().filter(|account| account.iter().any(|one| one == backend))
        {
            self.state.share_limits(backend, account);
        }
    }

    /// Other runs with the same logins met limits.
    pub(super) fn limits_seen(
        &mut self,
        now: Timestamp,
        accounts: &[(Vec<String>, AccountLimits)],
    ) -> Vec<Effect> {
        for (backends, seen) in accounts {
            self.state.learn_limits(backends, seen, now);
        }
        [vec![Effect::Save], self.replan()].concat()
    }

    /// Notes the limit of a backend, or of the model that is named. `next` gives it from the one before.
    fn note_limit(
        &mut self,
        (backend, asked): (&str, Option<&str>),
        model: Option<&String>,
        next: impl FnOnce(Option<&Limited>, &Limit) -> Limited,
    ) {
        let limit = &self.policy.limit;
        let Some(named) = model else {
            let known = next(self.state.limits.get(backend), limit);
            self.state.limits.insert(backend.to_owned(), known);
            return;
        };
        let models = self.state.model_limits.entry(backend.to_owned()).or_default();
        // vendors write one model in upper and lower case
        let named = models.keys().find(|known| known.eq_ignore_ascii_case(named)).unwrap_or(named).clone();
        let mut known = next(models.get(&named), limit);
        known.asked.insert(asked.unwrap_or_default().to_owned());
        models.insert(named, known);
    }

    /// Whether the login of a backend was refused last.
    pub(super) fn is_refused(&self, backend: &str) -> bool {
        self.state.limits.get(backend).is_some_and(|limited| limited.kind == LimitKind::Auth)
    }

    /// A backend is tried, so its limits are over.
    pub(super) fn tried(&mut self, backend: &str, model: Option<&str>) {
        for limited in self.state.limits_of_step(backend, model) {
            limited.until = Some(DUE);
        }
    }

    /// The effects instead of starting `step`, if its backend is limited and no fallback is free.
    pub(super) fn wait_out(&mut self, now: Timestamp, step: &Step, share: f64) -> Option<Vec<Effect>> {
        let (name, own) =
            self.state.held_back(&step.settings.backend, step.settings.model.as_deref(), now)?;
        let own = own.clone();
        let others = self.policy.limit.fallback.iter().filter_map(|name| {
            let model = self.policy.models.get(name).map(String::as_str);
            self.state.held_back(name, model, now)
        });
        let next = others
            .chain([(name.clone(), &own)])
            .filter_map(|(name, limited)| Some((limited.until?, limited.since, name)))
            .min();
        let over = |reason: String, remedy| End::Limited {
            unit: step.unit.clone(),
            who: name.clone(),
            reason,
            remedy,
        };
        let limit = &self.policy.limit;
        let Some((until, since, backend)) = next else {
            let program = step.settings.argv.first().map_or("", String::as_str);
            let why = match limit_outcome::how_to_fix(own.kind, program, &step.settings.backend) {
                Some(way) => format!("{}; {way}", own.why),
                None => own.why,
            };
            let remedy = if own.kind == LimitKind::Auth { Remedy::Login } else { Remedy::Payment };
            return Some(self.finish(now, over(why, remedy)));
        };
        let too_late = since.saturating_add(limit.max_wait).is_ok_and(|latest| until > latest);
        let rule = match (too_late, limit.wait, own.kind) {
            (true, ..) => Some("it ends later than limit.max_wait allows"),
            // a person can end that sooner
            (false, false, LimitKind::Auth) => Some("limit.wait is false"),
            (false, ..) => None,
        };
        if let Some(rule) = rule {
            let remedy = if own.kind == LimitKind::Auth { Remedy::Login } else { Remedy::Rule };
            return Some(self.finish(now, over(format!("{} ({rule})", own.why), remedy)));
        }
        let until = until.saturating_add(self.policy.jitter.mul_f64(share)).unwrap_or(until);
        Some(self.wait_or_end(now, step, until, WaitReason::Limit { backend, kind: own.kind }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::state::SpecState;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    fn retry() -> Retry {
        Retry { attempts: 3, backoff: Duration::from_secs(30), max_backoff: Duration::from_secs(600) }
    }

    fn next(before: Option<&Limited>, kind: LimitKind, stated: Option<i64>, now: i64) -> Limited {
        next_limit(before, (kind, "later", stated.map(at)), at(now), &Limit::default(), &retry(), false)
    }

    #[test]
    fn a_stated_end_is_waited_for_with_its_margin() {
        let limited = next(None, LimitKind::QuotaExhausted, Some(3600), 0);
        assert_eq!((limited.until, limited.stated), (Some(at(3660)), true));
        assert!(limited.holds(at(3659)) && !limited.holds(at(3660)));
    }

    #[test]
    fn without_a_stated_end_the_last_pause_of_the_schedule_repeats() {
        let mut limited = None;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let new = next(limited.as_ref(), LimitKind::RateLimited, None, 0);
            pauses.push(new.until.unwrap().duration_since(at(0)).as_secs() / 60);
            limited = Some(new);
        }
        assert_eq!(pauses, [5, 15, 30, 60, 60, 60]);
    }

    #[test]
    fn a_stated_end_that_was_wrong_is_followed_by_the_schedule() {
        let first = next(None, LimitKind::QuotaExhausted, Some(100), 0);
        // the same words again, after their time
        let second = next(Some(&first), LimitKind::QuotaExhausted, Some(100), 161);
        assert!(!second.stated && second.until.unwrap() >= at(161 + 300), "{second:?}");
        assert_eq!(second.since, at(0));
    }

    #[test]
    fn overload_gets_short_pauses_first() {
        let mut limited = None;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let new = next(limited.as_ref(), LimitKind::Overloaded, None, 0);
            pauses.push(new.until.unwrap().duration_since(at(0)).as_secs());
            limited = Some(new);
        }
        assert_eq!(pauses, [30, 60, 120, 240, 300, 900]);
    }

    #[test]
    fn a_login_that_worked_is_tried_again_for_a_while() {
        let next = |before: Option<&Limited>, now: i64| {
            let what = (LimitKind::Auth, "401", None);
            next_limit(before, what, at(now), &Limit::default(), &retry(), true)
        };
        let first = next(None, 0);
        assert_eq!(first.until, Some(at(300)));
        let second = next(Some(&first), 300);
        assert_eq!(second.until, Some(at(1200)), "15 minutes, and 20 minutes at most");
        assert_eq!(next(Some(&second), 1200).until, None);
    }

    #[test]
    fn billing_and_auth_limits_have_no_end() {
        assert_eq!(next(None, LimitKind::Billing, Some(100), 0).until, None);
        assert_eq!(next(None, LimitKind::Auth, None, 0).until, None);
    }

    /// Three backends, of which `b` and `c` are fallbacks; `m` is the model of each, and an override asks for `n`.
    fn config() -> Config {
        let mut config = crate::plan::testing::config();
        let backend = config.backends["agent"].clone();
        for name in ["a", "b", "c"] {
            let backend = crate::config::Backend { model: Some("m".to_owned()), ..backend.clone() };
            config.backends.insert(name.to_owned(), backend);
        }
        config.limit.fallback = ["a", "b", "c"].map(str::to_owned).to_vec();
        config.overrides = vec![crate::config::Override {
            title: None,
            review: None,
            human: None,
            tasks: vec!["9".to_owned()],
            backend: None,
            model: Some("n".to_owned()),
            timeout: crate::config::PartialTimeouts::default(),
            retry: crate::config::PartialRetry::default(),
            done: crate::config::PartialDone::default(),
            prompt: None,
            verify: None,
        }];
        config
    }

    /// Which backend takes over from which, and for which of its models.
    fn who(state: &SpecState, now: i64) -> Vec<String> {
        let all = crate::project::progress::fallbacks(state, &config(), at(now)).into_iter();
        all.map(|((name, model), other)| format!("{} for {name} {}", other.backend, model.unwrap())).collect()
    }

    #[test]
    fn the_first_free_fallback_takes_over_until_the_limit_ends() {
        let mut state = SpecState::default();
        state.limits.insert("a".into(), next(None, LimitKind::RateLimited, Some(100), 0));
        state.limits.insert("b".into(), next(None, LimitKind::Auth, None, 0));
        assert_eq!(who(&state, 0), ["c for a m", "c for a n", "c for b m", "c for b n"]);
        assert_eq!(who(&state, 160), ["a for b m", "a for b n"]);
        state.limits.insert("c".into(), next(None, LimitKind::Overloaded, None, 0));
        assert!(who(&state, 0).is_empty());
    }

    #[test]
    fn a_limit_of_one_model_lets_a_fallback_take_over_only_for_it() {
        let mut state = SpecState::default();
        let models = state.model_limits.entry("a".into()).or_default();
        models.insert("n".into(), next(None, LimitKind::QuotaExhausted, Some(100), 0));
        assert_eq!(who(&state, 0), ["b for a n"]);
        // as a fallback it would use its own model, which is free
        state.limits.insert("b".into(), next(None, LimitKind::Auth, None, 0));
        assert_eq!(who(&state, 0), ["c for a n", "a for b m", "a for b n"]);
        state.model_limits.get_mut("a").unwrap().get_mut("n").unwrap().asked.insert("m".to_owned());
        assert_eq!(who(&state, 0), ["c for a m", "c for a n", "c for b m", "c for b n"]);
    }
}
