//! A tmux server, and the function that starts tmux: each call has a deadline and can be ended at once.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::command_line::CommandLine;
use super::failure::TmuxError;
use super::parse::{self, OPENED, OpenedWindow};
use super::session::{PROJECT_OPTION, PURPOSE_OPTION, SPEC_OPTION, TmuxSession, TmuxWindow, WindowOwner};
use super::status_line::StatusLine;
use super::window_commands::{NewPane, NewWindow, open_window, run_program, set_mark};
use crate::agent::redact::Redactor;
use crate::sys::command::{self, CommandWatch, Finished, OutputLimit, Supervised, Unfinished};
use crate::sys::stop_flag::StopFlag;
use crate::sys::{process, programs};

/// How long a call may take.
const DEADLINE: Duration = Duration::from_secs(10);
/// How long a call may take after one that got no answer, or when the run is to end.
const SHORT: Duration = Duration::from_secs(1);

type Result<T> = std::result::Result<T, TmuxError>;

/// A tmux server, reached through the tmux program.
#[derive(Debug, Clone)]
pub struct TmuxServer {
    program: PathBuf,
    socket: Option<String>,
    env: Vec<(OsString, OsString)>,
    owner: WindowOwner,
    caller: TmuxCaller,
    /// The last call got no answer.
    stands_still: Arc<AtomicBool>,
}

/// Who else has a say in the calls of a run.
#[derive(Clone, Default)]
pub struct TmuxCaller {
    /// Ends a call that works.
    pub stop: Option<StopFlag>,
    /// Gets the calls that take long.
    pub watch: Option<Arc<dyn CommandWatch + Send + Sync>>,
}

impl fmt::Debug for TmuxCaller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TmuxCaller").finish_non_exhaustive()
    }
}

/// A command line that tmux is still executing. Dropping this waits for its end.
#[derive(Debug)]
pub struct PendingCommand(Option<JoinHandle<()>>);

impl Drop for PendingCommand {
    fn drop(&mut self) {
        if let Some(thread) = self.0.take() {
            let _ = thread.join();
        }
    }
}

