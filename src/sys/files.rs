//! Files that are written whole or not at all: fresh temp file, fsync, rename, fsync of the folder. No link is followed.

use std::fs::{self, File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use super::nofollow::{self, FilePlace};
use super::random;
use crate::error::{Error, Result};

/// How the names of our temp files begin.
const TEMP_PREFIX: &str = ".seqorch-";
/// How the names of our temp files end.
const TEMP_SUFFIX: &str = ".tmp";

/// The stages of [`replace`], in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ReplaceStage {
    Create,
    Write,
    Mode,
    Sync,
    Rename,
    SyncFolder,
}

/// Replaces the contents of `path` by `bytes`. Readers see the old file or the new one, also after a power cut.
///
/// An existing file keeps its mode; a new one gets `mode`, as far as the umask allows it. A failure leaves the old file as it
/// was, and no temp file.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    replace_by(path, bytes, mode, |_| Ok(()))
}

/// Does what [`replace`] does. Tests let `before` fail at a stage.
fn replace_by(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    mut before: impl FnMut(ReplaceStage) -> io::Result<()>,
) -> Result<()> {
    let mut stage = ReplaceStage::Create;
    let mut reach = |next| {
        stage = next;
        before(next)
    };
    let result = replace_io(path, bytes, mode, &mut reach);
    result.map_err(|e| match stage {
        ReplaceStage::SyncFolder => Error::io("syncing the folder of", path, e)
            .hint("The new file is in place and whole, but a power cut may bring the old one back."),
        _ => write_error("writing", path, e),
    })
}

/// The error of a failed write, with a hint how to fix its cause.
fn write_error(act: &str, path: &Path, e: io::Error) -> Error {
    let hint = match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The disk is full. The data already on disk is intact. Free some space and run again."
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "The data already on disk is intact. Make the folder writable and run again."
        }
        io::ErrorKind::FileTooLarge => {
            "The data already on disk is intact. This shell limits the size of files (`ulimit -f`); raise the limit and run again."
        }
        _ => "The data already on disk is intact.",
    };
    Error::io(act, path, e).hint(hint)
}

fn replace_io(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    reach: &mut impl FnMut(ReplaceStage) -> io::Result<()>,
) -> io::Result<()> {
    let place = FilePlace::of(path)?;
    let old = place.mode_of_file()?;
    reach(ReplaceStage::Create)?;
    let mut temp = TempFile::create(&place, old.unwrap_or(mode))?;
    reach(ReplaceStage::Write)?;
    temp.file.write_all(bytes)?;
    reach(ReplaceStage::Mode)?;
    if let Some(mode) = old {
        temp.file.set_permissions(Permissions::from_mode(mode))?;
    }
    reach(ReplaceStage::Sync)?;
    temp.file.sync_all()?;
    reach(ReplaceStage::Rename)?;
    temp.rename()?;
    reach(ReplaceStage::SyncFolder)?;
    match rustix::fs::fsync(&place.folder) {
        // some file systems cannot sync folders; nothing better can be done there
        Err(Errno::INVAL | Errno::NOTSUP) => Ok(()),
        done => done.map_err(io::Error::from),
    }
}

/// Writes a file that must not exist yet; it appears whole. Returns `false`, and writes nothing, where something is in its
/// place.
pub fn create_new(path: &Path, bytes: &[u8], mode: u32) -> Result<bool> {
    let create = || -> io::Result<bool> {
        let place = FilePlace::of(path)?;
        let mut temp = TempFile::create(&place, mode)?;
        temp.file.write_all(bytes)?;
        temp.file.sync_all()?;
        match rustix::fs::linkat(&place.folder, &temp.name, &place.folder, &place.name, AtFlags::empty()) {
            Ok(()) => Ok(true),
            Err(Errno::EXIST) => Ok(false),
            // a file system without hard links
            Err(_) if place.mode_of_file()?.is_some() => Ok(false),
            Err(_) => temp.rename().map(|()| true),
        }
    };
    create().map_err(|e| write_error("writing", path, e))
}

