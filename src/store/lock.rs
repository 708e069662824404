//! Locks that the kernel frees when their holder dies, whatever kills it.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::sys::{files, nofollow, process};

/// Who holds a run lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Process.
    pub pid: u32,
    /// Machine.
    pub host: String,
    /// Since when.
    pub started_at: Timestamp,
    /// The spec's folder.
    pub spec: String,
    /// tmux session, where it has one.
    pub session: Option<String>,
    /// Start of the process in clock ticks since boot, if it handles `seqorch stop`.
    pub listens: Option<u64>,
}

impl Holder {
    /// This process, now, for `spec`.
    #[must_use]
    pub fn me(spec: &Path, started_at: Timestamp) -> Self {
        Self {
            pid: std::process::id(),
            host: host(),
            started_at,
            spec: spec.display().to_string(),
            session: None,
            listens: None,
        }
    }

    /// The same of a process that handles `seqorch stop`.
    #[must_use]
    pub fn listening(spec: &Path, started_at: Timestamp) -> Self {
        let me = Self::me(spec, started_at);
        Self { listens: Some(process::start_time(me.pid.cast_signed())), ..me }
    }
}

/// The name of this machine.
#[must_use]
pub fn host() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// The right to run a spec; held until dropped, or until the process ends.
#[derive(Debug)]
pub struct RunLock {
    file: File,
    /// The spec's folder itself, locked too: another project root keeps its lock file elsewhere, and somebody may remove
    /// ours. `None` where the file system cannot lock folders.
    _folder: Option<File>,
}

