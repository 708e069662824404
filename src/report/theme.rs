//! PURE. The colours of all output on a terminal: what a colour means is said here once.
//!
//! They are the terminal's own sixteen colours, so they suit a light and a dark one. `anstream` removes them from pipes and
//! where `NO_COLOR`, `CLICOLOR` or `--color` says so. The live view has the same meanings in `report::view::theme`.

use anstyle::{AnsiColor, Style};

/// Done, succeeded.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// Needs you, failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();
/// Waits, or may go wrong.
pub const WAIT: Style = AnsiColor::Yellow.on_default();
/// A warning's label.
pub const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Works now; and the id of a task.
pub const LIVE: Style = AnsiColor::Cyan.on_default().bold();
/// A heading, a title, a command to copy.
pub const BOLD: Style = Style::new().bold();
/// What one reads last.
pub const DIM: Style = Style::new().dimmed();

/// The text in a style.
#[must_use]
pub fn paint(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}
