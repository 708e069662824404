//! PURE. When the steps of a plan may start, as far as the rules, the known limits and the past tell.
//!
//! The same rules that hold a run back are asked, on a past to which the steps before are added as if they had been done
//! in the usual time. What nobody knows (how long a step takes before one was done, when a limit ends that no vendor
//! dates) is said to be unknown, so a time is the earliest one, not a promise.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::pace::{Held, held};
use crate::agent::event::Usage;
use crate::config::Config;
use crate::plan::{Plan, Step};
use crate::report::timeline::{ExpectedStep, Timeline};
use crate::state::{AttemptRecord, Learned, Outcome, SpecState, UnitState};

/// Steps that are looked ahead to; each looks back at all before it.
const FORESEEN: usize = 200;
/// Rules and limits that may follow each other before one step.
const ROUNDS: usize = 64;

/// The expected times of a plan; `None` where no rule, no limit and no past says anything.
#[must_use]
pub fn timeline(
    plan: &Plan,
    state: &SpecState,
    config: &Config,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Timeline> {
    let past = Past::of(state, now);
    let limited = state.all_limits().any(|(.., limited)| limited.holds(now));
    if plan.steps.is_empty() || !(limited || past.done > 0 || config.pace.is_set()) {
        return None;
    }
    let mut ahead = Ahead { state, config, zone, open: false, past };
    let waits = state.waiting_until.filter(|until| *until > now);
    let mut at = waits.unwrap_or(now);
    let mut over: Option<String> = None;
    let mut steps = Vec::new();
    for step in plan.steps.iter().take(FORESEEN) {
        let expected = match &over {
            Some(why) => ExpectedStep {
                unit: step.unit.clone(),
                starts: None,
                held_by: vec![why.clone()],
                takes: ahead.past.takes(&step.settings.backend),
                open: true,
            },
            None => ahead.step(step, now, at),
        };
        let mut expected = expected;
        if let (true, Some(_), Some(why)) = (steps.is_empty(), waits, &state.waiting_for) {
            expected.held_by.insert(0, why.clone());
        }
        match expected.starts {
            Some(starts) => {
                let ends = later(starts, expected.takes.unwrap_or_default()).max(now);
                at = later(ends, step.settings.delay);
            }
            None if over.is_none() => over = Some(format!("after {}", step.unit)),
            None => {}
        }
        steps.push(expected);
    }
    Some(Timeline { steps, past: ahead.past.done, beyond: plan.steps.len().saturating_sub(FORESEEN) })
}

struct Ahead<'a> {
    state: &'a SpecState,
    config: &'a Config,
    zone: &'a TimeZone,
    /// How long an earlier step takes is not known.
    open: bool,
    past: Past,
}

impl Ahead<'_> {
    fn step(&mut self, step: &Step, now: Timestamp, earliest: Timestamp) -> ExpectedStep {
        let takes = self.past.takes(&step.settings.backend);
        let mut expected = ExpectedStep {
            unit: step.unit.clone(),
            starts: None,
            held_by: Vec::new(),
            takes,
            open: self.open,
        };
        let running = self.state.running().filter(|(unit, _)| *unit == step.unit);
        expected.starts = match running {
            Some((_, attempt)) => Some(attempt.started_at),
            None => self.free_from(step, earliest, &mut expected.held_by),
        };
        self.open |= takes.is_none();
        if let (Some(starts), None) = (expected.starts, running) {
            self.past.add(step, starts, later(starts, takes.unwrap_or_default()).max(now));
        }
        expected
    }

    /// When neither a limit nor a rule holds the step back, from `at` on; notes down what does until then.
    fn free_from(&self, step: &Step, mut at: Timestamp, held_by: &mut Vec<String>) -> Option<Timestamp> {
        let mut note = |what: String| {
            if held_by.last() != Some(&what) {
                held_by.push(what);
            }
        };
        for _ in 0..ROUNDS {
            if let Some((who, limited)) =
                self.state.held_back(&step.settings.backend, step.settings.model.as_deref(), at)
            {
                let limit = &self.config.limit;
                let Some(until) = limited.until else {
                    note(format!("{who} is limited until you fix it"));
                    return None;
                };
                if !limit.wait || until > later(limited.since, limit.max_wait) {
                    let rule = if limit.wait { "limit.max_wait" } else { "limit.wait = false" };
                    note(format!("{who} is limited, and {rule} ends the run"));
                    return None;
                }
                let stated = if limited.stated { "" } else { ", nobody says until when; then it is tried" };
                note(format!("{who} is limited{stated}"));
                at = until;
                continue;
            }
            match held(&self.config.pace, &self.past.state, &step.settings.backend, at, self.zone) {
                None => return Some(at),
                Some(Held::Until(until, rule)) => {
                    note(rule);
                    at = until;
                }
                Some(Held::Over(why)) => {
                    note(why);
                    return None;
                }
            }
        }
        None
    }
}

