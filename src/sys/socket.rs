//! Unix sockets in private folders. A path may have any length, and the socket's file goes when its listener goes.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{files, process, random};

/// The longest path, in bytes, that fits into a socket's address on every system.
const PATH_MAX: usize = 100;
/// How the names of our sockets end.
const SUFFIX: &str = ".sock";

/// A listening socket. Dropping it removes its file.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
    /// A folder with a short path, on systems without another way around a long one.
    _short: Option<tempfile::TempDir>,
}

impl Listener {
    /// Listens in `folder` under a new name. A late client of an earlier listener thus never reaches this one.
    pub fn bind(folder: &Path) -> io::Result<Self> {
        let name = format!("{}.{:016x}{SUFFIX}", std::process::id(), random::bits()?);
        let mut path = folder.join(&name);
        let mut short = None;
        let listener = match through_folder(&path, |path| UnixListener::bind(path)) {
            Err(e) if e.kind() == io::ErrorKind::InvalidInput => {
                let dir = tempfile::Builder::new().prefix("seqorch-").tempdir_in("/tmp")?;
                path = dir.path().join(name);
                short = Some(dir);
                UnixListener::bind(&path)?
            }
            listener => listener?,
        };
        listener.set_nonblocking(true)?;
        Ok(Self { inner: listener, path, _short: short })
    }

    /// The path to connect to.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The socket itself.
    #[must_use]
    pub fn get(&self) -> &UnixListener {
        &self.inner
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Waits until somebody connects, at most for `limit`.
pub fn accept(listener: &UnixListener, limit: Duration) -> io::Result<Option<UnixStream>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    match poll(&mut [PollFd::new(listener, PollFlags::IN)], Timespec::try_from(limit).ok().as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(e) => return Err(e.into()),
    }
    match listener.accept() {
        Ok((stream, _)) => stream.set_nonblocking(false).map(|()| Some(stream)),
        Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Connects to a [`Listener`].
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    through_folder(path, |path| UnixStream::connect(path))
}

/// Calls `act` with `path`, or with a short path to the same file through a descriptor of its folder.
fn through_folder<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() <= PATH_MAX {
        return act(path);
    }
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else { return act(path) };
    if !cfg!(target_os = "linux") {
        return act(path);
    }
    let folder = File::open(folder)?;
    act(&PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
}

/// Removes the sockets in `folder` whose processes are dead.
pub fn remove_dead_sockets(folder: &Path) {
    files::remove_named(folder, |name| {
        let pid = name.strip_suffix(SUFFIX).and_then(|name| name.split_once('.')?.0.parse().ok());
        pid.is_some_and(|pid| !process::is_alive(pid))
    });
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_socket_path_may_be_long_and_its_file_goes_with_the_listener() {
        let dir = tempfile::tempdir().unwrap();
        for folder in [dir.path().join("a"), dir.path().join("long".repeat(40)).join("er".repeat(100))] {
            fs::create_dir_all(&folder).unwrap();
            let listener = Listener::bind(&folder).unwrap();
            let path = listener.path().to_owned();
            connect(&path).unwrap().write_all(b"x").unwrap();
            assert!(accept(listener.get(), Duration::from_secs(30)).unwrap().is_some());
            remove_dead_sockets(&folder);
            connect(&path).unwrap();
            drop(listener);
            assert!(connect(&path).is_err());
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        }
    }

    #[test]
    fn only_the_sockets_of_dead_processes_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["999999999.0a.sock", "notes.sock", "state.json"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        remove_dead_sockets(dir.path());
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["notes.sock", "state.json"]);
    }
}
