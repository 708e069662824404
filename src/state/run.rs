//! PURE. Where the run of a spec stands: none was ever begun, one is open, or the last one is over.
//!
//! A run is over when its end is decided, not when its process is gone. One that was killed, or whose terminal was closed
//! over a working agent, is still open: the next `seqorch run` continues it. So everything it counts is here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::by_id;
use super::config_note::ConfigNote;
use super::due::DueTasks;
use super::end::End;
use crate::agent::limit::LimitKind;
use crate::plan::Selection;

/// Where the run of a spec stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Run {
    /// No run was ever begun.
    #[default]
    Never,
    /// A run works, or was killed: its end is not decided.
    Open(OpenRun),
    /// The last run is over.
    Over(OverRun),
}

/// A run whose end is not decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenRun {
    /// When it began.
    pub began: Timestamp,
    /// The options that it was given: what to do and how. `resume` and `run --retry` give them again.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The only tasks that it was asked for; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// The task that it was asked to begin with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// When its steps may start.
    #[serde(default, skip_serializing_if = "RunTimes::is_free")]
    pub times: RunTimes,
    /// The tree of all files when it began, as git names it; `None` where git does not keep them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tree: Option<String>,
    /// Ids whose boxes were ticked when it began, and are since: the only ticks that it believes.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty", serialize_with = "by_id::set")]
    pub believed: BTreeSet<String>,
    /// Iterations so far.
    #[serde(default)]
    pub iterations: u32,
    /// What it waits for, where that is more than the next step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    /// Milliseconds that it waited, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waited_ms: BTreeMap<String, u64>,
    /// Its time was up while an agent worked, and that agent was asked to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends_agent: bool,
    /// What became of configuration files that changed since it began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<ConfigNote>,
    /// Tasks that no agent gets before a person does something, as its last plan has them.
    #[serde(default, skip_serializing_if = "DueTasks::is_empty")]
    pub due: DueTasks,
}

/// When the steps of a run may start, as a person asked for it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunTimes {
    /// No step starts before this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Timestamp>,
    /// No step starts at this time or later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl RunTimes {
    /// Whether steps may start at any time.
    #[must_use]
    pub fn is_free(&self) -> bool {
        *self == Self::default()
    }

    /// Whether no step may start any more.
    #[must_use]
    pub fn is_up(&self, now: Timestamp) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

/// A run that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverRun {
    /// When it began.
    pub began: Timestamp,
    /// When its end was decided.
    pub ended: Timestamp,
    /// Why.
    pub end: End,
    /// The options that it was given; empty where nothing is left of what they asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The ticks that it believed, where tasks.md could not be read since its last agent worked: the next run believes no
    /// others.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "by_id::some_set")]
    pub unread: Option<BTreeSet<String>>,
    /// Tasks that no agent gets before a person does something, as its last plan had them.
    #[serde(default, skip_serializing_if = "DueTasks::is_empty")]
    pub due: DueTasks,
    /// The task that it ended at is settled by a person since, so the end is no need any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_settled: bool,
    /// Milliseconds that it waited, by reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub waited_ms: BTreeMap<String, u64>,
}

/// A wait of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Since when.
    pub since: Timestamp,
    /// Until when; `None`: until a person ends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What for.
    #[serde(flatten)]
    pub reason: WaitReason,
}

/// What a run waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum WaitReason {
    /// The end of a limit.
    Limit {
        /// The backend that is tried then, and its model where only that is limited.
        backend: String,
        /// What kind of limit.
        kind: LimitKind,
    },
    /// A program that worked in this run and is gone, most likely for an update.
    Program {
        /// The program.
        program: String,
    },
    /// A rule of `[pace]`.
    Pace {
        /// The rule.
        rule: String,
    },
    /// The time that a person set for the first step.
    Begin,
    /// The answer of a person to the question whether to run a task (`run --ask`).
    Ask {
        /// The unit.
        unit: String,
        /// Its title.
        title: String,
    },
    /// The end of a talk of a person with an agent, in its session.
    Talk {
        /// The unit.
        unit: String,
        /// Who talks.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
    /// The end of a pause that a person asked for.
    Pause {
        /// Who asked for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<String>,
    },
}

impl std::fmt::Display for WaitReason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Limit { backend, kind } => write!(f, "{backend}: {}", kind.words()),
            Self::Program { program } => write!(f, "{program} is gone"),
            Self::Pace { rule } => f.write_str(rule),
            Self::Begin => f.write_str("the time to begin (--at)"),
            Self::Talk { unit, by } => {
                write!(f, "{} talks to the agent of task {unit}", by.as_deref().unwrap_or("someone"))
            }
            Self::Ask { unit, .. } => write!(f, "your answer whether to run task {unit}"),
            Self::Pause { by: Some(by) } => write!(f, "paused by {by}"),
            Self::Pause { by: None } => f.write_str("paused"),
        }
    }
}

impl WaitReason {
    /// How sums of waits call it: all questions and all talks are one.
    #[must_use]
    pub fn in_sums(&self) -> String {
        match self {
            Self::Ask { .. } => "your answers (--ask)".to_owned(),
            Self::Talk { .. } => "talks with agents".to_owned(),
            Self::Pause { .. } => "pauses that people asked for".to_owned(),
            Self::Program { program } => format!("{program}, which was gone"),
            other => other.to_string(),
        }
    }
}

impl OpenRun {
    /// A run that begins now and believes these ticks.
    #[must_use]
    pub fn new(began: Timestamp, believed: BTreeSet<String>) -> Self {
        Self {
            began,
            args: Vec::new(),
            only: Vec::new(),
            from: None,
            times: RunTimes::default(),
            tree: None,
            believed,
            iterations: 0,
            wait: None,
            waited_ms: BTreeMap::new(),
            ends_agent: false,
            config: None,
            due: DueTasks::default(),
        }
    }

