//! `seqorch attach`: opens the tmux session of a run in this terminal.

use std::ffi::OsStr;
use std::io::IsTerminal;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use super::global::Global;
use super::overview::{Unnamed, spec_for};
use super::project::Project;
use crate::config::Tmux;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Selection, TaskNames, tmux_names};
use crate::project::SpecPlace;
use crate::report::text::{sanitise_line, spec_command};
use crate::run::tmux_session::window_owner;
use crate::run::windows::OWN_WINDOW;
use crate::state::SpecState;
use crate::store::lock;
use crate::store::spec_store::Store;
use crate::tmux::{self, TmuxServer, TmuxSession};

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    /// Spec: its name, its folder or its file [default: the only spec, or the one that runs or waits].
    spec: Option<PathBuf>,
    /// Window to open: a task, main, or a name of [[tmux.window]] [default: the last one].
    id: Option<String>,
}

/// How to read what a run printed without its session.
fn read_logs(place: &SpecPlace) -> String {
    format!("Read the output of a run with `{}`.", spec_command("logs --spec", &place.typed, ""))
}

pub(super) fn attach(global: &Global, args: &AttachArgs) -> Result<u8> {
    let project = Project::open_to_look(global, args.spec.as_deref())?;
    let (dir, id) = spec_and_window(&project, args)?;
    let place = project.place(&dir, Selection::default())?;
    let store = place.store();
    let config = &project.loaded.config.tmux;
    let env: Vec<_> = std::env::vars_os().collect();
    let program = tmux::find_tmux(&env, &project.root).ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "tmux is not on the search path").hint(read_logs(&place))
    })?;
    let tmux = TmuxServer::new(program, config.socket.clone(), &env).of(window_owner(&place, &store));
    let session = find_session(&tmux, &store, &place, || tmux_names::session(&config.session, &place.name))
        // a name that nothing has is the first mistake
        .map_err(|missing| unknown_name(&place, config, id.as_deref()).unwrap_or(missing))?;
    let state = project.state(&place).unwrap_or_default();
    let window = id.map(|id| find_window(&tmux, &session, &place, &state, &id)).transpose()?;
    let inside = is_inside(&tmux, &session)?;
    if !inside && !std::io::stdin().is_terminal() {
        let text = "attach needs a terminal, and standard input is not a terminal";
        return Err(Error::new(ErrorKind::Usage, text).hint(read_logs(&place)));
    }
    let others = tmux.is_attached(&session)?;
    let command = tmux.attach_argv(&session, window.as_deref(), inside, others);
    let error = Command::new(&command[0]).args(&command[1..]).exec();
    Err(Error::new(ErrorKind::Unavailable, "starting tmux").caused_by(error))
}

/// The error about a name that neither a task nor a window has that a run would open.
fn unknown_name(place: &SpecPlace, config: &Tmux, name: Option<&str>) -> Option<Error> {
    let name = name.filter(|name| !windows_of(config).any(|own| own == *name))?;
    let (_, tasks) = place.good_tasks().ok()?;
    TaskNames::of(&tasks).find_one("", name).err()
}

/// The names of windows of a session that are none of a task.
fn windows_of(config: &Tmux) -> impl Iterator<Item = &str> {
    let own = config.windows.iter().map(|window| window.name.as_str());
    own.chain(config.main.then_some("main"))
}

/// The spec's folder and the window. `attach 1.1` names a window of the only spec, or of the one that runs.
fn spec_and_window(project: &Project, args: &AttachArgs) -> Result<(PathBuf, Option<String>)> {
    let unnamed = || spec_for(project, None, Unnamed::Shows);
    let Some(named) = &args.spec else { return Ok((unnamed()?, None)) };
    match project.spec(Some(named)) {
        Ok(dir) => Ok((dir, args.id.clone())),
        Err(error) if args.id.is_some() => Err(error),
        Err(error) => {
            let window = named.display().to_string();
            let only = project.spec(None).is_ok();
            match unnamed() {
                // of several specs, the word is more likely the name of one
                Ok(dir) if only || has_window(project, &dir, &window) => Ok((dir, Some(window))),
                _ => Err(error),
            }
        }
    }
}

