//! Submodules of a work tree, and commits that only they have. A linked work tree has submodules of its own, which go with it.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use super::call::GitError;
use super::repository::Repository;

/// How git marks a submodule in its index.
const MODE: &[u8] = b"160000 ";

impl Repository {
    /// The submodules with commits that none of their remotes has, those inside of others too: the path in the work tree, and
    /// how many commits.
    pub fn unpushed_submodules(&self) -> Result<Vec<(PathBuf, usize)>, GitError> {
        let mut found = Vec::new();
        let printed = self.call(["ls-files", "--stage", "-z"]).read(&self.supervisor)?;
        for entry in printed.split(|b| *b == 0).filter(|entry| entry.starts_with(MODE)) {
            let Some(tab) = entry.iter().position(|b| *b == b'\t') else { continue };
            let path = PathBuf::from(OsStr::from_bytes(&entry[tab + 1..]));
            let top = self.top.join(&path);
            if !top.is_dir() {
                continue;
            }
            // one that was never filled is an empty folder of this repository
            let own = Self::find(&top, &self.supervisor)?.filter(|own| own.top == top);
            let Some(own) = own.map(Self::only_to_look) else { continue };
            let counted = own.ask(["rev-list", "--count", "HEAD", "--branches", "--not", "--remotes"]);
            let commits = match counted {
                // it has no commit
                Err(GitError::Failed { .. }) => 0,
                counted => counted?.parse().unwrap_or(0),
            };
            if commits > 0 {
                found.push((path.clone(), commits));
            }
            let inner = own.unpushed_submodules()?.into_iter();
            found.extend(inner.map(|(below, commits)| (path.join(below), commits)));
        }
        Ok(found)
    }
}
