//! `seqorch run --detach`: the run moves behind the session's main window, with the environment of this shell.

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

/// How long the window may take to start, and the run to begin.
const DEADLINE: Duration = Duration::from_secs(30);

pub(super) fn detach(job: &Job, go_on: &GoOn, plan: &Plan) -> Result<u8> {
    let Job { global, work, project, place, .. } = job;
    let config = &project.loaded.config;
    let store = project.store(place);
    if let Some(holder) = lock::holder(&store.run_lock()) {
        // the same words as a run that finds the lock taken
        lock::RunLock::take(&store.run_lock(), &holder)?;
    }
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let tmux = super::run::find_tmux(config, &env)?.ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "--detach needs tmux")
            .hint("Install tmux, or run without --detach.")
    })?;
    // where it keeps its things says whose windows they are
    let store = store.prepared()?;
    let name = tmux_names::session(&config.tmux.session, &place.name);
    let mut screen = Screen::find(tmux.of(project.owner(place)), &name, config.tmux.size);
    let attach = screen.attach_command();

    let failed = |e| Error::new(ErrorKind::Internal, "opening a socket for the window").caused_by(e);
    let starts = Listener::bind(&store.folder()).map_err(failed)?;
    let readies = Listener::bind(&store.folder()).map_err(failed)?;
    let argv: Vec<OsString> = vec![own_program()?.into(), "__detached".into(), starts.path().into()];
    let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
    screen.open("main", tmux::MAIN_WINDOW, &here, &argv, None)?;

    let gone = |what: &str| {
        let shown = screen.shown(tmux::MAIN_WINDOW).unwrap_or_default();
        Error::new(ErrorKind::Unavailable, what).detail(sanitise(shown.trim().as_bytes()))
    };
    let mut stream = accept(starts.get(), &screen).ok_or_else(|| gone("the window did not start"))?;
    let answer = go_on.answer.as_ref().map(|text| (store.folder().join("answer.txt"), text));
    if let Some((path, text)) = &answer {
        // not on its command line, where all users of this machine could read it
        files::replace(path, text.as_bytes(), 0o600)?;
    }
    let run = job.detached_argv(go_on, answer.as_ref().map(|(path, _)| path.as_path()), readies.path());
    let view = super::watch::starting_argv(global, work, place, run);
    stream.write_all(&message(view, &env)).map_err(failed)?;
    drop(stream);
    accept(readies.get(), &screen).ok_or_else(|| gone("the run did not begin in its window"))?;
    let steps = plural(plan.steps.len(), "step");
    let _ = writeln!(anstream::stdout(), "seqorch · {} · {steps}, detached · watch: {attach}", place.name);
    Ok(0)
}

/// What `__detached` becomes: arguments, an empty one, environment, each ended by a NUL byte.
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

/// Waits for somebody to connect: not for ever, and no longer than the window lives.
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
