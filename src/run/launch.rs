//! Starts an attempt in a window or as a plain child, gives it its environment, and waits for its end without polling.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use super::window_programs::ProgramContext;
use super::windows::RunWindows;
use crate::agent::sanitise::sanitise;
use crate::attempt;
use crate::error::{Error, ErrorKind, Result};
use crate::store::attempt_dir::AttemptDir;
use crate::store::attempt_folder;
use crate::sys::files;
use crate::sys::handoff::Handoff;
use crate::sys::socket::{self, Listener};
use crate::tmux::TmuxWindow;

/// How long a window may take to start its attempt.
const START_DEADLINE: Duration = Duration::from_secs(30);
/// Time between two checks whether the window still exists.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// So many windows in a row may be closed before their attempts begin.
const MOST_CLOSED: u32 = 2;

/// Time between TERM and KILL for a child of an earlier run whose result is not needed any more.
pub const OLD_CHILD_GRACE: Duration = Duration::from_secs(15);

/// Starts attempts, one after another.
#[derive(Debug)]
pub struct Launcher {
    exe: PathBuf,
    folder: PathBuf,
    listener: Listener,
    windows: Option<RunWindows>,
    /// Discards what attempts without a window print.
    silent: bool,
    /// A tmux that fails leaves the run without windows.
    can_do_without_windows: bool,
    /// How many windows in a row ended before their attempts began.
    closed: u32,
}

/// An attempt that has its lock and its environment.
#[derive(Debug)]
pub struct Launched {
    /// The attempt's own process.
    pub pid: i32,
    stream: UnixStream,
    child: Option<duct::Handle>,
}

/// What an attempt is started with.
#[derive(Debug, Clone, Copy)]
pub struct LaunchRequest<'a> {
    /// Its folder, with `attempt.json` in it.
    pub dir: &'a AttemptDir,
    /// The token in its `attempt.json`.
    pub token: &'a str,
    /// Name of its window.
    pub window: &'a str,
    /// The unit, which has a window of its own.
    pub unit: &'a str,
    /// Where the agent works.
    pub cwd: &'a Path,
    /// Its environment.
    pub handoff: &'a Handoff,
    /// Whether this is a check, which gets a pane in the window of its unit.
    pub is_check: bool,
    /// The mark of the window while it runs.
    pub state: Option<&'a str>,
}

impl Launcher {
    /// A launcher that listens in `folder` (private) and starts `exe`.
    pub fn new(exe: PathBuf, folder: &Path, windows: Option<RunWindows>) -> Result<Self> {
        Ok(Self {
            exe,
            listener: listen(folder)?,
            folder: folder.to_owned(),
            windows,
            silent: false,
            can_do_without_windows: false,
            closed: 0,
        })
    }

    /// Continues without windows where tmux fails, if `can` is set.
    #[must_use]
    pub(super) fn without_windows_if(self, can: bool) -> Self {
        Self { can_do_without_windows: can, ..self }
    }

    /// Discards what attempts without a window print.
    #[must_use]
    pub fn silent(self) -> Self {
        Self { silent: true, ..self }
    }

    /// The socket that attempts connect to. It is made again if its folder was removed.
    pub fn socket(&mut self) -> Result<PathBuf> {
        if !self.listener.path().exists() {
            files::create_private_dir(&self.folder)?;
            self.listener = listen(&self.folder)?;
        }
        Ok(self.listener.path().to_owned())
    }

    /// Opens the side panes of an attempt. Returns a line for the user at the first failure only.
    pub fn open_side_panes(
        &mut self,
        unit: &str,
        attempt: (i32, u64),
        env: &[(OsString, OsString)],
        facts: &[(&str, String)],
    ) -> Option<String> {
        let context = ProgramContext { exe: &self.exe, folder: &self.folder, env, facts };
        self.windows.as_mut()?.open_side_panes(unit, attempt, context)
    }

    /// Marks the window of an attempt that is over.
    pub fn finish(&mut self, unit: &str, state: &str, done: bool) {
        if let Some(windows) = &mut self.windows {
            windows.finish(unit, state, done);
        }
    }

    /// Shows the marks of windows that wait for the next one.
    pub fn flush(&mut self) {
        if let Some(windows) = &mut self.windows {
            windows.flush();
        }
    }

    /// Shows a text in the session's status line; with `bell`, also rings the bell.
    pub fn announce(&mut self, word: &str, bell: bool) {
        if let Some(windows) = &mut self.windows {
            windows.announce(word, bell);
        }
    }

