//! Which processes there are: from `/proc`, or from `ps` on systems without it (macOS).

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rustix::process::{Pid, getsid};

/// A process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// Its group.
    pub group: i32,
    /// Its session. 0 if that is not known.
    pub session: i32,
    /// Its start: in clock ticks since boot, or in seconds where `ps` says it. Together with the pid it identifies the
    /// process.
    pub started: u64,
    /// Whether it is dead and its parent has not waited for it yet.
    pub zombie: bool,
    /// Whether a signal stopped it (Ctrl-Z). It acts on other signals only after CONT.
    pub stopped: bool,
}

/// A test of this variable makes a debug build work as on a system without `/proc`: with `ps`, and without what the kernel
/// of Linux does for us.
const WITHOUT_PROC: &str = "SEQORCH_WITHOUT_PROC";

/// Where the system has the program. `PATH` may lead into a project.
const PS: [&str; 2] = ["/bin/ps", "/usr/bin/ps"];

static HAS_PROC: LazyLock<bool> = LazyLock::new(|| {
    let is_test = cfg!(debug_assertions) && std::env::var_os(WITHOUT_PROC).is_some();
    cfg!(target_os = "linux") && !is_test && Path::new("/proc/self/stat").exists()
});

/// Whether the kernel lists processes in `/proc`, and hands us the orphans of our children.
#[must_use]
pub fn has_proc() -> bool {
    *HAS_PROC
}

/// The process with this id. `None` if it is gone.
#[must_use]
pub fn process(pid: i32) -> Option<Process> {
    if has_proc() {
        of_stat(pid)
    } else {
        ps(&["-p", &pid.to_string()]).into_iter().find(|one| one.pid == pid)
    }
}

/// All processes that are visible and not zombies.
pub(super) fn processes() -> Vec<Process> {
    if !has_proc() {
        return ps(&["-A"]).into_iter().filter(|one| !one.zombie).collect();
    }
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(of_stat)
        .filter(|p| !p.zombie)
        .collect()
}

/// The ids of all processes that have `variable` (`NAME=VALUE`) in the environment that they were started with.
pub(super) fn marked(variable: &OsStr) -> HashSet<i32> {
    let variable = variable.as_encoded_bytes();
    if has_proc() {
        let has = |pid: &i32| {
            fs::read(format!("/proc/{pid}/environ"))
                .is_ok_and(|env| env.split(|b| *b == 0).any(|entry| entry == variable))
        };
        return processes().into_iter().map(|one| one.pid).filter(has).collect();
    }
    // the environment stands behind the command line
    let args: &[&str] = if cfg!(target_os = "macos") {
        &["-A", "-E", "-ww", "-o", "pid=", "-o", "command="]
    } else {
        &["axeww", "-o", "pid=", "-o", "args="]
    };
    let (printed, _) = run_ps(args);
    let lines = printed.split(|byte| *byte == b'\n');
    lines.filter(|line| has_word(line, variable)).filter_map(pid_of).collect()
}

/// Whether the text has these bytes between spaces.
fn has_word(line: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find_iter(line, word).any(|at| {
        let before = at.checked_sub(1).is_some_and(|at| line[at] == b' ');
        before && line.get(at + word.len()).is_none_or(|after| *after == b' ')
    })
}

fn pid_of(line: &[u8]) -> Option<i32> {
    std::str::from_utf8(line.trim_ascii_start().split(|byte| *byte == b' ').next()?).ok()?.parse().ok()
}

/// The name of a process: that of its program, unless it chose another one.
#[must_use]
pub fn name(pid: i32) -> Option<String> {
    if has_proc() {
        let text = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        return Some(text.trim_end().to_owned());
    }
    let (printed, _) = run_ps(&["-p", &pid.to_string(), "-o", "comm="]);
    let path = PathBuf::from(String::from_utf8_lossy(&printed).trim());
    Some(path.file_name()?.to_string_lossy().into_owned())
}

/// A process as `/proc/PID/stat` shows it.
fn of_stat(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the name in parentheses may itself hold spaces and parentheses
    let rest: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Process {
        pid,
        zombie: matches!(*rest.first()?, "Z" | "X"),
        stopped: matches!(*rest.first()?, "T" | "t"),
        parent: rest.get(1)?.parse().ok()?,
        group: rest.get(2)?.parse().ok()?,
        session: rest.get(3)?.parse().ok()?,
        started: rest.get(19)?.parse().ok()?,
    })
}

