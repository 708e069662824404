//! Claude Code: `-p --output-format stream-json --verbose`.
//!
//! The last `result` decides; there may be several, when a background task ends later and another turn begins. API
//! errors have subtype `success`: `is_error` tells them apart.

use std::fmt::{self, Write as _};

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::lax::{Flag, List, Num, Obj, Printed, Str, There, What, head, unknown};
use super::{On, Vendor, raw};
use crate::agent::event::{About, AgentEvent, Usage};

/// What is remembered between records.
#[derive(Debug, Default)]
pub(super) struct Claude {
    has_session: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Record<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    subtype: Str<'a>,
    #[serde(borrow)]
    session_id: Str<'a>,
    #[serde(borrow)]
    model: Str<'a>,
    parent_tool_use_id: There,
    #[serde(borrow)]
    message: Obj<Message<'a>>,
    #[serde(rename = "isSynthetic")]
    is_synthetic: Flag,
    #[serde(borrow)]
    error: Str<'a>,
    is_api_error_message: Flag,
    attempt: Num,
    max_retries: Num,
    retry_delay_ms: Num,
    error_status: Num,
    #[serde(borrow)]
    rate_limit_info: Obj<RateLimit<'a>>,
    #[serde(borrow)]
    summary: Str<'a>,
    is_error: Flag,
    #[serde(borrow)]
    result: Str<'a>,
    errors: What,
    total_cost_usd: Num,
    #[serde(rename = "modelUsage")]
    model_usage: Models,
    model_usage_since_last_result: Models,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Message<'a> {
    #[serde(borrow)]
    model: Str<'a>,
    #[serde(borrow)]
    content: List<Block<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Block<'a> {
    #[serde(borrow, rename = "type")]
    kind: Str<'a>,
    #[serde(borrow)]
    text: Str<'a>,
    #[serde(borrow)]
    thinking: Str<'a>,
    #[serde(borrow)]
    name: Str<'a>,
    input: What,
    is_error: Flag,
    content: Printed,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct RateLimit<'a> {
    #[serde(borrow)]
    status: Str<'a>,
    #[serde(borrow, rename = "rateLimitType")]
    window: Str<'a>,
    utilization: Num,
}

/// The sum over all models; `None` where the record has no such list. An empty list says that none was used.
#[derive(Debug, Default)]
struct Models(Option<Usage>);

/// What is used where no model was: a call that a limit refused, for example.
const UNUSED: Usage = Usage {
    input: Some(0),
    cached_input: Some(0),
    output: Some(0),
    reasoning: None,
    cost_usd: Some(0.0),
    cumulative: false,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Model {
    input_tokens: Num,
    output_tokens: Num,
    cache_read_input_tokens: Num,
    cache_creation_input_tokens: Num,
    thinking_tokens: Num,
    #[serde(rename = "costUSD")]
    cost: Num,
}

impl Model {
    fn usage(&self) -> Usage {
        let cache = [self.cache_read_input_tokens, self.cache_creation_input_tokens];
        let cached: u64 = cache.into_iter().filter_map(Num::count).sum();
        Usage {
            input: self.input_tokens.count().map(|fresh| fresh + cached),
            cached_input: self.cache_read_input_tokens.count(),
            output: self.output_tokens.count(),
            reasoning: self.thinking_tokens.count(),
            cost_usd: self.cost.0,
            cumulative: false,
        }
    }
}

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct V;
        impl<'de> Visitor<'de> for V {
            type Value = Models;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut all = None;
                while let Some((_, model)) = map.next_entry::<IgnoredAny, Obj<Model>>()? {
                    let usage = model.0.unwrap_or_default().usage();
                    all.get_or_insert_with(Usage::default).take(&usage);
                }
                Ok(Models(Some(all.unwrap_or(UNUSED))))
            }
            unknown!(bool, i64, u64, f64, str, unit, seq);
        }
        from.deserialize_any(V)
    }
}

impl Vendor for Claude {
    type Record<'a> = Record<'a>;

    fn sure(record: &Record<'_>) -> bool {
        record.kind.0.is_some() && record.session_id.0.is_some()
    }

    fn take(&mut self, record: Record<'_>, json: &[u8], on: On<'_>) {
        match record.kind.get() {
            Some("system") => self.system(&record, on),
            Some("assistant") => self.assistant(record, json, on),
            Some("user") => user(record, on),
            Some("rate_limit_event") => rate_limit(record, json, on),
            Some("result") => result(record, json, on),
            _ => {}
        }
    }
}

impl Claude {
    fn session(&mut self, record: &Record<'_>, on: On<'_>) {
        if let Some(id) = record.session_id.get() {
            self.has_session = true;
            on(AgentEvent::Session { id: id.to_owned(), model: record.model.get().map(str::to_owned) });
        }
    }

