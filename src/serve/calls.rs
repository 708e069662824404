//! Starts this program, as a person would type it.

use std::ffi::OsString;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::act::{PageAct, PageCommand};
use super::project::ServedSpec;
use crate::config::TmuxMode;
use crate::error::{Error, ErrorKind, Result};
use crate::report::text::sanitise_text;
use crate::report::times::span;
use crate::store::lock;
use crate::store::spec_store::Store;
use crate::sys::command::{self, OutputLimit, Supervised, Unfinished};
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::{files, programs};
use crate::tmux;

/// How long a command may take; a run, until it has begun.
const DEADLINE: Duration = Duration::from_secs(120);
/// Bytes of a log that are read for a page: its last ones. A log may have gigabytes.
pub(super) const LOG_END: u64 = 2_000_000;
/// Pause between two looks at a run that is to begin.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// What a command came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct CallResult {
    pub(super) succeeded: bool,
    /// What it printed, without what a terminal would act on.
    pub(super) text: String,
}

/// Does what a person asks for.
pub(super) fn act(spec: &ServedSpec, act: &PageAct, globals: &[OsString]) -> CallResult {
    let detach = has_tmux(spec);
    let path = spec.place.named_path();
    let command = act.command(path.as_os_str(), globals, detach);
    // a run that works already has the log of its start
    let is_held = lock::holder(&spec.place.store().run_lock()).is_some();
    let done = if command.may_run && !detach && !is_held {
        begin_run(&spec.place.store(), &command)
    } else {
        call(&command, OutputLimit::End(20_000)).map(|(succeeded, stdout, stderr)| {
            let text = if succeeded { stdout + &stderr } else { stderr + &stdout };
            CallResult { succeeded, text: text.trim().to_owned() }
        })
    };
    done.unwrap_or_else(|error| CallResult { succeeded: false, text: sanitise_text(&error.brief()) })
}

/// What `logs` prints of a task: its last bytes, or why there is nothing.
pub(super) fn log(spec: &ServedSpec, task: &str, globals: &[OsString], most: usize) -> CallResult {
    let path = spec.place.named_path().into_os_string();
    let end = LOG_END.to_string().into();
    let words = ["logs".into(), "--end".into(), end, "--spec".into(), path, "--".into(), task.into()];
    let argv = [globals, &words].concat();
    let command = PageCommand { argv, stdin: String::new(), may_run: false };
    match call(&command, OutputLimit::End(most)) {
        Ok((true, stdout, _)) => CallResult { succeeded: true, text: stdout },
        Ok((false, _, stderr)) => CallResult { succeeded: false, text: stderr.trim().to_owned() },
        Err(error) => CallResult { succeeded: false, text: sanitise_text(&error.brief()) },
    }
}

fn has_tmux(spec: &ServedSpec) -> bool {
    match spec.config.tmux.mode {
        TmuxMode::Off => false,
        // where it is missing, the command says so
        TmuxMode::On => true,
        TmuxMode::Auto => {
            tmux::find_tmux(&std::env::vars_os().collect::<Vec<_>>(), &spec.place.root).is_some()
        }
    }
}

/// Runs a command to its end. Returns whether it succeeded, and what it printed.
fn call(command: &PageCommand, keep: OutputLimit) -> Result<(bool, String, String)> {
    let call = Supervised {
        command: program(command)?,
        stdin: command.stdin.as_bytes(),
        holds: None,
        deadline: DEADLINE,
        keep,
        shown: "seqorch",
    };
    let failed = |what: String| Error::new(ErrorKind::Internal, what);
    let done = command::run(call, None, None).map_err(|error| match error {
        Unfinished::NotStarted(e) | Unfinished::Broken(e) => {
            failed("the command failed".to_owned()).caused_by(e)
        }
        Unfinished::TimedOut(_) | Unfinished::Stopped => {
            failed(format!("the command took longer than {}", span(DEADLINE)))
        }
    })?;
    let text = |bytes: &[u8]| sanitise_text(&String::from_utf8_lossy(bytes));
    Ok((done.status.success(), text(&done.stdout), text(&done.stderr)))
}

fn program(command: &PageCommand) -> Result<Command> {
    let mut program = Command::new(programs::own_program()?);
    program.args(&command.argv).env("NO_COLOR", "1");
    Ok(program)
}

/// Starts a run without tmux, which this server must not take along when it ends, and waits until it holds the lock.
fn begin_run(store: &Store, command: &PageCommand) -> Result<CallResult> {
    store.prepare()?;
    let logs = ["page.log", "page.err"].map(|name| store.folder().join(name));
    let failed = |e| Error::new(ErrorKind::Internal, "starting the run").caused_by(e);
    let mut child = program(command)?
        .stdin(Stdio::piped())
        .stdout(files::create_private_file(&logs[0])?)
        .stderr(files::create_private_file(&logs[1])?)
        // Ctrl-C in the terminal of this server is not for the run
        .process_group(0)
        .spawn()
        .map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // one that ends at once says why
        let _ = stdin.write_all(command.stdin.as_bytes());
    }
    let pid = child.id();
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        if let Some(status) = child.try_wait().map_err(failed)? {
            let read = |path| nofollow::read(path, WHOLE_MAX).unwrap_or_default();
            let text = |path| sanitise_text(&String::from_utf8_lossy(&read(path)));
            let all = [text(&logs[1]), text(&logs[0])].concat();
            return Ok(CallResult { succeeded: status.success(), text: all.trim().to_owned() });
        }
        if lock::holder(&store.run_lock()).is_some_and(|holder| holder.pid == pid) {
            reap(child);
            return Ok(CallResult { succeeded: true, text: "the run has begun".to_owned() });
        }
        thread::sleep(LOOK_AGAIN);
    }
    reap(child);
    Ok(CallResult { succeeded: false, text: format!("the run did not begin within {}", span(DEADLINE)) })
}

/// Takes the end of a run, whenever that is.
fn reap(mut child: Child) {
    thread::spawn(move || child.wait());
}
