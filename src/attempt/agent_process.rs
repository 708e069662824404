//! The agent's process: start, watch over its deadlines, end.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use super::capture::OutputActivity;
use super::deadline;
use super::limit_watch::StatedLimit;
use super::sandboxed::SandboxedAgent;
use crate::config::PromptBy;
use crate::error::{Error, ErrorKind, Result};
use crate::state::outcome::{CancelledBy, TimedOut};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_file::AttemptFile;
use crate::store::attempt_result::{AgentExit, AttemptResult};
use crate::sys::handoff::Environment;
use crate::sys::interrupt::Interrupt;
use crate::sys::nofollow;
use crate::sys::process::{self, Process};
use crate::sys::process_table::has_proc;
use crate::sys::session;

/// How long to wait for output and exit status after everything that could write was ended.
pub(super) const DRAIN: Duration = Duration::from_secs(5);
/// How long an agent may take to end by itself after it stated a limit.
const OWN_END: Duration = Duration::from_secs(2);
/// If a deadline is noticed this late, this process was stopped meanwhile. No machine's load delays it so long.
const STOPPED: Duration = Duration::from_secs(2);

/// What happens while the agent runs.
pub(super) enum AttemptEvent {
    /// The agent's process ended.
    Exited(io::Result<ExitStatus>),
    /// A signal asks the attempt to end.
    Signal(Interrupt),
    /// The agent stated a limit, in the piece of its output with this number.
    Limit(StatedLimit, u64),
}

/// The end of an agent that stated a limit.
struct LimitEnd {
    limit: StatedLimit,
    /// The number of the piece of output that stated it.
    piece: u64,
    /// When, as time since the start.
    at: Duration,
}

/// A running agent.
pub(super) struct AgentProcess {
    handle: Arc<duct::Handle>,
    /// Its process id.
    pub(super) pid: i32,
    /// When it was started.
    pub(super) started: Instant,
    sandbox: Option<SandboxedAgent>,
    /// The variable by which its processes are known.
    mark: OsString,
}

/// The reading ends of an agent's output.
pub(super) struct AgentOutput {
    pub(super) stdout: PipeReader,
    pub(super) stderr: PipeReader,
    /// The writing end of its input, where that stays open.
    pub(super) stdin: Option<PipeWriter>,
}

impl AgentProcess {
    /// Starts the agent in a session of its own. The inner error says why the agent cannot be started.
    pub(super) fn start(
        attempt: &AttemptFile,
        dir: &AttemptDir,
        exe: &Path,
        prompt: &str,
        env: Environment,
    ) -> Result<std::result::Result<(Self, AgentOutput), String>> {
        let (stdout, out) = pipe()?;
        let (stderr, err) = pipe()?;
        let prompt_path = dir.prompt();
        let (stdin, input) = match attempt.prompt_by {
            PromptBy::Stdin if attempt.takes_words => {
                let (read, write) = pipe()?;
                (Ok(File::from(OwnedFd::from(read))), Some(write))
            }
            PromptBy::Stdin => (nofollow::open(&prompt_path), None),
            PromptBy::Arg | PromptBy::File => (File::open("/dev/null"), None),
        };
        let stdin = stdin.map_err(|e| Error::io("opening", &prompt_path, e))?;
        let args = attempt.argv[1..].iter().map(|arg| {
            let arg = arg.replace("{prompt_file}", &prompt_path.to_string_lossy());
            arg.replace("{prompt}", prompt)
        });
        let command = duct::cmd(program_in(&attempt.cwd, &attempt.argv[0]), args)
            .before_spawn(|command| {
                session::lead(command);
                Ok(())
            })
            .dir(&attempt.cwd)
            .full_env(with_attempt(env, attempt, dir))
            .stdin_file(stdin)
            .stdout_file(out)
            .stderr_file(err)
            .unchecked();
        let started = Instant::now();
        let mut mark = OsString::from("SEQORCH_DIR=");
        mark.push(dir.path());
        let sandbox = attempt.sandbox.as_ref().map(|used| SandboxedAgent::begin(used, exe));
        let sandbox = match sandbox.transpose() {
            Ok(sandbox) => sandbox,
            Err(e) => return Ok(Err(format!("cannot start the sandbox: {e}"))),
        };
        let handle = match command.start() {
            Ok(handle) => Arc::new(handle),
            Err(_) if !attempt.cwd.is_dir() => {
                return Ok(Err(format!(
                    "cannot start in {}: there is no such folder",
                    attempt.cwd.display()
                )));
            }
            Err(e) => return Ok(Err(session::cannot_start(&attempt.argv[0], &e))),
        };
        // it holds the writing ends, and the readers must see the end of file
        drop(command);
        let pid = handle.pids().first().map_or(0, |pid| pid.cast_signed());
        Ok(Ok((Self { handle, pid, started, sandbox, mark }, AgentOutput { stdout, stderr, stdin: input })))
    }

