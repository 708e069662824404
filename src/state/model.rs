//! PURE. The state file as values, and the reading of the Python tool's.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::answers::Answer;
use super::limited::{Limited, WindowUse};
use super::outcome::Outcome;
use super::python;
use super::spent::Spent;
use crate::agent::Usage;

/// Version of the state file that this program writes.
pub const SCHEMA: u32 = 1;
/// Version of this program.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// `SEQUENTIAL_STATE.json`: one entry per spec, so that specs of one folder never mix.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StateFile {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Version of the seqorch that wrote it: what an older one asks for when it cannot read it.
    #[serde(default)]
    pub written_by: String,
    /// Entries by name of the spec.
    pub specs: BTreeMap<String, SpecState>,
    /// What other tools keep in the file.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Default for StateFile {
    fn default() -> Self {
        Self { schema: SCHEMA, written_by: VERSION.to_owned(), specs: BTreeMap::new(), other: Map::new() }
    }
}

/// The progress of one spec. The first names are the Python tool's.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpecState {
    /// Ids of completed tasks, in the order of their completion.
    pub completed: Vec<String>,
    /// A human is needed.
    pub halted: bool,
    /// Since when.
    pub halted_at: Option<Timestamp>,
    /// The unit that asks.
    pub halted_task: Option<String>,
    /// What the agent asked (its text before the signal), or what failed for good.
    pub question: Option<String>,
    /// When the first run began.
    pub started_at: Option<Timestamp>,
    /// When the last run began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_began: Option<Timestamp>,
    /// When all was complete.
    pub completed_at: Option<Timestamp>,
    /// `{type, owner_agent}` by unit, kept as other tools wrote them.
    pub assignments: Map<String, Value>,
    /// Ids that a human marked as not to be done.
    pub skipped: BTreeSet<String>,
    /// Ids whose boxes were ticked when the run that is not over yet began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ticked_before: Option<BTreeSet<String>>,
    /// Ids whose boxes an agent ticked without having been asked to; not believed until a human opens them.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub unconfirmed: BTreeSet<String>,
    /// Files with changes from before the run that is not over yet: not ours to commit.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub dirty_before: BTreeSet<String>,
    /// The tree of all files at the end of the last run, as git names it, where it left work undone: what its agents
    /// wrote by then is theirs and not a human's. Kept only for commits per step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left_as: Option<String>,
    /// What the last run was told on its command line of what to work off and how: `resume` and `run --retry` go on with
    /// that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub run_args: Vec<String>,
    /// Why a human is needed since the last run ended, where nothing else here tells it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Ended>,
    /// What humans said to questions of units that are not done yet, oldest first: it goes into their prompts.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// The last one, as an older version kept it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
    /// Backends that are limited, by name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Limited>,
    /// Models that alone are limited: by backend, then by model, as their vendors name them.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub model_limits: BTreeMap<String, BTreeMap<String, Limited>>,
    /// Until when the run waits, where it waits for more than its next step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_until: Option<Timestamp>,
    /// For what.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_for: Option<String>,
    /// Since when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<Timestamp>,
    /// Seconds that the run waited, by reason.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub waited_s: BTreeMap<String, u64>,
    /// Iterations of the run that is not over yet.
    pub iterations: u32,
    /// What all units used, by all runs.
    pub usage: Spent,
    /// Per unit.
    pub units: BTreeMap<String, UnitState>,
    /// What other tools keep in the entry.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// An end that a human is needed for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// The end in one word, as `run_ended` has it in the event log.
    pub why: String,
    /// The unit that it is about, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What is the matter.
    pub reason: String,
    /// When.
    pub at: Timestamp,
}

/// One unit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitState {
    /// Where it stands.
    pub status: UnitStatus,
    /// All attempts, oldest first.
    pub attempts: Vec<AttemptRecord>,
    /// What they used.
    pub usage: Spent,
    /// The tree of all files before its first attempt, as git names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// What it changed, once it is done; also while that could not be committed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<Changes>,
    /// It is done, and what it changed is not looked at and committed yet.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub to_keep: bool,
    /// Why that could not be committed, in git's own words (their end): told to a human until it can.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not_committed: Option<String>,
    /// Ids that still have to be ticked in tasks.md: written before the tick, cleared after it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_tick: Vec<String>,
}

/// What a unit changed, as git counts it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Changes {
    /// Files.
    pub files: u64,
    /// Lines that came.
    pub insertions: u64,
    /// Lines that went.
    pub deletions: u64,
    /// The tree after it.
    pub after: String,
    /// The tree as the unit itself left it, while its commit is refused: `after` has what somebody mended since.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<String>,
    /// Its commit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
}

impl Changes {
    /// The tree as the unit itself left it: what it changed is told from it for good, also a file that somebody took away
    /// for a while.
    #[must_use]
    pub fn own(&self) -> &str {
        self.left.as_deref().unwrap_or(&self.after)
    }
}

/// Where a unit stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnitStatus {
    /// Not done, nothing runs.
    #[default]
    Todo,
    /// Its last attempt runs, or ran when the orchestrator was last seen.
    Running,
    /// Completed.
    Done,
    /// The agent asked for a human.
    Halted,
    /// All attempts are used up.
    Failed,
}

