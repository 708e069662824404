//! The only place that runs `tmux`.
//!
//! Everything is addressed by id (`$1`, `@2`, `%3`): names are for people, and tmux reads dots, colons and prefixes
//! in them as something else. Options are set on our own sessions and windows only; the user's server and its
//! configuration are left alone.

pub mod line;
pub mod look;
pub mod parse;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use self::line::{Line, folder};
use self::look::Look;
use crate::agent::redact::Redactor;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::{process, programs};

/// Marks our windows, so that a later run finds them whatever they are called by then.
const UNIT_OPTION: &str = "@seqorch";
/// On our windows: whose they are, since runs of several specs may share a session.
const OWNER_OPTION: &str = "@seqorch_owner";
/// On our sessions: of which project they are, since several may have a spec of one name.
const PROJECT_OPTION: &str = "@seqorch_project";
/// What [`UNIT_OPTION`] holds on the window with the progress.
const MAIN: &str = "main";
/// What [`parse::opened`] reads.
const OPENED: &str = "#{session_id} #{window_id} #{pane_id} #{pane_tty} #{session_name}";

/// A tmux server, reached through its client program.
#[derive(Debug, Clone)]
pub struct Tmux {
    program: PathBuf,
    socket: Option<String>,
    env: Vec<(OsString, OsString)>,
    owner: Owner,
}

/// Whose sessions and windows are ours, as short words without blanks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The project, whose sessions they are.
    pub project: String,
    /// The spec in it, whose windows they are.
    pub spec: String,
}

/// A session of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `$1`
    pub id: String,
    /// Its name, as tmux shows it.
    pub name: String,
}

/// A window of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// `@1`
    pub id: String,
    /// `%1`
    pub pane: String,
    /// The pane's terminal device.
    pub tty: PathBuf,
}

/// What a new window runs.
#[derive(Debug, Clone, Copy)]
pub struct Job<'a> {
    /// The window's name, for people.
    pub name: &'a str,
    /// What the window is for, kept in its option.
    pub mark: &'a str,
    /// Where it starts.
    pub cwd: &'a Path,
    /// Program and arguments; no shell sees them.
    pub argv: &'a [OsString],
    /// Columns and rows, where the session is new.
    pub size: (u16, u16),
    /// What its label says beside the name.
    pub state: Option<&'a str>,
    /// How labels show that.
    pub look: Option<&'a Look>,
}

/// A new pane.
#[derive(Debug, Clone, Copy)]
pub struct Split<'a> {
    /// The pane that gives room.
    pub from: &'a str,
    /// On the right of it, instead of below.
    pub right: bool,
    /// Its size as tmux takes it; `None`: half.
    pub size: Option<&'a str>,
    /// Where it starts.
    pub cwd: &'a Path,
    /// Program and arguments; no shell sees them.
    pub argv: &'a [OsString],
}

/// A command line that tmux works off meanwhile. Nobody waits for it but the next one.
#[derive(Debug)]
pub struct Pending(duct::Handle);

impl Drop for Pending {
    fn drop(&mut self) {
        let _ = self.0.wait();
    }
}

impl Tmux {
    /// The server named `socket` (`tmux -L`), else the one that the environment leads to.
    ///
    /// `env` is the caller's environment. A server that has to be started keeps a copy of it, which
    /// `show-environment` shows to everyone on that server: so what looks like a secret is left out.
    #[must_use]
    pub fn new(program: PathBuf, socket: Option<String>, env: &[(OsString, OsString)]) -> Self {
        let text = |(name, value): &(OsString, OsString)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        };
        let readable: Vec<_> = env.iter().map(text).collect();
        let redactor = Redactor::new(readable.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let shown = readable.iter().map(|(name, value)| !redactor.hides(name, value));
        let env = env.iter().zip(shown).filter(|(_, shown)| *shown).map(|(var, _)| var.clone()).collect();
        Self { program, socket, env, owner: Owner::default() }
    }

    /// For the sessions and windows of `owner`.
    #[must_use]
    pub fn of(self, owner: Owner) -> Self {
        Self { owner, ..self }
    }

    /// The version as tmux says it (`3.3a`); an error if it cannot be run.
    pub fn version(&self) -> Result<String> {
        Ok(self.call(Line::of(["-V"]))?.trim().trim_start_matches("tmux ").to_owned())
    }

    /// The command that a person types to see the session.
    #[must_use]
    pub fn attach_command(&self, session: &str) -> String {
        match &self.socket {
            Some(socket) => format!("tmux -L {socket} attach -t {session}"),
            None => format!("tmux attach -t {session}"),
        }
    }

    /// Program and arguments that attach this terminal to a window of a session, or switch to it from inside tmux.
    #[must_use]
    pub fn attach_argv(&self, session: &Session, window: Option<&str>, inside: bool) -> Vec<OsString> {
        let mut argv = vec![self.program.clone().into_os_string()];
        argv.extend(self.server_args());
        let mut line = Line::default();
        // by itself, since `switch-client` takes no window's id
        if let Some(window) = window {
            line.then(["select-window", "-t", window]);
        }
        let verb = if inside { "switch-client" } else { "attach-session" };
        line.then([verb, "-t", &session.id]);
        argv.extend(line.into_words());
        argv
    }

