//! `OpenCode`: `run --format json`.
//!
//! There is no closing record: the last `step_finish` or `error` before the end decides. What the program itself put
//! into the conversation is marked `synthetic`.

use serde::Deserialize;

use super::lax::{Flag, Message, Num, Obj, Printed, Str, What, head};
use super::{On, Vendor, raw};
use crate::agent::event::{About, AgentEvent, Usage};

/// What is remembered between records.
#[derive(Debug, Default)]
pub(super) struct Opencode {
    session: Option<String>,
    message: Option<String>,
    last: Option<Last>,
    failed_tool: Option<String>,
}

/// What came last of the things that can end a run.
#[derive(Debug)]
enum Last {
    Finish(String),
    Error(String),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    timestamp: Num,
    #[serde(borrow, rename = "sessionID")]
    session: Str<'a>,
    #[serde(borrow)]
    part: Obj<Part<'a>>,
    error: Message,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Part<'a> {
    #[serde(borrow, rename = "messageID")]
    message: Str<'a>,
    #[serde(borrow)]
    text: Str<'a>,
    synthetic: Flag,
    metadata: Obj<Metadata>,
    #[serde(borrow)]
    tool: Str<'a>,
    #[serde(borrow)]
    state: Obj<State<'a>>,
    #[serde(borrow)]
    reason: Str<'a>,
    tokens: Obj<Tokens>,
    cost: Num,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    compaction_continue: Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State<'a> {
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow)]
    title: Str<'a>,
    input: What,
    output: Printed,
    error: Message,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tokens {
    input: Num,
    output: Num,
    reasoning: Num,
    cache: Obj<Cache>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cache {
    read: Num,
    write: Num,
}

impl Vendor for Opencode {
    type Record<'a> = Record<'a>;

    fn sure(record: &Record<'_>) -> bool {
        record.kind.0.is_some() && record.timestamp.0.is_some() && record.session.0.is_some()
    }

    fn take(&mut self, record: Record<'_>, json: &[u8], on: On<'_>) {
        if let Some(id) = record.session.get().filter(|id| self.session.as_deref() != Some(*id)) {
            self.session = Some(id.to_owned());
            on(AgentEvent::Session { id: id.to_owned(), model: None });
        }
        if record.kind.is("error") {
            let text = record.error.0.unwrap_or_default();
            on(AgentEvent::Record { about: About::Error, raw: raw(json) });
            on(AgentEvent::Error { text: text.clone() });
            self.last = Some(Last::Error(text));
            return;
        }
        let Some(part) = record.part.0 else { return };
        match record.kind.get() {
            Some("step_start") if self.message.as_deref() != part.message.get() => {
                self.message = part.message.owned();
                on(AgentEvent::Step);
            }
            Some("text") if part.synthetic.0 => {
                if part.metadata.0.is_some_and(|m| m.compaction_continue.0) {
                    on(AgentEvent::Summary);
                }
                on(AgentEvent::Aside { text: head(part.text.get().unwrap_or_default()).to_owned() });
            }
            Some("text") => on(AgentEvent::Text { text: part.text.text(), continues: false }),
            Some("reasoning") => {
                on(AgentEvent::Aside { text: head(part.text.get().unwrap_or_default()).to_owned() });
            }
            Some("tool_use") => self.tool(part, on),
            Some("step_finish") => {
                if let Some(tokens) = part.tokens.0 {
                    on(AgentEvent::Usage(usage(tokens, part.cost)));
                }
                self.last = Some(Last::Finish(part.reason.text()));
            }
            _ => {}
        }
    }

    fn finish(&mut self, on: On<'_>) {
        let error = match self.last.take() {
            None => return,
            Some(Last::Finish(reason)) => match reason.as_str() {
                "stop" => None,
                "length" => Some("its answer was cut: the longest answer of its model is reached".to_owned()),
                // a run that goes on, unless a tool that may not be used ended it
                "tool-calls" => match self.failed_tool.take() {
                    None => return,
                    Some(why) => Some(format!("it ended when a tool failed: {why}")),
                },
                other => Some(format!("it ended for the reason \"{other}\"")),
            },
            Some(Last::Error(text)) => Some(text),
        };
        on(AgentEvent::End { ok: error.is_none(), text: None, error });
    }
}

impl Opencode {
    fn tool(&mut self, part: Part<'_>, on: On<'_>) {
        let state = part.state.0.unwrap_or_default();
        let what = if state.input.0.is_empty() { state.title.text() } else { state.input.0 };
        on(AgentEvent::ToolCall { name: part.tool.text(), what, sub: false });
        let ok = !state.status.is("error");
        let printed = match &state.error.0 {
            Some(error) if !ok => Printed::new(error),
            _ => state.output,
        };
        self.failed_tool = state.error.0.filter(|_| !ok);
        on(AgentEvent::ToolResult { ok, head: printed.head, lines: printed.lines });
    }
}

fn usage(tokens: Tokens, cost: Num) -> Usage {
    let cache = tokens.cache.0.unwrap_or_default();
    let with =
        |a: Option<u64>, more: &[Num]| a.map(|a| a + more.iter().filter_map(|n| n.count()).sum::<u64>());
    Usage {
        input: with(tokens.input.count(), &[cache.read, cache.write]),
        cached_input: cache.read.count(),
        output: with(tokens.output.count(), &[tokens.reasoning]),
        reasoning: tokens.reasoning.count(),
        // 0 is what it says of a model whose price it does not know
        cost_usd: cost.0.filter(|cost| *cost > 0.0),
        cumulative: false,
    }
}
