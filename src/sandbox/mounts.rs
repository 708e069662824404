//! PURE. What of the disk is in a sandbox: paths, each with what may be done there.

use std::path::{Path, PathBuf};

/// What may be done with a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// It is an empty folder of its own, which ends with the sandbox.
    Private,
    /// Read it.
    Read,
    /// Read and write it.
    Write,
}

/// A path in a sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) path: PathBuf,
    pub(super) access: Access,
}

/// The places of one agent. All paths are absolute and exist.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SandboxPlaces {
    /// Where the agent begins.
    pub cwd: PathBuf,
    /// The person's home folder, of which the agent sees only what the other lists name.
    pub home: Option<PathBuf>,
    /// What the agent may write: the work tree, its own folders, what the person adds.
    pub write: Vec<PathBuf>,
    /// What the person lets it read.
    pub read: Vec<PathBuf>,
    /// Where its program and those on its PATH are, which only a sandbox of this machine's files needs.
    pub programs: Vec<PathBuf>,
    /// The folders of git.
    pub git: Vec<PathBuf>,
    /// What of git executes something, or belongs to seqorch.
    pub closed: Vec<PathBuf>,
    /// The system's folders, for a sandbox of this machine's files.
    pub system: Vec<PathBuf>,
    /// Links among them: where, and to what.
    pub links: Vec<(PathBuf, PathBuf)>,
    /// Files of the system that others than root may not read.
    pub hidden: Vec<PathBuf>,
}

impl SandboxPlaces {
    /// The mounts that any sandbox has, the outer ones first: what is inside of another one comes behind it and wins.
    pub(super) fn mounts(&self, git: Access, of_this_machine: bool) -> Vec<Mount> {
        let mut all: Vec<Mount> = Vec::new();
        let mut add = |paths: &[PathBuf], access: Access| {
            for path in paths {
                all.retain(|known| known.path != *path);
                all.push(Mount { path: path.clone(), access });
            }
        };
        add(self.home.as_slice(), Access::Private);
        if of_this_machine {
            // a folder of programs inside the work tree stays writable
            let outside: Vec<PathBuf> =
                self.programs.iter().filter(|path| !is_inside(path, &self.write)).cloned().collect();
            add(&outside, Access::Read);
        }
        add(&self.read, Access::Read);
        add(&self.write, Access::Write);
        add(&self.git, git);
        add(&self.closed, Access::Read);
        all.sort_by_key(|mount| mount.path.components().count());
        all
    }
}

fn is_inside(path: &Path, folders: &[PathBuf]) -> bool {
    folders.iter().any(|folder| path.starts_with(folder))
}

/// A path in a command line.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
