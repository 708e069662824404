//! Files that are written whole or not at all: fresh temp file, fsync, rename, fsync of the folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

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
/// An existing file keeps its mode; a new one gets `mode`. A failure leaves the old file as it was, and no temp file.
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
    // write to the target of a link, so that the link stays a link
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = match fs::metadata(&target) {
        Ok(old) => old.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(mode),
    };
    reach(ReplaceStage::Create)?;
    let mut temp = tempfile::Builder::new().prefix(TEMP_PREFIX).suffix(TEMP_SUFFIX).tempfile_in(folder)?;
    reach(ReplaceStage::Write)?;
    temp.write_all(bytes)?;
    reach(ReplaceStage::Mode)?;
    temp.as_file().set_permissions(permissions)?;
    reach(ReplaceStage::Sync)?;
    temp.as_file().sync_all()?;
    reach(ReplaceStage::Rename)?;
    temp.persist(&target).map_err(|e| e.error)?;
    reach(ReplaceStage::SyncFolder)?;
    match File::open(folder)?.sync_all() {
        // some file systems cannot sync folders; nothing better can be done there
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
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
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(&unwanted) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Appends `bytes` to a file, and creates it with `mode` if needed.
pub fn append(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|e| write_error("appending to", path, e))
}

/// Creates a folder, and the folders above it, that only the user may enter.
pub fn create_private_dir(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| write_error("creating", path, e))
}

/// Writes a file that only the user may read. A reader may see half of it: use [`replace`] where that matters.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    create_private_file(path)?.write_all(bytes).map_err(|e| write_error("writing", path, e))
}

/// Opens an empty file for writing that only the user may read. It empties an existing file.
pub fn create_private_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| write_error("creating", path, e))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

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
