//! PURE. Whether what an agent printed says: later. And when.
//!
//! A limit is read from authority only: the record that ends an agent's stream, events about limits, the error lines of
//! the program itself, and a last line that is a limit's message from its first to its last word. What the agent, its
//! tools, its subagents or a user said is never asked, so a task about rate limits is no limit; a successful end is none
//! either, whatever it quotes. Wordings are data (`patterns/*.toml`, and a user's `limit_patterns`).
//!
//! ```text
//! Message → record (JSON) or lines (text) → Said: authoritative text and fields
//!         → judge: codes, then wordings, then statuses → Finding
//!         → merge: the end of the stream decides, the best source gives the time → Verdict
//! ```

mod facts;
mod judge;
mod lines;
mod merge;
mod patterns;
mod record;
mod scope;
mod when;

use jiff::Timestamp;
use jiff::tz::TimeZone;

pub use patterns::{Pattern, Reset};
pub use scope::names_model;
pub use when::Form;

/// What kind of limit it is, by what helps against it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitKind {
    /// No limit.
    #[default]
    None,
    /// Too many requests for now: a short pause helps.
    RateLimited,
    /// A window of the plan is used up (hours, a day, a week, a month): its end helps.
    QuotaExhausted,
    /// The service has no capacity: a pause or another model helps.
    Overloaded,
    /// Credits, a spending cap or the plan itself: a human with a purse helps.
    Billing,
    /// Not logged in, or not any more: a human helps.
    Auth,
}

impl LimitKind {
    /// For people.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "not limited",
            Self::RateLimited => "rate limited",
            Self::QuotaExhausted => "quota used up",
            Self::Overloaded => "overloaded",
            Self::Billing => "billing",
            Self::Auth => "not logged in",
        }
    }
}

/// Where a message was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// A line of the agent's stream of JSON records.
    Event,
    /// Standard output as text.
    Stdout,
    /// Standard error.
    Stderr,
    /// The agent's own log.
    Log,
}

/// Whose wordings are asked first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Family {
    /// Claude Code.
    Claude,
    /// Codex CLI.
    Codex,
    /// Gemini CLI, Antigravity.
    Gemini,
    /// `OpenCode`.
    Opencode,
    /// GitHub Copilot CLI.
    Copilot,
    /// Qwen Code.
    Qwen,
    /// Cursor's agent.
    Cursor,
    /// Amp.
    Amp,
    /// Anything else: all wordings, none before the others.
    Any,
}

impl Family {
    /// All that have wordings of their own.
    pub const KNOWN: [Self; 8] = [
        Self::Claude,
        Self::Codex,
        Self::Gemini,
        Self::Opencode,
        Self::Copilot,
        Self::Qwen,
        Self::Cursor,
        Self::Amp,
    ];

    /// The family's name, as presets and programs have it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
            Self::Gemini => "gemini",
            Self::Opencode => "opencode",
            Self::Copilot => "copilot",
            Self::Qwen => "qwen",
            Self::Cursor => "cursor",
            Self::Amp => "amp",
            Self::Any => "any",
        }
    }

    /// The family that any of these names (a preset, a program, a backend's own name) means; the first that does counts.
    #[must_use]
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        names.into_iter().find_map(Self::named).unwrap_or(Self::Any)
    }

    fn named(name: &str) -> Option<Self> {
        let program = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        match program.as_str() {
            "agy" | "antigravity" => return Some(Self::Gemini),
            "cursor-agent" => return Some(Self::Cursor),
            _ => {}
        }
        Self::KNOWN.into_iter().find(|family| {
            program.split(|c: char| !c.is_ascii_alphanumeric()).any(|word| word == family.name())
        })
    }
}

/// What [`Verdict::scope`] says where a message limits the model that was used, without its name.
pub const THIS_MODEL: &str = "this model";

/// Something an agent printed.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// Whose words are expected.
    pub family: Family,
    /// Where it was printed; text on [`Channel::Event`] may be many lines.
    pub channel: Channel,
    /// How the program ended; `None`: it runs yet, or nobody knows.
    pub exit: Option<i32>,
    /// What was printed.
    pub text: &'a str,
}

/// What a message means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdict {
    /// The kind; all else is empty for [`LimitKind::None`].
    pub kind: LimitKind,
    /// When it ends; in the past: it is due. `None`: nobody said, or it cannot be read for certain.
    pub until: Option<Timestamp>,
    /// What decided: a pattern or a field, and where the time is from (`claude.limit + clock`).
    pub source: String,
    /// The model that alone is limited, where the message names one; [`THIS_MODEL`]: the one that was used.
    pub scope: Option<String>,
    /// The vendor's words, one line, at most 300 characters.
    pub message: String,
}

/// What a message means that was printed at `now` on a host in `zone`; `own` are patterns of the user's, asked first.
#[must_use]
pub fn classify(message: &Message<'_>, own: &[Pattern], now: Timestamp, zone: &TimeZone) -> Verdict {
    classify_all(std::slice::from_ref(message), own, now, zone)
}

/// What all messages of one attempt mean together, in the order in which they were printed.
///
/// The last record that ends a stream decides; a time is taken from the best source that speaks of the same limit.
#[must_use]
pub fn classify_all(messages: &[Message<'_>], own: &[Pattern], now: Timestamp, zone: &TimeZone) -> Verdict {
    let context = judge::Context { own, now, zone };
    let mut parts = Vec::new();
    for message in messages {
        lines::read(message, &context, &mut parts);
    }
    merge::merge(parts)
}

#[cfg(test)]
#[path = "limit_tests.rs"]
mod tests;
#[cfg(test)]
#[path = "wordings_tests.rs"]
mod wordings;
