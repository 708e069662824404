//! The windows of a run: one for the progress, one per unit, and the user's own.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::panes;
pub use super::panes::{Setting, Wishes};
use crate::attempt::window::{AttemptProcess, WindowProgram};
use crate::config::{ExtraWindow, Keep};
use crate::error::{Error, Result};
use crate::tmux::status_line::MARK_OPTION;
use crate::tmux::window_commands::close_windows;
use crate::tmux::{
    CommandLine, MAIN_WINDOW, NewPane, NewWindow, PendingCommand, StatusLine, TmuxServer, TmuxSession,
    TmuxWindow, parse,
};

/// What the mark of a window of the user's own begins with; no task has such an id.
pub const OWN_WINDOW: &str = "window ";
/// What a window's label says while its attempt runs.
pub const AT_WORK: &str = "▶";

/// How often a window is tried to be opened.
const TRIES: u32 = 4;

/// Where windows go.
#[derive(Debug)]
pub struct Screen {
    tmux: TmuxServer,
    name: String,
    size: (u16, u16),
    wishes: Wishes,
    session: Option<TmuxSession>,
    /// Our windows by what they are for.
    windows: HashMap<String, TmuxWindow>,
    /// The pane of each unit's window in which something is verified.
    verifying: HashMap<String, TmuxWindow>,
    main: Option<Main>,
    look: Option<StatusLine>,
    looked: bool,
    /// Windows that nobody needs, as soon as another one is there.
    over: Vec<(String, TmuxWindow)>,
    /// What tmux does meanwhile; whatever comes next waits for it.
    pending: Option<PendingCommand>,
    /// That side panes cannot be opened was told.
    complained: bool,
}

#[derive(Debug)]
struct Main {
    cwd: PathBuf,
    argv: Vec<OsString>,
}

/// A window to open.
#[derive(Debug, Clone, Copy)]
struct Wanted<'a> {
    name: &'a str,
    mark: &'a str,
    cwd: &'a Path,
    argv: &'a [OsString],
    state: Option<&'a str>,
}

impl Screen {
    /// The session `name` on a server, with the windows that an earlier run left there; another name where that one is
    /// of another project.
    #[must_use]
    pub fn find(tmux: TmuxServer, name: &str, size: (u16, u16)) -> Self {
        let (name, session) = tmux.find_session(name);
        let windows = session.as_ref().and_then(|s| tmux.windows(s).ok()).unwrap_or_default();
        Self {
            tmux,
            name,
            size,
            wishes: Wishes::default(),
            session,
            windows: windows.into_iter().collect(),
            verifying: HashMap::new(),
            main: None,
            look: None,
            looked: false,
            over: Vec::new(),
            pending: None,
            complained: false,
        }
    }

    /// With other windows than a bare one per unit, all of which stay.
    #[must_use]
    pub fn furnished(self, mut wishes: Wishes) -> Self {
        if let Some(layout) = wishes.layout.filter(|layout| *layout != layout.known_everywhere())
            && !self.tmux.version().is_ok_and(|version| parse::has_mirrored_layouts(&version))
        {
            wishes.layout = Some(layout.known_everywhere());
        }
        Self { wishes, ..self }
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
        self.open("main", MAIN_WINDOW, cwd, &argv, None)?;
        self.main = Some(Main { cwd: cwd.to_owned(), argv });
        self.look();
        Ok(())
    }

    /// Runs `argv` in the window for `mark`, a new one where there is none; its label shows `state`, where that is given.
    /// A session or server that ended meanwhile is started again.
    pub fn open(
        &mut self,
        name: &str,
        mark: &str,
        cwd: &Path,
        argv: &[OsString],
        state: Option<&str>,
    ) -> Result<TmuxWindow> {
        self.pending = None;
        if state.is_some() {
            self.look();
        }
        let look = self.look.clone();
        let window = self.start(Wanted { name, mark, cwd, argv, state }, look.as_ref())?;
        // all other panes of it are gone
        self.verifying.remove(mark);
        self.over.retain(|(over, _)| over != mark);
        let mut line = CommandLine::default();
        if state.is_some() && look.is_none() && self.look() {
            self.label(&mut line, &window.id);
        }
        if state.is_some() {
            line.and(close_windows(self.over.iter().map(|(_, window)| window)));
            self.over.clear();
        }
        self.later(line);
        Ok(window)
    }

    fn start(&mut self, wanted: Wanted<'_>, look: Option<&StatusLine>) -> Result<TmuxWindow> {
        // others may just make sessions of the same names: each time, one name is known to be taken
        let mut tries = 1;
        loop {
            match self.start_once(wanted, look) {
                Err(_) if tries < TRIES => tries += 1,
                done => return done,
            }
        }
    }