    /// Where the server listens, as its clients have it in `TMUX`; `None` where no server is.
    #[must_use]
    pub fn socket_path(&self) -> Option<PathBuf> {
        let said = self.call(Line::of(["display-message", "-p", "#{socket_path}"])).ok()?;
        Some(PathBuf::from(said.trim())).filter(|path| path.is_absolute())
    }

    /// The session of exactly this name, if it is ours.
    #[must_use]
    pub fn session(&self, name: &str) -> Option<Session> {
        self.ours(&self.sessions(), name)
    }

    fn sessions(&self) -> Vec<(String, Session)> {
        let format = format!("#{{session_id}} #{{{PROJECT_OPTION}}} #{{session_name}}");
        let list = self.call(Line::of(["list-sessions", "-F", &format]));
        list.map(|list| parse::sessions(&list)).unwrap_or_default()
    }

    /// One that nobody said to be of a project may be of an older version.
    fn ours(&self, all: &[(String, Session)], name: &str) -> Option<Session> {
        let mine = |project: &String| project.is_empty() || *project == self.owner.project;
        all.iter().find(|(project, s)| s.name == name && mine(project)).map(|(_, s)| s.clone())
    }

    /// The session in which a window of ours is.
    #[must_use]
    pub fn with_our_windows(&self) -> Option<Session> {
        let format = format!("#{{session_id}} #{{{OWNER_OPTION}}} #{{session_name}}");
        let list = self.call(Line::of(["list-windows", "-a", "-F", &format])).ok()?;
        let mine = |(owner, _): &(String, Session)| *owner == self.owner.spec;
        parse::sessions(&list).into_iter().find(mine).map(|(_, session)| session)
    }

    /// What our session is called that is to be called `name`: another where a session of another project is called so. The
    /// session itself, where it is there.
    #[must_use]
    pub fn named(&self, name: &str) -> (String, Option<Session>) {
        let all = self.sessions();
        let short: String = self.owner.project.chars().take(6).collect();
        let other = format!("{name}-{short}");
        let found = self.ours(&all, name).or_else(|| self.ours(&all, &other));
        let taken = all.iter().any(|(_, session)| session.name == name);
        let name = match &found {
            Some(session) => session.name.clone(),
            None if taken => other,
            None => name.to_owned(),
        };
        (name, found)
    }

    /// Makes a session with a first window.
    pub fn new_session(&self, name: &str, job: Job<'_>) -> Result<(Session, Window)> {
        let (columns, rows) = job.size;
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let target = format!("={name}:");
        let mut line = Line::of(["new-session", "-d", "-s", name, "-x", &columns, "-y", &rows]);
        opening(&mut line, &target, job, &self.owner);
        if !self.owner.project.is_empty() {
            line.session_option(&target, PROJECT_OPTION, &self.owner.project);
        }
        // a user's `destroy-unattached` would end the run with the last look at it
        line.session_option(&target, "destroy-unattached", "off");
        self.open(line)
    }

    /// Opens a window at the end of a session.
    pub fn new_window(&self, session: &Session, job: Job<'_>) -> Result<(Session, Window)> {
        // after the last one: a free number in the middle would go to a stranger's place
        let end = format!("{}:{{end}}", session.id);
        let mut line = Line::of(["new-window", "-d", "-a", "-t", &end]);
        opening(&mut line, &end, job, &self.owner);
        self.open(line)
    }

    /// Starts the job in a window that is there already, in place of all that it ran.
    pub fn reuse(&self, window: &Window, job: Job<'_>) -> Result<Window> {
        let mut line = Line::of(["respawn-window", "-k", "-t", &window.id]);
        running(&mut line, job.cwd, job.argv);
        labelled(&mut line, &window.id, job);
        line.then(["display-message", "-p", "-t", &window.id, OPENED]);
        self.open(line).map(|(_, window)| window)
    }

    /// Starts a program in a pane that is there already, in place of what it ran.
    pub fn reuse_pane(&self, pane: &str, cwd: &Path, argv: &[OsString]) -> Result<Window> {
        let mut line = Line::of(["respawn-pane", "-k", "-t", pane]);
        running(&mut line, cwd, argv);
        line.then(["display-message", "-p", "-t", pane, OPENED]);
        self.open(line).map(|(_, window)| window)
    }

    /// Starts a program in a new pane of a window; who looks at the window stays where they are.
    pub fn split(&self, split: Split<'_>) -> Result<Window> {
        let mut line = Line::of(["split-window", "-d", if split.right { "-h" } else { "-v" }]);
        line.words(["-t", split.from]);
        if let Some(size) = split.size {
            line.words(["-l", size]);
        }
        line.words(["-P", "-F", OPENED]);
        running(&mut line, split.cwd, split.argv);
        self.open(line).map(|(_, window)| window)
    }

