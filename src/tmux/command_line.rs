//! PURE. Command lines for tmux: one or more commands, whose arguments never end a command by accident.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A sequence of tmux commands. If one fails, tmux skips the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommandLine(Vec<OsString>);

impl CommandLine {
    /// Makes a line of one command.
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

    /// Adds arguments to the last command.
    pub fn words<W: AsRef<OsStr>>(&mut self, words: impl IntoIterator<Item = W>) -> &mut Self {
        self.0.extend(words.into_iter().map(|word| escaped(word.as_ref())));
        self
    }

    /// Sets a window's option. It is not an error if this tmux does not know the option or the window is gone.
    pub fn window_option(&mut self, target: &str, option: &str, value: &str) -> &mut Self {
        self.then(["set-option", "-q", "-w", "-t", target, option, value])
    }

    /// Sets a session's option, with the same tolerance.
    pub fn session_option(&mut self, target: &str, option: &str, value: &str) -> &mut Self {
        self.then(["set-option", "-q", "-t", target, option, value])
    }

    /// Adds the commands of another line.
    pub fn and(&mut self, other: Self) -> &mut Self {
        if !self.0.is_empty() && !other.0.is_empty() {
            self.0.push(";".into());
        }
        self.0.extend(other.0);
        self
    }

    /// Whether the line has no command.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The arguments of the tmux program.
    #[must_use]
    pub fn into_words(self) -> Vec<OsString> {
        self.0
    }
}

/// Escapes a `;` at the end of a word, where tmux would end the command.
fn escaped(word: &OsStr) -> OsString {
    match word.as_bytes().strip_suffix(b";") {
        Some(rest) => OsString::from_vec([rest, b"\\;"].concat()),
        None => word.to_owned(),
    }
}

/// Escapes a folder for `-c`, because tmux expands this argument and would run a `#(…)` in it.
#[must_use]
pub(super) fn escape_folder(path: &OsStr) -> OsString {
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
    fn a_semicolon_in_an_argument_does_not_end_the_command() {
        let mut line = CommandLine::of(["new-window", "--", "sh", "-c", "a; b;"]);
        line.window_option("@1", "@x", ";").then(["kill-pane"]);
        let words: Vec<_> = line.into_words().into_iter().map(|w| w.into_string().unwrap()).collect();
        assert_eq!(
            words.join(" "),
            "new-window -- sh -c a; b\\; ; set-option -q -w -t @1 @x \\; ; kill-pane"
        );
    }

    #[test]
    fn nothing_in_a_folders_name_is_expanded() {
        assert_eq!(escape_folder(OsStr::new("/a/#(touch x)#{pid}")), "/a/##(touch x)##{pid}");
    }
}
