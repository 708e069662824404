//! PURE. `result.json`: what happened in an attempt, unjudged.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::attempt_file::SCHEMA;
use crate::agent::event::{CliVerdict, ErrorRecord};
use crate::agent::usage::Usage;
use crate::state::TreeRecord;
use crate::state::outcome::{CancelledBy, TimedOut};

/// How the agent's process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentExit {
    /// With this exit code.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

/// What happened in an attempt. Its process writes this atomically as its last act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptResult {
    /// [`SCHEMA`].
    pub schema: u32,
    /// When the agent was started.
    pub started_at: Timestamp,
    /// When everything of the attempt had ended.
    pub ended_at: Timestamp,
    /// How the agent ended. `None` if it never ran.
    pub exit: Option<AgentExit>,
    /// The deadline that ended it.
    pub timed_out: Option<TimedOut>,
    /// Who ended it from outside.
    pub cancelled: Option<CancelledBy>,
    /// Why the agent could not be started.
    pub unavailable: Option<String>,
    /// Whether the agent printed `TASK_DONE` or `COMPLETE`.
    pub done: bool,
    /// The text before HALT, if the agent printed it.
    pub halt: Option<String>,
    /// Whether a reviewer approves; `None` where the agent said neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approves: Option<bool>,
    /// The agent's last lines.
    pub last_words: String,
    /// The end of the agent's stderr.
    pub stderr_tail: String,
    /// Bytes on stdout.
    pub stdout_bytes: u64,
    /// Bytes on stderr.
    pub stderr_bytes: u64,
    /// Number of processes that the agent left running and that were ended.
    pub leftovers: usize,
    /// Why the log is not complete.
    pub log_error: Option<String>,
    /// The agent's own session, by which it can be resumed.
    pub session: Option<String>,
    /// The model, if the stream names it.
    pub model: Option<String>,
    /// Tokens and money, if the stream reports them.
    pub usage: Option<Usage>,
    /// How the CLI says it ended. `None` if its format has no closing record.
    pub verdict: Option<CliVerdict>,
    /// The last error that the CLI reported, fatal or not.
    pub error: Option<String>,
    /// What may report a limit: never the words of the agent or its tools. Oldest first on each channel.
    pub error_records: Vec<ErrorRecord>,
    /// The last record about how much of a limit is used.
    pub utilization: Option<String>,
    /// Calls of tools that were refused because no human was there to allow them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub denied: Vec<String>,
    /// The limit that the agent stated while it worked, in its words, if seqorch ended the agent for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stated: Option<String>,
    /// The CLI's notice that it retries, if nothing came after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrying: Option<String>,
    /// Whether the last output was on stderr.
    #[serde(default)]
    pub stderr_is_last: bool,
    /// The work tree after everything of the attempt had ended, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TreeRecord>,
}

impl AttemptResult {
    /// The result of an attempt that began at `at`, before anything happened.
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
            approves: None,
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
            denied: Vec::new(),
            stated: None,
            retrying: None,
            stderr_is_last: false,
            after: None,
        }
    }
}
