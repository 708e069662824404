//! PURE. Predicts when the steps of a plan may start, from the pace rules, the known limits and past attempts.
//!
//! It asks the rules that a run obeys. For each step it adds the steps before to the past, as if each took the usual time.
//! Some times are unknown: how long a step takes before any was done, or when a limit without a stated end is over. So a
//! time is the earliest possible one, not a promise.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::pace::{Held, History, held};
use crate::agent::AttemptRole;
use crate::agent::Usage;
use crate::config::Config;
use crate::plan::{Plan, Step};
use crate::report::timeline::{ExpectedStep, Timeline};
use crate::report::wait_text::ENDS_A_PAUSE;
use crate::state::{AttemptRecord, Learned, Outcome, RunPause, RunTimes, SpecState, WaitReason};

/// How many steps are predicted. The cost grows with the square, because each step reads all attempts before it.
const PREDICTED_STEPS: usize = 200;
/// How many rules and limits may delay one step, one after another.
const ROUNDS: usize = 64;

/// The expected times of a plan; `None` if there is no rule, no limit and no done attempt to predict from.
#[must_use]
pub fn timeline(
    plan: &Plan,
    state: &SpecState,
    config: &Config,
    times: RunTimes,
    now: Timestamp,
    zone: &TimeZone,
) -> Option<Timeline> {
    let past = Past::of(state, now);
    let limited = state.all_limits().any(|(.., limited)| limited.holds(now));
    let pause = state.pause.as_ref().filter(|pause| pause.holds(now));
    let is_held = limited || pause.is_some() || !times.is_free();
    if plan.steps.is_empty() || !(is_held || past.done > 0 || config.pace.is_set()) {
        return None;
    }
    let mut forecaster = Forecaster { state, config, zone, times, open: false, past };
    let waits = state.run.wait().filter(|wait| wait.until.is_some_and(|until| until > now));
    let mut at = waits.and_then(|wait| wait.until).unwrap_or(now);
    let mut first = waits.map(|wait| wait.reason.to_string());
    for (until, reason) in by_person(pause, times) {
        if until > at && first.as_ref() != Some(&reason) {
            (at, first) = (until, Some(reason));
        }
    }
    // a pause without an end
    let mut over =
        pause.filter(|pause| pause.until.is_none()).map(|_| format!("paused until `{ENDS_A_PAUSE}`"));
    let mut steps = Vec::new();
    for step in plan.steps.iter().take(PREDICTED_STEPS) {
        let expected = match &over {
            Some(why) => ExpectedStep {
                unit: step.unit.clone(),
                starts: None,
                held_by: vec![why.clone()],
                takes: forecaster.past.takes(&step.settings.backend),
                open: true,
            },
            None => forecaster.step(step, now, at),
        };
        let mut expected = expected;
        if let Some(reason) = first.take().filter(|_| expected.starts.is_some()) {
            expected.held_by.insert(0, reason);
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
    Some(Timeline {
        steps,
        past: forecaster.past.done,
        beyond: plan.steps.len().saturating_sub(PREDICTED_STEPS),
    })
}

/// Until when a person holds back the first step, and how that is called.
fn by_person(pause: Option<&RunPause>, times: RunTimes) -> impl Iterator<Item = (Timestamp, String)> {
    let paused =
        pause.and_then(|pause| Some((pause.until?, WaitReason::Pause { by: pause.by.clone() }.to_string())));
    let begin = times.not_before.map(|at| (at, WaitReason::Begin.to_string()));
    paused.into_iter().chain(begin)
}

struct Forecaster<'a> {
    state: &'a SpecState,
    config: &'a Config,
    zone: &'a TimeZone,
    times: RunTimes,
    /// The length of an earlier step is unknown, so all times are the earliest possible ones.
    open: bool,
    past: Past,
}

impl Forecaster<'_> {
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

    /// The first time from `at` on when no limit and no rule holds the step back. Adds what does until then to `held_by`.
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
                let stated = if limited.stated { "" } else { ", without a stated end; then it is tried" };
                note(format!("{who} is limited{stated}"));
                at = until;
                continue;
            }
            if self.times.is_up(at) {
                let until = self.times.until.map(|until| until.to_zoned_datetime(self.zone.clone()));
                let until = until.map_or_else(String::new, |until| until.strftime(" %a %H:%M").to_string());
                note(format!("the time of the run is up{until}"));
                return None;
            }
            match held(&self.config.pace, &self.past.history(), &step.settings.backend, at, self.zone) {
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

/// The attempts so far, and the expected ones.
struct Past {
    /// When the run of these steps began.
    began: Timestamp,
    attempts: Vec<AttemptRecord>,
    calls: Vec<AttemptRecord>,
    done: usize,
}

impl Past {
    fn of(state: &SpecState, now: Timestamp) -> Self {
        let attempts: Vec<AttemptRecord> =
            state.units.values().flat_map(|unit| unit.attempts.iter().cloned()).collect();
        let done = attempts.iter().filter(|a| was_done(a)).count();
        // the next run has a cost limit of its own
        let began = state.run.open().map_or(now, |run| run.began);
        Self { began, attempts, calls: state.calls.clone(), done }
    }

    fn history(&self) -> History<'_> {
        let attempts = self.attempts.iter().collect();
        History { began: Some(self.began), attempts, calls: &self.calls, seen: None }
    }

    /// The done attempts of a backend, or of all backends if it has none. Expected attempts are not among them.
    fn like(&self, backend: &str) -> Vec<&AttemptRecord> {
        let done: Vec<_> = self.attempts.iter().filter(|a| was_done(a)).collect();
        let own: Vec<_> = done.iter().copied().filter(|a| a.backend == backend).collect();
        if own.is_empty() { done } else { own }
    }

    fn takes(&self, backend: &str) -> Option<Duration> {
        let took = |a: &AttemptRecord| a.ended_at?.duration_since(a.started_at).try_into().ok();
        median(self.like(backend).into_iter().filter_map(took).collect())
    }

    /// Adds a step as if it were done in the usual time.
    fn add(&mut self, step: &Step, starts: Timestamp, ends: Timestamp) {
        let like = self.like(&step.settings.backend);
        let usage = |a: &&AttemptRecord| a.learned.usage.as_ref().and_then(Usage::tokens);
        let tokens = median(like.iter().filter_map(usage).collect());
        let cost = |a: &&AttemptRecord| a.learned.usage.as_ref()?.cost_usd;
        let mut costs: Vec<f64> = like.iter().filter_map(cost).collect();
        costs.sort_by(f64::total_cmp);
        let cost_usd = costs.get(costs.len() / 2).copied();
        let same =
            self.attempts.iter().filter(|a| a.backend == step.settings.backend && a.ended_at.is_some());
        let window = same.max_by_key(|a| a.ended_at).and_then(|a| a.learned.window);
        let cost_estimated = like.iter().any(|a| a.learned.usage.is_some_and(|usage| usage.cost_estimated));
        let output = tokens.map(|_| 0);
        let usage = Usage { input: tokens, output, cost_usd, cost_estimated, ..Usage::default() };
        let learned = Learned { usage: Some(usage), window, ..Learned::default() };
        let attempt = AttemptRecord {
            number: 0,
            role: AttemptRole::Work,
            backend: step.settings.backend.clone(),
            started_at: starts,
            ended_at: Some(ends),
            outcome: None,
            completes: Vec::new(),
            counts: false,
            resumes: None,
            asked_model: step.settings.model.clone(),
            cwd: String::new(),
            before: None,
            learned,
        };
        self.attempts.push(attempt);
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
    use crate::state::{Limited, OpenRun, Run, Wait};

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
    fn times(case: &PlanCase, state: &SpecState) -> Vec<String> {
        let Some(timeline) =
            timeline(&case.plan(), state, &case.config, state.run.times(), at(NOON), &TimeZone::UTC)
        else {
            return Vec::new();
        };
        let one = |e: &ExpectedStep| {
            let time = e.starts.map_or("never".to_owned(), |at| at.strftime("%d %H:%M").to_string());
            format!("{time} {}", e.held_by.join(" + ")).trim().to_owned()
        };
        timeline.steps.iter().map(one).collect()
    }

    #[test]
    fn without_rules_limits_or_attempts_there_is_no_forecast() {
        assert!(times(&PlanCase::new("1\n2"), &SpecState::default()).is_empty());
    }

    #[test]
    fn steps_take_the_usual_time_and_stay_inside_the_window() {
        let mut case = PlanCase::new("1\n2\n3");
        let night =
            PaceWindow { from: jiff::civil::time(22, 0, 0, 0), until: jiff::civil::time(22, 10, 0, 0) };
        case.config.pace.window = Some(night);
        // six minutes each, and a delay of 15 seconds
        let state = done(&[("2026-01-09T22:00:00Z", "2026-01-09T22:06:00Z", 0)]);
        let rule = "pace.window = \"22:00-22:10\"";
        assert_eq!(
            times(&case, &state),
            [format!("10 22:00 {rule}"), "10 22:06".to_owned(), format!("11 22:00 {rule}")]
        );
    }

    #[test]
    fn a_forecast_obeys_tasks_per_hour_and_the_token_budget() {
        let mut case = PlanCase::new("1\n2\n3\n4");
        case.config.pace.tasks_per_hour = Some(2);
        let state = done(&[("2026-01-10T10:00:00Z", "2026-01-10T10:06:00Z", 600)]);
        let hourly = "pace.tasks_per_hour = 2";
        assert_eq!(
            times(&case, &state),
            // the second is an hour old just before the fourth could begin
            ["10 12:00", "10 12:06", &format!("10 13:00 {hourly}"), "10 13:06"]
        );
        case.config.pace.tasks_per_hour = None;
        case.config.pace.tokens = Some(TokenBudget { tokens: 1000, per: Duration::from_secs(5 * 3600) });
        let tokens = "pace.tokens = 1000 per 5h";
        let times = times(&case, &state);
        // the one of 10:06 and the first leave no room until the former is five hours old
        assert_eq!(&times[..2], ["10 12:00".to_owned(), format!("10 15:06 {tokens}")]);
    }

    #[test]
    fn the_cost_limit_ends_a_forecast() {
        let mut case = PlanCase::new("1\n2\n3\n4");
        case.config.pace.max_cost_usd = Some(2.0);
        let state = done(&[("2026-01-10T10:00:00Z", "2026-01-10T10:06:00Z", 600)]);
        let times = times(&case, &state);
        assert_eq!(&times[..2], ["10 12:00", "10 12:06"]);
        assert!(times[2].starts_with("never it has cost $2.00") && times[3] == "never after 3", "{times:?}");
    }

    #[test]
    fn a_forecast_waits_for_a_limit_unless_you_must_fix_it() {
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
        assert_eq!(times(&case, &state), ["10 15:00 agent is limited", "10 15:00"]);
        let line =
            timeline(&case.plan(), &state, &case.config, RunTimes::default(), at(NOON), &TimeZone::UTC)
                .unwrap();
        assert!(!line.steps[0].open && line.steps[1].open, "the length of the first step is unknown");
        // a run waits for the limit and its jitter
        let reason = WaitReason::Limit { backend: "agent".to_owned(), kind: LimitKind::QuotaExhausted };
        let mut run = OpenRun::new(at(NOON), [].into());
        run.wait = Some(Wait { since: at(NOON), until: Some(at("2026-01-10T15:00:08Z")), reason });
        state.run = Run::Open(run);
        assert_eq!(times(&case, &state)[0], "10 15:00 agent: quota used up");
        state.run = Run::Never;
        limited.until = None;
        state.limits.insert("agent".into(), limited);
        assert_eq!(times(&case, &state), ["never agent is limited until you fix it", "never after 1"]);
    }
}