impl TmuxServer {
    /// The server named `socket` (`tmux -L`), or the default one.
    ///
    /// `env` is the caller's environment. A server that has to be started keeps a copy of it, and `show-environment` prints
    /// that copy to everyone on the server. So variables that look like secrets are left out.
    #[must_use]
    pub fn new(program: PathBuf, socket: Option<String>, env: &[(OsString, OsString)]) -> Self {
        let text = |(name, value): &(OsString, OsString)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        };
        let readable: Vec<_> = env.iter().map(text).collect();
        let redactor = Redactor::new(readable.iter().map(|(n, v)| (n.as_str(), v.as_str())));
        let shown = readable.iter().map(|(name, value)| !redactor.hides(name, value));
        let env = env.iter().zip(shown).filter(|(_, shown)| *shown).map(|(var, _)| var.clone()).collect();
        Self {
            program,
            socket,
            env,
            owner: WindowOwner::default(),
            caller: TmuxCaller::default(),
            stands_still: Arc::default(),
        }
    }

    /// The same server, for the sessions and windows of `owner`.
    #[must_use]
    pub fn of(self, owner: WindowOwner) -> Self {
        Self { owner, ..self }
    }

    /// The same server, whose calls this caller may end and gets to know.
    #[must_use]
    pub fn called_by(self, caller: TmuxCaller) -> Self {
        Self { caller, ..self }
    }

    /// The version as tmux prints it (`3.3a`). An error if tmux cannot be run.
    pub fn version(&self) -> Result<String> {
        Ok(self.call(CommandLine::of(["-V"]))?.trim().trim_start_matches("tmux ").to_owned())
    }

    /// The command that the user types to see the session.
    #[must_use]
    pub fn attach_command(&self, session: &str) -> String {
        match &self.socket {
            Some(socket) => format!("tmux -L {socket} attach -t {session}"),
            None => format!("tmux attach -t {session}"),
        }
    }

    /// The program and the arguments that attach this terminal to a window of a session. Inside tmux they switch to it.
    #[must_use]
    pub fn attach_argv(
        &self,
        session: &TmuxSession,
        window: Option<&str>,
        inside: bool,
        others: bool,
    ) -> Vec<OsString> {
        let mut line = CommandLine::default();
        let verb = if inside { "switch-client" } else { "attach-session" };
        match window {
            // all clients of a session look at the same window, so this one gets a session of its own with the same windows
            Some(window) if others => {
                let name = format!("{}-{}", session.name, std::process::id());
                line.then(["new-session", "-d", "-s", &name, "-t", &session.id]);
                line.then(["select-window", "-t", &format!("={name}:{window}")]);
                line.then([verb, "-t", &format!("={name}")]);
                // it ends with this client
                line.then(["set-option", "-t", &format!("={name}:"), "destroy-unattached", "on"]);
            }
            _ => {
                // a command of its own, because `switch-client` does not take a window's id
                if let Some(window) = window {
                    line.then(["select-window", "-t", window]);
                }
                line.then([verb, "-t", &session.id]);
            }
        }
        let mut argv = vec![self.program.clone().into_os_string()];
        argv.extend(self.args(line));
        argv
    }

    /// Whether a client looks at the session.
    pub fn is_attached(&self, session: &TmuxSession) -> Result<bool> {
        let clients =
            self.ask(CommandLine::of(["list-clients", "-t", &session.id, "-F", "#{client_name}"]))?;
        Ok(clients.is_some_and(|clients| !clients.trim().is_empty()))
    }

    /// The server's socket, as its clients have it in `TMUX`. `None` if no server runs.
    pub fn socket_path(&self) -> Result<Option<PathBuf>> {
        let printed = self.ask(CommandLine::of(["display-message", "-p", "#{socket_path}"]))?;
        Ok(printed.map(|printed| PathBuf::from(printed.trim())).filter(|path| path.is_absolute()))
    }

    /// The session with exactly this name, if it belongs to the owner's project.
    pub fn session(&self, name: &str) -> Result<Option<TmuxSession>> {
        Ok(self.ours(&self.sessions()?, name))
    }

    fn sessions(&self) -> Result<Vec<(String, TmuxSession)>> {
        let format = format!("#{{session_id}} #{{{PROJECT_OPTION}}} #{{session_name}}");
        let list = self.ask(CommandLine::of(["list-sessions", "-F", &format]))?;
        Ok(list.map(|list| parse::sessions(&list)).unwrap_or_default())
    }

    /// A session without a project may be from an older version, so it counts as ours.
    fn ours(&self, all: &[(String, TmuxSession)], name: &str) -> Option<TmuxSession> {
        let mine = |project: &String| project.is_empty() || *project == self.owner.project;
        all.iter().find(|(project, s)| s.name == name && mine(project)).map(|(_, s)| s.clone())
    }

    /// The session that holds a window of the owner's spec.
    pub fn session_with_our_windows(&self) -> Result<Option<TmuxSession>> {
        let format = format!("#{{session_id}} #{{{SPEC_OPTION}}} #{{session_name}}");
        let list = self.ask(CommandLine::of(["list-windows", "-a", "-F", &format]))?.unwrap_or_default();
        let mine = |(owner, _): &(String, TmuxSession)| *owner == self.owner.spec;
        Ok(parse::sessions(&list).into_iter().find(mine).map(|(_, session)| session))
    }

    /// The name for our session, and the session itself if it exists. The name is `name`, or another one if a session of
    /// another project has that name.
    pub fn find_session(&self, name: &str) -> Result<(String, Option<TmuxSession>)> {
        let all = self.sessions()?;
        let short: String = self.owner.project.chars().take(6).collect();
        let other = format!("{name}-{short}");
        let found = self.ours(&all, name).or_else(|| self.ours(&all, &other));
        let taken = all.iter().any(|(_, session)| session.name == name);
        let name = match &found {
            Some(session) => session.name.clone(),
            None if taken => other,
            None => name.to_owned(),
        };
        Ok((name, found))
    }

    /// Creates a session with a first window.
    pub fn new_session(&self, name: &str, window: NewWindow<'_>) -> Result<(TmuxSession, TmuxWindow)> {
        let (columns, rows) = window.size;
        let (columns, rows) = (columns.to_string(), rows.to_string());
        let target = format!("={name}:");
        let mut line = CommandLine::of(["new-session", "-d", "-s", name, "-x", &columns, "-y", &rows]);
        open_window(&mut line, &target, window, &self.owner);
        if !self.owner.project.is_empty() {
            line.session_option(&target, PROJECT_OPTION, &self.owner.project);
        }
        // with the user's `destroy-unattached` the run would end when the last client detaches
        line.session_option(&target, "destroy-unattached", "off");
        self.open_of_size(line, window.size)
    }

    /// Opens a window at the end of a session.
    pub fn new_window(
        &self,
        session: &TmuxSession,
        window: NewWindow<'_>,
    ) -> Result<(TmuxSession, TmuxWindow)> {
        // at the end, so that the windows of others keep their places
        let end = format!("{}:{{end}}", session.id);
        let mut line = window.before.clone();
        line.then(["new-window", "-d", "-a", "-t", &end]);
        open_window(&mut line, &end, window, &self.owner);
        line.and(window.after.clone());
        self.open_of_size(line, window.size)
    }

    /// Starts a program in an existing window and ends everything that ran there. Clients keep the window that they show:
    /// `respawn-window` would change it.
    pub fn reuse_window(&self, old: &TmuxWindow, window: NewWindow<'_>) -> Result<TmuxWindow> {
        let mut line = window.before.clone();
        line.then(["kill-pane", "-a", "-t", &old.pane]);
        line.then(["respawn-pane", "-k", "-t", &old.pane]);
        run_program(&mut line, window.cwd, window.argv);
        set_mark(&mut line, &old.id, window);
        line.then(["display-message", "-p", "-t", &old.id, OPENED]);
        line.and(window.after.clone());
        self.open_of_size(line, window.size).map(|(_, window)| window)
    }

    /// Starts a program in an existing pane and ends what ran there.
    pub fn reuse_pane(&self, pane: &str, cwd: &Path, argv: &[OsString]) -> Result<TmuxWindow> {
        let mut line = CommandLine::of(["respawn-pane", "-k", "-t", pane]);
        run_program(&mut line, cwd, argv);
        line.then(["display-message", "-p", "-t", pane, OPENED]);
        self.open(line).map(|opened| opened.window)
    }

    /// Starts a program in a new pane. Clients keep the pane that they have selected.
    pub fn new_pane(&self, pane: NewPane<'_>) -> Result<TmuxWindow> {
        let mut line = CommandLine::of(["split-window", "-d", if pane.right { "-h" } else { "-v" }]);
        line.words(["-t", pane.from]);
        if let Some(size) = pane.size {
            line.words(["-l", size]);
        }
        line.words(["-P", "-F", OPENED]);
        run_program(&mut line, pane.cwd, pane.argv);
        self.open(line).map(|opened| opened.window)
    }

    /// Opens a window. While no client shows its session, it has this size: tmux gives it that of any other client, and an
    /// agent cannot draw in two columns.
    fn open_of_size(
        &self,
        line: CommandLine,
        (columns, rows): (u16, u16),
    ) -> Result<(TmuxSession, TmuxWindow)> {
        let opened = self.open(line)?;
        if !opened.is_attached && opened.size != format!("{columns}x{rows}") {
            let (id, columns, rows) = (&opened.window.id, columns.to_string(), rows.to_string());
            let mut line = CommandLine::of(["resize-window", "-t", id, "-x", &columns, "-y", &rows]);
            // the client that attaches later gives it its own size
            line.then(["set-option", "-w", "-u", "-t", id, "window-size"]);
            // an older tmux cannot do this
            let _ = self.call(line);
        }
        Ok((opened.session, opened.window))
    }

    fn open(&self, line: CommandLine) -> Result<OpenedWindow> {
        let printed = self.call(line)?;
        parse::opened(&printed).ok_or_else(|| TmuxError::Unusable {
            why: format!("tmux opened a window and printed {:?}", printed.trim()),
        })
    }

    /// The user's status line. This also removes the message of an earlier run from it.
    pub fn status_line(&self, session: &TmuxSession) -> Result<Option<StatusLine>> {
        Ok(StatusLine::parse(&self.call(StatusLine::query(&session.id))?))
    }

    /// Starts a command line and does not wait for its end. For commands that may fail and may take effect a little later.
    #[must_use]
    pub fn start(&self, line: CommandLine) -> Option<PendingCommand> {
        if line.is_empty() {
            return None;
        }
        let server = self.clone();
        Some(PendingCommand(Some(thread::spawn(move || drop(server.call(line))))))
    }

    /// The windows of the owner's spec in a session, each with its purpose.
    pub fn windows(&self, session: &TmuxSession) -> Result<Vec<(String, TmuxWindow)>> {
        let format =
            format!("#{{window_id}} #{{pane_id}} #{{pane_tty}} #{{{SPEC_OPTION}}} #{{{PURPOSE_OPTION}}}");
        let list = self.call(CommandLine::of(["list-windows", "-t", &session.id, "-F", &format]))?;
        Ok(parse::windows(&list, &self.owner.spec))
    }

    /// Whether a pane is gone or its program has ended.
    pub fn is_dead(&self, pane: &str) -> Result<bool> {
        // a pane that is gone expands to nothing
        let format = "#{pane_dead} #{pane_pid}";
        let printed = match self.call(CommandLine::of(["display-message", "-p", "-t", pane, format])) {
            Ok(printed) => printed,
            Err(TmuxError::Failed { .. }) => return Ok(true),
            Err(error) => return Err(error),
        };
        // tmux may miss the end of a process, so the system is asked as well
        let pid = printed.trim().strip_prefix("0 ").and_then(|pid| pid.parse().ok());
        Ok(pid.is_none_or(|pid| !process::is_alive(pid)))
    }

    /// The text that a pane shows now.
    pub fn capture(&self, pane: &str) -> Result<String> {
        self.call(CommandLine::of(["capture-pane", "-p", "-t", pane]))
    }

    /// The arguments of the tmux program for a command line on this server.
    fn args(&self, line: CommandLine) -> Vec<OsString> {
        let socket = self.socket.iter().flat_map(|socket| ["-L", socket]);
        socket.map(OsString::from).chain(line.into_words()).collect()
    }

    /// What tmux prints; `None` where no server runs.
    fn ask(&self, line: CommandLine) -> Result<Option<String>> {
        match self.call(line) {
            Err(error) if error.is_no_server() => Ok(None),
            printed => printed.map(Some),
        }
    }

    /// Runs tmux. Every tmux process is made here, except for the one that [`Self::attach_argv`] describes, which takes the
    /// place of seqorch itself.
    fn call(&self, line: CommandLine) -> Result<String> {
        let args = self.args(line);
        let shown: Vec<_> = args.iter().take(4).map(|arg| arg.to_string_lossy()).collect();
        let shown = format!("tmux {}", shown.join(" "));
        let mut command = Command::new(&self.program);
        command.args(&args).env_clear().envs(self.env.iter().map(|(name, value)| (name, value)));
        // when the run is to end, its windows are still marked
        let stop = self.caller.stop.as_ref().filter(|stop| !stop.is_raised());
        let hurries =
            self.stands_still.load(Ordering::Relaxed) || self.caller.stop.is_some() && stop.is_none();
        let deadline = if hurries { SHORT } else { DEADLINE };
        let call =
            Supervised { command, stdin: b"", holds: None, deadline, keep: OutputLimit::All, shown: &shown };
        let watch = self.caller.watch.as_deref().map(|watch| watch as &dyn CommandWatch);
        let done = command::run(call, stop, watch);
        self.stands_still.store(matches!(done, Err(Unfinished::TimedOut(_))), Ordering::Relaxed);
        match done {
            Ok(Finished { status, stdout, .. }) if status.success() => {
                Ok(String::from_utf8_lossy(&stdout).into_owned())
            }
            Ok(Finished { stderr, .. }) => {
                let words = String::from_utf8_lossy(&stderr).trim().to_owned();
                Err(TmuxError::Failed { command: shown, words })
            }
            Err(Unfinished::NotStarted(error)) => Err(TmuxError::NotStarted { why: error.to_string() }),
            Err(Unfinished::TimedOut(_)) => Err(TmuxError::TimedOut { command: shown, after: deadline }),
            Err(Unfinished::Stopped) => Err(TmuxError::Stopped { command: shown }),
            Err(Unfinished::Broken(error)) => Err(TmuxError::Unusable { why: format!("`{shown}`: {error}") }),
        }
    }
}

/// The path of tmux, if it is in the search path of `env` and not in the repository around `dir`.
#[must_use]
pub fn find_tmux(env: &[(OsString, OsString)], dir: &Path) -> Option<PathBuf> {
    let path = env.iter().find(|(name, _)| name == "PATH").map(|(_, value)| value.as_os_str())?;
    programs::find_tool("tmux", Some(path), dir)
}
