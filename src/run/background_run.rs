//! A run in the background of its main window. The live view is the window's own process, so it can still report the end
//! of a run that was killed.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;

use crate::agent::sanitise::sanitise;
use crate::error::{Error, ErrorKind, Result};
use crate::store::lock;
use crate::store::spec_store::Store;
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::{files, process, programs};

/// A run that this process started.
#[derive(Debug)]
pub struct BackgroundRun {
    child: Child,
    since_boot: u64,
    /// Its standard output and its standard error.
    logs: [PathBuf; 2],
}

impl BackgroundRun {
    /// Starts this program with `argv`.
    pub fn start(store: &Store, argv: &[OsString]) -> Result<Self> {
        let program = programs::own_program()?;
        let logs = ["run.log", "run.err"].map(|name| store.folder().join(name));
        let child = Command::new(&program)
            .args(argv)
            .stdin(Stdio::null())
            .stdout(files::create_private_file(&logs[0])?)
            .stderr(files::create_private_file(&logs[1])?)
            // what a person types here is for the view
            .process_group(0)
            .spawn()
            .map_err(|e| Error::io("starting", &program, e))?;
        let since_boot = process::start_time(child.id().cast_signed());
        Ok(Self { child, since_boot, logs })
    }

    /// The id of its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until it holds the lock of the spec; `false` where it ended before.
    pub fn has_begun(&mut self, store: &Store) -> bool {
        let pid = self.pid();
        while lock::holder(&store.run_lock()).is_none_or(|holder| holder.pid != pid) {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }

    /// Where it prints its errors.
    #[must_use]
    pub fn errors(&self) -> &Path {
        &self.logs[1]
    }

    /// What sends the signal that it would get if its terminal were closed.
    #[must_use]
    pub fn hanging_up(&self) -> Box<dyn Fn()> {
        let (pid, since_boot) = (self.child.id().cast_signed(), self.since_boot);
        Box::new(move || drop(process::send_signal(pid, since_boot, Signal::HUP)))
    }

    /// Waits for its end and returns its exit code. Prints its standard error, and, unless `shown`, before that its
    /// standard output.
    pub fn end(mut self, shown: bool) -> Result<u8> {
        let status = self
            .child
            .wait()
            .map_err(|e| Error::new(ErrorKind::Internal, "waiting for the run").caused_by(e))?;
        for log in &self.logs[usize::from(shown)..] {
            let printed = nofollow::read(log, WHOLE_MAX).unwrap_or_default();
            let _ = io::stderr().write_all(sanitise(&printed).as_bytes());
        }
        let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(0));
        Ok(u8::try_from(code).unwrap_or(ErrorKind::Internal.exit_code()))
    }
}