/// Writes a file whole, but does not wait for the disk.
pub fn write_unsynced(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let write = || -> io::Result<()> {
        let place = FilePlace::of(path)?;
        place.mode_of_file()?;
        let mut temp = TempFile::create(&place, mode)?;
        temp.file.write_all(bytes)?;
        temp.rename()
    };
    write().map_err(|e| write_error("writing", path, e))
}

/// Copies a file of our own over another one.
pub fn copy(from: &Path, to: &Path, mode: u32) -> Result<()> {
    let copy = || -> io::Result<()> {
        let mut source = nofollow::open(from)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
        let mut target = FilePlace::of(to)?.open(flags, raw_mode(mode))?;
        io::copy(&mut source, &mut target).map(drop)
    };
    copy().map_err(|e| write_error("writing", to, e))
}

/// A file next to the one that it is to become; it is removed unless it becomes that.
struct TempFile<'a> {
    place: &'a FilePlace,
    name: String,
    file: File,
    is_there: bool,
}

impl<'a> TempFile<'a> {
    fn create(place: &'a FilePlace, mode: u32) -> io::Result<Self> {
        // a name that cannot be guessed, and that must not exist
        let name = format!("{TEMP_PREFIX}{:016x}{TEMP_SUFFIX}", random::bits()?);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        let file = place.with_name(&name)?.open(flags, raw_mode(mode))?;
        Ok(Self { place, name, file, is_there: true })
    }

    fn rename(&mut self) -> io::Result<()> {
        let folder = &self.place.folder;
        rustix::fs::renameat(folder, &self.name, folder, &self.place.name)?;
        self.is_there = false;
        Ok(())
    }
}

impl Drop for TempFile<'_> {
    fn drop(&mut self) {
        if self.is_there {
            let _ = rustix::fs::unlinkat(&self.place.folder, &self.name, AtFlags::empty());
        }
    }
}

#[allow(clippy::useless_conversion, reason = "the type is narrower on macOS")]
fn raw_mode(mode: u32) -> Mode {
    Mode::from_raw_mode(mode.try_into().unwrap_or(0o600))
}

/// Whether a folder takes files: writes one of a few bytes, which goes at once. A full disk lets empty files be made.
pub fn probe(folder: &Path) -> Result<()> {
    let write = || {
        tempfile::Builder::new()
            .prefix(TEMP_PREFIX)
            .suffix(TEMP_SUFFIX)
            .tempfile_in(folder)?
            .write_all(&[0; 4096])
    };
    write().map_err(|e| write_error("writing to", folder, e))
}

/// Removes the temp files that killed processes left in `folder`. Call it only while no process writes there.
pub fn remove_temp_files(folder: &Path) {
    remove_named(folder, |name| name.starts_with(TEMP_PREFIX) && name.ends_with(TEMP_SUFFIX));
}

/// Removes the files in `folder` whose names `unwanted` accepts. Files that cannot be removed stay.
pub(super) fn remove_named(folder: &Path, unwanted: impl Fn(&str) -> bool) {
    if nofollow::open_folder(folder).is_err() {
        return;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(&unwanted) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Appends `bytes` to a file, and creates it with `mode` if needed.
pub fn append(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::CREATE;
    FilePlace::of(path)
        .and_then(|place| place.open(flags, raw_mode(mode)))
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|e| write_error("appending to", path, e))
}

/// Creates a folder, and the folders above it, that only the user may enter. No part of the path may be a link.
pub fn create_private_dir(path: &Path) -> Result<()> {
    fn create(path: &Path) -> io::Result<()> {
        match nofollow::open_folder(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            opened => return opened.map(drop),
        }
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            create(parent)?;
        }
        let place = FilePlace::of(path)?;
        match rustix::fs::mkdirat(&place.folder, &place.name, Mode::RWXU) {
            // another process was faster
            Ok(()) | Err(Errno::EXIST) => nofollow::open_folder(path).map(drop),
            Err(e) => Err(e.into()),
        }
    }
    create(path).map_err(|e| write_error("creating", path, e))
}

