//! PURE. What to do about a limit.

use jiff::tz::TimeZone;

use crate::agent::Format;
use crate::agent::event::Channel as Said;
use crate::agent::limit::{Channel, Family, LimitKind, Message, Pattern, THIS_MODEL, classify_all};
use crate::config::Backend;
use crate::state::Outcome;
use crate::store::record::{Exit, Facts};

/// What an attempt that did not succeed came to, if a limit is why. An end that is explained otherwise is none: the agent
/// asked, succeeded, was ended by hand or never began.
#[must_use]
pub fn limited(
    outcome: &Outcome,
    facts: &Facts,
    name: &str,
    backend: Option<&Backend>,
    zone: &TimeZone,
) -> Option<Outcome> {
    let open = matches!(
        outcome,
        Outcome::Failed { .. } | Outcome::NoSignal | Outcome::Signaled { .. } | Outcome::TimedOut { .. }
    );
    if !open {
        return None;
    }
    let (family, own) = match backend {
        Some(backend) => (family(name, backend), patterns(name, backend)),
        None => (Family::of([name]), Vec::new()),
    };
    let exit = match facts.exit {
        Some(Exit::Code(code)) => Some(code),
        _ => None,
    };
    // in the order in which they were printed, the lines of one channel together
    let mut texts: Vec<(Channel, String)> = Vec::new();
    for record in &facts.error_records {
        let channel = match record.channel {
            Said::Event => Channel::Event,
            Said::Stdout => Channel::Stdout,
            Said::Stderr => Channel::Stderr,
            Said::Log => Channel::Log,
        };
        match texts.last_mut() {
            Some((last, text)) if *last == channel => {
                text.push('\n');
                text.push_str(&record.text);
            }
            _ => texts.push((channel, record.text.clone())),
        }
    }
    let messages: Vec<Message<'_>> =
        texts.iter().map(|(channel, text)| Message { family, channel: *channel, exit, text }).collect();
    let verdict = classify_all(&messages, &own, facts.ended_at, zone);
    (verdict.kind != LimitKind::None).then_some(Outcome::Limited {
        limit: verdict.kind,
        why: verdict.message,
        until: verdict.until,
        // a limit of a model that nobody names is taken for one of the whole account
        model: verdict
            .scope
            .and_then(|named| if named == THIS_MODEL { facts.model.clone() } else { Some(named) }),
    })
}

/// What a human does about a limit that no waiting ends.
#[must_use]
pub fn mending(kind: LimitKind, program: &str, backend: &str) -> Option<String> {
    let login = match Family::of([program, backend]) {
        Family::Claude => "`claude` and type /login",
        Family::Codex => "`codex login`",
        Family::Gemini => "`gemini` and type /auth",
        Family::Opencode => "`opencode auth login`",
        _ => "its own login command",
    };
    match kind {
        LimitKind::Auth => Some(format!("log in with {login}, then run again")),
        LimitKind::Billing => Some("mend the plan or the credits of that account, then run again".to_owned()),
        _ => None,
    }
}

/// Whose wordings count for a backend: its preset's, its output format's, its command's, or what its own name says.
#[must_use]
pub fn family(name: &str, backend: &Backend) -> Family {
    let output = match backend.output {
        Format::Text => "",
        Format::Claude => "claude",
        Format::Codex => "codex",
        Format::Gemini => "gemini",
        Format::Opencode => "opencode",
    };
    Family::of([backend.preset.as_deref().unwrap_or_default(), output, &backend.command, name])
}

/// The patterns that a user configured for a backend; they were checked with the configuration.
#[must_use]
pub fn patterns(name: &str, backend: &Backend) -> Vec<Pattern> {
    let each = backend.limit_patterns.iter().enumerate().filter_map(|(index, pattern)| {
        let source = format!("backend.{name}.limit_patterns[{index}]");
        Pattern::of_user(&source, &pattern.r#match, pattern.kind, pattern.reset).ok()
    });
    each.collect()
}
