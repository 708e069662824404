//! The life of an attempt: lock, handoff, agent, deadlines, end of all processes, result.

use std::convert::Infallible;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::agent_process::{AgentProcess, AttemptEvent, DRAIN, cancelled_by};
use super::awaited_program;
use super::capture::{Capture, CapturedStream, OutputActivity, capture_stderr, capture_stdout};
use super::limit_watch::LimitWatch;
use super::log::OutputLog;
use super::result::{closing_line, note_stream_facts};
use super::screen::WindowScreen;
use super::stdout::StdoutReader;
use super::words::{TurnEvent, WordsFeeder};
use super::work_tree;
use crate::agent::redact::Redactor;
use crate::agent::sanitise::sanitise;
use crate::error::{Error, ErrorKind, Result};
use crate::state::outcome::CancelledBy;
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_file::AttemptFile;
use crate::store::attempt_lock::AttemptLock;
use crate::store::attempt_result::AttemptResult;
use crate::store::busy_file::BusyFile;
use crate::sys::handoff::{Environment, Handoff};
use crate::sys::nofollow::{self, WHOLE_MAX};
use crate::sys::stop_flag::StopFlag;
use crate::sys::{files, process, signals};

/// The hidden verb.
pub const VERB: &str = "__attempt";

/// Time between TERM and KILL for programs that the agent left running after it ended well.
const LEFTOVER_GRACE: Duration = Duration::from_secs(2);

/// Time for the snapshot after an agent that somebody ended: they wait for it, and without it the agent's changes are not known.
const SNAPSHOT_GRACE: Duration = Duration::from_secs(10);

/// Runs the attempt in `dir` to its end; `exe` is our own program. `Ok` means that a result was written.
pub fn run(dir: &Path, exe: &Path) -> Result<()> {
    let dir = AttemptDir::new(dir);
    let attempt = read_attempt(&dir)?;
    let mut lock = AttemptLock::take(&dir)?;
    let in_tree = work_tree::enter(&attempt);
    if dir.result().exists() {
        // a tmux server that stood still opened its window too late
        return Ok(());
    }
    let (events, inbox) = channel();
    let signals = events.clone();
    signals::watch(move |signal| drop(signals.send(AttemptEvent::Signal(signal))))
        .map_err(|e| Error::new(ErrorKind::Internal, "catching signals").caused_by(e))?;

    let mut result = AttemptResult::begun(Timestamp::now());
    // stays open until the end: the orchestrator sees its end-of-file as the end of the attempt
    let mut end = AgentEnd::Whole;
    let connection = if let Ok((handoff, connection)) = Handoff::ask(&attempt.socket, &attempt.token) {
        let env = handoff.env_on_this_terminal();
        let running = RunningAttempt { file: &attempt, dir: &dir, exe };
        end = running.drive(&mut lock, env, events, &inbox, &mut result)?;
        Some(connection)
    } else {
        result.cancelled = Some(CancelledBy::NoOrchestrator);
        None
    };
    if let Some(request) = attempt.snapshot.as_ref().filter(|_| result.exit.is_some()) {
        let busy = BusyFile::new(dir.of_spec());
        let stop = stop_on_request(inbox, result.cancelled.is_some());
        // the orchestrator takes it where this fails, and says why where that fails, too
        result.after = work_tree::take(request, busy, stop).ok();
    }
    result.ended_at = Timestamp::now();
    restore_folder(&dir, &attempt)?;
    let bytes = serde_json::to_vec_pretty(&result)
        .map_err(|e| Error::new(ErrorKind::Internal, "writing the result").caused_by(e))?;
    // the orchestrator reads it at once and makes the state durable; a result that a power cut takes away is one of an
    // attempt that was interrupted
    files::write_unsynced(&dir.result(), &bytes, 0o600)?;
    // else the lock stays held by what survived, and nothing is started beside it
    if end == AgentEnd::Whole {
        lock.free();
        if let Some(file) = in_tree {
            let _ = file.unlock();
        }
    }
    drop(connection);
    Ok(())
}

