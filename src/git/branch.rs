//! The branch that HEAD is on, and the way to another one.

use std::time::Duration;

use super::call::{GitCall, GitError, one_line};
use super::repository::Repository;

/// Where the refs of branches are.
const HEADS: &str = "refs/heads/";

impl Repository {
    /// The branch that HEAD is on, also before its first commit; `None` where HEAD is detached.
    pub fn branch(&self) -> Result<Option<String>, GitError> {
        match self.ask(["symbolic-ref", "--quiet", "HEAD"]) {
            Ok(name) => Ok(Some(name.strip_prefix(HEADS).unwrap_or(&name).to_owned())),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The commit of a branch; `None` where there is no such branch.
    pub fn commit_of_branch(&self, branch: &str) -> Result<Option<String>, GitError> {
        self.commit_of_ref(&format!("{HEADS}{branch}"))
    }

    /// The commit of a branch of a remote, as it was when git saw it last; `None` if it never did.
    pub fn commit_at_remote(&self, remote: &str, branch: &str) -> Result<Option<String>, GitError> {
        self.commit_of_ref(&format!("refs/remotes/{remote}/{branch}"))
    }

    fn commit_of_ref(&self, name: &str) -> Result<Option<String>, GitError> {
        match self.ask(["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]) {
            Ok(commit) => Ok(Some(commit)),
            Err(GitError::Failed { code: Some(1), .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Goes to a branch in this work tree, and makes it from HEAD where it does not exist. Files that are not committed stay as
    /// they are; an error, with git's words, where they are in the way. Returns whether the branch is new.
    pub fn switch(&self, branch: &str, deadline: Duration) -> Result<bool, GitError> {
        let is_new = self.commit_of_branch(branch)?.is_none();
        let args: &[&str] =
            if is_new { &["switch", "--quiet", "-c"] } else { &["switch", "--quiet", "--no-guess"] };
        self.call(args).arg(branch).within(deadline).run_patiently(&self.supervisor)?;
        Ok(is_new)
    }

    /// Whether git takes a text as the name of a branch.
    pub fn check_branch_name(&self, branch: &str) -> Result<(), GitError> {
        GitCall::new(&self.top, ["check-ref-format", "--branch", branch])
            .run(&self.supervisor)
            .map(|bytes| drop(one_line(&bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::testing::{git, repository, unborn};

    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn a_branch_is_made_from_head_once_and_keeps_what_is_not_committed() {
        let (_dir, repo) = repository();
        std::fs::write(repo.top.join("first"), "edited\n").unwrap();
        assert!(repo.switch("seqorch/a", MINUTE).unwrap());
        assert_eq!(repo.branch().unwrap().as_deref(), Some("seqorch/a"));
        assert_eq!(std::fs::read_to_string(repo.top.join("first")).unwrap(), "edited\n");
        assert!(repo.switch("main", MINUTE).is_ok_and(|is_new| !is_new));
        assert!(repo.switch("seqorch/a", MINUTE).is_ok_and(|is_new| !is_new));
    }

    #[test]
    fn a_detached_head_is_on_no_branch_and_an_unborn_one_is_on_one() {
        let (_dir, repo) = repository();
        git(&repo.top, &["checkout", "-q", "--detach"]);
        assert_eq!(repo.branch().unwrap(), None);
        let (_dir, unborn) = unborn();
        assert_eq!(unborn.branch().unwrap().as_deref(), Some("main"));
        assert_eq!(unborn.commit_of_branch("main").unwrap(), None);
        assert!(unborn.switch("new", MINUTE).unwrap());
        assert_eq!(unborn.branch().unwrap().as_deref(), Some("new"));
    }

    #[test]
    fn what_is_no_name_of_a_branch_is_refused_with_gits_words() {
        let (_dir, repo) = repository();
        assert!(repo.check_branch_name("seqorch/a b").is_err());
        assert!(repo.check_branch_name("seqorch/a").is_ok());
    }
}
