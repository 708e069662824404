//! What goes into the classification of limits, and what comes out.

use jiff::Timestamp;

use super::family::Family;
use super::judge::RETRYING;
use super::kind::LimitKind;
use crate::agent::event::Channel;

/// Text that an agent CLI printed.
#[derive(Debug, Clone, Copy)]
pub struct PrintedMessage<'a> {
    /// Whose wordings are expected.
    pub family: Family,
    /// Where it was printed. Text on [`Channel::Event`] may have many lines.
    pub channel: Channel,
    /// The program's exit code. `None` if it still runs or the code is unknown.
    pub exit: Option<i32>,
    /// The text.
    pub text: &'a str,
}

/// [`LimitVerdict::scope`] of a message that limits the used model without naming it.
pub const THIS_MODEL: &str = "this model";

/// What a message means.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LimitVerdict {
    /// The kind. For [`LimitKind::None`] all other fields are empty.
    pub kind: LimitKind,
    /// When the limit ends. A time in the past means now. `None` if the message does not say it for certain.
    pub until: Option<Timestamp>,
    /// What decided: a pattern or a field, and the source of the time (`claude.limit + clock`).
    pub source: String,
    /// The limited model, if the limit is one model's. [`THIS_MODEL`] is the used one.
    pub scope: Option<String>,
    /// The vendor's words in one line of at most 300 characters.
    pub message: String,
}

impl LimitVerdict {
    /// Whether words or a code decided that only a limit has. A status, or the plan of a program to retry, may be about
    /// anything that an agent does.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        self.kind != LimitKind::None
            && !self.source.starts_with(RETRYING)
            && !self.source.starts_with("status ")
    }
}
