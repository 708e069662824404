//! The tmux session of a run and its windows: one with the live view, one per unit, and the user's own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::config::{Keep, Layout, Pane};
use crate::error::Result;
use crate::tmux::status_line::MARK_OPTION;
use crate::tmux::window_commands::close_windows;
use crate::tmux::{
    CommandLine, MAIN_WINDOW, NewWindow, PendingCommand, StatusLine, TmuxError, TmuxServer, TmuxSession,
    TmuxWindow, parse,
};

/// Prefix of the purpose of a user's own window. No task has such an id.
pub const OWN_WINDOW: &str = "window ";
/// The mark of a window while its attempt runs.
pub const AT_WORK: &str = "▶";
/// The mark of a window while its attempt reviews what another one did.
pub const REVIEWS: &str = "▶ review";

/// How often a window is tried to be opened before the error is returned.
const TRIES: u32 = 4;

/// What `[tmux]` says about the windows of units: which stay open, and their panes.
#[derive(Debug, Clone, Default)]
pub struct WindowSettings {
    /// Which windows stay open after their attempts.
    pub keep: Keep,
    /// The layout of their panes.
    pub layout: Option<Layout>,
    /// The side panes.
    pub panes: Vec<Pane>,
}

/// The tmux session of a run and its windows.
#[derive(Debug)]
pub struct RunWindows {
    pub(super) tmux: TmuxServer,
    name: String,
    /// The name of the spec, for the status line.
    spec: String,
    size: (u16, u16),
    pub(super) settings: WindowSettings,
    session: Option<TmuxSession>,
    /// Our windows by their purpose: the id of a unit, or what else a window is for.
    pub(super) windows: HashMap<String, TmuxWindow>,
    /// The pane in each unit's window that runs the checks.
    pub(super) verifying: HashMap<String, TmuxWindow>,
    main: Option<MainWindow>,
    look: Option<StatusLine>,
    looked: bool,
    /// Windows to close as soon as another one is open.
    over: Vec<(String, TmuxWindow)>,
    /// Marks of attempts that are over. They ride with the command that opens the next window, because a command of their
    /// own costs as much as that one.
    unsent: CommandLine,
    /// A tmux command that still runs. The next command waits for it.
    pub(super) pending: Option<PendingCommand>,
    /// The user knows that side panes cannot be opened.
    pub(super) complained: bool,
}

#[derive(Debug)]
struct MainWindow {
    cwd: PathBuf,
    argv: Vec<OsString>,
}

/// A window to open.
#[derive(Debug, Clone, Copy)]
struct WindowRequest<'a> {
    name: &'a str,
    purpose: &'a str,
    cwd: &'a Path,
    argv: &'a [OsString],
    mark: Option<&'a str>,
    /// What else tmux does before it.
    before: &'a CommandLine,
    /// And after it.
    after: &'a CommandLine,
}

impl RunWindows {
    /// Finds the session `name` and the windows that an earlier run left in it. Takes another name if the session of that
    /// name belongs to another project.
    pub fn find(tmux: TmuxServer, name: &str, spec: &str, size: (u16, u16)) -> Result<Self> {
        let (name, session) = tmux.find_session(name)?;
        let windows = match session.as_ref().map(|session| tmux.windows(session)) {
            // the session ended just now
            None | Some(Err(TmuxError::Failed { .. })) => Vec::new(),
            Some(windows) => windows?,
        };
        Ok(Self {
            tmux,
            name,
            spec: spec.to_owned(),
            size,
            settings: WindowSettings::default(),
            session,
            windows: windows.into_iter().collect(),
            verifying: HashMap::new(),
            main: None,
            look: None,
            looked: false,
            over: Vec::new(),
            unsent: CommandLine::default(),
            pending: None,
            complained: false,
        })
    }

    /// Sets which windows stay open, their layout and their side panes. An old tmux gets a layout that it knows.
    #[must_use]
    pub fn with_settings(self, mut settings: WindowSettings) -> Self {
        if let Some(layout) = settings.layout.filter(|layout| *layout != layout.known_everywhere())
            && !self.tmux.version().is_ok_and(|version| parse::has_mirrored_layouts(&version))
        {
            settings.layout = Some(layout.known_everywhere());
        }
        Self { settings, ..self }
    }

    /// The name of the session.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The command that opens the session in a terminal.
    #[must_use]
    pub fn attach_command(&self) -> String {
        self.tmux.attach_command(&self.name)
    }