/// From here on, a signal that ends an attempt ends the git that takes the snapshot. One that has ended the agent gives it a
/// moment. `None` where the system has no pipe left.
fn stop_on_request(inbox: Receiver<AttemptEvent>, is_cancelled: bool) -> Option<StopFlag> {
    let stop = StopFlag::new().ok()?;
    let raise = stop.clone();
    if is_cancelled {
        // repeated while the agent ended
        while inbox.try_recv().is_ok() {}
    }
    thread::spawn(move || {
        let until = is_cancelled.then(|| Instant::now() + SNAPSHOT_GRACE);
        loop {
            let event = match until {
                Some(at) => inbox.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(AttemptEvent::Signal(signal)) if cancelled_by(signal).is_some() => break raise.raise(),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break raise.raise(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    Some(stop)
}

/// Makes the folder again where the agent removed it, perhaps with the whole repository: its work is done all the same.
fn restore_folder(dir: &AttemptDir, attempt: &AttemptFile) -> Result<()> {
    if dir.attempt().exists() {
        return Ok(());
    }
    files::create_private_dir(dir.path())?;
    let bytes = serde_json::to_vec_pretty(attempt)
        .map_err(|e| Error::new(ErrorKind::Internal, "writing the attempt").caused_by(e))?;
    files::replace(&dir.attempt(), &bytes, 0o600)
}

fn read_attempt(dir: &AttemptDir) -> Result<AttemptFile> {
    let path = dir.attempt();
    let bytes = nofollow::read(&path, WHOLE_MAX).map_err(|e| Error::io("reading", &path, e))?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("reading {}", path.display())).caused_by(e))
}

/// Whether anything of an agent still lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AgentEnd {
    /// All of its processes have ended.
    Whole,
    /// Some of them could not be ended.
    Survived,
}

struct RunningAttempt<'a> {
    file: &'a AttemptFile,
    dir: &'a AttemptDir,
    exe: &'a Path,
}

impl RunningAttempt<'_> {
    /// Starts the agent, watches it, and collects what happened.
    fn drive(
        &self,
        lock: &mut AttemptLock,
        env: Environment,
        events: Sender<AttemptEvent>,
        inbox: &Receiver<AttemptEvent>,
        result: &mut AttemptResult,
    ) -> Result<AgentEnd> {
        process::adopt_orphans();
        let prompt_path = self.dir.prompt();
        let prompt =
            nofollow::read(&prompt_path, WHOLE_MAX).map_err(|e| Error::io("reading", &prompt_path, e))?;
        let prompt = String::from_utf8_lossy(&prompt);
        let max_bytes = self.file.log_max_bytes;
        let logs = (
            OutputLog::create(&self.dir.output(), max_bytes)?,
            OutputLog::create(&self.dir.stderr(), max_bytes)?,
        );
        let redactor = Redactor::new(env.iter().filter_map(|(n, v)| Some((n.to_str()?, v.to_str()?))));
        let clean = |text: &str| redactor.redact(&sanitise(text.as_bytes()));

        if self.dir.is_check() {
            result.cancelled = awaited_program::wait(self.file, &env, inbox);
            if result.cancelled.is_some() {
                return Ok(AgentEnd::Whole);
            }
        }
        // a check prints no signals, and no run asks the agent that assigns tasks for one
        let wants_signal = !self.dir.is_check() && self.file.decided_at.is_some();
        let color = io::stdout().is_terminal();
        let (screen, printed) = WindowScreen::start(color, redactor.clone());
        lock.share_with_children();
        let (agent, output) = match AgentProcess::start(self.file, self.dir, self.exe, &prompt, env)? {
            Ok(started) => started,
            Err(why) => {
                result.unavailable = Some(why);
                close(screen, &printed, closing_line(result, wants_signal, Duration::ZERO));
                return Ok(AgentEnd::Whole);
            }
        };
        lock.note(Some(agent.pid));
        if let Some(session) = &self.file.session {
            // a full disk must not end the attempt; the result has the id, too
            let _ = files::write_unsynced(&self.dir.session(), session.as_bytes(), 0o600);
        }

        let activity = Arc::new(OutputActivity::new(agent.started));
        // the attempt may be over already
        let report = |events: Sender<AttemptEvent>, activity: Arc<OutputActivity>| {
            move |limit| drop(events.send(AttemptEvent::Limit(limit, activity.pieces())))
        };
        let on_limit = Box::new(report(events.clone(), activity.clone()));
        let input = output.stdin.map(|stdin| WordsFeeder::start(stdin, &prompt, self.dir, screen.clone()));
        let reader = StdoutReader::new(self.file, self.dir, &prompt, color, on_limit).feeding(input.clone());
        let reader = Arc::new(Mutex::new(Some(reader)));
        let stdout = capture_stdout(output.stdout, logs.0, &reader, &activity, &screen);
        let on_limit = report(events.clone(), activity.clone());
        // what a check prints is about what it checks
        let mut watch =
            (!self.dir.is_check()).then(|| LimitWatch::new(&self.file.vendor, &self.file.limit_patterns));
        let stderr = capture_stderr(output.stderr, logs.1, &activity, &screen, move |bytes| {
            watch.as_mut().and_then(|watch| watch.stderr(bytes)).into_iter().for_each(&on_limit);
        });
        agent.report_exit(events);

        let on_look = || input.iter().for_each(|input| input.hear(TurnEvent::Look));
        result.exit = agent.watch(self.file, &activity, inbox, &on_look, result);
        drop(input);
        let end = self.end_leftovers(&agent, result);
        let stderr_lines = note_captured(stdout, stderr, result, clean);
        // a capturing thread that is still busy finds no reader from here on
        if let Some(reader) = reader.lock().ok().and_then(|mut reader| reader.take()) {
            let (rest, facts) = reader.finish();
            screen.rendered(rest);
            note_stream_facts(result, facts, &stderr_lines, clean);
            result.session = result.session.take().or(self.file.session.clone());
        }
        close(screen, &printed, closing_line(result, wants_signal, agent.started.elapsed()));
        Ok(end)
    }

    /// Ends what the agent left running.
    fn end_leftovers(&self, agent: &AgentProcess, result: &mut AttemptResult) -> AgentEnd {
        agent.close_sandbox();
        agent.reap_orphans();
        let left = agent.left_running();
        result.leftovers = left.iter().filter(|process| agent.is_of_agent(process)).count();
        let grace = LEFTOVER_GRACE.min(self.file.deadlines.grace());
        if left.is_empty() || agent.end_processes(grace) { AgentEnd::Whole } else { AgentEnd::Survived }
    }
}

