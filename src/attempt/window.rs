//! `seqorch __window …`: what runs in a window, or in a pane next to an agent.
//!
//! It asks the run for its program. In a window it becomes that program. In a side pane it stays, because the program ends
//! with the attempt: then it ends what it started, and tmux keeps what the pane shows. It holds nothing of the attempt; it
//! only waits for the end of the attempt's process.

use std::cell::Cell;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::handoff::Handoff;
use crate::sys::interrupt::Interrupt;
use crate::sys::session::cannot_start;
use crate::sys::{process, signals};

/// The hidden verb.
pub const VERB: &str = "__window";

/// Time between TERM and KILL for programs that do not end by themselves.
const GRACE: Duration = Duration::from_secs(2);
/// Most time that the program may take for its last turn, after the end of the attempt.
const LAST_TURN: Duration = Duration::from_secs(5);
/// When the leader of a terminal's session ends, the kernel discards output that tmux has not read yet. A busy tmux gets
/// this long for it.
const LINGER: Duration = Duration::from_secs(1);
/// Moves the cursor home and clears the screen and its history.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";
/// No person can leave a pager here, and reading the tree must never block those who work in it.
const UNATTENDED: [(&str, &str); 3] = [("PAGER", "cat"), ("GIT_PAGER", "cat"), ("GIT_OPTIONAL_LOCKS", "0")];

/// The process of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttemptProcess {
    /// Its id.
    pub pid: i32,
    /// Its start in clock ticks since boot. Together with the pid it identifies the process.
    pub started: u64,
}

/// What a window or a side pane runs. The program itself comes over the socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowProgram {
    /// The run's socket.
    pub socket: PathBuf,
    /// Names the program at the socket.
    pub token: String,
    /// The program's folder.
    pub cwd: PathBuf,
    /// The attempt with which a side pane ends. `None` for a window.
    pub attempt: Option<AttemptProcess>,
    /// Pause between two turns of the program. `None` if it runs once.
    pub every: Option<Duration>,
}

impl WindowProgram {
    /// The command line; `exe` is our own program.
    #[must_use]
    pub fn argv(&self, exe: &Path) -> Vec<OsString> {
        let (pid, started) = self.attempt.map_or((0, 0), |attempt| (attempt.pid, attempt.started));
        let every = self.every.map_or(0, |every| every.as_millis());
        let mut argv: Vec<OsString> = vec![exe.into(), VERB.into(), self.socket.clone().into()];
        argv.extend([(&self.token).into(), self.cwd.clone().into()]);
        argv.extend([pid.to_string(), started.to_string(), every.to_string()].map(OsString::from));
        argv
    }

    /// Reads the arguments behind the verb.
    pub fn parse(mut args: impl Iterator<Item = OsString>) -> Option<Self> {
        let socket = args.next()?.into();
        let token = args.next()?.into_string().ok()?;
        let cwd = args.next()?.into();
        let mut number = || args.next()?.to_str()?.parse::<u64>().ok();
        let (pid, started, every) = (i32::try_from(number()?).ok()?, number()?, number()?);
        let attempt = (pid != 0).then_some(AttemptProcess { pid, started });
        let every = (every != 0).then(|| Duration::from_millis(every));
        Some(Self { socket, token, cwd, attempt, every })
    }

    /// Runs the program to its end and returns the exit code.
    #[must_use]
    pub fn run(&self) -> u8 {
        let code = match self.become_or_supervise() {
            Ok(()) => 0,
            Err(error) => {
                print(&error.render().replace('\n', "\r\n"));
                error.kind().exit_code()
            }
        };
        thread::sleep(LINGER);
        code
    }

    fn become_or_supervise(&self) -> Result<()> {
        let (mut handoff, _) = Handoff::ask(&self.socket, &self.token)
            .map_err(|e| Error::io("asking for the program on", &self.socket, e))?;
        let argv = std::mem::take(&mut handoff.argv);
        if argv.is_empty() {
            return Err(Error::new(ErrorKind::Internal, "the run named no program for this window"));
        }
        let pane = SidePane::new(self, argv, handoff);
        match self.attempt {
            Some(attempt) => pane.supervise(attempt),
            None => match pane.become_program()? {},
        }
    }
}

enum PaneEvent {
    /// The program's turn of this number ended.
    Exited(u32, io::Result<ExitStatus>),
    /// The attempt is over.
    AttemptOver,
    /// The pane was closed, or a person wants its program to end.
    Signal,
}

struct SidePane<'a> {
    window: &'a WindowProgram,
    argv: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    events: Sender<PaneEvent>,
    inbox: Receiver<PaneEvent>,
    /// Number of turns so far.
    turns: Cell<u32>,
}