/// Whether a run of the spec would open a window of that name.
fn has_window(project: &Project, dir: &Path, name: &str) -> bool {
    let place = project.place(dir, Selection::default());
    place.is_ok_and(|place| unknown_name(&place, &project.loaded.config.tmux, Some(name)).is_none())
}

/// The session of the run that works now, or else of the last one.
fn find_session(
    tmux: &TmuxServer,
    store: &Store,
    place: &SpecPlace,
    configured: impl Fn() -> String,
) -> Result<TmuxSession> {
    // a run may use another name than the configuration, so the one that works now is asked
    let running = lock::holder(&store.run_lock()).and_then(|holder| holder.session);
    let name = match &running {
        Some(name) => name.clone(),
        None => tmux.find_session(&configured())?.0,
    };
    let has_ours = |session: &TmuxSession| tmux.windows(session).is_ok_and(|windows| !windows.is_empty());
    let named = tmux.session(&name)?;
    let found = if running.is_none() && !named.as_ref().is_some_and(has_ours) {
        // the session of that name is another spec's, or the last run used another name
        tmux.session_with_our_windows()?.or(named)
    } else {
        named
    };
    found.ok_or_else(|| {
        let hint = if running.is_some() {
            let status = spec_command("status", &place.typed, "");
            format!("It was killed. The run continues and opens it again with its next task; see `{status}`.")
        } else {
            let (run, logs) =
                (spec_command("run", &place.typed, ""), spec_command("logs --spec", &place.typed, ""));
            format!("Start a run with `{run}`, or read its output with `{logs}`.")
        };
        Error::new(ErrorKind::NoSpec, format!("there is no tmux session {name}")).hint(hint)
    })
}

/// The id of the window of a task, or of the user's window of that name.
fn find_window(
    tmux: &TmuxServer,
    session: &TmuxSession,
    place: &SpecPlace,
    state: &SpecState,
    name: &str,
) -> Result<String> {
    let windows = tmux.windows(session)?;
    let with_mark = |wanted: &str| windows.iter().find(|(mark, _)| mark == wanted);
    if let Some((_, window)) = with_mark(name).or_else(|| with_mark(&format!("{OWN_WINDOW}{name}"))) {
        return Ok(window.id.clone());
    }
    let shown = |mark: &str| sanitise_line(mark.strip_prefix(OWN_WINDOW).unwrap_or(mark));
    let known = windows.iter().map(|(mark, _)| shown(mark)).collect::<Vec<_>>().join(", ");
    let known = format!("There are windows: {known}.");
    let id = match place.good_tasks() {
        Ok((_, tasks)) => {
            let names = TaskNames::of(&tasks);
            match names.find_one("", name) {
                Ok(id) => id,
                Err(error) => return Err(error.hint_before(known)),
            }
        }
        Err(_) => name.to_owned(),
    };
    // a subtask has the window of the task that it is done with, and a window the number that its task had then
    let unit = state.unit_of(&id).unwrap_or(&id);
    let found = with_mark(&id).or_else(|| with_mark(unit)).or_else(|| with_mark(state.folder(unit)));
    found.map(|(_, window)| window.id.clone()).ok_or_else(|| {
        Error::new(ErrorKind::Usage, format!("task {} has no window", sanitise_line(&id))).hint(known)
    })
}

/// Whether this process runs inside the tmux server of the run; an error where it is inside another one.
pub(super) fn is_inside(tmux: &TmuxServer, session: &TmuxSession) -> Result<bool> {
    let Some(server) = std::env::var_os("TMUX").filter(|value| !value.is_empty()) else { return Ok(false) };
    if names_server(&server, tmux.socket_path()?) {
        return Ok(true);
    }
    // tmux would print "no current client", or nest one status line in the other
    let text = "this terminal is inside another tmux server than that of the run";
    let nested = format!("Use another terminal, or nest them: TMUX= {}", tmux.attach_command(&session.name));
    Err(Error::new(ErrorKind::Usage, text).hint(nested))
}

/// Whether `TMUX` (`SOCKET,PID,SESSION`) names the server that listens on `server`.
fn names_server(value: &OsStr, server: Option<PathBuf>) -> bool {
    let socket = value.as_bytes().split(|byte| *byte == b',').next().unwrap_or_default();
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    server.is_some_and(|server| real(&server) == real(Path::new(OsStr::from_bytes(socket))))
}
