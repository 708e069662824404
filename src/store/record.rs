//! The files of an attempt's folder, and the words that the two sides exchange.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::agent::event::{ErrorRecord, Format, Usage, Verdict};
use crate::config::PromptBy;
use crate::state::outcome::{CancelledBy, TimedOut};

/// Version of these files.
pub const SCHEMA: u32 = 1;

/// `attempt.json`: all that `__attempt` needs, but for the environment (which never touches the disk).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptFile {
    /// [`SCHEMA`].
    pub schema: u32,
    /// Name of the spec.
    pub spec: String,
    /// Id of the unit.
    pub unit: String,
    /// Title of the unit.
    pub title: String,
    /// Number of the attempt, from 1.
    pub attempt: u32,
    /// Name of the backend.
    pub backend: String,
    /// Program and arguments, with `{prompt}` and `{prompt_file}` still in them.
    pub argv: Vec<String>,
    /// How the prompt gets to the agent.
    pub prompt_by: PromptBy,
    /// What the agent prints.
    pub output: Format,
    /// Where the agent works.
    pub cwd: PathBuf,
    /// Deadlines.
    pub deadlines: Deadlines,
    /// Bytes of stdout that are kept.
    pub log_max_bytes: u64,
    /// Socket of the orchestrator.
    pub socket: PathBuf,
    /// Proves to the orchestrator that this attempt is the one it started.
    pub token: String,
    /// When it was written.
    pub created_at: Timestamp,
    /// When the state says that it was decided, by which the folder is known from another attempt's of the same number;
    /// `None`: written by an older version, or no attempt of a unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_at: Option<Timestamp>,
}

impl AttemptFile {
    /// Whether this is the attempt that the state says was decided then.
    #[must_use]
    pub fn is_of(&self, decided_at: Timestamp) -> bool {
        // an attempt is decided before its folder is written
        self.decided_at.map_or(self.created_at >= decided_at, |at| at == decided_at)
    }
}

/// Deadlines in milliseconds; `None` is off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Deadlines {
    /// The whole attempt.
    pub total_ms: Option<u64>,
    /// Silence.
    pub idle_ms: Option<u64>,
    /// Until the first byte.
    pub first_output_ms: Option<u64>,
    /// Between TERM and KILL.
    pub grace_ms: u64,
}

impl Deadlines {
    /// The grace as a duration.
    #[must_use]
    pub fn grace(&self) -> Duration {
        Duration::from_millis(self.grace_ms)
    }
}

/// How the agent's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// With this code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// `result.json`: what happened, unjudged. Written atomically, as the last act of an attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When the agent was started.
    pub started_at: Timestamp,
    /// When all was over.
    pub ended_at: Timestamp,
    /// How the agent ended, if it ever ran.
    pub exit: Option<Exit>,
    /// A deadline that passed.
    pub timed_out: Option<TimedOut>,
    /// Who ended it from outside.
    pub cancelled: Option<CancelledBy>,
    /// Why the agent could not be started.
    pub unavailable: Option<String>,
    /// The agent said `TASK_DONE` or `COMPLETE`.
    pub done: bool,
    /// The agent said HALT: the text before it.
    pub halt: Option<String>,
    /// The agent's last lines.
    pub last_words: String,
    /// The end of its stderr.
    pub stderr_tail: String,
    /// Bytes on stdout.
    pub stdout_bytes: u64,
    /// Bytes on stderr.
    pub stderr_bytes: u64,
    /// Processes that the agent left behind and that were ended.
    pub leftovers: usize,
    /// Why the log is not whole.
    pub log_error: Option<String>,
    /// The agent's own session, by which it can be resumed.
    #[serde(default)]
    pub session: Option<String>,
    /// The model, where the stream names it.
    #[serde(default)]
    pub model: Option<String>,
    /// Tokens and money, where the stream tells.
    #[serde(default)]
    pub usage: Option<Usage>,
    /// How the CLI says it ended; `None` where its format has no word for it.
    #[serde(default)]
    pub verdict: Option<Verdict>,
    /// The last error that the CLI told of, fatal or not.
    #[serde(default)]
    pub error: Option<String>,
    /// What may tell of a limit: never the agent's words nor its tools'. Oldest first in each channel.
    #[serde(default)]
    pub error_records: Vec<ErrorRecord>,
    /// The last record about how much of a limit is used.
    #[serde(default)]
    pub utilization: Option<String>,
}

impl Facts {
    /// What is known of an attempt at its start.
    #[must_use]
    pub fn begun(at: Timestamp) -> Self {
        Self {
            schema: SCHEMA,
            started_at: at,
            ended_at: at,
            exit: None,
            timed_out: None,
            cancelled: None,
            unavailable: None,
            done: false,
            halt: None,
            last_words: String::new(),
            stderr_tail: String::new(),
            stdout_bytes: 0,
            stderr_bytes: 0,
            leftovers: 0,
            log_error: None,
            session: None,
            model: None,
            usage: None,
            verdict: None,
            error: None,
            error_records: Vec::new(),
            utilization: None,
        }
    }
}

