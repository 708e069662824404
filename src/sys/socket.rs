//! Unix sockets in private folders, however long their paths are, and gone with whoever listened.

use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use super::process;

/// Longest path that fits into a socket's address everywhere.
const PATH_MAX: usize = 100;
/// How the names of our sockets end.
const SUFFIX: &str = ".sock";

/// A socket that somebody listens on; its file goes with it.
#[derive(Debug)]
pub struct Listener {
    inner: UnixListener,
    path: PathBuf,
    /// Where the system offers no way around a long path: a folder with a short one.
    _short: Option<tempfile::TempDir>,
}

impl Listener {
    /// Listens in `folder`, on a name that nobody had before: whoever comes late, to one that is gone, meets no stranger.
    pub fn bind(folder: &Path) -> io::Result<Self> {
        let chance = RandomState::new().build_hasher().finish() & 0xffff_ffff;
        let name = format!("{}.{chance:08x}{SUFFIX}", std::process::id());
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
        Ok(Self { inner: listener, path, _short: short })
    }

    /// Where to connect.
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

/// Connects to a [`Listener`].
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    through_folder(path, |path| UnixStream::connect(path))
}

/// A path that is too long goes by a descriptor of its folder.
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

/// Removes what killed processes left in `folder`.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(name) = name.to_str().and_then(|n| n.strip_suffix(SUFFIX)) else { continue };
        let pid = name.split_once('.').and_then(|(pid, _)| pid.parse().ok());
        if pid.is_some_and(|pid| !process::lives(pid)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_path_of_any_length_will_do_and_nothing_stays() {
        let dir = tempfile::tempdir().unwrap();
        for folder in [dir.path().join("a"), dir.path().join("long".repeat(40)).join("er".repeat(100))] {
            fs::create_dir_all(&folder).unwrap();
            let listener = Listener::bind(&folder).unwrap();
            let path = listener.path().to_owned();
            connect(&path).unwrap().write_all(b"x").unwrap();
            assert!(listener.get().accept().is_ok());
            sweep(&folder);
            connect(&path).unwrap();
            drop(listener);
            assert!(connect(&path).is_err());
            assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        }
    }

    #[test]
    fn what_a_dead_process_left_is_swept_away_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["999999999.0a.sock", "notes.sock", "state.json"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        sweep(dir.path());
        let mut left: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().map(|e| e.file_name()).collect();
        left.sort();
        assert_eq!(left, ["notes.sock", "state.json"]);
    }
}
