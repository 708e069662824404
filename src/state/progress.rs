//! PURE. How runs and their units change what is known of a spec.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::attempt::AttemptRecord;
use super::by_id::sorted;
use super::end::End;
use super::outcome::Outcome;
use super::run::{OpenRun, Run};
use super::spec_state::SpecState;
use super::unit::{UnitState, UnitStatus};
use super::unit_changes::{Changes, CommitRefused, PendingCommit};
use super::work_tree::TreeRecord;
use crate::plan::Plan;

impl SpecState {
    /// Units that failed and have no attempts left.
    pub fn failed(&self) -> impl Iterator<Item = &str> {
        self.units.iter().filter(|(_, unit)| unit.is_failed()).map(|(id, _)| id.as_str())
    }

    /// Those of the run that is not over yet; any other run tries them again.
    #[must_use]
    pub fn failed_in_run(&self) -> BTreeSet<String> {
        self.failed().filter(|_| self.run.is_open()).map(str::to_owned).collect()
    }

    /// Forgets that tasks failed which tasks.md does not have any more: nothing waits for them.
    pub fn forget_removed(&mut self, plan: &Plan) {
        let steps = plan.steps.iter().chain(plan.spec_review.as_deref()).map(|step| &step.unit);
        let known: BTreeSet<&String> = steps.chain(plan.skipped.iter().map(|skipped| &skipped.id)).collect();
        for (id, unit) in &mut self.units {
            if unit.is_failed() && !known.contains(id) {
                unit.status = UnitStatus::Todo;
            }
        }
    }

    /// A new run begins. It trusts the boxes `ticked`, unless the boxes could not be read after the last attempt.
    ///
    /// It keeps the options of the run before until it is given others.
    pub fn begin_run(&mut self, now: Timestamp, ticked: BTreeSet<String>) {
        let mut open = OpenRun::new(now, ticked);
        if let Run::Over(over) = std::mem::take(&mut self.run) {
            open.believed = over.unread.unwrap_or(open.believed);
            open.args = over.args;
        }
        self.run = Run::Open(open);
        self.forget_limits_of_humans();
        for unit in self.units.values_mut() {
            for attempt in &mut unit.attempts {
                // the one that still runs is this run's to judge
                attempt.counts &= attempt.outcome.is_none();
            }
        }
    }

    /// A new run tries again what failed, but not the units in `left_out`.
    pub fn retry_failed(&mut self, left_out: &BTreeSet<String>) {
        for (id, unit) in &mut self.units {
            if unit.is_failed() && !left_out.contains(id) {
                unit.status = UnitStatus::Todo;
            }
        }
    }

    /// Records the end of the run. `boxes_read`: no box was ticked since the boxes were read last.
    pub fn end_run(&mut self, now: Timestamp, end: End, boxes_read: bool) {
        self.run = Run::Over(match std::mem::take(&mut self.run) {
            Run::Never => OpenRun::new(now, BTreeSet::new()).over(now, end),
            Run::Open(open) => {
                let believed = open.believed.clone();
                let mut over = open.over(now, end);
                over.unread = (!boxes_read).then_some(believed);
                over
            }
            Run::Over(mut over) => {
                (over.ended, over.end, over.is_settled) = (now, end, false);
                over
            }
        });
    }

    /// Of the boxes that are ticked now, those that count as done: ticked before the run, and open at no time since.
    /// Where no run is open: those that the next one would believe.
    #[must_use]
    pub fn trusted_ticks(&self, ticked: &BTreeSet<String>) -> BTreeSet<String> {
        let before = self.run.believed();
        let believed = |id: &&String| {
            before.is_none_or(|before| before.contains(*id))
                && !self.unconfirmed.contains(*id)
                && !self.reopened.contains(*id)
        };
        ticked.iter().filter(believed).cloned().collect()
    }

    /// Looks at the boxes. What is open now is work again. What was ticked since the run began, and not by us, is not
    /// believed. Gives the ids that are new among the latter.
    pub fn doubt(&mut self, ticked: &BTreeSet<String>) -> Vec<String> {
        let Some(open) = self.run.open_mut() else { return Vec::new() };
        open.believed.retain(|id| ticked.contains(id));
        self.unconfirmed.retain(|id| ticked.contains(id));
        let known = |id: &&String| {
            open.believed.contains(*id) || self.unconfirmed.contains(*id) || self.completed.contains(*id)
        };
        let foreign = sorted(ticked.iter().filter(|id| !known(id)));
        self.unconfirmed.extend(foreign.iter().cloned());
        foreign
    }

