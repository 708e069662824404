//! PURE. `[pace]`: when the next step may start, so that a run leaves the quota whole.

use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::machine::{Effect, End, Machine, Pause};
use crate::agent::event::Usage;
use crate::config::{Pace, PaceWindow};
use crate::plan::Step;
use crate::state::{AttemptRecord, Outcome, SpecState, WindowUse};

const HOUR: Duration = Duration::from_secs(3600);

/// What a rule says of a step that could start now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// Not before then.
    Until(Timestamp, String),
    /// Not in this run.
    Over(String),
}

/// The rule that holds a step back the longest, if one does. `began` is when the run began.
#[must_use]
pub(super) fn held(
    pace: &Pace,
    state: &SpecState,
    backend: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Held> {
    let attempts = || state.units.values().flat_map(|unit| &unit.attempts);
    if let Some(most) = pace.max_cost_usd {
        let of_run = attempts().filter(|a| state.run_began.is_none_or(|began| a.started_at >= began));
        let cost: f64 = of_run.filter_map(|a| a.learned.usage.as_ref()?.cost_usd).sum();
        if cost >= most {
            return Some(Held::Over(format!("it has cost ${cost:.2}, and pace.max_cost_usd is {most:.2}")));
        }
    }
    let window = pace
        .window
        .and_then(|window| Some((opens(window, now, zone)?, format!("pace.window = \"{}\"", told(window)))));
    let hourly = pace.tasks_per_hour.and_then(|most| {
        // who was refused did nothing
        let refused = |a: &&AttemptRecord| matches!(a.outcome, Some(Outcome::Limited { .. }));
        let started = attempts().filter(|a| a.came_to_its_start() && !refused(a));
        let started = started.map(|a| (a.started_at, 1));
        Some((room(started.collect(), u64::from(most), HOUR, now)?, format!("pace.tasks_per_hour = {most}")))
    });
    let budget = pace.tokens.and_then(|budget| {
        let used = |a: &AttemptRecord| Some((a.ended_at?, a.learned.usage.as_ref().and_then(Usage::tokens)?));
        let until = room(attempts().filter_map(used).collect(), budget.tokens, budget.per, now)?;
        Some((
            until,
            format!("pace.tokens = {} per {}", budget.tokens, humantime::format_duration(budget.per)),
        ))
    });
    let used = pace.stop_at_utilization.and_then(|most| {
        let last =
            attempts().filter(|a| a.backend == backend && a.ended_at.is_some()).max_by_key(|a| a.ended_at)?;
        let WindowUse { percent, until } = last.learned.window?;
        let until = until.filter(|until| *until > now && percent >= f64::from(most))?;
        Some((until, format!("pace.stop_at_utilization = {most}, and {percent:.0} % are used")))
    });
    let (until, rule) = [window, hourly, budget, used].into_iter().flatten().max()?;
    Some(Held::Until(until, rule))
}

fn told(window: PaceWindow) -> String {
    format!("{}-{}", window.from.strftime("%H:%M"), window.until.strftime("%H:%M"))
}

/// When the window opens next; `None`: it is open.
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
    // a time that a change of the clock leaves out is the first one after it
    Some(day.to_datetime(window.from).to_zoned_datetime(zone.clone()).ok()?.timestamp())
}

/// When less than `most` was spent within `span`; `None`: now. Each entry is a time and what was spent then.
fn room(mut spent: Vec<(Timestamp, u64)>, most: u64, span: Duration, now: Timestamp) -> Option<Timestamp> {
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
    /// What to do instead of starting `step`, if a rule holds it back.
    pub(super) fn keep_pace(&mut self, now: Timestamp, step: &Step) -> Option<Vec<Effect>> {
        let (pace, zone) = (&self.policy.pace, &self.policy.zone);
        let (until, rule) = match held(pace, &self.state, &step.settings.backend, now, zone)? {
            Held::Until(until, rule) => (until, rule),
            Held::Over(why) => {
                let end = End::Limited { unit: step.unit.clone(), backend: "this run".to_owned(), why };
                return Some(self.finish(end));
            }
        };
        Some(self.wait_for(now, until, Pause::Pace { rule }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::TokenBudget;

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
        match held(pace, state, "a", at(now), &berlin()) {
            Some(Held::Until(until, _)) => Some(until.to_string()),
            Some(Held::Over(why)) => Some(why),
            None => None,
        }
    }

    #[test]
    fn a_window_across_midnight_opens_in_the_local_zone_also_on_the_night_the_clock_changes() {
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
    fn so_many_steps_start_within_any_hour() {
        let pace = Pace { tasks_per_hour: Some(2), ..Pace::default() };
        let state = state(&[("2026-01-10T10:00:00Z", 0, 0.0), ("2026-01-10T10:20:00Z", 0, 0.0)]);
        assert_eq!(until(&pace, &state, "2026-01-10T10:30:00Z"), Some("2026-01-10T11:00:00Z".into()));
        assert_eq!(until(&pace, &state, "2026-01-10T11:00:00Z"), None);
        // one that was refused did nothing
        let mut refused = state;
        refused.units.get_mut("1").unwrap().attempts[1].outcome = Some(Outcome::Limited {
            limit: crate::agent::limit::LimitKind::RateLimited,
            why: String::new(),
            until: None,
            model: None,
        });
        assert_eq!(until(&pace, &refused, "2026-01-10T10:30:00Z"), None);
    }

    #[test]
    fn tokens_come_back_when_they_leave_the_span() {
        let budget = TokenBudget { tokens: 1000, per: Duration::from_secs(5 * 3600) };
        let pace = Pace { tokens: Some(budget), ..Pace::default() };
        let state = state(&[("2026-01-10T10:00:00Z", 600, 0.0), ("2026-01-10T11:00:00Z", 900, 0.0)]);
        // the first alone leaves too much behind it? 900 < 1000 is room
        assert_eq!(until(&pace, &state, "2026-01-10T12:00:00Z"), Some("2026-01-10T15:00:00Z".into()));
        assert_eq!(until(&pace, &state, "2026-01-10T15:00:00Z"), None);
    }

    #[test]
    fn a_run_that_has_cost_enough_is_over_and_what_came_before_it_does_not_count() {
        let pace = Pace { max_cost_usd: Some(2.0), ..Pace::default() };
        let mut state = state(&[("2026-01-10T10:00:00Z", 0, 1.5), ("2026-01-10T11:00:00Z", 0, 1.0)]);
        assert!(until(&pace, &state, "2026-01-10T12:00:00Z").unwrap().contains("$2.50"));
        state.run_began = Some(at("2026-01-10T10:30:00Z"));
        assert_eq!(until(&pace, &state, "2026-01-10T12:00:00Z"), None);
    }

    #[test]
    fn a_plan_that_is_nearly_used_up_is_left_alone_until_its_window_ends() {
        let pace = Pace { stop_at_utilization: Some(90), ..Pace::default() };
        let mut state = state(&[("2026-01-10T10:00:00Z", 0, 0.0)]);
        let end = at("2026-01-10T13:00:00Z");
        let mut tell = |percent| {
            let unit = state.units.get_mut("1").unwrap();
            unit.attempts[0].learned.window = Some(WindowUse { percent, until: Some(end) });
            until(&pace, &state, "2026-01-10T12:00:00Z")
        };
        assert_eq!(tell(89.0), None);
        assert_eq!(tell(92.0), Some(end.to_string()));
    }
}
