//! `seqorch __pane`: what runs in a pane beside an agent, and in a window of the user's own.
//!
//! It gets its environment as an attempt does, over a private socket, and holds nothing of the attempt: it only waits for
//! the end of that process. Then it ends what it started, and tmux keeps what the pane shows.

use std::cell::Cell;
use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, ErrorKind, Result};
use crate::store::record::unpack_env;
use crate::sys::{process, signals, socket};

/// Between TERM and KILL for what does not end by itself.
const GRACE: Duration = Duration::from_secs(2);
/// What the last look at the state may take.
const LAST_LOOK: Duration = Duration::from_secs(5);
/// When the leader of a terminal's session ends, the kernel throws away what nobody has read yet; a busy tmux gets this
/// long for the last words.
const LINGER: Duration = Duration::from_secs(1);
/// Cursor home, the screen and what was scrolled out of it wiped.
const CLEAR: &str = "\x1b[H\x1b[2J\x1b[3J";
/// What describes the terminal is the pane's, not the shell's that typed `seqorch run`.
const OF_THE_PANE: [&str; 6] = ["TERM", "TMUX", "TMUX_PANE", "COLORTERM", "COLUMNS", "LINES"];
/// Nobody is there to leave a pager, and a look at the tree must never be in the way of whoever works in it.
const UNATTENDED: [(&str, &str); 3] = [("PAGER", "cat"), ("GIT_PAGER", "cat"), ("GIT_OPTIONAL_LOCKS", "0")];

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Errand {
    /// Where the environment is to be had.
    pub socket: PathBuf,
    /// Process and start of the attempt that it goes with; `None`: it is a window of the user's own.
    pub attempt: Option<(i32, u64)>,
    /// Pause before the next time; `None`: once.
    pub every: Option<Duration>,
    /// Where.
    pub cwd: PathBuf,
    /// Program and arguments.
    pub argv: Vec<OsString>,
}

impl Errand {
    /// As arguments of this program.
    #[must_use]
    pub fn args(&self) -> Vec<OsString> {
        let (pid, started) = self.attempt.unwrap_or_default();
        let every = self.every.map_or(0, |every| every.as_millis());
        let mut args: Vec<OsString> = vec!["__pane".into(), self.socket.clone().into()];
        args.extend([pid.to_string(), started.to_string(), every.to_string()].map(OsString::from));
        args.extend([self.cwd.clone().into(), "--".into()]);
        args.extend(self.argv.iter().cloned());
        args
    }

    /// From what follows `__pane`.
    pub fn parse(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let socket = words.next()?.into();
        let mut number = || words.next()?.to_str()?.parse::<u64>().ok();
        let (pid, started, every) = (i32::try_from(number()?).ok()?, number()?, number()?);
        let cwd = words.next()?.into();
        let argv: Vec<_> = words.skip(1).collect();
        let attempt = (pid != 0).then_some((pid, started));
        let every = (every != 0).then(|| Duration::from_millis(every));
        (!argv.is_empty()).then_some(Self { socket, attempt, every, cwd, argv })
    }
}

enum Event {
    /// The command with this number.
    Exited(u32, io::Result<ExitStatus>),
    /// The attempt is over.
    Over,
    /// Its window was closed, or a person wants it to end.
    Asked,
}

/// Runs it to its end, and gives the exit code.
#[must_use]
pub fn run(errand: &Errand) -> u8 {
    let code = match go(errand) {
        Ok(()) => 0,
        Err(error) => {
            show(&error.render().replace('\n', "\r\n"));
            error.kind().exit_code()
        }
    };
    thread::sleep(LINGER);
    code
}

fn go(errand: &Errand) -> Result<()> {
    let env = receive(&errand.socket)?;
    let Some((pid, started)) = errand.attempt else {
        let never = become_it(errand, env)?;
        match never {}
    };
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    let (tell, inbox) = channel();
    let asked = tell.clone();
    signals::watch(move |_| {
        let _ = asked.send(Event::Asked);
    })
    .map_err(|e| Error::new(ErrorKind::Internal, "catching signals").caused_by(e))?;
    let over = tell.clone();
    thread::spawn(move || {
        if process::process(pid).is_none_or(|now| now.started == started) {
            process::wait_for_end(pid);
        }
        let _ = over.send(Event::Over);
    });
    let pane = Pane { errand, env, tell, inbox, count: Cell::new(0) };
    match errand.every {
        Some(pause) => pane.again_and_again(pause),
        None => pane.once(),
    }
    Ok(())
}

/// Its environment: what the shell that typed `seqorch run` has, and what belongs to the pane.
fn receive(path: &Path) -> Result<Vec<(OsString, OsString)>> {
    let mut packed = Vec::new();
    socket::connect(path)
        .and_then(|mut stream| stream.read_to_end(&mut packed))
        .map_err(|e| Error::io("asking for the environment on", path, e))?;
    let given = unpack_env(&packed)
        .into_iter()
        .map(|(n, v)| (OsString::from_vec(n.to_vec()), OsString::from_vec(v.to_vec())))
        .filter(|(name, _)| !is_of_the_pane(name));
    let own = std::env::vars_os().filter(|(name, _)| is_of_the_pane(name));
    Ok(given.chain(own).collect())
}

