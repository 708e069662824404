//! Programs that lead a session of their own and die with the process that starts them.
//!
//! In a mere process group the kernel would stop an agent at its first read of the window's terminal.

use std::fs::File;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Bytes of a script's first line that the kernel reads.
const LINE_MAX: u64 = 256;

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

/// Why a program cannot be started, with a hint if its interpreter is missing or the prompt is too long.
#[must_use]
pub fn cannot_start(program: &str, why: &std::io::Error) -> String {
    let mut text = format!("cannot start {program}: {why}");
    if why.kind() == std::io::ErrorKind::NotFound
        && let Some(missing) = missing_interpreter(Path::new(program))
    {
        text.push_str(" (its first line names ");
        text.push_str(&missing.to_string_lossy());
        text.push_str(", which does not exist)");
    }
    if why.raw_os_error() == Some(rustix::io::Errno::TOOBIG.raw_os_error()) {
        text.push_str(
            " (the prompt is too long for an argument; set prompt = \"stdin\" or \"file\" for this backend)",
        );
    }
    text
}

/// The program that the first line of a script names, if it does not exist.
fn missing_interpreter(script: &Path) -> Option<PathBuf> {
    let mut start = Vec::new();
    File::open(script).ok()?.take(LINE_MAX).read_to_end(&mut start).ok()?;
    let line = start.strip_prefix(b"#!")?.split(|byte| *byte == b'\n').next()?;
    let program = String::from_utf8_lossy(line).split_whitespace().next().map(PathBuf::from)?;
    let is_text = !program.to_string_lossy().contains(char::is_control);
    (is_text && program.is_absolute() && !program.exists()).then_some(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_program_leads_a_session_and_dies_with_the_thread_that_starts_it() {
        let (sender, receiver) = std::sync::mpsc::channel();
        let starter = std::thread::spawn(move || {
            let mut command = Command::new("sleep");
            command.arg("600");
            lead(&mut command);
            sender.send(command.spawn().unwrap()).unwrap();
        });
        let mut child = receiver.recv().unwrap();
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
        assert!(!cannot_start("no-such-program-anywhere", &why).contains("first line"));
    }

    #[test]
    fn a_script_whose_interpreter_is_missing_is_not_called_missing() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let script = dir.path().join("script");
        std::fs::write(&script, "#!/no/such/interpreter\n").unwrap();
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
        let mut command = Command::new(&script);
        lead(&mut command);
        let why = command.spawn().unwrap_err();
        assert!(cannot_start(script.to_str().unwrap(), &why).contains("names /no/such/interpreter"), "{why}");
    }
}
