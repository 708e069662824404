//! The places of a project that a sandbox has to know: its work tree, git's folders, and what belongs to seqorch.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::sandbox::SandboxSubject;
use crate::store::work_tree_folders::WorkTreeFolders;

/// Where agents of a project work.
#[derive(Debug, Clone)]
pub struct SandboxGround<'a> {
    root: &'a Path,
    cwd: &'a Path,
    top: Option<PathBuf>,
    git: Vec<PathBuf>,
    own: Vec<PathBuf>,
}

impl<'a> SandboxGround<'a> {
    /// That of the project at `root`, for agents that work in `cwd`.
    #[must_use]
    pub fn of(root: &'a Path, cwd: &'a Path) -> Self {
        let found = WorkTreeFolders::find(cwd).or_else(|| WorkTreeFolders::find(root));
        let (top, git) = found.map_or((None, Vec::new()), |found| (Some(found.top), found.git));
        let own = git.iter().map(|folder| folder.join("seqorch")).chain([root.join(".seqorch")]).collect();
        Self { root, cwd, top, git, own }
    }

    /// An agent of this backend that works there, or a check where there is none.
    #[must_use]
    pub fn subject(
        &'a self,
        config: &'a Config,
        backend: &str,
        env: &'a [(OsString, OsString)],
    ) -> SandboxSubject<'a> {
        SandboxSubject {
            settings: &config.sandbox,
            backend: config.backends.get(backend),
            root: self.root,
            cwd: self.cwd,
            work_tree: self.top.as_deref().map(|top| (top, self.git.as_slice())),
            own: &self.own,
            env,
        }
    }
}
