//! The life of an attempt: lock, handshake, agent, deadlines, the end of the whole tree, result.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Seek, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::closing::{closing_line, note_digest};
use super::deadline;
use super::log::Log;
use super::reading::Reading;
use super::session::cannot_start;
use super::stream::{Activity, Screen, take_stderr, take_stdout};
use crate::agent::redact::Redactor;
use crate::agent::sanitise::sanitise;
use crate::config::PromptBy;
use crate::error::{Error, ErrorKind, Result};
use crate::state::outcome::CancelledBy;
use crate::state::outcome::TimedOut;
use crate::store::record::{AttemptDir, AttemptFile, Exit, Facts, Hello, Holder, unpack_env};
use crate::sys::interrupt::Interrupt;
use crate::sys::signals;
use crate::sys::{files, process, socket};

/// How long the orchestrator may take to answer.
const HANDSHAKE: Duration = Duration::from_secs(60);
/// How long readers may go on after everything that could write was ended.
const DRAIN: Duration = Duration::from_secs(5);
/// What a program left running by the agent gets between TERM and KILL, when the agent itself ended well.
const LEFTOVER_GRACE: Duration = Duration::from_secs(2);

/// A deadline that is noticed so late was slept over: no load of a machine does that.
const STOPPED: Duration = Duration::from_secs(2);

enum Event {
    Exited(io::Result<std::process::ExitStatus>),
    Asked(Interrupt),
}

/// Runs the attempt in `dir` to its end. `Ok` means that a result was written.
pub fn run(dir: &Path, exe: &Path) -> Result<()> {
    let dir = AttemptDir::new(dir);
    let attempt: AttemptFile = read_attempt(&dir)?;
    let mut lock = take_lock(&dir)?;
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    note_holder(&mut lock, me, None);
    let (events, inbox) = channel();
    let asked = events.clone();
    signals::watch(move |what| {
        let _ = asked.send(Event::Asked(what));
    })
    .map_err(|e| Error::new(ErrorKind::Internal, "catching signals").caused_by(e))?;

    let mut facts = Facts::begun(Timestamp::now());
    // kept open until the end: its end-of-file is how the orchestrator hears of ours
    let stream = if let Ok((stream, env)) = shake_hands(&attempt) {
        drive(&attempt, &dir, exe, &mut lock, env, (&events, &inbox), &mut facts)?;
        Some(stream)
    } else {
        facts.cancelled = Some(CancelledBy::NoOrchestrator);
        None
    };
    facts.ended_at = Timestamp::now();
    let bytes = serde_json::to_vec_pretty(&facts)
        .map_err(|e| Error::new(ErrorKind::Internal, "result").caused_by(e))?;
    files::replace(&dir.result(), &bytes, 0o600)?;
    // explicitly, so that a process that still has the descriptor holds nothing up
    let _ = lock.unlock();
    drop(stream);
    Ok(())
}

fn read_attempt(dir: &AttemptDir) -> Result<AttemptFile> {
    let path = dir.attempt();
    let bytes = fs::read(&path).map_err(|e| Error::io("reading", &path, e))?;
    serde_json::from_slice(&bytes)
        .map_err(|e| Error::new(ErrorKind::Internal, format!("reading {}", path.display())).caused_by(e))
}

fn take_lock(dir: &AttemptDir) -> Result<File> {
    let path = dir.lock();
    let lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(|e| Error::io("opening", &path, e))?;
    // somebody who only looks holds it for an instant
    for _ in 0..20 {
        if lock.try_lock().is_ok() {
            return Ok(lock);
        }
        thread::sleep(Duration::from_millis(10));
    }
    Err(Error::new(ErrorKind::Locked, format!("{} is being worked on already", dir.path().display())))
}

fn shake_hands(attempt: &AttemptFile) -> io::Result<(UnixStream, Vec<(OsString, OsString)>)> {
    let mut stream = socket::connect(&attempt.socket)?;
    stream.set_read_timeout(Some(HANDSHAKE))?;
    let pid = i32::try_from(std::process::id()).unwrap_or(0);
    let hello = serde_json::to_string(&Hello { token: attempt.token.clone(), pid })?;
    stream.write_all(hello.as_bytes())?;
    stream.write_all(b"\n")?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut packed = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut packed)?;
    let env = unpack_env(&packed)
        .into_iter()
        .map(|(n, v)| (OsString::from_vec(n.to_vec()), OsString::from_vec(v.to_vec())))
        .collect();
    Ok((stream, env))
}