/// One attempt of a unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRecord {
    /// Its number, from 1, never used twice.
    pub number: u32,
    /// Name of the backend.
    pub backend: String,
    /// When it was decided.
    pub started_at: Timestamp,
    /// When its end was known.
    pub ended_at: Option<Timestamp>,
    /// How it ended; absent while it runs.
    pub outcome: Option<Outcome>,
    /// Ids that it completes when it is done.
    #[serde(default)]
    pub completes: Vec<String>,
    /// Whether it counts against the attempts of this run's retry policy.
    #[serde(default)]
    pub counts: bool,
    /// The session that it was told to go on in, and why; `None`: it began one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub goes_on: Option<GoesOn>,
    /// The model that was asked for; `None`: the agent's own choice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asked_model: Option<String>,
    /// Where it works: a session goes on only there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cwd: String,
    /// What was learned of it beside its outcome.
    #[serde(flatten)]
    pub learned: Learned,
}

/// What an attempt tells beside how it ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Learned {
    /// The agent's session, where it has one that can go on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The model that it said it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it used, as far as its vendor says: of this attempt alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// The total of its session, where the vendor says only that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_total: Option<Usage>,
    /// How much of its plan's window is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<WindowUse>,
    /// Whether the agent did anything at all: said a word, used a tool.
    #[serde(skip)]
    pub worked: bool,
}

/// An attempt goes on in the session of an earlier one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GoesOn {
    /// The session's id, in the agent's own terms.
    pub session: String,
    /// Why.
    pub reason: Reason,
}

/// Why an attempt goes on in a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It ended without a signal and is asked for one.
    Nudge,
    /// It did not succeed.
    Retry,
    /// A human answered its question.
    Answer,
    /// A limit cut it off.
    Limit,
}

impl Reason {
    /// The word for prompts and people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Nudge => "nudge",
            Self::Retry => "retry",
            Self::Answer => "answer",
            Self::Limit => "limit",
        }
    }
}

impl SpecState {
    /// The unit's last attempt, if it has not ended as far as is known.
    #[must_use]
    pub fn running(&self) -> Option<(&str, &AttemptRecord)> {
        self.units
            .iter()
            .filter(|(_, unit)| unit.status == UnitStatus::Running)
            .find_map(|(id, unit)| Some((id.as_str(), unit.attempts.last().filter(|a| a.outcome.is_none())?)))
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
}

/// What a state file turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Read {
    /// This program's.
    Ours(StateFile),
    /// The Python tool's: progress of one spec, whose name it may not tell.
    Python {
        /// The entry.
        entry: Box<SpecState>,
        /// The spec, where the file names it.
        spec: Option<String>,
    },
}

/// Why a state file cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Not JSON, or not whole.
    Broken(String),
    /// Written by a newer seqorch: its schema, and its version where the file says so.
    Newer(u32, Option<String>),
    /// JSON, but nobody's state.
    Foreign,
}

/// Reads a state file's text.
pub fn read(text: &str) -> Result<Read, Refused> {
    let value: Value = serde_json::from_str(text).map_err(|e| Refused::Broken(e.to_string()))?;
    let Value::Object(map) = value else { return Err(Refused::Foreign) };
    if let Some(schema) = map.get("schema") {
        let schema = schema.as_u64().and_then(|s| u32::try_from(s).ok()).ok_or(Refused::Foreign)?;
        if schema > SCHEMA {
            let by = map.get("written_by").and_then(Value::as_str).map(str::to_owned);
            return Err(Refused::Newer(schema, by));
        }
        return serde_json::from_value(Value::Object(map))
            .map(Read::Ours)
            .map_err(|e| Refused::Broken(e.to_string()));
    }
    if !map.contains_key("completed") {
        return Err(Refused::Foreign);
    }
    Ok(python::read(map))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_file_survives_a_round_trip_with_what_others_keep_in_it() {
        let text = r#"{"schema":1,"specs":{"a":{"completed":["1"],"note":"kept"}},"tool":{"x":1}}"#;
        let Read::Ours(file) = read(text).unwrap() else { panic!("not ours") };
        let again = serde_json::to_string(&file).unwrap();
        assert!(again.contains(r#""note":"kept""#) && again.contains(r#""tool":{"x":1}"#), "{again}");
        assert_eq!(file.specs["a"].completed, ["1"]);
    }

    #[test]
    fn a_file_of_the_python_tool_keeps_all_it_knows() {
        let text = r#"{"completed":["1","1.1",2,"1"],"halted":true,"halted_at":"2026-01-02T03:04:05.678901+00:00",
            "halted_task":"3","started_at":"2026-01-01T00:00:00","completed_at":null,
            "assignments":{"1":{"type":"code","owner_agent":"codex"}},"spec_path":"/x/.kiro/specs/login/"}"#;
        let Read::Python { entry, spec } = read(text).unwrap() else { panic!("not Python's") };
        assert_eq!(spec.as_deref(), Some("login"));
        assert_eq!(entry.completed, ["1", "1.1", "2"]);
        assert_eq!((entry.halted, entry.halted_task.as_deref()), (true, Some("3")));
        assert!(entry.question.unwrap().contains("did not keep what was asked"));
        assert!(entry.halted_at.is_some() && entry.started_at.is_some() && entry.completed_at.is_none());
        assert_eq!(entry.assignments["1"]["owner_agent"], "codex");
    }

    #[test]
    fn a_broken_foreign_or_newer_file_is_refused() {
        assert!(matches!(read(r#"{"schema":1,"specs":{"#), Err(Refused::Broken(_))));
        assert!(matches!(read(""), Err(Refused::Broken(_))));
        assert_eq!(read(r#"{"schema":2,"specs":{}}"#), Err(Refused::Newer(2, None)));
        let by = r#"{"schema":2,"written_by":"9.1.0","specs":[]}"#;
        assert_eq!(read(by), Err(Refused::Newer(2, Some("9.1.0".to_owned()))));
        assert_eq!(read(r#"{"name":"package"}"#), Err(Refused::Foreign));
        assert_eq!(read("[]"), Err(Refused::Foreign));
    }
}
