//! The windows of a run: one for the progress, one per unit.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::Result;
use crate::tmux::{Job, Session, Tmux, Window, main_mark};

/// Where windows go.
#[derive(Debug)]
pub struct Screen {
    tmux: Tmux,
    name: String,
    size: (u16, u16),
    session: Option<Session>,
    /// Our windows by what they are for.
    windows: HashMap<String, Window>,
    main: Option<Main>,
}

#[derive(Debug)]
struct Main {
    cwd: PathBuf,
    argv: Vec<OsString>,
}

impl Screen {
    /// The session `name` on a server, with the windows that an earlier run left there.
    #[must_use]
    pub fn find(tmux: Tmux, name: String, size: (u16, u16)) -> Self {
        let session = tmux.session(&name);
        let windows = session.as_ref().and_then(|s| tmux.windows(s).ok()).unwrap_or_default();
        Self { tmux, name, size, session, windows: windows.into_iter().collect(), main: None }
    }

    /// The session's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command that a person types to see the session.
    #[must_use]
    pub fn attach_command(&self) -> String {
        self.tmux.attach_command(&self.name)
    }

    /// Opens the window with the progress, which `argv` shows; it comes back with a session that was killed.
    pub fn open_main(&mut self, cwd: &Path, argv: Vec<OsString>) -> Result<()> {
        self.open("main", main_mark(), cwd, &argv)?;
        self.main = Some(Main { cwd: cwd.to_owned(), argv });
        Ok(())
    }

    /// Runs `argv` in the window for `mark`, a new one where there is none. A session or server that ended meanwhile
    /// is started again.
    pub fn open(&mut self, name: &str, mark: &str, cwd: &Path, argv: &[OsString]) -> Result<Window> {
        let job = Job { name, mark, cwd, argv, size: self.size };
        if let Some(window) = self.windows.get(mark)
            && let Ok(window) = self.tmux.reuse(window, job)
        {
            return Ok(self.keep(mark, window));
        }
        if let Some(session) = &self.session
            && let Ok((_, window)) = self.tmux.new_window(session, job)
        {
            return Ok(self.keep(mark, window));
        }
        if let Some(session) = self.tmux.session(&self.name) {
            let (session, window) = self.tmux.new_window(&session, job)?;
            self.session = Some(session);
            return Ok(self.keep(mark, window));
        }
        self.windows.clear();
        if mark != main_mark()
            && let Some(main) = self.main.take()
        {
            let job =
                Job { name: "main", mark: main_mark(), cwd: &main.cwd, argv: &main.argv, size: self.size };
            let (session, window) = self.tmux.new_session(&self.name, job)?;
            self.session = Some(session);
            self.main = Some(main);
            self.keep(main_mark(), window);
            return self.open(name, mark, cwd, argv);
        }
        let (session, window) = self.tmux.new_session(&self.name, job)?;
        self.session = Some(session);
        Ok(self.keep(mark, window))
    }

    /// Runs `argv` in a new pane below what the window for `mark` shows; in a window of its own where there is no room.
    pub fn open_beside(&mut self, name: &str, mark: &str, cwd: &Path, argv: &[OsString]) -> Result<Window> {
        if let Some(window) = self.windows.get(mark)
            && let Ok(pane) = self.tmux.split(window, cwd, argv)
        {
            return Ok(pane);
        }
        self.open(&format!("{name}-verify"), &format!("{mark} verify"), cwd, argv)
    }

    fn keep(&mut self, mark: &str, window: Window) -> Window {
        self.windows.insert(mark.to_owned(), window.clone());
        window
    }

    /// Whether the window for `mark` is gone, or what it ran is.
    #[must_use]
    pub fn is_dead(&self, mark: &str) -> bool {
        self.windows.get(mark).is_none_or(|window| self.tmux.is_dead(&window.pane))
    }

    /// What the window for `mark` shows right now.
    #[must_use]
    pub fn shown(&self, mark: &str) -> Option<String> {
        self.tmux.capture(&self.windows.get(mark)?.pane).ok()
    }
}
