//! Runs a program to its end: with a deadline, in a process group of its own, and with an end on request.
//!
//! A hook that sleeps, a signer that asks, a server that stands still: whatever seqorch waits for has a deadline and
//! can be ended at once. The programs that go through here are tools (`git`, `tmux`), not agents.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process_group};
#[cfg(target_os = "linux")]
use rustix::process::{PidfdFlags, pidfd_open};

use super::stop_flag::{StopFlag, cloexec_pipe, timespec};

/// How long a program gets between TERM and KILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long output may still arrive after the program itself has ended: a child that it left may hold the pipe.
const DRAIN: Duration = Duration::from_millis(200);
/// A command that takes longer than this is named to the [`CommandWatch`].
pub(super) const SLOW: Duration = Duration::from_secs(2);

/// Gets a command that takes long, so that `status` can name what a run waits for.
pub trait CommandWatch {
    /// The command takes longer than a moment. Called once.
    fn slow(&self, command: &str);
    /// A command that was reported as slow is over.
    fn over(&self);
}

/// How much of a program's output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputLimit {
    /// All of it.
    All,
    /// The last bytes.
    End(usize),
}

/// What to run, and how long.
pub struct Supervised<'a> {
    /// The program with its arguments, folder and environment; its streams are set here.
    pub command: Command,
    /// What it reads from its standard input.
    pub stdin: &'a [u8],
    /// What its standard input is instead: a file that it holds open while it lives, also where this process dies.
    pub holds: Option<&'a File>,
    /// How long it may take.
    pub deadline: Duration,
    /// How much of its standard output is kept; of standard error always the end.
    pub keep: OutputLimit,
    /// The command as people read it.
    pub shown: &'a str,
}

/// What a program that ended by itself left.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: Vec<u8>,
    /// The end of what it wrote to standard error.
    pub stderr: Vec<u8>,
}

/// Why there is no [`Finished`].
#[derive(Debug)]
pub enum Unfinished {
    /// It could not be started.
    NotStarted(io::Error),
    /// Its deadline passed, and it was ended. What it had written to standard error by then.
    TimedOut(Vec<u8>),
    /// Somebody asked for an end, and it was ended.
    Stopped,
    /// Its streams could not be read.
    Broken(io::Error),
}

/// Bytes of standard error that are kept.
const STDERR_MAX: usize = 64 * 1024;

/// Runs a program to its end.
pub fn run(
    mut call: Supervised<'_>,
    stop: Option<&StopFlag>,
    watch: Option<&dyn CommandWatch>,
) -> Result<Finished, Unfinished> {
    if stop.is_some_and(StopFlag::is_raised) {
        return Err(Unfinished::Stopped);
    }
    let held = call.holds.map(File::try_clone).transpose().map_err(Unfinished::NotStarted)?;
    call.command.stdin(match held {
        Some(file) => Stdio::from(file),
        None if call.stdin.is_empty() => Stdio::null(),
        None => Stdio::piped(),
    });
    call.command.stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
    let mut child = call.command.spawn().map_err(Unfinished::NotStarted)?;
    let group = Pid::from_child(&child);
    let streams = Streams::take(&mut child, call.keep);
    let (mut streams, exit) = match streams.and_then(|streams| Ok((streams, Exit::of(&child)?))) {
        Ok(both) => both,
        Err(error) => {
            end_group(group, &mut child);
            return Err(Unfinished::Broken(error));
        }
    };
    let (exited, status) = exit.watch(child);
    let ended = Wait { call: &call, stop, watch, group, exited: &exited }.until_over(&mut streams);
    let status = status();
    match ended {
        Ended::ByItself => Ok(Finished {
            status: status.map_err(Unfinished::Broken)?,
            stdout: streams.out.bytes,
            stderr: streams.err.bytes,
        }),
        Ended::Deadline => Err(Unfinished::TimedOut(streams.err.bytes)),
        Ended::Stopped => Err(Unfinished::Stopped),
        Ended::Broken(error) => Err(Unfinished::Broken(error)),
    }
}

