//! Codex: `exec --json`.
//!
//! `turn.completed` or `turn.failed` decides. Lines and items of type `error` are no end: Codex reconnects by itself.
//! Usage is the total of the thread.

use serde::Deserialize;

use super::lax::{List, Message, Num, Obj, Printed, Str, There, What, head};
use super::{On, Vendor, raw};
use crate::agent::event::{About, AgentEvent, Usage};

/// Items whose beginning is remembered.
const OPEN: usize = 64;

/// What is remembered between records.
#[derive(Debug, Default)]
pub(super) struct Codex {
    /// Ids of items that were shown when they began.
    open: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    id: There,
    #[serde(borrow)]
    thread_id: Str<'a>,
    #[serde(borrow)]
    item: Obj<Item<'a>>,
    usage: Obj<Tokens>,
    message: Message,
    error: Message,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item<'a> {
    #[serde(borrow)]
    id: Str<'a>,
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    text: Str<'a>,
    command: What,
    aggregated_output: Printed,
    exit_code: Num,
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow)]
    changes: List<Change<'a>>,
    #[serde(borrow)]
    server: Str<'a>,
    #[serde(borrow)]
    tool: Str<'a>,
    arguments: What,
    query: What,
    items: List<Todo>,
    message: Message,
    error: Message,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Change<'a> {
    #[serde(borrow)]
    path: Str<'a>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Todo {
    completed: super::lax::Flag,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the vendor's names")]
struct Tokens {
    input_tokens: Num,
    cached_input_tokens: Num,
    output_tokens: Num,
    reasoning_output_tokens: Num,
}

impl Vendor for Codex {
    type Record<'a> = Record<'a>;

    fn sure(record: &Record<'_>) -> bool {
        // an item has an id and may be of type `error` as well
        record.kind.get().is_some_and(|kind| kind.contains('.') || kind == "error") && !record.id.0
    }

    fn take(&mut self, record: Record<'_>, json: &[u8], on: On<'_>) {
        match record.kind.get() {
            Some("thread.started") => {
                if let Some(id) = record.thread_id.owned() {
                    on(AgentEvent::Session { id, model: None });
                }
            }
            Some("turn.started") => on(AgentEvent::Step),
            Some(kind @ ("item.started" | "item.updated" | "item.completed")) => {
                let over = kind == "item.completed";
                if let Some(item) = record.item.0 {
                    self.item(item, over, on);
                }
            }
            Some("error") => {
                on(AgentEvent::Record { about: About::Error, raw: raw(json) });
                let text = record.message.0.or(record.error.0).unwrap_or_default();
                on(if text.starts_with("Reconnecting...") {
                    AgentEvent::Retry { text }
                } else {
                    AgentEvent::Error { text }
                });
            }
            Some("turn.completed") => {
                if let Some(tokens) = record.usage.0 {
                    on(AgentEvent::Usage(usage(&tokens)));
                }
                on(AgentEvent::End { ok: true, text: None, error: None });
            }
            Some("turn.failed") => {
                on(AgentEvent::Record { about: About::Error, raw: raw(json) });
                let error = record.error.0.or(record.message.0).or(Some("the turn failed".to_owned()));
                on(AgentEvent::End { ok: false, text: None, error });
            }
            _ => {}
        }
    }
}

impl Codex {
    fn item(&mut self, item: Item<'_>, over: bool, on: On<'_>) {
        match item.kind.get() {
            Some("agent_message") if over => {
                on(AgentEvent::Text { text: item.text.text(), continues: false });
            }
            Some("reasoning") if over => {
                on(AgentEvent::Aside { text: head(item.text.get().unwrap_or_default()).to_owned() });
            }
            Some("error") if over => {
                on(AgentEvent::Notice { text: item.message.0.unwrap_or_default() });
            }
            Some("todo_list") => {
                let all = &item.items.0;
                let done = all.iter().filter(|todo| todo.completed.0).count();
                on(AgentEvent::Notice { text: format!("{done} of {} points of its plan done", all.len()) });
            }
            Some("command_execution" | "mcp_tool_call" | "web_search" | "file_change") => {
                self.tool(item, over, on);
            }
            _ => {}
        }
    }

    fn tool(&mut self, item: Item<'_>, over: bool, on: On<'_>) {
        let id = item.id.get().unwrap_or_default();
        let known = self.open.iter().position(|open| open == id);
        if known.is_none() {
            let (name, what) = match item.kind.get() {
                Some("command_execution") => ("shell".to_owned(), script(&item.command.0)),
                Some("web_search") => ("search".to_owned(), item.query.0.clone()),
                Some("file_change") => {
                    let paths: Vec<_> = item.changes.0.iter().filter_map(|c| c.path.get()).collect();
                    ("edit".to_owned(), head(&paths.join(", ")).to_owned())
                }
                _ => {
                    let tool = item.tool.get().unwrap_or("tool");
                    let name = item.server.get().map_or_else(|| tool.to_owned(), |s| format!("{s}.{tool}"));
                    (name, item.arguments.0.clone())
                }
            };
            on(AgentEvent::ToolCall { name, what, sub: false });
        }
        match (over, known) {
            (false, None) => {
                if self.open.len() == OPEN {
                    self.open.remove(0);
                }
                self.open.push(id.to_owned());
            }
            (true, Some(at)) => {
                self.open.remove(at);
            }
            _ => {}
        }
        if over {
            let ok = item.exit_code.0.is_none_or(|code| code == 0.0)
                && !matches!(item.status.get(), Some("failed" | "declined"));
            let Printed { mut head, mut lines } = item.aggregated_output;
            if !ok && lines == 0 {
                let code = item.exit_code.count().map(|code| format!("exit code {code}"));
                head = item.error.0.or(code).unwrap_or_else(|| "failed".to_owned());
                lines = 1;
            }
            on(AgentEvent::ToolResult { ok, head, lines });
        }
    }
}

/// What a shell was asked to do: `/bin/bash -lc 'echo hi'` is `echo hi`.
fn script(command: &str) -> String {
    let is_shell = |program: &str| matches!(program.rsplit('/').next(), Some("sh" | "bash" | "zsh" | "dash"));
    match shlex::split(command).as_deref() {
        Some([shell, flag, script]) if is_shell(shell) && matches!(flag.as_str(), "-c" | "-lc") => {
            script.clone()
        }
        _ => command.to_owned(),
    }
}

fn usage(tokens: &Tokens) -> Usage {
    Usage {
        input: tokens.input_tokens.count(),
        cached_input: tokens.cached_input_tokens.count(),
        output: tokens.output_tokens.count(),
        reasoning: tokens.reasoning_output_tokens.count(),
        cost_usd: None,
        cumulative: true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shell_around_a_command_is_left_out() {
        assert_eq!(script("/bin/bash -lc 'echo hi > out.txt'"), "echo hi > out.txt");
        assert_eq!(script("/bin/bash -lc ls"), "ls");
        assert_eq!(script(r#"bash -lc "echo '"'$n; ls'"#), "echo '$n; ls");
        assert_eq!(script("bash -lc 'cut of"), "bash -lc 'cut of");
        assert_eq!(script("cc -c 'x.c'"), "cc -c 'x.c'");
    }
}
