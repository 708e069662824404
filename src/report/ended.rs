//! PURE. The end of a run as records for programs, and what a human is needed for then.

use std::time::Duration;

use jiff::Timestamp;

use super::events::{Changed, What, millis};
use crate::git::FileChange;
use crate::state::{End, Ended as Kept, Outcome, SpecState, UnitStatus};

/// How a run ended, beside why.
#[derive(Debug, Clone, Copy)]
pub struct Ended<'a> {
    /// The spec.
    pub spec: &'a str,
    /// What a person types for it.
    pub typed: &'a str,
    /// Why.
    pub end: &'a End,
    /// Steps that are still in the plan.
    pub left: usize,
    /// How long it took.
    pub took: Duration,
    /// Changed files, where git told.
    pub changes: Option<&'a [FileChange]>,
}

/// What the end of a run is: what a human is needed for first, where one is. `state` tells how units failed.
#[must_use]
pub fn of_end(ended: &Ended<'_>, state: &SpecState) -> Vec<What> {
    let mut failed = Vec::new();
    let mut blocked = Vec::new();
    let why = match ended.end {
        End::Complete => "complete",
        End::MaxIterations => "max_iterations",
        End::Halted { .. } => "halted",
        End::Stuck { failed: units, blocked: others } => {
            failed.clone_from(units);
            blocked.clone_from(others);
            "stuck"
        }
        End::Unavailable { unit, .. } => {
            failed.push(unit.clone());
            "unavailable"
        }
        End::NotCommitted { .. } => "not_committed",
        End::Dirty { .. } => "dirty",
        End::Limited { .. } => "limited",
        End::Interrupted => "interrupted",
        End::Terminated => "terminated",
        End::HungUp => "hung_up",
    };
    let need = need(ended.end, state);
    let mut found = Vec::new();
    if let Some((unit, reason)) = need.clone() {
        found.push(match (ended.end, unit) {
            (End::Halted { .. }, Some(unit)) => What::Halted { unit, question: reason },
            (_, unit) => What::NeedsHuman { unit, why: why.to_owned(), reason },
        });
    }
    let (unit, reason) = need.map_or((None, None), |(unit, reason)| (unit, Some(reason)));
    let change =
        |c: &FileChange| Changed { path: c.path.clone(), insertions: c.insertions, deletions: c.deletions };
    found.push(What::RunEnded {
        spec: ended.spec.to_owned(),
        why: why.to_owned(),
        exit_code: ended.end.exit_code(),
        unit,
        reason,
        failed,
        blocked,
        left: ended.left,
        took_ms: millis(ended.took),
        changes: ended.changes.map(|all| all.iter().map(change).collect()),
    });
    found
}

/// What a human is needed for at the end of a run, and for which unit; `None`: nobody has to come.
fn need(end: &End, state: &SpecState) -> Option<(Option<String>, String)> {
    let of = |unit: &String, reason: &str| Some((Some(unit.clone()), reason.trim().to_owned()));
    match end {
        End::Halted { unit, question } => of(unit, question),
        End::NotCommitted { unit, why } | End::Unavailable { unit, why } | End::Limited { unit, why, .. } => {
            of(unit, why)
        }
        End::Stuck { failed, blocked } => match (failed.first(), blocked.first()) {
            (Some(unit), _) => {
                let outcome = state.units.get(unit).and_then(|known| known.last_outcome());
                let how = outcome.map_or_else(|| "nobody knows how".to_owned(), Outcome::to_string);
                of(unit, &format!("failed for good: {how}"))
            }
            (None, Some(unit)) => of(unit, "it needs tasks that are not done"),
            (None, None) => None,
        },
        End::Dirty { files } => {
            Some((None, format!("the work tree has changes of others: {}", files.join(", "))))
        }
        End::Complete | End::MaxIterations | End::Interrupted | End::Terminated | End::HungUp => None,
    }
}

/// The word for an end by an error.
const ERROR: &str = "error";

/// What the end of a run is that an error ended, `brief` in a line: nobody but a human can go on.
#[must_use]
pub fn of_error(spec: &str, brief: &str, exit_code: u8, left: usize, took: Duration) -> [What; 2] {
    [
        What::NeedsHuman { unit: None, why: ERROR.to_owned(), reason: brief.to_owned() },
        What::RunEnded {
            spec: spec.to_owned(),
            why: ERROR.to_owned(),
            exit_code,
            unit: None,
            reason: Some(brief.to_owned()),
            failed: Vec::new(),
            blocked: Vec::new(),
            left,
            took_ms: millis(took),
            changes: None,
        },
    ]
}

/// What the state keeps of an end by an error.
#[must_use]
pub fn kept_error(brief: String, at: Timestamp) -> Kept {
    Kept { why: ERROR.to_owned(), unit: None, reason: brief, at }
}