/// Whether the file at this path is the one that is open.
#[must_use]
pub fn is_same_file(open: &File, path: &Path) -> bool {
    let id = |data: &fs::Metadata| (data.dev(), data.ino());
    let (open, there) = (open.metadata(), fs::symlink_metadata(path));
    open.is_ok_and(|open| there.is_ok_and(|there| id(&open) == id(&there)))
}

/// Lets children inherit an open file, and with it the lock that it has.
pub fn share_with_children(file: &File) {
    let _ = rustix::io::fcntl_setfd(file, rustix::io::FdFlags::empty());
}

/// Writes a file that only the user may read. A reader may see half of it: use [`replace`] where that matters.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    create_private_file(path)?.write_all(bytes).map_err(|e| write_error("writing", path, e))
}

/// Opens an empty file for writing that only the user may read. It empties an existing file.
pub fn create_private_file(path: &Path) -> Result<File> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC;
    open_private(path, flags).map_err(|e| write_error("creating", path, e))
}

/// Opens a file for reading and writing that only the user may read, as it is, and creates it if needed.
pub fn open_private_file(path: &Path) -> Result<File> {
    open_private(path, OFlags::RDWR | OFlags::CREATE).map_err(|e| write_error("opening", path, e))
}

/// Opens a file for reading and appending that only the user may read, and creates it if needed.
pub fn append_private_file(path: &Path) -> io::Result<File> {
    open_private(path, OFlags::RDWR | OFlags::APPEND | OFlags::CREATE)
}

fn open_private(path: &Path, flags: OFlags) -> io::Result<File> {
    let file = FilePlace::of(path)?.open(flags, raw_mode(0o600))?;
    // one that was there before may have been open to others
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Renames a file within its folder, if there is one. It replaces a file of the new name.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let (from, to) = (FilePlace::of(from)?, FilePlace::of(to)?);
    match rustix::fs::renameat(&from.folder, &from.name, &to.folder, &to.name) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(e) => Err(e.into()),
    }
}

/// Removes a folder with all that is in it, if no link leads to it. Nothing is followed inside of it either.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    nofollow::open_folder(path)?;
    fs::remove_dir_all(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_new_one_gets_the_given_mode() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        replace(&path, b"one", 0o600).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
        replace(&path, b"two", 0o600).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_temp_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("taken");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("inside"), "x").unwrap();
        assert!(replace(&path, b"new", 0o600).is_err());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(path.join("inside").exists());
    }

    #[test]
    fn a_failure_at_any_stage_leaves_a_whole_file_and_no_temp_file() {
        use ReplaceStage::{Create, Mode, Rename, Sync, SyncFolder, Write};
        for fails in [Create, Write, Mode, Sync, Rename, SyncFolder] {
            for errno in [rustix::io::Errno::NOSPC, rustix::io::Errno::IO, rustix::io::Errno::ROFS] {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("state.json");
                replace(&path, b"old", 0o600).unwrap();
                let mut passed = Vec::new();
                let error = replace_by(&path, b"new", 0o600, |stage| {
                    passed.push(stage);
                    if stage == fails { Err(errno.into()) } else { Ok(()) }
                })
                .unwrap_err();
                assert_eq!(passed.last(), Some(&fails), "no stage follows a failed one");
                let (text, now) = (error.render(), fs::read(&path).unwrap());
                assert!(text.contains("state.json") && text.contains("because:"), "{text}");
                if fails == SyncFolder {
                    assert!(now == b"new" && text.contains("is in place"), "{text}");
                } else {
                    assert!(now == b"old" && text.contains("is intact"), "{text}");
                }
                assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{fails:?} leaves a temp file");
            }
        }
    }

    #[test]
    fn only_our_own_temp_files_are_removed() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".seqorch-Ab12.tmp", "notes.tmp", ".seqorch-notes", "tasks.md"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        remove_temp_files(dir.path());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
        assert!(!dir.path().join(".seqorch-Ab12.tmp").exists());
    }
}