    /// Ids that still have to be ticked in tasks.md.
    #[must_use]
    pub fn to_tick(&self) -> Vec<String> {
        sorted(self.units.values().flat_map(|unit| &unit.to_tick))
    }

    /// The boxes of these ids are ticked on disk, or cannot be.
    pub fn ticked(&mut self, ids: &[String]) {
        for unit in self.units.values_mut() {
            unit.to_tick.retain(|id| !ids.contains(id));
        }
        // what cannot be ticked is seen as open by the next reading, and was never seen as ticked
    }

    /// A done unit has no commit yet, also where git kept nothing from before its attempts, because its run had no commits.
    pub fn await_commit(&mut self, now: Timestamp, unit: &str) {
        let done = self.units.get_mut(unit).filter(|unit| unit.is_done() && unit.work().next().is_some());
        if let Some(unit) = done.filter(|unit| unit.pending_commit.is_none()) {
            unit.pending_commit = Some(PendingCommit { since: now, refused: None, by_git: false });
        }
    }

    /// Done units whose changes are still to be looked at and committed.
    #[must_use]
    pub fn pending_commits(&self) -> Vec<String> {
        let pending = self.units_by_id().into_iter().filter(|(_, unit)| unit.pending_commit.is_some());
        pending.map(|(id, _)| id.to_owned()).collect()
    }

    /// Whether git refused the commit of a unit.
    #[must_use]
    pub fn is_refused(&self, unit: &str) -> bool {
        self.units.get(unit).is_some_and(|unit| unit.refused_commit().is_some())
    }

    /// A unit whose commit git refused.
    #[must_use]
    pub fn refused_commit(&self) -> Option<&str> {
        self.units_by_id().into_iter().find(|(_, unit)| unit.refused_commit().is_some()).map(|(id, _)| id)
    }

    /// What became of a done unit's changes.
    pub fn settle_commit(
        &mut self,
        now: Timestamp,
        unit: &str,
        settled: Result<Option<Changes>, CommitRefused>,
    ) {
        if let Some(unit) = self.units.get_mut(unit) {
            unit.settle_commit(now, settled);
        }
    }

    /// A commit was refused by hooks that changed files: that belongs to the last attempt, as what its checks change.
    pub fn take_hook_changes(&mut self, unit: &str, refused: &CommitRefused) {
        let last = self.units.get_mut(unit).and_then(|unit| unit.attempts.last_mut());
        let after = last.and_then(|last| last.learned.after.as_mut());
        if let Some((after, left)) = after.zip(refused.left.as_ref()) {
            after.tree.clone_from(left);
        }
    }

    /// The tree after the last attempt is not known, since git failed then, or a full disk ended the run. What has changed since
    /// its beginning counts as its agent's, so the tree `now` is that one.
    pub fn fill_missing_tree(&mut self, now: &TreeRecord) {
        let attempts = |unit: &UnitState| unit.attempts.last().map(|last| last.started_at);
        let newest = self.units.values().filter_map(attempts).max();
        let is_open = |unit: &UnitState| !unit.is_done() || unit.pending_commit.is_some();
        let is_missing = |unit: &&mut UnitState| is_open(unit) && attempts(unit) == newest;
        let last = self.units.values_mut().find(is_missing).and_then(|unit| unit.attempts.last_mut());
        let has_worked = |last: &&mut AttemptRecord| last.reached_agent() && last.before.is_some();
        if let Some(last) = last.filter(has_worked) {
            last.learned.after.get_or_insert_with(|| now.clone());
        }
    }

    /// The same state for a configuration that commits nothing: no commit is pending, and changes of others are not in the
    /// way.
    pub fn without_commits(&mut self) {
        if let Some(over) = self.run.over_mut()
            && matches!(over.end, End::Dirty { .. })
        {
            over.end = End::Interrupted;
        }
        self.units.values_mut().for_each(|unit| unit.pending_commit = None);
    }

