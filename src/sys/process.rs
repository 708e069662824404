//! Processes: find those that belong to an attempt, signal them, and wait for their end.
//!
//! On Linux an attempt is a child subreaper: what its agent leaves behind becomes its child, whatever session or group it
//! moved to. On other systems what left the agent's session is found by its environment. Out of reach are processes handed to
//! another manager (`systemd-run`, `at`, a daemon that was already running).

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

pub use super::process_table::{Process, name, process};
use super::process_table::{has_proc, marked, processes};

/// How long [`terminate`] keeps sending KILL. An uninterruptible process may survive that.
const KILL_PATIENCE: Duration = Duration::from_secs(10);

/// The id of this process.
#[must_use]
pub fn own_pid() -> i32 {
    std::process::id().cast_signed()
}

/// Makes orphans of our children our own children, where the system can.
pub fn adopt_orphans() {
    #[cfg(target_os = "linux")]
    if has_proc() {
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
}

/// The start of a process, as [`Process::started`]. 0 if it is gone.
#[must_use]
pub fn start_time(pid: i32) -> u64 {
    process(pid).map_or(0, |p| p.started)
}

/// Whether a process with this id exists and is not a zombie. It may belong to another user.
#[must_use]
pub fn is_alive(pid: i32) -> bool {
    use rustix::io::Errno;
    match process(pid) {
        Some(process) => !process.zombie,
        None => matches!(
            Pid::from_raw(pid).map(rustix::process::test_kill_process),
            Some(Ok(()) | Err(Errno::PERM))
        ),
    }
}

/// All processes below `root`, without `root` itself.
#[must_use]
pub fn descendants(root: i32) -> Vec<Process> {
    below(root, processes())
}

fn below(root: i32, all: Vec<Process>) -> Vec<Process> {
    let mut children: HashMap<i32, Vec<Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(pid) = parents.pop() {
        for child in children.remove(&pid).unwrap_or_default() {
            parents.push(child.pid);
            found.push(child);
        }
    }
    found
}

/// The program that a process runs, as far as this process may know.
fn program(pid: i32) -> Option<PathBuf> {
    fs::read_link(format!("/proc/{pid}/exe")).ok()
}

/// The processes of an agent that this process started: those below it, and where orphans do not come back to us, also those
/// in the session or the group that the agent leads, and those with `variable` (`NAME=VALUE`) in their environment.
#[must_use]
pub fn of_agent(agent: i32, variable: &OsStr) -> Vec<Process> {
    let me = own_pid();
    if has_proc() { descendants(me) } else { with_session(me, Some(agent), &marked(variable)) }
}

/// What is below `root`, in the session or group of `leader`, or marked; and what is below that.
fn with_session(root: i32, leader: Option<i32>, marked: &HashSet<i32>) -> Vec<Process> {
    let all = processes();
    let mut found: HashMap<i32, Process> =
        below(root, all.clone()).into_iter().map(|one| (one.pid, one)).collect();
    for process in &all {
        let of_leader = leader.is_some_and(|leader| process.group == leader || process.session == leader);
        if of_leader || marked.contains(&process.pid) {
            found.insert(process.pid, *process);
            found.extend(below(process.pid, all.clone()).into_iter().map(|one| (one.pid, one)));
        }
    }
    found.remove(&root);
    found.into_values().collect()
}

/// Whether a process has this file open, as far as this process may know. Without `/proc` none is known to.
#[must_use]
pub fn is_open(file: &Path) -> bool {
    let folders = fs::read_dir("/proc").into_iter().flatten().flatten();
    let files = folders.filter_map(|entry| fs::read_dir(entry.path().join("fd")).ok()).flatten().flatten();
    files.into_iter().any(|entry| fs::read_link(entry.path()).is_ok_and(|open| open == file))
}

/// Whether a process has children. Cheaper than [`descendants`] where the kernel lists them.
#[must_use]
pub fn has_children(pid: i32) -> bool {
    if !has_proc() {
        return !descendants(pid).is_empty();
    }
    let Ok(tasks) = fs::read_dir(format!("/proc/{pid}/task")) else { return false };
    let mut listed = false;
    for task in tasks.flatten() {
        match fs::read_to_string(task.path().join("children")) {
            Ok(list) if !list.trim().is_empty() => return true,
            Ok(_) => listed = true,
            Err(_) => {}
        }
    }
    !listed && !descendants(pid).is_empty()
}

/// What is still alive of an attempt whose own process is gone: processes that hold its lock file or have `variable`
/// (`NAME=VALUE`) in their environment, and everything below them. Without `/proc`, holders of a file are not known; there,
/// `agent` names the session that its agent led, if something of that surely lives.
///
/// A recorded pid or session id alone would not do: after a reboot it may belong to a stranger. This process and other
/// seqorch processes that merely look at the lock (`seqorch status`) are left out.
#[must_use]
pub fn leftovers(lock: &Path, variable: &OsStr, agent: Option<i32>) -> Vec<Process> {
    let me = own_pid();
    let marked = marked(variable);
    if !has_proc() {
        return with_session(me, agent, &marked);
    }
    let lock = fs::canonicalize(lock).unwrap_or_else(|_| lock.to_owned());
    let own = program(me);
    let mut found: HashMap<i32, Process> = HashMap::new();
    for process in processes() {
        let pid = process.pid;
        let belongs = marked.contains(&pid) || (holds(pid, &lock) && program(pid) != own);
        if pid != me && belongs {
            found.insert(pid, process);
            found.extend(descendants(pid).into_iter().map(|below| (below.pid, below)));
        }
    }
    found.remove(&me);
    found.into_values().collect()
}

fn holds(pid: i32, file: &Path) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    descriptors.flatten().any(|d| fs::read_link(d.path()).is_ok_and(|target| target == file))
}

