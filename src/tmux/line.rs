//! PURE. Command lines for tmux: commands one after another, none of whose words it takes for an end.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// One command line. Where a command fails, tmux leaves out those behind it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Line(Vec<OsString>);

impl Line {
    /// A line of one command.
    pub fn of<W: AsRef<OsStr>>(words: impl IntoIterator<Item = W>) -> Self {
        let mut line = Self::default();
        line.then(words);
        line
    }

    /// Adds a command.
    pub fn then<W: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = W>) -> &mut Self {
        if !self.0.is_empty() {
            self.0.push(";".into());
        }
        self.words(words)
    }

    /// Adds words to the last command.
    pub fn words<W: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = W>) -> &mut Self {
        self.0.extend(words.into_iter().map(|word| escaped(word.as_ref())));
        self
    }

    /// Sets a window's option. Quietly: an older tmux need not know it, and the window may be gone.
    pub fn window_option(&mut self, target: &str, option: &str, value: &str) -> &mut Self {
        self.then(["set-option", "-q", "-w", "-t", target, option, value])
    }

    /// Sets a session's option, as quietly.
    pub fn session_option(&mut self, target: &str, option: &str, value: &str) -> &mut Self {
        self.then(["set-option", "-q", "-t", target, option, value])
    }

    /// Adds another line.
    pub fn and(&mut self, other: Self) -> &mut Self {
        if !self.0.is_empty() && !other.0.is_empty() {
            self.0.push(";".into());
        }
        self.0.extend(other.0);
        self
    }

    /// Whether it does nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The words as tmux gets them.
    #[must_use]
    pub fn into_words(self) -> Vec<OsString> {
        self.0
    }
}

/// A `;` at the end of a word would end the command.
fn escaped(word: &OsStr) -> OsString {
    match word.as_bytes().strip_suffix(b";") {
        Some(rest) => OsString::from_vec([rest, b"\\;"].concat()),
        None => word.to_owned(),
    }
}

/// A folder as `-c` takes it: tmux expands that word, and would run a `#(…)` in it.
#[must_use]
pub fn folder(path: &OsStr) -> OsString {
    let mut bytes = Vec::with_capacity(path.len());
    for byte in path.as_bytes() {
        if *byte == b'#' {
            bytes.push(b'#');
        }
        bytes.push(*byte);
    }
    OsString::from_vec(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_ends_a_command_only_where_we_mean_it() {
        let mut line = Line::of(["new-window", "--", "sh", "-c", "a; b;"]);
        line.window_option("@1", "@x", ";").then(["kill-pane"]);
        let words: Vec<_> = line.into_words().into_iter().map(|w| w.into_string().unwrap()).collect();
        assert_eq!(
            words.join(" "),
            "new-window -- sh -c a; b\\; ; set-option -q -w -t @1 @x \\; ; kill-pane"
        );
    }

    #[test]
    fn nothing_in_a_folders_name_is_run() {
        assert_eq!(folder(OsStr::new("/a/#(touch x)#{pid}")), "/a/##(touch x)##{pid}");
    }
}