fn is_of_the_pane(name: &OsStr) -> bool {
    OF_THE_PANE.iter().any(|known| name.as_bytes() == known.as_bytes())
}

fn become_it(errand: &Errand, env: Vec<(OsString, OsString)>) -> Result<Infallible> {
    let mut command = Command::new(&errand.argv[0]);
    command.args(&errand.argv[1..]).current_dir(&errand.cwd).env_clear().envs(env);
    let why = command.exec();
    let text = format!("cannot start {}", errand.argv[0].to_string_lossy());
    Err(Error::new(ErrorKind::Unavailable, text).caused_by(why))
}

struct Pane<'a> {
    errand: &'a Errand,
    env: Vec<(OsString, OsString)>,
    tell: Sender<Event>,
    inbox: Receiver<Event>,
    /// Commands that were started.
    count: Cell<u32>,
}

impl Pane<'_> {
    fn once(&self) {
        if self.start(false)
            && let Some(Event::Exited(_, status)) = self.next(None)
        {
            remark(&status);
        }
        Self::end();
    }

    fn again_and_again(&self, pause: Duration) {
        loop {
            show(CLEAR);
            if self.start(true) {
                match self.next(None) {
                    Some(Event::Exited(_, status)) => remark(&status),
                    Some(Event::Over) => break,
                    _ => return Self::end(),
                }
                Self::end();
            }
            match self.next(Some(pause)) {
                None | Some(Event::Exited(..)) => {}
                Some(Event::Over) => break,
                Some(Event::Asked) => return,
            }
        }
        // the attempt is over: what stays on the screen is the state that it left
        Self::end();
        show(CLEAR);
        if self.start(true)
            && let Some(Event::Exited(_, status)) = self.next(Some(LAST_LOOK))
        {
            remark(&status);
        }
        Self::end();
    }

    /// Starts the command; its end is an event. Whether it could be started.
    fn start(&self, unattended: bool) -> bool {
        let Errand { argv, cwd, .. } = self.errand;
        let number = self.count.get() + 1;
        self.count.set(number);
        let mut command = Command::new(&argv[0]);
        command.args(&argv[1..]).current_dir(cwd).env_clear();
        command.envs(self.env.iter().map(|(name, value)| (name, value))).envs(UNATTENDED);
        if unattended {
            // what reads would wait for ever
            command.stdin(Stdio::null());
        }
        match command.spawn() {
            Ok(child) => {
                let tell = self.tell.clone();
                thread::spawn(move || tell.send(Event::Exited(number, wait(child))));
                true
            }
            Err(why) => {
                show(&format!("cannot start {}: {why}\r\n", argv[0].to_string_lossy()));
                false
            }
        }
    }

    /// What happens next, within `limit`; the end of a command that is not the last one any more is no news.
    fn next(&self, limit: Option<Duration>) -> Option<Event> {
        let began = Instant::now();
        loop {
            let event = match limit {
                None => self.inbox.recv().ok()?,
                Some(limit) => self.inbox.recv_timeout(limit.saturating_sub(began.elapsed())).ok()?,
            };
            if !matches!(event, Event::Exited(number, _) if number != self.count.get()) {
                return Some(event);
            }
        }
    }

    /// Ends whatever was started, and what that left behind.
    fn end() {
        let me = i32::try_from(std::process::id()).unwrap_or(0);
        if process::has_children(me) {
            process::terminate(|| process::descendants(me), GRACE, reap);
        }
    }
}

fn wait(mut child: Child) -> io::Result<ExitStatus> {
    child.wait()
}

/// Collects what ended below us without being waited for.
fn reap() {
    while matches!(rustix::process::wait(rustix::process::WaitOptions::NOHANG), Ok(Some(_))) {}
}

fn remark(status: &io::Result<ExitStatus>) {
    let Ok(status) = status else { return };
    if !status.success() {
        show(&format!("\x1b[2m({status})\x1b[0m\r\n"));
    }
}

/// A pane that is gone is no reason to stop: its signal comes.
fn show(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_pane_is_told_comes_through_its_arguments() {
        for (attempt, every) in
            [(None, None), (Some((12, 34_567_890_123)), Some(Duration::from_millis(4321)))]
        {
            let errand = Errand {
                socket: "/a b/c.sock".into(),
                attempt,
                every,
                cwd: "/w".into(),
                argv: ["git", "--", ""].map(OsString::from).to_vec(),
            };
            assert_eq!(Errand::parse(errand.args().into_iter().skip(1)), Some(errand));
        }
        assert_eq!(Errand::parse(["/s", "1", "2"].map(OsString::from).into_iter()), None);
    }
}