    /// Opens the window `main`, in which `argv` shows the live view. It is opened again with a session that was killed.
    pub fn open_main(&mut self, cwd: &Path, argv: Vec<OsString>) -> Result<()> {
        self.open("main", MAIN_WINDOW, cwd, &argv, None)?;
        self.main = Some(MainWindow { cwd: cwd.to_owned(), argv });
        self.look();
        Ok(())
    }

    /// Runs `argv` in the window for `purpose`, which is opened if there is none. The status line shows `mark`, if given. A
    /// session or server that has ended is started again.
    pub fn open(
        &mut self,
        name: &str,
        purpose: &str,
        cwd: &Path,
        argv: &[OsString],
        mark: Option<&str>,
    ) -> Result<TmuxWindow> {
        if mark.is_some() {
            self.look();
        }
        self.pending = None;
        self.over.retain(|(over, _)| over != purpose);
        let over = if mark.is_some() { std::mem::take(&mut self.over) } else { Vec::new() };
        let (look, before) = (self.look.clone(), std::mem::take(&mut self.unsent));
        let after = close_windows(over.iter().map(|(_, window)| window));
        let wanted = WindowRequest { name, purpose, cwd, argv, mark, before: &before, after: &after };
        let window = self.start(wanted, look.as_ref())?;
        // the window has no other pane now
        self.verifying.remove(purpose);
        if mark.is_some() && look.is_none() && self.look() {
            let mut line = CommandLine::default();
            self.look.iter().for_each(|look| look.show_mark(&mut line, &window.id));
            self.later(line);
        }
        Ok(window)
    }

    fn start(&mut self, wanted: WindowRequest<'_>, look: Option<&StatusLine>) -> Result<TmuxWindow> {
        // another process may take the same session name; each try avoids one more taken name
        let mut tries = 1;
        loop {
            match self.start_once(wanted, look, true) {
                Err(error) if tries < TRIES && !error.is_final() => tries += 1,
                done => return Ok(done?),
            }
        }
    }

    fn start_once(
        &mut self,
        wanted: WindowRequest<'_>,
        look: Option<&StatusLine>,
        with_main: bool,
    ) -> std::result::Result<TmuxWindow, TmuxError> {
        let WindowRequest { name, purpose, cwd, argv, mark, before, after } = wanted;
        let status_line = look.filter(|_| mark.is_some());
        let new = NewWindow { name, purpose, cwd, argv, size: self.size, mark, status_line, before, after };
        if let Some(window) = self.windows.get(purpose) {
            match self.tmux.reuse_window(window, new) {
                Ok(window) => return Ok(self.keep(purpose, window)),
                Err(error) if error.is_final() => return Err(error),
                Err(_) => {}
            }
        }
        if let Some(session) = &self.session {
            match self.tmux.new_window(session, new) {
                Ok((_, window)) => return Ok(self.keep(purpose, window)),
                Err(error) if error.is_final() => return Err(error),
                Err(_) => {}
            }
        }
        // the ids are those of a server that is gone
        let none = CommandLine::default();
        let new = NewWindow { before: &none, after: &none, ..new };
        self.over.clear();
        self.verifying.clear();
        let (name, session) = self.tmux.find_session(&self.name)?;
        self.name = name;
        if let Some(session) = session {
            let (session, window) = self.tmux.new_window(&session, new)?;
            self.session = Some(session);
            return Ok(self.keep(purpose, window));
        }
        self.windows.clear();
        // a server may close each window at once, so the main window is opened only once
        if with_main
            && purpose != MAIN_WINDOW
            && let Some(main) = self.main.take()
        {
            let (cwd, argv) = (main.cwd.as_path(), &main.argv[..]);
            let new = NewWindow {
                name: "main",
                purpose: MAIN_WINDOW,
                cwd,
                argv,
                mark: None,
                status_line: None,
                ..new
            };
            let opened = self.tmux.new_session(&self.name, new);
            self.main = Some(main);
            let (session, window) = opened?;
            self.session = Some(session);
            self.keep(MAIN_WINDOW, window);
            return self.start_once(wanted, look, false);
        }
        let (session, window) = self.tmux.new_session(&self.name, new)?;
        self.session = Some(session);
        Ok(self.keep(purpose, window))
    }

