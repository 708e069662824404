//! The error type of the whole crate: a kind, which decides the exit code, and a message, causes, details and hints.
//!
//! [`Error::render`] is the only place that turns an error into text for a terminal.

use std::fmt::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What an error means for the exit code. The codes follow BSD `sysexits.h` where one fits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ErrorKind {
    /// The command line is wrong.
    Usage,
    /// `tasks.md` has errors.
    BadTasks,
    /// There is no such spec, or none was named and there are several.
    NoSpec,
    /// An agent or another program is missing.
    Unavailable,
    /// The system refused something (a full disk, a denied write) or seqorch has a bug.
    Internal,
    /// Another run holds the lock.
    Locked,
    /// The configuration is wrong.
    Config,
    /// The user must do something first.
    Human,
    /// A hook that must succeed failed.
    Hook,
    /// The user or the system stopped the run.
    Interrupted,
}

impl ErrorKind {
    /// The process's exit code for an error of this kind.
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
            Self::Human | Self::Hook => 2,
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
    /// Makes an error. `message` starts in lower case and has no full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: Vec::new(), source: None, hints: Vec::new() }
    }

    /// Makes an error of the operating system: `act` (`"writing"`) failed on `path`.
    #[must_use]
    pub fn io(act: &str, path: &Path, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Internal, format!("{act} {}", path.display())).caused_by(source)
    }

    /// Sets the cause: an error of the system or of a library.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Adds a hint how to fix it, as a full sentence.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds a block of text that is printed as it is: a rendered diagnostic or a list.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// What the error means for the exit code.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message and its causes on one line, without details and hints.
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

    /// The blocks of text that were added to it.
    #[must_use]
    pub fn details(&self) -> &[String] {
        &self.details
    }

    /// The hints that were added to it.
    #[must_use]
    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// Adds a hint before the others.
    #[must_use]
    pub fn hint_before(mut self, hint: impl Into<String>) -> Self {
        self.hints.insert(0, hint.into());
        self
    }

    /// The whole error as text for a terminal. It ends with a newline.
    #[must_use]
    pub fn render(&self) -> String {
        self.rendered("error")
    }

    /// The same for an error that does not keep a verb from its work.
    #[must_use]
    pub fn render_warning(&self) -> String {
        self.rendered("warning")
    }

    fn rendered(&self, label: &str) -> String {
        let mut text = format!("{label}: {}\n", harmless(&self.message, false));
        let mut cause = self.source.as_deref().map(|e| e as &dyn std::error::Error);
        while let Some(e) = cause {
            let _ = writeln!(text, "  because: {}", harmless(&e.to_string(), false));
            cause = e.source();
        }
        for detail in &self.details {
            // a rendered diagnostic has colours of ours
            text.push_str(&harmless(detail.trim_end_matches('\n'), true));
            text.push('\n');
        }
        // what was being opened is not at fault
        let is_out_of_files = OUT_OF_FILES.iter().any(|words| text.contains(words));
        for hint in
            is_out_of_files.then_some(MORE_FILES).into_iter().chain(self.hints.iter().map(String::as_str))
        {
            let _ = writeln!(text, "hint: {}", harmless(hint, false));
        }
        text
    }
}

/// The system's words for EMFILE and ENFILE, in C libraries of two kinds.
const OUT_OF_FILES: [&str; 2] = ["Too many open files", "too many open files"];
const MORE_FILES: &str = "Too many files are open here. Raise the limit (`ulimit -n 4096`), or end what holds them, and run again.";

/// Text without characters that act on a terminal: an error may quote what others wrote.
fn harmless(text: &str, may_have_colours: bool) -> String {
    let acts = |c: char| {
        c.is_control() && !matches!(c, '\n' | '\t') && !(may_have_colours && c == '\u{1b}')
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().filter(|c| !acts(*c)).collect()
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
    fn an_error_that_quotes_others_does_not_act_on_the_terminal() {
        let error =
            Error::new(ErrorKind::Config, "a\u{1b}[2Kb\u{9b}c").detail("\u{202e}d\u{9b}").hint("e\u{7}");
        assert_eq!(error.render(), "error: a[2Kbc\nd\nhint: e\n");
    }

    #[test]
    fn an_error_for_want_of_descriptors_says_how_to_get_more() {
        let cause = std::io::Error::from_raw_os_error(24);
        let error = Error::new(ErrorKind::Internal, "catching signals").caused_by(cause);
        assert!(error.render().contains("ulimit -n"), "{}", error.render());
    }

    #[test]
    fn an_error_prints_causes_then_details_then_hints() {
        let error = Error::io("writing", Path::new("a.json"), std::io::Error::other("disk full"))
            .detail("the old file\n")
            .hint("Free some space.");
        assert_eq!(
            error.render(),
            "error: writing a.json\n  because: disk full\nthe old file\nhint: Free some space.\n"
        );
        assert!(error.render_warning().starts_with("warning: writing a.json\n  because: disk full\n"));
        assert_eq!(error.brief(), "writing a.json: disk full");
        assert_eq!(error.kind().exit_code(), 70);
    }
}
