//! `seqorch run --detach`: starts the run in the session's main window, with the environment of this shell.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::job::{GoOn, Job};
use super::project::own_program;
use crate::agent::sanitise::sanitise;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Plan, tmux_names};
use crate::report::text::plural;
use crate::run::windows::Screen;
use crate::store::lock;
use crate::store::record::pack_env;
use crate::sys::files;
use crate::sys::socket::Listener;
use crate::tmux;

/// How long the window may take to connect, and then the run.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) fn detach(job: &Job, go_on: &GoOn, plan: &Plan) -> Result<u8> {
    let Job { global, work, project, place, .. } = job;
    let config = &project.loaded.config;
    let store = project.store(place);
    if let Some(holder) = lock::holder(&store.run_lock()) {
        // fails with the same message as a run without --detach
        lock::RunLock::take(&store.run_lock(), &holder)?;
    }
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let tmux = super::run::find_tmux(config, &env)?.ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "--detach needs tmux")
            .hint("Install tmux, or run without --detach.")
    })?;
    // the owner of the windows is named after the folder that this creates
    let store = store.prepared()?;
    let name = tmux_names::session(&config.tmux.session, &place.name);
    let mut screen = Screen::find(tmux.of(project.owner(place)), &name, config.tmux.size);
    let attach = screen.attach_command();

    let failed = |e| Error::new(ErrorKind::Internal, "opening a socket for the window").caused_by(e);
    let window_starts = Listener::bind(&store.folder()).map_err(failed)?;
    let run_starts = Listener::bind(&store.folder()).map_err(failed)?;
    let argv: Vec<OsString> = vec![own_program()?.into(), "__detached".into(), window_starts.path().into()];
    let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
    screen.open("main", tmux::MAIN_WINDOW, &here, &argv, None)?;

    let gone = |what: &str| {
        let shown = screen.shown(tmux::MAIN_WINDOW).unwrap_or_default();
        Error::new(ErrorKind::Unavailable, what).detail(sanitise(shown.trim().as_bytes()))
    };
    let mut stream = accept(window_starts.get(), &screen).ok_or_else(|| gone("the window did not start"))?;
    let answer = go_on.answer.as_ref().map(|text| (store.folder().join("answer.txt"), text));
    if let Some((path, text)) = &answer {
        // a command line can be read by all users of this machine
        files::replace(path, text.as_bytes(), 0o600)?;
    }
    let run = job.detached_argv(go_on, answer.as_ref().map(|(path, _)| path.as_path()), run_starts.path());
    let view = super::watch::starting_argv(global, work, place, run);
    stream.write_all(&message(view, &env)).map_err(failed)?;
    drop(stream);
    accept(run_starts.get(), &screen).ok_or_else(|| gone("the run did not start in its window"))?;
    let steps = plural(plan.steps.len(), "step");
    let _ = writeln!(anstream::stdout(), "seqorch · {} · {steps}, detached · watch: {attach}", place.name);
    Ok(0)
}

/// The message to `__detached`: arguments, an empty one, environment, each ended by a NUL byte.
pub(super) fn message(args: impl IntoIterator<Item = OsString>, env: &[(OsString, OsString)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for arg in args {
        bytes.extend_from_slice(arg.as_bytes());
        bytes.push(0);
    }
    bytes.push(0);
    bytes.extend(pack_env(env.iter().map(|(n, v)| (n.as_bytes(), v.as_bytes()))));
    bytes
}

/// Waits until the window connects; `None` when it ends or the deadline is over.
fn accept(listener: &UnixListener, screen: &Screen) -> Option<UnixStream> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let look_again = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };
    let start = Instant::now();
    while start.elapsed() < DEADLINE {
        match poll(&mut [PollFd::new(listener, PollFlags::IN)], Some(&look_again)) {
            Ok(0) if screen.is_dead(tmux::MAIN_WINDOW) => return None,
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) => return listener.accept().ok().map(|(stream, _)| stream),
            Err(e) => {
                let _ = writeln!(io::stderr(), "waiting for the window: {e}");
                return None;
            }
        }
    }
    None
}
