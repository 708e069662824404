//! PURE. `[pace]`: when the next step may start, so that a run does not use up the quota.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::machine::{Effect, End, Machine};
use crate::agent::Usage;
use crate::config::{Pace, PaceWindow};
use crate::plan::Step;
use crate::state::{AttemptRecord, Remedy, SpecState, WaitReason, WindowUse};

const HOUR: Duration = Duration::from_secs(3600);

/// Why a step that could start now must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// A rule delays it to this time. The text names the rule.
    Until(Timestamp, String),
    /// It cannot start in this run. The text says why.
    Over(String),
}

/// The past that the rules look at.
#[derive(Debug, Clone)]
pub(super) struct History<'a> {
    /// When the run began; `None`: all attempts count as those of this run.
    pub(super) began: Option<Timestamp>,
    /// All attempts.
    pub(super) attempts: Vec<&'a AttemptRecord>,
    /// Calls of agents that assigned tasks. They cost what attempts cost, and are no steps.
    pub(super) calls: &'a [AttemptRecord],
    /// What other runs saw of the use of a plan's window, by backend.
    pub(super) seen: Option<&'a BTreeMap<String, WindowUse>>,
}

impl<'a> History<'a> {
    /// The past of a spec's current run.
    pub(super) fn of(state: &'a SpecState) -> Self {
        let attempts = state.units.values().flat_map(|unit| &unit.attempts).collect();
        Self { began: state.run.began(), attempts, calls: &state.calls, seen: Some(&state.account_use) }
    }
}