/// What the lock file holds: who works in this folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process of `__attempt`.
    pub pid: i32,
    /// Its start in clock ticks since boot, with the pid its identity.
    pub started: u64,
    /// The agent, which leads a session of its own.
    pub agent: Option<i32>,
}

/// Names inside an attempt's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptDir(PathBuf);

impl AttemptDir {
    /// The folder at `path`.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }
    /// The folder itself.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
    /// `attempt.json`
    #[must_use]
    pub fn attempt(&self) -> PathBuf {
        self.0.join("attempt.json")
    }
    /// `prompt.md`
    #[must_use]
    pub fn prompt(&self) -> PathBuf {
        self.0.join("prompt.md")
    }
    /// `output.jsonl`: the agent's stdout, byte for byte.
    #[must_use]
    pub fn output(&self) -> PathBuf {
        self.0.join("output.jsonl")
    }
    /// `stderr.log`
    #[must_use]
    pub fn stderr(&self) -> PathBuf {
        self.0.join("stderr.log")
    }
    /// `result.json`
    #[must_use]
    pub fn result(&self) -> PathBuf {
        self.0.join("result.json")
    }
    /// `verify-1`, …: the folder of a command that had to succeed before the attempt counted as done.
    #[must_use]
    pub fn verify(&self, number: usize) -> Self {
        Self(self.0.join(format!("verify-{number}")))
    }
    /// `session`: the id of the agent's own session, from when it is known.
    #[must_use]
    pub fn session(&self) -> PathBuf {
        self.0.join("session")
    }
    /// `lock`
    #[must_use]
    pub fn lock(&self) -> PathBuf {
        self.0.join("lock")
    }
    /// Where `__session` says why the agent could not be started.
    #[must_use]
    pub fn unavailable(&self) -> PathBuf {
        self.0.join("unavailable")
    }
}

/// A log's files in the order of their content: the log itself, and where it was too long to be kept whole, the two
/// that took turns for its end, older first.
#[must_use]
pub fn log_parts(log: &Path) -> [PathBuf; 3] {
    let with = |suffix: &str| {
        let mut path = log.as_os_str().to_owned();
        path.push(suffix);
        PathBuf::from(path)
    };
    [log.to_owned(), with(".1"), with(".2")]
}

/// First words of `__attempt` on the socket: a line of JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// [`AttemptFile::token`].
    pub token: String,
    /// Its process.
    pub pid: i32,
}

/// Packs an environment for the socket: `NAME=VALUE` entries, each ended by a NUL byte.
#[must_use]
pub fn pack_env<'a>(env: impl IntoIterator<Item = (&'a [u8], &'a [u8])>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, value) in env {
        bytes.extend_from_slice(name);
        bytes.push(b'=');
        bytes.extend_from_slice(value);
        bytes.push(0);
    }
    bytes
}

/// The reverse of [`pack_env`]; a name may start with `=` on no system that has it here.
#[must_use]
pub fn unpack_env(bytes: &[u8]) -> Vec<(&[u8], &[u8])> {
    bytes
        .split(|b| *b == 0)
        .filter_map(|entry| {
            let at = entry.iter().position(|b| *b == b'=')?;
            Some((&entry[..at], &entry[at + 1..]))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_of_an_earlier_version_is_read() {
        let old = r#"{"schema":1,"started_at":"2026-01-01T00:00:00Z","ended_at":"2026-01-01T00:00:00Z",
            "exit":{"code":0},"timed_out":null,"cancelled":null,"unavailable":null,"done":true,"halt":null,
            "last_words":"","stderr_tail":"","stdout_bytes":1,"stderr_bytes":0,"leftovers":0,"log_error":null}"#;
        let facts: Facts = serde_json::from_str(old).unwrap();
        assert_eq!((facts.done, facts.verdict, facts.usage), (true, None, None));
        assert!(facts.error_records.is_empty());
    }

    #[test]
    fn a_folder_is_known_from_that_of_another_attempt_of_the_same_number() {
        let old = r#"{"schema":1,"spec":"s","unit":"1","title":"A","attempt":1,"backend":"b","argv":["sh"],
            "prompt_by":"stdin","output":"text","cwd":"/","deadlines":{"total_ms":null,"idle_ms":null,
            "first_output_ms":null,"grace_ms":1},"log_max_bytes":1,"socket":"/s","token":"t",
            "created_at":"2026-01-01T00:00:01Z"}"#;
        let at = |second: i64| Timestamp::from_second(1_767_225_600 + second).unwrap();
        let mut file: AttemptFile = serde_json::from_str(old).unwrap();
        // the version before did not write it
        assert_eq!([0, 1, 2].map(|second| file.is_of(at(second))), [true, true, false]);
        file.decided_at = Some(at(1));
        assert_eq!([0, 1, 2].map(|second| file.is_of(at(second))), [false, true, false]);
    }

    #[test]
    fn an_environment_survives_the_socket_byte_for_byte() {
        let env: [(&[u8], &[u8]); 3] = [(b"A", b"x=y"), (b"EMPTY", b""), (b"RAW", b"\xff\n")];
        assert_eq!(unpack_env(&pack_env(env)), env);
    }
}
