//! The folder of a spec among those of other specs, each with a file that says whose it is.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use super::git_folder::{GitFolder, is_repository};
use super::lock::is_held;
use crate::error::{Error, ErrorKind, Result};
use crate::sys::digest::digest;
use crate::sys::{files, nofollow};

/// The file that says whose folder it is in.
const OWNER: &str = "spec";
/// Bytes that it may have.
const OWNER_MAX: u64 = 64_000;

/// What the name of a spec means in a folder of folders.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Naming {
    /// Specs are named by their paths from the root of a project.
    Project(PathBuf),
    /// Specs are named by their paths in a repository.
    Git(GitFolder),
}

impl Naming {
    /// As the project sees it, so that the project may be moved.
    fn identity(&self, spec_dir: &Path) -> PathBuf {
        match self {
            Self::Project(root) => spec_dir.strip_prefix(root).unwrap_or(spec_dir).to_owned(),
            Self::Git(git) => git.identity(spec_dir),
        }
    }

    /// A spec that was moved takes its folder along.
    fn is_gone(&self, owner: &Path) -> bool {
        match self {
            Self::Project(root) => !root.join(owner).exists(),
            Self::Git(git) => git.is_gone(owner),
        }
    }
}

/// `.seqorch` of the project at `root`, made where it is missing. What lies there is in no commit, and makes no work tree dirty.
pub fn ignored_folder(root: &Path) -> Result<PathBuf> {
    let home = root.join(".seqorch");
    files::create_private_dir(&home)?;
    let ignore = home.join(".gitignore");
    if fs::symlink_metadata(&ignore).is_err() {
        files::replace(&ignore, b"*\n", 0o644)?;
    }
    Ok(home)
}

/// The folder of one spec.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SpecFolder {
    pub(super) path: PathBuf,
    /// Who the spec is.
    me: PathBuf,
    naming: Naming,
}

impl SpecFolder {
    /// `.seqorch/SPEC` of the project at `root`.
    pub(super) fn of_project(root: &Path, spec_dir: &Path, spec: &str) -> Self {
        Self::find(&root.join(".seqorch"), Naming::Project(root.to_owned()), spec_dir, spec)
    }

    /// `seqorch/SPEC` in git's folder; `None` where the project is in no repository.
    pub(super) fn of_repository(root: &Path, spec_dir: &Path, spec: &str) -> Option<Self> {
        let git = GitFolder::find(root)?;
        let home = git.common.join("seqorch");
        Some(Self::find(&home, Naming::Git(git), spec_dir, spec))
    }

    /// If several specs have the same name, the first of them that runs gets the folder with that name.
    fn find(home: &Path, naming: Naming, spec_dir: &Path, spec: &str) -> Self {
        let plain = home.join(folder_name(spec));
        let me = naming.identity(spec_dir);
        let owner = owner(&plain);
        let path = if owner.as_deref() == Some(&me) {
            plain
        } else {
            // a spec keeps the folder that it got once, also when the other spec is gone
            let (other, exists) = other_folder(home, spec, spec_dir, &me);
            let ours = owner.is_none_or(|owner| naming.is_gone(&owner));
            if ours && !exists { plain } else { other }
        };
        Self { path, me, naming }
    }

    /// The folder of git that belongs to the work tree of the spec.
    pub(super) fn git_dir(&self) -> Option<PathBuf> {
        match &self.naming {
            Naming::Git(git) => Some(git.git_dir()),
            Naming::Project(_) => None,
        }
    }

    /// The folders of the other specs in the same place, and where these specs are: those that are there, in the same project or
    /// work tree.
    pub(super) fn siblings(&self) -> Vec<(PathBuf, OsString)> {
        let entries = self.path.parent().map(fs::read_dir).into_iter().flatten().flatten().flatten();
        let mut found: Vec<(PathBuf, OsString)> = entries
            .filter_map(|entry| {
                let owner = owner(&entry.path()).filter(|owner| *owner != self.me)?;
                let spec = match &self.naming {
                    Naming::Project(root) => root.join(owner),
                    Naming::Git(git) => git.spec_of(&owner)?,
                };
                spec.exists().then(|| (spec, entry.file_name()))
            })
            .collect();
        found.sort();
        found
    }

