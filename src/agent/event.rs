//! What agents say and do, in one vocabulary for all vendors.

use serde::{Deserialize, Serialize};

use super::usage::Usage;

/// How an agent's stdout is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Claude Code, and CLIs that print the same: `--output-format stream-json --verbose`.
    Claude,
    /// Codex: `exec --json`.
    Codex,
    /// Gemini CLI: `--output-format stream-json`.
    Gemini,
    /// `OpenCode` and Kilo: `run --format json`.
    Opencode,
    /// GitHub Copilot CLI: `--output-format json`.
    Copilot,
    /// pi: `--mode json`.
    Pi,
    /// cline: `--json`.
    Cline,
    /// Kimi Code: `--output-format stream-json`.
    Kimi,
    /// Mistral Vibe: `--output streaming`.
    Vibe,
    /// gptme: `--output-format json`.
    Gptme,
    /// `OpenHands`: `--headless --json`.
    Openhands,
    /// mini-swe-agent, which prints for people.
    Mini,
    /// Plain text: every line counts as the agent's own words.
    Text,
}

/// One thing that an agent said or did.
///
/// The agent's own words are kept apart from all other text: signals count only in [`AgentEvent::Text`], and limits
/// are read only from [`AgentEvent::Record`] and [`AgentEvent::Stray`].
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// The agent's session, by which it can be resumed. It comes again when the CLI starts another turn by itself.
    Session {
        /// The vendor's id.
        id: String,
        /// The model, if the stream names it.
        model: Option<String>,
    },
    /// The agent's own words.
    Text {
        /// The words.
        text: String,
        /// Whether they continue the text before them. Otherwise they begin a block.
        continues: bool,
    },
    /// Words that are not the agent's answer: its thoughts, a subagent's words, or input from the CLI.
    Aside {
        /// The first [`KEPT`] bytes of the words.
        text: String,
    },
    /// The agent calls a tool.
    ToolCall {
        /// The tool's name.
        name: String,
        /// What the tool works on: a command, a path, a pattern. Empty if the input holds nothing short.
        target: String,
        /// Whether a subagent makes the call.
        subagent: bool,
    },
    /// The result of a tool call.
    ToolResult {
        /// Whether the call succeeded.
        ok: bool,
        /// The first [`KEPT`] bytes of the tool's output.
        head: String,
        /// Number of lines in the whole output.
        lines: usize,
    },
    /// A tool call was refused, because no person was there to allow it.
    Denied {
        /// The tool. `None`: that of the last call.
        tool: Option<String>,
        /// What the tool was to work on. `None`: that of the last call.
        target: Option<String>,
    },
    /// A new model turn begins, so the text before it was not the final message.
    Step,
    /// The text since the last [`AgentEvent::Step`] was a summary of the conversation, not an answer.
    Summary,
    /// Tokens and money that were used. Amounts that are not cumulative add up.
    Usage(Usage),
    /// The CLI retries by itself.
    Retry {
        /// Why and when.
        text: String,
        /// How long it waits before, in seconds, if it says so.
        wait_s: Option<f64>,
    },
    /// A remark of the CLI that is neither the agent's words nor a failure.
    Notice {
        /// The remark.
        text: String,
    },
    /// A line on stdout that is not a record: a warning of the CLI, or a damaged record.
    Stray {
        /// The line, or a remark about the lost record.
        text: String,
        /// Whether `text` is the line as it was printed.
        verbatim: bool,
    },
    /// Something failed. Only [`AgentEvent::End`] says whether the whole attempt failed.
    Error {
        /// The vendor's words.
        text: String,
    },
    /// A record with authority about errors and limits, as the vendor wrote it.
    Record {
        /// What the record is about.
        topic: RecordTopic,
        /// The whole record.
        json: String,
    },
    /// The CLI's closing record. The last one counts. A stream without one is not a success.
    End {
        /// Whether the CLI reports success.
        ok: bool,
        /// The agent's final message, if the record holds it.
        text: Option<String>,
        /// What went wrong, if something did.
        error: Option<String>,
    },
}

/// Bytes kept of text that only a person reads.
pub const KEPT: usize = 4096;

/// What an authoritative record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordTopic {
    /// An error, or a limit that was hit.
    Error,
    /// How much of a limit is used. Nothing is wrong yet.
    Utilization,
}

/// Where an agent CLI printed something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// The stream of JSON records on stdout.
    Event,
    /// A line on stdout that is not a record. Of plain text, the last line.
    Stdout,
    /// Standard error.
    Stderr,
    /// The CLI's own log file.
    Log,
}

/// Words of a CLI, not of its agent, that may report an error or a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// Where the CLI printed them.
    pub channel: Channel,
    /// The words.
    pub text: String,
}

/// How the CLI itself says that it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CliVerdict {
    /// It succeeded. A success also needs exit code 0.
    Success,
    /// It failed, in the vendor's words. The exit code may still be 0.
    Failure(String),
    /// The closing record never came: the CLI was killed, or the stream was cut.
    Unknown,
}
