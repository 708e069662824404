//! mini-swe-agent 2.4, which prints for people: the prompt, then for each step the agent's words, the command in a code
//! block, and what it printed. Its words are only what stands before the command.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::json::{call, result, say};
use super::lines::StreamLine;
use super::vendor::EventSink;
use crate::agent::event::{AgentEvent, RecordTopic};
use crate::agent::usage::Usage;

/// How a step begins, with the cost of all steps up to it.
static STEP: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^mini-swe-agent \(step \d+, \$([0-9.]+)\):$").unwrap_or_else(|error| unreachable!("{error}"))
});
/// How the words of a failure begin, behind `Exit:`, where a success has the output of the last command.
static FAILURE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(litellm\.)?[A-Za-z]*(Error|Exceeded|Exception)\b")
        .unwrap_or_else(|error| unreachable!("{error}"))
});
/// What the command that only says that all is done prints for the program.
const SUBMIT: &str = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT";
/// What the program prints for it.
const NOT_EXECUTED: &str = "action was not executed";
/// Bytes of one part that are kept: a command may print without end.
const KEPT: usize = 256 << 10;

/// What the lines belong to.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum OutputPart {
    /// Before the prompt.
    #[default]
    Start,
    /// The prompt is echoed.
    Prompt,
    /// The agent's words, and its command.
    Words,
    /// What its command printed.
    Tool,
    /// Why it ended.
    Exit,
}

/// State kept between lines.
#[derive(Debug, Default)]
pub(super) struct Mini {
    part: OutputPart,
    text: String,
    /// The command of the step, until its output is known.
    command: Option<String>,
    cost: Option<f64>,
    /// How it ended, as far as it is known: well, or with an error.
    ended: Option<Result<(), String>>,
}

impl Mini {
    /// Takes the next line.
    pub(super) fn line(&mut self, line: &StreamLine<'_>, sink: EventSink<'_>) {
        let StreamLine::Whole(line) = line else { return };
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end();
        if let Some(step) = STEP.captures(line) {
            self.end_part(sink);
            self.cost = step[1].parse().ok().or(self.cost);
            sink(AgentEvent::Step);
            self.part = OutputPart::Words;
            return;
        }
        let next = match (self.part, line) {
            (OutputPart::Start, "System:" | "User:") => OutputPart::Prompt,
            (OutputPart::Words, "Tool:" | "User:") => OutputPart::Tool,
            (_, "Exit:") => OutputPart::Exit,
            (OutputPart::Exit, line) if line.starts_with("Saved trajectory to") => OutputPart::Start,
            (part, _) => {
                if part == OutputPart::Start && !line.is_empty() {
                    sink(AgentEvent::Stray { text: line.to_owned(), verbatim: false });
                } else if part != OutputPart::Prompt && self.text.len() + line.len() < KEPT {
                    self.text.push_str(line);
                    self.text.push('\n');
                }
                return;
            }
        };
        self.end_part(sink);
        self.part = next;
    }

    /// Ends the output.
    pub(super) fn finish(&mut self, sink: EventSink<'_>) {
        self.end_part(sink);
        self.part = OutputPart::Start;
        if let Some(cost) = self.cost.take().filter(|cost| *cost > 0.0) {
            sink(AgentEvent::Usage(Usage { cost_usd: Some(cost), ..Usage::default() }));
        }
        match self.ended.take() {
            Some(Ok(())) => sink(AgentEvent::End { ok: true, text: None, error: None }),
            Some(Err(why)) => sink(AgentEvent::End { ok: false, text: None, error: Some(why) }),
            None => {}
        }
    }

    fn end_part(&mut self, sink: EventSink<'_>) {
        let text = std::mem::take(&mut self.text);
        let text = text.trim();
        match self.part {
            OutputPart::Start | OutputPart::Prompt => {}
            OutputPart::Words => {
                let (words, command) = split_command(text);
                say(words.to_owned(), sink);
                self.command = command.map(str::to_owned);
            }
            OutputPart::Tool => {
                let command = self.command.take().unwrap_or_default();
                // the command that only says that all is done is no work after the agent's last words
                if text.contains(NOT_EXECUTED) || command.contains(SUBMIT) {
                    return;
                }
                call("bash", &Value::String(command), sink);
                // a rule and a notice stand before the next step
                let text = text.split("\n───").next().unwrap_or_default();
                let code = text.strip_prefix("<returncode>").unwrap_or_default().trim_start();
                let ok = code.lines().next().is_none_or(|code| code.trim() == "0");
                let output = text.split_once("<output>").map_or(text, |(_, output)| output).trim();
                result(ok, output, sink);
            }
            OutputPart::Exit if FAILURE.is_match(text) => {
                sink(AgentEvent::Record { topic: RecordTopic::Error, json: text.to_owned() });
                self.ended = Some(Err(text.to_owned()));
            }
            OutputPart::Exit => self.ended = Some(Ok(())),
        }
    }
}

/// The words before the code block that ends them, and the command in it.
fn split_command(text: &str) -> (&str, Option<&str>) {
    let Some(inner) = text.strip_suffix("```") else { return (text, None) };
    let Some(at) = inner.rfind("\n```").map(|at| at + 1).or_else(|| inner.starts_with("```").then_some(0))
    else {
        return (text, None);
    };
    let command = inner[at..].split_once('\n').map_or("", |(_, command)| command).trim();
    (text[..at].trim_end(), Some(command))
}