    /// The same run after its end was decided.
    #[must_use]
    pub fn over(self, ended: Timestamp, end: End) -> OverRun {
        // nothing is left of what it was asked for
        let all_done = matches!(end, End::Complete | End::SelectionComplete { .. });
        OverRun {
            began: self.began,
            ended,
            args: if all_done { Vec::new() } else { self.args },
            end,
            unread: None,
            due: self.due,
            is_settled: false,
            waited_ms: self.waited_ms,
        }
    }
}

impl Run {
    /// The open run.
    #[must_use]
    pub fn open(&self) -> Option<&OpenRun> {
        match self {
            Self::Open(open) => Some(open),
            Self::Never | Self::Over(_) => None,
        }
    }

    /// The open run, to be changed.
    pub fn open_mut(&mut self) -> Option<&mut OpenRun> {
        match self {
            Self::Open(open) => Some(open),
            Self::Never | Self::Over(_) => None,
        }
    }

    /// The last run, where it is over.
    #[must_use]
    pub fn over(&self) -> Option<&OverRun> {
        match self {
            Self::Over(over) => Some(over),
            Self::Never | Self::Open(_) => None,
        }
    }

    /// The last run, where it is over, to be changed.
    pub fn over_mut(&mut self) -> Option<&mut OverRun> {
        match self {
            Self::Over(over) => Some(over),
            Self::Never | Self::Open(_) => None,
        }
    }

    /// Whether its end is not decided: the next run continues it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open().is_some()
    }

    /// When the last run began.
    #[must_use]
    pub fn began(&self) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::Open(open) => Some(open.began),
            Self::Over(over) => Some(over.began),
        }
    }

    /// What the open run was asked for: as `asked`, with the ids that its tasks have now.
    #[must_use]
    pub fn selection(&self, asked: &Selection) -> Selection {
        let Some(open) = self.open() else { return asked.clone() };
        Selection { only: open.only.clone(), from: open.from.clone(), ..asked.clone() }
    }

    /// The options that the last run was given.
    #[must_use]
    pub fn args(&self) -> &[String] {
        match self {
            Self::Never => &[],
            Self::Open(open) => &open.args,
            Self::Over(over) => &over.args,
        }
    }

    /// Whether the last run was asked for optional tasks, too.
    #[must_use]
    pub fn includes_optional(&self) -> bool {
        self.args().iter().any(|arg| arg == "--include-optional")
    }

    /// The remote that `--remote` named for the last run.
    #[must_use]
    pub fn remote(&self) -> Option<&str> {
        self.args().iter().find_map(|arg| arg.strip_prefix("--remote="))
    }

    /// What the run waits for.
    #[must_use]
    pub fn wait(&self) -> Option<&Wait> {
        self.open()?.wait.as_ref()
    }

    /// How long the last run waited, by reason.
    #[must_use]
    pub fn waited(&self) -> BTreeMap<String, Duration> {
        let waited = match self {
            Self::Never => return BTreeMap::new(),
            Self::Open(open) => &open.waited_ms,
            Self::Over(over) => &over.waited_ms,
        };
        waited.iter().map(|(reason, ms)| (reason.clone(), Duration::from_millis(*ms))).collect()
    }

    /// Whether it waits for something that a person can end at once: a limit, a pause, or the time to begin. A rule of the
    /// configuration is none.
    #[must_use]
    pub fn waits_for_person(&self) -> bool {
        use WaitReason as R;
        self.wait().is_some_and(|wait| matches!(wait.reason, R::Limit { .. } | R::Pause { .. } | R::Begin))
    }

    /// When the steps of the open run may start.
    #[must_use]
    pub fn times(&self) -> RunTimes {
        self.open().map(|open| open.times).unwrap_or_default()
    }

    /// The ticks that are believed, where not all are.
    #[must_use]
    pub fn believed(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Never => None,
            Self::Open(open) => Some(&open.believed),
            Self::Over(over) => over.unread.as_ref(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    #[test]
    fn a_run_reads_as_documented_and_comes_back_the_same() {
        let mut open = OpenRun::new(at(), BTreeSet::from(["1".to_owned()]));
        open.args = vec!["--only=1".into()];
        let reason = WaitReason::Limit { backend: "claude".into(), kind: LimitKind::RateLimited };
        open.wait = Some(Wait { since: at(), until: Some(at()), reason });
        let over = open.clone().over(at(), End::Dirty { files: vec!["a".into()] });
        for run in [Run::Never, Run::Open(open), Run::Over(over)] {
            let value = serde_json::to_value(&run).unwrap();
            assert_eq!(serde_json::from_value::<Run>(value.clone()).unwrap(), run, "{value}");
            match run {
                Run::Never => assert_eq!(value, serde_json::json!({ "state": "never" })),
                Run::Open(_) => {
                    assert_eq!(value["wait"]["for"], "limit");
                    assert_eq!((&value["state"], &value["args"][0]), (&"open".into(), &"--only=1".into()));
                }
                Run::Over(_) => {
                    assert_eq!(value["end"], serde_json::json!({ "why": "dirty", "files": ["a"] }));
                }
            }
        }
    }

    #[test]
    fn only_a_run_that_did_all_it_was_asked_forgets_its_options() {
        let mut open = OpenRun::new(at(), BTreeSet::new());
        open.args = vec!["--only=1".into()];
        for end in [End::Complete, End::SelectionComplete { left: 2 }] {
            assert_eq!(open.clone().over(at(), end).args, [""; 0]);
        }
        assert_eq!(open.over(at(), End::MaxIterations).args, ["--only=1"]);
    }
}