    /// Reports the agent's end in a thread.
    pub(super) fn report_exit(&self, events: Sender<AttemptEvent>) {
        let handle = self.handle.clone();
        thread::spawn(move || events.send(AttemptEvent::Exited(handle.wait().map(|o| o.status))));
    }

    /// Waits for the agent's end. Ends the agent if a deadline passes or a signal asks for it.
    pub(super) fn watch(
        &self,
        attempt: &AttemptFile,
        activity: &OutputActivity,
        inbox: &Receiver<AttemptEvent>,
        on_look: &dyn Fn(),
        result: &mut AttemptResult,
    ) -> Option<AgentExit> {
        let mut stated: Option<LimitEnd> = None;
        loop {
            let next = deadline::next(&attempt.deadlines, activity.last());
            let end_at = stated.as_ref().map(|end| end.at).into_iter().chain(next.map(|(at, _)| at)).min();
            let event = match end_at {
                Some(at) => inbox.recv_timeout(at.saturating_sub(self.started.elapsed())),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(AttemptEvent::Exited(status)) => return exit_of(status),
                Ok(AttemptEvent::Signal(Interrupt::Look)) => {
                    on_look();
                    continue;
                }
                Ok(AttemptEvent::Signal(signal)) => match cancelled_by(signal) {
                    None => continue,
                    by => result.cancelled = by,
                },
                Ok(AttemptEvent::Limit(limit, piece)) => {
                    if stated.as_ref().is_none_or(|known| known.limit.quiet.is_some()) {
                        // most CLIs end by themselves then, and say more
                        let at = self.started.elapsed() + limit.quiet.unwrap_or(OWN_END);
                        stated = Some(LimitEnd { limit, piece, at });
                    }
                    continue;
                }
                Err(RecvTimeoutError::Timeout)
                    if stated.as_ref().is_some_and(|end| end.at <= self.started.elapsed()) =>
                {
                    match self.limit_that_ends_it(stated.take(), activity) {
                        Ok(words) => result.stated = Some(words),
                        Err(later) => {
                            stated = later;
                            continue;
                        }
                    }
                }
                Err(RecvTimeoutError::Timeout) => match self.passed(attempt, activity) {
                    None => continue,
                    which => result.timed_out = which,
                },
                Err(RecvTimeoutError::Disconnected) => return None,
            }
            return self.end(attempt.deadlines.grace(), inbox);
        }
    }

    /// The words of a limit that ends the agent now; else what is left of it.
    fn limit_that_ends_it(
        &self,
        end: Option<LimitEnd>,
        activity: &OutputActivity,
    ) -> std::result::Result<String, Option<LimitEnd>> {
        let Some(end) = end else { return Err(None) };
        let Some(quiet) = end.limit.quiet else { return Ok(end.limit.words) };
        let elapsed = self.started.elapsed();
        if activity.pieces() != end.piece {
            // the agent continued
            return Err(None);
        }
        // this process was stopped, and output that came meanwhile has not been read yet
        if elapsed > end.at + STOPPED {
            return Err(Some(LimitEnd { at: elapsed + quiet, ..end }));
        }
        Ok(end.limit.words)
    }

    /// The deadline that really passed, if one did.
    fn passed(&self, attempt: &AttemptFile, activity: &OutputActivity) -> Option<TimedOut> {
        let (at, which) = deadline::next(&attempt.deadlines, activity.last())?;
        let elapsed = self.started.elapsed();
        // far too late: this process was stopped, and output that came meanwhile has not been read yet
        if which != TimedOut::Total && elapsed > at + STOPPED {
            activity.note();
            return None;
        }
        // output may have moved the deadline meanwhile
        (at <= elapsed).then_some(which)
    }

    /// Ends the agent and all its processes, and waits for its exit status.
    fn end(&self, grace: Duration, inbox: &Receiver<AttemptEvent>) -> Option<AgentExit> {
        self.end_processes(grace);
        let until = Instant::now() + DRAIN;
        while let Ok(event) = inbox.recv_timeout(until.saturating_duration_since(Instant::now())) {
            if let AttemptEvent::Exited(status) = event {
                return exit_of(status);
            }
        }
        None
    }