    /// Git refused the commit of a unit, and its agent is to fix that: the unit is not done, and its last attempt failed a
    /// check. What it changed belongs to what its next attempt changes.
    pub fn take_back(&mut self, unit: &str, failure: Outcome) {
        self.notes.iter_mut().filter(|note| note.unit == unit).for_each(|note| note.over = false);
        let Some(unit) = self.units.get_mut(unit) else { return };
        unit.pending_commit = None;
        unit.changes = None;
        unit.status = UnitStatus::Todo;
        unit.to_tick.clear();
        let Some(last) = unit.last_work_mut() else { return };
        last.outcome = Some(failure);
        last.counts = true;
        let ids = last.completes.clone();
        self.completed.retain(|id| !ids.contains(id));
        // what was done before was opened again by a person, and is not done once more
        let attempts = self.units.values().flat_map(|unit| &unit.attempts);
        let done = attempts.filter(|attempt| attempt.outcome == Some(Outcome::Done));
        let done: BTreeSet<&String> = done.flat_map(|attempt| &attempt.completes).collect();
        let again: Vec<String> = ids.into_iter().filter(|id| done.contains(id)).collect();
        self.reopened.extend(again);
    }

    /// The boxes of a unit are about to be opened by us, since its commit was refused: the next reading must not take that
    /// for a person's wish, and a run that makes the commit after all ticks them again. Gives their ids.
    pub fn open_refused(&mut self, unit: &str) -> Vec<String> {
        let Some(unit) = self.units.get_mut(unit) else { return Vec::new() };
        let ids = unit.work().next_back().map(|last| last.completes.clone()).unwrap_or_default();
        unit.to_tick.clone_from(&ids);
        self.entries.iter_mut().filter(|task| ids.contains(&task.id)).for_each(|task| task.ticked = false);
        ids
    }

    /// Ids of tasks whose commit is pending.
    #[must_use]
    pub fn uncommitted_ids(&self) -> BTreeSet<&String> {
        let pending = self.units.iter().filter(|(_, unit)| unit.pending_commit.is_some());
        pending.flat_map(|(id, unit)| unit.completes(id)).collect()
    }

    /// A person says that these tasks are not done: no commit is pending for a unit of them any more, and what it changed
    /// belongs to what its next attempt changes. Gives the units.
    pub fn release(&mut self, ids: &[String]) -> Vec<String> {
        let pending = self.units.iter_mut().filter(|(_, unit)| unit.pending_commit.is_some());
        let mut released = Vec::new();
        for (id, unit) in pending.filter(|(id, unit)| unit.completes(id).any(|id| ids.contains(id))) {
            unit.pending_commit = None;
            unit.changes = None;
            unit.status = UnitStatus::Todo;
            released.push(id.clone());
        }
        released
    }

    /// What a unit's agent called done is done: a review approved it, or there is none any more.
    pub fn approve(&mut self, now: Timestamp, unit: &str) {
        let Some(last) = self.units.get_mut(unit).and_then(UnitState::last_work_mut) else {
            // nothing was done, so nothing is committed
            self.units.entry(unit.to_owned()).or_default().status = UnitStatus::Done;
            return;
        };
        last.outcome = Some(Outcome::Done);
        let ids = last.completes.clone();
        self.done(now, unit, &ids);
    }

    /// A unit is done, and with it these ids.
    pub fn done(&mut self, now: Timestamp, unit: &str, ids: &[String]) {
        self.complete(ids);
        self.unconfirmed.retain(|id| !ids.contains(id));
        self.reopened.retain(|id| !ids.contains(id));
        // what it was before was in doubt; now it was worked on as what it is
        self.entries.iter_mut().filter(|task| ids.contains(&task.id)).for_each(|task| task.doubt = None);
        self.end_words(unit);
        let unit = self.units.entry(unit.to_owned()).or_default();
        unit.status = UnitStatus::Done;
        unit.pending_commit =
            unit.before.is_some().then_some(PendingCommit { since: now, refused: None, by_git: false });
        unit.to_tick.extend_from_slice(ids);
    }
}

#[cfg(test)]
mod tests {
    use super::super::attempt::AttemptRecord;
    use super::super::testing::{at, attempt};
    use super::*;
    use crate::plan::testing::PlanCase;

