//! PURE. A state that came from another machine: what it can't use here, and what the branch knows better.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::outcome::Outcome;
use super::spec_state::SpecState;
use super::unit::{UnitState, UnitStatus};
use super::unit_changes::Changes;
use super::work_tree::HistoryChange;

impl SpecState {
    /// Sessions, snapshots and changes that were not committed stayed on the other machine.
    pub fn moved_elsewhere(&mut self) {
        let mut undone = Vec::new();
        for (id, unit) in &mut self.units {
            for attempt in &mut unit.attempts {
                attempt.learned.session = None;
            }
            let is_committed = unit.is_committed();
            if unit.status == UnitStatus::Done && unit.pending_commit.take().is_some() && !is_committed {
                let completes = unit.attempts.last().map(|attempt| attempt.completes.clone());
                undone.extend(completes.unwrap_or_else(|| vec![id.clone()]));
                (unit.status, unit.changes) = (UnitStatus::Todo, None);
                unit.to_tick.clear();
            }
            if unit.status != UnitStatus::Done {
                unit.before = None;
                unit.attempts.iter_mut().for_each(|attempt| attempt.before = None);
            }
        }
        self.completed.retain(|id| !undone.contains(id));
    }

    /// The branch has the commit of a unit, and the state does not know it: it was lost between two pushes.
    pub fn done_on_branch(&mut self, now: Timestamp, id: &str, commit: &str) {
        let unit = self.units.entry(id.to_owned()).or_default();
        if unit.status == UnitStatus::Done {
            return;
        }
        let mut ids = vec![id.to_owned()];
        if let Some(attempt) = unit.attempts.last_mut() {
            ids.clone_from(&attempt.completes);
            attempt.ended_at.get_or_insert(now);
            attempt.outcome.get_or_insert(Outcome::Done);
        }
        self.done(now, id, &ids);
        let unit = self.units.entry(id.to_owned()).or_default();
        (unit.pending_commit, unit.changes) =
            (None, Some(Changes { commit: Some(commit.to_owned()), ..Changes::default() }));
        // the commit has the box, too
        unit.to_tick.clear();
    }

    /// So many machines in a row were lost while an agent worked on a unit: a person must look at it.
    pub fn machines_were_lost(&mut self, now: Timestamp, id: &str, count: u32) {
        let Some(unit) = self.units.get_mut(id) else { return };
        if let Some(attempt) = unit.attempts.last_mut() {
            attempt.ended_at.get_or_insert(now);
            attempt.outcome.get_or_insert(Outcome::Lost);
        }
        let reason = format!("{count} machines in a row were lost while an agent worked on it");
        unit.status = UnitStatus::Failed { at: now, reason };
    }

    /// Whether a task that this commit did is not among the ticked ones.
    #[must_use]
    pub fn has_open_box(&self, commit: &str, ticked: &BTreeSet<String>) -> bool {
        let of_commit = |unit: &&UnitState| {
            unit.changes.as_ref().and_then(|changes| changes.commit.as_deref()) == Some(commit)
        };
        let mut attempts = self.units.values().filter(of_commit).filter_map(|unit| unit.attempts.last());
        attempts.any(|attempt| attempt.completes.iter().any(|id| !ticked.contains(id)))
    }

    /// These commits are not on the branch, which is the truth: people decided so, or left them out.
    pub fn forget_commits(&mut self, gone: &[String]) {
        for unit in self.units.values_mut() {
            if let Some(changes) = &mut unit.changes {
                changes.commit = changes.commit.take().filter(|commit| !gone.contains(commit));
            }
            for attempt in &mut unit.attempts {
                let is_gone = attempt.own_commits().iter().any(|commit| gone.contains(&commit.id));
                if let Some(after) = attempt.learned.after.as_mut().filter(|_| is_gone) {
                    after.history = None;
                }
            }
        }
    }

    /// These commits never came to the branch: their units are to do again.
    pub fn redo_commits(&mut self, gone: &[String]) {
        let mut ids = Vec::new();
        for (id, unit) in &mut self.units {
            let commit = unit.changes.as_ref().and_then(|changes| changes.commit.as_ref());
            if unit.status == UnitStatus::Done && commit.is_some_and(|commit| gone.contains(commit)) {
                let completes = unit.attempts.last().map(|attempt| attempt.completes.clone());
                ids.extend(completes.unwrap_or_else(|| vec![id.clone()]));
                (unit.status, unit.changes, unit.before) = (UnitStatus::Todo, None, None);
                unit.to_tick.clear();
            }
        }
        self.completed.retain(|id| !ids.contains(id));
        if !ids.is_empty() {
            self.completed_at = None;
        }
    }

    /// The unit that this commit did.
    #[must_use]
    pub fn unit_of_commit(&self, commit: &str) -> Option<&str> {
        let has = |unit: &UnitState| {
            unit.changes.as_ref().is_some_and(|changes| changes.commit.as_deref() == Some(commit))
        };
        self.units.iter().find(|(_, unit)| has(unit)).map(|(id, _)| id.as_str())
    }

    /// The unit whose checks must run once more, since its commit was made again on top of what people pushed.
    #[must_use]
    pub fn unchecked(&self) -> Option<&str> {
        self.units.iter().find(|(_, unit)| unit.unchecked && unit.is_done()).map(|(id, _)| id.as_str())
    }

