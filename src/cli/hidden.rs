//! The verbs that seqorch calls itself. clap does not know them: each has one writer and one reader, next to each other
//! in the file that does the work. So two starts per step need no grammar of all verbs.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;

use crate::attempt;
use crate::attempt::window::{self, WindowProgram};
use crate::error::{Error, ErrorKind, Result};
use crate::notify::delivery;
use crate::sandbox::container;
use crate::sys::programs;

/// Runs the hidden verb of this command line and returns the exit code. `None` if it has no such verb.
pub(super) fn run() -> Option<u8> {
    let mut args = std::env::args_os().skip(1);
    let verb = args.next()?;
    let done = match verb.to_str()? {
        attempt::VERB => run_attempt(args),
        window::VERB => WindowProgram::parse(args).ok_or_else(misused).map(|window| window.run()),
        container::VERB => container::be_guard(args).then_some(0).ok_or_else(misused),
        delivery::VERB => delivery::be_deliverer(args).then_some(0).ok_or_else(misused),
        _ => return None,
    };
    Some(done.unwrap_or_else(|error| {
        print(&error);
        error.kind().exit_code()
    }))
}

fn run_attempt(mut args: impl Iterator<Item = OsString>) -> Result<u8> {
    let dir = args.next().ok_or_else(misused)?;
    attempt::run(Path::new(&dir), &programs::own_program()?)?;
    Ok(0)
}

fn misused() -> Error {
    Error::new(ErrorKind::Usage, "only seqorch itself calls this verb")
}

fn print(error: &Error) {
    let _ = std::io::stderr().write_all(error.render().as_bytes());
}
