//! `seqorch run --detach`: the run moves behind the session's main window, with the environment of this shell.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::job::{GoOn, Job};
use super::watch;
use crate::agent::sanitise::sanitise;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Plan, tmux_names};
use crate::report::text::plural;
use crate::run::windows::Screen;
use crate::store::lock;
use crate::sys::files;
use crate::sys::handoff::Handoff;
use crate::sys::socket::{self, Listener};
use crate::tmux;

/// How long the window may take to start, and the run to begin.
const DEADLINE: Duration = Duration::from_secs(30);
/// Pause between two looks at whether the window still lives.
const LOOK_AGAIN: Duration = Duration::from_millis(200);

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
    let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
    let argv = watch::window_argv(starts.path(), &here)?;
    screen.open("main", tmux::MAIN_WINDOW, &here, &argv, None)?;

    let gone = |what: &str| {
        let shown = screen.shown(tmux::MAIN_WINDOW).unwrap_or_default();
        Error::new(ErrorKind::Unavailable, what).detail(sanitise(shown.trim().as_bytes()))
    };
    let stream = accept(starts.get(), &screen).ok_or_else(|| gone("the window did not start"))?;
    let answer = go_on.answer.as_ref().map(|text| (store.folder().join("answer.txt"), text));
    if let Some((path, text)) = &answer {
        // not on its command line, where all users of this machine could read it
        files::replace(path, text.as_bytes(), 0o600)?;
    }
    let run = job.detached_argv(go_on, answer.as_ref().map(|(path, _)| path.as_path()), readies.path());
    let view = watch::handoff(watch::starting_argv(global, work, place, run))?;
    Handoff::answer(&stream, |token| (token == watch::MAIN).then_some(&view)).map_err(failed)?;
    drop(stream);
    accept(readies.get(), &screen).ok_or_else(|| gone("the run did not begin in its window"))?;
    let steps = plural(plan.steps.len(), "step");
    let _ = writeln!(anstream::stdout(), "seqorch · {} · {steps}, detached · watch: {attach}", place.name);
    Ok(0)
}

/// Waits for the window to connect: not for ever, and no longer than the window lives.
fn accept(listener: &UnixListener, screen: &Screen) -> Option<UnixStream> {
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
