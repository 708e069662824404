//! The window `main` of a run's tmux session, which shows the live view.
//!
//! Its process gets what it runs over a private socket: a command line can be read by all users of the machine, and the
//! environment of the tmux server is not that of the shell that started the run.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use crate::attempt::window::WindowProgram;
use crate::error::{Error, ErrorKind, Result};
use crate::store::spec_store::Store;
use crate::sys::handoff::Handoff;
use crate::sys::programs;
use crate::sys::socket::{self, Listener};

/// The token of the window at its socket.
pub(super) const TOKEN: &str = "main";

/// The message that makes the window run this program with `argv`, in the environment of this process.
pub(super) fn handoff(argv: Vec<OsString>) -> Result<Handoff> {
    let mut whole: Vec<OsString> = vec![programs::own_program()?.into()];
    whole.extend(argv);
    Ok(Handoff { argv: whole, env: std::env::vars_os().collect() })
}

/// The window's command line: it asks at `socket` for its program.
pub(super) fn window_argv(socket: &Path, cwd: &Path) -> Result<Vec<OsString>> {
    let (socket, token, cwd) = (socket.to_owned(), TOKEN.to_owned(), cwd.to_owned());
    let program = WindowProgram { socket, token, cwd, attempt: None, every: None };
    Ok(program.argv(&programs::own_program()?))
}

/// Answers the window in a thread. The window asks again if a person closed it and the run reopens it.
pub(super) struct MainWindowServer {
    listener: Listener,
}

impl MainWindowServer {
    /// Answers with `argv`, the arguments of the live view.
    pub(super) fn start(store: &Store, argv: Vec<OsString>) -> Result<Self> {
        let failed = |e| Error::new(ErrorKind::Internal, "opening a socket for the window").caused_by(e);
        let listener = Listener::bind(&store.folder()).map_err(failed)?;
        let socket = listener.get().try_clone().map_err(failed)?;
        let handoff = handoff(argv)?;
        std::thread::spawn(move || {
            loop {
                let answered = socket::accept(&socket, Duration::MAX).and_then(|stream| match stream {
                    Some(stream) => Handoff::answer(&stream, |token| (token == TOKEN).then_some(&handoff)),
                    None => Ok(None),
                });
                if answered.is_err() {
                    // the window is gone, or descriptors are short: wait, so that a retry costs no CPU
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        });
        Ok(Self { listener })
    }

    /// The command line of the window, which runs in the folder `cwd`.
    pub(super) fn window_argv(&self, cwd: &Path) -> Result<Vec<OsString>> {
        window_argv(self.listener.path(), cwd)
    }
}