    fn open(&self, line: Line) -> Result<(Session, Window)> {
        let printed = self.call(line)?;
        parse::opened(&printed).ok_or_else(|| strange(&printed))
    }

    /// How the user's status line looks, and what is to be done so that our session begins with it.
    #[must_use]
    pub fn look(&self, session: &Session) -> Option<Look> {
        Look::read(&self.call(Look::ask(&session.id)).ok()?)
    }

    /// Has a command line done, without waiting for it: for what may fail, and may come a little later.
    #[must_use]
    pub fn later(&self, line: Line) -> Option<Pending> {
        if line.is_empty() {
            return None;
        }
        let mut all = self.server_args();
        all.extend(line.into_words());
        let command = duct::cmd(&self.program, &all).full_env(self.env.iter().cloned());
        command.stdin_null().stdout_null().stderr_null().unchecked().start().ok().map(Pending)
    }

    /// Our windows in a session, by what they are for.
    pub fn windows(&self, session: &Session) -> Result<Vec<(String, Window)>> {
        let format =
            format!("#{{window_id}} #{{pane_id}} #{{pane_tty}} #{{{OWNER_OPTION}}} #{{{UNIT_OPTION}}}");
        let list = self.call(Line::of(["list-windows", "-t", &session.id, "-F", &format]))?;
        Ok(parse::windows(&list, &self.owner.spec))
    }

    /// Whether the pane is gone, or what it ran is. A server that does not answer is gone.
    #[must_use]
    pub fn is_dead(&self, pane: &str) -> bool {
        // a pane that is gone expands to nothing
        let Ok(said) = self.call(Line::of(["display-message", "-p", "-t", pane, "#{pane_dead} #{pane_pid}"]))
        else {
            return true;
        };
        // tmux may never notice an end, so the process is asked, too
        let pid = said.trim().strip_prefix("0 ").and_then(|pid| pid.parse().ok());
        pid.is_none_or(|pid| !process::is_alive(pid))
    }

    /// What the pane shows right now.
    pub fn capture(&self, pane: &str) -> Result<String> {
        self.call(Line::of(["capture-pane", "-p", "-t", pane]))
    }

    fn server_args(&self) -> Vec<OsString> {
        match &self.socket {
            Some(socket) => vec!["-L".into(), socket.into()],
            None => Vec::new(),
        }
    }

    fn call(&self, line: Line) -> Result<String> {
        let mut all = self.server_args();
        all.extend(line.into_words());
        let what: Vec<_> = all.iter().take(4).map(|a| a.to_string_lossy().into_owned()).collect();
        let failed = || Error::new(ErrorKind::Unavailable, format!("tmux {} failed", what.join(" ")));
        let output = duct::cmd(&self.program, &all)
            .full_env(self.env.iter().cloned())
            .stdin_null()
            .stdout_capture()
            .stderr_capture()
            .unchecked()
            .run()
            .map_err(|e| failed().caused_by(e))?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            Err(failed().detail(format!("  tmux says: {said}")))
        }
    }
}

/// The rest of a command that opens a window, and what belongs to it. In one command line with the start, so that even
/// an instant end stays on the screen.
fn opening(line: &mut Line, target: &str, job: Job<'_>, owner: &Owner) {
    line.words(["-n", job.name, "-P", "-F", OPENED]);
    running(line, job.cwd, job.argv);
    for (option, value) in [
        ("remain-on-exit", "on"),
        // without a text tmux does not scroll the first line away to say that the pane is dead
        ("remain-on-exit-format", ""),
        ("automatic-rename", "off"),
        (UNIT_OPTION, job.mark),
        (OWNER_OPTION, &owner.spec),
    ] {
        line.window_option(target, option, value);
    }
    labelled(line, target, job);
}

fn running(line: &mut Line, cwd: &Path, argv: &[OsString]) {
    line.words(["-c".as_ref(), folder(cwd.as_os_str()).as_os_str(), "--".as_ref()]);
    line.words(argv);
}

fn labelled(line: &mut Line, target: &str, job: Job<'_>) {
    if let Some(state) = job.state {
        line.window_option(target, look::MARK, state);
    }
    if let Some(look) = job.look {
        look.label(line, target);
    }
}

fn strange(printed: &str) -> Error {
    Error::new(ErrorKind::Unavailable, format!("tmux opened a window and said {:?}", printed.trim()))
}

/// The mark of the window with the progress.
#[must_use]
pub fn main_mark() -> &'static str {
    MAIN
}

/// tmux, where it is on the search path in `env`.
#[must_use]
pub fn find(env: &[(OsString, OsString)]) -> Option<PathBuf> {
    let path = env.iter().find(|(name, _)| name == OsStr::new("PATH")).map(|(_, value)| value.clone())?;
    programs::find_program(OsStr::new("tmux"), Some(&path), Path::new("/"))
}