/// Sends a signal to the process with this id and this start. `false` if it is gone or the id belongs to another process.
///
/// Where the system has process handles (Linux), the signal cannot reach a stranger that gets the id meanwhile.
pub fn send_signal(pid: i32, started: u64, signal: Signal) -> io::Result<bool> {
    let Some(id) = Pid::from_raw(pid) else { return Ok(false) };
    #[cfg(target_os = "linux")]
    match rustix::process::pidfd_open(id, rustix::process::PidfdFlags::empty()) {
        Ok(handle) => {
            // the id cannot change its owner while the handle is open
            if process(pid).is_none_or(|now| now.started != started) {
                return Ok(false);
            }
            return was_sent(rustix::process::pidfd_send_signal(&handle, signal));
        }
        Err(rustix::io::Errno::SRCH) => return Ok(false),
        // an old kernel without handles
        Err(_) => {}
    }
    if process(pid).is_some_and(|now| now.started != started) {
        return Ok(false);
    }
    was_sent(kill_process(id, signal))
}

fn was_sent(result: rustix::io::Result<()>) -> io::Result<bool> {
    match result {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::SRCH) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// Ends the processes that `find` lists: TERM first, KILL after `grace`, and again for those that appear meanwhile.
/// `reap` is called while waiting, so that a parent can collect its zombies. Returns whether none is left.
pub fn terminate(find: impl Fn() -> Vec<Process>, grace: Duration, reap: impl FnMut()) -> bool {
    terminate_asking(|_| true, find, grace, reap)
}

/// The same, only that TERM goes to those processes alone that `asks` accepts: a program that holds others together ends
/// by itself after them, and would end them before their time.
pub fn terminate_asking(
    asks: impl Fn(&Process) -> bool,
    find: impl Fn() -> Vec<Process>,
    grace: Duration,
    mut reap: impl FnMut(),
) -> bool {
    let send = |process: Process, signal| drop(send_signal(process.pid, process.started, signal));
    let mut warned = HashSet::new();
    // one whose parent ended may be found no more, and lives
    let mut known: HashMap<i32, Process> = HashMap::new();
    let start = Instant::now();
    let mut pause = Duration::from_millis(1);
    loop {
        reap();
        known.extend(find().into_iter().map(|one| (one.pid, one)));
        known.retain(|pid, one| process(*pid).is_some_and(|now| now.started == one.started && !now.zombie));
        if known.is_empty() {
            return true;
        }
        let elapsed = start.elapsed();
        for process in known.values().copied() {
            if elapsed >= grace {
                send(process, Signal::KILL);
            } else if warned.insert((process.pid, process.started)) && asks(&process) {
                send(process, Signal::TERM);
                // a stopped process acts on TERM only after CONT
                send(process, Signal::CONT);
            }
        }
        if elapsed >= grace + KILL_PATIENCE {
            return false;
        }
        thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Waits until a process that is not our child has ended, without polling where the system can.
pub fn wait_for_end(pid: i32) {
    wait(pid, None);
}

/// Waits like [`wait_for_end`], but no longer than `limit`. Returns whether the process has ended.
#[must_use]
pub fn ends_within(pid: i32, limit: Duration) -> bool {
    wait(pid, Some(limit))
}

fn wait(pid: i32, limit: Option<Duration>) -> bool {
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
                        // a signal came in between
                        Err(_) => {}
                    }
                }
            }
            Err(rustix::io::Errno::SRCH) => return true,
            // an old kernel without handles: poll
            Err(_) => {}
        }
    }
    while is_alive(pid) {
        if left().is_some_and(|left| left.is_zero()) {
            return false;
        }
        thread::sleep(Duration::from_millis(500).min(left().unwrap_or(Duration::MAX)));
    }
    true
}
