//! Process trees: find what belongs to an attempt, and end it.
//!
//! An attempt is a child subreaper on Linux, so what its agent leaves behind becomes its child, whatever session or
//! group it moved to. What cannot be reached: a process handed to another manager (`systemd-run`, `at`, a daemon
//! that was already there), and on systems without `/proc` whatever left the agent's session.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// A process as `/proc/PID/stat` shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: i32,
    /// Its parent's id.
    pub parent: i32,
    /// Its session's id.
    pub session: i32,
    /// Start, in clock ticks since boot: with the pid, its identity.
    pub started: u64,
    /// Dead and not yet waited for.
    pub zombie: bool,
    /// Stopped by a signal (Ctrl-Z); it hears of others when it goes on.
    pub stopped: bool,
}

/// One process, where the system has `/proc`.
#[must_use]
pub fn process(pid: i32) -> Option<Process> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // the name in parentheses may itself hold spaces and parentheses
    let rest: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(Process {
        pid,
        zombie: matches!(*rest.first()?, "Z" | "X"),
        stopped: matches!(*rest.first()?, "T" | "t"),
        parent: rest.get(1)?.parse().ok()?,
        session: rest.get(3)?.parse().ok()?,
        started: rest.get(19)?.parse().ok()?,
    })
}

/// The start of a process, as [`Process::started`]; 0 where it is gone or the system does not tell.
#[must_use]
pub fn started(pid: i32) -> u64 {
    process(pid).map_or(0, |p| p.started)
}

/// Whether a process has this id and is not a mere zombie, whoever's it is.
#[must_use]
pub fn lives(pid: i32) -> bool {
    use rustix::io::Errno;
    match process(pid) {
        Some(process) => !process.zombie,
        None => matches!(
            Pid::from_raw(pid).map(rustix::process::test_kill_process),
            Some(Ok(()) | Err(Errno::PERM))
        ),
    }
}

/// All processes that can be seen.
#[must_use]
pub fn processes() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(process)
        .filter(|p| !p.zombie)
        .collect()
}

/// Everything below `root`, `root` itself left out.
#[must_use]
pub fn descendants(root: i32) -> Vec<Process> {
    let all = processes();
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(pid) = open.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            open.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// Whether a process has children at all: one small read, where the kernel offers it.
#[must_use]
pub fn has_children(pid: i32) -> bool {
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let mut known = false;
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) if !list.trim().is_empty() => return true,
            Ok(_) => known = true,
            Err(_) => {}
        }
    }
    !known && !descendants(pid).is_empty()
}

/// What is still alive of an attempt whose own process is gone: what holds its lock file, what has `mark` (a
/// `NAME=VALUE`) in its environment, and all below them.
///
/// A pid or session id would not do: after a reboot it can be a stranger's. This process, its like (somebody's
/// `seqorch status` looks at the lock, too) and strangers are never among them.
#[must_use]
pub fn remains(lock: &Path, mark: &std::ffi::OsStr) -> Vec<Process> {
    let me = i32::try_from(std::process::id()).unwrap_or(0);
    let lock = fs::canonicalize(lock).unwrap_or_else(|_| lock.to_owned());
    let exe = |pid: i32| fs::read_link(format!("/proc/{pid}/exe")).ok();
    let own = exe(me);
    let mut found: HashMap<i32, Process> = HashMap::new();
    for process in processes() {
        let pid = process.pid;
        if pid != me && (has_in_env(pid, mark.as_encoded_bytes()) || (holds(pid, &lock) && exe(pid) != own)) {
            found.insert(pid, process);
            found.extend(descendants(pid).into_iter().map(|below| (below.pid, below)));
        }
    }
    found.remove(&me);
    found.into_values().collect()
}

fn has_in_env(pid: i32, mark: &[u8]) -> bool {
    fs::read(format!("/proc/{pid}/environ"))
        .is_ok_and(|env| env.split(|b| *b == 0).any(|entry| entry == mark))
}

fn holds(pid: i32, file: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|d| fs::read_link(d.path()).is_ok_and(|target| target == file))
}

