//! What an attempt's folder shows: who works in it and what the result was. Also ends what is left of an attempt.

use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::attempt_dir::{AttemptDir, log_parts};
use super::attempt_file::AttemptFile;
use super::attempt_lock::AttemptHolder;
use super::attempt_result::AttemptResult;
use crate::sandbox::container;
use crate::sandbox::used::UsedSandbox;
use crate::state::AttemptRecord;
use crate::sys::nofollow::WHOLE_MAX;
use crate::sys::{files, nofollow, process};

/// Time between TERM and KILL for what a killed attempt left.
const REMAINS_GRACE: Duration = Duration::from_secs(3);
/// An attempt frees its lock right after its result. If this much time passes, something else holds the lock.
const UNLOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Waits in a thread for an attempt that another run started, then calls `over`.
pub fn wait_for_adopted(dir: &AttemptDir, over: impl FnOnce() + Send + 'static) {
    let dir = dir.clone();
    thread::spawn(move || {
        // the holder writes its name right after it takes the lock
        while alive(&dir) {
            if let Some(holder) = holder(&dir) {
                if process::process(holder.pid).is_none_or(|p| p.started == holder.started) {
                    process::wait_for_end(holder.pid);
                }
                break;
            }
            thread::sleep(Duration::from_millis(20));
        }
        settle(&dir);
        over();
    });
}

/// Makes sure that nothing of an ended attempt is alive: ends what a killed one left, then takes the lock.
pub fn settle(dir: &AttemptDir) {
    let patience = if dir.result().exists() { UNLOCK_PATIENCE } else { Duration::ZERO };
    let start = Instant::now();
    while alive(dir) && start.elapsed() < patience {
        thread::sleep(Duration::from_millis(5));
    }
    if !dir.result().exists() || alive(dir) {
        let sandbox = attempt(dir).and_then(|file| file.sandbox);
        if let Some((engine, name)) = sandbox.as_ref().and_then(UsedSandbox::container) {
            container::remove(engine, name);
        }
        process::terminate(|| remains(dir), REMAINS_GRACE, || {});
    }
    if let Ok(lock) = nofollow::open(&dir.lock()) {
        let _ = lock.lock();
        files::remove_temp_files(dir.path());
    }
}

/// The processes that a killed attempt left running.
#[must_use]
pub fn remains(dir: &AttemptDir) -> Vec<process::Process> {
    let mut mark = OsString::from("SEQORCH_DIR=");
    mark.push(dir.path());
    // as long as the lock is held, the agent's session is no stranger's
    let agent = holder(dir).filter(|_| alive(dir)).and_then(|holder| holder.agent);
    process::leftovers(&dir.lock(), &mark, agent)
}

/// Ends an attempt that no run watches, and all its processes. Its own process gets `patience` to do so itself.
pub fn end(dir: &AttemptDir, patience: Duration) {
    if let Some(holder) = holder(dir).filter(|_| alive(dir)) {
        let send = |signal| process::send_signal(holder.pid, holder.started, signal).unwrap_or(false);
        // a stopped process acts on TERM only after CONT
        if send(Signal::TERM) && send(Signal::CONT) && !process::ends_within(holder.pid, patience) {
            send(Signal::KILL);
        }
    }
    settle(dir);
}

/// Who works, or last worked, in an attempt's folder.
#[must_use]
pub fn holder(dir: &AttemptDir) -> Option<AttemptHolder> {
    serde_json::from_slice(&nofollow::read(&dir.lock(), WHOLE_MAX).ok()?).ok()
}

/// Whether anything of the attempt is alive.
#[must_use]
pub fn alive(dir: &AttemptDir) -> bool {
    nofollow::open(&dir.lock()).is_ok_and(|lock| {
        let free = lock.try_lock_shared().is_ok();
        let _ = lock.unlock();
        !free
    })
}

/// The result of an attempt, if it wrote a readable one.
#[must_use]
pub fn result(dir: &AttemptDir) -> Option<AttemptResult> {
    serde_json::from_slice(&nofollow::read(&dir.result(), WHOLE_MAX).ok()?).ok()
}

/// The id of the agent's session, if it is known.
#[must_use]
pub fn session(dir: &AttemptDir) -> Option<String> {
    String::from_utf8(nofollow::read(&dir.session(), WHOLE_MAX).ok()?).ok().filter(|id| !id.is_empty())
}

/// The folders of all attempts that are kept in these folders of specs.
#[must_use]
pub fn all_in(folders: &[PathBuf]) -> Vec<AttemptDir> {
    let below = |dir: &PathBuf| {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        // snapshots are in a folder whose name begins with a dot
        let seen = entries.filter(|entry| !entry.file_name().as_bytes().starts_with(b"."));
        seen.map(|entry| entry.path()).collect::<Vec<_>>()
    };
    let attempts = folders.iter().flat_map(below).flat_map(|unit| below(&unit));
    attempts.map(AttemptDir::new).filter(|dir| dir.lock().exists()).collect()
}

/// What an attempt does, if its file is readable.
#[must_use]
pub fn attempt(dir: &AttemptDir) -> Option<AttemptFile> {
    serde_json::from_slice(&nofollow::read(&dir.attempt(), WHOLE_MAX).ok()?).ok()
}

/// Whether a folder belongs to the attempt that the state records under its number.
///
/// It may belong to another one: the state was moved away, and this attempt never got a folder of its own.
#[must_use]
pub fn is_of(dir: &AttemptDir, record: &AttemptRecord) -> bool {
    match (attempt(dir), result(dir)) {
        (Some(file), _) => file.is_of(record.started_at),
        (None, Some(result)) => result.started_at >= record.started_at,
        // nothing shows another attempt, and without a result it is never a success
        (None, None) => true,
    }
}

/// Longest line that is given out whole, in bytes.
const LINE_MAX: usize = 8192;

/// Calls `take` with each line of a log, whose length does not matter. Of a very long line it gets the beginning.
pub fn each_line(log: &Path, mut take: impl FnMut(&str)) -> io::Result<()> {
    for part in log_parts(log) {
        let Ok(file) = nofollow::open(&part) else { continue };
        let mut reader = BufReader::new(file);
        let mut line = Vec::new();
        loop {
            line.clear();
            if (&mut reader).take(LINE_MAX as u64).read_until(b'\n', &mut line)? == 0 {
                break;
            }
            take(&String::from_utf8_lossy(&line));
            if line.len() == LINE_MAX && !line.ends_with(b"\n") {
                reader.skip_until(b'\n')?;
            }
        }
    }
    Ok(())
}

/// The end of an attempt's stdout, at most `limit` bytes.
#[must_use]
pub fn output_tail(dir: &AttemptDir, limit: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = nofollow::open(&dir.output())?;
        let length = file.metadata()?.len();
        file.seek(SeekFrom::Start(length.saturating_sub(limit)))?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
