//! The secret of a project's page. It is kept, so that a server that comes back has the same address.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, ErrorKind, Result};
use crate::store::trust_file::state_folder;
use crate::sys::digest::digest;
use crate::sys::{files, nofollow, paths, random};

/// Hexadecimal digits of a token: 128 random bits.
const LENGTH: usize = 32;

/// The secret of the page of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageToken {
    /// The secret.
    pub(super) text: String,
    /// Another one for each project: their pages may share a host.
    pub(super) name: String,
    /// Its file.
    path: PathBuf,
}

impl PageToken {
    /// The secret of the project at `root`, from the person's own state folder; a new one where there is none, or where `renew`
    /// says that the old one must not count any more.
    pub fn of_project(root: &Path, renew: bool, var: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let name = digest(root.as_os_str().as_bytes());
        let folder = state_folder(var).ok_or_else(|| {
            Error::new(ErrorKind::Config, "there is no folder to keep the key of the page in")
                .hint("Set HOME or XDG_STATE_HOME.")
        })?;
        // the way to it is the person's own, with whatever links
        let folder: PathBuf = paths::real(&folder).join("page");
        let path = folder.join(format!("{name}.token"));
        let known = match nofollow::read_regular(&path, 1000) {
            Ok(bytes) => whole(bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(e) => return Err(Error::io("reading", &path, e)),
        };
        // what others could read is no secret, and a file that is replaced keeps its mode
        let is_open = path.symlink_metadata().is_ok_and(|file| file.permissions().mode() & 0o077 != 0);
        if is_open {
            fs::remove_file(&path).map_err(|e| Error::io("removing", &path, e))?;
        }
        if let Some(text) = known.filter(|_| !renew && !is_open) {
            return Ok(Self { text, name, path });
        }
        let failed = |e| Error::new(ErrorKind::Internal, "drawing a random number").caused_by(e);
        let text =
            format!("{:016x}{:016x}", random::bits().map_err(failed)?, random::bits().map_err(failed)?);
        files::create_private_dir(&folder)?;
        files::replace(&path, format!("{text}\n").as_bytes(), 0o600)?;
        Ok(Self { text, name, path })
    }

    /// The secret as it is now: another process may have made a new one.
    pub(super) fn now(&self) -> String {
        let bytes = nofollow::read_regular(&self.path, 1000).ok();
        bytes.and_then(whole).unwrap_or_else(|| self.text.clone())
    }
}

/// A secret that was written to its end.
fn whole(bytes: Vec<u8>) -> Option<String> {
    let text = String::from_utf8(bytes).ok()?.trim().to_owned();
    (text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_kept_privately_by_project_until_it_is_renewed() {
        let dir = tempfile::tempdir().unwrap();
        let of = |root: &str, renew| {
            let var = |name: &str| (name == "XDG_STATE_HOME").then(|| dir.path().into());
            PageToken::of_project(Path::new(root), renew, var).unwrap()
        };
        let first = of("/p", false);
        assert_eq!(of("/p", false), first);
        assert_ne!(of("/q", false).text, first.text);
        assert_ne!(of("/p", true).text, first.text);
        let folder = dir.path().join("seqorch/page");
        let path = folder.join(format!("{}.token", first.name));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&folder), mode(&path)), (0o700, 0o600));
        let third = of("/p", false);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert_ne!(of("/p", false), third, "others could read it");
        assert_eq!(mode(&path), 0o600);
        fs::write(&path, "short").unwrap();
        assert_eq!(of("/p", false).text.len(), LENGTH);
        assert!(PageToken::of_project(Path::new("/p"), false, |_| None).is_err());
    }
}
