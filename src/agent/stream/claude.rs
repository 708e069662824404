//! Claude Code: `-p --output-format stream-json --verbose`.
//!
//! The last `result` record decides. There may be several, because a background task that ends later begins another
//! turn. API errors, too, have the subtype `success`; only `is_error` marks them.

use std::fmt::Write as _;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use super::fields::{ErrorMessage, ToolOutput, ToolTarget, excerpt, tool_result, written_exit_code};
use super::lax::{LaxBool, LaxList, LaxNumber, LaxObject, LaxStr, LaxValue, Presence, lax};
use super::vendor::{EventSink, VendorStream, record_text};
use crate::agent::event::{AgentEvent, RecordTopic};
use crate::agent::usage::Usage;

/// State kept between records.
#[derive(Debug, Default)]
pub(super) struct Claude {
    has_session: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
pub(super) struct ClaudeRecord<'a> {
    #[serde(rename = "type")]
    kind: LaxStr<'a>,
    subtype: LaxStr<'a>,
    session_id: LaxStr<'a>,
    model: LaxStr<'a>,
    parent_tool_use_id: Presence,
    message: LaxObject<ClaudeMessage<'a>>,
    #[serde(rename = "isSynthetic")]
    is_synthetic: LaxBool,
    error: ErrorMessage,
    is_api_error_message: LaxBool,
    attempt: LaxNumber,
    max_retries: LaxNumber,
    retry_delay_ms: LaxNumber,
    error_status: LaxNumber,
    rate_limit_info: LaxObject<RateLimitInfo<'a>>,
    summary: LaxStr<'a>,
    is_error: LaxBool,
    result: LaxStr<'a>,
    errors: ToolTarget,
    permission_denials: LaxList<PermissionDenial<'a>>,
    /// The details of a retry of Qwen Code.
    data: LaxObject<RetryDetails>,
    /// All that CLIs report which print like Claude Code.
    usage: LaxObject<PlainTokens>,
    total_cost_usd: LaxNumber,
    #[serde(rename = "modelUsage")]
    model_usage: ModelTotals,
    model_usage_since_last_result: ModelTotals,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct ClaudeMessage<'a> {
    model: LaxStr<'a>,
    content: LaxList<ContentBlock<'a>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct ContentBlock<'a> {
    #[serde(rename = "type")]
    kind: LaxStr<'a>,
    text: LaxStr<'a>,
    thinking: LaxStr<'a>,
    name: LaxStr<'a>,
    input: ToolTarget,
    is_error: LaxBool,
    content: ToolOutput,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct RateLimitInfo<'a> {
    status: LaxStr<'a>,
    #[serde(rename = "rateLimitType")]
    window: LaxStr<'a>,
    utilization: LaxNumber,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, bound(deserialize = "'de: 'a"))]
