//! Starts an attempt in a window or as a plain child, shakes hands with it, and waits for its end without polling.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::screen::{Screen, Setting};
use crate::agent::sanitise::sanitise;
use crate::attempt::record::{AttemptDir, AttemptFile, Facts, Hello, Holder};
use crate::error::{Error, Kind, Result};
use crate::state::AttemptRecord;
use crate::sys::socket::Listener;
use crate::sys::{files, process};
use crate::tmux::Window;

/// How long a window may take to start its attempt.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// What remains of a killed attempt gets this long between TERM and KILL.
const REMAINS_GRACE: Duration = Duration::from_secs(3);

/// What an errand that nobody waits for any more gets to end in.
pub const OLD_ERRAND: Duration = Duration::from_secs(15);

/// Starts attempts, one after another.
#[derive(Debug)]
pub struct Launcher {
    exe: PathBuf,
    folder: PathBuf,
    listener: Listener,
    screen: Option<Screen>,
    /// What attempts without a window print goes nowhere.
    silent: bool,
}

/// From an attempt's result to its unlocking is an instant; after this long something else holds the lock.
const UNLOCK_PATIENCE: Duration = Duration::from_secs(5);

/// An attempt that shook hands and has its environment.
#[derive(Debug)]
pub struct Launched {
    /// Process of `__attempt`.
    pub pid: i32,
    stream: UnixStream,
    child: Option<duct::Handle>,
}

/// What an attempt is started with.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Its folder, with `attempt.json` in it.
    pub dir: &'a AttemptDir,
    /// Proves that it is the one.
    pub token: &'a str,
    /// Name of its window.
    pub window: &'a str,
    /// The unit: one window each.
    pub unit: &'a str,
    /// Where the agent works.
    pub cwd: &'a Path,
    /// The packed environment.
    pub env: &'a [u8],
    /// In a pane beside what the unit's window shows already.
    pub beside: bool,
    /// What the window's label says meanwhile.
    pub state: Option<&'a str>,
}

impl Launcher {
    /// A launcher that listens in `folder` (private) and starts `exe`.
    pub fn new(exe: PathBuf, folder: &Path, screen: Option<Screen>) -> Result<Self> {
        Ok(Self { exe, listener: listen(folder)?, folder: folder.to_owned(), screen, silent: false })
    }

    /// Keeps what attempts without a window print off this terminal.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// Where attempts connect. A folder that was removed meanwhile costs no more than a new socket.
    pub fn socket(&mut self) -> Result<PathBuf> {
        if !self.listener.path().exists() {
            files::private_dir(&self.folder)?;
            self.listener = listen(&self.folder)?;
        }
        Ok(self.listener.path().to_owned())
    }

    /// Opens what stands beside the agent of an attempt. What cannot be done is said once.
    pub fn furnish(
        &mut self,
        unit: &str,
        attempt: (i32, u64),
        env: &[(OsString, OsString)],
        facts: &[(&str, String)],
    ) -> Option<String> {
        let setting = Setting { exe: &self.exe, folder: &self.folder, env, facts };
        self.screen.as_mut()?.furnish(unit, attempt, setting)
    }

    /// Marks the window of an attempt that is over.
    pub fn finish(&mut self, unit: &str, state: &str, done: bool) {
        if let Some(screen) = &mut self.screen {
            screen.finish(unit, state, done);
        }
    }

    /// Shows a word in the session's status line, with a bell where one is wanted.
    pub fn tell(&mut self, word: &str, bell: bool) {
        if let Some(screen) = &mut self.screen {
            screen.tell(word, bell);
        }
    }

