//! Files that are whole or not there: fresh temp file, fsync, rename, fsync of the folder.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use crate::error::{Error, Result};

/// How the names of our temp files begin and end.
const TEMP: (&str, &str) = (".seqorch-", ".tmp");

/// What [`replace`] does, one after another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Create,
    Write,
    Mode,
    Sync,
    Rename,
    SyncFolder,
}

/// Replaces `path` by `bytes` in one step that survives a power cut: readers see the old file or the new one.
///
/// The mode of an existing file is kept; a new one gets `mode`. A failure leaves the old file as it was and no
/// temp file behind.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    replace_by(path, bytes, mode, |_| Ok(()))
}

/// As [`replace`]; `before` is asked before each step, and may make it fail.
fn replace_by(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    mut before: impl FnMut(Step) -> io::Result<()>,
) -> Result<()> {
    let mut step = Step::Create;
    let mut reach = |next| {
        step = next;
        before(next)
    };
    let result = replace_io(path, bytes, mode, &mut reach);
    result.map_err(|e| match step {
        Step::SyncFolder => Error::io("making sure that the disk has", path, e)
            .hint("The new file is in place and whole; a power cut may bring the old one back."),
        _ => failed("writing", path, e),
    })
}

/// A write that failed, with the way out.
fn failed(act: &str, path: &Path, e: io::Error) -> Error {
    let hint = match e.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "The disk is full; what was there is intact. Free some space and run again."
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "What was there is intact. Make the folder writable and run again."
        }
        io::ErrorKind::FileTooLarge => {
            "What was there is intact. This shell limits the size of files (`ulimit -f`); raise that and run again."
        }
        _ => "What was there is intact.",
    };
    Error::io(act, path, e).hint(hint)
}

fn replace_io(
    path: &Path,
    bytes: &[u8],
    mode: u32,
    reach: &mut impl FnMut(Step) -> io::Result<()>,
) -> io::Result<()> {
    // a link is followed, so that a linked file stays a link
    let target = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = target.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let permissions = match fs::metadata(&target) {
        Ok(old) => old.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(mode),
    };
    reach(Step::Create)?;
    let mut temp = tempfile::Builder::new().prefix(TEMP.0).suffix(TEMP.1).tempfile_in(folder)?;
    reach(Step::Write)?;
    temp.write_all(bytes)?;
    reach(Step::Mode)?;
    temp.as_file().set_permissions(permissions)?;
    reach(Step::Sync)?;
    temp.as_file().sync_all()?;
    reach(Step::Rename)?;
    temp.persist(&target).map_err(|e| e.error)?;
    reach(Step::SyncFolder)?;
    match File::open(folder)?.sync_all() {
        // a file system that cannot do this with folders has no better to offer
        Err(e) if matches!(e.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        done => done,
    }
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
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|e| failed("creating", path, e))
}

/// Writes a private file that nobody reads before it is whole.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    private_file(path)?.write_all(bytes).map_err(|e| failed("writing", path, e))
}

/// Opens a fresh private file for writing; an old one of that name is emptied.
pub fn private_file(path: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| failed("creating", path, e))
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

    #[test]
    fn each_step_that_fails_leaves_a_whole_file_no_litter_and_a_clear_error() {
        use Step::{Create, Mode, Rename, Sync, SyncFolder, Write};
        for fails in [Create, Write, Mode, Sync, Rename, SyncFolder] {
            for errno in [rustix::io::Errno::NOSPC, rustix::io::Errno::IO, rustix::io::Errno::ROFS] {
                let dir = tempfile::tempdir().unwrap();
                let path = dir.path().join("state.json");
                replace(&path, b"old", 0o600).unwrap();
                let mut passed = Vec::new();
                let error = replace_by(&path, b"new", 0o600, |step| {
                    passed.push(step);
                    if step == fails { Err(errno.into()) } else { Ok(()) }
                })
                .unwrap_err();
                assert_eq!(passed.last(), Some(&fails), "nothing is done after a failure");
                let (text, now) = (error.render(), fs::read(&path).unwrap());
                assert!(text.contains("state.json") && text.contains("because:"), "{text}");
                if fails == SyncFolder {
                    assert!(now == b"new" && text.contains("is in place"), "{text}");
                } else {
                    assert!(now == b"old" && text.contains("is intact"), "{text}");
                }
                assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "{fails:?} leaves litter");
            }
        }
    }

    #[test]
    fn a_sweep_takes_temp_files_of_ours_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        for name in [".seqorch-Ab12.tmp", "notes.tmp", ".seqorch-notes", "tasks.md"] {
            fs::write(dir.path().join(name), "x").unwrap();
        }
        sweep(dir.path());
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 3);
        assert!(!dir.path().join(".seqorch-Ab12.tmp").exists());
    }
}