    /// Marks the window of an attempt that is over, and closes it if `tmux.keep` says so.
    pub fn finish(&mut self, purpose: &str, mark: &str, done: bool) {
        let Some(window) = self.windows.get(purpose).cloned() else { return };
        let mut line = CommandLine::default();
        // it shows its mark since it was opened
        line.window_option(&window.id, MARK_OPTION, mark);
        let closes = self.settings.keep == Keep::None || self.settings.keep == Keep::Failed && done;
        if closes {
            let verify = verify_purpose(purpose);
            let verify = self.windows.get(&verify).cloned().map(|window| (verify, window));
            let ours: Vec<_> = verify.into_iter().chain([(purpose.to_owned(), window)]).collect();
            if done {
                self.windows.retain(|_, window| ours.iter().all(|(_, closed)| closed != window));
                line.and(close_windows(ours.iter().map(|(_, window)| window)));
            }
            // closing the last window would end the session, so it is closed when the next one opens
            self.over.extend(ours);
        }
        self.unsent.and(line);
    }

    /// Shows the marks that wait for the next window. For moments at which none may come soon.
    pub fn flush(&mut self) {
        self.later(CommandLine::default());
    }

    /// Shows a text in the session's status line; with `bell`, also rings the bell in window `main`.
    pub fn announce(&mut self, text: &str, bell: bool) {
        self.look();
        if let Some((look, session)) = self.look.as_ref().zip(self.session.as_ref()) {
            let line = look.show_message(&session.id, text);
            self.later(line);
        }
        self.flush();
        if bell && let Some(mut tty) = self.windows.get(MAIN_WINDOW).and_then(open_tty) {
            let _ = tty.write_all(b"\x07");
        }
    }

    /// Reads the user's status line format, once in a run. Returns whether it is known.
    fn look(&mut self) -> bool {
        if let Some(session) = self.session.clone().filter(|_| !self.looked) {
            self.looked = true;
            self.pending = None;
            // the marks of windows are only for people
            self.look = self.tmux.status_line(&session).ok().flatten();
            let line = self.look.as_ref().map(|look| {
                let mut line = look.restore(&session.id);
                line.and(look.show_spec(&session.id, &self.spec));
                line
            });
            self.later(line.unwrap_or_default());
        }
        self.look.is_some()
    }

    pub(super) fn later(&mut self, line: CommandLine) {
        let mut all = std::mem::take(&mut self.unsent);
        all.and(line);
        if !all.is_empty() {
            // dropping it waits for it, so that commands run in their order
            self.pending = None;
            self.pending = self.tmux.start(all);
        }
    }

    fn keep(&mut self, purpose: &str, window: TmuxWindow) -> TmuxWindow {
        self.windows.insert(purpose.to_owned(), window.clone());
        window
    }

    /// Whether the window for `purpose` is gone or its program has ended.
    #[must_use]
    pub fn is_dead(&self, purpose: &str) -> bool {
        self.windows.get(purpose).is_none_or(|window| self.has_ended(window))
    }

    /// Whether a pane is gone or its program has ended. A server that does not answer may have it still.
    #[must_use]
    pub fn has_ended(&self, pane: &TmuxWindow) -> bool {
        self.tmux.is_dead(&pane.pane).unwrap_or(false)
    }

    /// Whether the session is gone. A server that does not answer may have it still.
    #[must_use]
    pub fn has_lost_session(&self) -> bool {
        self.tmux.session(&self.name).is_ok_and(|session| session.is_none())
    }

    /// What closed two windows in a row, as far as tmux says now.
    #[must_use]
    pub fn what_closed_them(&self) -> String {
        let name = &self.name;
        match self.tmux.session(name) {
            Ok(Some(_)) => format!("something closed two windows of session {name} in a row"),
            Ok(None) => format!(
                "tmux ended session {name} twice in a row; `exit-unattached` or a hook in its configuration does that"
            ),
            Err(error) => format!("tmux closed two windows in a row: {error}"),
        }
    }

    /// The text that the window for `purpose` shows.
    #[must_use]
    pub fn shown(&self, purpose: &str) -> Option<String> {
        self.shown_in(self.windows.get(purpose)?)
    }

    /// The text that a pane shows.
    #[must_use]
    pub fn shown_in(&self, pane: &TmuxWindow) -> Option<String> {
        self.tmux.capture(&pane.pane).ok()
    }
}

/// The purpose of the window for the checks of a unit whose own window has no room for them.
pub(super) fn verify_purpose(purpose: &str) -> String {
    format!("{purpose} verify")
}

fn open_tty(window: &TmuxWindow) -> Option<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    OpenOptions::new().write(true).custom_flags(flags).open(&window.tty).ok()
}
