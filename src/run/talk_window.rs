//! The tmux window in which a person talks to an agent.

use std::ffi::OsString;

use super::tmux_session::{find_tmux, window_owner};
use super::window_programs::{ProgramContext, hand_out};
use super::windows::RunWindows;
use crate::attempt::window::WindowProgram;
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::tmux_names;
use crate::project::SpecPlace;
use crate::store::lock;
use crate::store::spec_store::Store;
use crate::sys::programs;
use crate::tmux::{TmuxServer, TmuxSession};

/// An open window.
#[derive(Debug)]
pub struct TalkWindow {
    /// Its server.
    pub tmux: TmuxServer,
    /// Its session.
    pub session: TmuxSession,
    /// Its id.
    pub window: String,
}

/// Opens a window for a talk about a unit, in which `argv` runs with the environment of this process, which must stay until the
/// window has it. `None`: there is no tmux, or the configuration does not want it.
pub fn open_talk_window(
    place: &SpecPlace,
    config: &Config,
    store: &Store,
    unit: &str,
    argv: Vec<OsString>,
) -> Result<Option<TalkWindow>> {
    let env: Vec<(OsString, OsString)> = std::env::vars_os().collect();
    let Some(server) = find_tmux(&place.root, config, &env)? else { return Ok(None) };
    let server = server.of(window_owner(place, store));
    let running = lock::holder(&store.run_lock()).and_then(|holder| holder.session);
    let name = running.unwrap_or_else(|| tmux_names::session(&config.tmux.session, &place.name));
    let mut windows = RunWindows::find(server, &name, config.tmux.size)?;
    store.prepare()?;
    let (exe, folder) = (programs::own_program()?, store.folder());
    let context = ProgramContext { exe: &exe, folder: &folder, env: &env, facts: &[] };
    let socket = hand_out(vec![argv], context)?;
    let cwd = place.root.clone();
    let program =
        WindowProgram { socket, token: "0".to_owned(), cwd: cwd.clone(), attempt: None, every: None };
    let label = tmux_names::window("talk-{id}", unit);
    let window = windows.open(&label, &format!("talk {unit}"), &cwd, &program.argv(&exe), None)?;
    let session = windows.tmux.session(windows.name())?;
    let session = session.ok_or_else(|| {
        Error::new(ErrorKind::Unavailable, format!("the tmux session {} is gone", windows.name()))
    })?;
    Ok(Some(TalkWindow { tmux: windows.tmux, session, window: window.id }))
}