/// The attempts so far, and those that are expected.
struct Past {
    state: SpecState,
    done: usize,
}

impl Past {
    fn of(state: &SpecState, now: Timestamp) -> Self {
        let attempts: Vec<AttemptRecord> =
            state.units.values().flat_map(|unit| unit.attempts.iter().cloned()).collect();
        let done = attempts.iter().filter(|a| was_done(a)).count();
        // what one run may cost begins anew with the next one
        let run_began = if state.open_run() { state.run_began } else { Some(now) };
        let units = [(String::new(), UnitState { attempts, ..UnitState::default() })];
        Self { state: SpecState { units: units.into(), run_began, ..SpecState::default() }, done }
    }

    fn attempts(&self) -> impl Iterator<Item = &AttemptRecord> {
        self.state.units.values().flat_map(|unit| &unit.attempts)
    }

    /// The done attempts of a backend, or where it has none those of all; those that are only expected are none.
    fn like(&self, backend: &str) -> Vec<&AttemptRecord> {
        let done: Vec<_> = self.attempts().filter(|a| was_done(a)).collect();
        let own: Vec<_> = done.iter().copied().filter(|a| a.backend == backend).collect();
        if own.is_empty() { done } else { own }
    }

    fn takes(&self, backend: &str) -> Option<Duration> {
        let took = |a: &AttemptRecord| a.ended_at?.duration_since(a.started_at).try_into().ok();
        median(self.like(backend).into_iter().filter_map(took).collect())
    }

    /// The step is done in the usual way.
    fn add(&mut self, step: &Step, starts: Timestamp, ends: Timestamp) {
        let like = self.like(&step.settings.backend);
        let usage = |a: &&AttemptRecord| a.learned.usage.as_ref().and_then(Usage::tokens);
        let tokens = median(like.iter().filter_map(usage).collect());
        let cost = |a: &&AttemptRecord| a.learned.usage.as_ref()?.cost_usd;
        let mut costs: Vec<f64> = like.iter().filter_map(cost).collect();
        costs.sort_by(f64::total_cmp);
        let cost_usd = costs.get(costs.len() / 2).copied();
        let same = self.attempts().filter(|a| a.backend == step.settings.backend && a.ended_at.is_some());
        let window = same.max_by_key(|a| a.ended_at).and_then(|a| a.learned.window);
        let usage = Usage { input: tokens, output: tokens.map(|_| 0), cost_usd, ..Usage::default() };
        let learned = Learned { usage: Some(usage), window, ..Learned::default() };
        let attempt = AttemptRecord {
            number: 0,
            backend: step.settings.backend.clone(),
            started_at: starts,
            ended_at: Some(ends),
            outcome: None,
            completes: Vec::new(),
            counts: false,
            goes_on: None,
            asked_model: step.settings.model.clone(),
            cwd: String::new(),
            learned,
        };
        self.state.units.entry(String::new()).or_default().attempts.push(attempt);
    }
}

fn was_done(attempt: &AttemptRecord) -> bool {
    attempt.outcome == Some(Outcome::Done) && attempt.ended_at.is_some()
}

fn median<T: Ord + Copy>(mut all: Vec<T>) -> Option<T> {
    all.sort_unstable();
    all.get(all.len() / 2).copied()
}

