//! Opens files of our own without following links.
//!
//! A repository, or an agent while it works, may put a link in the place of a file that seqorch writes: the progress would
//! go to `~/.bashrc`, a lock would empty a file. So no part of such a path may be a link. Linux checks this in one call
//! (`openat2`); elsewhere each folder is opened in turn. A caller that means a link resolves it before.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;

/// Bytes that a file has at most that is read as a whole: state, tasks, results. Far more than any real one has.
pub const WHOLE_MAX: u64 = 100_000_000;

/// Where a file is: its folder, which cannot be swapped any more, and its name in it.
#[derive(Debug)]
pub struct FilePlace {
    /// The folder.
    pub folder: OwnedFd,
    /// The name.
    pub name: PathBuf,
}

impl FilePlace {
    /// The place of `path`, which is absolute. An error if a folder on the way is a link.
    pub fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().map(PathBuf::from).ok_or_else(|| io::Error::other("it has no name"))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Ok(Self { folder: open_folder(folder)?, name })
    }

    /// The place of another file in the same folder.
    pub fn with_name(&self, name: &str) -> io::Result<Self> {
        Ok(Self { folder: self.folder.try_clone()?, name: name.into() })
    }

    /// The mode of the file; `None` where there is none. An error where something else is in its place.
    #[allow(clippy::useless_conversion, reason = "the type is narrower on macOS")]
    pub fn mode_of_file(&self) -> io::Result<Option<u32>> {
        let stat = match statat(&self.folder, &self.name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => return Ok(None),
            Err(e) => return Err(e.into()),
        };
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => Ok(Some(u32::from(stat.st_mode) & 0o7777)),
            FileType::Symlink => Err(as_words(Errno::LOOP)),
            _ => Err(io::Error::other("it is not a regular file")),
        }
    }

    /// Opens the file. A link, a pipe, a device or a folder in its place is an error at once.
    pub fn open(&self, flags: OFlags, mode: Mode) -> io::Result<File> {
        // without NONBLOCK, opening a pipe would not return
        let flags = flags | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
        let file = File::from(openat(&self.folder, &self.name, flags, mode).map_err(as_words)?);
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is not a regular file"));
        }
        Ok(file)
    }
}

/// Opens a folder. An error if it or a folder on the way is a link.
pub fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    let path = system_links(path);
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{ResolveFlags, openat2};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(CWD, &path, flags, Mode::empty(), resolve) {
            // an old kernel, or a filter of system calls that does not know the call
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => {}
            opened => return opened.map_err(as_words),
        }
    }
    each_folder(&path)
}

/// The folder, opened one part after another.
fn each_folder(path: &Path) -> io::Result<OwnedFd> {
    // a folder that may only be passed through can be opened like this, but not read
    #[cfg(target_os = "linux")]
    const ON_THE_WAY: OFlags = OFlags::PATH;
    #[cfg(not(target_os = "linux"))]
    const ON_THE_WAY: OFlags = OFlags::RDONLY;
    let flags = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let start = if path.is_absolute() { OsStr::new("/") } else { OsStr::new(".") };
    let mut folder = openat(CWD, start, ON_THE_WAY | flags, Mode::empty()).map_err(as_words)?;
    for part in path.components() {
        match part {
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir => return Err(io::Error::other("its path has ..")),
            Component::Normal(name) => {
                folder = openat(&folder, name, ON_THE_WAY | flags, Mode::empty()).map_err(as_words)?;
            }
        }
    }
    openat(&folder, ".", OFlags::RDONLY | flags, Mode::empty()).map_err(as_words)
}

/// The path behind links that belong to the system: macOS has `/tmp` and `/var` in another place.
fn system_links(path: &Path) -> PathBuf {
    let mut parts = path.components();
    match (parts.next(), parts.next()) {
        (Some(Component::RootDir), Some(Component::Normal(first))) => {
            let first = Path::new("/").join(first);
            let real = first.is_symlink().then(|| std::fs::canonicalize(&first).ok()).flatten();
            real.unwrap_or(first).join(parts.as_path())
        }
        _ => path.to_owned(),
    }
}

fn as_words(error: Errno) -> io::Error {
    match error {
        Errno::LOOP | Errno::MLINK => io::Error::other(
            "it is a link, or leads over one; seqorch does not follow links to files of its own",
        ),
        // a socket, or a pipe without a reader
        Errno::NXIO | Errno::NODEV => io::Error::other("it is not a regular file"),
        other => other.into(),
    }
}

/// Opens a file of our own for reading.
pub fn open(path: &Path) -> io::Result<File> {
    FilePlace::of(path)?.open(OFlags::RDONLY, Mode::empty())
}

/// Reads a file of our own that has at most `most` bytes.
pub fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_all(open(path)?, most)
}

/// Opens a file for reading that may be a link, but no pipe and no device.
pub fn open_regular(path: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    let file = File::from(openat(CWD, path, flags, Mode::empty())?);
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a regular file"));
    }
    Ok(file)
}

/// Reads a file that may be a link, but nothing that would hold the reader up or never end.
pub fn read_regular(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    read_all(open_regular(path)?, most)
}

fn read_all(file: File, most: u64) -> io::Result<Vec<u8>> {
    // a file that grows in between is read as well
    let expected = file.metadata()?.len().min(most);
    let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or(0) + 1);
    file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::other(format!("it is larger than {} MB", most / 1_000_000)));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = fs::canonicalize(dir.path()).unwrap();
        (dir, path)
    }

    #[test]
    fn a_file_is_read_and_one_behind_a_link_is_not() {
        let (_dir, top) = folder();
        fs::create_dir_all(top.join("real/deep")).unwrap();
        fs::write(top.join("real/deep/file"), "text").unwrap();
        symlink("real", top.join("link")).unwrap();
        symlink("real/deep/file", top.join("file")).unwrap();
        assert_eq!(read(&top.join("real/deep/file"), 10).unwrap(), b"text");
        for path in ["link/deep/file", "file"] {
            let error = read(&top.join(path), 10).unwrap_err();
            assert!(error.to_string().contains("link"), "{path}: {error}");
        }
        assert_eq!(read(&top.join("none"), 10).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn folders_opened_one_by_one_refuse_the_same() {
        let (_dir, top) = folder();
        fs::create_dir_all(top.join("real/deep")).unwrap();
        symlink("real", top.join("link")).unwrap();
        assert!(each_folder(&top.join("real/deep")).is_ok());
        for path in [top.join("link"), top.join("link/deep"), top.join("real/../real")] {
            assert!(each_folder(&path).is_err(), "{}", path.display());
        }
    }

    #[test]
    fn what_is_no_regular_file_or_too_large_is_an_error_at_once() {
        let (_dir, top) = folder();
        let pipe = top.join("pipe");
        rustix::fs::mknodat(CWD, &pipe, rustix::fs::FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        fs::write(top.join("large"), "12345").unwrap();
        for path in [pipe, top.clone(), PathBuf::from("/dev/zero")] {
            for read in [read, read_regular] {
                assert!(read(&path, 4).is_err(), "{}", path.display());
            }
        }
        assert!(read(&top.join("large"), 4).unwrap_err().to_string().contains("larger"));
    }
}