    fn system(&mut self, record: &Record<'_>, on: On<'_>) {
        match record.subtype.get() {
            Some("init") => self.session(record, on),
            Some("api_retry") => on(AgentEvent::Retry { text: retry(record) }),
            Some("task_notification") => {
                on(AgentEvent::Aside { text: head(record.summary.get().unwrap_or_default()).to_owned() });
            }
            Some("compact_boundary") => {
                on(AgentEvent::Notice { text: "the conversation was compacted".to_owned() });
            }
            _ => {}
        }
    }

    fn assistant(&mut self, record: Record<'_>, json: &[u8], on: On<'_>) {
        let sub = record.parent_tool_use_id.0;
        if !self.has_session && !sub {
            self.session(&record, on);
        }
        let message = record.message.0.unwrap_or_default();
        let failed = record.error.0.is_some() || record.is_api_error_message.0;
        if failed || message.model.is("<synthetic>") {
            let mut text = message.content.0.into_iter().filter_map(|b| b.text.owned()).collect::<Vec<_>>();
            if failed && text.is_empty() {
                text.extend(record.error.owned());
            }
            let text = text.join("\n");
            if failed && !sub {
                on(AgentEvent::Record { about: About::Error, raw: raw(json) });
                on(AgentEvent::Error { text });
            } else {
                on(AgentEvent::Aside { text: head(&text).to_owned() });
            }
            return;
        }
        for block in message.content.0 {
            match block.kind.get() {
                Some("text") if sub => {
                    on(AgentEvent::Aside { text: head(block.text.get().unwrap_or_default()).to_owned() });
                }
                Some("text") => on(AgentEvent::Text { text: block.text.text(), continues: false }),
                Some("thinking") => {
                    on(AgentEvent::Aside { text: head(block.thinking.get().unwrap_or_default()).to_owned() });
                }
                Some("tool_use" | "server_tool_use" | "mcp_tool_use") => {
                    on(AgentEvent::ToolCall { name: block.name.text(), what: block.input.0, sub });
                }
                _ => {}
            }
        }
    }
}

/// `429 rate_limit, again in 2.1 s (1 of 10)`
fn retry(record: &Record<'_>) -> String {
    let status = record.error_status.count().map_or_else(|| "network".to_owned(), |s| s.to_string());
    let mut text = format!("{status} {}", record.error.get().unwrap_or("error"));
    if let Some(ms) = record.retry_delay_ms.0 {
        let _ = write!(text, ", again in {:.1} s", ms / 1000.0);
    }
    if let (Some(n), Some(max)) = (record.attempt.count(), record.max_retries.count()) {
        let _ = write!(text, " ({n} of {max})");
    }
    text
}

fn user(record: Record<'_>, on: On<'_>) {
    // the subagent's own work is not shown in full
    if record.parent_tool_use_id.0 {
        return;
    }
    for block in record.message.0.unwrap_or_default().content.0 {
        match block.kind.get() {
            Some("tool_result") => {
                let Printed { head, lines } = block.content;
                on(AgentEvent::ToolResult { ok: !block.is_error.0, head, lines });
            }
            Some("text") if record.is_synthetic.0 => {
                on(AgentEvent::Aside { text: head(block.text.get().unwrap_or_default()).to_owned() });
            }
            _ => {}
        }
    }
}

fn rate_limit(record: Record<'_>, json: &[u8], on: On<'_>) {
    let info = record.rate_limit_info.0.unwrap_or_default();
    let window = info.window.get().unwrap_or("usage").replace('_', " ");
    let rejected = info.status.is("rejected");
    let about = if rejected { About::Error } else { About::Utilization };
    on(AgentEvent::Record { about, raw: raw(json) });
    if rejected {
        on(AgentEvent::Notice { text: format!("the {window} limit is reached") });
    } else if let (Some("allowed_warning"), Some(share)) = (info.status.get(), info.utilization.0) {
        on(AgentEvent::Notice { text: format!("{:.0}% of the {window} limit is used", share * 100.0) });
    }
}

fn result(record: Record<'_>, json: &[u8], on: On<'_>) {
    let run = record.model_usage_since_last_result.0;
    // older versions tell the session's total only
    let total = || {
        let total = record.model_usage.0?;
        Some(Usage { cost_usd: record.total_cost_usd.0.or(total.cost_usd), cumulative: true, ..total })
    };
    if let Some(usage) = run.or_else(total) {
        on(AgentEvent::Usage(usage));
    }
    let ok = record.subtype.is("success") && !record.is_error.0;
    if ok {
        on(AgentEvent::End { ok, text: record.result.owned(), error: None });
        return;
    }
    on(AgentEvent::Record { about: About::Error, raw: raw(json) });
    let said = record.result.owned().filter(|text| !text.trim().is_empty());
    let error = said.or(Some(record.errors.0).filter(|e| !e.is_empty())).or(record.subtype.owned());
    on(AgentEvent::End { ok, text: None, error });
}