impl RunLock {
    /// Takes the lock, or says who has it.
    pub fn take(path: &Path, holder: &Holder) -> Result<Self> {
        let mut file = open(path)?;
        let mut tries = 0;
        while let Err(why) = file.try_lock() {
            if let TryLockError::Error(why) = why {
                return Err(cannot_lock(path, why));
            }
            // `status` looks at the lock for an instant; that is no run, and lets others look, too
            let looked_at = file.try_lock_shared().is_ok();
            if looked_at {
                let _ = file.unlock();
            }
            tries += 1;
            if tries >= if looked_at { 100 } else { 5 } {
                return Err(refused(&mut file, path));
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        let folder = match File::open(&holder.spec) {
            Ok(folder) => match folder.try_lock() {
                Ok(()) => Some(folder),
                Err(TryLockError::WouldBlock) => return Err(refused_by_folder(holder)),
                Err(TryLockError::Error(_)) => None,
            },
            Err(_) => None,
        };
        let lock = Self { file, _folder: folder };
        lock.note(path, holder)?;
        Ok(lock)
    }

    /// Takes the lock at this path anew where somebody removed its file, so that others find the run again.
    pub fn renew(&mut self, path: &Path, holder: &Holder) -> Result<()> {
        if files::is_same_file(&self.file, path) {
            return Ok(());
        }
        let mut file = open(path)?;
        if file.try_lock().is_err() {
            return Err(refused(&mut file, path));
        }
        self.file = file;
        self.note(path, holder)
    }

    /// Writes down who holds it.
    pub fn note(&self, path: &Path, holder: &Holder) -> Result<()> {
        let text = serde_json::to_vec_pretty(holder).unwrap_or_default();
        let mut file = &self.file;
        file.rewind()
            .and_then(|()| file.set_len(0))
            .and_then(|()| file.write_all(&text))
            .map_err(|e| Error::io("writing", path, e))
    }
}

fn open(path: &Path) -> Result<File> {
    files::open_private_file(path)
}

/// The system cannot lock the file at all, which says nothing about other runs.
fn cannot_lock(path: &Path, why: std::io::Error) -> Error {
    use rustix::io::Errno;
    let has_no_locks = [Errno::NOLCK, Errno::NOSYS, Errno::OPNOTSUPP]
        .iter()
        .any(|errno| why.raw_os_error() == Some(errno.raw_os_error()));
    let error = Error::io("locking", path, why);
    if has_no_locks {
        error
            .hint("The file system has no locks, as some network file systems; without them, two runs could work at once.")
            .hint("Mount it with locks (NFS: a server with lockd, or `-o local_lock=flock`), or work on a local disk.")
    } else {
        error.hint("No other run is in the way; the disk or the file system has a problem.")
    }
}

fn refused(file: &mut File, path: &Path) -> Error {
    let error = |who: String| Error::new(ErrorKind::Locked, format!("another run works on this spec: {who}"));
    match read_holder(file) {
        Some(holder) => {
            let since = holder
                .started_at
                .to_zoned_datetime(jiff::tz::TimeZone::system())
                .strftime("%Y-%m-%d %H:%M:%S");
            error(format!("process {} on {}, since {since}, spec {}", holder.pid, holder.host, holder.spec))
                .hint(format!(
                    "Watch it with `seqorch attach {0}`, or look with `seqorch status {0}`.",
                    holder.spec
                ))
                .hint(format!("Wait for its end, or end it with `seqorch stop {}`.", holder.spec))
        }
        None => error(format!("its name is not in {} yet", path.display())),
    }
}

fn refused_by_folder(holder: &Holder) -> Error {
    Error::new(
        ErrorKind::Locked,
        format!(
            "another run works on this spec: one that was started from another project, on {}",
            holder.spec
        ),
    )
    .hint("It shows in `ps` as `seqorch run`; wait for its end, or end it with `seqorch stop` from there.")
}

fn read_holder(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.rewind().ok()?;
    file.read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

/// The holder of a run lock, if anybody holds it right now and has written its name. Takes nothing.
#[must_use]
pub fn holder(path: &Path) -> Option<Holder> {
    let mut file = held(path)?;
    read_holder(&mut file)
}

/// Whether anybody holds a run lock right now, with or without a name.
#[must_use]
pub fn is_held(path: &Path) -> bool {
    held(path).is_some()
}

fn held(path: &Path) -> Option<File> {
    let file = nofollow::open(path).ok()?;
    // a shared try leaves a holder undisturbed
    if file.try_lock_shared().is_ok() {
        let _ = file.unlock();
        return None;
    }
    Some(file)
}

/// Holds `path` while `act` runs: for the few lines that read, change and write a file that others share.
pub fn with_lock<T>(path: &Path, act: impl FnOnce() -> Result<T>) -> Result<T> {
    let file = open(path)?;
    file.lock().map_err(|e| cannot_lock(path, e))?;
    let value = act();
    let _ = file.unlock();
    value
}

/// As [`with_lock`], on `target` itself, which is replaced by a rename while it is locked: the next in line sees that it
/// waited for an old file, and begins again. Nothing is locked where there is no such file yet.
pub fn with_replaced<T>(target: &Path, act: impl FnOnce() -> Result<T>) -> Result<T> {
    use std::os::unix::fs::MetadataExt;
    let _held = loop {
        let Ok(file) = nofollow::open(target) else { break None };
        if file.lock().is_err() {
            break None;
        }
        let id = |m: std::fs::Metadata| (m.dev(), m.ino());
        match (file.metadata().map(id), std::fs::metadata(target).map(id)) {
            (Ok(ours), Ok(now)) if ours != now => {}
            _ => break Some(file),
        }
    };
    act()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_is_refused_and_the_first_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run.lock");
        let holder = Holder::me(Path::new("/specs/login"), Timestamp::UNIX_EPOCH);
        let first = RunLock::take(&path, &holder).unwrap();
        let error = RunLock::take(&path, &holder).unwrap_err();
        let text = error.render();
        assert_eq!(error.kind(), ErrorKind::Locked);
        assert!(
            text.contains(&format!("process {}", std::process::id())) && text.contains("/specs/login"),
            "{text}"
        );
        assert!(text.contains(&holder.host), "{text}");
        assert_eq!(super::holder(&path), Some(holder.clone()));
        drop(first);
        // a process that another test starts right now has the file open until its program runs
        let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
        while super::holder(&path).is_some() && std::time::Instant::now() < end {
            std::thread::yield_now();
        }
        assert_eq!(super::holder(&path), None);
        RunLock::take(&path, &holder).unwrap();
    }
    #[test]
    fn a_run_from_another_root_is_refused_though_its_lock_file_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let holder = Holder::me(dir.path(), Timestamp::UNIX_EPOCH);
        let first = RunLock::take(&dir.path().join("a.lock"), &holder).unwrap();
        let error = RunLock::take(&dir.path().join("b.lock"), &holder).unwrap_err();
        assert!(
            error.kind() == ErrorKind::Locked && error.render().contains("another project"),
            "{}",
            error.render()
        );
        drop(first);
        RunLock::take(&dir.path().join("b.lock"), &holder).unwrap();
    }

    #[test]
    fn writers_of_a_file_take_turns_also_with_different_lock_files() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("counter");
        crate::sys::files::replace(&path, b"0", 0o600).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let path = path.clone();
                std::thread::spawn(move || {
                    for _ in 0..25 {
                        with_replaced(&path, || {
                            let n: u32 = std::fs::read_to_string(&path).unwrap().parse().unwrap();
                            crate::sys::files::replace(&path, (n + 1).to_string().as_bytes(), 0o600)
                        })
                        .unwrap();
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "100");
    }
}
