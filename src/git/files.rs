//! Files of ours in git's folder: made, copied and removed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::call::GitError;
use crate::sys::{files, nofollow};

pub(super) fn private_folder(path: &Path) -> Result<(), GitError> {
    fs::create_dir_all(path)
        .map_err(|e| GitError::Unusable { why: format!("making {}: {e}", path.display()) })
}

/// The path with more at its end.
pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

pub(super) fn remove(path: &Path) -> Result<(), GitError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => {
            Err(GitError::Unusable { why: format!("removing {}: {e}", path.display()) })
        }
        _ => Ok(()),
    }
}

/// Writes a file of ours that git reads.
pub(super) fn write_own(path: &Path, bytes: &[u8]) -> Result<(), GitError> {
    files::write_unsynced(path, bytes, 0o600).map_err(|e| GitError::Unusable { why: e.brief() })
}

pub(super) fn link_or_copy(from: &Path, to: &Path) -> io::Result<()> {
    match fs::hard_link(from, to) {
        Ok(()) => Ok(()),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // another file system, or one without links: whole or not there, as git itself does it
        Err(_) => {
            let folder = to.parent().unwrap_or(to);
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            io::copy(&mut fs::File::open(from)?, &mut file)?;
            file.as_file().set_permissions(fs::metadata(from)?.permissions())?;
            file.as_file().sync_all()?;
            file.persist(to).map(drop).map_err(|e| e.error)
        }
    }
}

/// Copies an index to one of ours with its time in nanoseconds: by that git knows which files may have changed in the
/// moment in which they were staged.
pub(super) fn copy_with_time(from: &Path, to: &Path) -> io::Result<()> {
    let mut source = nofollow::open_regular(from)?;
    let mut copy = files::create_private_file(to).map_err(io::Error::other)?;
    io::copy(&mut source, &mut copy)?;
    copy.set_modified(source.metadata()?.modified()?)
}