/// Starts the agent, watches over it, and collects what is known of its end.
fn drive(
    attempt: &AttemptFile,
    dir: &AttemptDir,
    exe: &Path,
    lock: &mut File,
    env: Vec<(OsString, OsString)>,
    (events, inbox): (&std::sync::mpsc::Sender<Event>, &Receiver<Event>),
    facts: &mut Facts,
) -> Result<()> {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let prompt_path = dir.prompt();
    let prompt = fs::read(&prompt_path).map_err(|e| Error::io("reading", &prompt_path, e))?;
    let prompt = String::from_utf8_lossy(&prompt);

    let (out_read, out_write) = pipe()?;
    let (err_read, err_write) = pipe()?;
    let output = Log::create(&dir.output(), attempt.log_max_bytes)?;
    let errors = Log::create(&dir.stderr(), attempt.log_max_bytes)?;
    let stdin = match attempt.prompt_by {
        PromptBy::Stdin => File::open(&prompt_path).map_err(|e| Error::io("opening", &prompt_path, e))?,
        PromptBy::Arg | PromptBy::File => {
            File::open("/dev/null").map_err(|e| Error::io("opening", Path::new("/dev/null"), e))?
        }
    };
    let redactor = Redactor::new(env.iter().filter_map(|(n, v)| Some((n.to_str()?, v.to_str()?))));
    let fit = |text: &str| redactor.redact(&sanitise(text.as_bytes()));
    // the agent inherits the lock: it stays held while anything of the attempt lives
    let _ = rustix::io::fcntl_setfd(&*lock, rustix::io::FdFlags::empty());
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    let mut args: Vec<OsString> =
        vec!["__session".into(), me.to_string().into(), dir.path().into(), "--".into()];
    args.extend(fill_in(&attempt.argv, &prompt, &prompt_path));
    let command = duct::cmd(exe, args)
        .dir(&attempt.cwd)
        .full_env(agent_env(attempt, dir, env))
        .stdin_file(stdin)
        .stdout_file(out_write)
        .stderr_file(err_write)
        .unchecked();
    let start = Instant::now();
    let handle = match command.start() {
        Ok(handle) => Arc::new(handle),
        Err(e) => {
            facts.unavailable = Some(cannot_start(&attempt.argv[0], &e));
            return Ok(());
        }
    };
    // the expression holds the writing ends; the readers must see the end of file
    drop(command);
    let agent = handle.pids().first().and_then(|p| i32::try_from(*p).ok()).unwrap_or(0);
    note_holder(lock, me, Some(agent));

    let activity = Arc::new(Activity::new(start));
    let color = io::stdout().is_terminal();
    let (screen, printer) = Screen::start(color);
    let reading = Arc::new(Mutex::new(Some(Reading::new(attempt, dir, &prompt, color))));
    let stdout = take_stdout(out_read, output, &reading, &activity, &screen);
    let stderr = take_stderr(err_read, errors, &activity, &screen);
    let exited = events.clone();
    let waiter = handle.clone();
    thread::spawn(move || {
        let _ = exited.send(Event::Exited(waiter.wait().map(|o| o.status)));
    });

    let status = watch(attempt, agent, &activity, start, inbox, facts);
    let below = || process::descendants(me);
    let reap = || reap_orphans(agent);
    reap();
    let left = if process::has_children(me) { below().len() } else { 0 };
    if left > 0 {
        facts.leftovers = left;
        process::terminate(below, LEFTOVER_GRACE.min(attempt.deadlines.grace()), reap);
    }
    facts.exit = status.map(|s| match (s.code(), s.signal()) {
        (Some(code), _) => Exit::Code(code),
        (None, signal) => Exit::Signal(signal.unwrap_or(0)),
    });
    if let Ok(why) = fs::read_to_string(dir.unavailable()) {
        facts.unavailable = Some(why);
    }
    let mut said_on_stderr = Vec::new();
    for (reader, is_stdout) in [(stdout, true), (stderr, false)] {
        let Some(taken) = join_within(reader, DRAIN) else {
            facts.log_error.get_or_insert("a process out of reach keeps the output open".to_owned());
            continue;
        };
        if is_stdout {
            facts.stdout_bytes = taken.bytes;
        } else {
            facts.stderr_bytes = taken.bytes;
            facts.stderr_tail = fit(&taken.last_words());
            said_on_stderr = taken.last_lines();
        }
        facts.log_error = facts.log_error.take().or(taken.log_error);
    }
    // a reader that is still at it finds nothing to read with
    if let Some(reading) = reading.lock().ok().and_then(|mut reading| reading.take()) {
        let (rest, digested) = reading.finish();
        screen.rendered(rest);
        note_digest(facts, digested, said_on_stderr, fit);
    }
    screen.line(closing_line(facts, start.elapsed()));
    drop(screen);
    join_within(printer, DRAIN);
    Ok(())
}

