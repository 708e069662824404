//! PURE. The events of a run for programs: one JSON object per line, in `events.jsonl` of the spec's folder and on stdout
//! of `seqorch run --json`.
//!
//! Every line is `{"v":1,"at":"2026-01-02T03:04:05Z","event":"…",…}`. `v` is [`VERSION`]: it grows when a field
//! changes its meaning or is removed. New events and new fields may be added without that, so a reader must ignore what it
//! does not know. Times are RFC 3339 in UTC, durations are whole milliseconds, ids are those of tasks.md. Text of agents
//! and of tasks.md is unchanged: a reader that shows it must remove escape sequences itself.
//!
//! seqorch makes no decision from the log. The state file says what is done.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::needs::NeedRecord;
use super::notice::{NamedTask, NextKind, PauseKind, TaskEdits};
use crate::agent::AttemptRole;
use crate::agent::Usage;
use crate::agent::sanitise::harmless;
use crate::state::work_tree::AgentCommit;
use crate::state::{ConfigOutcome, EndKind, LeftOutCheck, Outcome, ResumeReason};

/// Version of the format.
pub const VERSION: u32 = 1;

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventRecord {
    /// [`VERSION`].
    pub v: u32,
    /// When it happened.
    pub at: Timestamp,
    /// The event and its fields.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// An event of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// A run starts, or continues after its orchestrator was killed.
    RunStarted {
        /// The spec.
        spec: String,
        /// The orchestrator's process.
        pid: u32,
        /// Units of the plan, in order.
        steps: Vec<String>,
    },
    /// An attempt starts.
    StepStarted {
        /// The unit.
        unit: String,
        /// Its title.
        title: String,
        /// Number of the attempt, from 1.
        attempt: u32,
        /// How many tries people count, this one included: without those that a limit ended.
        #[serde(default)]
        tries: usize,
        /// What the attempt is for: `work` or `review`.
        #[serde(default)]
        role: AttemptRole,
        /// The backend that works on it.
        backend: Option<String>,
        /// Why it resumes a session: `nudge`, `retry`, `answer`, `limit`; null: it begins a new one.
        resumes: Option<ResumeReason>,
        /// The iteration of the run, from 1.
        iteration: u32,
        /// Tasks that are to do, this one included.
        left: usize,
    },
    /// An attempt ended.
    StepEnded {
        /// The unit.
        unit: String,
        /// Its title; may be empty where an attempt of an earlier run was taken over.
        title: String,
        /// Number of the attempt.
        attempt: u32,
        /// The backend that worked on it.
        backend: Option<String>,
        /// The model that the agent named.
        model: Option<String>,
        /// Tokens and cost; null: the vendor does not state them.
        usage: Option<Usage>,
        /// The outcome as in the state file: `{"kind":"done"}`, `{"kind":"failed","code":1}`, …
        outcome: Outcome,
        /// The same as a sentence.
        says: String,
        /// How long it took.
        took_ms: u64,
        /// What follows: `plain` (nothing special), `again` (another attempt), `nudge` (the agent is asked for its signal),
        /// `unchanged` (the agent is asked, since no file has changed), `afresh` (a new session), `review` (of what it
        /// did), `failed` (no attempts left).
        next: NextKind,
        /// How many attempts the unit has left, if `next` is `again` or `afresh`.
        attempts_left: Option<u32>,
        /// Commits that the agent made itself: `{"id": …, "subject": …}`, oldest first; missing: none.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        own_commits: Vec<AgentCommit>,
    },
    /// The run pauses.
    Waiting {
        /// `delay`: between two steps. `backoff`: before the next attempt. `limit`: until a limited backend may be tried
        /// again. `pace`: until a rule of `[pace]` lets the next step start.
        /// `program`: until a program that is gone is looked for again. `begin`: until the time of `--at`. `ask`: until a person
        /// says whether to run a task (`run --ask`). `talk`: until a person leaves the session of an agent. `pause`: until
        /// a pause is over that a person asked for.
        why: PauseKind,
        /// The reason as text; names the backend and its kind of limit.
        #[serde(default)]
        reason: String,
        /// The unit that waits; null: the run waits.
        unit: Option<String>,
        /// When the pause ends; null: a person ends it.
        until: Option<Timestamp>,
    },
    /// An agent is asked to assign tasks to agents.
    Assigning {
        /// How many units it should assign.
        units: usize,
        /// The backend that is asked.
        backend: String,
    },
    /// The assignments of that agent.
    Assigned {
        /// The backend that was asked.
        by: String,
        /// `{type, owner_agent}` by unit.
        found: Value,
        /// Units that go to the default backend.
        missing: Vec<String>,
        /// What was wrong with its assignments.
        complaints: Vec<String>,
    },
    /// The checks of the untouched tree start.
    Baselining {
        /// Number of commands.
        commands: usize,
    },
    /// The checks of the untouched tree are over. No agent of this run has worked yet.
    Baseline {
        /// Number of commands.
        commands: usize,
        /// Those that failed.
        failed: Vec<FailedCommand>,
        /// Those that did not run, and why.
        left_out: Vec<LeftOutCheck>,
        /// Files that they changed, and that were put back.
        undone: Vec<String>,
        /// How long they took.
        took_ms: u64,
    },
    /// The commands of `[verify]` start.
    Verifying {
        /// The unit whose agent says that it is done.
        unit: String,
        /// Number of commands.
        commands: usize,
    },
    /// A person answered the question of an agent.
    Answered {
        /// The unit whose agent asked.
        unit: String,
        /// What it asked.
        question: String,
        /// What the person answered.
        answer: String,
        /// Who answered; null: not known.
        by: Option<String>,
    },
    /// A person wrote a note for the agent of a task.
    Noted {
        /// The unit.
        unit: String,
        /// The note.
        text: String,
        /// Who wrote it; null: not known.
        by: Option<String>,
        /// The task was done before an agent got the note.
        late: bool,
        /// The attempt whose agent got it while it worked (`seqorch say`); missing: the next prompt has it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        said_to: Option<u32>,
    },
    /// A person asked for a pause. `waiting` follows where it holds back a step.
    Paused {
        /// When it ends; null: a person ends it.
        until: Option<Timestamp>,
        /// Who asked; null: not known.
        by: Option<String>,
    },
    /// A person ended the pause.
    Resumed,
    /// A person asked that these tasks are not done.
    Skipped {
        /// Their ids.
        ids: Vec<String>,
    },
    /// A person answered a question that is not open any more.
    NotAnswered {
        /// The unit.
        unit: String,
    },
    /// A person asked that these tasks are not done, too late: they are done, or not there any more.
    NotSkipped {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Configuration files changed while the run was at work. `configuration` says what became of it: `taken`, `restored`,
    /// `not_trusted` or `broken`.
    ConfigChanged {
        /// What became of it.
        #[serde(flatten)]
        became: ConfigOutcome,
    },
    /// tasks.md changed while the run was at work.
    TasksChanged {
        /// New, removed and reworded tasks.
        #[serde(flatten)]
        edits: TaskEdits,
    },
    /// Boxes were ticked that seqorch did not tick. Their tasks do not count as done.
    ForeignTicks {
        /// Their ids.
        ids: Vec<String>,
    },
    /// Boxes of done tasks were opened during the run. The tasks stay done.
    OpenedBoxes {
        /// Their ids.
        ids: Vec<String>,
    },
    /// An agent removed open tasks of others from tasks.md, or struck them out. They are not done.
    RemovedTasks {
        /// Their ids and titles.
        tasks: Vec<NamedTask>,
    },
    /// Boxes are still ticked that an earlier run reported as `foreign_ticks`. Their tasks still do not count as done.
    Unconfirmed {
        /// Their ids.
        ids: Vec<String>,
    },
    /// The run will end after this step.
    Stopping,
    /// Someone took the request to end after this step back.
    KeepsRunning,
    /// The run ends the agent now.
    Ending,
    /// A pending commit of an earlier run was made, or is not needed any more.
    Committed {
        /// The unit.
        unit: String,
        /// The commit; null: there was nothing left to commit, or commits are turned off now.
        commit: Option<String>,
        /// Files that the unit changed.
        files: u64,
        /// Added lines.
        insertions: u64,
        /// Removed lines.
        deletions: u64,
    },
    /// An agent asks a question. The end of the run follows.
    Halted {
        /// The unit whose agent asks.
        unit: String,
        /// What it asks.
        question: String,
        /// Everything that a person must do, as `status --json` has it.
        #[serde(default)]
        needs: Vec<NeedRecord>,
    },
    /// You must do something, and it is not the answer to a question. The end of the run follows.
    NeedsHuman {
        /// The first unit that it is about; null: none.
        unit: Option<String>,
        /// Why the run ended, as in `run_ended`.
        why: EndKind,
        /// What is wrong; for a refused commit the output of git.
        reason: String,
        /// Everything that a person must do, as `status --json` has it.
        #[serde(default)]
        needs: Vec<NeedRecord>,
    },
    /// The run is over.
    RunEnded {
        /// The spec.
        spec: String,
        /// Why, in the word of [`EndKind`]; after `hung_up` a working agent continues without the run.
        why: EndKind,
        /// The exit code of the process, unless it runs another spec after this one.
        exit_code: u8,
        /// The first unit that needs you; null: none does.
        #[serde(default)]
        unit: Option<String>,
        /// Why it needs you: the question, or what is wrong; null: nothing does.
        #[serde(default)]
        reason: Option<String>,
        /// Units that failed and have no attempts left.
        failed: Vec<String>,
        /// Units that could not start because they depend on failed ones.
        blocked: Vec<String>,
        /// Tasks that are to do.
        left: usize,
        /// When a run can continue, after `try_later`; null: the run ended for another reason.
        #[serde(default)]
        resume_at: Option<Timestamp>,
        /// How long it took.
        took_ms: u64,
        /// Changed files; null outside a git repository.
        changes: Option<Vec<Changed>>,
        /// What tasks left that is in no snapshot and in no commit.
        #[serde(default)]
        left_out: Vec<LeftOutFile>,
        /// Everything that a person must do, as `status --json` has it.
        #[serde(default)]
        needs: Vec<NeedRecord>,
        /// Why the commits are not pushed; null: they are, or `git.push` is not set.
        #[serde(default)]
        not_pushed: Option<String>,
    },
    /// An event of a newer version; readers ignore it.
    #[serde(other)]
    Unknown,
}

/// A check that failed before any agent worked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedCommand {
    /// The command.
    pub command: String,
    /// How it ended: `failed with exit code 2`.
    pub how: String,
    /// The line of its whole output that names the cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The end of what it printed.
    pub tail: String,
}

