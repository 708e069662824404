//! Codex: `exec --json`.
//!
//! `turn.completed` or `turn.failed` decides. Records and items of type `error` do not end the stream, because Codex
//! reconnects by itself. Usage is the total of the thread.

use serde::Deserialize;

use super::fields::{ErrorMessage, ToolOutput, ToolTarget, excerpt};
use super::lax::{LaxBool, LaxList, LaxNumber, LaxObject, LaxStr, Presence};
use super::vendor::{EventSink, VendorStream, record_text};
use crate::agent::event::{AgentEvent, RecordTopic};
use crate::agent::usage::Usage;

/// Most items that may be open at once.
const OPEN_ITEMS: usize = 64;

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Codex {
    /// Ids of items whose beginning was shown and whose end has not come.
    open: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct CodexRecord<'a> {
    #[serde(rename = "type")]
    kind: LaxStr<'a>,
    id: Presence,
    thread_id: LaxStr<'a>,
    item: LaxObject<CodexItem<'a>>,
    usage: LaxObject<CodexTokens>,
    message: ErrorMessage,
    error: ErrorMessage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct CodexItem<'a> {
    id: LaxStr<'a>,
    #[serde(rename = "type")]
    kind: LaxStr<'a>,
    text: LaxStr<'a>,
    command: ToolTarget,
    aggregated_output: ToolOutput,
    exit_code: LaxNumber,
    status: LaxStr<'a>,
    changes: LaxList<FileChange<'a>>,
    server: LaxStr<'a>,
    tool: LaxStr<'a>,
    arguments: ToolTarget,
    query: ToolTarget,
    items: LaxList<PlanPoint>,
    message: ErrorMessage,
    error: ErrorMessage,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct FileChange<'a> {
    path: LaxStr<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PlanPoint {
    completed: LaxBool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the vendor's names")]
struct CodexTokens {
    input_tokens: LaxNumber,
    cached_input_tokens: LaxNumber,
    output_tokens: LaxNumber,
    reasoning_output_tokens: LaxNumber,
}

impl VendorStream for Codex {
    type Record<'a> = CodexRecord<'a>;

    fn is_certain(record: &CodexRecord<'_>) -> bool {
        // an item, too, may be of type `error`, but it has an id
        record.kind.get().is_some_and(|kind| kind.contains('.') || kind == "error") && !record.id.0
    }

    fn take(&mut self, record: CodexRecord<'_>, json: &[u8], sink: EventSink<'_>) {
        match record.kind.get() {
            Some("thread.started") => {
                if let Some(id) = record.thread_id.owned() {
                    sink(AgentEvent::Session { id, model: None });
                }
            }
            Some("turn.started") => sink(AgentEvent::Step),
            Some(kind @ ("item.started" | "item.updated" | "item.completed")) => {
                let completed = kind == "item.completed";
                if let Some(item) = record.item.0 {
                    self.item(item, completed, sink);
                }
            }
            Some("error") => {
                sink(AgentEvent::Record { topic: RecordTopic::Error, json: record_text(json) });
                let text = record.message.0.or(record.error.0).unwrap_or_default();
                sink(if text.starts_with("Reconnecting...") {
                    AgentEvent::Retry { text, wait_s: None }
                } else {
                    AgentEvent::Error { text }
                });
            }
            Some("turn.completed") => {
                if let Some(tokens) = record.usage.0 {
                    sink(AgentEvent::Usage(usage(&tokens)));
                }
                sink(AgentEvent::End { ok: true, text: None, error: None });
            }
            Some("turn.failed") => {
                sink(AgentEvent::Record { topic: RecordTopic::Error, json: record_text(json) });
                let error = record.error.0.or(record.message.0).or(Some("the turn failed".to_owned()));
                sink(AgentEvent::End { ok: false, text: None, error });
            }
            _ => {}
        }
    }
}

impl Codex {
    fn item(&mut self, item: CodexItem<'_>, completed: bool, sink: EventSink<'_>) {
        match item.kind.get() {
            Some("agent_message") if completed => {
                sink(AgentEvent::Text { text: item.text.owned_or_empty(), continues: false });
            }
            Some("reasoning") if completed => {
                sink(AgentEvent::Aside { text: excerpt(item.text.or_empty()).to_owned() });
            }
            Some("error") if completed => {
                sink(AgentEvent::Notice { text: item.message.0.unwrap_or_default() });
            }
            Some("todo_list") => {
                let all = &item.items.0;
                let done = all.iter().filter(|point| point.completed.0).count();
                let text = format!("{done} of {} points of its plan done", all.len());
                sink(AgentEvent::Notice { text });
            }
            Some("command_execution" | "mcp_tool_call" | "web_search" | "file_change") => {
                self.tool(item, completed, sink);
            }
            _ => {}
        }
    }

    fn tool(&mut self, item: CodexItem<'_>, completed: bool, sink: EventSink<'_>) {
        let id = item.id.or_empty();
        let known = self.open.iter().position(|open| open == id);
        if known.is_none() {
            let (name, target) = tool_call(&item);
            sink(AgentEvent::ToolCall { name, target, subagent: false });
        }
        match (completed, known) {
            (false, None) => {
                if self.open.len() == OPEN_ITEMS {
                    self.open.remove(0);
                }
                self.open.push(id.to_owned());
            }
            (true, Some(at)) => {
                self.open.remove(at);
            }
            _ => {}
        }
        if completed {
            sink(tool_result(item));
        }
    }
}

fn tool_call(item: &CodexItem<'_>) -> (String, String) {
    match item.kind.get() {
        Some("command_execution") => ("shell".to_owned(), script(&item.command.0)),
        Some("web_search") => ("search".to_owned(), item.query.0.clone()),
        Some("file_change") => {
            let paths: Vec<_> = item.changes.0.iter().filter_map(|c| c.path.get()).collect();
            ("edit".to_owned(), excerpt(&paths.join(", ")).to_owned())
        }
        _ => {
            let tool = item.tool.get().unwrap_or("tool");
            let name = item.server.get().map_or_else(|| tool.to_owned(), |s| format!("{s}.{tool}"));
            (name, item.arguments.0.clone())
        }
    }
}

fn tool_result(item: CodexItem<'_>) -> AgentEvent {
    let ok = item.exit_code.0.is_none_or(|code| code == 0.0)
        && !matches!(item.status.get(), Some("failed" | "declined"));
    let ToolOutput { mut head, mut lines } = item.aggregated_output;
    if !ok && lines == 0 {
        let code = item.exit_code.count().map(|code| format!("exit code {code}"));
        head = item.error.0.or(code).unwrap_or_else(|| "failed".to_owned());
        lines = 1;
    }
    AgentEvent::ToolResult { ok, head, lines }
}

/// The command that a shell runs: `/bin/bash -lc 'echo hi'` becomes `echo hi`.
fn script(command: &str) -> String {
    let is_shell = |program: &str| matches!(program.rsplit('/').next(), Some("sh" | "bash" | "zsh" | "dash"));
    match shlex::split(command).as_deref() {
        Some([shell, flag, script]) if is_shell(shell) && matches!(flag.as_str(), "-c" | "-lc") => {
            script.clone()
        }
        _ => command.to_owned(),
    }
}

fn usage(tokens: &CodexTokens) -> Usage {
    Usage {
        input: tokens.input_tokens.count(),
        cached_input: tokens.cached_input_tokens.count(),
        output: tokens.output_tokens.count(),
        reasoning: tokens.reasoning_output_tokens.count(),
        cost_usd: None,
        cost_estimated: false,
        cumulative: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_without_the_shell_that_runs_it() {
        assert_eq!(script("/bin/bash -lc 'echo hi > out.txt'"), "echo hi > out.txt");
        assert_eq!(script("/bin/bash -lc ls"), "ls");
        assert_eq!(script(r#"bash -lc "echo '"'$n; ls'"#), "echo '$n; ls");
        assert_eq!(script("bash -lc 'cut of"), "bash -lc 'cut of");
        assert_eq!(script("cc -c 'x.c'"), "cc -c 'x.c'");
    }
}