/// Sends a signal to a process, if it is still the one that was seen.
pub fn signal(process: Process, signal: Signal) {
    let _ = tell(process.pid, process.started, signal);
}

/// Sends a signal to the process that has this id and this start; `false` where it is gone, or was another one.
///
/// Where the system has handles of processes, a stranger that gets the id in between is never hit.
pub fn tell(pid: i32, started: u64, signal: Signal) -> io::Result<bool> {
    let Some(id) = Pid::from_raw(pid) else { return Ok(false) };
    #[cfg(target_os = "linux")]
    match rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()) {
        Ok(handle) => {
            // looked at while the handle holds the process
            if self::process(pid).is_none_or(|now| now.started != started) {
                return Ok(false);
            }
            return sent(rustix::process::pidfd_send_signal(&handle, signal));
        }
        Err(rustix::io::Errno::SRCH) => return Ok(false),
        // an old kernel
        Err(_) => {}
    }
    if self::process(pid).is_some_and(|now| now.started != started) {
        return Ok(false);
    }
    sent(kill_process(id, signal))
}

fn sent(result: rustix::io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Ends what `find` lists: TERM, `grace`, KILL, and again for what appeared meanwhile. `reap` is called while
/// waiting, so that a parent can collect its zombies. Returns whether nothing is left.
pub fn end(find: impl Fn() -> Vec<Process>, grace: Duration, mut reap: impl FnMut()) -> bool {
    let mut told = HashSet::new();
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        reap();
        let alive = find();
        if alive.is_empty() {
            return true;
        }
        let over = start.elapsed();
        for process in alive {
            if over >= grace {
                signal(process, Signal::KILL);
            } else if told.insert((process.pid, process.started)) {
                signal(process, Signal::TERM);
                // a stopped process acts on TERM only when it goes on
                signal(process, Signal::CONT);
            }
        }
        // uninterruptible processes cannot be waited out for ever
        if over >= grace + Duration::from_secs(10) {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Where a program is: a name is looked for in the folders of `path`, a path is taken from `base`.
#[must_use]
pub fn find_program(
    name: &std::ffi::OsStr,
    path: Option<&std::ffi::OsStr>,
    base: &Path,
) -> Option<std::path::PathBuf> {
    let runnable = |p: &std::path::PathBuf| {
        use std::os::unix::fs::PermissionsExt;
        fs::metadata(p).is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    if Path::new(name).components().count() > 1 {
        return Some(base.join(name)).filter(runnable);
    }
    std::env::split_paths(path?).map(|folder| base.join(folder).join(name)).find(runnable)
}

/// Waits, without polling where the system can, until a process that is not our child has ended.
pub fn wait_for_end(pid: i32) {
    ended_within(pid, None);
}

/// As [`wait_for_end`], at most for `limit`; whether it has ended.
#[must_use]
pub fn ends_within(pid: i32, limit: Duration) -> bool {
    ended_within(pid, Some(limit))
}

fn ended_within(pid: i32, limit: Option<Duration>) -> bool {
    let start = Instant::now();
    let left = || limit.map(|limit| limit.saturating_sub(start.elapsed()));
    #[cfg(target_os = "linux")]
    if let Some(id) = Pid::from_raw(pid) {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        use rustix::process::{PidfdFlags, pidfd_open};
        match pidfd_open(id, PidfdFlags::empty()) {
            Ok(handle) => {
                let mut wanted = [PollFd::new(&handle, PollFlags::IN)];
                loop {
                    let limit = left().and_then(|left| Timespec::try_from(left).ok());
                    match poll(&mut wanted, limit.as_ref()) {
                        Ok(0) => return false,
                        Ok(_) => return true,
                        Err(_) => {}
                    }
                }
            }
            Err(rustix::io::Errno::SRCH) => return true,
            // an old kernel: ask again and again
            Err(_) => {}
        }
    }
    while lives(pid) {
        if left().is_some_and(|left| left.is_zero()) {
            return false;
        }
        thread::sleep(Duration::from_millis(500).min(left().unwrap_or(Duration::MAX)));
    }
    true
}