    /// The folder of git that it is in, where that is no repository any more.
    pub(super) fn removed_repository(&self) -> Option<PathBuf> {
        match &self.naming {
            Naming::Git(git) => (!is_repository(&git.common)).then(|| git.common.clone()),
            Naming::Project(_) => None,
        }
    }

    /// Makes the folder and writes down whose it is.
    pub(super) fn claim(&self) -> Result<()> {
        files::create_private_dir(&self.path)?;
        let path = self.path.join(OWNER);
        match owner(&self.path) {
            Some(owner) if owner == self.me => return Ok(()),
            // a run that works there may have lost its spec for a moment only
            Some(owner) if !self.naming.is_gone(&owner) || is_held(&self.path.join(RUN_LOCK)) => {
                return Err(Error::new(
                    ErrorKind::Locked,
                    format!("{} has just become that of the spec {}", self.path.display(), owner.display()),
                )
                .hint("Try again: this spec then gets a folder of its own."));
            }
            Some(_) => return files::replace(&path, self.me.as_os_str().as_bytes(), 0o600),
            None => {}
        }
        let failed = |e| Error::io("writing", &path, e);
        if path.exists() {
            // an empty one, which says nothing
            fs::remove_file(&path).map_err(failed)?;
        }
        // of two that begin at once, one is the first
        if files::create_new(&path, self.me.as_os_str().as_bytes(), 0o600)? { Ok(()) } else { self.claim() }
    }
}

/// What is kept of specs that are not there any more, because their folders were renamed or removed: where each spec was,
/// as its project or repository names it, and the folder. Those that a run holds are left out.
#[must_use]
pub fn of_gone_specs(root: &Path) -> Vec<(PathBuf, PathBuf)> {
    let in_project = (root.join(".seqorch"), Naming::Project(root.to_owned()));
    let in_git = GitFolder::find(root).map(|git| (git.common.join("seqorch"), Naming::Git(git)));
    let mut found = Vec::new();
    for (home, naming) in [in_project].into_iter().chain(in_git) {
        for entry in fs::read_dir(home).into_iter().flatten().flatten() {
            let folder = entry.path();
            let Some(owner) = owner(&folder).filter(|owner| naming.is_gone(owner)) else { continue };
            if !is_held(&folder.join(RUN_LOCK)) {
                found.push((owner, folder));
            }
        }
    }
    found.sort();
    found
}

/// The lock of a run, in the folder of its spec.
pub(super) const RUN_LOCK: &str = "run.lock";

/// Whose folder it is, where that is known.
pub(super) fn owner(folder: &Path) -> Option<PathBuf> {
    let bytes = nofollow::read(&folder.join(OWNER), OWNER_MAX).ok().filter(|bytes| !bytes.is_empty())?;
    Some(OsString::from_vec(bytes).into())
}

/// The folder of a spec when another spec of the same name has the plain folder, and whether it exists. The file in the
/// folder names its spec, so it is found also when the project was moved.
fn other_folder(home: &Path, spec: &str, spec_dir: &Path, me: &Path) -> (PathBuf, bool) {
    let stem = format!("{}~", folder_name(spec));
    let place = format!("{spec} {}", spec_dir.display());
    let fresh = home.join(format!("{stem}{}", digest(place.as_bytes())));
    let siblings = fs::read_dir(home).into_iter().flatten().flatten();
    let mut named = siblings.filter(|e| e.file_name().to_string_lossy().starts_with(&stem)).map(|e| e.path());
    let known = named.find(|folder| owner(folder).as_deref() == Some(me));
    let exists = known.is_some() || fresh.exists();
    (known.unwrap_or(fresh), exists)
}

/// A name as one path component: readable, and different for different names.
pub(super) fn folder_name(name: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
    let mut safe: String = name.chars().map(|c| if plain(c) { c } else { '_' }).take(60).collect();
    if safe != name || safe.starts_with('.') || safe.is_empty() {
        // so that two names that differ in what was replaced or cut differ here, too
        safe = format!("{}~{}", safe.trim_start_matches('.'), digest(name.as_bytes()));
    }
    safe
}

/// Refuses to write the state where its folder is gone, and with it the specs: an agent or a person has removed it.
pub(super) fn check_place(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.exists()) else { return Ok(()) };
    let text = format!("there is no {} any more, where the state and the specs were", folder.display());
    let hint = "Bring it back, then run again: what an agent has done is known, and no agent works twice.";
    Err(Error::new(ErrorKind::NoSpec, text).hint(hint))
}
