//! Pushes a branch to a remote.

use std::path::Path;
use std::time::Duration;

use super::call::{GitCall, GitError};
use super::repository::Repository;

impl Repository {
    /// The addresses that a push to the remote goes to; `None` where there is no such remote.
    pub fn push_addresses(&self, remote: &str) -> Result<Option<Vec<String>>, GitError> {
        match self.ask(["remote", "get-url", "--push", "--all", "--", remote]) {
            Ok(lines) => Ok(Some(lines.lines().map(str::to_owned).collect())),
            Err(GitError::Failed { words, .. }) if words.contains("No such remote") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The same address for calls in other work trees: git takes a relative path from the work tree that it is called in.
    #[must_use]
    pub fn address_from_anywhere(&self, address: &str) -> String {
        let before_slash = address.split('/').next().unwrap_or_default();
        if before_slash.contains(':') || Path::new(address).is_absolute() {
            return address.to_owned();
        }
        self.top.join(address).to_string_lossy().into_owned()
    }

    /// Pushes the branch to the branch of the same name, with the hook of the run's start. Git asks nothing.
    pub fn push(&self, remote: &str, branch: &str, deadline: Duration) -> Result<(), GitError> {
        let refs = format!("refs/heads/{branch}:refs/heads/{branch}");
        // held until the push is over
        let hooks = self.hooks_of_start()?;
        let path = hooks.as_ref().map(|(_, path)| path.to_string_lossy().into_owned());
        // what a submodule is pushed to is none of the trusted addresses
        let args = ["push", "--quiet", "--recurse-submodules=no", "--", remote, &refs];
        let call = GitCall::as_typed(&self.top, args, deadline)
            .overriding(self.overrides())
            .overriding(path.map(|path| ("core.hooksPath".to_owned(), path)))
            .env("GIT_TERMINAL_PROMPT", "0");
        call.run(&self.supervisor).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, hook, repository};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_relative_path_means_the_same_place_in_another_work_tree() {
        let (_dir, repo) = repository();
        let whole = |address: &str| repo.address_from_anywhere(address);
        assert_eq!(whole("../r.git"), repo.top.join("../r.git").to_str().unwrap());
        for other in ["/srv/r.git", "ssh://host/r.git", "host:r.git", "file:///srv/r.git"] {
            assert_eq!(whole(other), other);
        }
    }

    #[test]
    fn a_branch_is_pushed_under_its_own_name_past_the_hook() {
        let (dir, repo) = repository();
        let remote = dir.path().join("remote.git");
        git(dir.path(), &["init", "-q", "--bare", "remote.git"]);
        assert_eq!(repo.push_addresses("origin").unwrap(), None);
        git(&repo.top, &["remote", "add", "origin", remote.to_str().unwrap()]);
        let address = vec![remote.to_str().unwrap().to_owned()];
        assert_eq!(repo.push_addresses("origin").unwrap(), Some(address));
        repo.push("origin", "main", MINUTE).unwrap();
        assert_eq!(git(&remote, &["rev-parse", "main"]), git(&repo.top, &["rev-parse", "HEAD"]));
        hook(&repo.top, "pre-push", "echo never; exit 1");
        git(&repo.top, &["commit", "-q", "--allow-empty", "-m", "second"]);
        let error = repo.push("origin", "main", MINUTE).unwrap_err();
        assert!(error.words().contains("never"), "{error}");
    }
}