    fn ids(ids: &[&str]) -> BTreeSet<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn a_task_that_was_opened_again_stays_so_when_its_commit_is_refused() {
        let mut state = SpecState::default();
        state.units.entry("1".into()).or_default().attempts = vec![
            AttemptRecord { completes: vec!["1".into()], ..attempt(1, Some(Outcome::Done)) },
            AttemptRecord { completes: vec!["1".into(), "1.1".into()], ..attempt(2, Some(Outcome::Done)) },
        ];
        state.reopened.insert("1".into());
        state.done(at(0), "1", &["1".to_owned(), "1.1".to_owned()]);
        assert!(state.reopened.is_empty());
        state.take_back("1", Outcome::Failed { code: 1, why: None });
        assert_eq!(state.reopened, ids(&["1"]), "1.1 was never done before");
        assert!(state.completed.is_empty());
    }

    fn done_in_git() -> SpecState {
        let mut state = SpecState::default();
        state.units.insert("1".into(), UnitState { before: Some("tree".into()), ..UnitState::default() });
        state.done(at(0), "1", &["1".to_owned()]);
        state
    }

    fn refuse(state: &mut SpecState, why: &str) {
        let changes = Some(Changes { files: 1, ..Changes::default() });
        state.settle_commit(
            at(0),
            "1",
            Err(CommitRefused {
                why: why.to_owned(),
                changes: changes.map(Box::new),
                ..CommitRefused::default()
            }),
        );
    }

    #[test]
    fn a_failed_task_that_is_removed_from_the_file_has_not_failed_any_more() {
        let mut state = SpecState::default();
        for id in ["1", "9"] {
            let status = UnitStatus::Failed { at: at(0), reason: "x".into() };
            state.units.entry(id.into()).or_default().status = status;
        }
        state.forget_removed(&PlanCase::new("1\n2").plan());
        assert_eq!(state.failed().collect::<Vec<_>>(), ["1"]);
    }

    #[test]
    fn a_refused_commit_is_pending_with_its_reason_until_it_is_made() {
        let mut state = done_in_git();
        state.begin_run(at(0), BTreeSet::new());
        assert_eq!((state.pending_commits(), state.refused_commit()), (vec!["1".to_owned()], None));
        refuse(&mut state, "a hook says no\n");
        assert!(state.is_refused("1"));
        state.end_run(at(0), End::NotCommitted { unit: "1".into() }, true);
        let kept = serde_json::to_string(&state).unwrap();
        let mut state: SpecState = serde_json::from_str(&kept).unwrap();
        assert_eq!(state.units["1"].refused_commit(), Some(("a hook says no", at(0))));
        state.settle_commit(at(0), "1", Ok(None));
        assert!(state.pending_commits().is_empty() && !state.is_refused("1"));
    }

    #[test]
    fn a_task_that_a_human_opens_again_has_no_pending_commit() {
        let mut state = done_in_git();
        refuse(&mut state, "no");
        assert!(state.release(&["2".to_owned()]).is_empty());
        assert_eq!(state.release(&["1".to_owned()]), ["1"]);
        assert!(state.pending_commits().is_empty());
        let unit = &state.units["1"];
        // its next attempt counts from the same tree
        assert_eq!((unit.before.as_deref(), &unit.changes), (Some("tree"), &None));
    }

    #[test]
    fn a_run_that_cannot_read_the_boxes_at_its_end_keeps_what_it_trusted() {
        let mut state = SpecState::default();
        state.begin_run(at(0), ids(&["1"]));
        state.end_run(at(1), End::Interrupted, false);
        assert_eq!(state.trusted_ticks(&ids(&["1", "2"])), ids(&["1"]));
        state.begin_run(at(2), ids(&["1", "2"]));
        assert_eq!(state.doubt(&ids(&["1", "2"])), ["2"]);
        state.end_run(at(3), End::Interrupted, true);
        state.begin_run(at(4), ids(&["1", "2", "3"]));
        assert_eq!(state.trusted_ticks(&ids(&["1", "2", "3"])), ids(&["1", "3"]), "2 stays unconfirmed");
    }

    #[test]
    fn an_error_after_the_end_of_a_run_takes_its_place() {
        let mut state = SpecState::default();
        state.begin_run(at(0), BTreeSet::new());
        state.end_run(at(1), End::Complete, true);
        state.end_run(at(2), End::HookFailed { reason: "no".into() }, true);
        let over = state.run.over().unwrap();
        assert_eq!((over.began, over.ended), (at(0), at(2)));
        assert_eq!(over.end, End::HookFailed { reason: "no".into() });
    }
}
