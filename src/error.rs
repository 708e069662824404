//! The one error type that users meet: a kind (which fixes the exit code), a message, causes and hints.
//!
//! [`Error::render`] is the only place that turns it into text.

use std::fmt::{self, Write as _};
use std::path::Path;

/// What went wrong, as far as the exit code is concerned (the codes follow BSD `sysexits.h` where one fits).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The command line makes no sense.
    Usage,
    /// `tasks.md` cannot be worked off as it stands.
    BadTasks,
    /// There is no such spec, or more than one and none was named.
    NoSpec,
    /// An agent command or another tool is not there.
    Unavailable,
    /// The system refused something (a full disk, a denied write) or seqorch has a bug.
    Internal,
    /// Another run holds the lock.
    Locked,
    /// The configuration is wrong.
    Config,
    /// A human must look at it.
    Human,
    /// Somebody asked for an end.
    Interrupted,
}

impl ErrorKind {
    /// The process exit code of this kind.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => 64,
            Self::BadTasks => 65,
            Self::NoSpec => 66,
            Self::Unavailable => 69,
            Self::Internal => 70,
            Self::Locked => 75,
            Self::Config => 78,
            Self::Human => 2,
            Self::Interrupted => 130,
        }
    }
}

/// A [`std::result::Result`] with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error for the user.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    message: String,
    details: Vec<String>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
    hints: Vec<String>,
}

impl Error {
    /// A new error; `message` is a lower-case fragment without a full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Vec::new(), source: None, hints: Vec::new() }
    }

    /// An error of the system: what was tried (`"writing"`), on which path, and why it failed.
    #[must_use]
    pub fn io(act: &str, path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Internal, format!("{act} {}", path.display())).caused_by(source)
    }

    /// Adds the cause that the system or a library gave.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds a way out, as a full sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a block of text that is shown as it is (a rendered diagnostic, a list).
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// The kind.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What went wrong and why, without details and hints: what a line has room for.
    #[must_use]
    pub fn brief(&self) -> String {
        let mut parts = vec![self.message.clone()];
        let mut cause = self.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(e) = cause {
            parts.push(e.to_string());
            cause = e.source();
        }
        let lines: Vec<&str> = parts.iter().filter_map(|part| part.lines().next()).collect();
        lines.join(": ")
    }

    /// The text for a person, ending with a newline.
    #[must_use]
    pub fn render(&self) -> String {
        let mut text = format!("error: {}\n", self.message);
        let mut cause = self.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(e) = cause {
            let _ = writeln!(text, "  because: {e}");
            cause = e.source();
        }
        for detail in &self.details {
            text.push_str(detail.trim_end_matches('\n'));
            text.push('\n');
        }
        for hint in &self.hints {
            let _ = writeln!(text, "hint: {hint}");
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_shows_its_causes_details_and_hints_in_this_order() {
        let error = Error::io("writing", Path::new("a.json"), std::io::Error::other("disk full"))
            .detail("what was kept\n")
            .hint("Free some space.");
        assert_eq!(
            error.render(),
            "error: writing a.json\n  because: disk full\nwhat was kept\nhint: Free some space.\n"
        );
        assert_eq!(error.brief(), "writing a.json: disk full");
        assert_eq!(error.kind().exit_code(), 70);
    }
}
