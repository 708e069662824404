//! Files that are whole or not there: fresh temp file, fsync, rename, fsync of the folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{Error, Result};

/// How the names of our temp files begin and end.
const TEMP: (&str, &str) = (".seqorch-", ".tmp");

/// Replaces `path` by `bytes` in one step that survives a power cut: readers see the old file or the new one.
///
/// The mode of an existing file is kept; a new one gets `mode`. A failure leaves the old file as it was and no
/// temp file behind.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    replace_io(path, bytes, mode).map_err(|e| failed("writing", path, e))
}

/// A write that failed, with the way out.
fn failed(act: &str, path: &Path, e: io::Error) -> Error {
    let hint = match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The disk is full; the old file is intact. Free some space and run again."
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "The old file is intact. Make the folder writable and run again."
        }
        _ => "The old file is intact.",
    };
    Error::io(act, path, e).hint(hint)
}

fn replace_io(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    // a link is followed, so that a linked file stays a link
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = match fs::metadata(&target) {
        Ok(old) => old.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(mode),
    };
    let mut temp = tempfile::Builder::new().prefix(TEMP.0).suffix(TEMP.1).tempfile_in(folder)?;
    temp.write_all(bytes)?;
    temp.as_file().set_permissions(permissions)?;
    temp.as_file().sync_all()?;
    temp.persist(&target).map_err(|e| e.error)?;
    File::open(folder)?.sync_all()
}

/// Removes temp files that a killed process left in `folder`. Whoever calls this knows that nobody writes there.
pub fn sweep(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        if name.to_str().is_some_and(|n| n.starts_with(TEMP.0) && n.ends_with(TEMP.1)) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Appends to a log, creating it with `mode`.
pub fn append(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(mode)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(|e| failed("appending to", path, e))
}

/// Makes a folder (and those above it) that only the user may enter.
pub fn private_dir(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| Error::io("creating", path, e))
}

/// Opens a fresh private file for writing; an old one of that name is emptied.
pub fn private_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| Error::io("creating", path, e))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_replaced_file_keeps_its_mode_and_a_new_one_gets_the_given_one() {
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
}
