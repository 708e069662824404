//! PURE. The commands that open, fill, mark and close windows.

use std::ffi::OsString;
use std::path::Path;

use super::command_line::{CommandLine, escape_folder};
use super::parse::OPENED;
use super::session::{PURPOSE_OPTION, SPEC_OPTION, TmuxWindow, WindowOwner};
use super::status_line::{MARK_OPTION, StatusLine};

/// A window to open.
#[derive(Debug, Clone, Copy)]
pub struct NewWindow<'a> {
    /// Its name, for people.
    pub name: &'a str,
    /// What it is for: a task's id, or [`super::MAIN_WINDOW`].
    pub purpose: &'a str,
    /// The folder that its program starts in.
    pub cwd: &'a Path,
    /// The program and its arguments, which no shell reads.
    pub argv: &'a [OsString],
    /// Columns and rows, if the session is new.
    pub size: (u16, u16),
    /// The mark behind its name in the status line.
    pub mark: Option<&'a str>,
    /// How the status line shows marks.
    pub status_line: Option<&'a StatusLine>,
    /// What tmux does before it in the same call. These commands must not fail.
    pub before: &'a CommandLine,
    /// And after it.
    pub after: &'a CommandLine,
}

/// A pane to open in an existing window.
#[derive(Debug, Clone, Copy)]
pub struct NewPane<'a> {
    /// The id of the pane that makes room for it.
    pub from: &'a str,
    /// Whether it goes to the right of that pane, not below it.
    pub right: bool,
    /// Its size as tmux takes it (`30%`); `None` is half.
    pub size: Option<&'a str>,
    /// The folder that its program starts in.
    pub cwd: &'a Path,
    /// The program and its arguments, which no shell reads.
    pub argv: &'a [OsString],
}

/// Ends a command that opens a window, and adds the commands that set its options. All is one command line, so that even
/// a program that ends at once stays on the screen.
pub(super) fn open_window(line: &mut CommandLine, target: &str, window: NewWindow<'_>, owner: &WindowOwner) {
    line.words(["-n", window.name, "-P", "-F", OPENED]);
    run_program(line, window.cwd, window.argv);
    for (option, value) in [
        ("remain-on-exit", "on"),
        // an empty text keeps tmux from scrolling the first line away to say that the pane is dead
        ("remain-on-exit-format", ""),
        ("automatic-rename", "off"),
        (PURPOSE_OPTION, window.purpose),
        (SPEC_OPTION, &owner.spec),
    ] {
        line.window_option(target, option, value);
    }
    set_mark(line, target, window);
}

/// Adds the program that a new or reused pane runs.
pub(super) fn run_program(line: &mut CommandLine, cwd: &Path, argv: &[OsString]) {
    line.words(["-c".as_ref(), escape_folder(cwd.as_os_str()).as_os_str(), "--".as_ref()]);
    line.words(argv);
}

/// Sets the mark of a window, and shows it if the status line is known.
pub(super) fn set_mark(line: &mut CommandLine, target: &str, window: NewWindow<'_>) {
    if let Some(mark) = window.mark {
        line.window_option(target, MARK_OPTION, mark);
    }
    if let Some(status_line) = window.status_line {
        status_line.show_mark(line, target);
    }
}

/// Closes those of these windows that are still ours, but never the last window of a session, which would end the session.
#[must_use]
pub fn close_windows<'a>(windows: impl IntoIterator<Item = &'a TmuxWindow>) -> CommandLine {
    let mut line = CommandLine::default();
    for TmuxWindow { id, .. } in windows {
        let closable = format!("#{{&&:#{{{PURPOSE_OPTION}}},#{{!=:#{{session_windows}},1}}}}");
        line.then(["if-shell", "-F", "-t", id, &closable, &format!("kill-window -t {id}")]);
    }
    line
}
