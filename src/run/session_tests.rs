//! Agents whose sessions cannot be resumed, or lead to nothing, use no more attempts than the retry policy allows.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::machine::{Effect, End, Event, Machine, Pause, Policy, RunStart};
use crate::agent::limit::LimitKind;
use crate::plan::testing::PlanCase;
use crate::state::outcome::TimedOut;
use crate::state::{AttemptRecord, Learned, Outcome, ResumeReason, SeenTasks, SpecState};

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// It works, and gives no signal.
    Works,
    /// It works, and fails.
    Breaks,
    /// It ends with success and prints nothing, like an agent that does not find its session.
    Silent,
    /// It fails because there is no such session.
    Refuses,
    /// It says nothing until a deadline ends it.
    Hangs,
    /// Its vendor limits it.
    Limited,
}

impl Act {
    fn end(self) -> (Outcome, bool) {
        match self {
            Self::Works => (Outcome::NoSignal, true),
            Self::Breaks => (Outcome::Failed { code: 1, why: None }, true),
            Self::Silent => (Outcome::NoSignal, false),
            Self::Refuses => (Outcome::Failed { code: 1, why: None }, false),
            Self::Hangs => (Outcome::TimedOut { which: TimedOut::FirstOutput }, false),
            Self::Limited => {
                let why = "later".to_owned();
                (Outcome::Limited { limit: LimitKind::RateLimited, why, until: None, model: None }, false)
            }
        }
    }
}

/// The result of a run.
struct Ran {
    end: End,
    attempts: Vec<AttemptRecord>,
    /// Pauses before a retry.
    backoffs: Vec<Duration>,
}

impl Ran {
    /// Why each attempt resumed a session, in order.
    fn reasons(&self) -> Vec<Option<ResumeReason>> {
        self.attempts.iter().map(|a| a.resumes.as_ref().map(|resumes| resumes.reason)).collect()
    }
}

/// More attempts than any policy of these tests allows.
const FAR_TOO_MANY: usize = 200;

/// A run of one task with a backend that has sessions. `act` returns how an attempt ends, by its reason to resume.
fn run(nudges: u32, mut act: impl FnMut(Option<ResumeReason>) -> Act) -> Ran {
    let mut case = PlanCase::new("1");
    case.config.backends.get_mut("agent").unwrap().resume = vec!["--resume".into(), "{session}".into()];
    case.config.done.nudges = nudges;
    case.config.run.max_iterations = 1000;
    let mut machine = Machine::new(SpecState::default(), Policy::of(&case.config, TimeZone::UTC));
    let mut now = Timestamp::UNIX_EPOCH;
    let mut events = std::collections::VecDeque::from([Event::Begin {
        seen: SeenTasks::default(),
        start: RunStart::default(),
    }]);
    let mut backoffs = Vec::new();
    loop {
        let event = events.pop_front().expect("a run has events until its end");
        for effect in machine.on(now, event) {
            match effect {
                Effect::Replan => {
                    case.progress.failed = machine.state.failed_in_run();
                    let plan = Box::new(case.plan());
                    events.push_back(Event::Planned {
                        talk: None,
                        plan,
                        seen: SeenTasks::default(),
                        tree: None,
                        behind: None,
                        lost: Vec::new(),
                        share: 0.0,
                        notes: Vec::new(),
                    });
                }
                Effect::Start { attempt, .. } => {
                    let reason = machine.state.units["1"].attempts.last().unwrap().resumes.clone();
                    let (outcome, worked) = if (attempt as usize) < FAR_TOO_MANY {
                        act(reason.map(|resumes| resumes.reason)).end()
                    } else {
                        (Outcome::Done, true)
                    };
                    // an agent that says nothing does not name its session either
                    let hung = matches!(outcome, Outcome::TimedOut { .. });
                    let session = (!hung).then(|| format!("session {attempt}"));
                    let learned = Learned { session, worked, ..Learned::default() };
                    now += Duration::from_secs(60);
                    events.push_back(Event::Ended { outcome, learned, seen: None });
                }
                Effect::Sleep { until, why } => {
                    let until = until.unwrap();
                    if matches!(why, Pause::Backoff { .. }) {
                        backoffs.push(until.duration_since(now).try_into().unwrap());
                    }
                    now = until;
                    events.push_back(Event::Woke);
                }
                Effect::Finish(end) => {
                    return Ran { end, attempts: machine.state.units["1"].attempts.clone(), backoffs };
                }
                _ => {}
            }
        }
    }
}

