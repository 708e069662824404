//! Programs that lead a session of their own and die with the process that starts them.
//!
//! In a mere process group the kernel would stop an agent at its first read of the window's terminal.

use std::os::unix::process::CommandExt;
use std::process::Command;

/// Makes the program of `command` the leader of a new session. On Linux it dies with the thread that starts it.
#[expect(unsafe_code, reason = "the standard library has no safe call for what a child does before its exec")]
pub fn lead(command: &mut Command) {
    #[cfg(target_os = "linux")]
    let parent = super::process_table::has_proc().then(super::process::own_pid);
    let begin = move || {
        rustix::process::setsid()?;
        #[cfg(target_os = "linux")]
        if let Some(parent) = parent {
            use rustix::process::{Signal, getppid, set_parent_process_death_signal};
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // the parent may have died before that call
            if getppid().is_none_or(|pid| pid.as_raw_nonzero().get() != parent) {
                return Err(rustix::io::Errno::SRCH.into());
            }
        }
        Ok(())
    };
    // SAFETY: this runs in a child that shares nothing but memory of its own with a process of several threads. It only makes
    // system calls: it takes no memory and no lock.
    unsafe {
        command.pre_exec(begin);
    }
}

/// Why a program cannot be started, with a hint if the prompt is too long.
#[must_use]
pub fn cannot_start(program: &str, why: &std::io::Error) -> String {
    let mut text = format!("cannot start {program}: {why}");
    if why.raw_os_error() == Some(rustix::io::Errno::TOOBIG.raw_os_error()) {
        text.push_str(
            " (the prompt is too long for an argument; set prompt = \"stdin\" or \"file\" for this backend)",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_leads_a_session_and_dies_with_the_thread_that_starts_it() {
        let (sender, started) = std::sync::mpsc::channel();
        let starter = std::thread::spawn(move || {
            let mut command = Command::new("sleep");
            command.arg("600");
            lead(&mut command);
            sender.send(command.spawn().unwrap()).unwrap();
        });
        let mut child = started.recv().unwrap();
        let pid = rustix::process::Pid::from_child(&child);
        assert_eq!(rustix::process::getsid(Some(pid)).unwrap(), pid);
        starter.join().unwrap();
        let end = child.wait().unwrap();
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&end), Some(9));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error_of_its_start() {
        let mut command = Command::new("no-such-program-anywhere");
        lead(&mut command);
        let why = command.spawn().unwrap_err();
        assert_eq!(why.kind(), std::io::ErrorKind::NotFound);
    }
}