/// What the state keeps of an end, so that a human who comes later hears of it; `told` is the end as it was told to
/// programs. Nothing, where nobody is needed or the state tells it anyway: a question, an owed commit, a failed unit.
#[must_use]
pub fn kept(told: &[What], state: &SpecState, at: Timestamp) -> Option<Kept> {
    let failed =
        |unit: &String| state.units.get(unit).is_some_and(|known| known.status == UnitStatus::Failed);
    told.iter().find_map(|what| match what {
        What::NeedsHuman { unit, why, reason }
            if why != "not_committed" && !unit.as_ref().is_some_and(failed) =>
        {
            Some(Kept { why: why.clone(), unit: unit.clone(), reason: reason.clone(), at })
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::HookEvent;

    const AT: &str = "2026-01-02T03:04:05Z";

    fn ended(end: &End) -> Ended<'_> {
        Ended { spec: "login", typed: "login", end, left: 3, took: Duration::from_secs(1), changes: None }
    }

    #[test]
    fn whatever_needs_a_human_is_told_to_the_same_hook_with_its_unit_and_reason_before_the_end() {
        let mut state = SpecState::default();
        let failed = serde_json::json!({ "status": "failed", "attempts": [{ "number": 1, "backend": "x",
            "started_at": AT, "ended_at": AT, "outcome": { "kind": "failed", "code": 3 } }] });
        state.units.insert("2".into(), serde_json::from_value(failed).unwrap());
        let unit = || "2".to_owned();
        for (end, named, part) in [
            (End::NotCommitted { unit: unit(), why: "a hook\nsays no".into() }, Some("2"), "says no"),
            (End::Stuck { failed: vec![unit(), "3".into()], blocked: vec![] }, Some("2"), "exit code 3"),
            (End::Stuck { failed: vec![], blocked: vec![unit()] }, Some("2"), "not done"),
            (End::Limited { unit: unit(), backend: "x".into(), why: "log in".into() }, Some("2"), "log in"),
            (End::Unavailable { unit: unit(), why: "x is gone".into() }, Some("2"), "x is gone"),
            (End::Dirty { files: vec!["mine.txt".into()] }, None, "mine.txt"),
        ] {
            let found = of_end(&ended(&end), &state);
            assert_eq!(found.len(), 2, "{found:?}");
            assert_eq!(found[0].hook(), Some(HookEvent::Halt), "{end:?}");
            let facts: std::collections::BTreeMap<_, _> = found[0].facts().into_iter().collect();
            assert!(facts["SEQORCH_MESSAGE"].contains(part) && facts["SEQORCH_REASON"].contains(part));
            assert_eq!(facts["SEQORCH_UNIT"], named.unwrap_or_default());
            let What::RunEnded { why, unit, reason, .. } = &found[1] else { panic!("{found:?}") };
            assert_eq!((facts["SEQORCH_OUTCOME"].as_str(), unit.as_deref()), (why.as_str(), named));
            assert!(reason.as_deref().unwrap().contains(part));
        }
        for end in [End::Complete, End::MaxIterations, End::Interrupted, End::Terminated, End::HungUp] {
            let found = of_end(&ended(&end), &state);
            assert!(matches!(&found[..], [What::RunEnded { unit: None, reason: None, .. }]), "{found:?}");
        }
    }

    #[test]
    fn what_needs_a_human_is_kept_where_the_state_does_not_tell_it_anyway() {
        let mut state = SpecState::default();
        let failed = serde_json::json!({ "status": "failed", "attempts": [] });
        state.units.insert("2".into(), serde_json::from_value(failed).unwrap());
        let at = AT.parse().unwrap();
        let unit = |id: &str| id.to_owned();
        for (end, keeps) in [
            (End::Dirty { files: vec!["mine.txt".into()] }, Some("dirty")),
            (End::Limited { unit: unit("3"), backend: "x".into(), why: "log in".into() }, Some("limited")),
            (End::Unavailable { unit: unit("3"), why: "x is gone".into() }, Some("unavailable")),
            (End::Stuck { failed: vec![], blocked: vec![unit("3")] }, Some("stuck")),
            (End::Stuck { failed: vec![unit("2")], blocked: vec![] }, None),
            (End::NotCommitted { unit: unit("1"), why: "no".into() }, None),
            (End::Halted { unit: unit("1"), question: "Which?".into() }, None),
            (End::Complete, None),
            (End::Interrupted, None),
        ] {
            let kept = kept(&of_end(&ended(&end), &state), &state, at);
            assert_eq!(kept.map(|kept| kept.why).as_deref(), keeps, "{end:?}");
        }
    }

    #[test]
    fn an_error_calls_for_a_human_and_names_itself_and_what_is_left() {
        let [need, over] = of_error("login", "tasks.md can't be run", 65, 2, Duration::ZERO);
        assert_eq!(need.hook(), Some(HookEvent::Halt));
        let said = need.facts().into_iter().find(|(name, _)| *name == "SEQORCH_MESSAGE").unwrap().1;
        assert_eq!(said, "tasks.md can't be run");
        let What::RunEnded { why, reason, left: 2, exit_code: 65, .. } = over else { panic!("{over:?}") };
        assert_eq!((why.as_str(), reason), ("error", Some(said)));
    }

    #[test]
    fn a_halt_is_told_with_its_question_before_the_end() {
        let end = End::Halted { unit: "2".into(), question: "Which one?".into() };
        let found = of_end(&ended(&end), &SpecState::default());
        assert_eq!(found[0].hook(), Some(HookEvent::Halt));
        assert_eq!(
            found[0].facts(),
            [
                ("SEQORCH_UNIT", "2".into()),
                ("SEQORCH_OUTCOME", "halted".into()),
                ("SEQORCH_REASON", "Which one?".into()),
                ("SEQORCH_MESSAGE", "Which one?".into())
            ]
        );
        assert!(matches!(&found[1], What::RunEnded { why, exit_code: 2, left: 3, .. } if why == "halted"));
    }
}
