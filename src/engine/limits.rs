//! PURE. What to do about a limit.

use crate::agent::limit::{Family, Form, Kind, Pattern, Reset};
use crate::config::{Backend, Output};

/// Whose wordings count for a backend: its preset's, its output format's, its command's, or what its own name says.
#[must_use]
pub fn family(name: &str, backend: &Backend) -> Family {
    let output = match backend.output {
        Output::Text => "",
        Output::Claude => "claude",
        Output::Codex => "codex",
        Output::Gemini => "gemini",
        Output::Opencode => "opencode",
    };
    Family::of([backend.preset.as_deref().unwrap_or_default(), output, &backend.command, name])
}

/// The patterns that a user configured for a backend; they were checked with the configuration.
#[must_use]
pub fn patterns(name: &str, backend: &Backend) -> Vec<Pattern> {
    let each = backend.limit_patterns.iter().enumerate().filter_map(|(index, pattern)| {
        let kind = match pattern.kind.as_str() {
            "rate_limited" => Kind::RateLimited,
            "quota_exhausted" => Kind::QuotaExhausted,
            "overloaded" => Kind::Overloaded,
            "billing" => Kind::Billing,
            "auth" => Kind::Auth,
            _ => Kind::None,
        };
        let reset = match pattern.reset.as_str() {
            "none" => Reset::None,
            "epoch" => Reset::Own(Form::Epoch),
            "iso" => Reset::Own(Form::Iso),
            "clock" => Reset::Own(Form::Clock),
            "duration" => Reset::Own(Form::Duration),
            "day" => Reset::Own(Form::Day),
            _ => Reset::Usual,
        };
        let source = format!("backend.{name}.limit_patterns[{index}]");
        Pattern::of_user(&source, &pattern.r#match, kind, reset).ok()
    });
    each.collect()
}
