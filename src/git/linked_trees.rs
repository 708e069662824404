//! Work trees that git links to a repository: listed, made and removed.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::call::GitError;
use super::repository::Repository;

/// A work tree of a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkedTree {
    /// Its top, as git knows it.
    pub top: PathBuf,
    /// The branch that is checked out in it.
    pub branch: Option<String>,
    /// Its files are gone: somebody removed or moved it by hand.
    pub is_missing: bool,
}

/// What a work tree is made with.
#[derive(Debug, Clone, Copy)]
pub struct NewTree<'a> {
    /// Where.
    pub top: &'a Path,
    /// The branch that is checked out in it.
    pub branch: &'a str,
    /// The commit that the branch is made from; `None`: it exists.
    pub from: Option<&'a str>,
    /// Git knows a tree at this place, or one with this branch, that is missing.
    pub replaces_missing: bool,
    /// How long git may take.
    pub deadline: Duration,
}

impl Repository {
    /// All work trees; the first one is that of the repository itself.
    pub fn trees(&self) -> Result<Vec<LinkedTree>, GitError> {
        let printed = self.call(["worktree", "list", "--porcelain", "-z"]).read(&self.supervisor)?;
        let mut found: Vec<LinkedTree> = Vec::new();
        for line in printed.split(|b| *b == 0) {
            if let Some(top) = line.strip_prefix(b"worktree ") {
                let top = PathBuf::from(OsStr::from_bytes(top));
                let is_missing = !top.join(".git").exists() && !found.is_empty();
                found.push(LinkedTree { top, branch: None, is_missing });
            }
            if let (Some(tree), Some(name)) = (found.last_mut(), line.strip_prefix(b"branch refs/heads/")) {
                tree.branch = Some(String::from_utf8_lossy(name).into_owned());
            }
        }
        Ok(found)
    }

    /// Makes a work tree. No hook runs.
    pub fn add_tree(&self, new: &NewTree<'_>) -> Result<(), GitError> {
        let mut args = vec!["worktree", "add", "--quiet"];
        args.extend(new.replaces_missing.then_some("--force"));
        if new.from.is_some() {
            // the branch that is made follows none, whatever the settings say
            args.extend(["--no-track", "-b", new.branch]);
        }
        let call = self.call(args).arg("--").arg(new.top).arg(new.from.unwrap_or(new.branch));
        call.within(new.deadline).run_patiently(&self.supervisor).map(drop)
    }

    /// Removes a work tree with all its files, also one that git was about to make.
    pub fn remove_tree(&self, top: &Path, deadline: Duration) -> Result<(), GitError> {
        let call = self.call(["worktree", "remove", "--force", "--force", "--"]).arg(top);
        call.within(deadline).run_patiently(&self.supervisor).map(drop)
    }

    /// Deletes a branch, with whatever commits it has.
    pub fn delete_branch(&self, branch: &str) -> Result<(), GitError> {
        self.call(["branch", "--quiet", "-D", "--", branch]).run_patiently(&self.supervisor).map(drop)
    }

