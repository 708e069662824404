//! Where a work tree begins, and git's folders of it, found by reading files.

use std::path::{Path, PathBuf};

use super::git_folder::{self, HeadPlace};

/// A work tree of git.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkTreeFolders {
    /// Its top.
    pub top: PathBuf,
    /// Git's folder of it, and the one that all work trees of its repository share, if that is another one.
    pub git: Vec<PathBuf>,
}

impl WorkTreeFolders {
    /// The work tree that `dir` is in.
    #[must_use]
    pub fn find(dir: &Path) -> Option<Self> {
        let (top, git_dir, common) = git_folder::places(dir)?;
        let common = Some(common).filter(|common| git_dir.canonicalize().ok().as_ref() != Some(common));
        Some(Self { top, git: common.into_iter().chain([git_dir]).collect() })
    }

    /// The branch that it is on, as far as files say it; `None`: it is on none, or they do not say.
    #[must_use]
    pub fn branch(&self) -> Option<String> {
        match git_folder::head_of(&self.top)? {
            HeadPlace::Branch(branch) => Some(branch),
            HeadPlace::Detached => None,
        }
    }

    /// The folders in git's that a run writes to, each with what it writes there. `commits`: it makes commits.
    #[must_use]
    pub fn written(&self, commits: bool) -> Vec<(PathBuf, &'static str)> {
        let objects =
            self.git.first().filter(|_| commits).map(|shared| (shared.join("objects"), "objects of git"));
        let folders =
            self.git.iter().map(|folder| (folder.clone(), "snapshots, and the lock of the work tree"));
        folders.chain(objects).collect()
    }
}