/// A path that is in no snapshot and in no commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOutFile {
    /// The unit whose agent left it.
    pub unit: String,
    /// Its path in the repository; bytes that are not UTF-8 are written as `\xNN`.
    pub path: String,
    /// Why: a sentence, or git's words.
    pub reason: String,
}

/// A changed file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Its path in the repository.
    pub path: String,
    /// Lines added; null for a binary file.
    pub insertions: Option<u64>,
    /// Lines removed; null for a binary file.
    pub deletions: Option<u64>,
}

impl EventRecord {
    /// An event at a moment.
    #[must_use]
    pub fn new(at: Timestamp, kind: EventKind) -> Self {
        Self { v: VERSION, at, kind }
    }

    /// The line with its line end.
    #[must_use]
    pub fn line(&self) -> String {
        // serialising cannot fail: all map keys are strings
        let mut line = harmless(&serde_json::to_string(self).unwrap_or_default());
        line.push('\n');
        line
    }
}

/// Reads a log. Skips incomplete lines (such as the last one after a power cut) and unknown events.
#[must_use]
pub fn read(log: &str) -> Vec<EventRecord> {
    log.lines()
        .filter_map(|line| serde_json::from_str::<EventRecord>(line).ok())
        .filter(|record| record.v == VERSION && record.kind != EventKind::Unknown)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::notice::Notice;
    use super::super::notice_event::of_notice;
    use super::*;
    use crate::state::SpecState;

    fn at() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    #[test]
    fn an_event_is_written_as_documented_and_read_back() {
        let notice = Notice::Started {
            role: AttemptRole::Work,
            tries: 2,
            unit: "1".into(),
            title: "Log in".into(),
            attempt: 2,
            reason: None,
            iteration: 3,
            left: 4,
        };
        let record = EventRecord::new(at(), of_notice(&notice, &SpecState::default()));
        assert_eq!(
            record.line(),
            "{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"step_started\",\"unit\":\"1\",\
             \"title\":\"Log in\",\"attempt\":2,\"tries\":2,\"role\":\"work\",\"backend\":null,\"resumes\":null,\"iteration\":3,\"left\":4}\n"
        );
        assert_eq!(read(&record.line()), [record]);
    }

    #[test]
    fn torn_lines_unknown_events_and_newer_versions_are_skipped() {
        let good = EventRecord::new(at(), EventKind::Stopping).line();
        let log = format!(
            "{good}{{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"party\",\"x\":1}}\n{}{{\"v\":1,\"at\"",
            good.replace("\"v\":1", "\"v\":2")
        );
        assert_eq!(read(&log).len(), 1);
    }

    #[test]
    fn the_end_of_a_run_that_an_older_version_wrote_is_read() {
        let old = "{\"v\":1,\"at\":\"2026-01-02T03:04:05Z\",\"event\":\"run_ended\",\"spec\":\"s\",\"why\":\"stuck\",\
                   \"exit_code\":2,\"failed\":[\"1\"],\"blocked\":[],\"left\":1,\"took_ms\":1,\"changes\":null}\n";
        assert!(matches!(&read(old)[0].kind, EventKind::RunEnded { unit: None, .. }));
    }

    #[test]
    fn a_hook_variable_is_one_line_whatever_the_agent_wrote() {
        let question = "a\x1b]0;x\x07\0b\nc".into();
        let what = EventKind::Halted { unit: "1".into(), question, needs: Vec::new() };
        assert_eq!(what.hook_variables().last().unwrap().1, "ab c");
    }
}
