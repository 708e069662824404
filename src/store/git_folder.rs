//! Where git keeps what belongs to a work tree. What agents remove with `git clean` does not lie there.
//!
//! Found by reading files, because every command needs it, and starting git costs more than most of them do.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// Bytes of a file of git that are read: one path.
const ONE_PATH: u64 = 8192;

/// A work tree, and the folder of git that all work trees of its repository share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GitFolder {
    /// The shared folder.
    pub(super) common: PathBuf,
    /// The top of the work tree.
    pub(super) top: PathBuf,
    /// The name of a work tree that git linked to the repository; `None` for the first one.
    linked: Option<String>,
}

impl GitFolder {
    /// The repository that `dir` is in, if its folder can be written.
    pub(super) fn find(dir: &Path) -> Option<Self> {
        let (top, git_dir, common) = places(dir)?;
        let is_linked = git_dir.join("commondir").is_file();
        let name = || git_dir.file_name().map(|name| name.to_string_lossy().into_owned());
        let linked = is_linked.then(name).flatten();
        let can_write = access(&common, Access::WRITE_OK | Access::EXEC_OK).is_ok();
        can_write.then_some(Self { common, top, linked })
    }

    /// The folder of git that belongs to this work tree alone.
    pub(super) fn git_dir(&self) -> PathBuf {
        let linked = self.linked.as_ref();
        linked.map_or_else(|| self.common.clone(), |name| self.common.join("worktrees").join(name))
    }

    /// How a spec is named among all specs of the repository: the project may be moved, and a spec may be in several work
    /// trees.
    pub(super) fn identity(&self, spec_dir: &Path) -> PathBuf {
        let relative = spec_dir.strip_prefix(&self.top).unwrap_or(spec_dir);
        match &self.linked {
            None => relative.to_owned(),
            Some(name) => Path::new(&format!("{LINKED}{name}:")).join(relative),
        }
    }

    /// Where the spec of an identity is; `None` for one of another work tree.
    pub(super) fn spec_of(&self, identity: &Path) -> Option<PathBuf> {
        let Some(name) = &self.linked else {
            return (!identity.to_string_lossy().starts_with(LINKED)).then(|| self.top.join(identity));
        };
        Some(self.top.join(identity.strip_prefix(format!("{LINKED}{name}:")).ok()?))
    }

    /// Whether the spec of an identity is not there any more.
    pub(super) fn is_gone(&self, identity: &Path) -> bool {
        let first = identity.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned());
        let name = first.as_deref().and_then(|first| first.strip_prefix(LINKED)?.strip_suffix(':'));
        match name {
            Some(name) => {
                let rest: PathBuf = identity.components().skip(1).collect();
                let gitdir = self.common.join("worktrees").join(name).join("gitdir");
                read_path(&gitdir).is_none_or(|dot| !dot.with_file_name("").join(rest).exists())
            }
            None if self.linked.is_none() => !self.top.join(identity).exists(),
            // the first work tree is beside its folder of git, as far as that is known
            None => self.common.ends_with(".git") && !self.common.with_file_name("").join(identity).exists(),
        }
    }
}

/// The top of the work tree that `dir` is in, git's folder of it, and the folder that all its work trees share.
pub(super) fn places(dir: &Path) -> Option<(PathBuf, PathBuf, PathBuf)> {
    let top = dir.ancestors().find(|dir| fs::symlink_metadata(dir.join(".git")).is_ok())?;
    let dot = top.join(".git");
    let git_dir = if dot.is_dir() {
        dot
    } else {
        let text = read_path(&dot)?;
        let path = text.as_os_str().as_bytes().strip_prefix(b"gitdir: ")?;
        top.join(OsStr::from_bytes(path))
    };
    let common = read_path(&git_dir.join("commondir"));
    let common = common.map_or_else(|| git_dir.clone(), |common| git_dir.join(common));
    let common = fs::canonicalize(common).ok()?;
    is_repository(&common).then(|| (top.to_owned(), git_dir, common))
}

/// Where HEAD of a work tree is.
pub(super) enum HeadPlace {
    /// On this branch.
    Branch(String),
    /// On none.
    Detached,
}

/// Where HEAD is in the work tree at `top`, as git's file says it; `None`: the file does not say.
pub(super) fn head_of(top: &Path) -> Option<HeadPlace> {
    let (_, git_dir, _) = places(top)?;
    let text = fs::read_to_string(git_dir.join("HEAD")).ok()?;
    let Some(name) = text.trim_end().strip_prefix("ref: ") else { return Some(HeadPlace::Detached) };
    // where git keeps refs in tables, the file names a ref that cannot be
    let branch = name.strip_prefix("refs/heads/").filter(|name| *name != ".invalid")?;
    Some(HeadPlace::Branch(branch.to_owned()))
}

/// Whether a folder of git has what makes it one.
pub(super) fn is_repository(common: &Path) -> bool {
    fs::symlink_metadata(common.join("HEAD")).is_ok() && common.join("objects").is_dir()
}

/// How the name of a linked work tree begins in an identity.
const LINKED: &str = "worktree@";

/// The path in a file of git; `None` where there is no such plain file.
fn read_path(file: &Path) -> Option<PathBuf> {
    if !fs::metadata(file).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    File::open(file).ok()?.take(ONE_PATH).read_to_end(&mut bytes).ok()?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Some(PathBuf::from(OsStr::from_bytes(line)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn repository(git_dir: &Path) {
        fs::create_dir_all(git_dir.join("objects")).unwrap();
        fs::write(git_dir.join("HEAD"), "ref: refs/heads/main\n").unwrap();
    }

    #[test]
    fn a_linked_work_tree_shares_the_folder_and_has_a_name_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap();
        repository(&root.join("main/.git"));
        let linked = root.join("main/.git/worktrees/other");
        fs::create_dir_all(&linked).unwrap();
        fs::write(linked.join("commondir"), "../..\n").unwrap();
        fs::write(linked.join("gitdir"), format!("{}\n", root.join("other/.git").display())).unwrap();
        fs::create_dir_all(root.join("other/specs/a")).unwrap();
        fs::create_dir_all(root.join("main/specs/b")).unwrap();
        fs::write(root.join("other/.git"), format!("gitdir: {}\n", linked.display())).unwrap();
        let main = GitFolder::find(&root.join("main/specs")).unwrap();
        let other = GitFolder::find(&root.join("other")).unwrap();
        assert_eq!(main.common, other.common);
        let (a, b) = (other.identity(&root.join("other/specs/a")), main.identity(&root.join("main/specs/b")));
        assert_eq!((a.as_path(), b.as_path()), (Path::new("worktree@other:/specs/a"), Path::new("specs/b")));
        for folder in [&main, &other] {
            assert!(!folder.is_gone(&a) && !folder.is_gone(&b));
            assert!(folder.is_gone(Path::new("worktree@other:/specs/c")));
            assert!(
                folder.is_gone(Path::new("worktree@gone:/specs/a")) && folder.is_gone(Path::new("specs/a"))
            );
        }
    }

    #[test]
    fn what_only_looks_like_a_repository_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(GitFolder::find(dir.path()), None);
        fs::create_dir(dir.path().join(".git")).unwrap();
        assert_eq!(GitFolder::find(dir.path()), None);
    }
}
