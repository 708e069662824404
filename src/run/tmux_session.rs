//! Opens the tmux session of a run.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use super::main_window::MainWindowServer;
use super::window_programs::ProgramContext;
use super::windows::{RunWindows, WindowSettings};
use crate::config::{Config, TmuxMode};
use crate::error::{Error, ErrorKind, Result};
use crate::plan::tmux_names;
use crate::project::SpecPlace;
use crate::store::spec_store::Store;
use crate::sys::digest::digest;
use crate::sys::programs;
use crate::tmux::server::TmuxCaller;
use crate::tmux::{self, TmuxServer, WindowOwner};

/// The owner of the tmux sessions and windows that a run of the spec opens.
#[must_use]
pub fn window_owner(place: &SpecPlace, store: &Store) -> WindowOwner {
    let word = |path: &Path| digest(path.as_os_str().as_bytes());
    WindowOwner { project: word(&place.root), spec: word(&store.folder()) }
}

/// Finds tmux. `None`: the configuration does not want it, or it is not installed and need not be.
pub(super) fn find_tmux(
    root: &Path,
    config: &Config,
    env: &[(OsString, OsString)],
) -> Result<Option<TmuxServer>> {
    if config.tmux.mode == TmuxMode::Off {
        return Ok(None);
    }
    match tmux::find_tmux(env, root) {
        Some(program) => Ok(Some(TmuxServer::new(program, config.tmux.socket.clone(), env))),
        None if config.tmux.mode == TmuxMode::Auto => {
            let _ = writeln!(io::stderr(), "note: tmux is not installed; agents print to this terminal");
            Ok(None)
        }
        None => {
            Err(Error::new(ErrorKind::Unavailable, "tmux is not on the search path, and tmux.mode is \"on\"")
                .hint("Install tmux, or set tmux.mode = \"auto\"."))
        }
    }
}

/// The session of a run, and the thread that answers its main window.
#[derive(Default)]
pub(super) struct RunSession {
    pub(super) screen: Option<RunWindows>,
    pub(super) main: Option<MainWindowServer>,
}

impl RunSession {
    /// Finds the session or opens it, with its main window and the user's own windows. `view_argv` gives the arguments of
    /// the live view; `None`: this process runs in the main window. With `tmux.mode = "auto"`, a tmux that fails leaves the
    /// run without a session.
    pub(super) fn open(
        place: &SpecPlace,
        config: &Config,
        store: &Store,
        view_argv: Option<&dyn Fn() -> Vec<OsString>>,
        caller: TmuxCaller,
    ) -> Result<Self> {
        let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        let Some(server) = find_tmux(&place.root, config, &env)? else { return Ok(Self::default()) };
        let server = server.called_by(caller).of(window_owner(place, store));
        let name = tmux_names::session(&config.tmux.session, &place.name);
        let tmux = &config.tmux;
        let main = view_argv.filter(|_| tmux.main);
        let main = main.map(|argv| MainWindowServer::start(store, argv())).transpose()?;
        let open = || -> Result<RunWindows> {
            let screen = RunWindows::find(server, &name, &place.name, tmux.size)?;
            let (layout, panes) = (tmux.layout, tmux.panes.clone());
            let mut screen = screen.with_settings(WindowSettings { keep: tmux.keep, layout, panes });
            if let Some(main) = &main {
                let here = std::env::current_dir().map_err(|e| Error::io("finding", Path::new("."), e))?;
                screen.open_main(&here, main.window_argv(&here)?)?;
            }
            Ok(screen)
        };
        match open() {
            Ok(mut screen) => {
                let facts = [("SEQORCH_SPEC", place.name.clone())];
                let exe = programs::own_program()?;
                let setting = ProgramContext { exe: &exe, folder: &store.folder(), env: &env, facts: &facts };
                for error in screen.open_own(&tmux.windows, setting) {
                    let _ = write!(io::stderr(), "{}", error.render());
                }
                Ok(Self { screen: Some(screen), main })
            }
            Err(error) if config.tmux.mode == TmuxMode::Auto && error.kind() != ErrorKind::Interrupted => {
                let _ = write!(io::stderr(), "{}", error.render());
                let _ =
                    writeln!(io::stderr(), "note: continuing without tmux; agents print to this terminal");
                Ok(Self::default())
            }
            Err(error) => Err(error),
        }
    }
}
