//! PURE. How a run changes what is known of a spec.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::model::{Outcome, SpecState, UnitState, UnitStatus};

impl SpecState {
    /// Whether the last run was killed before its end was decided: the next one goes on with it.
    #[must_use]
    pub fn open_run(&self) -> bool {
        self.ticked_before.is_some()
    }

    /// Units that failed for good in the run that is not over yet; any other run tries them afresh.
    #[must_use]
    pub fn failed_in_run(&self) -> BTreeSet<String> {
        let failed = self.units.iter().filter(|(_, u)| self.open_run() && u.status == UnitStatus::Failed);
        failed.map(|(id, _)| id.clone()).collect()
    }

    /// A run begins that owes nothing to the ones before it; `ticked` are the boxes that it believes.
    pub fn begin_run(&mut self, ticked: BTreeSet<String>) {
        self.ticked_before = Some(ticked);
        self.iterations = 0;
        for unit in self.units.values_mut() {
            if unit.status == UnitStatus::Failed {
                unit.status = UnitStatus::Todo;
            }
            for attempt in &mut unit.attempts {
                // the one that still runs is this run's to judge
                attempt.counts &= attempt.outcome.is_none();
            }
        }
    }

    /// The run's end is decided, and the boxes were looked at since its last agent worked.
    pub fn end_run(&mut self) {
        self.iterations = 0;
        self.ticked_before = None;
    }

    /// Of the boxes that are ticked now, those that count as done: ticked before the run, and open at no time since.
    /// Where no run is open: those that the next one would believe.
    #[must_use]
    pub fn trusted_ticks(&self, ticked: &BTreeSet<String>) -> BTreeSet<String> {
        let believed = |id: &&String| {
            self.ticked_before.as_ref().is_none_or(|before| before.contains(*id))
                && !self.unconfirmed.contains(*id)
        };
        ticked.iter().filter(believed).cloned().collect()
    }

    /// Takes a look at the boxes: what is open now is work again; what was ticked since the run began, and not by us, is
    /// not believed. Gives the ids that are new among the latter.
    pub fn doubt(&mut self, ticked: &BTreeSet<String>) -> Vec<String> {
        let before = self.ticked_before.get_or_insert_default();
        before.retain(|id| ticked.contains(id));
        self.unconfirmed.retain(|id| ticked.contains(id));
        let known = |id: &&String| {
            before.contains(*id) || self.unconfirmed.contains(*id) || self.completed.contains(*id)
        };
        let strange: Vec<String> = ticked.iter().filter(|id| !known(id)).cloned().collect();
        self.unconfirmed.extend(strange.iter().cloned());
        strange
    }

    /// Ids that still have to be ticked in tasks.md.
    #[must_use]
    pub fn to_tick(&self) -> Vec<String> {
        self.units.values().flat_map(|u| u.to_tick.iter().cloned()).collect()
    }

    /// A unit is done, and with it these ids.
    pub fn done(&mut self, unit: &str, ids: &[String]) {
        self.complete(ids);
        self.unconfirmed.retain(|id| !ids.contains(id));
        // what a human said to it was heard
        self.answer = self.answer.take().filter(|a| a.unit != unit);
        let unit = self.units.entry(unit.to_owned()).or_default();
        unit.status = UnitStatus::Done;
        unit.to_tick.extend_from_slice(ids);
    }

    /// A unit asks for a human.
    pub fn halt(&mut self, now: Timestamp, unit: &str, question: &str) {
        self.halted = true;
        self.halted_at = Some(now);
        self.halted_task = Some(unit.to_owned());
        self.question = Some(question.to_owned());
        self.units.entry(unit.to_owned()).or_default().status = UnitStatus::Halted;
    }
}

impl UnitState {
    /// Attempts of this run that count against the retry policy, since the unit was last done.
    #[must_use]
    pub fn tries(&self) -> u32 {
        let since = self.attempts.iter().rev().take_while(|a| a.outcome != Some(Outcome::Done));
        let counted = since.filter(|a| a.counts && a.outcome.is_some());
        u32::try_from(counted.count()).unwrap_or(u32::MAX)
    }
}