/// Waits for the agent's end; ends it when a deadline passes or somebody asks.
fn watch(
    attempt: &AttemptFile,
    agent: i32,
    activity: &Activity,
    start: Instant,
    inbox: &Receiver<Event>,
    facts: &mut Facts,
) -> Option<std::process::ExitStatus> {
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    loop {
        let next = deadline::next(&attempt.deadlines, activity.last());
        let event = match next {
            Some((at, _)) => inbox.recv_timeout(at.saturating_sub(start.elapsed())),
            None => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
        };
        match event {
            Ok(Event::Exited(status)) => return status.ok(),
            Ok(Event::Asked(what)) => {
                facts.cancelled = Some(match what {
                    Interrupt::Interrupt => CancelledBy::Interrupt,
                    Interrupt::Terminate => CancelledBy::Terminate,
                    Interrupt::HangUp => CancelledBy::HangUp,
                    // this is the step
                    Interrupt::AfterStep | Interrupt::TryNow => continue,
                });
            }
            Err(RecvTimeoutError::Timeout) => match deadline::next(&attempt.deadlines, activity.last()) {
                // far too late: this process was stopped, and what came meanwhile was not read yet
                Some((at, which)) if which != TimedOut::Total && start.elapsed() > at + STOPPED => {
                    activity.note();
                    continue;
                }
                // else output came meanwhile and moved the deadline
                Some((at, which)) if at <= start.elapsed() => facts.timed_out = Some(which),
                _ => continue,
            },
            Err(RecvTimeoutError::Disconnected) => return None,
        }
        let grace = attempt.deadlines.grace();
        process::terminate(|| process::descendants(me), grace, || reap_orphans(agent));
        // the waiter has the status, or will have it at once
        let end = Instant::now() + DRAIN;
        while let Ok(event) = inbox.recv_timeout(end.saturating_duration_since(Instant::now())) {
            if let Event::Exited(status) = event {
                return status.ok();
            }
        }
        return None;
    }
}

fn pipe() -> Result<(io::PipeReader, io::PipeWriter)> {
    let (read, write) =
        io::pipe().map_err(|e| Error::new(ErrorKind::Internal, "making a pipe").caused_by(e))?;
    // larger pipes make fewer switches; a refusal costs nothing but speed
    #[cfg(target_os = "linux")]
    let _ = rustix::pipe::fcntl_setpipe_size(&write, 1 << 20);
    Ok((read, write))
}

fn fill_in(argv: &[String], prompt: &str, prompt_path: &Path) -> Vec<OsString> {
    argv.iter()
        .map(|arg| {
            arg.replace("{prompt_file}", &prompt_path.to_string_lossy()).replace("{prompt}", prompt).into()
        })
        .collect()
}

fn agent_env(
    attempt: &AttemptFile,
    dir: &AttemptDir,
    env: Vec<(OsString, OsString)>,
) -> Vec<(OsString, OsString)> {
    // what describes the terminal belongs to the pane, not to the shell that typed `seqorch run`
    let mut all: Vec<_> = env.into_iter().filter(|(name, _)| !of_the_pane(name)).collect();
    all.extend(std::env::vars_os().filter(|(name, _)| of_the_pane(name)));
    for (name, value) in [
        ("SEQORCH_SPEC", OsString::from(&attempt.spec)),
        ("SEQORCH_UNIT", OsString::from(&attempt.unit)),
        ("SEQORCH_ATTEMPT", OsString::from(attempt.attempt.to_string())),
        ("SEQORCH_DIR", dir.path().into()),
    ] {
        all.push((name.into(), value));
    }
    all
}

fn of_the_pane(name: &OsStr) -> bool {
    matches!(name.as_bytes(), b"TERM" | b"TMUX" | b"TMUX_PANE" | b"COLORTERM" | b"COLUMNS" | b"LINES")
}

/// Says in the lock file who works here, in one write of one length, so that a reader never sees half of it.
fn note_holder(lock: &mut File, me: i32, agent: Option<i32>) {
    let holder = Holder { pid: me, started: process::start_time(me), agent: agent.filter(|pid| *pid > 0) };
    if let Ok(text) = serde_json::to_string(&holder) {
        let _ = lock.rewind().and_then(|()| lock.write_all(format!("{text:<128}").as_bytes()));
    }
}

/// Collects what ended as our child without being the agent: a subreaper must, or zombies stay.
fn reap_orphans(agent: i32) {
    let me = std::process::id();
    let Ok(tasks) = fs::read_dir(format!("/proc/{me}/task")) else { return };
    for task in tasks.flatten() {
        let Ok(list) = fs::File::open(task.path().join("children")) else { continue };
        let pids: Vec<i32> = BufReader::new(list)
            .split(b' ')
            .filter_map(|p| String::from_utf8(p.ok()?).ok()?.trim().parse().ok())
            .collect();
        for pid in pids.into_iter().filter(|p| *p != agent) {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                let _ = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::NOHANG);
            }
        }
    }
}

fn join_within<T: Send + 'static>(thread: thread::JoinHandle<T>, limit: Duration) -> Option<T> {
    if !thread.is_finished() {
        let (done, waiting) = channel();
        let joiner = thread::spawn(move || {
            let value = thread.join();
            let _ = done.send(value);
        });
        let value = waiting.recv_timeout(limit).ok()?.ok();
        let _ = joiner.join();
        return value;
    }
    thread.join().ok()
}
