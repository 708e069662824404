//! PURE. Which attempt folders are not needed any more.

use std::collections::BTreeSet;

use jiff::Timestamp;

use crate::state::spec_state::SpecState;

/// Attempts, by unit and number, that ended before `limit`.
///
/// Only those of done tasks: an open task may still need its log, its session or its result. And none of the last run,
/// however long ago that was: the report shows it.
#[must_use]
pub fn expired(state: &SpecState, limit: Timestamp) -> Vec<(&str, u32)> {
    let Some(last_run) = state.run.began() else { return Vec::new() };
    let limit = limit.min(last_run);
    let settled = state.units.iter().filter(|(_, unit)| {
        // a commit or a tick may still be pending of a unit that a killed run had just finished
        unit.is_done() && unit.pending_commit.is_none() && unit.to_tick.is_empty()
    });
    settled
        .flat_map(|(id, unit)| unit.attempts.iter().map(move |attempt| (id.as_str(), attempt)))
        .filter(|(_, attempt)| attempt.ended_at.is_some_and(|at| at < limit))
        .map(|(id, attempt)| (id, attempt.number))
        .collect()
}

/// The trees of snapshots that are still needed once the attempts that ended before `limit` are forgotten; `None`: none
/// is. A task that is committed has its changes in its commit.
#[must_use]
pub fn needed_trees(state: &SpecState, limit: Option<Timestamp>) -> BTreeSet<&str> {
    let expired: BTreeSet<(&str, u32)> =
        limit.map_or_else(BTreeSet::new, |limit| expired(state, limit).into_iter().collect());
    let mut trees = BTreeSet::new();
    trees.extend(state.run.open().and_then(|open| open.tree.as_deref()));
    let checked = state.baseline.as_ref().filter(|baseline| baseline.ended.is_none());
    trees.extend(checked.and_then(|baseline| baseline.before.as_deref()));
    for (id, unit) in &state.units {
        trees.extend(unit.undone.iter().flat_map(|undone| [undone.from.as_str(), undone.to.as_str()]));
        let is_committed =
            unit.changes.as_ref().is_some_and(|changes| changes.commit.is_some() && !changes.commit_differs);
        if is_committed && unit.pending_commit.is_none() {
            continue;
        }
        let kept = unit.attempts.iter().filter(|attempt| !expired.contains(&(id.as_str(), attempt.number)));
        let mut of_attempts =
            kept.flat_map(|attempt| [attempt.before.as_ref(), attempt.learned.after.as_ref()]).flatten();
        let first = of_attempts.next();
        if first.is_some() || unit.attempts.is_empty() {
            trees.extend(unit.before.as_deref());
            trees.extend(unit.changes.as_ref().map(|changes| changes.after.as_str()));
        }
        trees.extend(first.into_iter().chain(of_attempts).map(|record| record.tree.as_str()));
    }
    trees
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::state::{Changes, PendingCommit, Run, TreeRecord};

    /// Two units that were done in January, one that failed then, and a last run that began in March.
    fn state() -> SpecState {
        let attempt = |number: u32, month: u32, outcome: &str| {
            json!({"number": number, "backend": "a", "started_at": format!("2026-0{month}-01T00:00:00Z"),
                   "ended_at": format!("2026-0{month}-01T01:00:00Z"), "outcome": {"kind": outcome}})
        };
        serde_json::from_value(json!({
            "run": {"state": "open", "began": "2026-03-01T00:00:00Z"},
            "units": {
                "1": {"status": "done", "attempts": [attempt(1, 1, "no_signal"), attempt(2, 1, "done")]},
                "2": {"status": "failed", "at": "2026-01-01T01:00:00Z", "reason": "x", "attempts": [attempt(1, 1, "no_signal")]},
                "3": {"status": "done", "attempts": [attempt(1, 2, "no_signal"), attempt(2, 3, "done")]},
            },
        }))
        .unwrap()
    }

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn attempts_of_done_tasks_expire_and_those_of_open_ones_never() {
        assert_eq!(expired(&state(), at("2026-01-15T00:00:00Z")), [("1", 1), ("1", 2)]);
        assert_eq!(expired(&state(), at("2026-02-15T00:00:00Z")), [("1", 1), ("1", 2), ("3", 1)]);
        assert!(expired(&state(), at("2025-12-15T00:00:00Z")).is_empty());
    }

    #[test]
    fn nothing_of_the_last_run_expires_however_long_ago_it_was() {
        let late = at("2036-01-01T00:00:00Z");
        assert_eq!(expired(&state(), late), [("1", 1), ("1", 2), ("3", 1)]);
        let unknown = SpecState { run: Run::Never, ..state() };
        assert!(expired(&unknown, late).is_empty());
    }

    #[test]
    fn a_task_that_still_waits_for_its_commit_or_its_tick_keeps_all() {
        let late = at("2036-01-01T00:00:00Z");
        let mut state = state();
        state.units.get_mut("1").unwrap().pending_commit =
            Some(PendingCommit { since: late, refused: None, by_git: false });
        state.units.get_mut("3").unwrap().to_tick = vec!["3".to_owned()];
        assert!(expired(&state, late).is_empty());
    }

    #[test]
    fn committed_tasks_and_expired_attempts_need_no_trees() {
        let mut state = state();
        let tree = |name: &str| Some(TreeRecord { tree: name.to_owned(), ..TreeRecord::default() });
        for (id, unit) in &mut state.units {
            unit.before = Some(format!("before {id}"));
            for attempt in &mut unit.attempts {
                attempt.before = tree(&format!("before {id}.{}", attempt.number));
                attempt.learned.after = tree(&format!("after {id}.{}", attempt.number));
            }
        }
        let all = |state: &SpecState, limit| {
            needed_trees(state, limit).into_iter().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(all(&state, None).len(), 3 + 2 * 5);
        let late = Some(at("2036-01-01T00:00:00Z"));
        // task 2 is open, and the last attempt of task 3 is of the last run
        let left = ["after 2.1", "after 3.2", "before 2", "before 2.1", "before 3", "before 3.2"];
        assert_eq!(all(&state, late), left);
        let last = state.units.get_mut("3").unwrap();
        last.changes = Some(Changes { commit: Some("c".to_owned()), ..Changes::default() });
        assert_eq!(all(&state, late), ["after 2.1", "before 2", "before 2.1"]);
        state.units.get_mut("3").unwrap().changes.as_mut().unwrap().commit_differs = true;
        assert_eq!(all(&state, late).len(), left.len() + 1);
    }
}
