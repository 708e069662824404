//! Where a work tree begins, and git's folders of it, found by reading files.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

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

    /// What git writes for a commit, as far as it is there already and this user may not write it: nothing else shows that
    /// before git does.
    #[must_use]
    pub fn closed_to_commits(&self) -> Vec<(PathBuf, &'static str)> {
        let is_closed = |(path, _): &(PathBuf, &str)| {
            let needed = if path.is_dir() { Access::WRITE_OK | Access::EXEC_OK } else { Access::WRITE_OK };
            path.exists() && access(path, needed).is_err()
        };
        self.places_of_commits().into_iter().filter(is_closed).collect()
    }

    fn places_of_commits(&self) -> Vec<(PathBuf, &'static str)> {
        let (Some(shared), Some(own)) = (self.git.first(), self.git.last()) else { return Vec::new() };
        let logs = "log of git's references";
        let mut all = vec![(own.join("logs"), logs), (own.join("logs/HEAD"), logs)];
        let branch = self.branch().unwrap_or_default();
        for (kind, what) in [("refs", "references of git"), ("logs/refs", logs)] {
            // a branch with slashes lies in folders of its own
            let mut at = shared.join(kind).join("heads");
            for part in branch.split('/') {
                all.push((at.clone(), what));
                at.push(part);
            }
        }
        let is_fan_out = |name: &OsStr| name.len() == 2 && name.as_bytes().iter().all(u8::is_ascii_hexdigit);
        let objects = fs::read_dir(shared.join("objects")).into_iter().flatten().flatten();
        let objects = objects.filter(|entry| is_fan_out(&entry.file_name()));
        all.extend(objects.map(|entry| (entry.path(), "objects of git")));
        all
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_places_of_a_commit_are_those_of_its_branch() {
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().canonicalize().unwrap();
        for folder in ["refs/heads/my", "objects/ab", "objects/pack", "logs/refs/heads"] {
            fs::create_dir_all(top.join(".git").join(folder)).unwrap();
        }
        fs::write(top.join(".git/HEAD"), "ref: refs/heads/my/branch\n").unwrap();
        fs::write(top.join(".git/logs/HEAD"), "").unwrap();
        let folders = WorkTreeFolders::find(&top).unwrap();
        let found = folders.places_of_commits();
        let mut there: Vec<_> =
            found.iter().map(|(path, _)| path.strip_prefix(top.join(".git")).unwrap()).collect();
        there.retain(|path| top.join(".git").join(path).exists());
        let expected = ["logs", "logs/HEAD", "refs/heads", "refs/heads/my", "logs/refs/heads", "objects/ab"]
            .map(Path::new);
        assert_eq!(there, expected);
        assert_eq!(folders.closed_to_commits(), []);
    }
}
