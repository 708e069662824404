//! Gives the programs of side panes and of the user's own windows to the windows that run them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::handoff::Handoff;
use crate::sys::socket::{self, Listener};

/// How long a new pane may take to ask for its program.
const PATIENCE: Duration = Duration::from_secs(30);

/// What all programs in side panes and own windows are started with.
#[derive(Debug, Clone, Copy)]
pub struct ProgramContext<'a> {
    /// This program.
    pub exe: &'a Path,
    /// A private folder for a socket.
    pub folder: &'a Path,
    /// The environment of the shell that typed `seqorch`.
    pub env: &'a [(OsString, OsString)],
    /// Further variables for them.
    pub facts: &'a [(&'a str, String)],
}

/// Hands programs, with their environment, to the windows that ask for them at the returned path. A program's token is
/// its index.
pub(super) fn hand_out(programs: Vec<Vec<OsString>>, context: ProgramContext<'_>) -> Result<PathBuf> {
    let ProgramContext { folder, env, facts, .. } = context;
    let failed = |e| Error::new(ErrorKind::Internal, "opening a socket for panes").caused_by(e);
    let listener = Listener::bind(folder).map_err(failed)?;
    let path = listener.path().to_owned();
    let known = env.iter().filter(|(name, _)| facts.iter().all(|(fact, _)| name != *fact)).cloned();
    let facts = facts.iter().map(|(name, value)| (name.into(), value.into()));
    let env: Vec<(OsString, OsString)> = known.chain(facts).collect();
    let handoffs: Vec<_> = programs.into_iter().map(|argv| Handoff { argv, env: env.clone() }).collect();
    let thread = thread::Builder::new().name("panes".to_owned());
    thread.spawn(move || serve(&listener, &handoffs)).map_err(failed)?;
    Ok(path)
}

fn serve(listener: &Listener, handoffs: &[Handoff]) {
    let began = Instant::now();
    let mut left = handoffs.len();
    while left > 0 && began.elapsed() < PATIENCE {
        match socket::accept(listener.get(), PATIENCE.saturating_sub(began.elapsed())) {
            Ok(None) => {}
            Ok(Some(stream)) => {
                left -= 1;
                // a child that goes away, or does not read in time, does not matter to the others
                let _ = Handoff::answer(&stream, |token| handoffs.get(token.parse::<usize>().ok()?));
            }
            Err(_) => return,
        }
    }
}