/// What `ps` lists, without itself.
fn ps(which: &[&str]) -> Vec<Process> {
    // on macOS `ps` knows no number of a session
    let session = if cfg!(target_os = "macos") { "pgid=" } else { "sess=" };
    let fields = ["-o", "pid=", "-o", "ppid=", "-o", "pgid=", "-o", session, "-o", "stat=", "-o", "lstart="];
    let (printed, own) = run_ps(&[which, &fields].concat());
    let text = String::from_utf8_lossy(&printed).into_owned();
    text.lines().filter_map(of_line).filter(|one| Some(one.pid) != own).collect()
}

/// A line like `12 1 12 12 Ss Sat Nov 28 21:11:24 2026`.
fn of_line(line: &str) -> Option<Process> {
    let mut words = line.split_whitespace();
    let mut number = || words.next()?.parse::<i32>().ok();
    let (pid, parent, group, session) = (number()?, number()?, number()?, number()?);
    let state = words.next()?;
    let date: Vec<&str> = words.collect();
    let date = DateTime::strptime("%a %b %d %H:%M:%S %Y", date.join(" ")).ok()?;
    let started = TimeZone::UTC.to_timestamp(date).ok()?.as_second();
    Some(Process {
        pid,
        parent,
        group,
        session: if cfg!(target_os = "macos") { session_of(pid, group) } else { session },
        started: started.try_into().ok()?,
        zombie: state.starts_with('Z'),
        stopped: state.starts_with('T'),
    })
}

/// The session of a process, asked of the system. The kernel's own processes have no group, and no session.
fn session_of(pid: i32, group: i32) -> i32 {
    let pid = Pid::from_raw(pid).filter(|_| group > 0);
    pid.and_then(|pid| getsid(Some(pid)).ok()).map_or(0, |leader| leader.as_raw_nonzero().get())
}

/// What `ps` prints, and its process id.
fn run_ps(args: &[&str]) -> (Vec<u8>, Option<i32>) {
    let Some(program) = PS.into_iter().find(|path| Path::new(path).exists()) else {
        return (Vec::new(), None);
    };
    let mut command = Command::new(program);
    command.args(args).env("LC_ALL", "C").env("TZ", "UTC").stdin(Stdio::null()).stderr(Stdio::null());
    let Ok(child) = command.stdout(Stdio::piped()).spawn() else { return (Vec::new(), None) };
    let pid = child.id().cast_signed();
    (child.wait_with_output().map(|output| output.stdout).unwrap_or_default(), Some(pid))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_ps_is_a_process() {
        let one = of_line("  812     1   812   812 Ss   Sun Nov  8 21:11:24 2026").unwrap();
        assert_eq!((one.pid, one.parent, one.group, one.zombie), (812, 1, 812, false));
        assert_eq!(one.started, 1_794_172_284);
        assert!(of_line("812 1 812 812 Z Sat Nov 28 21:11:24 2026").unwrap().zombie);
        assert_eq!(of_line("PID PPID"), None);
    }

    #[test]
    fn ps_and_proc_say_the_same_of_this_process() {
        let pid = std::process::id().cast_signed();
        let listed = ps(&["-A"]);
        let Some(one) = listed.iter().find(|one| one.pid == pid) else { panic!("{listed:?}") };
        assert_eq!(ps(&["-p", &pid.to_string()]), [*one]);
        if let Some(other) = of_stat(pid) {
            assert_eq!((one.parent, one.group, one.session), (other.parent, other.group, other.session));
        }
    }

    #[test]
    fn a_variable_is_found_as_a_whole_word() {
        for (line, found) in [
            ("1 sh A=1 SEQORCH_DIR=/a/1 B=2", true),
            ("1 sh SEQORCH_DIR=/a/1", true),
            ("1 sh SEQORCH_DIR=/a/10", false),
            ("1 sh XSEQORCH_DIR=/a/1", false),
        ] {
            assert_eq!(has_word(line.as_bytes(), b"SEQORCH_DIR=/a/1"), found, "{line}");
        }
    }
}