impl<'a> SidePane<'a> {
    fn new(window: &'a WindowProgram, argv: Vec<OsString>, handoff: Handoff) -> Self {
        let (events, inbox) = channel();
        Self { window, argv, env: handoff.env_on_this_terminal(), events, inbox, turns: Cell::new(0) }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.argv[0]);
        command.args(&self.argv[1..]).current_dir(&self.window.cwd).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    fn cannot_start(&self, why: &io::Error) -> String {
        cannot_start(&self.argv[0].to_string_lossy(), why)
    }

    fn become_program(&self) -> Result<Infallible> {
        let why = self.command().exec();
        Err(Error::new(ErrorKind::Unavailable, self.cannot_start(&why)))
    }

    fn supervise(&self, attempt: AttemptProcess) -> Result<()> {
        process::adopt_orphans();
        let signals = self.events.clone();
        let on = move |signal: Interrupt| {
            if signal.ends() {
                let _ = signals.send(PaneEvent::Signal);
            }
        };
        signals::watch(on).map_err(|e| Error::new(ErrorKind::Internal, "catching signals").caused_by(e))?;
        let over = self.events.clone();
        thread::spawn(move || {
            if process::process(attempt.pid).is_none_or(|now| now.started == attempt.started) {
                process::wait_for_end(attempt.pid);
            }
            let _ = over.send(PaneEvent::AttemptOver);
        });
        match self.window.every {
            Some(pause) => self.repeat(pause),
            None => self.once(),
        }
        Ok(())
    }

    fn once(&self) {
        if self.start_turn(false)
            && let Some(PaneEvent::Exited(_, status)) = self.next(None)
        {
            print_failure(&status);
        }
        end_children();
    }

    fn repeat(&self, pause: Duration) {
        loop {
            print(CLEAR);
            if self.start_turn(true) {
                match self.next(None) {
                    Some(PaneEvent::Exited(_, status)) => print_failure(&status),
                    Some(PaneEvent::AttemptOver) => break,
                    _ => return end_children(),
                }
                end_children();
            }
            match self.next(Some(pause)) {
                None | Some(PaneEvent::Exited(..)) => {}
                Some(PaneEvent::AttemptOver) => break,
                Some(PaneEvent::Signal) => return,
            }
        }
        // one last turn: the pane keeps showing the state after the attempt
        end_children();
        print(CLEAR);
        if self.start_turn(true)
            && let Some(PaneEvent::Exited(_, status)) = self.next(Some(LAST_TURN))
        {
            print_failure(&status);
        }
        end_children();
    }

    /// Starts the program; its end will be an event. Returns whether it started.
    fn start_turn(&self, unattended: bool) -> bool {
        let number = self.turns.get() + 1;
        self.turns.set(number);
        let mut command = self.command();
        command.envs(UNATTENDED);
        if unattended {
            // a program that reads would wait for ever
            command.stdin(Stdio::null());
        }
        match command.spawn() {
            Ok(mut child) => {
                let events = self.events.clone();
                thread::spawn(move || events.send(PaneEvent::Exited(number, Child::wait(&mut child))));
                true
            }
            Err(why) => {
                print(&format!("{}\r\n", self.cannot_start(&why)));
                false
            }
        }
    }

    /// The next event within `limit`. The end of an earlier turn does not count.
    fn next(&self, limit: Option<Duration>) -> Option<PaneEvent> {
        let began = Instant::now();
        loop {
            let event = match limit {
                None => self.inbox.recv().ok()?,
                Some(limit) => self.inbox.recv_timeout(limit.saturating_sub(began.elapsed())).ok()?,
            };
            if !matches!(event, PaneEvent::Exited(number, _) if number != self.turns.get()) {
                return Some(event);
            }
        }
    }
}

/// Ends the program and all that it left running.
fn end_children() {
    let me = process::own_pid();
    if process::has_children(me) {
        process::terminate(|| process::descendants(me), GRACE, reap);
    }
}

/// Collects ended processes that no thread waits for.
fn reap() {
    while matches!(rustix::process::wait(rustix::process::WaitOptions::NOHANG), Ok(Some(_))) {}
}

fn print_failure(status: &io::Result<ExitStatus>) {
    let Ok(status) = status else { return };
    if !status.success() {
        print(&format!("\x1b[2m({status})\x1b[0m\r\n"));
    }
}

/// Prints if possible. If the pane is gone, its signal comes soon.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_program_survives_its_command_line() {
        let attempt = AttemptProcess { pid: 12, started: 34_567_890_123 };
        for (attempt, every) in [(None, None), (Some(attempt), Some(Duration::from_millis(4321)))] {
            let (socket, cwd) = ("/a b/c.sock".into(), "/w".into());
            let window = WindowProgram { socket, token: "3".into(), cwd, attempt, every };
            let argv = window.argv(Path::new("/bin/seqorch"));
            assert_eq!(WindowProgram::parse(argv.into_iter().skip(2)), Some(window));
        }
        assert_eq!(WindowProgram::parse(["/s", "t", "/w", "1", "2"].map(OsString::from).into_iter()), None);
    }
}
