//! What the user's index says that no look at the files shows.

use std::collections::BTreeSet;
use std::fs;

use super::call::GitError;
use super::path::RepoPath;
use super::snapshot::Snapshots;
use super::stamp::Stamp;

/// What is known of the user's index before a commit.
pub(super) struct UserIndex {
    /// The lock of the index was waited for in vain.
    pub(super) is_locked: bool,
    /// The index as the last look found it, when only an agent can have staged something; `None` where people may have.
    pub(super) known: Option<Stamp>,
}

impl UserIndex {
    /// People may have staged something.
    pub(super) const TOUCHED: Self = Self { is_locked: false, known: None };
}

impl Snapshots<'_> {
    /// What changed in the user's index and no look at the files shows: names that came though git
    /// ignores them, and names that went whose files git ignores now.
    pub(super) fn user_index_changes(&self) -> Result<(BTreeSet<RepoPath>, BTreeSet<RepoPath>), GitError> {
        let theirs = names(&self.repository().call(["ls-files", "-z"]).read(&self.repository().supervisor)?);
        let ours = names(&self.call(["ls-files", "-z"]).read(&self.repository().supervisor)?);
        let exists = |path: &&RepoPath| fs::symlink_metadata(self.at(path)).is_ok();
        let came: BTreeSet<RepoPath> = theirs.difference(&ours).filter(exists).cloned().collect();
        let went: Vec<&RepoPath> = ours.difference(&theirs).filter(exists).collect();
        let forget = self.ignored_of(&went)?;
        Ok((came, forget))
    }

    /// Whether the path is in the user's index.
    pub(super) fn is_tracked_by_user(&self, path: &RepoPath) -> Result<bool, GitError> {
        let call = self.repository().call(["ls-files", "-z", "--"]).arg(path.as_path());
        let listed = call.env("GIT_LITERAL_PATHSPECS", "1").read(&self.repository().supervisor)?;
        Ok(!listed.is_empty())
    }

    /// Those of these paths that git ignores, whether it has them or not.
    pub(super) fn ignored_of(&self, paths: &[&RepoPath]) -> Result<BTreeSet<RepoPath>, GitError> {
        if paths.is_empty() {
            return Ok(BTreeSet::new());
        }
        let input = paths.iter().flat_map(|path| [path.bytes(), b"\0"].concat()).collect::<Vec<u8>>();
        let call = self.repository().call(["check-ignore", "-z", "--no-index", "--stdin"]).stdin(&input);
        match call.read(&self.repository().supervisor) {
            Ok(ignored) => Ok(names(&ignored)),
            // none of them is ignored: they are files like any other
            Err(GitError::Failed { code: Some(1), .. }) => Ok(BTreeSet::new()),
            Err(error) => Err(error),
        }
    }
}

fn names(list: &[u8]) -> BTreeSet<RepoPath> {
    let names = list.split(|b| *b == 0).filter(|name| !name.is_empty());
    names.map(RepoPath::new).filter(|path| !path.is_of_seqorch()).collect()
}