/// How the end of a program is noticed.
enum Exit {
    /// By a descriptor of the process.
    #[cfg(target_os = "linux")]
    Descriptor(OwnedFd),
    /// By a thread that waits for it and closes the second end of a pipe: where the kernel has no such descriptors.
    Thread(OwnedFd, OwnedFd),
}

impl Exit {
    #[cfg_attr(
        not(target_os = "linux"),
        expect(unused_variables, reason = "only Linux has such descriptors")
    )]
    fn of(child: &Child) -> io::Result<Self> {
        #[cfg(target_os = "linux")]
        if let Ok(process) = pidfd_open(Pid::from_child(child), PidfdFlags::empty()) {
            return Ok(Self::Descriptor(process));
        }
        let (exited, exits) = cloexec_pipe()?;
        Ok(Self::Thread(exited, exits))
    }

    /// What can be read once the program has ended, and what waits for its exit status.
    fn watch(self, mut child: Child) -> (OwnedFd, Box<dyn FnOnce() -> io::Result<ExitStatus>>) {
        match self {
            #[cfg(target_os = "linux")]
            Self::Descriptor(exited) => (exited, Box::new(move || child.wait())),
            Self::Thread(exited, exits) => {
                let waiter = thread::spawn(move || {
                    let status = child.wait();
                    drop(exits);
                    status
                });
                let panicked = |_| Err(io::Error::other("the waiting thread panicked"));
                (exited, Box::new(move || waiter.join().unwrap_or_else(panicked)))
            }
        }
    }
}

enum Ended {
    ByItself,
    Deadline,
    Stopped,
    Broken(io::Error),
}

struct Wait<'a> {
    call: &'a Supervised<'a>,
    stop: Option<&'a StopFlag>,
    watch: Option<&'a dyn CommandWatch>,
    group: Pid,
    /// Ends when the program has.
    exited: &'a OwnedFd,
}

impl Wait<'_> {
    fn until_over(&self, streams: &mut Streams) -> Ended {
        let start = Instant::now();
        let mut input = self.call.stdin;
        let mut reported = false;
        let mut exit_seen: Option<Instant> = None;
        // why it was asked to end, and when that was
        let mut ending: Option<(Ended, Instant, bool)> = None;
        let over = |reported: bool| {
            if let Some(watch) = self.watch.filter(|_| reported) {
                watch.over();
            }
        };
        loop {
            let now = Instant::now();
            if exit_seen.is_some_and(|at| streams.are_closed() || now.duration_since(at) >= DRAIN) {
                over(reported);
                let Some((why, ..)) = ending else { return Ended::ByItself };
                // what ignored TERM, in a group that is to end as a whole
                let _ = kill_process_group(self.group, Signal::KILL);
                return why;
            }
            if let Some((_, at, killed)) = &mut ending
                && !*killed
                && now.duration_since(*at) >= GRACE
            {
                *killed = true;
                let _ = kill_process_group(self.group, Signal::KILL);
            }
            if ending.is_none() && exit_seen.is_none() && start.elapsed() >= self.call.deadline {
                ending = Some((self.ask_to_end(Ended::Deadline), now, false));
            }
            if !reported && ending.is_none() && start.elapsed() >= SLOW {
                reported = true;
                if let Some(watch) = self.watch {
                    watch.slow(self.call.shown);
                }
            }
            let next = [
                exit_seen.map(|at| at + DRAIN),
                ending.as_ref().filter(|(.., killed)| !killed).map(|(_, at, _)| *at + GRACE),
                (ending.is_none() && exit_seen.is_none()).then(|| start + self.call.deadline),
                (!reported && ending.is_none()).then(|| start + SLOW),
            ];
            let limit = next.into_iter().flatten().min().map(|at| at.saturating_duration_since(now));
            match self.wait(streams, &mut input, limit, exit_seen.is_some(), ending.is_some()) {
                Ok(Heard { exited, stop }) => {
                    if exited {
                        exit_seen.get_or_insert(Instant::now());
                    }
                    if stop {
                        ending = Some((self.ask_to_end(Ended::Stopped), Instant::now(), false));
                    }
                }
                Err(error) => {
                    let _ = kill_process_group(self.group, Signal::KILL);
                    over(reported);
                    return Ended::Broken(error);
                }
            }
        }
    }

    fn ask_to_end(&self, why: Ended) -> Ended {
        let _ = kill_process_group(self.group, Signal::TERM);
        // a stopped process acts on TERM only when it runs again
        let _ = kill_process_group(self.group, Signal::CONT);
        why
    }

    /// Waits until something can be read, written or is over.
    fn wait(
        &self,
        streams: &mut Streams,
        input: &mut &[u8],
        limit: Option<Duration>,
        has_exited: bool,
        is_ending: bool,
    ) -> io::Result<Heard> {
        let stop = self.stop.filter(|_| !is_ending);
        let sources = [
            streams.out.stream.as_ref().map(|out| (Fd::Out, PollFd::new(out, PollFlags::IN))),
            streams.err.stream.as_ref().map(|err| (Fd::Err, PollFd::new(err, PollFlags::IN))),
            streams.input.as_ref().map(|stdin| (Fd::Input, PollFd::new(stdin, PollFlags::OUT))),
            (!has_exited).then(|| (Fd::Exit, PollFd::new(self.exited, PollFlags::IN))),
            stop.map(|stop| (Fd::Stop, stop.poll_fd())),
        ];
        let (whose, mut fds): (Vec<Fd>, Vec<PollFd<'_>>) = sources.into_iter().flatten().unzip();
        let limit = limit.map(timespec);
        match poll(&mut fds, limit.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Heard::default()),
            Err(error) => return Err(error.into()),
        }
        let ready: Vec<Fd> =
            fds.iter().zip(&whose).filter(|(fd, _)| !fd.revents().is_empty()).map(|(_, who)| *who).collect();
        drop(fds);
        let mut heard = Heard::default();
        for who in ready {
            match who {
                Fd::Out => streams.out.read()?,
                Fd::Err => streams.err.read()?,
                Fd::Input => streams.write(input),
                Fd::Exit => heard.exited = true,
                Fd::Stop => heard.stop = true,
            }
        }
        Ok(heard)
    }
}