    /// The commit that HEAD is; `None` before the first one.
    pub fn head(&self) -> Result<Option<String>, GitError> {
        match self.ask(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]) {
            Ok(commit) => Ok(Some(commit)),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether a commit has a file at this path, which is relative to the top.
    pub fn has_file(&self, commit: &str, path: &Path) -> Result<bool, GitError> {
        let mut name = std::ffi::OsString::from(format!("{commit}:"));
        name.push(path);
        match self.call(["cat-file", "-e"]).arg(name).read(&self.supervisor) {
            Ok(_) => Ok(true),
            Err(GitError::Failed { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// How many commits a branch has that HEAD lacks.
    pub fn commits_ahead(&self, branch: &str) -> Result<usize, GitError> {
        let range = format!("HEAD..refs/heads/{branch}");
        let printed = self.ask(["rev-list", "--count", &range])?;
        count(&printed)
    }

    /// How many commits HEAD has that no ref has which lasts: not those of this work tree alone, nor those of seqorch.
    pub fn commits_without_ref(&self) -> Result<usize, GitError> {
        let mut args = vec!["rev-list", "--count", "HEAD", "--not"];
        // `--all` would count HEAD itself
        args.extend(PASSING_REFS);
        args.push("--glob=refs/*");
        count(&self.ask(args)?)
    }
}

/// Refs that go with a work tree, or with what is kept of runs.
const PASSING_REFS: [&str; 4] = [
    "--exclude=refs/bisect/*",
    "--exclude=refs/rewritten/*",
    "--exclude=refs/worktree/*",
    "--exclude=refs/seqorch/*",
];

fn count(printed: &str) -> Result<usize, GitError> {
    printed.parse().map_err(|_| GitError::Unusable { why: format!("git counts {printed:?} commits") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository};

    const MINUTE: Duration = Duration::from_secs(60);

    fn new<'a>(top: &'a Path, from: Option<&'a str>) -> NewTree<'a> {
        NewTree { top, branch: "b", from, replaces_missing: false, deadline: MINUTE }
    }

    #[test]
    fn a_tree_is_made_with_its_branch_listed_and_removed() {
        let (dir, repo) = repository();
        let top = std::fs::canonicalize(dir.path()).unwrap().join("tree");
        let head = repo.head().unwrap().unwrap();
        repo.add_tree(&new(&top, Some(&head))).unwrap();
        let trees = repo.trees().unwrap();
        let tree = LinkedTree { top: top.clone(), branch: Some("b".to_owned()), is_missing: false };
        assert_eq!(trees[1..], [tree]);
        git(&top, &["commit", "-q", "--allow-empty", "-m", "more"]);
        assert_eq!(repo.commits_ahead("b").unwrap(), 1);
        std::fs::write(top.join("new"), "").unwrap();
        repo.remove_tree(&top, MINUTE).unwrap();
        assert!(!top.exists());
        repo.add_tree(&new(&top, None)).unwrap();
        repo.remove_tree(&top, MINUTE).unwrap();
        repo.delete_branch("b").unwrap();
        assert_eq!(repo.commit_of_branch("b").unwrap(), None);
    }

    #[test]
    fn commits_of_a_detached_head_count_until_a_branch_has_them() {
        let (_dir, repo) = repository();
        git(&repo.top, &["checkout", "-q", "--detach"]);
        assert_eq!(repo.commits_without_ref().unwrap(), 0);
        git(&repo.top, &["commit", "-q", "--allow-empty", "-m", "more"]);
        git(&repo.top, &["update-ref", "refs/worktree/mine", "HEAD"]);
        assert_eq!(repo.commits_without_ref().unwrap(), 1);
        git(&repo.top, &["branch", "kept"]);
        assert_eq!(repo.commits_without_ref().unwrap(), 0);
    }

    #[test]
    fn a_tree_that_was_removed_by_hand_is_missing_and_can_be_made_again() {
        let (dir, repo) = repository();
        let top = std::fs::canonicalize(dir.path()).unwrap().join("tree");
        let head = repo.head().unwrap().unwrap();
        repo.add_tree(&new(&top, Some(&head))).unwrap();
        std::fs::remove_dir_all(&top).unwrap();
        assert!(repo.trees().unwrap()[1].is_missing);
        assert!(repo.add_tree(&new(&top, None)).is_err());
        repo.add_tree(&NewTree { replaces_missing: true, ..new(&top, None) }).unwrap();
        assert!(top.join("first").exists());
    }

    #[test]
    fn a_commit_has_what_was_committed_and_nothing_else() {
        let (_dir, repo) = repository();
        std::fs::write(repo.top.join("second"), "").unwrap();
        let has = |path: &str| repo.has_file("HEAD", Path::new(path)).unwrap();
        assert_eq!((has("first"), has("second")), (true, false));
    }
}
