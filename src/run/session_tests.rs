//! What an agent costs whose sessions do not go on, or lead to nothing: never more than the retry policy allows.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::machine::{Effect, End, Event, Machine, Pause, Policy};
use crate::agent::limit::LimitKind;
use crate::plan::testing::PlanCase;
use crate::state::{AttemptRecord, Learned, Outcome, Reason, SpecState};

/// How an attempt ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Act {
    /// It works, and says neither.
    Works,
    /// It works, and fails.
    Breaks,
    /// It ends well without a word, as one does that finds nothing of its session.
    Silent,
    /// It says that there is no such session.
    Refuses,
    /// Its vendor says: later.
    Limited,
}

impl Act {
    fn end(self) -> (Outcome, bool) {
        match self {
            Self::Works => (Outcome::NoSignal, true),
            Self::Breaks => (Outcome::Failed { code: 1, why: None }, true),
            Self::Silent => (Outcome::NoSignal, false),
            Self::Refuses => (Outcome::Failed { code: 1, why: None }, false),
            Self::Limited => {
                let why = "later".to_owned();
                (Outcome::Limited { limit: LimitKind::RateLimited, why, until: None, model: None }, false)
            }
        }
    }
}

/// What became of a run.
struct Ran {
    end: End,
    attempts: Vec<AttemptRecord>,
    /// Pauses before a retry.
    backoffs: Vec<Duration>,
}

impl Ran {
    /// Why each attempt went on in a session, in order.
    fn reasons(&self) -> Vec<Option<Reason>> {
        self.attempts.iter().map(|a| a.goes_on.as_ref().map(|g| g.reason)).collect()
    }
}

/// Attempts that are more than any policy of these tests allows.
const FAR_TOO_MANY: usize = 200;

/// A run of one task with a backend that has sessions; `act` says how an attempt ends that begins for this reason.
fn run(nudges: u32, mut act: impl FnMut(Option<Reason>) -> Act) -> Ran {
    let mut case = PlanCase::new("1");
    case.config.backends.get_mut("agent").unwrap().resume = vec!["--resume".into(), "{session}".into()];
    case.config.done.nudges = nudges;
    case.config.run.max_iterations = 1000;
    let mut machine = Machine::new(SpecState::default(), Policy::of(&case.config, TimeZone::UTC));
    let mut now = Timestamp::UNIX_EPOCH;
    let mut events =
        std::collections::VecDeque::from([Event::Begin { ticked: std::iter::empty().collect() }]);
    let mut backoffs = Vec::new();
    loop {
        let event = events.pop_front().expect("a run goes on until its end");
        for effect in machine.on(now, event) {
            match effect {
                Effect::Replan => {
                    case.progress.failed = machine.failed().clone();
                    let plan = Box::new(case.plan());
                    let ticked = std::iter::empty().collect();
                    events.push_back(Event::Planned { plan, ticked, tree: None, share: 0.0 });
                }
                Effect::Start { attempt, .. } => {
                    let reason = machine.state.units["1"].attempts.last().unwrap().goes_on.clone();
                    let (outcome, worked) = if (attempt as usize) < FAR_TOO_MANY {
                        act(reason.map(|goes_on| goes_on.reason)).end()
                    } else {
                        (Outcome::Done, true)
                    };
                    let session = Some(format!("session {attempt}"));
                    let learned = Learned { session, worked, ..Learned::default() };
                    now += Duration::from_secs(60);
                    events.push_back(Event::Ended { outcome, learned, ticked: None });
                }
                Effect::Sleep { until, why } => {
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

fn failed_for_good() -> End {
    End::Stuck { failed: vec!["1".to_owned()], blocked: Vec::new() }
}

#[test]
fn nudges_that_find_no_session_leave_the_task_its_attempts_and_its_backoff_and_no_more() {
    for in_session in [Act::Refuses, Act::Silent] {
        let ran = run(1, |reason| if reason.is_some() { in_session } else { Act::Works });
        assert_eq!(ran.end, failed_for_good());
        let nudge = Some(Reason::Nudge);
        assert_eq!(ran.reasons(), [None, nudge, None, nudge, None, nudge], "{in_session:?}");
        assert_eq!(ran.attempts.iter().filter(|a| a.counts).count(), 3);
        assert_eq!(ran.backoffs, [30, 60].map(Duration::from_secs));
    }
}

#[test]
fn a_retry_that_finds_no_session_begins_afresh_at_once_and_spends_nothing() {
    for in_session in [Act::Refuses, Act::Silent] {
        let ran = run(1, |reason| if reason.is_some() { in_session } else { Act::Breaks });
        assert_eq!(ran.end, failed_for_good());
        let retry = Some(Reason::Retry);
        assert_eq!(ran.reasons(), [None, retry, None, retry, None], "{in_session:?}");
        assert_eq!(ran.attempts.iter().filter(|a| a.counts).count(), 3);
        assert_eq!(ran.backoffs, [30, 60].map(Duration::from_secs));
    }
}

#[test]
fn a_nudge_that_a_limit_cut_off_is_said_again_and_is_still_no_try() {
    let mut nudges = 0;
    let ran = run(1, |reason| {
        nudges += usize::from(reason == Some(Reason::Nudge));
        if reason == Some(Reason::Nudge) && nudges % 2 == 1 { Act::Limited } else { Act::Works }
    });
    assert_eq!(ran.end, failed_for_good());
    let (nudge, retry) = (Some(Reason::Nudge), Some(Reason::Retry));
    assert_eq!(ran.reasons(), [None, nudge, nudge, retry, nudge, nudge, retry, nudge, nudge]);
}

fn acts(of: &'static [Act]) -> impl Strategy<Value = Act> {
    prop::sample::select(of)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    /// Each try may have one attempt before it that could not go on, and after it the nudges that are allowed; and each
    /// limit cuts off one session more.
    #[test]
    fn whatever_an_agent_does_its_attempts_are_bounded(
        first in prop::collection::vec(
            acts(&[Act::Works, Act::Breaks, Act::Silent, Act::Refuses, Act::Limited]), 0..14),
        then in prop::collection::vec(acts(&[Act::Works, Act::Breaks, Act::Silent, Act::Refuses]), 1..5),
        nudges in 0_u32..4,
    ) {
        let mut list = first.into_iter().chain(then.into_iter().cycle());
        let ran = run(nudges, |_| list.next().unwrap());
        prop_assert_eq!(&ran.end, &failed_for_good());
        prop_assert_eq!(ran.attempts.iter().filter(|a| a.counts).count(), 3);
        let limited = |a: &&AttemptRecord| matches!(a.outcome, Some(Outcome::Limited { .. }));
        let limits = ran.attempts.iter().filter(limited).count();
        let heard = ran.attempts.len() - limits;
        prop_assert!(heard <= 3 * (2 + nudges as usize) + limits, "{heard} attempts and {limits} limits");
    }
}