    /// Starts an attempt and gives it its environment. The inner error means that its window or process ended before that,
    /// so no agent starts; it says what is known of the reason.
    pub fn launch(&mut self, request: LaunchRequest<'_>) -> Result<Result<Launched, String>> {
        let argv: Vec<OsString> =
            vec![self.exe.clone().into(), attempt::VERB.into(), request.dir.path().as_os_str().to_owned()];
        let LaunchRequest { window: name, unit, cwd, state, .. } = request;
        let pane = match &mut self.windows {
            Some(windows) if request.is_check => Some(windows.open_check(name, unit, cwd, &argv)),
            Some(windows) => Some(windows.open(name, unit, cwd, &argv, state)),
            None => None,
        };
        let pane = match pane.transpose() {
            Ok(pane) => pane,
            Err(error) if self.can_do_without_windows && error.kind() != ErrorKind::Interrupted => {
                // where the server opens the window late, the attempt is at work or over, and it does nothing there
                self.windows = None;
                let note = "note: continuing without tmux; agents print to this terminal";
                let _ = writeln!(io::stderr(), "{}{note}", error.render());
                None
            }
            Err(error) => return Err(error),
        };
        let child = match &pane {
            Some(_) => None,
            None => Some({
                let mut command = duct::cmd(&argv[0], &argv[1..]).stdin_null();
                if self.silent {
                    command = command.stdout_null().stderr_null();
                }
                command
                    // Ctrl-C is for the run, which passes it on to the attempt
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
        if shaken.is_err() && pane.is_some() {
            self.count_closed(true);
        }
        Ok(shaken.map(|(pid, stream)| Launched { pid, stream, child }))
    }

    /// Whether the session of the windows is gone.
    pub(super) fn has_lost_session(&self) -> bool {
        self.windows.as_ref().is_some_and(RunWindows::has_lost_session)
    }

    /// Where tmux keeps closing windows under their programs, the run continues without it.
    pub(super) fn count_closed(&mut self, closed: bool) {
        self.closed = if closed { self.closed + 1 } else { 0 };
        if self.closed >= MOST_CLOSED
            && let Some(windows) = self.windows.take()
        {
            let what = windows.what_closed_them();
            let note = "the run continues without tmux; agents print to this terminal";
            let _ = writeln!(io::stderr(), "note: {what}; {note}");
        }
    }

    fn shake_hands(
        &self,
        request: &LaunchRequest<'_>,
        pane: Option<&TmuxWindow>,
        child: Option<&duct::Handle>,
    ) -> Result<Result<(i32, UnixStream), String>> {
        let start = Instant::now();
        while start.elapsed() < START_DEADLINE {
            match socket::accept(self.listener.get(), LOOK_AGAIN) {
                Ok(Some(stream)) => {
                    let find = |token: &str| (token == request.token).then_some(request.handoff);
                    if let Ok(Some(pid)) = Handoff::answer(&stream, find) {
                        return Ok(Ok((pid, stream)));
                    }
                }
                Ok(None) => {
                    if let Some(Ok(Some(output))) = child.map(duct::Handle::try_wait) {
                        return Ok(Err(format!("its process ended at once ({})", output.status)));
                    }
                    // only the new pane counts: when a check starts, the pane of its agent has ended already
                    if let Some((windows, pane)) = self.windows.as_ref().zip(pane)
                        && windows.has_ended(pane)
                    {
                        let shown = windows.shown_in(pane).unwrap_or_default();
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
            Error::new(ErrorKind::Internal, format!("the attempt for task {} did not start", request.unit));
        if let Some((windows, pane)) = self.windows.as_ref().zip(pane)
            && let Some(text) = windows.shown_in(pane)
        {
            error = error.detail(format!("  its window shows: {}", sanitise(text.trim().as_bytes())));
        }
        Err(error)
    }
}

fn listen(folder: &Path) -> Result<Listener> {
    Listener::bind(folder).map_err(|e| Error::io("listening in", folder, e))
}

impl Launched {
    /// Waits in a thread for the end of everything that belongs to the attempt, then calls `over`.
    pub fn wait(self, dir: &AttemptDir, over: impl FnOnce() + Send + 'static) {
        let dir = dir.clone();
        thread::spawn(move || {
            // the stream closes whatever way the attempt ends
            let mut rest = [0; 64];
            while !matches!((&self.stream).read(&mut rest), Ok(0) | Err(_)) {}
            if let Some(child) = &self.child {
                let _ = child.wait();
            }
            attempt_folder::settle(&dir);
            over();
        });
    }
}