fn no_attempts_left() -> End {
    End::Stuck { failed: vec!["1".to_owned()], blocked: Vec::new() }
}

#[test]
fn nudges_that_find_no_session_use_no_attempts() {
    for in_session in [Act::Refuses, Act::Silent] {
        let ran = run(1, |reason| if reason.is_some() { in_session } else { Act::Works });
        assert_eq!(ran.end, no_attempts_left());
        let nudge = Some(ResumeReason::Nudge);
        assert_eq!(ran.reasons(), [None, nudge, None, nudge, None, nudge], "{in_session:?}");
        assert_eq!(ran.attempts.iter().filter(|a| a.counts).count(), 3);
        assert_eq!(ran.backoffs, [30, 60].map(Duration::from_secs));
    }
}

#[test]
fn a_retry_that_finds_no_session_counts_and_the_next_one_begins_anew() {
    for in_session in [Act::Refuses, Act::Silent] {
        let ran = run(1, |reason| if reason.is_some() { in_session } else { Act::Breaks });
        assert_eq!(ran.end, no_attempts_left());
        let retry = Some(ResumeReason::Retry);
        assert_eq!(ran.reasons(), [None, retry, None], "{in_session:?}");
        assert_eq!(ran.attempts.iter().filter(|a| a.counts).count(), 3);
        assert_eq!(ran.backoffs, [30].map(Duration::from_secs), "a new session needs no pause");
    }
}

#[test]
fn a_session_that_hangs_twice_is_left_and_the_next_attempt_begins_anew() {
    let ran = run(1, |reason| if reason.is_some() { Act::Hangs } else { Act::Works });
    assert_eq!(ran.end, no_attempts_left());
    let (nudge, retry) = (Some(ResumeReason::Nudge), Some(ResumeReason::Retry));
    assert_eq!(ran.reasons(), [None, nudge, retry, None, nudge]);
    assert_eq!(ran.attempts.iter().filter(|a| a.counts).count(), 3);
    let sessions = ran.attempts.iter().map(|a| a.learned.session.as_deref().unwrap_or_default());
    assert_eq!(
        sessions.collect::<Vec<_>>(),
        ["session 1", "session 1", "session 1", "session 4", "session 4"]
    );
    assert_eq!(ran.backoffs, [30].map(Duration::from_secs), "a new session needs no pause");
}

#[test]
fn a_nudge_that_a_limit_interrupts_is_repeated_and_does_not_count() {
    let mut nudges = 0;
    let ran = run(1, |reason| {
        nudges += usize::from(reason == Some(ResumeReason::Nudge));
        if reason == Some(ResumeReason::Nudge) && nudges % 2 == 1 { Act::Limited } else { Act::Works }
    });
    assert_eq!(ran.end, no_attempts_left());
    let (nudge, retry) = (Some(ResumeReason::Nudge), Some(ResumeReason::Retry));
    assert_eq!(ran.reasons(), [None, nudge, nudge, retry, nudge, nudge, retry, nudge, nudge]);
}

fn acts(of: &'static [Act]) -> impl Strategy<Value = Act> {
    prop::sample::select(of)
}

proptest! {
    /// Each counted attempt may follow one that could not resume, and may be followed by the allowed nudges. Each limit
    /// interrupts one more session.
    #[test]
    fn the_number_of_attempts_is_bounded_for_every_agent(
        first in prop::collection::vec(
            acts(&[Act::Works, Act::Breaks, Act::Silent, Act::Refuses, Act::Hangs, Act::Limited]), 0..14),
        then in prop::collection::vec(
            acts(&[Act::Works, Act::Breaks, Act::Silent, Act::Refuses, Act::Hangs]), 1..5),
        nudges in 0_u32..4,
    ) {
        let mut list = first.into_iter().chain(then.into_iter().cycle());
        let ran = run(nudges, |_| list.next().unwrap());
        prop_assert_eq!(&ran.end, &no_attempts_left());
        prop_assert_eq!(ran.attempts.iter().filter(|a| a.counts).count(), 3);
        let limited = |a: &&AttemptRecord| matches!(a.outcome, Some(Outcome::Limited { .. }));
        let limits = ran.attempts.iter().filter(limited).count();
        let unlimited = ran.attempts.len() - limits;
        prop_assert!(unlimited <= 3 * (2 + nudges as usize) + limits, "{unlimited} attempts and {limits} limits");
    }
}