    /// The processes of the agent, of which only those count that are not its sandbox.
    pub(super) fn processes(&self) -> Vec<Process> {
        let guard = self.sandbox.as_ref().and_then(SandboxedAgent::guard_pid);
        let all = process::of_agent(self.pid, &self.mark);
        all.into_iter().filter(|process| Some(process.pid) != guard).collect()
    }

    /// What the agent left running. Most leave nothing, which the kernel of Linux says at once.
    pub(super) fn left_running(&self) -> Vec<Process> {
        let is_done = has_proc() && !process::has_children(process::own_pid());
        if is_done { Vec::new() } else { self.processes() }
    }

    /// Whether a process is a part of the agent, and not of the sandbox that holds it together.
    pub(super) fn is_of_agent(&self, process: &Process) -> bool {
        self.sandbox.as_ref().is_none_or(|sandbox| sandbox.is_of_agent(process, self.pid))
    }

    /// Ends all processes of the agent. `false` if some of them still live.
    pub(super) fn end_processes(&self, grace: Duration) -> bool {
        let begun = Instant::now();
        process::terminate_asking(
            |process| self.is_of_agent(process),
            || self.processes(),
            grace,
            || {
                self.reap_orphans();
                if begun.elapsed() >= grace {
                    self.sandbox.iter().for_each(SandboxedAgent::end);
                }
            },
        )
    }

    /// Waits until nothing of the sandbox is left that runs somewhere else.
    pub(super) fn close_sandbox(&self) {
        self.sandbox.iter().for_each(SandboxedAgent::end);
    }

    /// Collects ended children other than the agent, which would stay zombies: a subreaper inherits them.
    pub(super) fn reap_orphans(&self) {
        let Ok(tasks) = fs::read_dir(format!("/proc/{}/task", process::own_pid())) else { return };
        for task in tasks.flatten() {
            let Ok(list) = File::open(task.path().join("children")) else { continue };
            let pids: Vec<i32> = BufReader::new(list)
                .split(b' ')
                .filter_map(|p| String::from_utf8(p.ok()?).ok()?.trim().parse().ok())
                .collect();
            let guard = self.sandbox.as_ref().and_then(SandboxedAgent::guard_pid);
            for pid in pids.into_iter().filter(|pid| *pid != self.pid && Some(*pid) != guard) {
                if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                    let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
                }
            }
        }
    }
}

fn exit_of(status: io::Result<ExitStatus>) -> Option<AgentExit> {
    let status = status.ok()?;
    Some(match (status.code(), status.signal()) {
        (Some(code), _) => AgentExit::Code(code),
        (None, signal) => AgentExit::Signal(signal.unwrap_or(0)),
    })
}

/// Who ends the attempt with this signal. `None` if the signal means the run, not the attempt.
pub(super) fn cancelled_by(signal: Interrupt) -> Option<CancelledBy> {
    match signal {
        Interrupt::Interrupt => Some(CancelledBy::Interrupt),
        Interrupt::Terminate => Some(CancelledBy::Terminate),
        Interrupt::HangUp => Some(CancelledBy::HangUp),
        Interrupt::AfterStep
        | Interrupt::TryNow
        | Interrupt::KeepRunning
        | Interrupt::LeaseLost
        | Interrupt::Look => None,
    }
}

fn pipe() -> Result<(PipeReader, PipeWriter)> {
    let (read, write) =
        io::pipe().map_err(|e| Error::new(ErrorKind::Internal, "making a pipe").caused_by(e))?;
    // a larger pipe means fewer process switches; without it the attempt is only slower
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&write, 1 << 20);
    Ok((read, write))
}

/// The program to start in the folder `cwd`: duct looks for `./agent` in our own. A name without a folder is found in PATH.
fn program_in(cwd: &Path, program: &str) -> OsString {
    if program.contains('/') { cwd.join(program).into() } else { program.into() }
}

/// The agent's environment, which also says where the agent is.
fn with_attempt(mut env: Environment, attempt: &AttemptFile, dir: &AttemptDir) -> Environment {
    if let Some(sandbox) = &attempt.sandbox {
        env.retain(|(name, _)| sandbox.passes(name));
        env.push(("IS_SANDBOX".into(), "1".into()));
    }
    for (name, value) in [
        ("SEQORCH_SPEC", OsString::from(&attempt.spec)),
        ("SEQORCH_UNIT", OsString::from(&attempt.unit)),
        ("SEQORCH_ROLE", attempt.role.word().into()),
        ("SEQORCH_ATTEMPT", OsString::from(attempt.attempt.to_string())),
        ("SEQORCH_DIR", dir.path().into()),
    ] {
        env.push((name.into(), value));
    }
    env
}