    fn start_once(&mut self, wanted: Wanted<'_>, look: Option<&StatusLine>) -> Result<TmuxWindow> {
        let Wanted { name, mark, cwd, argv, state } = wanted;
        let status_line = look.filter(|_| state.is_some());
        let job = NewWindow { name, purpose: mark, cwd, argv, size: self.size, mark: state, status_line };
        if let Some(window) = self.windows.get(mark)
            && let Ok(window) = self.tmux.reuse_window(window, job)
        {
            return Ok(self.keep(mark, window));
        }
        if let Some(session) = &self.session
            && let Ok((_, window)) = self.tmux.new_window(session, job)
        {
            return Ok(self.keep(mark, window));
        }
        // on another server an id is another window's
        self.over.clear();
        self.verifying.clear();
        let (name, session) = self.tmux.find_session(&self.name);
        self.name = name;
        if let Some(session) = session {
            let (session, window) = self.tmux.new_window(&session, job)?;
            self.session = Some(session);
            return Ok(self.keep(mark, window));
        }
        self.windows.clear();
        if mark != MAIN_WINDOW
            && let Some(main) = self.main.take()
        {
            let (cwd, argv) = (main.cwd.as_path(), &main.argv[..]);
            let job = NewWindow {
                name: "main",
                purpose: MAIN_WINDOW,
                cwd,
                argv,
                mark: None,
                status_line: None,
                ..job
            };
            let opened = self.tmux.new_session(&self.name, job);
            self.main = Some(main);
            let (session, window) = opened?;
            self.session = Some(session);
            self.keep(MAIN_WINDOW, window);
            return self.start_once(wanted, look);
        }
        let (session, window) = self.tmux.new_session(&self.name, job)?;
        self.session = Some(session);
        Ok(self.keep(mark, window))
    }

    /// Runs `argv` in a pane below the agent of the window for `mark`, the same one each time; in a window of its own where
    /// there is no room.
    pub fn open_beside(
        &mut self,
        name: &str,
        mark: &str,
        cwd: &Path,
        argv: &[OsString],
    ) -> Result<TmuxWindow> {
        self.pending = None;
        if let Some(pane) = self.verifying.get(mark)
            && let Ok(pane) = self.tmux.reuse_pane(&pane.pane, cwd, argv)
        {
            return Ok(pane);
        }
        if let Some(window) = self.windows.get(mark).cloned()
            && let Ok(pane) =
                self.tmux.new_pane(NewPane { from: &window.pane, right: false, size: None, cwd, argv })
        {
            self.verifying.insert(mark.to_owned(), pane.clone());
            self.arrange(&window);
            return Ok(pane);
        }
        self.open(&format!("{name}-verify"), &verify_mark(mark), cwd, argv, None)
    }

    /// Opens the side panes of the window for `mark`, which go with the attempt of that process and start. What cannot be
    /// done is said once.
    pub fn furnish(&mut self, mark: &str, attempt: (i32, u64), setting: Setting<'_>) -> Option<String> {
        let panes = self.wishes.panes.clone();
        let window = self.windows.get(mark).filter(|_| !panes.is_empty())?.clone();
        self.pending = None;
        let mut opened: Vec<String> = Vec::new();
        let mut open = || -> Result<()> {
            let programs = panes.iter().map(|pane| pane.command.iter().map(OsString::from).collect());
            let socket = panes::hand_out(programs.collect(), setting)?;
            for (index, (pane, room)) in panes.iter().zip(panes::rooms(&panes)).enumerate() {
                let program = WindowProgram {
                    socket: socket.clone(),
                    token: index.to_string(),
                    cwd: pane.cwd.clone(),
                    attempt: Some(AttemptProcess { pid: attempt.0, started: attempt.1 }),
                    every: pane.every,
                };
                let argv = program.argv(setting.exe);
                let from = room.from.and_then(|at| opened.get(at)).unwrap_or(&window.pane);
                let split =
                    NewPane { from, right: room.right, size: Some(&room.size), cwd: &pane.cwd, argv: &argv };
                opened.push(self.tmux.new_pane(split)?.pane);
            }
            Ok(())
        };
        let done = open();
        self.arrange(&window);
        let error = done.err().filter(|_| !std::mem::replace(&mut self.complained, true))?;
        Some(format!("! a side pane could not be opened: {}", error.render().trim_end()))
    }

    fn arrange(&mut self, window: &TmuxWindow) {
        let first = self.wishes.panes.first();
        if let Some((first, layout)) = first.zip(self.wishes.layout) {
            self.later(panes::arrange(layout, first.size.as_deref(), &window.id));
        }
    }

