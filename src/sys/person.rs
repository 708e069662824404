//! The person at the keyboard.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Command, ExitStatus};

/// Letters of a name that are kept.
const LONGEST: usize = 64;

/// What the system calls the person who typed this command; `None` where it does not say.
#[must_use]
pub fn name() -> Option<String> {
    let named = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let named: String = named?.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    Some(named.trim().to_owned()).filter(|name| !name.is_empty())
}

/// The editor of a person at a terminal, as a command line for a shell; `None` where none is named, or no terminal is there.
#[must_use]
pub fn editor() -> Option<String> {
    let named =
        ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    named.filter(|_| io::stdin().is_terminal() && io::stdout().is_terminal())
}

/// Opens a file in an editor and waits for its end. `editor` is a command line, because people give it arguments
/// (`code --wait`); so a shell splits it.
pub fn edit(editor: &str, file: &Path) -> io::Result<ExitStatus> {
    Command::new("sh").args(["-c", &format!("{editor} \"$1\""), "sh"]).arg(file).status()
}
