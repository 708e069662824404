//! A program that stays and answers one question after the other: with a deadline, and with an end on request.
//!
//! Starting a program costs milliseconds, a question to one that runs costs a twentieth of one.

use std::io::{self, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::command::{CommandWatch, SLOW, Unfinished};
use super::stop_flag::{StopFlag, timespec};

/// The program. It ends with this value, and at the latest with this process: its input ends then.
#[derive(Debug)]
pub struct Dialogue {
    child: Child,
    input: ChildStdin,
    output: ChildStdout,
}

/// What is asked, and who else has a say.
pub struct DialogueQuestion<'a> {
    /// What the program reads.
    pub text: &'a [u8],
    /// How long the answer may take.
    pub deadline: Duration,
    /// Ends the wait for it.
    pub stop: Option<&'a StopFlag>,
    /// Gets a question that takes long, as people read it.
    pub watch: Option<(&'a dyn CommandWatch, &'a str)>,
}

impl Dialogue {
    /// Starts the program in a process group of its own. What it says of errors is not kept.
    pub fn start(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).process_group(0);
        let mut child = command.spawn()?;
        let streams = child.stdin.take().zip(child.stdout.take());
        let (input, output) = streams.ok_or_else(|| io::Error::other("a program without its streams"))?;
        let new = Self { child, input, output };
        rustix::io::ioctl_fionbio(&new.input, true)?;
        rustix::io::ioctl_fionbio(&new.output, true)?;
        Ok(new)
    }

    /// Asks, and reads until the answer is whole. After an error the program is of no more use.
    pub fn ask(
        &mut self,
        question: &DialogueQuestion<'_>,
        is_whole: impl Fn(&[u8]) -> bool,
    ) -> Result<Vec<u8>, Unfinished> {
        let start = Instant::now();
        let (mut left, mut answer, mut reported) = (question.text, Vec::new(), false);
        let done = loop {
            if left.is_empty() && is_whole(&answer) {
                break Ok(answer);
            }
            let waited = start.elapsed();
            if waited >= question.deadline {
                break Err(Unfinished::TimedOut(Vec::new()));
            }
            if let Some((watch, shown)) = question.watch
                && waited >= SLOW
                && !reported
            {
                reported = true;
                watch.slow(shown);
            }
            let next = if waited < SLOW { SLOW.min(question.deadline) } else { question.deadline };
            match self.exchange(&mut left, &mut answer, question.stop, next.saturating_sub(waited)) {
                Ok(Heard::Stop) => break Err(Unfinished::Stopped),
                Ok(Heard::Words) => {}
                Err(error) => break Err(Unfinished::Broken(error)),
            }
        };
        if let Some((watch, _)) = question.watch.filter(|_| reported) {
            watch.over();
        }
        done
    }

    /// Waits until something can be read or written, and does so.
    fn exchange(
        &mut self,
        left: &mut &[u8],
        answer: &mut Vec<u8>,
        stop: Option<&StopFlag>,
        limit: Duration,
    ) -> io::Result<Heard> {
        let output = PollFd::new(&self.output, PollFlags::IN);
        let input = (!left.is_empty()).then(|| PollFd::new(&self.input, PollFlags::OUT));
        let stop = stop.map(StopFlag::poll_fd);
        let (has_input, has_stop) = (input.is_some(), stop.is_some());
        let mut fds: Vec<PollFd<'_>> = [Some(output), input, stop].into_iter().flatten().collect();
        match poll(&mut fds, Some(&timespec(limit))) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(Heard::Words),
            Err(error) => return Err(error.into()),
        }
        let is_ready: Vec<bool> = fds.iter().map(|fd| !fd.revents().is_empty()).collect();
        drop(fds);
        if has_stop && is_ready.last() == Some(&true) {
            return Ok(Heard::Stop);
        }
        if has_input && is_ready[1] {
            match self.input.write(left) {
                Ok(count) => *left = &left[count..],
                Err(e) if is_passing(&e) => {}
                Err(e) => return Err(e),
            }
        }
        if is_ready[0] {
            let mut block = [0; 16 * 1024];
            match self.output.read(&mut block) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => answer.extend_from_slice(&block[..count]),
                Err(e) if is_passing(&e) => {}
                Err(e) => return Err(e),
            }
        }
        Ok(Heard::Words)
    }
}

impl Dialogue {
    /// Ends the program.
    pub fn end(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

impl Drop for Dialogue {
    fn drop(&mut self) {
        self.end();
    }
}

enum Heard {
    Words,
    Stop,
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(30);

    fn sh(script: &str) -> Dialogue {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        Dialogue::start(command).unwrap()
    }

    fn question(text: &[u8], deadline: Duration) -> DialogueQuestion<'_> {
        DialogueQuestion { text, deadline, stop: None, watch: None }
    }

    fn is_line(answer: &[u8]) -> bool {
        answer.ends_with(b"\n")
    }

    #[test]
    fn one_program_answers_many_questions() {
        let mut cat = sh("exec cat");
        let long = [vec![b'x'; 300_000], b"\n".to_vec()].concat();
        for text in [b"one\n".as_slice(), b"two\n", &long] {
            assert_eq!(cat.ask(&question(text, LONG), is_line).unwrap(), text);
        }
    }

    #[test]
    fn an_answer_that_does_not_come_ends_at_the_deadline() {
        let mut mute = sh("sleep 1000");
        let answer = mute.ask(&question(b"?\n", Duration::from_millis(50)), is_line);
        assert!(matches!(answer, Err(Unfinished::TimedOut(_))), "{answer:?}");
    }

    #[test]
    fn a_request_to_stop_ends_the_wait_for_an_answer() {
        let stop = StopFlag::new().unwrap();
        let mut mute = sh("sleep 1000");
        stop.raise();
        let asked = DialogueQuestion { stop: Some(&stop), ..question(b"?\n", LONG) };
        let answer = mute.ask(&asked, is_line);
        assert!(matches!(answer, Err(Unfinished::Stopped)), "{answer:?}");
    }

    #[test]
    fn a_program_that_ended_gives_an_error() {
        let mut gone = sh("exit 0");
        let answer = gone.ask(&question(b"?\n", LONG), is_line);
        assert!(matches!(answer, Err(Unfinished::Broken(_))), "{answer:?}");
    }
}