    /// Opens the user's own windows that are not there, or whose program has ended. Gives what could not be done.
    pub fn open_own(&mut self, windows: &[ExtraWindow], setting: Setting<'_>) -> Vec<Error> {
        let missing: Vec<_> = windows.iter().filter(|w| self.is_dead(&own_mark(&w.name))).collect();
        if missing.is_empty() {
            return Vec::new();
        }
        let programs = missing.iter().map(|window| window.command.iter().map(OsString::from).collect());
        let socket = match panes::hand_out(programs.collect(), setting) {
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
            let argv = program.argv(setting.exe);
            let name = crate::plan::tmux_names::window(&window.name, "");
            failed.extend(self.open(&name, &own_mark(&window.name), &window.cwd, &argv, None).err());
        }
        failed
    }

    /// Marks the window of an attempt that is over, and closes it where nobody wants it any more.
    pub fn finish(&mut self, mark: &str, state: &str, done: bool) {
        let Some(window) = self.windows.get(mark).cloned() else { return };
        self.look();
        let mut line = CommandLine::default();
        line.window_option(&window.id, MARK_OPTION, state);
        self.label(&mut line, &window.id);
        if self.wishes.keep == Keep::None || self.wishes.keep == Keep::Failed && done {
            let verify = verify_mark(mark);
            let verify = self.windows.get(&verify).cloned().map(|window| (verify, window));
            let ours: Vec<_> = verify.into_iter().chain([(mark.to_owned(), window)]).collect();
            if done {
                self.windows.retain(|_, window| ours.iter().all(|(_, closed)| closed != window));
                line.and(close_windows(ours.iter().map(|(_, window)| window)));
            }
            // where it is the last one, it goes when the next one is there
            self.over.extend(ours);
        }
        self.later(line);
    }

    /// Shows a word in the session's status line, with a bell in the window with the progress where one is wanted.
    pub fn tell(&mut self, word: &str, bell: bool) {
        self.look();
        if let Some((look, session)) = self.look.as_ref().zip(self.session.as_ref()) {
            let line = look.show_message(&session.id, word);
            self.later(line);
        }
        if bell && let Some(mut tty) = self.windows.get(MAIN_WINDOW).and_then(open_tty) {
            let _ = tty.write_all(b"\x07");
        }
    }

    /// Looks once in a run how the user's status line looks; whether that is known.
    fn look(&mut self) -> bool {
        if let Some(session) = self.session.clone().filter(|_| !self.looked) {
            self.looked = true;
            self.pending = None;
            self.look = self.tmux.status_line(&session);
            if let Some(line) = self.look.as_ref().map(|look| look.restore(&session.id)) {
                self.later(line);
            }
        }
        self.look.is_some()
    }

    fn label(&self, line: &mut CommandLine, window: &str) {
        if let Some(look) = &self.look {
            look.show_mark(line, window);
        }
    }

    fn later(&mut self, line: CommandLine) {
        if !line.is_empty() {
            // one after another, as they were meant
            self.pending = None;
            self.pending = self.tmux.start(line);
        }
    }

    fn keep(&mut self, mark: &str, window: TmuxWindow) -> TmuxWindow {
        self.windows.insert(mark.to_owned(), window.clone());
        window
    }

    /// Whether the window for `mark` is gone, or what it ran is.
    #[must_use]
    pub fn is_dead(&self, mark: &str) -> bool {
        self.windows.get(mark).is_none_or(|window| self.has_ended(window))
    }

    /// Whether a pane is gone, or what it ran is.
    #[must_use]
    pub fn has_ended(&self, pane: &TmuxWindow) -> bool {
        self.tmux.is_dead(&pane.pane)
    }

    /// What the window for `mark` shows right now.
    #[must_use]
    pub fn shown(&self, mark: &str) -> Option<String> {
        self.shown_in(self.windows.get(mark)?)
    }

    /// What a pane shows right now.
    #[must_use]
    pub fn shown_in(&self, pane: &TmuxWindow) -> Option<String> {
        self.tmux.capture(&pane.pane).ok()
    }
}

/// What the window is for in which something of `mark` is verified, where there was no room beside it.
fn verify_mark(mark: &str) -> String {
    format!("{mark} verify")
}

/// What a window of the user's own is for.
fn own_mark(name: &str) -> String {
    format!("{OWN_WINDOW}{name}")
}

fn open_tty(window: &TmuxWindow) -> Option<File> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    OpenOptions::new().write(true).custom_flags(flags).open(&window.tty).ok()
}
