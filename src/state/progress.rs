//! PURE. How a run changes what is known of a spec.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::model::{AttemptRecord, Changes, GoesOn, Learned, Reason, SpecState, UnitState, UnitStatus};
use super::outcome::Outcome;
use crate::agent::Usage;
use crate::state::outcome::{CancelledBy, TimedOut};

/// Who chose, where a human did.
const HAND: &str = "hand";
/// Characters of git's words that are kept: a hook may print a whole build.
const GIT_WORDS: usize = 4000;

/// A done unit's changes could not be committed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotKept {
    /// Why, in git's own words.
    pub why: String,
    /// The changes: what somebody else writes from now on is none of them.
    pub changes: Option<Changes>,
}

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
        self.waited_s.clear();
        self.forget_what_a_human_mends();
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

    /// Nobody waits any more.
    pub fn forget_wait(&mut self) {
        self.waiting_until = None;
        self.waiting_for = None;
        self.waiting_since = None;
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

    /// Owners that an agent named, by unit; a default that stood in for its answer is none.
    #[must_use]
    pub fn owners(&self) -> BTreeMap<String, String> {
        let owner = |value: &Value| {
            let by = value.get("by").and_then(Value::as_str);
            let chosen = by != Some("default") && by != Some(HAND);
            value.get("owner_agent")?.as_str().filter(|_| chosen).map(str::to_owned)
        };
        self.assignments.iter().filter_map(|(unit, value)| Some((unit.clone(), owner(value)?))).collect()
    }

    /// What a human chose for units: their `owner_agent` or their `backend`.
    #[must_use]
    pub fn by_hand(&self, key: &str) -> BTreeMap<String, String> {
        let chosen = |value: &Value| {
            let by_hand = value.get("by").and_then(Value::as_str) == Some(HAND);
            value.get(key)?.as_str().filter(|_| by_hand).map(str::to_owned)
        };
        self.assignments.iter().filter_map(|(unit, value)| Some((unit.clone(), chosen(value)?))).collect()
    }

    /// Keeps a human's choice for a unit, which nobody is asked about any more.
    pub fn assign_by_hand(&mut self, now: Timestamp, unit: &str, owner: Option<&str>, backend: Option<&str>) {
        let kind = self.assignments.get(unit).and_then(|old| old.get("type")).cloned();
        let mut value = json!({ "type": kind, "owner_agent": owner, "backend": backend, "by": HAND, "at": now.to_string() });
        if backend.is_none() {
            value.as_object_mut().map(|map| map.shift_remove("backend"));
        }
        self.assignments.insert(unit.to_owned(), value);
    }

    /// Forgets a unit's assignment, whoever made it; whether there was one.
    pub fn unassign(&mut self, unit: &str) -> bool {
        self.assignments.shift_remove(unit).is_some()
    }

    /// Keeps what an agent said of units (`{type, owner_agent}` each), and which go to the default for now.
    pub fn assign(
        &mut self,
        now: Timestamp,
        by: &str,
        found: impl IntoIterator<Item = (String, Value)>,
        missing: &[String],
    ) {
        for (unit, mut value) in found {
            value["by"] = by.into();
            value["at"] = now.to_string().into();
            self.assignments.insert(unit, value);
        }
        for unit in missing {
            let value = json!({ "type": null, "owner_agent": null, "by": "default", "at": now.to_string() });
            self.assignments.insert(unit.clone(), value);
        }
    }

    /// The session in which the next attempt at a unit can go on, and why it does; `None`: it begins afresh.
    ///
    /// A session belongs to the backend and the folder that it was begun with: some CLIs hang elsewhere.
    #[must_use]
    pub fn session_for(&self, unit: &str, backend: &str, cwd: &str, nudges: u32) -> Option<GoesOn> {
        let last = self.units.get(unit)?.attempts.iter().rev().find(|a| a.came_to_its_start())?;
        let session = last.learned.session.clone().filter(|_| last.backend == backend && last.cwd == cwd)?;
        let answered = self.is_answered(unit, last);
        let limited = matches!(last.outcome, Some(Outcome::Limited { .. }));
        let was = last.goes_on.as_ref().map(|g| g.reason);
        let reason = match last.outcome.as_ref()? {
            Outcome::Done => return None,
            _ if answered => Reason::Answer,
            // what a limit cut off may not have been heard
            _ if limited && was == Some(Reason::Answer) => Reason::Answer,
            Outcome::NoSignal if self.units.get(unit)?.nudged() < nudges => Reason::Nudge,
            // one that a limit cut off is said again: it is no try of its own
            Outcome::Limited { .. } if last.is_nudge() && self.units.get(unit)?.nudged() < nudges => {
                Reason::Nudge
            }
            Outcome::Limited { .. } => Reason::Limit,
            _ => Reason::Retry,
        };
        Some(GoesOn { session, reason })
    }

    /// Ids that still have to be ticked in tasks.md.
    #[must_use]
    pub fn to_tick(&self) -> Vec<String> {
        self.units.values().flat_map(|u| u.to_tick.iter().cloned()).collect()
    }

    /// Done units whose changes are not looked at yet.
    #[must_use]
    pub fn to_keep(&self) -> Vec<String> {
        self.units.iter().filter(|(_, unit)| unit.to_keep).map(|(id, _)| id.clone()).collect()
    }

    /// What became of a done unit's changes.
    pub fn kept(&mut self, unit: &str, kept: Result<Option<Changes>, NotKept>) {
        let Some(unit) = self.units.get_mut(unit) else { return };
        match kept {
            Ok(changes) => {
                unit.changes = changes;
                unit.owe_nothing();
            }
            Err(NotKept { why, changes }) => {
                unit.changes = changes;
                unit.not_committed = Some(end_of(why.trim(), GIT_WORDS));
            }
        }
    }

    /// Units whose changes could not be committed, and why: a human is needed for them. `None`: that was not kept (an
    /// older version did not), but the run that should have committed them is over.
    pub fn uncommitted(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        let owed = self.units.iter().filter(|(_, unit)| unit.to_keep);
        owed.filter(|(_, unit)| unit.not_committed.is_some() || !self.open_run())
            .map(|(id, unit)| (id.as_str(), unit.not_committed.as_deref()))
    }

    /// What is said where nothing is committed: nothing is owed either. The next run settles it.
    pub fn without_commits(&mut self) {
        // nor do changes of others stand in the way
        self.ended = self.ended.take().filter(|ended| ended.why != "dirty");
        self.units.values_mut().for_each(UnitState::owe_nothing);
    }

    /// A human says that these tasks are not done: what a unit of them changed is owed no commit of its own any more, and
    /// is a part of what its next attempt changes. Gives the units.
    pub fn release(&mut self, ids: &[String]) -> Vec<String> {
        let covers = |id: &String, unit: &UnitState| {
            let last = unit.attempts.last();
            ids.contains(id) || last.is_some_and(|a| a.completes.iter().any(|id| ids.contains(id)))
        };
        let owed = self.units.iter_mut().filter(|(_, unit)| unit.to_keep);
        let mut released = Vec::new();
        for (id, unit) in owed.filter(|(id, unit)| covers(id, unit)) {
            unit.owe_nothing();
            unit.changes = None;
            unit.status = UnitStatus::Todo;
            released.push(id.clone());
        }
        released
    }

    /// A unit is done, and with it these ids.
    pub fn done(&mut self, unit: &str, ids: &[String]) {
        self.complete(ids);
        self.unconfirmed.retain(|id| !ids.contains(id));
        // what a human said to it was heard
        self.forget_answers(unit);
        let unit = self.units.entry(unit.to_owned()).or_default();
        unit.status = UnitStatus::Done;
        unit.to_keep = unit.before.is_some();
        unit.not_committed = None;
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

impl AttemptRecord {
    /// Whether its agent was only asked for the signal that its last answer lacked.
    #[must_use]
    pub fn is_nudge(&self) -> bool {
        self.goes_on.as_ref().is_some_and(|g| g.reason == Reason::Nudge)
    }

    /// Whether an agent was ever told anything in it.
    #[must_use]
    pub fn came_to_its_start(&self) -> bool {
        !matches!(
            self.outcome,
            Some(Outcome::Unavailable { .. } | Outcome::Cancelled { by: CancelledBy::NoOrchestrator })
        )
    }
}

impl AttemptRecord {
    /// Whether it was to go on in a session and the agent did nothing at all: most likely the session is gone.
    #[must_use]
    pub fn could_not_go_on(&self, learned: &Learned) -> bool {
        let ended_by_itself = matches!(
            self.outcome,
            Some(
                Outcome::Failed { .. }
                    | Outcome::NoSignal
                    | Outcome::Signaled { .. }
                    | Outcome::TimedOut { which: TimedOut::FirstOutput | TimedOut::Idle }
            )
        );
        self.goes_on.is_some() && ended_by_itself && !learned.worked
    }
}

impl UnitState {
    /// Nothing of it waits to be looked at or committed.
    pub fn owe_nothing(&mut self) {
        self.to_keep = false;
        self.not_committed = None;
    }

    /// Where a vendor tells the total of a session, the last attempt used what came since the one before in it.
    pub fn count_once(&mut self, session: Option<&str>, total: Option<Usage>) {
        let Some((last, earlier)) = self.attempts.split_last_mut() else { return };
        let Some(total) = total else { return };
        let same = |a: &&AttemptRecord| session.is_some() && a.learned.session.as_deref() == session;
        let before = earlier.iter().rev().filter(same).find_map(|a| a.learned.session_total);
        last.learned.usage = Some(total.since(&before.unwrap_or_default()));
    }

    /// How the last attempt ended.
    #[must_use]
    pub fn last_outcome(&self) -> Option<&Outcome> {
        self.attempts.last()?.outcome.as_ref()
    }

    /// How many attempts of this run, the last ones in a row, failed at the same command with the same output; numbers
    /// (times, addresses, counts) do not make a difference.
    #[must_use]
    pub fn same_failures(&self) -> usize {
        let shape = |outcome: &Outcome| match outcome {
            Outcome::VerifyFailed { command, tail } => {
                let kept = tail.chars().filter(|c| !c.is_ascii_digit() && !c.is_whitespace());
                Some((command.clone(), kept.collect::<String>()))
            }
            _ => None,
        };
        let of = |attempt: &AttemptRecord| attempt.outcome.as_ref().and_then(shape);
        let Some(last) = self.attempts.last().and_then(of) else { return 0 };
        let counted = self.attempts.iter().rev().filter(|a| a.counts);
        counted.take_while(|attempt| of(attempt).as_ref() == Some(&last)).count()
    }

    /// Nudges since the last attempt that was none; one that a limit cut off was not heard.
    #[must_use]
    pub fn nudged(&self) -> u32 {
        let heard = |a: &&AttemptRecord| {
            a.came_to_its_start() && !(a.is_nudge() && matches!(a.outcome, Some(Outcome::Limited { .. })))
        };
        let count = self.attempts.iter().rev().filter(heard).take_while(|a| a.is_nudge()).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Attempts of this run that count against the retry policy, since the unit was last done.
    #[must_use]
    pub fn tries(&self) -> u32 {
        let since = self.attempts.iter().rev().take_while(|a| a.outcome != Some(Outcome::Done));
        let counted = since.filter(|a| a.counts && a.outcome.is_some());
        u32::try_from(counted.count()).unwrap_or(u32::MAX)
    }
}

/// A text's last characters; what it says last tells most.
fn end_of(text: &str, characters: usize) -> String {
    let skip = text.chars().count().saturating_sub(characters);
    let end: String = text.chars().skip(skip).collect();
    if skip == 0 { end } else { format!("…{end}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done_in_git() -> SpecState {
        let mut state = SpecState::default();
        state.units.insert("1".into(), UnitState { before: Some("tree".into()), ..UnitState::default() });
        state.done("1", &["1".to_owned()]);
        state
    }

    fn refused(why: &str) -> Result<Option<Changes>, NotKept> {
        Err(NotKept { why: why.to_owned(), changes: Some(Changes { files: 1, ..Changes::default() }) })
    }

    #[test]
    fn what_git_refused_is_owed_with_its_words_until_it_is_taken() {
        let mut state = done_in_git();
        state.begin_run(BTreeSet::new());
        assert_eq!(state.uncommitted().count(), 0, "the run is about to commit it");
        state.kept("1", refused("a hook says no\n"));
        assert_eq!(state.uncommitted().collect::<Vec<_>>(), [("1", Some("a hook says no"))]);
        state.end_run();
        let kept = serde_json::to_string(&state).unwrap();
        let mut state: SpecState = serde_json::from_str(&kept).unwrap();
        assert_eq!(state.uncommitted().collect::<Vec<_>>(), [("1", Some("a hook says no"))]);
        state.kept("1", Ok(None));
        assert_eq!(state.uncommitted().count(), 0);
        assert!(!serde_json::to_string(&state).unwrap().contains("not_committed"));
    }

    #[test]
    fn a_task_that_a_human_opens_again_owes_no_commit_and_its_next_attempt_counts_from_the_same_tree() {
        let mut state = done_in_git();
        state.kept("1", refused("no"));
        assert!(state.release(&["2".to_owned()]).is_empty());
        assert_eq!(state.release(&["1".to_owned()]), ["1"]);
        assert_eq!((state.uncommitted().count(), state.to_keep().len()), (0, 0));
        let unit = &state.units["1"];
        assert_eq!((unit.before.as_deref(), &unit.changes), (Some("tree"), &None));
    }

    #[test]
    fn only_the_end_of_long_words_is_kept() {
        let mut state = done_in_git();
        state.kept("1", refused(&format!("{}the end", "é".repeat(100_000))));
        let (_, why) = state.uncommitted().next().unwrap();
        let why = why.unwrap();
        assert!(why.starts_with('…') && why.ends_with("the end") && why.chars().count() == GIT_WORDS + 1);
    }

    #[test]
    fn a_state_of_an_older_version_owes_its_commit_without_a_reason() {
        let old = r#"{"completed":["1"],"units":{"1":{"status":"done","to_keep":true}}}"#;
        let state: SpecState = serde_json::from_str(old).unwrap();
        assert_eq!(state.uncommitted().collect::<Vec<_>>(), [("1", None)]);
    }
}
