//! The person at the keyboard.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Letters of a name that are kept.
const LONGEST: usize = 64;

/// What the system calls the person who typed this command: `USER`, else `LOGNAME`, else the name of the process's user as
/// `id` knows it. Services and containers set neither variable, and a user there may have no name: then it is `uid 1234`.
#[must_use]
pub fn name() -> String {
    let variables = ["USER", "LOGNAME"].iter().filter_map(|name| std::env::var(name).ok());
    let mut named = variables.map(|name| kept(&name)).filter(|name| !name.is_empty());
    named.next().or_else(name_of_id).unwrap_or_else(|| format!("uid {}", rustix::process::geteuid().as_raw()))
}

/// The name that `id` prints; it also knows users that are in no file of this machine.
fn name_of_id() -> Option<String> {
    let printed = Command::new("id").arg("-un").stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let name = kept(&String::from_utf8_lossy(&printed.stdout));
    Some(name).filter(|name| printed.status.success() && !name.is_empty())
}

/// The part of a name that is kept and shown.
fn kept(name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    name.trim().to_owned()
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
