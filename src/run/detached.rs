//! Starts a run in the main window of its tmux session, so that the terminal may be closed.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::main_window;
use super::resume::ResumeRequest;
use super::tmux_session::{find_tmux, window_owner};
use super::windows::RunWindows;
use crate::agent::sanitise::sanitise;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::tmux_names;
use crate::project::SpecPlace;
use crate::store::lock::{self, RunLock};
use crate::sys::handoff::Handoff;
use crate::sys::nofollow::WHOLE_MAX;
use crate::sys::socket::{self, Listener};
use crate::sys::{files, nofollow};
use crate::tmux;

/// How long the window may take to connect, and then the run.
const DEADLINE: Duration = Duration::from_secs(30);
/// How long the words of a run that did not begin may take, and how many bytes they may have.
const WORDS_TIME: Duration = Duration::from_secs(5);
const WORDS_MAX: u64 = 1_000_000;
/// Pause between two looks at whether the window still lives.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

/// What a detached run is started with.
#[derive(Clone, Copy)]
pub struct DetachRequest<'a> {
    /// The spec and the selected tasks.
    pub place: &'a SpecPlace,
    /// The configuration.
    pub config: &'a Config,
    /// How the run resumes an earlier one.
    pub resume: Option<&'a ResumeRequest>,
    /// The run may wait for longer than anybody watches, before it begins: for a lease that ends.
    pub may_wait: bool,
    /// The arguments of the live view that starts the run.
    pub view_argv: &'a dyn Fn(&DetachedPaths) -> Vec<OsString>,
}

/// Paths that the run is given.
#[derive(Debug)]
pub struct DetachedPaths {
    /// The socket to connect to when the run has begun.
    pub ready: PathBuf,
    /// The file with the resume request, if there is one.
    pub resume_file: Option<PathBuf>,
}

/// Starts the run in the environment of this process, and waits until it has begun. Returns the command that shows it.
pub fn start(request: &DetachRequest<'_>) -> Result<String> {
    let DetachRequest { place, config, .. } = *request;
    let store = place.store();
    if let Some(holder) = lock::holder(&store.run_lock()) {
        // fails with the same message as a run without --detach
        RunLock::take(&store.run_lock(), &holder)?;
    }
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let tmux = find_tmux(&place.root, config, &env)?.ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "--detach needs tmux")
            .hint("Install tmux, or run without --detach.")
    })?;
    // the owner of the windows is named after the folder that this creates
    let store = store.prepared()?;
    let name = tmux_names::session(&config.tmux.session, &place.name);
    let mut screen =
        RunWindows::find(tmux.of(window_owner(place, &store)), &name, &place.name, config.tmux.size)?;
    let attach = screen.attach_command();

    let failed = |e| Error::new(ErrorKind::Internal, "opening a socket for the window").caused_by(e);
    let window_starts = Listener::bind(&store.folder()).map_err(failed)?;
    let run_starts = Listener::bind(&store.folder()).map_err(failed)?;
    let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
    let argv = main_window::window_argv(window_starts.path(), &here)?;
    screen.open("main", tmux::MAIN_WINDOW, &here, &argv, None)?;

    let gone = |what: &str| {
        let shown = screen.shown(tmux::MAIN_WINDOW).unwrap_or_default();
        Error::new(ErrorKind::Unavailable, what).detail(sanitise(shown.trim().as_bytes()))
    };
    let stream = accept(window_starts.get(), &screen).ok_or_else(|| gone("the window did not start"))?;
    let resume_file = request.resume.map(|resume| write_request(&store.folder(), resume)).transpose()?;
    let paths = DetachedPaths { ready: run_starts.path().to_owned(), resume_file };
    let view = main_window::handoff((request.view_argv)(&paths))?;
    Handoff::answer(&stream, |token| (token == main_window::TOKEN).then_some(&view)).map_err(failed)?;
    drop(stream);
    match accept(run_starts.get(), &screen) {
        Some(stream) => RunRefusal::read(stream).map_or(Ok(attach), |refusal| Err(refusal.into())),
        None if request.may_wait && !screen.is_dead(tmux::MAIN_WINDOW) => Ok(attach),
        None => Err(gone("the run did not start in its window")),
    }
}

/// Says to the process that waits at `ready` why the run did not begin. Where it began, no process waits there.
pub fn refuse(ready: &Path, error: &Error) {
    let refusal = RunRefusal {
        kind: error.kind(),
        text: error.brief(),
        details: error.details().to_vec(),
        hints: error.hints().to_vec(),
    };
    let Ok(text) = serde_json::to_vec(&refusal) else { return };
    // the window shows it, too
    let _ = socket::connect(ready).and_then(|mut stream| stream.write_all(&text));
}

/// Why a run in a window did not begin.
#[derive(Debug, Serialize, Deserialize)]
struct RunRefusal {
    kind: ErrorKind,
    text: String,
    details: Vec<String>,
    hints: Vec<String>,
}

impl RunRefusal {
    /// Reads what the run says; `None`: nothing, since it began.
    fn read(mut stream: UnixStream) -> Option<Self> {
        stream.set_read_timeout(Some(WORDS_TIME)).ok()?;
        let mut text = Vec::new();
        // what a deadline cuts off can't be read
        let _ = (&mut stream).take(WORDS_MAX).read_to_end(&mut text);
        serde_json::from_slice(&text).ok()
    }
}

impl From<RunRefusal> for Error {
    fn from(refusal: RunRefusal) -> Self {
        let error = Self::new(refusal.kind, refusal.text);
        let error = refusal.details.into_iter().fold(error, Self::detail);
        refusal.hints.into_iter().fold(error, Self::hint)
    }
}

/// Writes the request to a private file: a command line can be read by all users of the machine.
fn write_request(folder: &Path, resume: &ResumeRequest) -> Result<PathBuf> {
    let path = folder.join("resume.json");
    let text = serde_json::to_vec(resume).map_err(|e| {
        Error::new(ErrorKind::Internal, "writing the resume request").caused_by(io::Error::from(e))
    })?;
    files::replace(&path, &text, 0o600)?;
    Ok(path)
}

/// Reads the request that another process handed over in this file.
pub fn read_request(path: &Path) -> Result<ResumeRequest> {
    let bytes = nofollow::read(path, WHOLE_MAX).map_err(|e| Error::io("reading", path, e))?;
    serde_json::from_slice(&bytes).map_err(|e| Error::io("reading", path, e.into()))
}

/// Waits until the window connects; `None` when it ends or the deadline is over.
fn accept(listener: &UnixListener, screen: &RunWindows) -> Option<UnixStream> {
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        match socket::accept(listener, LOOK_AGAIN) {
            Ok(None) if screen.is_dead(tmux::MAIN_WINDOW) => return None,
            Ok(None) => {}
            Ok(stream) => return stream,
            Err(e) => {
                let _ = writeln!(io::stderr(), "waiting for the window: {e}");
                return None;
            }
        }
    }
    None
}
