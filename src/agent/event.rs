//! What agents say and do, in one language for all of them.

use serde::{Deserialize, Serialize};

/// How an agent's stdout is to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Claude Code: `--output-format stream-json --verbose`.
    Claude,
    /// Codex: `exec --json`.
    Codex,
    /// Gemini CLI: `--output-format stream-json`.
    Gemini,
    /// `OpenCode`: `run --format json`.
    Opencode,
    /// Plain text; all of it is the agent's own.
    Text,
}

/// One thing that an agent said or did. What is the agent's own is told apart from what came to it from elsewhere,
/// since signals count only in the former and limits only in [`AgentEvent::Record`].
#[derive(Debug, Clone, PartialEq)]
pub enum AgentEvent {
    /// The agent's session, by which it can be resumed. May come again when the CLI starts another turn by itself.
    Session {
        /// The vendor's id.
        id: String,
        /// The model, where the stream names it.
        model: Option<String>,
    },
    /// The agent's own words.
    Text {
        /// The words.
        text: String,
        /// Whether they go on where the text before them stopped; else they begin a block.
        continues: bool,
    },
    /// Words that are not the agent's own answer: a subagent's, its thoughts, or what the CLI told it.
    Aside {
        /// The words, at most the first [`KEPT`] bytes.
        text: String,
    },
    /// The agent uses a tool.
    ToolCall {
        /// The tool.
        name: String,
        /// On what: a command, a path, a pattern; empty where nothing short says it.
        what: String,
        /// Whether a subagent does.
        sub: bool,
    },
    /// What came of a tool.
    ToolResult {
        /// Whether it went well.
        ok: bool,
        /// The beginning of what it printed, at most [`KEPT`] bytes.
        head: String,
        /// How many lines it printed in all.
        lines: usize,
    },
    /// A model turn begins: what was said before it was not the last word.
    Step,
    /// The text since the last [`AgentEvent::Step`] was a summary of the conversation, not an answer.
    Summary,
    /// What was used. Those that are not cumulative add up.
    Usage(Usage),
    /// The CLI tries again by itself.
    Retry {
        /// Why, and when.
        text: String,
    },
    /// The CLI says something that is neither the agent's nor a failure.
    Notice {
        /// What.
        text: String,
    },
    /// Something on stdout that is no record: a warning of the CLI, or a record that came damaged.
    Stray {
        /// It, or what is to be said of it.
        text: String,
        /// Whether it is what was printed, whole; else it is about a record that was lost.
        line: bool,
    },
    /// Something failed. Only [`AgentEvent::End`] says whether the whole did.
    Error {
        /// The vendor's words.
        text: String,
    },
    /// A record that speaks with authority about errors and limits, as the vendor wrote it.
    Record {
        /// What it is about.
        about: About,
        /// The record: JSON.
        raw: String,
    },
    /// The CLI's closing word. The last one counts; none at all is no success.
    End {
        /// Whether it went well.
        ok: bool,
        /// The agent's final text, where the record holds it.
        text: Option<String>,
        /// What went wrong, if it did.
        error: Option<String>,
    },
}

/// Bytes that are kept of what only a person looks at.
pub const KEPT: usize = 4096;

/// What an authoritative record is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    /// An error or a limit that was hit.
    Error,
    /// How much of a limit is used; nothing is wrong yet.
    Utilization,
}

/// Where something was said that may tell of a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channel {
    /// A record of the stream: JSON.
    Event,
    /// A line on stdout that is no record; in plain text the last line.
    Stdout,
    /// A line on stderr.
    Stderr,
    /// A line of the CLI's own log.
    Log,
}

/// Words of a CLI, not of its agent, that may tell of an error or a limit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorRecord {
    /// Where it was said.
    pub channel: Channel,
    /// What was said.
    pub text: String,
}

/// How the CLI itself says it ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Well. Exit code 0 belongs to it.
    Success,
    /// Not well, in the vendor's words. The exit code may be 0 all the same.
    Failure(String),
    /// Its closing record never came: killed, or the stream was cut.
    Unknown,
}

/// Tokens and money. A field is `None` where the vendor does not say it, never 0 for that.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Tokens that went in, cached ones included.
    pub input: Option<u64>,
    /// Those of `input` that came from a cache.
    pub cached_input: Option<u64>,
    /// Tokens that came out, thoughts included.
    pub output: Option<u64>,
    /// Those of `output` that were thoughts.
    pub reasoning: Option<u64>,
    /// US dollars, as the vendor reckons them.
    pub cost_usd: Option<f64>,
    /// Whether this is the session's total since its beginning, so that a resumed one counts what came before, too.
    pub cumulative: bool,
}

impl Usage {
    /// Takes in what was used further, or what replaces it.
    pub fn take(&mut self, more: &Self) {
        if more.cumulative {
            *self = *more;
            return;
        }
        self.input = add(self.input, more.input);
        self.cached_input = add(self.cached_input, more.cached_input);
        self.output = add(self.output, more.output);
        self.reasoning = add(self.reasoning, more.reasoning);
        self.cost_usd = match (self.cost_usd, more.cost_usd) {
            (Some(a), Some(b)) => Some(a + b),
            (a, b) => a.or(b),
        };
    }

    /// What was used since `before`, the total of the same session as it was known last; for a total only.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        if !self.cumulative {
            return *self;
        }
        let less = |now: Option<u64>, then: Option<u64>| Some(now?.saturating_sub(then.unwrap_or(0)));
        Self {
            input: less(self.input, before.input),
            cached_input: less(self.cached_input, before.cached_input),
            output: less(self.output, before.output),
            reasoning: less(self.reasoning, before.reasoning),
            cost_usd: self.cost_usd.map(|now| (now - before.cost_usd.unwrap_or(0.0)).max(0.0)),
            cumulative: false,
        }
    }

    /// All tokens, where both sides are known.
    #[must_use]
    pub fn tokens(&self) -> Option<u64> {
        Some(self.input?.saturating_add(self.output?))
    }
}

fn add(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.saturating_add(b)),
        (a, b) => a.or(b),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_and_what_nobody_said_stays_unknown() {
        let mut all = Usage::default();
        all.take(&Usage { input: Some(10), output: Some(2), ..Usage::default() });
        all.take(&Usage { input: Some(5), cost_usd: Some(0.5), ..Usage::default() });
        assert_eq!((all.input, all.output, all.cached_input), (Some(15), Some(2), None));
        assert_eq!((all.cost_usd, all.tokens()), (Some(0.5), Some(17)));
        assert_eq!(Usage::default().tokens(), None);
    }

    #[test]
    fn a_total_replaces_and_a_run_is_the_difference_of_two_totals() {
        let total = |n| Usage { input: Some(n), cumulative: true, ..Usage::default() };
        let mut all = total(123);
        all.take(&total(246));
        assert_eq!(all, total(246));
        let run = all.since(&total(123));
        assert_eq!((run.input, run.output, run.cumulative), (Some(123), None, false));
    }
}
