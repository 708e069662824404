//! The user's own windows, from `[[tmux.windows]]`.

use std::ffi::OsString;

use super::window_programs::{ProgramContext, hand_out};
use super::windows::{OWN_WINDOW, RunWindows};
use crate::attempt::window::WindowProgram;
use crate::config::ExtraWindow;
use crate::error::Error;

impl RunWindows {
    /// Opens the user's own windows that are not open, or whose program has ended. Returns all failures.
    pub fn open_own(&mut self, windows: &[ExtraWindow], context: ProgramContext<'_>) -> Vec<Error> {
        let missing: Vec<_> = windows.iter().filter(|w| self.is_dead(&own_purpose(&w.name))).collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let programs = missing.iter().map(|window| window.command.iter().map(OsString::from).collect());
        let socket = match hand_out(programs.collect(), context) {
            Ok(socket) => socket,
            Err(error) => return vec![error],
        };
        let mut failed = Vec::new();
        for (index, window) in missing.into_iter().enumerate() {
            let program = WindowProgram {
                socket: socket.clone(),
                token: index.to_string(),
                cwd: window.cwd.clone(),
                attempt: None,
                every: None,
            };
            let argv = program.argv(context.exe);
            let name = crate::plan::tmux_names::window(&window.name, "");
            failed.extend(self.open(&name, &own_purpose(&window.name), &window.cwd, &argv, None).err());
        }
        failed
    }
}

/// The purpose of a user's own window.
fn own_purpose(name: &str) -> String {
    format!("{OWN_WINDOW}{name}")
}
