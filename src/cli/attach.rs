//! `seqorch attach`: show the windows of a run in this terminal.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use super::Global;
use super::project::Project;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::{Selection, tmux_names};
use crate::report::text::sanitise_line;
use crate::run::windows::OWN_WINDOW;
use crate::store::lock;
use crate::tmux::{self, TmuxServer, TmuxSession};

#[derive(Debug, Args)]
pub(super) struct AttachArgs {
    /// The spec: a folder, a tasks.md, or a name under run.spec_root, .kiro/specs, specs or openspec/changes.
    spec: Option<PathBuf>,
    /// The task whose window to show; also `main`, or a name of `[[tmux.window]]`.
    id: Option<String>,
}

/// Whether `TMUX` (`SOCKET,PID,SESSION`) is of the server that listens there.
fn is_on(value: &OsStr, server: Option<PathBuf>) -> bool {
    let socket = value.as_bytes().split(|byte| *byte == b',').next().unwrap_or_default();
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    server.is_some_and(|server| real(&server) == real(Path::new(OsStr::from_bytes(socket))))
}

pub(super) fn attach(global: &Global, args: &AttachArgs) -> Result<u8> {
    let project = Project::open(global, Vec::new(), args.spec.as_deref())?;
    // `attach 1.1`: with one spec there is no need to name it
    let (dir, id) = match (project.spec(args.spec.as_deref()), &args.spec) {
        (Ok(dir), _) => (dir, args.id.clone()),
        (Err(_), Some(id)) if args.id.is_none() && project.spec(None).is_ok() => {
            (project.spec(None)?, Some(id.display().to_string()))
        }
        (Err(error), _) => return Err(error),
    };
    let place = project.place(&dir, Selection::default())?;
    let config = &project.loaded.config.tmux;
    let env: Vec<_> = std::env::vars_os().collect();
    let program = tmux::find_tmux(&env).ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, "tmux is not on the search path")
            .hint("Read outputs with `seqorch logs`.")
    })?;
    let tmux = TmuxServer::new(program, config.socket.clone(), &env).of(project.owner(&place));
    // a run that works right now may have been given another name
    let store = project.store(&place);
    let running = lock::holder(&store.run_lock());
    let running = running.and_then(|holder| holder.session);
    let wanted = || tmux.find_session(&tmux_names::session(&config.session, &place.name)).0;
    let name = running.clone().unwrap_or_else(wanted);
    // an earlier run may have been given another name, and another spec may have this one
    let has_ours = |session: &TmuxSession| tmux.windows(session).is_ok_and(|windows| !windows.is_empty());
    let named = tmux.session(&name);
    let session = if running.is_none() && !named.as_ref().is_some_and(has_ours) {
        tmux.session_with_our_windows().or(named)
    } else {
        named
    };
    let session = session.ok_or_else(|| {
        let hint = if running.is_some() {
            "It was killed; the run goes on, and its next task brings it back. See `seqorch status`."
        } else {
            "Start one with `seqorch run`, or read outputs with `seqorch logs`."
        };
        Error::new(ErrorKind::NoSpec, format!("there is no tmux session {name}")).hint(hint)
    })?;
    let window = match &id {
        None => None,
        Some(id) => {
            let windows = tmux.windows(&session)?;
            let shown = |mark: &str| sanitise_line(mark.strip_prefix(OWN_WINDOW).unwrap_or(mark));
            let known: Vec<_> = windows.iter().map(|(mark, _)| shown(mark)).collect();
            let own = format!("{OWN_WINDOW}{id}");
            let found = windows.iter().find(|(mark, _)| mark == id);
            let found = found.or_else(|| windows.iter().find(|(mark, _)| *mark == own));
            // a subtask is at work in the window of the task that it is done with
            let state = store.load().unwrap_or_default();
            let with = state.unit_of(id);
            let found = found.or_else(|| windows.iter().find(|(mark, _)| Some(mark.as_str()) == with));
            let (_, window) = found.cloned().ok_or_else(|| {
                Error::new(ErrorKind::Usage, format!("task {} has no window", sanitise_line(id)))
                    .hint(format!("There are: {}.", known.join(", ")))
            })?;
            Some(window.id)
        }
    };
    let inside = std::env::var_os("TMUX").filter(|value| !value.is_empty());
    if inside.as_ref().is_some_and(|value| !is_on(value, tmux.socket_path())) {
        // tmux would say "no current client", or show one status line inside the other
        return Err(Error::new(
            ErrorKind::Usage,
            "this terminal is inside another tmux server than the one that the run uses",
        )
        .hint(format!("Use another terminal, or nest them: TMUX= {}", tmux.attach_command(&session.name))));
    }
    let command = tmux.attach_argv(&session, window.as_deref(), inside.is_some());
    let error = Command::new(&command[0]).args(&command[1..]).exec();
    Err(Error::new(ErrorKind::Unavailable, "starting tmux").caused_by(error))
}