    /// The commit of a unit was made again, so that its checks must run once more.
    pub fn must_check_again(&mut self, id: &str) {
        if let Some(unit) = self.units.get_mut(id) {
            unit.unchecked = true;
        }
    }

    /// No checks have to run once more: they did, or a person decides.
    pub fn checked_again(&mut self) {
        self.units.values_mut().for_each(|unit| unit.unchecked = false);
    }

    /// The state in which a done unit is open again, to find out how it was done; and the ids of its tasks.
    #[must_use]
    pub fn with_open(&self, id: &str) -> (Self, Vec<String>) {
        let mut state = self.clone();
        let unit = state.units.entry(id.to_owned()).or_default();
        unit.status = UnitStatus::Todo;
        let completes = unit.attempts.last().map(|attempt| attempt.completes.clone());
        let ids = completes.filter(|ids| !ids.is_empty()).unwrap_or_else(|| vec![id.to_owned()]);
        state.completed.retain(|id| !ids.contains(id));
        (state, ids)
    }

    /// Commits were made again under other names.
    pub fn rename_commits(&mut self, names: &[(String, String)]) {
        let rename = |commit: &mut String| {
            if let Some((_, new)) = names.iter().find(|(old, _)| old == commit) {
                commit.clone_from(new);
            }
        };
        for unit in self.units.values_mut() {
            unit.changes.iter_mut().filter_map(|changes| changes.commit.as_mut()).for_each(rename);
            for attempt in &mut unit.attempts {
                let after = attempt.learned.after.as_mut();
                if let Some(HistoryChange::Commits { commits }) =
                    after.and_then(|after| after.history.as_mut())
                {
                    for commit in commits {
                        rename(&mut commit.id);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::testing::{at, attempt};

    #[test]
    fn checks_that_must_run_again_are_kept_until_they_did() {
        let mut state = SpecState::default();
        state.done(at(0), "2", &["2".to_owned(), "2.1".to_owned()]);
        state.must_check_again("2");
        let text = serde_json::to_string(&state).unwrap();
        let mut state: SpecState = serde_json::from_str(&text).unwrap();
        assert_eq!(state.unchecked(), Some("2"));
        let (open, ids) = state.with_open("2");
        assert_eq!((open.unchecked(), ids.as_slice()), (None, ["2".to_owned()].as_slice()));
        assert!(!open.completed.contains(&"2".to_owned()));
        state.checked_again();
        assert_eq!(state.unchecked(), None);
    }

    fn running() -> SpecState {
        let mut state = SpecState::default();
        state.begin_run(at(0), [].into());
        let unit = state.units.entry("1".into()).or_default();
        let mut attempt = attempt(1, None);
        attempt.completes = vec!["1".into(), "1.1".into()];
        attempt.learned.session = Some("s".into());
        (unit.status, unit.before) = (UnitStatus::Running, Some("tree".into()));
        unit.attempts.push(attempt);
        state
    }

    #[test]
    fn sessions_and_snapshots_stay_behind() {
        let mut state = running();
        state.moved_elsewhere();
        let unit = &state.units["1"];
        assert_eq!((&unit.before, &unit.attempts[0].learned.session), (&None, &None));
        assert_eq!(unit.status, UnitStatus::Running);
    }

    #[test]
    fn a_done_task_whose_commit_was_never_made_is_to_do_elsewhere() {
        let mut state = running();
        state.done(at(1), "1", &["1".into(), "1.1".into()]);
        state.moved_elsewhere();
        assert_eq!(state.units["1"].status, UnitStatus::Todo);
        assert!(state.completed.is_empty());
    }

    #[test]
    fn a_commit_on_the_branch_is_a_done_task() {
        let mut state = running();
        state.done_on_branch(at(1), "1", "c1");
        state.done_on_branch(at(2), "1", "c2");
        assert_eq!(state.completed, ["1", "1.1"]);
        assert_eq!(state.units["1"].changes.as_ref().unwrap().commit.as_deref(), Some("c1"));
        assert!(state.running().is_none() && state.pending_commits().is_empty());
        state.rename_commits(&[("c1".into(), "d1".into())]);
        assert_eq!(state.units["1"].changes.as_ref().unwrap().commit.as_deref(), Some("d1"));
        let ticked = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<String>>();
        assert!(
            state.has_open_box("d1", &ticked(&["1"])) && !state.has_open_box("d1", &ticked(&["1", "1.1"]))
        );
        let mut again = state.clone();
        again.redo_commits(&["d1".into()]);
        assert_eq!((again.units["1"].status.clone(), again.completed.len()), (UnitStatus::Todo, 0));
        state.forget_commits(&["d1".into()]);
        assert_eq!(state.units["1"].changes.as_ref().unwrap().commit, None);
    }

    #[test]
    fn a_task_that_machines_are_lost_with_needs_a_person() {
        let mut state = running();
        state.machines_were_lost(at(1), "1", 3);
        let needs = crate::state::needs(&state);
        assert!(needs[0].reason.contains("3 machines"), "{needs:?}");
        assert!(state.running().is_none());
    }
}