#[derive(Debug, Clone, Copy)]
enum Fd {
    Out,
    Err,
    Input,
    Exit,
    Stop,
}

#[derive(Debug, Default)]
struct Heard {
    exited: bool,
    stop: bool,
}

struct Streams {
    input: Option<std::process::ChildStdin>,
    out: Captured<std::process::ChildStdout>,
    err: Captured<std::process::ChildStderr>,
}

impl Streams {
    fn take(child: &mut Child, keep: OutputLimit) -> io::Result<Self> {
        let input = child.stdin.take();
        if let Some(input) = &input {
            rustix::io::ioctl_fionbio(input, true)?;
        }
        Ok(Self {
            input,
            out: Captured::new(child.stdout.take(), keep)?,
            err: Captured::new(child.stderr.take(), OutputLimit::End(STDERR_MAX))?,
        })
    }

    fn are_closed(&self) -> bool {
        self.out.stream.is_none() && self.err.stream.is_none()
    }

    fn write(&mut self, input: &mut &[u8]) {
        let Some(stdin) = &mut self.input else { return };
        match stdin.write(input) {
            Ok(count) => *input = &input[count..],
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => return,
            // a program that does not read to the end says by its exit code whether that is an error
            Err(_) => *input = &[],
        }
        if input.is_empty() {
            self.input = None;
        }
    }
}

/// A stream of the program, and what is kept of it.
struct Captured<S> {
    stream: Option<S>,
    keep: OutputLimit,
    bytes: Vec<u8>,
}

impl<S: Read + AsFd> Captured<S> {
    fn new(stream: Option<S>, keep: OutputLimit) -> io::Result<Self> {
        if let Some(stream) = &stream {
            rustix::io::ioctl_fionbio(stream, true)?;
        }
        Ok(Self { stream, keep, bytes: Vec::new() })
    }

    fn read(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        let mut block = [0; 16 * 1024];
        match stream.read(&mut block) {
            Ok(0) => self.stream = None,
            Ok(count) => self.bytes.extend_from_slice(&block[..count]),
            Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {}
            Err(e) => return Err(e),
        }
        if let OutputLimit::End(most) = self.keep
            && self.bytes.len() > 2 * most
        {
            self.bytes.drain(..self.bytes.len() - most);
        }
        Ok(())
    }
}

