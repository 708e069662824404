//! PURE. What is known of one spec.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answer::Answer;
use super::attempt::AttemptRecord;
use super::baseline::BaselineRecord;
use super::by_id;
use super::known_task::KnownTask;
use super::limited::{Limited, WindowUse};
use super::note::Note;
use super::run::Run;
use super::run_pause::RunPause;
use super::spent::Spent;
use super::unit::{UnitState, UnitStatus};
use crate::spec::compare_ids;

/// What is known of one spec.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpecState {
    /// Ids of completed tasks, in the order of their completion.
    pub completed: Vec<String>,
    /// When the first run began.
    pub started_at: Option<Timestamp>,
    /// When everything was complete.
    pub completed_at: Option<Timestamp>,
    /// `{type, owner_agent}` by unit, kept as other tools wrote them.
    pub assignments: Map<String, Value>,
    /// Ids that a person marked to be skipped.
    #[serde(serialize_with = "by_id::set")]
    pub skipped: BTreeSet<String>,
    /// Ids whose boxes an agent ticked without having been asked to. They are not believed until a person opens them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", serialize_with = "by_id::set")]
    pub unconfirmed: BTreeSet<String>,
    /// Tasks that were done and whose boxes a person opened again: work, until they are done once more.
    #[serde(skip_serializing_if = "BTreeSet::is_empty", serialize_with = "by_id::set")]
    pub reopened: BTreeSet<String>,
    /// Commits that a person gave up, each with its task (`task 2: 1a2b3c4d5`): they are no longer in the history of HEAD.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub given_up: BTreeSet<String>,
    /// Where the run stands.
    pub run: Run,
    /// A pause that a person asked for. It outlasts runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<RunPause>,
    /// What people answered to questions of units that are not done yet, oldest first: it goes into their prompts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// What people answered to questions of units that are done since, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub decisions: Vec<Answer>,
    /// What people wrote to the agents of units, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<Note>,
    /// What the checks said before any agent of the last run that asked them worked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<BaselineRecord>,
    /// Backends that are limited, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Limited>,
    /// Models that alone are limited: by backend, then by model, as their vendors name them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub model_limits: BTreeMap<String, BTreeMap<String, Limited>>,
    /// What other runs with the same login saw of the use of its window, by backend, where a rule lets no step start.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub account_use: BTreeMap<String, WindowUse>,
    /// What all units and calls used, in all runs.
    pub usage: Spent,
    /// Calls of agents outside of units, oldest first: those that assigned tasks. Each is an attempt that completes nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<AttemptRecord>,
    /// Per unit.
    #[serde(serialize_with = "by_id::map")]
    pub units: BTreeMap<String, UnitState>,
    /// The entries of tasks.md as they were when it was read last. Every id above is one of these, and follows its entry
    /// when tasks.md changes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<KnownTask>,
    /// What other tools keep in the entry.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl SpecState {
    /// The user's index has all commits. Whether that is news.
    pub fn index_is_up_to_date(&mut self) -> bool {
        let changes = self.units.values_mut().filter_map(|unit| unit.changes.as_mut());
        changes.filter_map(|changes| changes.index_behind.take()).count() > 0
    }

    /// A person trusts what came up in earlier attempts. Returns whether anything was waiting for that.
    pub fn trust_changes(&mut self) -> bool {
        let attempts = self.units.values_mut().flat_map(|unit| &mut unit.attempts);
        let waiting = attempts.map(|attempt| std::mem::take(&mut attempt.learned.untrusted));
        waiting.filter(|changes| !changes.is_empty()).count() > 0
    }

    /// A person trusts what attempts changed in the configuration; hooks and settings of git are another matter.
    pub fn trust_settings(&mut self) {
        let attempts = self.units.values_mut().flat_map(|unit| &mut unit.attempts);
        attempts.for_each(|attempt| attempt.learned.untrusted.retain(|change| change.of_git));
    }

    /// The unit whose last attempt has not ended as far as is known, and that attempt.
    #[must_use]
    pub fn running(&self) -> Option<(&str, &AttemptRecord)> {
        self.units
            .iter()
            .filter(|(_, unit)| unit.status == UnitStatus::Running)
            .find_map(|(id, unit)| Some((id.as_str(), unit.attempts.last().filter(|a| a.outcome.is_none())?)))
    }

    /// Everything that an agent was asked: the attempts of all units, and the calls outside of them.
    pub fn asked_agents(&self) -> impl Iterator<Item = &AttemptRecord> {
        self.units.values().flat_map(|unit| &unit.attempts).chain(&self.calls)
    }

    /// The units in the order of their ids, in which 2 comes before 10.
    #[must_use]
    pub fn units_by_id(&self) -> Vec<(&str, &UnitState)> {
        let mut units: Vec<_> = self.units.iter().map(|(id, unit)| (id.as_str(), unit)).collect();
        units.sort_by(|(a, _), (b, _)| compare_ids(a, b));
        units
    }

    /// The unit in which a task was tried last: itself, or the one that it is a part of.
    #[must_use]
    pub fn unit_of(&self, task: &str) -> Option<&str> {
        let covers = |unit: &UnitState| {
            let with_it = unit.attempts.iter().rev().find(|a| a.completes.iter().any(|id| id == task));
            with_it.map(|attempt| attempt.started_at)
        };
        let own = self.units.get_key_value(task).map(|(id, _)| id);
        let last = || self.units.iter().filter_map(|(id, unit)| Some((covers(unit)?, id))).max();
        own.or_else(|| last().map(|(_, id)| id)).map(String::as_str)
    }

    /// What is known of an attempt.
    #[must_use]
    pub fn attempt(&self, unit: &str, number: u32) -> Option<&AttemptRecord> {
        self.units.get(unit)?.attempts.iter().find(|attempt| attempt.number == number)
    }

    /// The name of the folder that a unit's attempts are in: the id that it had when it was started first.
    #[must_use]
    pub fn folder<'a>(&'a self, unit: &'a str) -> &'a str {
        self.units.get(unit).and_then(|known| known.folder.as_deref()).unwrap_or(unit)
    }

    /// The tree before an attempt that is a review; `None` for any other one, and where no snapshots are taken.
    #[must_use]
    pub fn reviewed_tree(&self, unit: &str, attempt: u32) -> Option<String> {
        let record = self.attempt(unit, attempt).filter(|record| !record.role.is_work())?;
        Some(record.before.as_ref()?.tree.clone())
    }

    /// The folder of a unit that was never started, where another one has that of its id.
    #[must_use]
    pub fn new_folder(&self, unit: &str) -> Option<String> {
        let is_free =
            |name: &str| !self.units.keys().any(|other| other != unit && self.folder(other) == name);
        let other = (2..u32::MAX).map(|n| format!("{unit}~{n}")).find(|name| is_free(name));
        if is_free(unit) { None } else { other }
    }

    /// The number of the unit's next attempt.
    #[must_use]
    pub fn next_attempt(&self, unit: &str) -> u32 {
        self.units.get(unit).and_then(|u| u.attempts.last()).map_or(1, |a| a.number + 1)
    }

    /// Adds ids to `completed`, each once.
    pub fn complete<'a>(&mut self, ids: impl IntoIterator<Item = &'a String>) {
        for id in ids {
            if !self.completed.contains(id) {
                self.completed.push(id.clone());
            }
        }
    }

    /// Sums up anew what each unit and all of them used, with the calls outside of them.
    pub fn sum_up(&mut self) {
        for unit in self.units.values_mut() {
            unit.usage = Spent::of(&unit.attempts);
        }
        self.usage = Spent::of(self.asked_agents());
    }

    /// Keeps calls of agents that are over, and what they used.
    pub fn count_calls(&mut self, calls: Vec<AttemptRecord>) {
        self.calls.extend(calls);
        self.sum_up();
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Outcome;
    use super::super::testing::attempt;
    use super::*;
    use crate::agent::Usage;

    #[test]
    fn a_unit_and_the_spec_have_sums_of_their_own() {
        let usage = Usage { input: Some(10), output: Some(2), ..Usage::default() };
        let mut done = attempt(1, Some(Outcome::Done));
        done.learned.usage = Some(usage);
        let unit = UnitState { attempts: vec![done; 2], ..UnitState::default() };
        let mut state = SpecState::default();
        state.units.insert("1".into(), unit.clone());
        state.units.insert("2".into(), unit);
        state.sum_up();
        assert_eq!(state.units["1"].usage.usage.input, Some(20));
        assert_eq!((state.usage.usage.input, state.usage.attempts), (Some(40), 4));
        let mut call = attempt(1, Some(Outcome::NoSignal));
        call.learned.usage = Some(usage);
        state.count_calls(vec![call]);
        assert_eq!((state.usage.usage.input, state.usage.attempts), (Some(50), 5));
        assert_eq!(state.asked_agents().count(), 5);
    }

    #[test]
    fn a_state_survives_a_round_trip_with_what_others_keep_in_it() {
        let text = r#"{"completed":["1"],"note":"kept","units":{"1":{"status":"done"}}}"#;
        let state: SpecState = serde_json::from_str(text).unwrap();
        assert_eq!((state.completed.as_slice(), state.run.is_open()), (&["1".to_owned()][..], false));
        let again = serde_json::to_value(&state).unwrap();
        assert_eq!(again["note"], "kept");
        assert_eq!(serde_json::from_value::<SpecState>(again).unwrap(), state);
    }
}
