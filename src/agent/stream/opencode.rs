//! `OpenCode`: `run --format json`.
//!
//! There is no closing record. The last `step_finish` or `error` before the end decides. Text that the program itself
//! put into the conversation is marked `synthetic`.

use serde::Deserialize;

use super::fields::{ErrorMessage, ToolOutput, ToolTarget, excerpt, tool_result};
use super::lax::{LaxBool, LaxNumber, LaxObject, LaxStr};
use super::vendor::{EventSink, VendorStream, record_text};
use crate::agent::event::{AgentEvent, RecordTopic};
use crate::agent::usage::Usage;

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    session: Option<String>,
    message: Option<String>,
    ending: Option<EndingRecord>,
    failed_tool: Option<String>,
}

/// The last record that may have ended the run.
#[derive(Debug)]
enum EndingRecord {
    StepFinish(String),
    Error(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct OpencodeRecord<'a> {
    #[serde(rename = "type")]
    kind: LaxStr<'a>,
    timestamp: LaxNumber,
    #[serde(rename = "sessionID")]
    session: LaxStr<'a>,
    part: LaxObject<MessagePart<'a>>,
    error: ErrorMessage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct MessagePart<'a> {
    #[serde(rename = "messageID")]
    message: LaxStr<'a>,
    text: LaxStr<'a>,
    synthetic: LaxBool,
    metadata: LaxObject<PartMetadata>,
    tool: LaxStr<'a>,
    state: LaxObject<ToolState<'a>>,
    reason: LaxStr<'a>,
    tokens: LaxObject<OpencodeTokens>,
    cost: LaxNumber,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PartMetadata {
    compaction_continue: LaxBool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct ToolState<'a> {
    status: LaxStr<'a>,
    title: LaxStr<'a>,
    input: ToolTarget,
    output: ToolOutput,
    error: ErrorMessage,
    metadata: LaxObject<ToolMetadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ToolMetadata {
    exit: LaxNumber,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct OpencodeTokens {
    input: LaxNumber,
    output: LaxNumber,
    reasoning: LaxNumber,
    cache: LaxObject<CacheTokens>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct CacheTokens {
    read: LaxNumber,
    write: LaxNumber,
}

impl VendorStream for Opencode {
    type Record<'a> = OpencodeRecord<'a>;

    fn is_certain(record: &OpencodeRecord<'_>) -> bool {
        record.kind.0.is_some() && record.timestamp.0.is_some() && record.session.0.is_some()
    }

    fn take(&mut self, record: OpencodeRecord<'_>, json: &[u8], sink: EventSink<'_>) {
        if let Some(id) = record.session.get().filter(|id| self.session.as_deref() != Some(*id)) {
            self.session = Some(id.to_owned());
            sink(AgentEvent::Session { id: id.to_owned(), model: None });
        }
        if record.kind.is("error") {
            let text = record.error.0.unwrap_or_default();
            sink(AgentEvent::Record { topic: RecordTopic::Error, json: record_text(json) });
            sink(AgentEvent::Error { text: text.clone() });
            self.ending = Some(EndingRecord::Error(text));
            return;
        }
        let Some(part) = record.part.0 else { return };
        match record.kind.get() {
            Some("step_start") if self.message.as_deref() != part.message.get() => {
                self.message = part.message.owned();
                sink(AgentEvent::Step);
            }
            Some("text") if part.synthetic.0 => {
                if part.metadata.0.is_some_and(|m| m.compaction_continue.0) {
                    sink(AgentEvent::Summary);
                }
                sink(AgentEvent::Aside { text: excerpt(part.text.or_empty()).to_owned() });
            }
            Some("text") => sink(AgentEvent::Text { text: part.text.owned_or_empty(), continues: false }),
            Some("reasoning") => {
                sink(AgentEvent::Aside { text: excerpt(part.text.or_empty()).to_owned() });
            }
            Some("tool_use") => self.tool(part, sink),
            Some("step_finish") => {
                if let Some(tokens) = part.tokens.0 {
                    sink(AgentEvent::Usage(usage(tokens, part.cost)));
                }
                self.ending = Some(EndingRecord::StepFinish(part.reason.owned_or_empty()));
            }
            _ => {}
        }
    }

    fn finish(&mut self, sink: EventSink<'_>) {
        let error = match self.ending.take() {
            None => return,
            Some(EndingRecord::StepFinish(reason)) => match reason.as_str() {
                "stop" => None,
                "length" => Some("its answer was cut: it reached its model's longest answer".to_owned()),
                // the run was to continue, unless a forbidden tool ended it
                "tool-calls" => match self.failed_tool.take() {
                    None => return,
                    Some(why) => Some(format!("it ended when a tool failed: {why}")),
                },
                other => Some(format!("it ended for the reason \"{other}\"")),
            },
            Some(EndingRecord::Error(text)) => Some(text),
        };
        sink(AgentEvent::End { ok: error.is_none(), text: None, error });
    }
}

impl Opencode {
    fn tool(&mut self, part: MessagePart<'_>, sink: EventSink<'_>) {
        let state = part.state.0.unwrap_or_default();
        let target = if state.input.0.is_empty() { state.title.owned_or_empty() } else { state.input.0 };
        sink(AgentEvent::ToolCall { name: part.tool.owned_or_empty(), target, subagent: false });
        let ok = !state.status.is("error");
        let ToolOutput { head, lines } = match &state.error.0 {
            Some(error) if !ok => ToolOutput::new(error),
            _ => state.output,
        };
        let denied =
            ["rejected permission", "permission was rejected", "The user rejected", "permission denied by"];
        if !ok && state.error.0.as_ref().is_some_and(|error| denied.iter().any(|words| error.contains(words)))
        {
            sink(AgentEvent::Denied { tool: None, target: None });
        }
        self.failed_tool = state.error.0.filter(|_| !ok);
        // a command that failed is no failed tool
        let exit = state.metadata.0.unwrap_or_default().exit.0.unwrap_or(0.0);
        sink(tool_result(ok && exit == 0.0, head, lines, exit));
    }
}

fn usage(tokens: OpencodeTokens, cost: LaxNumber) -> Usage {
    let cache = tokens.cache.0.unwrap_or_default();
    let with = |a: Option<u64>, more: &[LaxNumber]| {
        a.map(|a| a + more.iter().filter_map(|n| n.count()).sum::<u64>())
    };
    Usage {
        input: with(tokens.input.count(), &[cache.read, cache.write]),
        cached_input: cache.read.count(),
        output: with(tokens.output.count(), &[tokens.reasoning]),
        reasoning: tokens.reasoning.count(),
        // it reports 0 for a model whose price it does not know
        cost_usd: cost.0.filter(|cost| *cost > 0.0),
        cost_estimated: false,
        cumulative: false,
    }
}