/// The rule that holds a step back the longest, if any does.
#[must_use]
pub(super) fn held(
    pace: &Pace,
    history: &History<'_>,
    backend: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Held> {
    let attempts = || history.attempts.iter().copied();
    let paid = || attempts().chain(history.calls);
    if let Some(most) = pace.max_cost_usd {
        let of_run = paid().filter(|a| history.began.is_none_or(|began| a.started_at >= began));
        let mut used = Usage::default();
        of_run
            .filter_map(|a| a.learned.usage)
            .for_each(|usage| used.add(&Usage { cumulative: false, ..usage }));
        let cost = used.cost_usd.unwrap_or(0.0);
        if cost >= most {
            let about = if used.cost_estimated { "≈" } else { "" };
            let text = format!("it has cost {about}${cost:.2}, and pace.max_cost_usd is {most:.2}");
            return Some(Held::Over(text));
        }
    }
    let window = pace
        .window
        .and_then(|window| Some((opens(window, now, zone)?, format!("pace.window = \"{}\"", shown(window)))));
    let hourly = pace.tasks_per_hour.and_then(|most| {
        // an attempt that a limit refused does not count
        let started = attempts().filter(|a| a.is_try());
        let started = started.map(|a| (a.started_at, 1));
        Some((
            below_budget_at(started.collect(), u64::from(most), HOUR, now)?,
            format!("pace.tasks_per_hour = {most}"),
        ))
    });
    let budget = pace.tokens.and_then(|budget| {
        let used = |a: &AttemptRecord| Some((a.ended_at?, a.learned.usage.as_ref().and_then(Usage::tokens)?));
        let until = below_budget_at(paid().filter_map(used).collect(), budget.tokens, budget.per, now)?;
        Some((
            until,
            format!("pace.tokens = {} per {}", budget.tokens, humantime::format_duration(budget.per)),
        ))
    });
    let used = pace.stop_at_utilization.and_then(|most| {
        let mine = paid().filter(|a| a.backend == backend && a.ended_at.is_some());
        let own = mine.max_by_key(|a| a.ended_at).and_then(|last| last.learned.window);
        let seen = history.seen.and_then(|seen| seen.get(backend)).copied();
        let full = own.into_iter().chain(seen).filter(|used| used.percent >= f64::from(most));
        let (until, percent) = full
            .filter_map(|used| Some((used.until.filter(|until| *until > now)?, used.percent)))
            .max_by_key(|(until, _)| *until)?;
        Some((until, format!("pace.stop_at_utilization = {most}, and {percent:.0} % are used")))
    });
    let (until, rule) = [window, hourly, budget, used].into_iter().flatten().max()?;
    Some(Held::Until(until, rule))
}

fn shown(window: PaceWindow) -> String {
    format!("{}-{}", window.from.strftime("%H:%M"), window.until.strftime("%H:%M"))
}

/// When the window opens next; `None` if it is open.
fn opens(window: PaceWindow, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let local = now.to_zoned_datetime(zone.clone());
    let time = local.time();
    let open = if window.from < window.until {
        (window.from..window.until).contains(&time)
    } else {
        time >= window.from || time < window.until
    };
    if open {
        return None;
    }
    let day = if time < window.from { local.date() } else { local.date().saturating_add(1.day()) };
    // if daylight saving skips that time, this is the first time after the gap
    Some(day.to_datetime(window.from).to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

/// When the sum within the last `span` falls below `most`; `None` if it is below now. Each entry is a time and an amount.
fn below_budget_at(
    mut spent: Vec<(Timestamp, u64)>,
    most: u64,
    span: Duration,
    now: Timestamp,
) -> Option<Timestamp> {
    let leaves = |at: Timestamp| at.saturating_add(span).unwrap_or(Timestamp::MAX);
    spent.retain(|(at, _)| leaves(*at) > now);
    spent.sort_unstable();
    let mut sum: u64 = spent.iter().map(|(_, n)| n).sum();
    let mut until = None;
    for (at, n) in spent {
        if sum < most {
            break;
        }
        sum -= n;
        until = Some(leaves(at));
    }
    until
}

impl Machine {
    /// The effects instead of asking an agent of `backend` for `step`, if a rule holds it back.
    pub(super) fn keep_pace(&mut self, now: Timestamp, step: &Step, backend: &str) -> Option<Vec<Effect>> {
        let (pace, zone) = (&self.policy.pace, &self.policy.zone);
        let (until, rule) = match held(pace, &History::of(&self.state), backend, now, zone)? {
            Held::Until(until, rule) => (until, rule),
            Held::Over(reason) => {
                let (unit, who) = (step.unit.clone(), "this run".to_owned());
                let end = End::Limited { unit, who, reason, remedy: Remedy::Rule };
                return Some(self.finish(now, end));
            }
        };
        Some(self.wait_or_end(now, step, until, WaitReason::Pace { rule }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TokenBudget;
    use crate::state::{OpenRun, Run};

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn berlin() -> TimeZone {
        TimeZone::get("Europe/Berlin").unwrap()
    }

    fn state(attempts: &[(&str, u64, f64)]) -> SpecState {
        let attempts: Vec<_> = attempts
            .iter()
            .enumerate()
            .map(|(n, (ended, tokens, cost))| {
                serde_json::json!({"number": n + 1, "backend": "a", "started_at": ended, "ended_at": ended,
                    "outcome": {"kind": "done"}, "usage": {"input": tokens, "output": 0, "cost_usd": cost}})
            })
            .collect();
        serde_json::from_value(serde_json::json!({"units": {"1": {"attempts": attempts}}})).unwrap()
    }

    fn until(pace: &Pace, state: &SpecState, now: &str) -> Option<String> {
        match held(pace, &History::of(state), "a", at(now), &berlin()) {
            Some(Held::Until(until, _)) => Some(until.to_string()),
            Some(Held::Over(why)) => Some(why),
            None => None,
        }
    }

    #[test]
    fn a_window_across_midnight_opens_in_local_time_and_summer_time() {
        let night: PaceWindow =
            PaceWindow { from: jiff::civil::time(22, 0, 0, 0), until: jiff::civil::time(7, 0, 0, 0) };
        let pace = Pace { window: Some(night), ..Pace::default() };
        let none = SpecState::default();
        assert_eq!(until(&pace, &none, "2026-01-10T12:00:00Z"), Some("2026-01-10T21:00:00Z".into()));
        assert_eq!(until(&pace, &none, "2026-01-10T22:00:00Z"), None);
        assert_eq!(until(&pace, &none, "2026-01-10T05:59:59Z"), None);
        assert_eq!(until(&pace, &none, "2026-01-10T06:00:00Z"), Some("2026-01-10T21:00:00Z".into()));
        // summer time begins on 29 March 2026
        assert_eq!(until(&pace, &none, "2026-03-29T10:00:00Z"), Some("2026-03-29T20:00:00Z".into()));
        let gap = PaceWindow { from: jiff::civil::time(2, 30, 0, 0), until: jiff::civil::time(5, 0, 0, 0) };
        let pace = Pace { window: Some(gap), ..Pace::default() };
        assert_eq!(until(&pace, &none, "2026-03-28T23:00:00Z"), Some("2026-03-29T01:30:00Z".into()));
    }

    #[test]
    fn no_more_steps_start_within_an_hour_than_allowed() {
        let pace = Pace { tasks_per_hour: Some(2), ..Pace::default() };
        let state = state(&[("2026-01-10T10:00:00Z", 0, 0.0), ("2026-01-10T10:20:00Z", 0, 0.0)]);
        assert_eq!(until(&pace, &state, "2026-01-10T10:30:00Z"), Some("2026-01-10T11:00:00Z".into()));
        assert_eq!(until(&pace, &state, "2026-01-10T11:00:00Z"), None);
        // an attempt that a limit refused does not count
        let mut refused = state;
        refused.units.get_mut("1").unwrap().attempts[1].outcome = Some(crate::state::Outcome::Limited {
            limit: crate::agent::limit::LimitKind::RateLimited,
            why: String::new(),
            until: None,
            model: None,
        });
        assert_eq!(until(&pace, &refused, "2026-01-10T10:30:00Z"), None);
    }

    #[test]
    fn tokens_are_free_again_when_their_span_is_over() {
        let budget = TokenBudget { tokens: 1000, per: Duration::from_secs(5 * 3600) };
        let pace = Pace { tokens: Some(budget), ..Pace::default() };
        let state = state(&[("2026-01-10T10:00:00Z", 600, 0.0), ("2026-01-10T11:00:00Z", 900, 0.0)]);
        // without the first attempt 900 tokens are used, fewer than 1000
        assert_eq!(until(&pace, &state, "2026-01-10T12:00:00Z"), Some("2026-01-10T15:00:00Z".into()));
        assert_eq!(until(&pace, &state, "2026-01-10T15:00:00Z"), None);
    }

    #[test]
    fn a_call_that_assigned_tasks_counts_as_money_and_as_no_step() {
        let mut state = state(&[("2026-01-10T10:00:00Z", 600, 1.5)]);
        let mut call = state.units["1"].attempts[0].clone();
        call.learned.window = Some(WindowUse { percent: 95.0, until: Some(at("2026-01-10T13:00:00Z")) });
        (call.started_at, call.ended_at) = (at("2026-01-10T10:10:00Z"), Some(at("2026-01-10T10:10:00Z")));
        state.calls = vec![call];
        let now = "2026-01-10T10:20:00Z";
        let cost = Pace { max_cost_usd: Some(3.0), ..Pace::default() };
        assert!(until(&cost, &state, now).unwrap().contains("$3.00"));
        let tokens = TokenBudget { tokens: 1000, per: HOUR };
        let tokens = Pace { tokens: Some(tokens), ..Pace::default() };
        assert_eq!(until(&tokens, &state, now), Some("2026-01-10T11:00:00Z".into()));
        let window = Pace { stop_at_utilization: Some(90), ..Pace::default() };
        assert_eq!(until(&window, &state, now), Some("2026-01-10T13:00:00Z".into()));
        let steps = Pace { tasks_per_hour: Some(2), ..Pace::default() };
        assert_eq!(until(&steps, &state, now), None);
    }

    #[test]
    fn a_run_ends_at_its_cost_limit_and_earlier_runs_do_not_count() {
        let pace = Pace { max_cost_usd: Some(2.0), ..Pace::default() };
        let mut state = state(&[("2026-01-10T10:00:00Z", 0, 1.5), ("2026-01-10T11:00:00Z", 0, 1.0)]);
        assert!(until(&pace, &state, "2026-01-10T12:00:00Z").unwrap().contains("$2.50"));
        state.run = Run::Open(OpenRun::new(at("2026-01-10T10:30:00Z"), [].into()));
        assert_eq!(until(&pace, &state, "2026-01-10T12:00:00Z"), None);
    }

    #[test]
    fn no_step_starts_while_a_quota_window_is_nearly_used_up() {
        let pace = Pace { stop_at_utilization: Some(90), ..Pace::default() };
        let mut state = state(&[("2026-01-10T10:00:00Z", 0, 0.0)]);
        let end = at("2026-01-10T13:00:00Z");
        let mut at_percent = |percent| {
            let unit = state.units.get_mut("1").unwrap();
            unit.attempts[0].learned.window = Some(WindowUse { percent, until: Some(end) });
            until(&pace, &state, "2026-01-10T12:00:00Z")
        };
        assert_eq!(at_percent(89.0), None);
        assert_eq!(at_percent(92.0), Some(end.to_string()));
    }
}