    /// Starts an attempt and hands it its environment. Where its window or process is gone before that, no agent was
    /// started, nor will be; then it gives what is known of it.
    pub fn launch(&mut self, request: Request<'_>) -> Result<Result<Launched, String>> {
        let argv: Vec<OsString> =
            vec![self.exe.clone().into(), "__attempt".into(), request.dir.path().as_os_str().to_owned()];
        let Request { window: name, unit, cwd, state, .. } = request;
        let pane = match &mut self.screen {
            Some(screen) if request.beside => Some(screen.open_beside(name, unit, cwd, &argv)?),
            Some(screen) => Some(screen.open(name, unit, cwd, &argv, state)?),
            None => None,
        };
        let child = match &pane {
            Some(_) => None,
            None => Some({
                let mut command = duct::cmd(&argv[0], &argv[1..]).stdin_null();
                if self.silent {
                    command = command.stdout_null().stderr_null();
                }
                command
                    // Ctrl-C is for us; the attempt hears of it from us
                    .before_spawn(|command| {
                        command.process_group(0);
                        Ok(())
                    })
                    .unchecked()
                    .start()
                    .map_err(|e| Error::io("starting", &self.exe, e))?
            }),
        };
        let shaken = self.shake_hands(&request, pane.as_ref(), child.as_ref())?;
        Ok(shaken.map(|(pid, stream)| Launched { pid, stream, child }))
    }

    fn shake_hands(
        &self,
        request: &Request<'_>,
        pane: Option<&Window>,
        child: Option<&duct::Handle>,
    ) -> Result<Result<(i32, UnixStream), String>> {
        let start = Instant::now();
        while start.elapsed() < START_DEADLINE {
            wait_readable(self.listener.get(), Duration::from_millis(200));
            match self.listener.get().accept() {
                Ok((stream, _)) => {
                    if let Ok(Some(hello)) = greet(&stream, request) {
                        return Ok(Ok((hello.pid, stream)));
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    if let Some(Ok(Some(output))) = child.map(duct::Handle::try_wait) {
                        return Ok(Err(format!("its process ended at once ({})", output.status)));
                    }
                    // the pane that was opened: that of an agent whose work is verified has ended before
                    if let Some((screen, pane)) = self.screen.as_ref().zip(pane)
                        && screen.has_ended(pane)
                    {
                        let shown = screen.shown_in(pane).unwrap_or_default();
                        let shown = sanitise(shown.trim().as_bytes());
                        let shown =
                            if shown.is_empty() { String::new() } else { format!("; it shows: {shown}") };
                        return Ok(Err(format!(
                            "its window was closed, or its process ended at once{shown}"
                        )));
                    }
                }
                Err(e) => return Err(Error::io("listening on", self.listener.path(), e)),
            }
        }
        let mut error =
            Error::new(Kind::Internal, format!("the attempt for task {} did not start", request.unit));
        if let Some((screen, pane)) = self.screen.as_ref().zip(pane)
            && let Some(text) = screen.shown_in(pane)
        {
            error = error.detail(format!("  its window shows: {}", sanitise(text.trim().as_bytes())));
        }
        Err(error)
    }
}

fn listen(folder: &Path) -> Result<Listener> {
    let failed = |e| Error::io("listening in", folder, e);
    let listener = Listener::bind(folder).map_err(failed)?;
    listener.get().set_nonblocking(true).map_err(failed)?;
    Ok(listener)
}

fn wait_readable(listener: &UnixListener, limit: Duration) {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let limit = Timespec { tv_sec: 0, tv_nsec: i64::from(limit.subsec_nanos()) };
    let _ = poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&limit));
}

fn greet(stream: &UnixStream, request: &Request<'_>) -> io::Result<Option<Hello>> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut line = String::new();
    BufReader::new(stream).take(4096).read_line(&mut line)?;
    let Some(hello) = serde_json::from_str::<Hello>(&line).ok().filter(|h| h.token == request.token) else {
        return Ok(None);
    };
    let length = u32::try_from(request.env.len()).map_err(io::Error::other)?;
    let mut stream = stream;
    stream.write_all(&length.to_le_bytes())?;
    stream.write_all(request.env)?;
    stream.set_read_timeout(None)?;
    Ok(Some(hello))
}

impl Launched {
    /// Waits in a thread for the end of everything that belongs to the attempt, then calls `over`.
    pub fn wait(self, dir: &AttemptDir, over: impl FnOnce() + Send + 'static) {
        let dir = dir.clone();
        thread::spawn(move || {
            // its end shows as end of file, however it ends
            let mut rest = [0; 64];
            while !matches!((&self.stream).read(&mut rest), Ok(0) | Err(_)) {}
            if let Some(child) = &self.child {
                let _ = child.wait();
            }
            settle(&dir);
            over();
        });
    }
}

