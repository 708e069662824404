//! Names a command of git that takes long, while it does: in the run's own output and for `status`.

use std::io::Write;
use std::path::PathBuf;

use jiff::Timestamp;

use crate::report::text::sanitise_line;
use crate::store::slow_command::SlowCommand;
use crate::sys::command::CommandWatch;

/// Where a slow command is named.
#[derive(Debug)]
pub(super) struct SlowCommandNote {
    /// The file that `status` reads.
    pub(super) path: PathBuf,
    /// Standard output is for events alone.
    pub(super) json: bool,
}

impl CommandWatch for SlowCommandNote {
    fn slow(&self, command: &str) {
        // a run does not fail because it cannot say what it waits for
        let _ = SlowCommand { command: command.to_owned(), since: Timestamp::now() }.write(&self.path);
        let line = format!("  … waiting for {} (Ctrl-C twice ends it)", sanitise_line(command));
        let _ = if self.json {
            writeln!(anstream::stderr(), "{line}")
        } else {
            writeln!(anstream::stdout(), "{line}")
        };
    }

    fn over(&self) {
        let _ = SlowCommand::remove(&self.path);
    }
}