/// Shows the last line, and waits until everything is printed. A terminal that stands still ends the wait.
fn close(screen: WindowScreen, printed: &Receiver<Infallible>, line: String) {
    screen.line(line);
    drop(screen);
    let _ = printed.recv_timeout(DRAIN);
}

/// Notes what the two streams were, and returns the last lines of stderr.
fn note_captured(
    stdout: Capture,
    stderr: Capture,
    result: &mut AttemptResult,
    clean: impl Fn(&str) -> String,
) -> Vec<String> {
    let (stdout, stderr) = (stdout.finish(DRAIN), stderr.finish(DRAIN));
    if stdout.is_none() || stderr.is_none() {
        result.log_error = Some("a process out of reach keeps the output open".to_owned());
    }
    let mut lines = Vec::new();
    let last = |stream: &Option<CapturedStream>| stream.as_ref().and_then(|stream| stream.last);
    result.stderr_is_last = last(&stderr) > last(&stdout);
    if let Some(stdout) = stdout {
        result.stdout_bytes = stdout.bytes;
        result.log_error = result.log_error.take().or(stdout.log_error);
    }
    if let Some(stderr) = stderr {
        result.stderr_bytes = stderr.bytes;
        result.stderr_tail = clean(&stderr.excerpt());
        lines = stderr.last_lines();
        result.log_error = result.log_error.take().or(stderr.log_error);
    }
    lines
}
