//! States for tests.

use jiff::Timestamp;

use super::attempt::{AttemptRecord, Learned, UntrustedChange};
use super::due::DueTasks;
use super::end::{End, Remedy};
use super::needs::NeedKind;
use super::outcome::Outcome;
use super::spec_state::SpecState;
use super::unit::UnitStatus;
use super::unit_changes::CommitRefused;
use crate::agent::limit::LimitKind;

/// So many seconds after the first moment of 2026.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_767_225_600 + seconds).expect("a time of this century")
}

/// An attempt by the backend `agent` that began at the first moment of 2026.
pub(crate) fn attempt(number: u32, outcome: Option<Outcome>) -> AttemptRecord {
    AttemptRecord {
        number,
        role: crate::agent::AttemptRole::Work,
        backend: "agent".into(),
        started_at: at(0),
        ended_at: outcome.as_ref().map(|_| at(60)),
        outcome,
        completes: Vec::new(),
        counts: true,
        resumes: None,
        asked_model: None,
        cwd: "/".into(),
        before: None,
        learned: Learned::default(),
    }
}

/// The end of an attempt that was refused for a while.
pub(crate) fn limited() -> Outcome {
    Outcome::Limited { limit: LimitKind::RateLimited, why: "later".into(), until: None, model: None }
}

/// A state after a run that left a need of this kind, with `word` in its reason.
pub(crate) fn in_need(kind: NeedKind, word: &str) -> SpecState {
    let unit = || "2".to_owned();
    let reason = || word.to_owned();
    let limited = |remedy| End::Limited { unit: unit(), who: "agent".into(), reason: reason(), remedy };
    let mut state = SpecState::default();
    state.begin_run(at(0), [].into());
    state.units.entry("1".into()).or_default().title = "Cart".into();
    state.units.entry("2".into()).or_default().title = "Pay".into();
    state.done(at(1), "1", &["1".to_owned()]);
    let end = match kind {
        NeedKind::Question => {
            state.halt(at(2), "2", word);
            End::Halted { unit: unit() }
        }
        NeedKind::FailedTask => {
            let status = UnitStatus::Failed { at: at(2), reason: reason() };
            state.units.entry("2".into()).or_default().status = status;
            End::Stuck { failed: vec![unit()], blocked: vec!["3".into()] }
        }
        NeedKind::HumanTask => End::Human { tasks: vec![reason()] },
        NeedKind::PendingCommit => {
            state.done(at(2), "2", &[unit()]);
            state.settle_commit(at(2), "2", Err(CommitRefused { why: reason(), ..CommitRefused::default() }));
            End::NotCommitted { unit: unit() }
        }
        NeedKind::Login => limited(Remedy::Login),
        NeedKind::Payment => limited(Remedy::Payment),
        NeedKind::Rule => limited(Remedy::Rule),
        NeedKind::DirtyTree => End::Dirty { files: vec![reason()] },
        NeedKind::History => End::History { unit: Some(unit()), reason: reason() },
        NeedKind::Branch => End::Branch { reason: reason() },
        NeedKind::IndexBehind => End::IndexBehind { reason: reason() },
        NeedKind::Trust => {
            let mut attempt = attempt(1, Some(Outcome::Done));
            attempt.learned.untrusted.push(UntrustedChange { what: reason(), of_git: false });
            state.units.entry("2".into()).or_default().attempts.push(attempt);
            state.done(at(2), "2", &[unit()]);
            End::Complete
        }
        NeedKind::Hook => End::HookFailed { reason: reason() },
        NeedKind::Blocked => {
            let due = DueTasks { blocked: vec![unit()], unselected: vec![reason()], ..DueTasks::default() };
            state.run.open_mut().expect("an open run").due = due;
            End::Stuck { failed: Vec::new(), blocked: vec![unit()] }
        }
        NeedKind::Unavailable => End::Unavailable { unit: unit(), reason: reason() },
        NeedKind::Error => End::Error { reason: reason(), exit_code: 70 },
    };
    state.end_run(at(3), end, true);
    state
}
