//! `seqorch __session PARENT REPORT -- PROGRAM ARGS…`: starts a session for a program, then becomes the program.
//!
//! In a mere process group the kernel would stop an agent at its first read of the window's terminal. A verb of our own
//! runs between fork and exec, so this needs no unsafe code.

use std::convert::Infallible;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{files, process};
use crate::error::{Error, ErrorKind, Result};

/// The hidden verb.
pub const VERB: &str = "__session";

/// The start of a program in a session of its own. The program dies with the process that starts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStart {
    /// The process that starts it.
    parent: i32,
    /// The file that gets the reason if the program cannot be started. Empty for none.
    report: PathBuf,
    /// Program and arguments.
    argv: Vec<OsString>,
}

/// The arguments that make our own program start another one, whose own arguments follow.
#[must_use]
pub fn args(report: Option<&Path>) -> Vec<OsString> {
    let report = report.unwrap_or(Path::new(""));
    vec![VERB.into(), process::own_pid().to_string().into(), report.into(), "--".into()]
}

impl SessionStart {
    /// Reads the arguments behind the verb.
    pub fn parse(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let parent = args.next()?.to_str()?.parse().ok()?;
        let report = args.next()?.into();
        let program: Vec<_> = args.skip(1).collect();
        (!program.is_empty()).then_some(Self { parent, report, argv: program })
    }

    /// Leads a new session, asks the kernel to die with the parent, and becomes the program.
    pub fn exec(&self) -> Result<Infallible> {
        let _ = rustix::process::setsid();
        #[cfg(target_os = "linux")]
        if super::process_table::has_proc() {
            use rustix::process::{Signal, getppid, set_parent_process_death_signal};
            let _ = set_parent_process_death_signal(Some(Signal::KILL));
            // the parent may have died before that call
            if getppid().is_some_and(|p| p.as_raw_nonzero().get() != self.parent) {
                return Err(Error::new(ErrorKind::Internal, "the process that started this one is gone"));
            }
        }
        let why = Command::new(&self.argv[0]).args(&self.argv[1..]).exec();
        let text = cannot_start(&self.argv[0].to_string_lossy(), &why);
        if !self.report.as_os_str().is_empty() {
            let _ = files::write_private(&self.report, text.as_bytes());
        }
        Err(Error::new(ErrorKind::Unavailable, text))
    }
}

/// Why a program cannot be started, with a hint if the prompt is too long.
#[must_use]
pub fn cannot_start(program: &str, why: &std::io::Error) -> String {
    let mut text = format!("cannot start {program}: {why}");
    if why.raw_os_error() == Some(rustix::io::Errno::TOOBIG.raw_os_error()) {
        text.push_str(
            " (the prompt is too long for an argument; set prompt = \"stdin\" or \"file\" for this backend)",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_start_survives_its_arguments() {
        for report in [None, Some(Path::new("/a b/why"))] {
            let argv: Vec<OsString> = ["git", "--", ""].map(OsString::from).to_vec();
            let all = args(report).into_iter().chain(argv.clone());
            let start = SessionStart::parse(all.skip(1)).unwrap();
            let report = report.unwrap_or(Path::new("")).to_owned();
            assert_eq!(start, SessionStart { parent: process::own_pid(), report, argv });
        }
        assert_eq!(SessionStart::parse(args(None).into_iter().skip(1)), None);
    }
}