fn end_group(group: Pid, child: &mut Child) {
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        command
    }

    fn call<'a>(script: &'a str, stdin: &'a [u8], deadline: Duration) -> Supervised<'a> {
        Supervised {
            command: sh(script),
            stdin,
            holds: None,
            deadline,
            keep: OutputLimit::All,
            shown: script,
        }
    }

    const LONG: Duration = Duration::from_secs(30);

    #[test]
    fn output_errors_and_exit_code_are_kept_and_input_is_given() {
        let input = vec![b'x'; 300_000];
        let done = run(call("cat; echo bad >&2; exit 3", &input, LONG), None, None).unwrap();
        assert_eq!(
            (done.status.code(), done.stdout.len(), done.stderr.as_slice()),
            (Some(3), 300_000, &b"bad\n"[..])
        );
    }

    #[test]
    fn a_program_that_does_not_read_its_input_is_no_error() {
        let input = vec![b'x'; 300_000];
        let done = run(call("exit 0", &input, LONG), None, None).unwrap();
        assert!(done.status.success());
    }

    #[test]
    fn an_end_is_also_noticed_where_processes_have_no_descriptors() {
        let child = sh("exit 3").spawn().unwrap();
        let (exited, exits) = cloexec_pipe().unwrap();
        let (exited, status) = Exit::Thread(exited, exits).watch(child);
        let mut fds = [PollFd::new(&exited, PollFlags::IN)];
        assert_eq!(poll(&mut fds, None), Ok(1));
        assert_eq!(status().unwrap().code(), Some(3));
    }

    #[test]
    fn a_deadline_ends_the_program_and_all_its_children() {
        let start = Instant::now();
        let script = "echo waiting >&2; sleep 1000 & sleep 1000";
        let ended = run(call(script, b"", Duration::from_millis(100)), None, None);
        let Err(Unfinished::TimedOut(words)) = ended else { panic!("{ended:?}") };
        assert_eq!(words, b"waiting\n");
        assert!(start.elapsed() < LONG);
    }

    #[test]
    fn a_program_that_ignores_term_is_killed() {
        let script = "trap '' TERM; sleep 1000";
        let ended = run(call(script, b"", Duration::from_millis(50)), None, None);
        assert!(matches!(ended, Err(Unfinished::TimedOut(_))), "{ended:?}");
    }

    #[test]
    fn a_request_ends_what_runs_and_what_would_be_started() {
        let stop = StopFlag::new().unwrap();
        let other = stop.clone();
        let (began, beginning) = rustix::pipe::pipe().unwrap();
        let waiter = thread::spawn(move || {
            let mut byte = [0];
            let _ = rustix::io::read(&began, &mut byte);
            other.raise();
        });
        let script = "echo >&2; sleep 1000";
        // the flag is raised while the program runs: the thread waits for this byte
        let _ = rustix::io::write(&beginning, &[1]);
        let ended = run(call(script, b"", LONG), Some(&stop), None);
        waiter.join().unwrap();
        assert!(matches!(ended, Err(Unfinished::Stopped)), "{ended:?}");
        let ended = run(call("echo", b"", LONG), Some(&stop), None);
        assert!(matches!(ended, Err(Unfinished::Stopped)), "{ended:?}");
    }

    #[test]
    fn a_background_child_that_holds_the_pipe_does_not_hold_us() {
        let start = Instant::now();
        let done = run(call("sleep 5 & echo done", b"", LONG), None, None).unwrap();
        assert_eq!(done.stdout, b"done\n");
        assert!(start.elapsed() < Duration::from_secs(4));
    }

    #[test]
    fn only_the_end_of_endless_output_is_kept() {
        let mut endless = call("yes 0123456789 | head -c 5000000; echo last", b"", LONG);
        endless.keep = OutputLimit::End(1000);
        let done = run(endless, None, None).unwrap();
        assert!(done.stdout.len() <= 2000 && done.stdout.ends_with(b"last\n"));
    }
}
