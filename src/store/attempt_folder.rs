//! What an attempt's folder says: who works in it, what came of it; and the end of what still works there.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::record::{AttemptDir, AttemptFile, Facts, Holder};
use crate::state::AttemptRecord;
use crate::sys::{files, process};

/// What remains of a killed attempt gets this long between TERM and KILL.
const REMAINS_GRACE: Duration = Duration::from_secs(3);
/// From an attempt's result to its unlocking is an instant; after this long something else holds the lock.
const UNLOCK_PATIENCE: Duration = Duration::from_secs(5);

/// Waits in a thread for an attempt that another run started, then calls `over`.
pub fn wait_for_adopted(dir: &AttemptDir, over: impl FnOnce() + Send + 'static) {
    let dir = dir.clone();
    thread::spawn(move || {
        // the holder writes its name right after it took the lock
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
        process::terminate(|| remains(dir), REMAINS_GRACE, || {});
    }
    if let Ok(lock) = File::open(dir.lock()) {
        let _ = lock.lock();
        files::remove_temp_files(dir.path());
    }
}

/// What a killed attempt left at work.
#[must_use]
pub fn remains(dir: &AttemptDir) -> Vec<process::Process> {
    let mut mark = OsString::from("SEQORCH_DIR=");
    mark.push(dir.path());
    process::leftovers(&dir.lock(), &mark)
}

/// Ends an attempt that no run watches, and all that belongs to it; `patience` is what its process gets for that.
pub fn end(dir: &AttemptDir, patience: Duration) {
    if let Some(holder) = holder(dir).filter(|_| alive(dir)) {
        let tell = |signal| process::send_signal(holder.pid, holder.started, signal).unwrap_or(false);
        // a stopped one acts on TERM only when it goes on
        if tell(Signal::TERM) && tell(Signal::CONT) && !process::ends_within(holder.pid, patience) {
            tell(Signal::KILL);
        }
    }
    settle(dir);
}

/// Who works, or last worked, in an attempt's folder.
#[must_use]
pub fn holder(dir: &AttemptDir) -> Option<Holder> {
    serde_json::from_slice(&fs::read(dir.lock()).ok()?).ok()
}

/// Whether anything of the attempt is alive.
#[must_use]
pub fn alive(dir: &AttemptDir) -> bool {
    File::open(dir.lock()).is_ok_and(|lock| {
        let free = lock.try_lock_shared().is_ok();
        let _ = lock.unlock();
        !free
    })
}

/// The result of an attempt, if it wrote one that can be read.
#[must_use]
pub fn result(dir: &AttemptDir) -> Option<Facts> {
    serde_json::from_slice(&fs::read(dir.result()).ok()?).ok()
}

/// What an attempt was to do, if that can be read.
#[must_use]
pub fn attempt(dir: &AttemptDir) -> Option<AttemptFile> {
    serde_json::from_slice(&fs::read(dir.attempt()).ok()?).ok()
}

/// Whether a folder is that of the attempt that the state knows under its number. Another one's may be there: of a state
/// that was moved away, while this attempt never came to a folder of its own.
#[must_use]
pub fn is_of(dir: &AttemptDir, record: &AttemptRecord) -> bool {
    match (attempt(dir), result(dir)) {
        (Some(file), _) => file.is_of(record.started_at),
        (None, Some(facts)) => facts.started_at >= record.started_at,
        // nothing in it says otherwise, and without a result it is never a success
        (None, None) => true,
    }
}

/// What the agent of an attempt said, at most the last `limit` bytes of its output.
#[must_use]
pub fn said(dir: &AttemptDir, limit: u64) -> String {
    use std::io::Seek;
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(dir.output())?;
        let length = file.metadata()?.len();
        file.seek(io::SeekFrom::Start(length.saturating_sub(limit)))?;
        let mut bytes = Vec::new();
        file.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}