struct PermissionDenial<'a> {
    tool_name: LaxStr<'a>,
    tool_input: ToolTarget,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct RetryDetails {
    attempt: LaxNumber,
    max_retries: LaxNumber,
    delay_ms: LaxNumber,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
#[expect(clippy::struct_field_names, reason = "the vendor's names")]
struct PlainTokens {
    input_tokens: LaxNumber,
    output_tokens: LaxNumber,
    cache_read_input_tokens: LaxNumber,
}

/// The sum over all models. `None` if the record has no such list. An empty list means that no model was used.
#[derive(Debug, Default)]
struct ModelTotals(Option<Usage>);

/// The usage of a run that used no model, for example because a limit refused the call.
const UNUSED: Usage = Usage {
    input: Some(0),
    cached_input: Some(0),
    output: Some(0),
    reasoning: None,
    cost_usd: Some(0.0),
    cost_estimated: false,
    cumulative: false,
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ModelTokens {
    input_tokens: LaxNumber,
    output_tokens: LaxNumber,
    cache_read_input_tokens: LaxNumber,
    cache_creation_input_tokens: LaxNumber,
    thinking_tokens: LaxNumber,
    #[serde(rename = "costUSD")]
    cost: LaxNumber,
}

impl ModelTokens {
    fn usage(&self) -> Usage {
        let cache = [self.cache_read_input_tokens, self.cache_creation_input_tokens];
        let cached: u64 = cache.into_iter().filter_map(LaxNumber::count).sum();
        Usage {
            input: self.input_tokens.count().map(|fresh| fresh + cached),
            cached_input: self.cache_read_input_tokens.count(),
            output: self.output_tokens.count(),
            reasoning: self.thinking_tokens.count(),
            cost_usd: self.cost.0,
            cost_estimated: false,
            cumulative: false,
        }
    }
}

impl<'de> LaxValue<'de> for ModelTotals {
    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut total: Option<Usage> = None;
        while let Some((_, model)) = object.next_entry::<IgnoredAny, LaxObject<ModelTokens>>()? {
            let usage = model.0.unwrap_or_default().usage();
            total.get_or_insert_default().add(&usage);
        }
        Ok(Self(Some(total.unwrap_or(UNUSED))))
    }
}
lax!(ModelTotals);

impl VendorStream for Claude {
    type Record<'a> = ClaudeRecord<'a>;

    fn is_certain(record: &ClaudeRecord<'_>) -> bool {
        record.kind.0.is_some() && record.session_id.0.is_some()
    }

    fn take(&mut self, record: ClaudeRecord<'_>, json: &[u8], sink: EventSink<'_>) {
        match record.kind.get() {
            Some("system") => self.system(&record, sink),
            Some("assistant") => self.assistant(record, json, sink),
            Some("user") => user(record, sink),
            Some("rate_limit_event") => rate_limit(record, json, sink),
            Some("result") => result(record, json, sink),
            _ => {}
        }
    }
}

impl Claude {
    fn session(&mut self, record: &ClaudeRecord<'_>, sink: EventSink<'_>) {
        if let Some(id) = record.session_id.get() {
            self.has_session = true;
            sink(AgentEvent::Session { id: id.to_owned(), model: record.model.get().map(str::to_owned) });
        }
    }

    fn system(&mut self, record: &ClaudeRecord<'_>, sink: EventSink<'_>) {
        match record.subtype.get() {
            Some("init") => self.session(record, sink),
            Some("api_retry") => sink(AgentEvent::Retry {
                text: retry(record),
                wait_s: record.retry_delay_ms.0.map(|ms| ms / 1000.0),
            }),
            Some("retry") => {
                let data = record.data.0.as_ref();
                let number = |field: fn(&RetryDetails) -> LaxNumber| data.and_then(|data| field(data).0);
                let wait_s = number(|data| data.delay_ms).map(|ms| ms / 1000.0);
                let mut text = "retry".to_owned();
                if let Some(wait) = wait_s {
                    let _ = write!(text, ", again in {wait:.1} s");
                }
                if let (Some(n), Some(max)) = (number(|data| data.attempt), number(|data| data.max_retries)) {
                    let _ = write!(text, " ({n} of {max})");
                }
                sink(AgentEvent::Retry { text, wait_s });
            }
            Some("task_notification") => sink(aside(&record.summary)),
            Some("compact_boundary") => {
                sink(AgentEvent::Notice { text: "the conversation was compacted".to_owned() });
            }
            _ => {}
        }
    }

    fn assistant(&mut self, record: ClaudeRecord<'_>, json: &[u8], sink: EventSink<'_>) {
        let subagent = record.parent_tool_use_id.0;
        if !self.has_session && !subagent {
            self.session(&record, sink);
        }
        let message = record.message.0.unwrap_or_default();
        let failed = record.error.0.is_some() || record.is_api_error_message.0;
        if failed || message.model.is("<synthetic>") {
            let mut text = message.content.0.into_iter().filter_map(|b| b.text.owned()).collect::<Vec<_>>();
            if failed && text.is_empty() {
                text.extend(record.error.0.clone());
            }
            let text = text.join("\n");
            if failed && !subagent {
                sink(AgentEvent::Record { topic: RecordTopic::Error, json: record_text(json) });
                sink(AgentEvent::Error { text });
            } else {
                sink(AgentEvent::Aside { text: excerpt(&text).to_owned() });
            }
            return;
        }
        for block in message.content.0 {
            match block.kind.get() {
                Some("text") if subagent => sink(aside(&block.text)),
                Some("text") => {
                    sink(AgentEvent::Text { text: block.text.owned_or_empty(), continues: false });
                }
                Some("thinking") => sink(aside(&block.thinking)),
                Some("tool_use" | "server_tool_use" | "mcp_tool_use") => {
                    let (name, target) = (block.name.owned_or_empty(), block.input.0);
                    sink(AgentEvent::ToolCall { name, target, subagent });
                }
                _ => {}
            }
        }
    }
}

fn aside(text: &LaxStr<'_>) -> AgentEvent {
    AgentEvent::Aside { text: excerpt(text.or_empty()).to_owned() }
}

/// `429 rate_limit, again in 2.1 s (1 of 10)`
fn retry(record: &ClaudeRecord<'_>) -> String {
    let status = record.error_status.count().map_or_else(|| "network".to_owned(), |s| s.to_string());
    let mut text = format!("{status} {}", record.error.0.as_deref().unwrap_or("error"));
    if let Some(ms) = record.retry_delay_ms.0 {
        let _ = write!(text, ", again in {:.1} s", ms / 1000.0);
    }
    if let (Some(n), Some(max)) = (record.attempt.count(), record.max_retries.count()) {
        let _ = write!(text, " ({n} of {max})");
    }
    text
}

fn user(record: ClaudeRecord<'_>, sink: EventSink<'_>) {
    // a subagent's own work is not shown in full
    if record.parent_tool_use_id.0 {
        return;
    }
    for block in record.message.0.unwrap_or_default().content.0 {
        match block.kind.get() {
            Some("tool_result") => {
                let ToolOutput { head, lines } = block.content;
                // Qwen Code
                let exit = if head.starts_with("Command: ") { written_exit_code(&head) } else { 0.0 };
                sink(tool_result(!block.is_error.0 && exit == 0.0, head, lines, exit));
            }
            Some("text") if record.is_synthetic.0 => sink(aside(&block.text)),
            _ => {}
        }
    }
}

fn rate_limit(record: ClaudeRecord<'_>, json: &[u8], sink: EventSink<'_>) {
    let info = record.rate_limit_info.0.unwrap_or_default();
    let window = info.window.get().unwrap_or("usage").replace('_', " ");
    let rejected = info.status.is("rejected");
    let topic = if rejected { RecordTopic::Error } else { RecordTopic::Utilization };
    sink(AgentEvent::Record { topic, json: record_text(json) });
    if rejected {
        sink(AgentEvent::Notice { text: format!("the {window} limit is reached") });
    } else if let (Some("allowed_warning"), Some(share)) = (info.status.get(), info.utilization.0) {
        sink(AgentEvent::Notice { text: format!("{:.0}% of the {window} limit is used", share * 100.0) });
    }
}

fn result(record: ClaudeRecord<'_>, json: &[u8], sink: EventSink<'_>) {
    let run = record.model_usage_since_last_result.0;
    // older versions report only the session's total
    let total = || {
        let total = record.model_usage.0?;
        Some(Usage { cost_usd: record.total_cost_usd.0.or(total.cost_usd), cumulative: true, ..total })
    };
    let plain = || {
        let tokens = record.usage.0.as_ref()?;
        let output = tokens.output_tokens.count().filter(|n| *n > 0)?;
        Some(Usage {
            input: tokens.input_tokens.count(),
            cached_input: tokens.cache_read_input_tokens.count(),
            output: Some(output),
            cost_usd: record.total_cost_usd.0,
            ..Usage::default()
        })
    };
    for denial in record.permission_denials.0 {
        let (tool, target) = (denial.tool_name.owned(), Some(denial.tool_input.0));
        sink(AgentEvent::Denied { tool, target });
    }
    if let Some(usage) = run.or_else(total).or_else(plain) {
        sink(AgentEvent::Usage(usage));
    }
    let ok = record.subtype.is("success") && !record.is_error.0;
    if ok {
        sink(AgentEvent::End { ok, text: record.result.owned(), error: None });
        return;
    }
    sink(AgentEvent::Record { topic: RecordTopic::Error, json: record_text(json) });
    let message = record.result.owned().filter(|text| !text.trim().is_empty());
    let error = message.or(Some(record.errors.0).filter(|e| !e.is_empty()));
    let error = error.or(record.error.0).or(record.subtype.owned());
    sink(AgentEvent::End { ok, text: None, error });
}