fn later(at: Timestamp, by: Duration) -> Timestamp {
    at.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::limit::LimitKind;
    use crate::config::{PaceWindow, TokenBudget};
    use crate::plan::testing::PlanCase;
    use crate::state::Limited;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    const NOON: &str = "2026-01-10T12:00:00Z";

    fn done(ended: &[(&str, &str, u64)]) -> SpecState {
        let attempts: Vec<_> = ended
            .iter()
            .map(|(began, ended, tokens)| {
                serde_json::json!({"number": 1, "backend": "agent", "started_at": began, "ended_at": ended,
                    "outcome": {"kind": "done"}, "usage": {"input": tokens, "output": 0, "cost_usd": 1.0}})
            })
            .collect();
        serde_json::from_value(serde_json::json!({"units": {"0": {"attempts": attempts}}})).unwrap()
    }

    /// Each step as `hour:minute what holds it back`.
    fn told(case: &PlanCase, state: &SpecState) -> Vec<String> {
        let Some(timeline) = timeline(&case.plan(), state, &case.config, at(NOON), &TimeZone::UTC) else {
            return Vec::new();
        };
        let one = |e: &ExpectedStep| {
            let time = e.starts.map_or("never".to_owned(), |at| at.strftime("%d %H:%M").to_string());
            format!("{time} {}", e.held_by.join(" + ")).trim().to_owned()
        };
        timeline.steps.iter().map(one).collect()
    }

    #[test]
    fn nothing_is_told_where_nothing_is_known() {
        assert!(told(&PlanCase::new("1\n2"), &SpecState::default()).is_empty());
    }

    #[test]
    fn steps_follow_each_other_in_the_usual_time_and_its_window() {
        let mut case = PlanCase::new("1\n2\n3");
        let night =
            PaceWindow { from: jiff::civil::time(22, 0, 0, 0), until: jiff::civil::time(22, 10, 0, 0) };
        case.config.pace.window = Some(night);
        // six minutes each, and a delay of 15 seconds
        let state = done(&[("2026-01-09T22:00:00Z", "2026-01-09T22:06:00Z", 0)]);
        let rule = "pace.window = \"22:00-22:10\"";
        assert_eq!(
            told(&case, &state),
            [format!("10 22:00 {rule}"), "10 22:06".to_owned(), format!("11 22:00 {rule}")]
        );
    }

    #[test]
    fn so_many_an_hour_and_so_many_tokens_are_reckoned_ahead() {
        let mut case = PlanCase::new("1\n2\n3\n4");
        case.config.pace.tasks_per_hour = Some(2);
        let state = done(&[("2026-01-10T10:00:00Z", "2026-01-10T10:06:00Z", 600)]);
        let hourly = "pace.tasks_per_hour = 2";
        assert_eq!(
            told(&case, &state),
            // the second leaves the hour just before the fourth could begin
            ["10 12:00", "10 12:06", &format!("10 13:00 {hourly}"), "10 13:06"]
        );
        case.config.pace.tasks_per_hour = None;
        case.config.pace.tokens = Some(TokenBudget { tokens: 1000, per: Duration::from_secs(5 * 3600) });
        let tokens = "pace.tokens = 1000 per 5h";
        let told = told(&case, &state);
        // the one of 10:06 and the first leave no room until the former is five hours old
        assert_eq!(&told[..2], ["10 12:00".to_owned(), format!("10 15:06 {tokens}")]);
    }

    #[test]
    fn what_a_run_may_cost_ends_the_line() {
        let mut case = PlanCase::new("1\n2\n3\n4");
        case.config.pace.max_cost_usd = Some(2.0);
        let state = done(&[("2026-01-10T10:00:00Z", "2026-01-10T10:06:00Z", 600)]);
        let told = told(&case, &state);
        assert_eq!(&told[..2], ["10 12:00", "10 12:06"]);
        assert!(told[2].starts_with("never it has cost $2.00") && told[3] == "never after 3", "{told:?}");
    }

    #[test]
    fn a_known_limit_is_waited_for_and_one_that_a_human_mends_has_no_end() {
        let case = PlanCase::new("1\n2");
        let mut limited = Limited {
            kind: LimitKind::QuotaExhausted,
            why: "w".to_owned(),
            since: at(NOON),
            until: Some(at("2026-01-10T15:00:00Z")),
            stated: true,
            tries: 1,
            asked: [].into(),
        };
        let mut state = SpecState::default();
        state.limits.insert("agent".into(), limited.clone());
        assert_eq!(told(&case, &state), ["10 15:00 agent is limited", "10 15:00"]);
        let line = timeline(&case.plan(), &state, &case.config, at(NOON), &TimeZone::UTC).unwrap();
        assert!(!line.steps[0].open && line.steps[1].open, "nobody knows how long the first takes");
        // a run waits for it, and a little more
        state.waiting_until = Some(at("2026-01-10T15:00:08Z"));
        state.waiting_for = Some("agent: quota used up".to_owned());
        assert_eq!(told(&case, &state)[0], "10 15:00 agent: quota used up");
        state.forget_wait();
        limited.until = None;
        state.limits.insert("agent".into(), limited);
        assert_eq!(told(&case, &state), ["never agent is limited until you fix it", "never after 1"]);
    }
}