/// Waits in a thread for an attempt that another run started, then calls `over`.
pub fn wait_for_adopted(dir: &AttemptDir, over: impl FnOnce() + Send + 'static) {
    let dir = dir.clone();
    thread::spawn(move || {
        // the holder writes its name right after it took the lock
        while alive(&dir) {
            if let Some(holder) = holder(&dir) {
                if process::process(holder.pid).is_none_or(|p| p.started == holder.started) {
                    process::wait_for_end(holder.pid);
                }
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        settle(&dir);
        over();
    });
}

/// Makes sure that nothing of an ended attempt is alive: ends what a killed one left, then takes the lock.
pub fn settle(dir: &AttemptDir) {
    let patience = if dir.result().exists() { UNLOCK_PATIENCE } else { Duration::ZERO };
    let start = Instant::now();
    while alive(dir) && start.elapsed() < patience {
        thread::sleep(Duration::from_millis(5));
    }
    if !dir.result().exists() || alive(dir) {
        process::end(|| remains(dir), REMAINS_GRACE, || {});
    }
    if let Ok(lock) = File::open(dir.lock()) {
        let _ = lock.lock();
        files::sweep(dir.path());
    }
}

/// What a killed attempt left at work.
#[must_use]
pub fn remains(dir: &AttemptDir) -> Vec<process::Process> {
    let mut mark = OsString::from("SEQORCH_DIR=");
    mark.push(dir.path());
    process::remains(&dir.lock(), &mark)
}

/// Ends an attempt that no run watches, and all that belongs to it; `patience` is what its process gets for that.
pub fn end(dir: &AttemptDir, patience: Duration) {
    if let Some(holder) = holder(dir).filter(|_| alive(dir)) {
        let tell = |signal| process::tell(holder.pid, holder.started, signal).unwrap_or(false);
        // a stopped one acts on TERM only when it goes on
        if tell(Signal::TERM) && tell(Signal::CONT) && !process::ends_within(holder.pid, patience) {
            tell(Signal::KILL);
        }
    }
    settle(dir);
}

/// Who works, or last worked, in an attempt's folder.
#[must_use]
pub fn holder(dir: &AttemptDir) -> Option<Holder> {
    serde_json::from_slice(&fs::read(dir.lock()).ok()?).ok()
}

/// Whether anything of the attempt is alive.
#[must_use]
pub fn alive(dir: &AttemptDir) -> bool {
    File::open(dir.lock()).is_ok_and(|lock| {
        let free = lock.try_lock_shared().is_ok();
        let _ = lock.unlock();
        !free
    })
}

/// The result of an attempt, if it wrote one that can be read.
#[must_use]
pub fn result(dir: &AttemptDir) -> Option<Facts> {
    serde_json::from_slice(&fs::read(dir.result()).ok()?).ok()
}

/// What an attempt was to do, if that can be read.
#[must_use]
pub fn attempt(dir: &AttemptDir) -> Option<AttemptFile> {
    serde_json::from_slice(&fs::read(dir.attempt()).ok()?).ok()
}

/// Whether a folder is that of the attempt that the state knows under its number. Another one's may be there: of a state
/// that was moved away, while this attempt never came to a folder of its own.
#[must_use]
pub fn is_of(dir: &AttemptDir, record: &AttemptRecord) -> bool {
    match (attempt(dir), result(dir)) {
        (Some(file), _) => file.is_of(record.started_at),
        (None, Some(facts)) => facts.started_at >= record.started_at,
        // nothing in it says otherwise, and without a result it is never a success
        (None, None) => true,
    }
}

/// What the agent of an attempt said, at most the last `limit` bytes of its output.
#[must_use]
pub fn said(dir: &AttemptDir, limit: u64) -> String {
    use std::io::Seek;
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(dir.output())?;
        let length = file.metadata()?.len();
        file.seek(io::SeekFrom::Start(length.saturating_sub(limit)))?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
