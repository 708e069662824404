//! Calls the user's hooks when something happens.
//!
//! Each hook gets a session of its own, so that Ctrl-C does not reach it, and a deadline; it ends with this process. A
//! failure is reported and changes nothing, unless `hooks.required` is set.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use crate::agent::redact::Redactor;
use crate::agent::sanitise::sanitise;
use crate::config::{HookEvent, Hooks};
use crate::report::text::shown_command;
use crate::report::times::span;
use crate::sys::variables::text_variables;
use crate::sys::{files, process, programs, session};

/// The variable that marks the processes of a hook.
const MARK: &str = "SEQORCH_HOOK";
/// Time between TERM and KILL for a hook that exceeds its deadline.
const GRACE: Duration = Duration::from_secs(2);
/// How many bytes at the end of its output are searched for the reason of a failure.
const TAIL: u64 = 4096;

/// The hooks of a project, and how to call them.
#[derive(Debug, Clone)]
pub struct Caller {
    /// `[hooks]` of the configuration.
    pub hooks: Hooks,
    /// The folder in which they run.
    pub cwd: PathBuf,
    /// The file that gets their output.
    pub log: PathBuf,
}

impl Caller {
    /// Whether there is a hook for `event`.
    #[must_use]
    pub fn wants(&self, event: HookEvent) -> bool {
        self.hooks.argv(event).is_some()
    }

    /// Calls the hook of `event`, if there is one, and waits for its end. It gets `facts` in its environment and `json` on
    /// standard input. The error is one line that says how it failed.
    pub fn call(&self, event: HookEvent, facts: &[(&str, String)], json: &str) -> Result<(), String> {
        let Some(argv) = self.hooks.argv(event) else { return Ok(()) };
        let called = format!("hooks.{}: {}", event.name(), argv[0]);
        let (mut log, from) =
            self.open_log(event.name(), argv).map_err(|e| format!("{called} cannot be started: {e}"))?;
        self.call_with_log(event, argv, facts, json, &mut log, from).map_err(|how| {
            // the run may have ended before anyone reads what is returned
            let _ = writeln!(log, "{called} {how}");
            format!("{called} {how}")
        })
    }

    /// The error says how it failed, without the name of the hook. What the hook prints begins in the log at `from`.
    fn call_with_log(
        &self,
        event: HookEvent,
        argv: &[String],
        facts: &[(&str, String)],
        json: &str,
        log: &mut File,
        from: u64,
    ) -> Result<(), String> {
        let name = event.name();
        let program =
            programs::find_in_path(&argv[0], &self.cwd).ok_or_else(|| "does not exist".to_owned())?;
        let failed = |e: std::io::Error| format!("cannot be started: {e}");
        let mark = format!("{}-{name}", std::process::id());
        let mut command = Command::new(program);
        session::lead(&mut command);
        command.args(&argv[1..]).current_dir(&self.cwd);
        command.envs(facts.iter().map(|(name, value)| (name, value))).env("SEQORCH_EVENT", name);
        command.env(MARK, &mark);
        command.stdin(input(json).map_err(failed)?);
        command.stdout(log.try_clone().map_err(failed)?).stderr(log.try_clone().map_err(failed)?);
        let mut child = command.spawn().map_err(failed)?;
        let how = match wait(&mut child, self.hooks.timeout) {
            Some(status) if status.success() => return Ok(()),
            Some(status) => ended(status),
            None => {
                self.end(&mut child, &mark);
                format!("did not end within {}", span(self.hooks.timeout))
            }
        };
        let said = last_line(log, from).map_or_else(String::new, |line| format!(": {line}"));
        Err(format!("{how}{said}"))
    }

    fn open_log(&self, name: &str, argv: &[String]) -> std::io::Result<(File, u64)> {
        let mut log = files::append_private_file(&self.log)?;
        writeln!(log, "== {name}: {}", shown_command(argv))?;
        let from = log.seek(SeekFrom::End(0))?;
        Ok((log, from))
    }

    fn end(&self, child: &mut Child, mark: &str) {
        let mark = OsString::from(format!("{MARK}={mark}"));
        process::terminate(|| process::leftovers(&self.log, &mark, None), GRACE, || drop(child.try_wait()));
        // the processes cannot be listed everywhere; the hook's own can be ended in any case
        if matches!(child.try_wait(), Ok(None)) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The standard input of a hook. It is a file: through a pipe, a hook that reads nothing would block the run.
fn input(json: &str) -> std::io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(json.as_bytes())?;
    file.rewind()?;
    Ok(file)
}

fn wait(child: &mut Child, timeout: Duration) -> Option<ExitStatus> {
    let began = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Some(status);
        }
        if began.elapsed() >= timeout {
            return None;
        }
        thread::sleep(pause.min(timeout.saturating_sub(began.elapsed())));
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("failed with exit code {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended without an exit code".to_owned(),
    }
}

/// The last line of its output, sanitised and redacted.
fn last_line(log: &mut File, from: u64) -> Option<String> {
    let size = log.seek(SeekFrom::End(0)).ok()?;
    log.seek(SeekFrom::Start(from.max(size.saturating_sub(TAIL)))).ok()?;
    let mut bytes = Vec::new();
    log.read_to_end(&mut bytes).ok()?;
    let text = sanitise(&bytes);
    let line = text.lines().rev().map(str::trim).find(|line| !line.is_empty())?;
    Some(Redactor::new(text_variables()).redact(line))
}

/// Deletes the log of earlier runs, so that it cannot grow for ever.
pub fn forget(log: &Path) {
    let _ = fs::remove_file(log);
}
